"""Which cells of the detector's maps answer for which face.

A face belongs to the map of its size (to two where sizes overlap), and there to the cells in the middle part of its
box, the nearest cell at least (centre sampling as in FCOS, Tian et al., ICCV 2019). The rest of its box, faces between
sure and not, and what is not labelled are left out of the loss of the score.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hpe_edge.training.detection.config import STRIDES

Floats = npt.NDArray[np.float32]

SIZES = ((0.0, 36.0), (24.0, 84.0), (60.0, 1e9))  # sqrt(width x height) of the faces of each map, in pixels
CORE = 0.22  # of the box, on each side of its middle
NONE, LEFT_OUT = -1, -2


def assign(boxes_xyxy: Floats, sure: npt.NDArray[np.bool_], unknown: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """The face of each cell, map by map: its number, NONE or LEFT_OUT; (cells,).

    boxes_xyxy: (F, 4) pixels of the canvas. sure: (F,), faces to be found; the others are neither face nor nothing.
    unknown: (H, W) pixels where nothing is known but the faces.

    >>> found = assign(np.float32([[10, 10, 34, 38]]), np.array([True]), np.zeros((64, 64), bool))
    >>> found.shape, int((found == 0).sum())
    ((84,), 2)
    """
    side_y, side_x = unknown.shape
    order = np.argsort(-_areas(boxes_xyxy), kind="stable")  # small ones last: they win
    parts = []
    for stride, sizes in zip(STRIDES, SIZES, strict=True):
        shape = (side_y // stride, side_x // stride)
        middles = [(np.arange(count, dtype=np.float32) + 0.5) * stride for count in shape]
        found = np.where(unknown[stride // 2 :: stride, stride // 2 :: stride], LEFT_OUT, NONE).astype(np.int64)
        for face in order:
            _mark(found, middles, boxes_xyxy[face], int(face), bool(sure[face]), sizes)
        parts.append(found.ravel())
    return np.concatenate(parts)


def _areas(boxes: Floats) -> Floats:
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), np.float32)


def _mark(
    found: npt.NDArray[np.int64], middles: list[Floats], box: Floats, face: int, sure: bool, sizes: tuple[float, float]
) -> None:
    """Enter one face into the map ``found``."""
    rows, columns = middles
    x, y, width, height = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, box[2] - box[0], box[3] - box[1]
    beside, above = np.abs(columns - x) / max(width, 1e-6), np.abs(rows - y) / max(height, 1e-6)
    inside = (above[:, None] < 0.5) & (beside < 0.5)
    mine = sizes[0] <= (width * height) ** 0.5 < sizes[1]
    if not sure:
        found[inside & (found < 0)] = LEFT_OUT
        return
    if not mine:
        return
    core = (above[:, None] < CORE) & (beside < CORE)
    if inside.any() or (0 <= x <= 2 * columns.mean() and 0 <= y <= 2 * rows.mean()):
        core[np.argmin(np.abs(rows - y)), np.argmin(np.abs(columns - x))] = True
    found[inside & ~core & (found == NONE)] = LEFT_OUT
    found[core] = face
