"""Noses as high as people's.

MakeHuman's average nose stands 12 to 17 mm out of the upper lip, with a low bridge; measured noses stand out
16 to 20 mm (Farkas et al., "International anthropometric study of facial morphology", 2005, pronasale to
subnasale). A profile shows the nose more than anything else, so a low one misleads about yaw and pitch.
"""

from __future__ import annotations

import numpy as np
from hpe_edge.training.synthetic.body.head_model import HeadModel
from hpe_edge.training.synthetic.body.landmarks import LANDMARKS_68
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

_RIDGE = LANDMARKS_68[27:31]  # from between the eyes down to the tip
_BASE = LANDMARKS_68[33]
_RAISE_DM = (0.055, 0.09, 0.115, 0.08)  # of the ridge at its four landmarks; none at the base and at the brow
_HALF_WIDTH_DM = (0.11, 0.13, 0.17, 0.2)


def raise_nose(
    model: HeadModel, neutral: FloatArray, age: float, ethnicity: dict[str, float], rng: np.random.Generator
) -> FloatArray:
    """A copy of ``neutral`` (B, 3; dm) with a higher nose: less in children, more or less by chance."""
    grown = float(np.interp(age, (0.1, 0.45), (0.25, 1.0)))
    heritage = 0.75 + 0.4 * ethnicity["caucasian"]
    strength = grown * heritage * float(np.clip(rng.normal(1.0, 0.35), 0.1, 2.0))
    raised = neutral.copy()
    raised[:, 2] += np.float32(strength) * _relief(model.mean)
    return raised


def _relief(mean: FloatArray) -> FloatArray:
    """How far each vertex of the mean face comes forward, in dm. (B,)"""
    heights = mean[_RIDGE, 1]
    brow, base = heights[0] + 0.16, mean[_BASE, 1] + 0.02
    order = [base, *heights[::-1], brow]
    raised = np.interp(mean[:, 1], order, [0.0, *_RAISE_DM[::-1], 0.0], left=0.0, right=0.0)
    width = np.interp(mean[:, 1], heights[::-1], _HALF_WIDTH_DM[::-1])
    across = np.clip(np.abs(mean[:, 0]) / width, 0.0, 1.0)
    front = mean[:, 2] > mean[_RIDGE[0], 2] - 0.35
    return np.asarray(raised * 0.5 * (1 + np.cos(np.pi * across)) * front, np.float32)
