"""Runtimes with a file format of their own: the benchmark converts a card's float32 ONNX file for them.

They are no backends: a card has no file for them, and what converts it is far larger than what runs it. Adding one is
one module here with ``convert`` and ``Network``, and its name in ``NAMES``.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, Final

from hpe_edge.backends import Backend
from hpe_edge.modelcard import ModelCard

__all__ = ["NAMES", "convert", "load"]

NAMES: Final = ("litert", "mnn", "ncnn")
"""Each is a module of this package; none is imported before use."""


def convert(name: str, onnx: bytes, folder: Path) -> Path:
    """Convert an ONNX file for a runtime.

    Args:
        name: of ``NAMES``.
        onnx: the file's bytes.
        folder: an empty folder, which may fill up with what the converter leaves behind.

    Returns:
        The file that ``load`` takes, in the folder.

    Raises:
        MissingDependencyError: the runtime or its converter is not installed.
        BackendError: the conversion failed.
    """
    source = folder / "network.onnx"
    source.write_bytes(onnx)
    made: Path = _module(name).convert(source)
    return made


def load(name: str, file: Path, card: ModelCard, threads: int) -> Backend:
    """A converted network, for ``HeadPose(backend=...)``: every step of an estimate is then the same.

    Args:
        name: of ``NAMES``.
        file: what ``convert`` gave.
        card: of the model that it was converted from.
        threads: threads that one call may use.

    Raises:
        MissingDependencyError: the runtime is not installed.
        BackendError: it cannot load the file.
    """
    network: Backend = _module(name).Network(file, card, threads)
    return network


def _module(name: str) -> Any:
    return import_module(f"hpe_edge.bench.runtimes.{name}")
