"""Bringing a thing to a surface: height fields over a plane, and the way until both touch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hpe_edge.training.synthetic.raster.visibility import rasterise_depth
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int32]

_CELLS = 64
_SPAN_DM = 3.6
_EMPTY = np.float32(-1e9)


@dataclass(frozen=True)
class HeightField:
    """Heights along an outward axis over cells of ``_SPAN_DM / _CELLS`` round ``centre``.

    ``frame`` (3, 3): two axes of the plane and the outward one; ``heights`` (_CELLS, _CELLS), empty cells far below.
    """

    centre: FloatArray
    frame: FloatArray
    heights: FloatArray

    def over(self, points: FloatArray) -> FloatArray:
        """(N,) by how much each point (N, 3) lies above the surface; huge where nothing lies below."""
        local = (points - self.centre) @ self.frame.T
        cells = np.clip(((local[:, :2] / _SPAN_DM + 0.5) * _CELLS).astype(int), 0, _CELLS - 1)
        return local[:, 2] - self.heights[cells[:, 1], cells[:, 0]]


def height_field(positions: FloatArray, faces: IntArray, centre: FloatArray, outward: FloatArray) -> HeightField:
    """Heights of a mesh (V, 3), (F, 3) as seen from ``outward`` (3,; unit)."""
    frame = plane(outward)
    local = ((positions - centre) @ frame.T).astype(np.float32)
    heights = np.full((_CELLS, _CELLS), _EMPTY, np.float32)
    screen = np.ascontiguousarray((local[:, :2] / np.float32(_SPAN_DM) + np.float32(0.5)) * np.float32(_CELLS))
    rasterise_depth(screen, np.ascontiguousarray(local[:, 2]), faces, np.ones(len(faces), np.bool_), heights)
    return HeightField(np.asarray(centre, np.float32), frame, heights)


def plane(outward: FloatArray) -> FloatArray:
    """(3, 3) rows: two axes across a direction and the direction itself."""
    helper = np.asarray([0, 1, 0] if abs(outward[1]) < 0.9 else [1, 0, 0], np.float32)
    right = np.cross(helper, outward)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(outward, right), outward]).astype(np.float32)


def way_to_touch(field: HeightField, points: FloatArray, sunk: float = 0.02) -> float:
    """How far along the outward axis to move ``points`` (N, 3) so that they rest on the surface.

    The share ``sunk`` of them may press into it; 0 where nothing lies below.
    """
    above = np.sort(field.over(points))
    deepest = above[min(int(sunk * len(above)), len(above) - 1)]
    return 0.0 if deepest > 1e6 else -float(deepest)
