"""Things behind a head: the environment maps alone are few and soft."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


def paint_clutter(view: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Draw shapes, stripes and plain walls over a linear background (S, S, 3), then defocus it."""
    canvas = np.ascontiguousarray(view)
    side = canvas.shape[0]
    mood = rng.random()
    if mood < 0.18:
        canvas[:] = _plain_wall(side, rng)
    for _ in range(int(rng.integers(0, 7)) if mood > 0.45 else 0):
        _draw_shape(canvas, rng)
    if rng.random() < 0.12:
        _stripes(canvas, rng)
    blur = rng.uniform(0.005, 0.05) * side if rng.random() < 0.75 else 0.0
    return cv2.GaussianBlur(canvas, (0, 0), blur) if blur > 0.4 else canvas


def _colour(rng: np.random.Generator) -> tuple[float, float, float]:
    grey = float(np.exp(rng.uniform(np.log(0.01), np.log(1.2))))
    red, green, blue = grey * np.exp(rng.normal(0, 0.35, 3))
    return float(red), float(green), float(blue)


def _plain_wall(side: int, rng: np.random.Generator) -> FloatArray:
    """One colour, shaded across."""
    slope = rng.normal(0, 0.5, 2)
    grid = np.linspace(-0.5, 0.5, side)
    shade = np.exp(grid[None, :] * slope[0] + grid[:, None] * slope[1])
    return (np.asarray(_colour(rng)) * shade[..., None]).astype(np.float32)


def _draw_shape(canvas: FloatArray, rng: np.random.Generator) -> None:
    side = canvas.shape[0]
    centre = rng.uniform(-0.1, 1.1, 2) * side
    size = side * float(np.exp(rng.uniform(np.log(0.03), np.log(0.5))))
    colour = _colour(rng)
    kind = rng.integers(4)
    if kind == 0:
        axes = (max(1, int(size)), max(1, int(size * rng.uniform(0.2, 1))))
        cv2.ellipse(
            canvas, centre.astype(int).tolist(), axes, float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA
        )
    elif kind == 1:
        corners = centre + rng.normal(0, size, (int(rng.integers(3, 7)), 2))
        cv2.fillConvexPoly(canvas, cv2.convexHull(corners.astype(np.int32)), colour, cv2.LINE_AA)
    elif kind == 2:
        angle = rng.uniform(0, np.pi)
        reach = np.asarray([np.cos(angle), np.sin(angle)]) * side * 1.5
        ends = (centre - reach).astype(int).tolist(), (centre + reach).astype(int).tolist()
        cv2.line(canvas, *ends, colour, max(1, int(size * 0.3)), cv2.LINE_AA)
    else:
        box = cv2.boxPoints(
            (centre.tolist(), (size * 2, size * float(rng.uniform(0.3, 2))), float(rng.uniform(-20, 20)))
        )
        cv2.fillConvexPoly(canvas, box.astype(np.int32), colour, cv2.LINE_AA)


def _stripes(canvas: FloatArray, rng: np.random.Generator) -> None:
    side = canvas.shape[0]
    period = rng.uniform(0.03, 0.2) * side
    wave = np.sin(2 * np.pi * (np.arange(side) / period + rng.random()))
    gain = np.exp(rng.uniform(0.1, 0.6) * np.sign(wave) * np.minimum(np.abs(wave) * 3, 1)).astype(np.float32)
    canvas *= gain[None, :, None] if rng.random() < 0.6 else gain[:, None, None]
