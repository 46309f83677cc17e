"""The head as seen from its middle: a grid of directions bound to the skin.

Hair, hats and cloth are built on it. The binding is found once on the mean face (one triangle and its
barycentric weights for each direction); a person's own grid then follows from the own neutral mesh, so that
everything fits children and grown-ups.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int32]

ROWS, COLUMNS = 40, 72
LOWEST_DEG = 150.0  # polar angle of the last row: under the chin
CENTRE = np.asarray([0.0, 7.35, 0.45], np.float32)  # dm, on the mean face


@dataclass(frozen=True)
class DomeBinding:
    """Where each direction leaves the mean head, ears left out: ``corners``, ``weights`` (ROWS, COLUMNS, 3)."""

    corners: IntArray
    weights: FloatArray
    mean: FloatArray  # (ROWS, COLUMNS, 3)

    def blend(self, per_vertex: FloatArray) -> FloatArray:
        """Values of the base mesh (B, ...) on the grid (ROWS, COLUMNS, ...)."""
        values = per_vertex[self.corners]
        weights = self.weights if values.ndim == 3 else self.weights[..., None]
        return np.asarray((values * weights).sum(2), np.float32)


@dataclass(frozen=True)
class Dome:
    """One person's grid. ``radius`` (ROWS, COLUMNS) dm from ``centre``, smoothed."""

    centre: FloatArray
    radius: FloatArray
    outermost: FloatArray  # as radius, nose and lips not smoothed

    def at(self, polar: FloatArray, azimuth: FloatArray, *, raw: bool = False) -> FloatArray:
        """Radius in directions given in radians; azimuth 0 is the face, pi/2 the subject's left."""
        shape = polar.shape
        row = np.clip(polar.reshape(1, -1) * np.float32((ROWS - 1) / np.radians(LOWEST_DEG)), 0, ROWS - 1)
        column = np.mod(azimuth.reshape(1, -1) * np.float32(COLUMNS / (2 * np.pi)), COLUMNS)
        field = self.outermost if raw else self.radius
        padded = np.concatenate([field, field[:, :1]], 1)
        found = cv2.remap(padded, column.astype(np.float32), row.astype(np.float32), cv2.INTER_LINEAR)
        return found.reshape(shape)

    def place(self, polar: FloatArray, azimuth: FloatArray, gap: FloatArray | float) -> FloatArray:
        """Points (..., 3) ``gap`` dm above the skin."""
        polar, azimuth = np.broadcast_arrays(np.asarray(polar, np.float32), np.asarray(azimuth, np.float32))
        radius = self.at(polar, azimuth) + gap
        return self.centre + directions(polar, azimuth) * np.asarray(radius, np.float32)[..., None]


def directions(polar: FloatArray, azimuth: FloatArray) -> FloatArray:
    """Unit vectors (..., 3), head axes."""
    sin = np.sin(polar)
    return np.stack([sin * np.sin(azimuth), np.cos(polar), sin * np.cos(azimuth)], -1).astype(np.float32)


def grid_angles() -> tuple[FloatArray, FloatArray]:
    """Polar angle and azimuth (ROWS, COLUMNS) of the grid, radians."""
    polar = np.linspace(0, np.radians(LOWEST_DEG), ROWS, dtype=np.float32)
    azimuth = (np.arange(COLUMNS) * (2 * np.pi / COLUMNS)).astype(np.float32)
    return tuple(np.meshgrid(polar, azimuth, indexing="ij"))  # type: ignore[return-value]


def bind_dome(mean: FloatArray, faces: IntArray, ears: FloatArray) -> DomeBinding:
    """Find the binding on the mean face; ``ears`` (B,) above 0.5 where an ear is."""
    bare = faces[(ears[faces] < 0.5).all(1)]
    rays = directions(*grid_angles()).reshape(-1, 3)
    hit, weights = np.zeros((len(rays), 3), np.int32), np.zeros((len(rays), 3), np.float32)
    reach = np.zeros(len(rays), np.float32)
    _cast(CENTRE, rays, mean, np.ascontiguousarray(bare), hit, weights, reach)
    missed = (reach < 0.2).reshape(ROWS, COLUMNS)
    for row in range(ROWS):  # behind an ear: as the nearest bare skin of the same height
        bare_columns = np.flatnonzero(~missed[row])
        for column in np.flatnonzero(missed[row]):
            gap = np.abs((bare_columns - column + COLUMNS // 2) % COLUMNS - COLUMNS // 2)
            source, target = row * COLUMNS + bare_columns[np.argmin(gap)], row * COLUMNS + column
            hit[target], weights[target] = hit[source], weights[source]
    shape = (ROWS, COLUMNS, 3)
    binding = DomeBinding(hit.reshape(shape), weights.reshape(shape), np.zeros(shape, np.float32))
    return DomeBinding(binding.corners, binding.weights, binding.blend(mean))


@njit(cache=True)
def _cast(
    centre: FloatArray,
    rays: FloatArray,
    positions: FloatArray,
    faces: IntArray,
    hit: IntArray,
    weights: FloatArray,
    reach: FloatArray,
) -> None:
    """Farthest crossing of each ray (Moeller and Trumbore 1997), within 1.6 dm."""
    for face in range(faces.shape[0]):
        a, b, c = positions[faces[face, 0]], positions[faces[face, 1]], positions[faces[face, 2]]
        e1, e2, s = b - a, c - a, centre - a
        q = np.cross(s, e1)
        for ray in range(rays.shape[0]):
            d = rays[ray]
            px = d[1] * e2[2] - d[2] * e2[1]
            py = d[2] * e2[0] - d[0] * e2[2]
            pz = d[0] * e2[1] - d[1] * e2[0]
            det = e1[0] * px + e1[1] * py + e1[2] * pz
            if abs(det) < 1e-9:
                continue
            u = (s[0] * px + s[1] * py + s[2] * pz) / det
            v = (d[0] * q[0] + d[1] * q[1] + d[2] * q[2]) / det
            if u < 0.0 or v < 0.0 or u + v > 1.0:
                continue
            t = (e2[0] * q[0] + e2[1] * q[1] + e2[2] * q[2]) / det
            if reach[ray] < t < 1.6:
                reach[ray] = t
                hit[ray] = faces[face]
                weights[ray, 0], weights[ray, 1], weights[ray, 2] = 1 - u - v, u, v


def dome_of(binding: DomeBinding, neutral: FloatArray) -> Dome:
    """The grid of one person's neutral mesh (B, 3)."""
    points = binding.blend(neutral)
    centre = CENTRE + (points - binding.mean)[: ROWS // 2].mean((0, 1))
    radius = np.linalg.norm(points - centre, axis=-1).astype(np.float32)
    padded = np.concatenate([radius[:, -4:], radius, radius[:, :4]], 1)
    smooth = cv2.GaussianBlur(cv2.medianBlur(padded, 3), (0, 0), 0.8)[:, 4:-4]
    return Dome(centre.astype(np.float32), np.ascontiguousarray(smooth), radius)
