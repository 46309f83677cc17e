"""What is behind people in photographs: walls, rooms, leaves, crowds, lights at night; mostly muted and blurred."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Rng = np.random.Generator

_KINDS = ("environment", "wall", "room", "leaves", "crowd", "lights")
_SHARES = {"night": (0.3, 0.1, 0.2, 0.1, 0.1, 0.2), "stage": (0.1, 0.4, 0.1, 0.0, 0.1, 0.3)}
_SKINS = np.asarray([(0.62, 0.40, 0.30), (0.45, 0.27, 0.18), (0.25, 0.13, 0.08), (0.10, 0.05, 0.03)], np.float32)


def paint_scenery(view: Callable[[], FloatArray], side: int, light: str, rng: Rng) -> FloatArray:
    """A background (side, side, 3), linear, mean near 0.3, that fits the rig's name.

    ``view`` gives the same from an environment map, for the pictures that show one.
    """
    shares = (
        (0.0, 1.0, 0.0, 0.0, 0.0, 0.0) if light == "studio" else _SHARES.get(light, (0.34, 0.2, 0.2, 0.12, 0.11, 0.03))
    )
    kind = _KINDS[rng.choice(len(_KINDS), p=shares)]
    if kind == "environment":
        canvas = np.ascontiguousarray(view() * np.float32(0.33))
    elif kind == "leaves":
        canvas = _leaves(side, rng)
    else:
        canvas = _wall(side, rng, plain=light == "studio")
    if kind == "room":
        _room(canvas, rng)
    elif kind == "crowd":
        _crowd(canvas, rng)
    elif kind == "lights":
        canvas *= np.float32(0.15)
        _lights(canvas, rng)
    if kind not in ("wall", "lights") and rng.random() < 0.4:
        canvas *= _mottle(side, rng, 0.25)[..., None]
    canvas = _mute(canvas, float(rng.beta(2.4, 1.8)))
    least = 0.025 if kind in ("crowd", "lights") else 0.004  # drawn too plainly to be seen sharp
    blur = rng.uniform(least, 0.07) * side if rng.random() < 0.7 else least * side
    return cv2.GaussianBlur(canvas, (0, 0), blur) if blur > 0.4 else canvas


def _mute(canvas: FloatArray, keep: float) -> FloatArray:
    grey = canvas @ np.asarray([0.2126, 0.7152, 0.0722], np.float32)
    return grey[..., None] + np.float32(keep) * (canvas - grey[..., None])


def _mottle(side: int, rng: Rng, strength: float) -> FloatArray:
    """(side, side) gains round 1: noise of three sizes."""
    total = np.zeros((side, side), np.float32)
    for cells, share in ((4, 1.0), (11, 0.8), (29, 0.4)):
        grid = rng.standard_normal((cells, cells), np.float32) * np.float32(share)
        total += cv2.resize(grid, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.exp(np.float32(strength) * total)


def _colour(rng: Rng, low: float = 0.01, high: float = 0.9, spread: float = 0.25) -> FloatArray:
    grey = np.exp(rng.uniform(np.log(low), np.log(high)))
    return np.asarray(grey * np.exp(rng.normal(0, spread, 3)), np.float32)


def _wall(side: int, rng: Rng, *, plain: bool) -> FloatArray:
    """A wall or a studio's paper: white, black, grey or coloured, lit unevenly."""
    mood = rng.random()
    if mood < 0.25:
        colour = np.full(3, rng.uniform(0.5, 1.2), np.float32) * np.exp(rng.normal(0, 0.02, 3)).astype(np.float32)
    elif mood < 0.5:
        colour = np.full(3, rng.uniform(0.0, 0.02), np.float32)
    elif mood < 0.8:
        colour = _colour(rng, 0.05, 0.6, 0.05)
    else:
        colour = _colour(rng, 0.03, 0.6, 0.45)
    grid = np.linspace(-0.5, 0.5, side, dtype=np.float32)
    slope = rng.normal(0, 0.5, 2).astype(np.float32)
    shade = np.exp(grid[None, :] * slope[0] + grid[:, None] * slope[1])
    if rng.random() < 0.35:  # a spot of light behind the head
        x, y = rng.normal(0, 0.2, 2).astype(np.float32)
        shade *= np.float32(0.35) + np.exp(-((grid[None, :] - x) ** 2 + (grid[:, None] - y) ** 2) * rng.uniform(4, 12))
    if not plain and rng.random() < 0.4:
        shade *= _mottle(side, rng, 0.08)
    return (colour * shade[..., None]).astype(np.float32)


def _room(canvas: FloatArray, rng: Rng) -> None:
    """Upright edges: doors, shelves, pictures, a bright window; all of one lean."""
    side = canvas.shape[0]
    lean = rng.normal(0, 3)
    for _ in range(int(rng.integers(2, 8))):
        wide, tall = side * np.exp(rng.uniform(np.log(0.05), np.log(0.6), 2)) * (1.0, 1.8)
        middle = rng.uniform(0, 1, 2) * side
        colour = _colour(rng, 0.02, 0.8)
        corners = cv2.boxPoints((middle.tolist(), (float(wide), float(tall)), float(lean)))
        cv2.fillConvexPoly(canvas, corners.astype(np.int32), colour.tolist(), cv2.LINE_AA)
        if rng.random() < 0.5:
            frame = _colour(rng, 0.01, 0.8, 0.1)
            cv2.polylines(canvas, [corners.astype(np.int32)], True, frame.tolist(), max(1, side // 56), cv2.LINE_AA)
    if rng.random() < 0.25:
        middle = (rng.uniform(0, 1, 2) * side).tolist()
        corners = cv2.boxPoints((middle, (side * rng.uniform(0.15, 0.4), side * rng.uniform(0.2, 0.6)), float(lean)))
        cv2.fillConvexPoly(canvas, corners.astype(np.int32), (2.6, 2.8, 3.0), cv2.LINE_AA)


def _leaves(side: int, rng: Rng) -> FloatArray:
    """Foliage, grass, bark, stone: two colours mixed by noise."""
    green = rng.random() < 0.6
    base = np.asarray((0.10, 0.16, 0.05) if green else (0.22, 0.18, 0.14), np.float32)
    base = base * np.exp(rng.normal(0, 0.2, 3)).astype(np.float32) * np.float32(np.exp(rng.normal(0, 0.5)))
    canvas = base * _mottle(side, rng, float(rng.uniform(0.2, 0.6)))[..., None]
    if rng.random() < 0.4:  # sky above
        horizon = rng.uniform(0.0, 0.6) * side
        rows = 1 / (1 + np.exp((np.arange(side, dtype=np.float32) - horizon) / (0.03 * side)))
        share = np.clip(rows[:, None] * _mottle(side, rng, 0.2), 0, 1)[..., None]
        canvas = canvas * (1 - share) + share * np.asarray((0.75, 0.85, 1.0), np.float32)
    return canvas.astype(np.float32)


def _crowd(canvas: FloatArray, rng: Rng) -> None:
    """People out of focus: heads of skin and hair over coats."""
    side = canvas.shape[0]
    for _ in range(int(rng.integers(2, 6))):
        size = side * rng.uniform(0.07, 0.22)
        x, y = rng.uniform(0, 1) * side, rng.uniform(0.15, 0.7) * side
        skin = _SKINS[rng.integers(len(_SKINS))] * np.float32(rng.uniform(0.6, 1.1))
        hair, coat = _colour(rng, 0.005, 0.15, 0.2), _colour(rng, 0.01, 0.7, 0.4)
        blobs = (
            ((x, y + size * 2.2), (size * 1.7, size * 1.5), coat),
            ((x, y - size * 0.25), (size * 0.85, size * 0.95), hair),
            ((x + rng.normal(0, 0.2) * size, y + size * 0.15), (size * 0.62, size * 0.8), skin),
        )
        for middle, axes, colour in blobs:
            at, half = (round(value) for value in middle), (max(1, round(value)) for value in axes)
            cv2.ellipse(canvas, tuple(at), tuple(half), 0, 0, 360, colour.tolist(), -1, cv2.LINE_AA)


def _lights(canvas: FloatArray, rng: Rng) -> None:
    """Lamps out of focus."""
    side = canvas.shape[0]
    for _ in range(int(rng.integers(4, 20))):
        middle = (rng.uniform(0, 1, 2) * side).astype(int).tolist()
        colour = np.asarray([1.0, 0.75, 0.4], np.float32) * np.exp(rng.normal(0, 0.4, 3)) * np.exp(rng.normal(0.3, 0.8))
        cv2.circle(canvas, middle, max(1, int(side * rng.uniform(0.008, 0.05))), colour.tolist(), -1, cv2.LINE_AA)
