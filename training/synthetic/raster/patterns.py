"""Textures made by calculation: locks of hair, knitted and woven cloth, what a lens mirrors.

All are square RGBA, 8 bit, from fixed generators: part of the renderer, the same in every dataset.
"""

from __future__ import annotations

import cv2
import numpy as np
from hpe_edge.training.synthetic.raster.materials import TexelStore, Texture
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Rgba = NDArray[np.uint8]

LOCKS_IN_TEXTURE = 4  # side by side in "straight" and "curly"
PRINTS = tuple(f"print{number}" for number in range(12))
MIRRORS = ("mirror window", "mirror street", "mirror sky")
_SIDE = 256


def make_patterns(store: TexelStore) -> dict[str, Texture]:
    """Add every pattern to the store."""
    rng = np.random.default_rng(20261121)
    made: dict[str, Rgba] = {
        "straight": _locks(rng, 0.0),
        "curly": _locks(rng, 7.0),
        "clumps": _clumps(rng),
        "fibre": _rgba(150 + 45 * _noise(rng, 0.8, 30)),
        "knit": _knit(rng),
        "straw": _straw(rng),
        "cloth": _cloth(rng),
        "vents": _vents(rng),
    }
    for number, name in enumerate(PRINTS):
        made[name] = _print(rng, number)
    for number, name in enumerate(MIRRORS):
        made[name] = _mirror(rng, number)
    return {name: store.add(image) for name, image in made.items()}


def _noise(rng: np.random.Generator, across: float, along: float) -> FloatArray:
    """Unit normal noise (_SIDE, _SIDE), smooth over so many texels."""
    noise = rng.normal(size=(_SIDE, _SIDE)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), sigmaX=across, sigmaY=along, borderType=cv2.BORDER_REFLECT)
    return np.asarray(smooth / smooth.std(), np.float32)


def _rgba(grey: FloatArray, alpha: FloatArray | float = 255.0) -> Rgba:
    opaque = np.broadcast_to(np.asarray(alpha, np.float32), grey.shape)
    return np.clip(np.dstack([grey, grey, grey, opaque]), 0, 255).astype(np.uint8)


def _locks(rng: np.random.Generator, bend: float) -> Rgba:
    """Four locks from root (top row) to tip: fibres that thin out to the sides and the tip."""
    row, column = np.mgrid[0:_SIDE, 0:_SIDE].astype(np.float32)
    shifted = column + bend * np.sin(row * (2 * np.pi / 37)) + 0.4 * bend * np.sin(row * (2 * np.pi / 17) + 1)
    width = _SIDE // LOCKS_IN_TEXTURE
    across = np.abs((column % width) / width * 2 - 1)
    fibres = cv2.remap(_noise(rng, 0.8, 40), shifted, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    gaps = cv2.remap(_noise(rng, 1.2, 50), shifted, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    down = row / _SIDE
    thinning = 3.0 - 2.3 * across**2 - 2.4 * down**4 - 4.0 * np.clip(1 - down / 0.1, 0, 1)
    return _rgba(150 + 42 * fibres, 255 * (0.5 + 0.6 * (gaps + thinning)))


def _clumps(rng: np.random.Generator) -> Rgba:
    curls = _noise(rng, 2.2, 2.2)
    return _rgba(150 + 45 * curls + 15 * _noise(rng, 0.8, 0.8), 255 * (0.55 + 0.9 * curls))


def _knit(rng: np.random.Generator) -> Rgba:
    row, column = np.mgrid[0:_SIDE, 0:_SIDE].astype(np.float32)
    ribs = np.abs(np.sin(column * (np.pi / 8)))
    stitches = 0.75 + 0.25 * np.abs(np.sin(row * (np.pi / 6) + 3 * np.abs(np.sin(column * np.pi / 8))))
    return _rgba(255 * (0.45 + 0.55 * ribs) * stitches + 10 * _noise(rng, 0.7, 0.7))


def _straw(rng: np.random.Generator) -> Rgba:
    row, column = np.mgrid[0:_SIDE, 0:_SIDE].astype(np.float32)
    weave = np.sin(row * (np.pi / 5)) * np.sin(column * (np.pi / 4))
    return _rgba(200 + 40 * weave + 16 * _noise(rng, 0.8, 3))


def _cloth(rng: np.random.Generator) -> Rgba:
    return _rgba(215 + 9 * _noise(rng, 0.7, 0.7) + 12 * _noise(rng, 12, 12))


def _vents(rng: np.random.Generator) -> Rgba:
    """Bicycle helmet: long dark slots from front to back."""
    row, column = np.mgrid[0:_SIDE, 0:_SIDE].astype(np.float32)
    wave = np.sin(column * (2 * np.pi / 32)) + 0.5 * np.sin(row * (2 * np.pi / 90))
    return _rgba(np.where(wave > 0.45, 18.0, 235.0).astype(np.float32) + 4 * _noise(rng, 1, 1))


def _print(rng: np.random.Generator, number: int) -> Rgba:
    """Stripes, checks, dots and flowers in two or three colours."""
    row, column = np.mgrid[0:_SIDE, 0:_SIDE].astype(np.float32)
    grey = rng.integers(12, 245, (3, 1))  # muted, as most cloth is
    ground, ink, third = np.clip(grey + rng.normal(0, 10 if number % 3 else 55, (3, 3)), 5, 250).astype(np.float32)
    period = float(rng.uniform(14, 44))
    bars, beams = np.sin(row * (2 * np.pi / period)), np.sin(column * (2 * np.pi / period))
    kind = number % 4
    if kind == 0:
        share = (bars > rng.uniform(-0.5, 0.5)).astype(np.float32)
    elif kind == 1:
        share = 0.5 * (bars > 0.2) + 0.5 * (beams > 0.2)
    elif kind == 2:
        share = (bars * beams > 0.45).astype(np.float32)
    else:
        share = (_noise(rng, 6, 6) > 0.6).astype(np.float32)
        ground = np.where((_noise(rng, 8, 8) > 0.9)[..., None], third, ground)
    colour = ground * (1 - share[..., None]) + ink * share[..., None] + 8 * _noise(rng, 0.8, 0.8)[..., None]
    return np.clip(np.dstack([colour, np.full_like(row, 255)]), 0, 255).astype(np.uint8)


def _mirror(rng: np.random.Generator, number: int) -> Rgba:
    """Surroundings by direction of the mirrored ray: columns left to right, rows from zenith to nadir."""
    row, column = np.mgrid[0:_SIDE, 0:_SIDE].astype(np.float32) / _SIDE
    skyline = 0.5 + 0.06 * np.repeat(rng.normal(size=32), _SIDE // 32)[None, :].astype(np.float32)
    sky = 90 + 150 * np.clip(1 - np.abs(row - 0.42) * 2, 0, 1)
    if number == 0:  # a room with windows
        room = 30 + 25 * row
        window = (np.abs((column * 5) % 1 - 0.5) < 0.28) & (np.abs(row - 0.4) < 0.13)
        bars = (np.abs((column * 10) % 1 - 0.5) < 0.46) & (np.abs(row - 0.4) > 0.008)
        grey = np.where(window & bars, 250, room)
    elif number == 1:
        grey = np.where(row < skyline, sky, 40 + 30 * row)
    else:
        grey = np.where(row < 0.52, sky, 75 - 40 * row)
    return _rgba(cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 1.5))
