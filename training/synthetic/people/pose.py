"""How heads stand: the distribution of poses, as matrices in the label frame.

The sampler works as life does: a head turns, nods and leans. Label angles follow from the matrix
(docs/CONVENTIONS.md), so that near the profile pitch and roll spread and correlate as they do in 300W-LP's labels.
"""

from __future__ import annotations

import math

import numpy as np
from hpe_edge.training.euler import EULER_LIMIT_DEG, euler_of_rotation_deg
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


def rotation_x(degrees: float) -> Matrix:
    """Pitch of docs/CONVENTIONS.md: + looks up."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[1, 0, 0], [0, c, s], [0, -s, c]])


def rotation_y(degrees: float) -> Matrix:
    """Yaw of docs/CONVENTIONS.md: + turns the nose to image-left."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])


def rotation_z(degrees: float) -> Matrix:
    """Roll of docs/CONVENTIONS.md: + turns the head clockwise in the image."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])


def sample_pose(
    rng: np.random.Generator, features: frozenset[str] = frozenset(), yaw_range_deg: float = EULER_LIMIT_DEG
) -> Matrix:
    """A label-frame rotation with an azimuth within ``yaw_range_deg``, 180 being all round.

    Up to EULER_LIMIT_DEG all three label angles lie within that limit too; a wider range asks for labels by
    matrix. Without the feature "pose" it is the first generator's distribution, which ends at 99 degrees.
    """
    while True:
        azimuth, rotation = _published(rng, yaw_range_deg) if "pose" in features else _first_generator(rng)
        in_range = euler_in_range(euler_of_rotation_deg(rotation))
        if abs(azimuth) <= yaw_range_deg and (in_range or yaw_range_deg > EULER_LIMIT_DEG):
            return rotation


def euler_in_range(euler_deg: tuple[float, float, float]) -> bool:
    """Whether all three angles lie within +-99 degrees, as Euler training and the protocols ask."""
    return max(map(abs, euler_deg)) <= EULER_LIMIT_DEG


def _published(rng: np.random.Generator, yaw_range_deg: float) -> tuple[float, Matrix]:
    """Turn, nod and lean of the body, ``Ry(azimuth) Rx(elevation) Rz(lean)``, in three kinds.

    So composed the three are nearly independent in photographs: over AFLW2000-3D's development labels the
    deviation of elevation is 9 to 12 degrees and that of lean 12 to 15 at every azimuth, while Euler pitch and roll
    at profile reach +-60 and correlate by .9.

    - 50 % as photographs: the percentiles of AFLW2000-3D (Zhu et al., CVPR 2016), half near the front, half
      evenly round to profile. Its elevation of -5 is about -1.5 of the mesh, whose zero lies 3.7 degrees off.
    - 42 % wide: azimuth uniform, as 300W-LP's face profiling fills it (same source); elevation and lean so that
      they cover the +-60 and +-50 of the BIWI recordings (Fanelli et al., IJCV 2013).
    - 8 % extreme: heads that lie down (photograph turned by 35 to 95 degrees), or look 30 to 60 degrees up or down.
    """
    kind = rng.choice(3, p=(0.5, 0.42, 0.08))
    if kind == 1:
        azimuth = rng.uniform(-yaw_range_deg, yaw_range_deg)
        elevation, lean = rng.normal(-2, 17), rng.normal(0, 17)
    else:
        azimuth = rng.normal(0, 12) if rng.random() < 0.5 else rng.uniform(-88, 88)
        elevation = rng.normal(-1.5, 11)
        lean = rng.normal(0, 7.5) if rng.random() < 0.7 else rng.normal(0, 21)
    picture_turn = 0.0
    if kind == 2 and rng.random() < 0.55:
        picture_turn = rng.uniform(35, 95) * rng.choice((-1, 1))
    elif kind == 2:
        elevation = rng.uniform(30, 60) * rng.choice((-1, 1))
    body = rotation_y(azimuth) @ rotation_x(elevation) @ rotation_z(lean)
    return azimuth, rotation_z(picture_turn) @ body


def _first_generator(rng: np.random.Generator) -> tuple[float, Matrix]:
    azimuth = rng.uniform(-99, 99) if rng.random() < 0.55 else rng.normal(0, 28)
    elevation = rng.normal(-2, 17) if rng.random() < 0.85 else rng.uniform(-65, 65)
    tilt = rng.normal(0, 14) if rng.random() < 0.82 else rng.uniform(-95, 95)
    return azimuth, rotation_z(tilt) @ rotation_y(azimuth) @ rotation_x(elevation)


def sample_trunk(rotation: Matrix, rng: np.random.Generator) -> Matrix:
    """Rotation of the trunk against the head: it follows the head's turn by a random share."""
    azimuth = np.degrees(np.arctan2(-rotation[0, 2], rotation[2, 2]))
    lag = np.clip(rng.normal(0.35, 0.3), 0.0, 0.9) * azimuth
    turn = float(np.clip(-lag + rng.normal(0, 8), -65, 65))
    nod = float(np.clip(rng.normal(0, 10), -25, 25))
    tilt = float(np.clip(rng.normal(0, 8), -20, 20))
    return rotation_y(turn) @ rotation_x(nod) @ rotation_z(tilt)
