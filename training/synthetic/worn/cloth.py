"""Surfaces over the head's grid, from which hats, helmets, scarves and masks are cut."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hpe_edge.training.synthetic.body.dome import Dome
from hpe_edge.training.synthetic.raster.drawable import PAINT_COLUMNS
from hpe_edge.training.synthetic.worn.worn import Worn, sheet, worn
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int32]
Part = tuple[FloatArray, FloatArray, IntArray]  # vertices, uv, faces

ROUND = np.linspace(0, 2 * np.pi, 48, endpoint=False, dtype=np.float32)  # azimuths of a closed ring


def rim(front_deg: float, back_deg: float, azimuth: FloatArray = ROUND) -> FloatArray:
    """Polar angle (radians) of a hat's edge: lower behind than in front."""
    middle, swing = (front_deg + back_deg) / 2, (front_deg - back_deg) / 2
    return np.radians(middle + swing * np.cos(azimuth)).astype(np.float32)


def over_ears(polar: FloatArray, azimuth: FloatArray, height: float) -> FloatArray:
    """Extra gap (dm) where cloth lies over an ear."""
    away = np.abs(np.mod(azimuth + np.pi, 2 * np.pi) - np.pi) - 1.65
    return np.asarray(height * np.exp(-((away / 0.3) ** 2) - ((polar - 1.66) / 0.32) ** 2), np.float32)


def crown(dome: Dome, edge: FloatArray, gap: FloatArray, rows: int = 12, top: float = 0.0) -> FloatArray:
    """Points (rows, len(ROUND), 3) from share ``top`` of the way down to ``edge``; ``gap`` (rows, 1 or columns)."""
    share = np.linspace(top, 1, rows, dtype=np.float32)[:, None]
    polar, azimuth = share * edge[None, :], np.broadcast_to(ROUND, (rows, len(ROUND)))
    return dome.place(polar, azimuth, gap + over_ears(polar, azimuth, 0.17))


def opened(
    dome: Dome, polar: FloatArray, half_open: FloatArray, gap: FloatArray | float, columns: int = 40
) -> FloatArray:
    """Points (R, columns, 3) round the head but for ``half_open`` (R,) radians on each side of the face."""
    share = np.linspace(-1, 1, columns, dtype=np.float32)
    azimuth = np.pi + share[None, :] * (np.pi - half_open[:, None])
    wide = np.broadcast_to(polar[:, None], azimuth.shape)
    return dome.place(wide, azimuth, gap + over_ears(wide, azimuth, 0.2))


def drape(ring: FloatArray, centre: FloatArray, rows: int, bottom: float, half: tuple[float, float]) -> FloatArray:
    """Points (rows, C, 3) from ``ring`` (C, 3) down to an ellipse on the shoulders at height ``bottom``."""
    around = ring - centre
    flat = np.hypot(around[:, 0], around[:, 2]) + 1e-6
    low = np.stack([half[0] * around[:, 0] / flat, np.full(len(ring), bottom), half[1] * around[:, 2] / flat + 0.15], 1)
    shoulder = 6.12 - 0.35 * np.maximum(np.abs(low[:, 0]) - 0.5, 0)
    aside = np.abs(low[:, 0]) / half[0]
    low[:, 1] += aside * np.maximum(shoulder - bottom, 0)
    share = np.linspace(0, 1, rows + 1, dtype=np.float32)[1:, None, None]
    swing = share**1.5
    points = ring * (1 - swing) + low * swing
    points[..., 1] = ring[:, 1] * (1 - share[..., 0]) + low[:, 1] * share[..., 0]
    return np.asarray(points, np.float32)


def brim(edge: FloatArray, width: FloatArray, slope: FloatArray, forward: float, rows: int = 5) -> FloatArray:
    """Points (rows, C, 3) outward from ``edge`` (C, 3): ``width`` (C,) dm, ``slope`` (C,) dm down a dm out.

    ``forward`` 0: outward all round; 1: straight ahead, as a cap's brim.
    """
    outward = edge - edge.mean(0)
    outward[:, 1] = 0
    outward /= np.linalg.norm(outward, axis=1, keepdims=True) + 1e-6
    outward = outward * (1 - forward) + np.asarray((0, 0, forward))
    share = np.linspace(0, 1, rows)[:, None]
    points = edge[None] + outward[None] * (share * width)[..., None]
    points[..., 1] -= share**1.2 * width * slope
    return np.asarray(points, np.float32)


def one(parts: Sequence[Part], row: FloatArray, **more: FloatArray | float) -> Worn:
    """Several parts of one material."""
    first = np.cumsum([0, *(len(part[0]) for part in parts)])
    return worn(
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]),
        np.concatenate([part[2] + start for part, start in zip(parts, first, strict=False)]),
        row,
        **more,  # type: ignore[arg-type]
    )


def surface(points: FloatArray, *, closed: bool) -> Part:
    """A grid of points as a part."""
    return sheet(points, closed=closed)


def tinted(count: int, rgb: FloatArray, share: FloatArray | float) -> FloatArray:
    """Paint of one colour, ``share`` (count,) of it opaque."""
    paint = np.zeros((count, PAINT_COLUMNS), np.float32)
    paint[:, :3] = rgb
    paint[:, 3] = share
    return paint
