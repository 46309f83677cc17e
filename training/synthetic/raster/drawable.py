"""Triangles ready for the rasteriser, in camera axes: people, and whatever is before or behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int32]

PAINT_COLUMNS = 5  # linear RGB, opacity, speckle


@dataclass(frozen=True)
class Drawable:
    """V vertices, F triangles, M materials (rows of ``materials.py``).

    ``positions``, ``normals`` (V, 3) camera axes, decimetres; ``uv`` (V, 2); ``paint`` (V, PAINT_COLUMNS)
    laid over the texture; ``occlusion`` (V,) share of the sky that is open; ``faces`` (F, 3);
    ``face_material`` (F,) rows of ``materials`` (M, MATERIAL_COLUMNS).
    """

    positions: FloatArray
    normals: FloatArray
    uv: FloatArray
    paint: FloatArray
    occlusion: FloatArray
    faces: IntArray
    face_material: IntArray
    materials: FloatArray


def plain(positions: FloatArray, normals: FloatArray, faces: IntArray, row: FloatArray) -> Drawable:
    """A thing of one untextured material, open to the whole sky."""
    count = len(positions)
    return Drawable(
        positions=np.ascontiguousarray(positions, np.float32),
        normals=np.ascontiguousarray(normals, np.float32),
        uv=np.full((count, 2), 0.5, np.float32),
        paint=np.zeros((count, PAINT_COLUMNS), np.float32),
        occlusion=np.ones(count, np.float32),
        faces=np.ascontiguousarray(faces, np.int32),
        face_material=np.zeros(len(faces), np.int32),
        materials=np.ascontiguousarray(row, np.float32)[None],
    )


def join(parts: Sequence[Drawable]) -> Drawable:
    """One drawable of several; the first one's vertices and triangles keep their numbers."""
    if len(parts) == 1:
        return parts[0]
    vertices = np.cumsum([0, *(len(part.positions) for part in parts)])
    rows = np.cumsum([0, *(len(part.materials) for part in parts)])
    return Drawable(
        positions=np.concatenate([part.positions for part in parts]),
        normals=np.concatenate([part.normals for part in parts]),
        uv=np.concatenate([part.uv for part in parts]),
        paint=np.concatenate([part.paint for part in parts]),
        occlusion=np.concatenate([part.occlusion for part in parts]),
        faces=np.concatenate([part.faces + np.int32(first) for part, first in zip(parts, vertices, strict=False)]),
        face_material=np.concatenate(
            [part.face_material + np.int32(first) for part, first in zip(parts, rows, strict=False)]
        ),
        materials=np.concatenate([part.materials for part in parts]),
    )
