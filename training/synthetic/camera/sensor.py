"""From linear radiance to the stored picture: exposure, tone, colour, noise."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from hpe_edge.training.synthetic.camera import film, optics
from hpe_edge.training.synthetic.camera.pinhole import BOX_MARGIN
from hpe_edge.training.synthetic.streams import Dice
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Image = NDArray[np.uint8]

_SMALLEST_FACE_PX = 16.0
_ENLARGEMENTS = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)


@dataclass(frozen=True)
class Taken:
    """What is to be photographed: ``radiance``, ``background`` (S, S, 3) linear RGB, ``coverage`` (S, S).

    ``shade``: brightness of the skin against a middling one, as cameras leave it; ``dark`` (0 to 1): how much
    the scene calls for a high sensitivity.
    """

    radiance: FloatArray
    coverage: FloatArray
    background: FloatArray
    shade: float = 1.0
    dark: float = 0.0


def develop(
    radiance: FloatArray, coverage: FloatArray, background: FloatArray, rng: np.random.Generator, shade: float = 1.0
) -> Image:
    """The plain sensor: expose for the face, apply a film-like curve, encode as sRGB BGR.

    ``radiance``, ``background`` (S, S, 3) linear RGB, ``coverage`` (S, S).
    """
    face = radiance[coverage > 0.5]
    level = float(np.percentile(face.mean(1), 60)) if len(face) else 0.2
    target = np.exp(rng.normal(np.log(0.24), 0.5))
    gain = np.clip(target * shade / max(level, 1e-3), 0.2, 40.0)
    if rng.random() < 0.25:  # a backdrop of another brightness: window behind, black studio
        background = background * np.float32(np.exp(rng.normal(0, 1.2)))
    linear = (radiance + background * (1 - coverage[..., None])) * np.float32(gain)
    shoulder = rng.uniform(0.25, 0.95)  # highlights bend from here on, as film and camera curves do
    rolled = 1 - (1 - shoulder) * np.exp(-np.maximum(linear - shoulder, 0) / (1.001 - shoulder))
    linear = np.where(linear > shoulder, rolled, linear)
    contrast = np.exp(rng.normal(0, 0.12))
    linear = np.clip(linear, 0, 1) ** np.float32(contrast)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-6) ** (1 / 2.4) - 0.055)
    noise = rng.normal(0, rng.uniform(0.0, 0.012), encoded.shape)
    return np.ascontiguousarray((np.clip(encoded + noise, 0, 1) * 255 + 0.5).astype(np.uint8)[..., ::-1])


def exposure_of_tone(monk_tone: float, kind: str) -> float:
    """How bright cameras leave a skin (Monk tone 0 to 9) against a middling one: half of its own difference."""
    return 1.0 if kind == "near infrared" else float(np.exp(-0.07 * (monk_tone - 3.5)))


def photograph(scene: Taken, kind: str, dice: Dice) -> Image:
    """Take the picture with a camera of life, in its order: lens, shutter, sensor, curve, file. BGR (S, S, 3).

    ``kind``: one of ``film.FILMS``.
    """
    side = scene.coverage.shape[0]
    rng = dice("exposure")
    gain = optics.meter(scene.radiance, scene.coverage, scene.background, scene.shade, rng)
    balance = optics.white_balance(rng) if kind != "near infrared" else np.ones(3, np.float32)
    linear = scene.radiance + scene.background * (1 - scene.coverage[..., None])
    linear *= balance * np.float32(gain)
    pixels, rng = _sensor_pixels(side, dice("resolution")), dice("optics")
    blur = optics.sample_blur(rng)
    if pixels == side:  # a face of few pixels is hard enough to read
        linear = optics.blur(linear, blur)
    linear = optics.vignette(optics.veil(linear, rng), rng)
    if pixels < side:
        linear = cv2.resize(linear, (pixels, pixels), interpolation=cv2.INTER_AREA)
    rng = dice("film")
    dark = max(scene.dark, 0.35 if kind == "near infrared" else 0.0)
    noise = film.sample_noise(rng, dark)
    curve = film.sample_curve(rng, kind == "grey" and rng.random() < 0.22)
    saturation = float(np.clip(rng.normal(0.9, 0.18), 0.25, 1.4))
    value = film.expose(linear, noise, saturation, curve, rng)
    value = film.colour_as(kind, film.sharpen(value, rng), rng)
    image = (np.clip(value[..., ::-1], 0, 1) * 255 + 0.5).astype(np.uint8)
    image = _compress(image, pixels < side, dice("file"))
    if pixels < side:
        how = _ENLARGEMENTS[dice("enlargement").choice(4, p=(0.04, 0.46, 0.36, 0.14))]
        image = np.asarray(cv2.resize(image, (side, side), interpolation=how), np.uint8)
    return np.ascontiguousarray(image)


def _sensor_pixels(side: int, rng: np.random.Generator) -> int:
    """Side of the picture as the sensor had it: mostly more than is stored, sometimes a face of 16 px."""
    if rng.random() > 0.08:
        return side
    face = side / (1 + 2 * BOX_MARGIN)
    wanted = np.exp(rng.uniform(np.log(_SMALLEST_FACE_PX), np.log(max(face, _SMALLEST_FACE_PX + 1))))
    return min(side, round(side * wanted / face))


def _compress(image: Image, small: bool, rng: np.random.Generator) -> Image:
    """JPEG with halved chroma, blocks anywhere against the picture; large originals show little of it."""
    if rng.random() > (0.85 if small else 0.55):
        return image
    quality = int(rng.uniform(30, 95) if small or rng.random() < 0.3 else rng.uniform(70, 95))
    top, left = (int(shift) for shift in rng.integers(0, 8, 2))
    padded = cv2.copyMakeBorder(image, top, 0, left, 0, cv2.BORDER_REPLICATE)
    how = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420]
    _, coded = cv2.imencode(".jpg", padded, how)
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)[top:, left:]
