"""Shadows of things outside the picture: brims, leaves, blinds, edges, cut out of a key light."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

GOBO_SIDE = 144  # samples of the shadow map round the head, 4.2 dm wide; rows run up
_HEAD = 30.0  # samples from the middle of the head to its outline
Mask = NDArray[np.bool_]


def sample_gobo(rng: np.random.Generator) -> Mask:
    """(GOBO_SIDE, GOBO_SIDE), True where the light is blocked."""
    grid = np.arange(GOBO_SIDE, dtype=np.float32) - GOBO_SIDE / 2
    right, up = np.meshgrid(grid, grid)
    kind = rng.random()
    if kind < 0.3:  # a brim or a roof: dark above a bent edge
        edge = rng.uniform(-0.3, 0.9) * _HEAD + rng.uniform(-0.012, 0.004) * right**2 + rng.normal(0, 0.15) * right
        return np.asarray(up > edge)
    if kind < 0.6:  # leaves
        return _leaves(rng)
    angle = rng.uniform(0, np.pi)
    across = right * np.cos(angle) + up * np.sin(angle)
    if kind < 0.75:  # blinds, a fence
        period = rng.uniform(0.25, 1.2) * _HEAD
        return np.asarray((across / period + rng.random()) % 1.0 < rng.uniform(0.3, 0.6))
    return np.asarray(across > rng.uniform(-0.5, 0.8) * _HEAD)  # a wall's edge


def _leaves(rng: np.random.Generator) -> Mask:
    cells = int(rng.integers(8, 26))
    noise = cv2.resize(
        rng.standard_normal((cells, cells), np.float32), (GOBO_SIDE, GOBO_SIDE), interpolation=cv2.INTER_CUBIC
    )
    return np.asarray(noise > rng.uniform(-0.4, 0.7))
