"""Colour laid on faces for sport, carnival and stage: patterns on the mean face."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Array = NDArray[np.float64]

FACE_PAINTS = ("all over", "halves", "flag", "cheek stripes", "eye band", "clown", "animal")
SHARE = 0.012  # of people


def sample_face_paint(rng: np.random.Generator) -> str:
    """The name of a pattern, or "" for most."""
    painted = rng.random() < SHARE
    return str(rng.choice(FACE_PAINTS)) if painted else ""


def face_paint(name: str, mean: FloatArray, face: FloatArray, rng: np.random.Generator) -> list[tuple[Array, Array]]:
    """Layers of (linear RGB (3,), opacity (B,)) over the vertices of the mean face (B, 3); ``face`` (B,) its region."""
    x, y = mean[:, 0].astype(np.float64), mean[:, 1].astype(np.float64)
    first, second, third = (_colour(rng) for _ in range(3))
    side, strength = np.abs(x), face.astype(np.float64) * rng.uniform(0.6, 0.95)
    below = 6.2 + 1.9 * np.clip((y - 6.2) / 1.9, 0, 1)
    if name == "all over":
        return [(first, strength)]
    if name == "halves":
        return [(first, strength * _soft(x)), (second, strength * _soft(-x))]
    if name == "flag":
        third_of = (below - 6.2) / 0.65 if rng.random() < 0.5 else (x + 0.7) / 0.47
        return [(colour, strength * (np.floor(third_of) == band)) for band, colour in enumerate((first, second, third))]
    if name == "cheek stripes":
        cheek = _soft(side - 0.2) * _soft(0.58 - side)
        return [
            (colour, strength * cheek * _soft(0.035 - np.abs(y - level)))
            for colour, level in ((first, 7.10), (second, 7.0), (first, 6.9))
        ]
    if name == "eye band":
        return [(np.full(3, 0.01), strength * _soft(0.14 - np.abs(y - 7.36)))]
    eyes = np.exp(-(((side - 0.31) / 0.15) ** 2) - ((y - 7.36) / 0.16) ** 2)
    mouth = np.exp(-((x / 0.32) ** 2) - ((y - 6.66) / 0.13) ** 2)
    nose = np.exp(-((x / 0.13) ** 2) - ((y - 7.02) / 0.11) ** 2)
    if name == "clown":
        red = np.asarray((0.6, 0.01, 0.01))
        return [
            (np.full(3, 0.8), strength),
            (first, np.clip(1.5 * eyes, 0, 1)),
            (red, np.clip(1.4 * (mouth + nose), 0, 1)),
        ]
    dark = np.full(3, 0.015)
    return [
        (first, strength),
        (np.full(3, 0.75), np.clip(mouth * 1.2, 0, 1)),
        (dark, np.clip(1.2 * (nose + eyes), 0, 0.9)),
    ]


def _colour(rng: np.random.Generator) -> Array:
    strong = np.eye(3)[rng.integers(3)] * 0.5 + rng.uniform(0.0, 0.35, 3)
    return np.asarray(strong if rng.random() < 0.7 else np.full(3, rng.choice([0.02, 0.8])))


def _soft(values: Array) -> Array:
    return np.asarray(np.clip(values / 0.05 + 0.5, 0, 1))
