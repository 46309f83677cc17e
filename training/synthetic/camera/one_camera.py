"""A camera whose settings stay: for the frames of a sequence and for whole scenes.

Single heads are photographed by ``sensor.photograph``, which meters and blurs each picture by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hpe_edge.training.synthetic.camera import film, optics
from hpe_edge.training.synthetic.streams import Dice
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Image = NDArray[np.uint8]

_LUMA = np.asarray([0.2126, 0.7152, 0.0722], np.float32)
_FACE_LEVEL = 0.34  # of white: where the brighter half of a well exposed face lies


@dataclass(frozen=True)
class OneCamera:
    """``gains`` (3,) to expose and balance; the rest as in ``film``."""

    kind: str
    gains: FloatArray
    noise: film.Noise
    saturation: float
    curve: FloatArray
    dice: Dice

    def take(self, linear: FloatArray, grain: np.random.Generator) -> Image:
        """Linear radiance (S, S, 3) to a picture, BGR (S, S, 3); ``grain`` is the noise of this frame."""
        rng = self.dice("lens")
        exposed = optics.vignette(optics.veil(linear * self.gains, rng), rng)
        value = film.expose(exposed.astype(np.float32), self.noise, self.saturation, self.curve, grain)
        value = film.colour_as(self.kind, film.sharpen(value, self.dice("sharpen")), self.dice("tint"))
        return np.ascontiguousarray((np.clip(value[..., ::-1], 0, 1) * 255 + 0.5).astype(np.uint8))


def set_up(radiance: FloatArray, coverage: FloatArray, background: FloatArray, dark: float, dice: Dice) -> OneCamera:
    """A camera exposed for what is drawn, or for the background where nothing is.

    ``radiance``, ``background`` (S, S, 3) linear, ``coverage`` (S, S); ``dark`` (0 to 1) asks for sensitivity.
    """
    people = radiance[coverage > 0.5] @ _LUMA
    level = float(np.percentile(people, 65)) if len(people) else float((background @ _LUMA).mean())
    rng = dice("setting")
    gain = _FACE_LEVEL * np.exp(rng.normal(0.0, 0.3)) / max(level, 1e-3)
    kind = str(rng.choice(("colour", "grey", "tinted"), p=(0.84, 0.13, 0.03)))
    return OneCamera(
        kind=kind,
        gains=optics.white_balance(rng) * np.float32(np.clip(gain, 0.05, 60.0)),
        noise=film.sample_noise(rng, dark),
        saturation=float(np.clip(rng.normal(0.95, 0.2), 0.25, 1.5)),
        curve=film.sample_curve(rng, False),
        dice=dice,
    )
