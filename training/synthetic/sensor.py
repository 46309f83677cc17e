"""From linear radiance to the stored picture: exposure, tone, colour, noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Image = NDArray[np.uint8]


def develop(radiance: FloatArray, coverage: FloatArray, background: FloatArray, rng: np.random.Generator) -> Image:
    """Expose for the face, white-balance, apply a film-like curve, encode as sRGB BGR.

    ``radiance``, ``background`` (S, S, 3) linear RGB, ``coverage`` (S, S).
    """
    face = radiance[coverage > 0.5]
    level = float(np.percentile(face.mean(1), 60)) if len(face) else 0.2
    target = np.exp(rng.normal(np.log(0.24), 0.5))
    gain = np.clip(target / max(level, 1e-3), 0.2, 40.0)
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
