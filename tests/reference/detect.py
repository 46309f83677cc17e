"""Twin of ``hpe_edge._core.FaceDetector``: letterbox, decode, non-maximum suppression, cell by cell, in float64."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.reference.preprocess import crop_window

FOLLOW_SIDE = 96
FOLLOW_MARGIN = float(np.float32(0.7))  # 2.4 times the box; the core keeps it in single precision

Window = tuple[float, float, float, float]  # x, y, width, height in pixels


@dataclass(frozen=True)
class Faces:
    """float32 boxes (N, 4), scores (N,), landmarks (N, 5, 2)."""

    boxes_xyxy: NDArray[np.float32]
    scores: NDArray[np.float32]
    landmarks_xy: NDArray[np.float32]


def letterbox(width: int, height: int, longest_side: int) -> tuple[int, int, NDArray[np.float32]]:
    """Height and width of the input for an image of this size, and the box (1, 4) in the image that becomes it."""
    longer = max(width, height)
    rows, columns = (math.ceil(side * longest_side / (32 * longer) - 1e-9) * 32 for side in (height, width))
    border_x = (columns * longer / longest_side - width) / 2
    border_y = (rows * longer / longest_side - height) / 2
    box = [[-border_x, -border_y, width + border_x, height + border_y]]
    return rows, columns, np.array(box, np.float32)


def overlap(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two boxes."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def decode(
    maps: Mapping[int, NDArray[np.float32]],
    window: Window,
    image_size: tuple[int, int],
    *,
    score_threshold: float,
    nms_iou: float,
    max_faces: int = 256,
) -> Faces:
    """Faces from maps (15, H / stride, W / stride) by stride, the best first.

    Args:
        maps: raw values of the network.
        window: what part of the image the input showed.
        image_size: width and height of the image.
    """
    found = []
    for stride, values in maps.items():
        _, rows, columns = values.shape
        scale_x, scale_y = window[2] / (columns * stride), window[3] / (rows * stride)
        for y in range(rows):
            for x in range(columns):
                v = values[:, y, x].astype(np.float64)
                if 1 / (1 + math.exp(-v[0])) <= score_threshold:
                    continue
                places = np.array([x, y]) + 0.5 + v[1:].reshape(7, 2)  # middle, size (not a place), landmarks
                points = window[:2] + places * stride * [scale_x, scale_y]
                half = np.exp(np.clip(v[3:5], -8, 8)) * stride * [scale_x, scale_y] / 2
                box = np.concatenate([points[0] - half, points[0] + half]).astype(np.float32)
                found.append((float(v[0]), box, points[2:].astype(np.float32)))
    found.sort(key=lambda face: -face[0])  # stable: of equal scores the first cell
    kept: list[tuple[float, NDArray[np.float32], NDArray[np.float32]]] = []
    for face in found:
        box = face[1].tolist()
        alone = all(overlap(box, other[1].tolist()) <= nms_iou for other in kept)
        if alone and len(kept) < max_faces and _in_image(box, *image_size):
            kept.append(face)
    scores = [1 / (1 + math.exp(-logit)) for logit, _, _ in kept]
    return Faces(
        np.array([box for _, box, _ in kept], np.float32).reshape(-1, 4),
        np.array(scores, np.float32),
        np.array([points for _, _, points in kept], np.float32).reshape(-1, 5, 2),
    )


def nearest(faces: Faces, box: Sequence[float]) -> Faces:
    """The one face (1 row) that overlaps a box most; NaN and the score 0 where none does."""
    shared = [overlap(face.tolist(), box) for face in faces.boxes_xyxy]
    if not shared or max(shared) == 0:
        return Faces(
            np.full((1, 4), np.nan, np.float32), np.zeros(1, np.float32), np.full((1, 5, 2), np.nan, np.float32)
        )
    best = [int(np.argmax(shared))]
    return Faces(faces.boxes_xyxy[best], faces.scores[best], faces.landmarks_xy[best])


def follow_window(box: Sequence[float]) -> Window:
    """What part of the image ``follow`` looks at."""
    return crop_window(box, FOLLOW_MARGIN, square=True)


def _in_image(box: Sequence[float], width: int, height: int) -> bool:
    longest = 2 * max(width, height)
    sound = 0 < box[2] - box[0] <= longest and 0 < box[3] - box[1] <= longest
    return sound and box[2] > 0 and box[3] > 0 and box[0] < width and box[1] < height
