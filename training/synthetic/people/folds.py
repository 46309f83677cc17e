"""Wrinkles as curves on the mean face: grooves with a bulge beside them, and how dark they lie.

Coordinates in decimetres on the mean face: x from the middle outward, y up, z forward (eye's outer corner at
(0.43, 7.33, 1.26), mouth's corner at (0.23, 6.67, 1.39)). Where the folds run: Lemperle et al., "A classification
of facial wrinkles", Plastic and Reconstructive Surgery 108, 2001.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
FOLD_NAMES = ("forehead", "frown", "crow's feet", "nasolabial", "marionette")


def fold_maps(x: Array, y: Array, z: Array) -> list[tuple[Array, Array]]:
    """For each of FOLD_NAMES the height in dm and the darkness 0..1 at points of the mean face."""
    side = np.abs(x)
    return [_forehead(x, side, y), _frown(side, y), _round_the_eye(side, y, z), _nasolabial(side, y), _mouth(side, y)]


def _groove(distance: Array, width: float, depth: float, fade: Array) -> tuple[Array, Array]:
    profile = np.exp(-((distance / width) ** 2))
    swell = np.exp(-(((np.abs(distance) - 2.2 * width) / (1.4 * width)) ** 2))
    return depth * fade * (0.5 * swell - profile), fade * profile


def _sum(parts: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    return sum(part[0] for part in parts), np.clip(sum(part[1] for part in parts), 0, 1)  # type: ignore[return-value]


def _window(values: Array, low: float, high: float, edge: float) -> Array:
    return np.clip((values - low) / edge + 0.5, 0, 1) * np.clip((high - values) / edge + 0.5, 0, 1)


def _forehead(x: Array, side: Array, y: Array) -> tuple[Array, Array]:
    parts = []
    for number, level in enumerate((7.63, 7.705, 7.785, 7.865)):
        wavy = level + 0.03 * np.sin(np.pi * side / 0.42) + 0.006 * np.sin(21 * x + 1.7 * number)
        fade = _window(side, -1, 0.40 - 0.03 * number, 0.2) * (0.75 + 0.25 * np.sin(9 * x + 2.3 * number))
        parts.append(_groove(y - wavy, 0.015, 0.012, fade))
    return _sum(parts)


def _frown(side: Array, y: Array) -> tuple[Array, Array]:
    upright = _groove(side - 0.055 - 0.15 * (y - 7.47), 0.013, 0.007, 0.6 * _window(y, 7.40, 7.56, 0.1))
    bridge = _groove(y - 7.385 - 0.1 * side, 0.012, 0.005, 0.5 * _window(side, -1, 0.06, 0.06))
    return _sum([upright, bridge])


def _round_the_eye(side: Array, y: Array, z: Array) -> tuple[Array, Array]:
    away = np.hypot(side - 0.427, np.minimum(z - 1.26, 0)) * np.sign(side - 0.427)
    parts = [
        _groove(
            (y - 7.325 - slope * away - 0.6 * bend * away**2) / np.hypot(1, slope),
            0.010, 0.006, 0.6 * _window(away, 0.03, 0.15 - 0.05 * abs(slope), 0.08),
        )
        for slope, bend in ((0.55, 1.0), (0.15, 0.4), (-0.25, -0.6), (-0.65, -1.2))
    ]  # fmt: skip
    along = (side - 0.305) / 0.135
    for drop, width, share in ((0.085, 0.016, 1.0), (0.125, 0.014, 0.6)):
        arc = 7.325 - drop * np.sqrt(np.clip(1 - 0.8 * along**2, 0.05, 1))
        parts.append(_groove(y - arc, width, 0.009, share * _window(along, -0.95, 1.0, 0.4)))
    return _sum(parts)


def _nasolabial(side: Array, y: Array) -> tuple[Array, Array]:
    down = np.clip((7.02 - y) / 0.37, 0, 1)
    curve = 0.165 + 0.14 * down + 0.025 * np.sin(np.pi * down)
    distance = (side - curve) / 1.08
    fade = _window(y, 6.66, 7.03, 0.1)
    height, dark = _groove(distance, 0.022, 0.013, fade * (0.55 + 0.45 * (y - 6.66) / 0.37))
    cheek = 0.02 * fade * np.exp(-(((distance - 0.06) / 0.05) ** 2))
    return height + cheek, dark


def _mouth(side: Array, y: Array) -> tuple[Array, Array]:
    marionette = _groove(side - 0.262 - 0.12 * (6.66 - y), 0.018, 0.009, 0.65 * _window(y, 6.48, 6.665, 0.1))
    chin = _groove(y - 6.475 - 0.5 * side**2, 0.02, 0.008, 0.6 * _window(side, -1, 0.14, 0.1))
    lip = [_groove(side - place, 0.007, 0.003, 0.25 * _window(y, 6.765, 6.83, 0.06)) for place in (0.03, 0.06, 0.12)]
    return _sum([marionette, chin, *lip])
