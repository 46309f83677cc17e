"""What a 64 px crop is like, in groups of numbers that a classifier can be given one by one.

Each group is blind to what the others see, as far as that goes: ``colour`` sees no places, ``texture`` sees
neither colour nor contrast, ``shape`` sees blurred and locally normalised edges only.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
FloatArray = NDArray[np.float64]

GROUPS = ("colour", "sharpness", "texture", "shape")
_CELLS = 6  # a side of the grid of edge histograms
_DIRECTIONS = 8


def traits(image_bgr: Image) -> dict[str, FloatArray]:
    """The groups of one (S, S, 3) uint8 crop, each a vector."""
    grey = cv2.cvtColor(image_bgr, cv2.COLOR_BGR2GRAY).astype(np.float64)
    normal = (grey - grey.mean()) / max(grey.std(), 1.0)
    return {
        "colour": _colour(image_bgr),
        "sharpness": _sharpness(grey, normal),
        "texture": _texture(normal),
        "shape": _shape(normal),
    }


def _colour(image_bgr: Image) -> FloatArray:
    """Levels, spread and clipping of lightness and chroma: the whole crop, the face, the border."""
    lab = cv2.cvtColor(image_bgr.astype(np.float32) / np.float32(255), cv2.COLOR_BGR2LAB).astype(np.float64)
    side = len(lab)
    face = np.zeros((side, side), bool)
    face[side // 4 : -side // 4, side // 4 : -side // 4] = True
    numbers: list[float] = []
    for area in (np.ones_like(face), face, ~face):
        pixels = lab[area]
        numbers += [*pixels.mean(0), *pixels.std(0), *np.percentile(pixels[:, 0], (2, 25, 75, 98))]
        numbers += [float((image_bgr[area].max(1) >= 254).mean()), float((image_bgr[area].max(1) <= 2).mean())]
        lightness, green_red, blue_yellow = pixels.T
        spread = green_red.std() * blue_yellow.std()  # zero where the crop is exactly grey
        shared = float(((green_red - green_red.mean()) * (blue_yellow - blue_yellow.mean())).mean())
        numbers += [float(np.hypot(green_red, blue_yellow).mean()), shared / (float(spread) + 1.0)]
        numbers.append(float(np.abs(lightness - np.median(lightness)).mean()))
    return np.array(numbers)


def _sharpness(grey: FloatArray, normal: FloatArray) -> FloatArray:
    """Energy of fine detail: absolute, and relative to the contrast; the radial power spectrum."""
    window = np.outer(np.hanning(len(normal)), np.hanning(len(normal)))
    power = np.abs(np.fft.fftshift(np.fft.fft2(normal * window))) ** 2
    y, x = np.indices(power.shape) - len(power) // 2
    ring = np.minimum(np.hypot(x, y).astype(int) // 2, 15)
    spectrum = np.log(np.bincount(ring.ravel(), power.ravel(), 16) / np.bincount(ring.ravel(), minlength=16) + 1e-6)
    laplacian = cv2.Laplacian(grey, cv2.CV_64F)
    high = grey - cv2.GaussianBlur(grey, (0, 0), 1.0)
    numbers = [np.log1p(laplacian.var()), np.log1p(np.median(np.abs(laplacian))), np.log1p(np.abs(high).mean())]
    return np.array([*numbers, float(_kurtosis(high)), *spectrum])


def _kurtosis(values: FloatArray) -> float:
    centred = values - values.mean()
    return float(np.log1p((centred**4).mean() / max((centred**2).mean() ** 2, 1e-9)))


def _texture(normal: FloatArray) -> FloatArray:
    """Uniform local binary patterns (Ojala et al., PAMI 2002) of the face and of what is round it."""
    middle = normal[1:-1, 1:-1]
    ring = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))
    side = len(normal)
    bits = np.stack([normal[dy : dy + side - 2, dx : dx + side - 2] >= middle for dy, dx in ring])
    changes = (bits != np.roll(bits, 1, axis=0)).sum(0)
    pattern = np.where(changes <= 2, bits.sum(0), 9)
    quarter = (side - 2) // 4
    face = pattern[quarter:-quarter, quarter:-quarter]
    counts = [np.bincount(part.ravel(), minlength=10) / part.size for part in (face, pattern)]
    return np.sqrt(np.concatenate(counts))


def _shape(normal: FloatArray) -> FloatArray:
    """Histograms of edge directions in 6 x 6 cells of the blurred crop (Dalal and Triggs, CVPR 2005)."""
    soft = cv2.GaussianBlur(normal, (0, 0), 1.5)
    dy, dx = np.gradient(soft)
    size, angle = np.hypot(dx, dy), np.mod(np.arctan2(dy, dx), np.pi)
    direction = np.minimum((angle / np.pi * _DIRECTIONS).astype(int), _DIRECTIONS - 1)
    row, column = np.indices(soft.shape) * _CELLS // len(soft)
    cell = (row * _CELLS + column) * _DIRECTIONS + direction
    histogram = np.bincount(cell.ravel(), size.ravel(), _CELLS * _CELLS * _DIRECTIONS).reshape(-1, _DIRECTIONS)
    normalised: FloatArray = histogram / (np.linalg.norm(histogram, axis=1, keepdims=True) + 1e-3)
    return normalised.ravel()
