"""Turned, boxed, drawn and bent shapes of one material each, decimetres, in axes of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int32]

_AROUND = 20


@dataclass(frozen=True)
class Shape:
    """``positions`` (V, 3), ``faces`` (F, 3) and one material ``row``; shared vertices are shaded round."""

    positions: FloatArray
    faces: IntArray
    row: FloatArray


def turned(profile: Sequence[tuple[float, float]], row: FloatArray) -> Shape:
    """A lathe's work: ``profile`` of (radius, y) from below, its outside outwards."""
    angle = np.linspace(0, 2 * np.pi, _AROUND, endpoint=False)
    outline = np.asarray(profile, np.float32)
    ring = np.stack([np.cos(angle), np.zeros(_AROUND), -np.sin(angle)], 1)
    positions = outline[:, :1, None] * ring[None] + outline[:, 1, None, None] * np.asarray((0.0, 1.0, 0.0))
    low = np.arange(len(outline) - 1)[:, None] * _AROUND + np.arange(_AROUND)
    right = np.arange(len(outline) - 1)[:, None] * _AROUND + (np.arange(_AROUND) + 1) % _AROUND
    corners = np.stack([low, right, right + _AROUND, low, right + _AROUND, low + _AROUND], -1)
    return Shape(positions.reshape(-1, 3).astype(np.float32), corners.reshape(-1, 3).astype(np.int32), row)


def box(size: tuple[float, float, float], row: FloatArray, centre: tuple[float, float, float] = (0, 0, 0)) -> Shape:
    """A box of full lengths ``size`` with flat sides."""
    sides, faces = [], []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            across = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
            corner = np.asarray([np.insert(np.asarray(pair, float), axis, sign) for pair in across])
            outward = (sign > 0) == (axis != 1)
            faces.append(np.asarray([(0, 1, 2), (0, 2, 3)] if outward else [(0, 2, 1), (0, 3, 2)]) + 4 * len(sides))
            sides.append(corner)
    positions = np.concatenate(sides) * np.asarray(size) / 2 + np.asarray(centre)
    return Shape(positions.astype(np.float32), np.concatenate(faces).astype(np.int32), row)


def tube(line: FloatArray, radius: FloatArray | float, row: FloatArray, around: int = 7) -> Shape:
    """A round tube along points (K, 3)."""
    line = np.asarray(line, float)
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
    helper = np.where(np.abs(along[:, 1:2]) < 0.9, (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
    side = np.cross(helper, along)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    other = np.cross(along, side)
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False)
    ring = np.cos(angle)[None, :, None] * side[:, None] + np.sin(angle)[None, :, None] * other[:, None]
    positions = line[:, None] + ring * np.broadcast_to(np.asarray(radius, float), (len(line),))[:, None, None]
    low = np.arange(len(line) - 1)[:, None] * around + np.arange(around)
    right = np.arange(len(line) - 1)[:, None] * around + (np.arange(around) + 1) % around
    corners = np.stack([low, right, right + around, low, right + around, low + around], -1)
    return Shape(positions.reshape(-1, 3).astype(np.float32), corners.reshape(-1, 3).astype(np.int32), row)


def sheet(width: float, height: float, bend: float, row: FloatArray, columns: int = 9) -> Shape:
    """Paper in the x-y plane, bent towards z at its sides by ``bend``."""
    across = np.linspace(-0.5, 0.5, columns)
    grid = [(x * width, y * height, bend * 4 * x * x) for y in (-0.5, 0.5) for x in across]
    left = np.arange(columns - 1)
    faces = np.concatenate(
        [np.stack([left, left + 1, left + columns + 1], 1), np.stack([left, left + columns + 1, left + columns], 1)]
    )
    return Shape(np.asarray(grid, np.float32), faces.astype(np.int32), row)
