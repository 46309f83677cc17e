"""From measured light to code values: noise, colour, tone curves, sharpening."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

_BRIGHTEST = 4.0  # of white: what a tone curve still tells apart
_CURVE_POINTS = 2048
GREY_WEIGHTS = np.asarray([0.299, 0.587, 0.114])
FILMS = ("colour", "grey", "tinted", "near infrared")


@dataclass(frozen=True)
class Noise:
    """Electrons at white (shot noise), noise of reading as a share of white, and its blur in pixels."""

    electrons: float
    read: float
    grain_px: float


def sample_film(rng: np.random.Generator) -> str:
    """One of ``FILMS``, in the proportions of photographs, and a driver's camera now and then."""
    return str(rng.choice(FILMS, p=(0.765, 0.15, 0.035, 0.05)))


def sample_noise(rng: np.random.Generator, dark: float) -> Noise:
    """Large originals show none at this size; ``dark`` (0 to 1) is the chance of a high sensitivity."""
    high = rng.random() < 0.08 + 0.8 * dark
    least, most = (500, 4000) if high else (3000, 40000)
    electrons = float(np.exp(rng.uniform(np.log(least), np.log(most))))
    grain = float(rng.uniform(0.4, 0.9)) if rng.random() < 0.6 else 0.0
    return Noise(electrons, float(rng.uniform(0.3, 2.5)) / electrons**0.8, grain)


def sample_curve(rng: np.random.Generator, harsh: bool) -> FloatArray:
    """A tone curve (_CURVE_POINTS,) over the square root of linear light up to ``_BRIGHTEST``; values 0 to 1.

    A shoulder as film has it, sRGB's encoding, an S over that, and black and white points that clip.
    """
    linear = np.linspace(0, 1, _CURVE_POINTS) ** 2 * _BRIGHTEST
    shoulder = rng.uniform(0.2, 0.85)
    rolled = 1 - (1 - shoulder) * np.exp(-np.maximum(linear - shoulder, 0) / (1.001 - shoulder))
    linear = np.minimum(np.where(linear > shoulder, rolled, linear), 1.0)
    value = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-6) ** (1 / 2.4) - 0.055)
    strength = rng.uniform(0.9, 1.7) if harsh else np.clip(rng.normal(0.55, 0.4), -0.35, 1.6)
    while strength > 0:
        share = min(strength, 1.0)
        value = value + share * (value * value * (3 - 2 * value) - value)
        strength -= 1.0
    if strength < 0 and not harsh:  # flat: faded film, a cheap camera
        value = value + max(strength, -0.35) * (value * value * (3 - 2 * value) - value)
    black = rng.uniform(-0.05, 0.07) if rng.random() < 0.75 else rng.uniform(0.0, 0.13)
    white = rng.uniform(-0.02, 0.07)
    return np.clip((value - black) / (1 - black - white), 0, 1).astype(np.float32)


def expose(
    linear: FloatArray, noise: Noise, saturation: float, curve: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Code values (H, W, 3) from 0 to 1."""
    grain = rng.standard_normal(linear.shape, np.float32)
    if noise.grain_px:
        grain = cv2.GaussianBlur(grain, (0, 0), noise.grain_px)
        grain *= np.float32(np.sqrt(1 + 4 * np.pi * noise.grain_px**2) * 0.7)
    out = np.empty_like(linear)
    _expose(linear, grain, np.float32(1 / noise.electrons), np.float32(noise.read), np.float32(saturation), curve, out)
    return out


@njit(cache=True, fastmath=True, boundscheck=False)
def _expose(
    linear: FloatArray,
    grain: FloatArray,
    shot: np.float32,
    read: np.float32,
    saturation: np.float32,
    curve: FloatArray,
    out: FloatArray,
) -> None:
    """Shot and read noise, saturation, tone curve: pixel by pixel."""
    last = curve.shape[0] - 1
    scale = np.float32(1.0 / _BRIGHTEST)
    rgb = np.empty(3, np.float32)
    for y in range(linear.shape[0]):
        for x in range(linear.shape[1]):
            for channel in range(3):
                light = max(linear[y, x, channel], np.float32(0.0))
                rgb[channel] = light + grain[y, x, channel] * np.sqrt(shot * min(light, np.float32(1.0)) + read * read)
            luma = np.float32(0.2126) * rgb[0] + np.float32(0.7152) * rgb[1] + np.float32(0.0722) * rgb[2]
            for channel in range(3):
                value = luma + (rgb[channel] - luma) * saturation
                at = np.sqrt(min(max(value * scale, np.float32(0.0)), np.float32(1.0))) * last
                low = min(int(at), last - 1)
                share = at - low
                out[y, x, channel] = curve[low] * (np.float32(1.0) - share) + curve[low + 1] * share


def sharpen(value: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Unsharp masking: halos along edges."""
    if rng.random() > 0.75:
        return value
    radius = float(rng.uniform(0.5, 1.0))
    amount = np.float32(np.exp(rng.uniform(np.log(0.2), np.log(1.2))))
    return value + amount * (value - cv2.GaussianBlur(value, (0, 0), radius))


def colour_as(film: str, value: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Code values of the film: grey by some mixture of channels, sepia and other tints, or as they are."""
    if film == "colour":
        return value
    weights = GREY_WEIGHTS if rng.random() < 0.6 else rng.dirichlet((1.2, 1.6, 0.6))
    grey = value @ weights.astype(np.float32)
    if film != "tinted":
        return np.repeat(grey[..., None], 3, 2)
    warmth = rng.uniform(0.05, 0.4) if rng.random() < 0.75 else rng.uniform(-0.35, -0.05)
    power = np.exp(np.asarray([-warmth, rng.uniform(-0.1, 0.15) * warmth, warmth])).astype(np.float32)
    mixed = np.maximum(grey[..., None], 0) ** power
    keep = np.float32(rng.uniform(0.0, 0.35))
    return mixed + keep * (value - mixed)
