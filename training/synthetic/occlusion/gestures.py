"""Where hands go: gestures on the wearer's own face, described for the left hand.

Head axes (x to the subject's left, y up, z out of the face), decimetres; the right hand makes the mirror image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = tuple[float, float, float]
FloatArray = NDArray[np.float32]

# iBUG's 68 points of the mirrored face
MIRROR_68 = np.asarray(
    (
        *range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31,
        45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
        54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65,
    )
)  # fmt: skip
PALM: Vector = (0.0, 0.75, 0.12)  # hand axes
FINGERS_ROOT: Vector = (0.0, 1.1, 0.08)
FINGERTIPS: Vector = (0.0, 1.6, 0.1)
KNUCKLES: Vector = (0.0, 1.0, 0.3)  # of a fist


@dataclass(frozen=True)
class Gesture:
    """``points`` of the 68 whose mean plus ``offset`` the hand's ``anchor`` (hand axes) goes to; then it moves
    along ``approach`` until it touches. ``fingers`` and ``palm``: where both point; ``elbow``: a place."""

    name: str
    share: float
    poses: tuple[str, ...]
    points: tuple[int, ...]
    offset: Vector
    anchor: Vector
    fingers: Vector
    palm: Vector
    approach: Vector
    elbow: Vector = (1.9, 3.4, 1.6)
    both: float = 0.0  # how often the other hand does the same


GESTURES = (
    Gesture("hand on cheek", 1.0, ("flat", "relaxed", "curl"), (13, 54, 46), (0.1, -0.05, 0.0), PALM,
            (-0.05, 0.93, -0.3), (-0.85, 0.1, -0.5), (-0.85, 0.1, -0.5), both=0.3),
    Gesture("cheek on fist", 0.7, ("fist", "curl"), (12, 54), (0.1, 0.0, 0.0), KNUCKLES,
            (-0.5, 0.8, -0.15), (-0.6, -0.4, -0.6), (-0.75, 0.5, -0.4), both=0.1),
    Gesture("chin on fist", 1.0, ("fist", "curl", "relaxed"), (8,), (0.0, -0.1, -0.05), KNUCKLES,
            (-0.35, 0.9, -0.1), (-0.35, -0.1, -0.9), (0.0, 0.95, -0.2), (1.4, 3.2, 2.2), both=0.3),
    Gesture("hand at the chin", 1.0, ("pinch", "point", "curl"), (8, 57), (0.05, -0.05, 0.0), (-0.3, 1.25, 0.45),
            (-0.55, 0.8, -0.2), (-0.25, 0.1, -0.95), (-0.1, 0.2, -0.97), (1.6, 3.4, 2.0)),
    Gesture("hand over the mouth", 1.3, ("flat", "relaxed", "curl"), (48, 54, 57), (0.0, 0.22, 0.0), FINGERS_ROOT,
            (-0.85, 0.45, -0.15), (-0.1, 0.0, -1.0), (-0.1, 0.0, -1.0), (2.0, 3.8, 1.6), both=0.2),
    Gesture("finger on the lips", 0.5, ("point",), (62, 66), (0.0, -0.05, 0.0), (-0.3, 1.5, 0.1),
            (-0.15, 0.97, 0.0), (-0.75, 0.0, -0.6), (0.0, 0.0, -1.0), (1.3, 3.2, 2.4)),
    Gesture("hand at the nose", 0.5, ("pinch", "point", "curl"), (30,), (0.0, 0.0, 0.0), (-0.3, 1.3, 0.5),
            (-0.45, 0.85, -0.2), (-0.3, 0.1, -0.95), (0.0, 0.0, -1.0), (1.6, 3.4, 2.2)),
    Gesture("hand shading the eyes", 0.7, ("flat",), (19, 24), (0.05, 0.2, 0.0), (-0.35, 1.0, 0.0),
            (-0.93, 0.1, 0.3), (-0.05, -0.95, -0.1), (0.0, -0.05, -1.0), (2.8, 5.2, 1.2)),
    Gesture("hand at the temple", 1.0, ("relaxed", "point", "curl", "pinch"), (16, 45), (0.05, 0.3, 0.0), FINGERTIPS,
            (-0.35, 0.9, -0.2), (-0.9, -0.3, -0.3), (-0.95, -0.1, -0.3), (2.2, 3.8, 1.2), both=0.25),
    Gesture("hand on the forehead", 0.7, ("flat", "relaxed"), (19, 24), (0.05, 0.35, 0.0), FINGERS_ROOT,
            (-0.75, 0.65, -0.1), (-0.1, -0.15, -0.98), (0.0, -0.1, -1.0), (2.2, 4.4, 1.8)),
    Gesture("hand over the eyes", 0.5, ("flat", "relaxed", "spread"), (27, 28), (0.0, 0.0, 0.0), FINGERS_ROOT,
            (-0.55, 0.82, 0.0), (-0.1, 0.0, -1.0), (0.0, 0.0, -1.0), (2.0, 3.8, 2.0), both=0.3),
    Gesture("hand in the hair", 1.0, ("spread", "relaxed"), (24, 25), (0.25, 0.75, -0.5), PALM,
            (-0.35, 0.5, -0.8), (-0.5, -0.8, -0.25), (-0.5, -0.8, -0.25), (3.0, 5.8, 1.2), both=0.3),
    Gesture("hand at the ear", 0.7, ("flat", "relaxed", "curl"), (16, 15), (0.1, 0.05, -0.25), PALM,
            (-0.1, 0.95, -0.15), (-0.95, 0.0, 0.2), (-1.0, 0.0, 0.0), (2.4, 4.2, 0.8), both=0.3),
    Gesture("hand at the neck", 0.5, ("flat", "relaxed"), (14,), (0.0, -0.75, -0.2), PALM,
            (-0.3, 0.55, -0.75), (-0.9, 0.1, -0.4), (-0.95, 0.1, -0.3), (2.6, 4.2, 1.4)),
    Gesture("pulling at the glasses", 0.4, ("pinch",), (45,), (0.12, 0.0, -0.05), (-0.25, 1.25, 0.5),
            (-0.6, 0.7, -0.35), (-0.75, 0.1, -0.6), (-0.85, 0.0, -0.5), (2.2, 3.8, 1.6)),
)  # fmt: skip
