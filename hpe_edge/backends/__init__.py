"""Backends, found through the entry-point group ``hpe_edge.backends``; none is imported before use."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from typing import Final, cast

import numpy as np

from hpe_edge._plugins import load_plugin, plugin_names
from hpe_edge.backends.base import Backend, BackendInfo, Device, FrameBackend, file_kind
from hpe_edge.backends.naming import BackendName, options_for, parse_backend
from hpe_edge.errors import BackendError, InvalidArgumentError, MissingDependencyError
from hpe_edge.modelcard import ModelCard

__all__ = [
    "AUTO_ORDER",
    "Backend",
    "BackendInfo",
    "Device",
    "FrameBackend",
    "available_backends",
    "backend_class",
    "backend_devices",
    "file_kind",
    "open_backend",
]

GROUP: Final = "hpe_edge.backends"

_TRIALS: Final = 15

AUTO_ORDER: Final = ("native", "onnxruntime")
"""What ``backend="auto"`` tries, in this order: the first that reads a file of the card. ``HeadPose.info`` names it."""


def available_backends() -> list[str]:
    """Names of the registered backends; that one is registered does not mean its library is installed."""
    return plugin_names(GROUP)


def backend_class(name: str) -> type[Backend]:
    """The class behind a registered name, for what it says before a network is loaded: ``file_kind``.

    Raises:
        InvalidArgumentError, MissingDependencyError, BackendError: as :func:`open_backend`.
    """
    return cast("type[Backend]", load_plugin(GROUP, name, "backend"))


def backend_devices(name: str) -> list[Device]:
    """The devices of a registered backend, in the order that ``NAME:auto`` tries.

    Raises:
        InvalidArgumentError, MissingDependencyError, BackendError: as :func:`open_backend`.

    >>> backend_devices("native")
    [Device(name='cpu', precisions=('fp32', 'int8'), problem=None)]
    """
    return _devices(backend_class(name))


def open_backend(name: str, card: ModelCard, read: Callable[[str], bytes], *, precision: str, threads: int) -> Backend:
    """Load a model's network into a backend.

    Args:
        name: a registered name, with a device and options behind a colon where it has such
            (:func:`hpe_edge.backends.naming.parse_backend`); the device is the CPU where none is named, and ``auto``
            takes the first that loads. Or ``"auto"`` for the first of ``AUTO_ORDER`` that reads a file of the card and
            whose library is installed.
        card: the model's card.
        read: gives the verified bytes of the model's file of a kind.
        precision: ``"fp32"``, ``"int8"``, ``"fp16"`` or ``"bf16"`` where the device computes in it, or ``"auto"``:
            float32, but on the CPU, where the card has an 8-bit file that keeps its bound, what runs faster here,
            tried for a few milliseconds.
        threads: threads that one call may use.

    Raises:
        InvalidArgumentError: no such backend, device or option.
        MissingDependencyError: its library is not installed; the message names the pip command.
        BackendError, CorruptModelError, ModelNotFoundError: it cannot load this model, or not as it was asked to.
    """
    found = parse_backend(name)
    factory = _first_usable(card) if found.name == "auto" else backend_class(found.name)
    options = options_for(factory, found)

    def load(arithmetic: str, **options: str) -> Backend:
        able = _precisions(factory)
        if arithmetic not in able:
            raise BackendError(f"precision: {found.name!r} computes in {' or '.join(able)}, got {arithmetic!r}")
        data = read(file_kind(factory, arithmetic))
        return factory(data, card, precision=arithmetic, threads=threads, **options)

    if options.get("device") == "auto":
        wanted = "fp32" if precision == "auto" else precision
        return _first_device(
            found, [each for each in _devices(factory) if wanted in each.precisions], partial(load, wanted)
        )
    if precision != "auto":
        return load(precision, **options)
    on_cpu = options.get("device", "cpu") == "cpu"
    rounded = _keeps_bound(card) and "int8" in _precisions(factory) and file_kind(factory, "int8") in card.files
    if not on_cpu or not rounded:
        return load("fp32", **options)
    return _faster(load("fp32", **options), load("int8", **options), card)


def _first_device(found: BackendName, devices: Sequence[Device], load: Callable[..., Backend]) -> Backend:
    """On the first device that loads the network."""
    problems = []
    for device in devices:
        if device.problem is None:
            try:
                return load(**{**found.options, "device": device.name})
            except (BackendError, InvalidArgumentError) as error:
                problems.append(f"{device.name}: {error}")
    raise BackendError(f"backend '{found.name}:auto': no device can be used: {'; '.join(problems) or 'it has none'}")


def _devices(factory: type[Backend]) -> list[Device]:
    devices: Callable[[], list[Device]] | None = getattr(factory, "devices", None)
    return [Device("cpu", _precisions(factory))] if devices is None else devices()


def _precisions(factory: type[Backend]) -> tuple[str, ...]:
    return tuple(getattr(factory, "precisions", ("fp32", "int8")))


def _keeps_bound(card: ModelCard) -> bool:
    return card.int8 is not None and card.int8.shift_deg <= card.int8.bound_deg


def _faster(first: Backend, second: Backend, card: ModelCard) -> Backend:
    """The one with the lower median time for one image; they take turns, so that a busy machine slows both."""
    image = np.zeros((1, 3, card.input.height, card.input.width), np.float32)
    times_ns: tuple[list[int], list[int]] = ([], [])
    for _ in range(_TRIALS):
        for backend, times in zip((first, second), times_ns, strict=True):
            start = time.perf_counter_ns()
            backend.run(image)
            times.append(time.perf_counter_ns() - start)
    return second if median(times_ns[1]) < median(times_ns[0]) else first


def _first_usable(card: ModelCard) -> type[Backend]:
    missing: list[MissingDependencyError] = []
    for name in AUTO_ORDER:
        try:
            factory = backend_class(name)
        except MissingDependencyError as error:
            missing.append(error)
            continue
        if factory.file_kind in card.files:
            return factory
    if missing:
        raise missing[0]
    raise BackendError(
        f"model {card.name!r}: no backend reads its files ({sorted(card.files)}): expected one for {list(AUTO_ORDER)}; "
        "name the backend that does"
    )
