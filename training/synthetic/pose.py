"""How heads stand: the distribution of poses, and angles from matrices in the label frame.

The sampler works as life does: the face's normal has an azimuth and an elevation, and the head is
tilted in the picture. Label angles follow from the matrix (docs/CONVENTIONS.md), so that near the profile
pitch and roll spread and correlate as they do in 300W-LP's labels.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
LABEL_LIMIT_DEG = 99.0


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


def label_angles_deg(rotation: Matrix) -> tuple[float, float, float]:
    """Yaw, pitch, roll of a label-frame matrix, on the branch with the smaller pitch and roll."""
    yaw = math.degrees(math.asin(max(-1.0, min(1.0, -rotation[0, 2]))))
    pitch = math.degrees(math.atan2(rotation[1, 2], rotation[2, 2]))
    roll = math.degrees(math.atan2(rotation[0, 1], rotation[0, 0]))
    other = (math.copysign(180.0, yaw) - yaw, _wrap(pitch + 180.0), _wrap(roll + 180.0))
    if abs(other[1]) + abs(other[2]) < abs(pitch) + abs(roll):
        return other
    return yaw, pitch, roll


def _wrap(degrees: float) -> float:
    return (degrees + 180.0) % 360.0 - 180.0


def sample_pose(rng: np.random.Generator) -> Matrix:
    """A label-frame rotation whose three angles lie within +-99 degrees."""
    while True:
        azimuth = rng.uniform(-99, 99) if rng.random() < 0.55 else rng.normal(0, 28)
        elevation = rng.normal(-2, 17) if rng.random() < 0.85 else rng.uniform(-65, 65)
        tilt = rng.normal(0, 14) if rng.random() < 0.82 else rng.uniform(-95, 95)
        rotation = rotation_z(tilt) @ rotation_y(azimuth) @ rotation_x(elevation)
        if max(map(abs, label_angles_deg(rotation))) <= LABEL_LIMIT_DEG and abs(azimuth) <= LABEL_LIMIT_DEG:
            return rotation


def sample_trunk(rotation: Matrix, rng: np.random.Generator) -> Matrix:
    """Rotation of the trunk against the head: it follows the head's turn by a random share."""
    azimuth = np.degrees(np.arctan2(-rotation[0, 2], rotation[2, 2]))
    lag = np.clip(rng.normal(0.35, 0.3), 0.0, 0.9) * azimuth
    turn = float(np.clip(-lag + rng.normal(0, 8), -65, 65))
    nod = float(np.clip(rng.normal(0, 10), -25, 25))
    tilt = float(np.clip(rng.normal(0, 8), -20, 20))
    return rotation_y(turn) @ rotation_x(nod) @ rotation_z(tilt)
