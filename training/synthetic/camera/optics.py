"""What a lens and a shutter do to light before it is measured: metering, white balance, blur, vignette.

All on linear radiance (S, S, 3), RGB, white at 1 after ``meter``.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

_LUMA = np.asarray([0.2126, 0.7152, 0.0722], np.float32)
_FACE_LEVEL = 0.43  # of white: where the lights of a well exposed face lie


@dataclass(frozen=True)
class Blur:
    """Standard deviation of the defocus and length of the movement as shares of the picture's side."""

    focus: float
    motion: float
    angle_rad: float


def meter(
    radiance: FloatArray, coverage: FloatArray, background: FloatArray, shade: float, rng: np.random.Generator
) -> float:
    """Gain that exposes the picture: for the face, the scene, or something between, and often wrongly.

    ``shade``: how much darker than a middling skin this one shall stay, as cameras leave it.
    """
    side = coverage.shape[0]
    middle = slice(round(side * 0.3), round(side * 0.7))
    face = radiance[middle, middle][coverage[middle, middle] > 0.5]
    face_level = max(float(np.percentile(face @ _LUMA, 80)) if len(face) else 0.2, 1e-3)
    scene = np.minimum((background @ _LUMA) * (1 - coverage), 4 * face_level) + (radiance @ _LUMA)
    scene_level = max(float(scene.mean()), 1e-3)
    weight = float(rng.beta(1.0, 4.0))  # of the scene against the face
    level = face_level ** (1 - weight) * scene_level**weight
    mistake = rng.normal(0.0, 0.38) if rng.random() < 0.75 else rng.normal(-0.2, 0.6)
    return float(np.clip(_FACE_LEVEL * shade * np.exp(np.clip(mistake, -1.2, 0.8)) / level, 0.05, 60.0))


def white_balance(rng: np.random.Generator) -> FloatArray:
    """Gains (3,) of a balance that is a little off, mostly between blue and amber, warm more often."""
    warm = rng.normal(0.04, 0.07) if rng.random() < 0.85 else rng.normal(0.06, 0.2)
    green = rng.normal(-0.025, 0.03)
    return np.exp(np.asarray([warm, green, -warm])).astype(np.float32)


def sample_blur(rng: np.random.Generator) -> Blur:
    """Most pictures are sharp at this size."""
    focus = float(rng.uniform(0.004, 0.014)) if rng.random() < 0.04 else 0.0
    motion = float(rng.uniform(0.015, 0.055)) if rng.random() < 0.04 else 0.0
    return Blur(focus, motion, float(rng.uniform(0, np.pi)))


def blur(linear: FloatArray, strength: Blur) -> FloatArray:
    """Defocus, then linear movement."""
    side = linear.shape[0]
    if strength.focus:
        linear = cv2.GaussianBlur(linear, (0, 0), strength.focus * side, borderType=cv2.BORDER_REPLICATE)
    if strength.motion:
        kernel = _line(strength.motion * side, strength.angle_rad)
        linear = cv2.filter2D(linear, -1, kernel, borderType=cv2.BORDER_REPLICATE)
    return linear


def _line(length: float, angle: float) -> FloatArray:
    """A blur kernel: a line of ``length`` pixels through the middle."""
    reach = int(np.ceil(length / 2)) + 1
    grid = np.arange(-reach, reach + 1)
    x, y = np.meshgrid(grid, grid)
    along = x * np.cos(angle) + y * np.sin(angle)
    across = y * np.cos(angle) - x * np.sin(angle)
    kernel = np.clip(length / 2 + 0.5 - np.abs(along), 0, 1) * np.clip(1.0 - np.abs(across), 0, 1)
    return (kernel / kernel.sum()).astype(np.float32)


def veil(linear: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Light that the lens scatters over the whole picture: haze against the light."""
    if rng.random() > 0.2:
        return linear
    small = cv2.resize(linear, (14, 14), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(np.minimum(small, 6.0), (0, 0), 3.0)
    haze = cv2.resize(small, linear.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return linear + haze * np.float32(rng.uniform(0.01, 0.10))


def vignette(linear: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Corners fall off, round a middle that the cut has shifted."""
    if rng.random() > 0.12:
        return linear
    side = linear.shape[0]
    grid = (np.arange(side, dtype=np.float32) + 0.5) / side - 0.5
    x, y = rng.normal(0, 0.15, 2)
    square = (grid[None, :] - np.float32(x)) ** 2 + (grid[:, None] - np.float32(y)) ** 2
    return linear / (1 + np.float32(rng.uniform(0.5, 6.0)) * square[..., None]) ** 2
