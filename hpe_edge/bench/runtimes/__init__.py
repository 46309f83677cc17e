"""Runtimes with a file format of their own: the benchmark converts a card's float32 ONNX file for them.

They are no backends: a card has no file for them, and what converts it is far larger than what runs it. Adding one is
one module here with ``convert`` and ``Network``, and its name in ``NAMES``.
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np

from hpe_edge import _core
from hpe_edge.bench.runtimes.base import ConvertedNetwork, FloatArray
from hpe_edge.heads import decode
from hpe_edge.hub import resolve
from hpe_edge.images import ImageArray
from hpe_edge.results import HeadPoses

__all__ = ["NAMES", "ConvertedNetwork", "RuntimePose", "convert"]

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


class RuntimePose:
    """What ``HeadPose`` is, around a converted network.

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
        self._card = resolve(model).card
        self.backend: ConvertedNetwork = _module(name).Network(Path(file), self._card, threads)

    def estimate(self, frame: ImageArray, boxes_xyxy: FloatArray) -> HeadPoses:
        """The poses of the heads in the boxes (N, 4) of a frame (H, W, 3) bgr8, by the steps of ``HeadPose``."""
        euler_deg, std_deg = decode(self._card.head, self.backend.run(self._card.input.crops(frame, boxes_xyxy)))
        shifted = _core.offset_pitch_zero(euler_deg, self._card.pitch_zero_deg)
        return HeadPoses(shifted, std_deg, boxes_xyxy, np.full(len(boxes_xyxy), np.nan, np.float32))


def _module(name: str) -> Any:
    return import_module(f"hpe_edge.bench.runtimes.{name}")
