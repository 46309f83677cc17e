"""Backends, found through the entry-point group ``hpe_edge.backends``; none is imported before use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

from hpe_edge._plugins import load_plugin, plugin_names
from hpe_edge.backends.base import Backend, BackendInfo
from hpe_edge.errors import BackendError, MissingDependencyError
from hpe_edge.modelcard import ModelCard

__all__ = ["AUTO_ORDER", "Backend", "BackendInfo", "available_backends", "open_backend"]

GROUP: Final = "hpe_edge.backends"

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
        precision: arithmetic of the network, e.g. ``"fp32"``.
        threads: threads that one call may use.

    Raises:
        InvalidArgumentError: no such backend.
        MissingDependencyError: its library is not installed; the message names the pip command.
        BackendError, CorruptModelError, ModelNotFoundError: it cannot load this model.
    """
    factory = _first_usable(card) if name == "auto" else _factory(name)
    return factory(read(factory.file_kind), card, precision=precision, threads=threads)


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
