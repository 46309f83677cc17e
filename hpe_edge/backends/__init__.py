"""Backends, found through the entry-point group ``hpe_edge.backends``; none is imported before use."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Final, cast

import numpy as np

from hpe_edge._plugins import load_plugin, plugin_names
from hpe_edge.backends.base import Backend, BackendInfo, FrameBackend, file_kind
from hpe_edge.errors import BackendError, MissingDependencyError
from hpe_edge.modelcard import ModelCard

__all__ = ["AUTO_ORDER", "Backend", "BackendInfo", "FrameBackend", "available_backends", "file_kind", "open_backend"]

GROUP: Final = "hpe_edge.backends"

_TRIALS: Final = 15

AUTO_ORDER: Final = ("native", "onnxruntime")
"""What ``backend="auto"`` tries, in this order: the first that reads a file of the card. ``HeadPose.info`` names it."""


def available_backends() -> list[str]:
    """Names of the registered backends; that one is registered does not mean its library is installed."""
    return plugin_names(GROUP)


def open_backend(name: str, card: ModelCard, read: Callable[[str], bytes], *, precision: str, threads: int) -> Backend:
    """Load a model's network into a backend.

    Args:
        name: a registered name, or ``"auto"`` for the first of ``AUTO_ORDER`` that reads a file of the card and whose
            library is installed.
        card: the model's card.
        read: gives the verified bytes of the model's file of a kind.
        precision: ``"fp32"``, ``"int8"``, or ``"auto"``: where the card has an 8-bit file that keeps its bound, what
            runs faster here, tried for a few milliseconds.
        threads: threads that one call may use.

    Raises:
        InvalidArgumentError: no such backend.
        MissingDependencyError: its library is not installed; the message names the pip command.
        BackendError, CorruptModelError, ModelNotFoundError: it cannot load this model.
    """
    factory = _first_usable(card) if name == "auto" else _factory(name)

    def load(arithmetic: str) -> Backend:
        data = read(file_kind(factory, arithmetic))
        return factory(data, card, precision=arithmetic, threads=threads)

    if precision != "auto":
        return load(precision)
    if not _keeps_bound(card) or file_kind(factory, "int8") not in card.files:
        return load("fp32")
    return _faster(load("fp32"), load("int8"), card)


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


def _factory(name: str) -> type[Backend]:
    return cast("type[Backend]", load_plugin(GROUP, name, "backend"))


def _first_usable(card: ModelCard) -> type[Backend]:
    missing: list[MissingDependencyError] = []
    for name in AUTO_ORDER:
        try:
            factory = _factory(name)
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
