"""Shape and colour of loose hair, in numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hpe_edge.training.synthetic.body.dome import directions
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Cut:
    """Shape of loose hair; lengths in dm, sides as (subject's right, subject's left)."""

    length: float
    ragged: float = 0.1  # spread of the length
    layer: float = 0.1  # how far the upper locks lie off the scalp
    part: float = 0.0  # x of the parting
    back: tuple[float, float] = (0.5, 0.5)  # combed back: 1, straight down: 0, forward: below 0
    cheek_limit: tuple[float, float] = (0.6, 0.6)  # dm from the middle of the face that stays free
    stiffness: float = 0.55
    wave: float = 0.0  # amplitude
    wave_length: float = 0.6
    wind: tuple[float, float] = (0.0, 0.0)  # x, z against gravity's 1
    over_ears: float = 0.14
    fringe: float = 0.0  # share of the locks over the brow
    fringe_end: float = 7.55  # height (dm) on the mean face at which it ends
    fringe_sweep: float = 0.0  # x against gravity's 1
    stray: float = 0.0  # share of locks that may cross the face
    recede: float = 0.0  # radians by which the hairline lies higher
    locks: int = 170
    width: float = 0.11
    knot: tuple[float, float, float] | None = None  # where it is gathered, against the head's middle
    two_knots: bool = False  # the same on the other side
    curly: bool = False
    under_hat: bool = False


@dataclass(frozen=True)
class Dye:
    """Colour of locks: ``tip_rgb`` from share ``tip_from`` of the length on, ``streaks`` of another colour."""

    rgb: FloatArray
    tip_rgb: FloatArray
    tip_from: float
    streak_rgb: FloatArray
    streaks: float
    spread: float


def head_direction(polar_deg: float, azimuth_deg: float, reach: float) -> tuple[float, float, float]:
    """A place against the head's middle, as ``Cut.knot`` wants it."""
    place = directions(np.radians(np.float32(polar_deg)), np.radians(np.float32(azimuth_deg))) * reach
    return float(place[0]), float(place[1]), float(place[2])
