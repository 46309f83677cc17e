"""Euler angles of label-frame matrices for training, on the branch that a label wants.

The angles themselves come from the C++ core, whose matrices are ``D R D`` of the label frame's
(docs/CONVENTIONS.md). Its yaw stays within +-90 degrees; beyond, the same matrix is
(180 - yaw, pitch + 180, roll + 180), and rendered heads reach there, so the branch has to be chosen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hpe_edge import _core

Angles = NDArray[np.float64]

EULER_LIMIT_DEG = 99.0
"""Reach of the networks' angles and of the published protocol: labels beyond it are no Euler targets."""

_FLIP = np.outer([1.0, -1.0, -1.0], [1.0, -1.0, -1.0])


def euler_branches_deg(rotation: NDArray[np.floating]) -> tuple[Angles, Angles]:
    """Both triples (3,) yaw, pitch, roll of a label-frame matrix (3, 3): |yaw| <= 90, and beyond."""
    matrix = np.asarray(rotation, np.float64) * _FLIP
    first: Angles = _core.rotation_to_euler(matrix[None])[0]
    return first, np.array([np.copysign(180.0, first[0]) - first[0], first[1] + 180.0, first[2] + 180.0])


def euler_of_rotation_deg(rotation: NDArray[np.floating]) -> tuple[float, float, float]:
    """Yaw in +-180 degrees, pitch, roll of a label-frame matrix, on the branch with the smaller pitch and roll.

    >>> euler_of_rotation_deg(np.diag([-1.0, 1.0, -1.0]))
    (180.0, 0.0, 0.0)
    """
    yaw, pitch, roll = min(
        (np.append(angles[0], _wrap(angles[1:])) for angles in euler_branches_deg(rotation)),
        key=lambda angles: float(np.abs(angles[1:]).sum()),
    )
    return float(yaw), float(pitch), float(roll)


def euler_nearest_deg(rotation: NDArray[np.floating], near_deg: NDArray[np.floating]) -> NDArray[np.float32]:
    """Angles (3,) of a label-frame matrix, on the branch nearest to ``near_deg`` (3,)."""
    best = []
    for candidate in euler_branches_deg(rotation):
        turns = np.round((candidate - near_deg) / 360.0)
        turns[0] = 0.0  # yaw itself never wraps
        best.append(candidate - 360.0 * turns)
    return min(best, key=lambda angles: float(np.abs(angles - near_deg).sum())).astype(np.float32)


def _wrap(degrees: Angles) -> Angles:
    return (degrees + 180.0) % 360.0 - 180.0
