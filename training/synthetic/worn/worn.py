"""Meshes that are made for one head: locks of hair, hats, cloth, frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hpe_edge.training.synthetic.raster.drawable import PAINT_COLUMNS
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int32]


_GIVE = 0.6  # hair holds some of its shape


@dataclass(frozen=True)
class Worn:
    """A thing on the neutral head (head axes, dm).

    ``positions`` (V, 3), ``uv`` (V, 2), ``faces`` (F, 3); ``rows``: for successive runs of faces their count and
    material; ``anchor`` (V,) base vertices whose expression it follows by shares ``follow`` (V,); ``headness`` (V,) 1
    where it turns with the head, 0 with the trunk; ``sway`` (V,) dm of free hang, for what gravity pulls, or None;
    ``shading`` (V, 3) normals, or None for those of the mesh;
    ``paint`` (V, PAINT_COLUMNS); ``occlusion`` (V,).
    """

    positions: FloatArray
    uv: FloatArray
    faces: IntArray
    rows: list[tuple[int, FloatArray]]
    anchor: IntArray
    follow: FloatArray
    headness: FloatArray
    sway: FloatArray | None
    shading: FloatArray | None
    paint: FloatArray
    occlusion: FloatArray

    @property
    def rigid(self) -> bool:
        """Whether it moves with the head alone."""
        return bool(self.headness.min() >= 1 and not self.follow.any())

    def hang(self, down: FloatArray) -> FloatArray:
        """Shift (V, 3) by gravity along ``down`` (3,; head axes): hair falls aside when the head tilts."""
        assert self.sway is not None
        lean = np.clip(_GIVE * down / max(float(-down[1]), 0.4), -1.0, 1.0).astype(np.float32)
        shift = self.sway[:, None] * lean
        shift[:, 1] = 0
        inward = np.sign(self.positions[:, 0]) * shift[:, 0] < 0
        shift[:, 2] += np.where(inward & (self.positions[:, 2] > 0.3), 0.5 * np.abs(shift[:, 0]), 0)
        shift[:, 0] *= np.where(inward, 0.6, 1.0)
        return shift


def worn(
    positions: FloatArray,
    uv: FloatArray,
    faces: IntArray,
    row: FloatArray,
    *,
    anchor: IntArray | None = None,
    follow: FloatArray | None = None,
    headness: FloatArray | None = None,
    sway: FloatArray | None = None,
    shading: FloatArray | None = None,
    paint: FloatArray | None = None,
    occlusion: FloatArray | float = 0.9,
) -> Worn:
    """A thing of one material; it turns with the head unless told otherwise."""
    count = len(positions)
    return Worn(
        positions=np.ascontiguousarray(positions, np.float32),
        uv=np.ascontiguousarray(uv, np.float32),
        faces=np.ascontiguousarray(faces, np.int32),
        rows=[(len(faces), row)],
        anchor=np.zeros(count, np.int32) if anchor is None else anchor.astype(np.int32),
        follow=np.zeros(count, np.float32) if follow is None else follow.astype(np.float32),
        headness=np.ones(count, np.float32) if headness is None else headness.astype(np.float32),
        sway=sway,
        shading=shading,
        paint=np.zeros((count, PAINT_COLUMNS), np.float32) if paint is None else paint,
        occlusion=np.ascontiguousarray(np.broadcast_to(np.asarray(occlusion, np.float32), (count,))),
    )


def sheet(points: FloatArray, *, closed: bool, repeat: tuple[float, float] = (1.0, 1.0)) -> tuple[
    FloatArray, FloatArray, IntArray
]:  # fmt: skip
    """Vertices, uv and faces of a grid of points (R, C, 3); ``closed``: the last column joins the first."""
    grid = np.concatenate([points, points[:, :1]], 1) if closed else points
    rows, columns = grid.shape[:2]
    u, v = np.meshgrid(np.linspace(0, repeat[0], columns), np.linspace(repeat[1], 0, rows))
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = (part.reshape(-1) for part in (index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]))
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    return grid.reshape(-1, 3), np.stack([u, v], -1).reshape(-1, 2), faces.astype(np.int32)


def strips(left: FloatArray, right: FloatArray, uv_left: FloatArray, uv_right: FloatArray) -> tuple[
    FloatArray, FloatArray, IntArray
]:  # fmt: skip
    """Vertices, uv and faces of N ribbons with K points a side: ``left``, ``right`` (N, K, 3), uv (N, K, 2)."""
    count, points = left.shape[:2]
    vertices = np.stack([left, right], 2).reshape(-1, 3)
    uv = np.stack([uv_left, uv_right], 2).reshape(-1, 2)
    first = (np.arange(count)[:, None] * points + np.arange(points - 1)).reshape(-1, 1) * 2
    faces = np.concatenate([first + np.asarray((0, 2, 3)), first + np.asarray((0, 3, 1))])
    return vertices, uv, faces.astype(np.int32)


def tube(line: FloatArray, radius: FloatArray | float, sides: int = 6) -> tuple[FloatArray, FloatArray, IntArray]:
    """Vertices, uv and faces of a round tube along a polyline (N, 3); ``radius`` one or (N,)."""
    tangent = np.gradient(line.astype(np.float64), axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-9
    helper = np.where(np.abs(tangent[:, 1:2]) < 0.8, (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
    across = np.cross(tangent, helper)
    across /= np.linalg.norm(across, axis=1, keepdims=True) + 1e-9
    up = np.cross(across, tangent)
    angle = np.arange(sides) * (2 * np.pi / sides)
    ring = across[:, None] * np.cos(angle)[:, None] + up[:, None] * np.sin(angle)[:, None]
    size = np.broadcast_to(np.asarray(radius, np.float64), (len(line),))
    return sheet((line[:, None] + ring * size[:, None, None]).astype(np.float32), closed=True)


def ellipsoid(centre: FloatArray, axes: FloatArray, rows: int = 9, columns: int = 14) -> tuple[
    FloatArray, FloatArray, IntArray
]:  # fmt: skip
    """Vertices, uv and faces of an ellipsoid; ``axes`` (3, 3) its half axes as rows."""
    polar, azimuth = np.meshgrid(
        np.linspace(0.02, np.pi - 0.02, rows), np.arange(columns) * (2 * np.pi / columns), indexing="ij"
    )
    unit = np.stack([np.sin(polar) * np.sin(azimuth), np.cos(polar), np.sin(polar) * np.cos(azimuth)], -1)
    return sheet((unit @ axes + centre).astype(np.float32), closed=True)
