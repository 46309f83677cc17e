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

AUTO_ORDER: Final = ("onnxruntime",)
"""What ``backend="auto"`` tries, in this order; the one that runs is reported in ``HeadPose.info``."""


def available_backends() -> list[str]:
    """Names of the registered backends; that one is registered does not mean its library is installed."""
    return plugin_names(GROUP)


def open_backend(
    name: str, card: ModelCard, read: Callable[[str], bytes], *, precision: str, threads: int
) -> Backend:
    """Load a model's network into a backend.

    Args:
        name: a registered name, or ``"auto"`` for the first of ``AUTO_ORDER`` whose library is installed.
        card: the model's card.
        read: gives the verified bytes of the model's file of a kind.
        precision: arithmetic of the network, e.g. ``"fp32"``.
        threads: threads that one call may use.

    Raises:
        InvalidArgumentError: no such backend.
        MissingDependencyError: its library is not installed; the message names the pip command.
        BackendError, CorruptModelError, ModelNotFoundError: it cannot load this model.
    """
    if name != "auto":
        factory = cast("type[Backend]", load_plugin(GROUP, name, "backend"))
        return factory(read(factory.file_kind), card, precision=precision, threads=threads)
    missing: list[MissingDependencyError] = []
    for candidate in AUTO_ORDER:
        try:
            return open_backend(candidate, card, read, precision=precision, threads=threads)
        except MissingDependencyError as error:
            missing.append(error)
    if not missing:
        raise BackendError("backend: expected at least one backend to try, got none; reinstall hpe-edge")
    raise missing[0]
