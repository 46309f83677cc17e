"""Runtimes with a file format of their own: the benchmark converts a card's float32 ONNX file for them.

They are no backends: a card has no file for them, and what converts it is far larger than what runs it. Adding one is
one module here with ``convert`` and ``Network``, and its name in ``NAMES``.
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from hpe_edge.backends import Backend
from hpe_edge.estimator import HeadPose
from hpe_edge.hub import resolve

__all__ = ["NAMES", "RuntimePose", "convert"]

NAMES: Final = ("litert", "mnn", "ncnn")
"""Each is a module of this package; none is imported before use."""


def convert(name: str, onnx: bytes, folder: Path) -> Path:
    """Convert an ONNX file for a runtime.

    Args:
        name: of ``NAMES``.
        onnx: the file's bytes.
        folder: an empty folder, which may fill up with what the converter leaves behind.

    Returns:
        The file that ``RuntimePose`` takes, in the folder.

    Raises:
        MissingDependencyError: the runtime or its converter is not installed.
        BackendError: the conversion failed.
    """
    source = folder / "network.onnx"
    source.write_bytes(onnx)
    made: Path = _module(name).convert(source)
    return made


class RuntimePose(HeadPose):
    """``HeadPose`` around a converted network: every step of an estimate is the same.

    Args:
        name: of ``NAMES``.
        model: name of a model, or path of a card, that the file was converted from.
        file: what ``convert`` gave.
        threads: threads that one call may use.

    Raises:
        MissingDependencyError: the runtime is not installed.
        BackendError: it cannot load the file.
    """

    def __init__(self, name: str, model: str, file: str | os.PathLike[str], threads: int) -> None:
        # Not HeadPose's own: that opens what a card has a file for.
        self._card = resolve(model).card
        self._backend = _module(name).Network(Path(file), self._card, threads)
        self._frame_backend = self._detector = None

    @property
    def backend(self) -> Backend:
        """The converted network."""
        return self._backend


def _module(name: str) -> Any:
    return import_module(f"hpe_edge.bench.runtimes.{name}")
