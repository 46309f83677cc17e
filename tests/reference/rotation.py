"""Twins of the rotation functions of ``hpe_edge._core``: one item, matrices as the conventions have them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

# Label frame (y up, z toward the viewer) to OpenCV frame (y down, z forward), and back.
D = np.diag([1.0, -1.0, -1.0])

# Columns: the head's REP-103 axes (x forward out of the face, y left, z up) in OpenCV coordinates.
REP103_AXES = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [-1.0, 0.0, 0.0]])


def label_rotation(yaw_deg: float, pitch_deg: float, roll_deg: float) -> F64:
    """``Rx(pitch) Ry(yaw) Rz(roll)`` of docs/CONVENTIONS.md."""
    yaw, pitch, roll = np.radians([yaw_deg, pitch_deg, roll_deg])
    c, s = np.cos(pitch), np.sin(pitch)
    rx = np.array([[1, 0, 0], [0, c, s], [0, -s, c]])
    c, s = np.cos(yaw), np.sin(yaw)
    ry = np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])
    c, s = np.cos(roll), np.sin(roll)
    rz = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    return np.asarray(rx @ ry @ rz)


def euler_to_rotation(euler_deg: F64) -> F64:
    """``D R D`` of one yaw, pitch, roll."""
    yaw, pitch, roll = euler_deg
    return D @ label_rotation(yaw, pitch, roll) @ D


def rotation_to_euler(rotation: F64) -> F64:
    """The formulas of docs/CONVENTIONS.md, for |yaw| < 90."""
    r = D @ rotation @ D
    return np.degrees([np.arcsin(-r[0, 2]), np.arctan2(r[1, 2], r[2, 2]), np.arctan2(r[0, 1], r[0, 0])])


def quaternion_xyzw_to_rotation(quaternion_xyzw: F64) -> F64:
    """Turns each axis by ``v' = q v q*``, with q made a unit."""
    x, y, z, w = quaternion_xyzw / np.linalg.norm(quaternion_xyzw)
    u = np.array([x, y, z])
    columns = [v + 2 * w * np.cross(u, v) + 2 * np.cross(u, np.cross(u, v)) for v in np.eye(3)]
    return np.stack(columns, axis=1)


def rotvec_to_rotation(rotvec: F64) -> F64:
    """Rodrigues: ``I + sin(a) K + (1 - cos(a)) K K`` with K the cross product by the axis."""
    angle = float(np.linalg.norm(rotvec))
    if angle == 0.0:
        return np.eye(3)
    x, y, z = rotvec / angle
    k = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k)


def rotation_to_rep103(rotation: F64) -> F64:
    """``B' R B``."""
    return REP103_AXES.T @ rotation @ REP103_AXES


def offset_pitch_zero(euler_deg: F64, pitch_zero_deg: float) -> F64:
    """The OpenCV-frame rotation of ``R Rx(pitch_zero)``, whatever Euler angles stand for it."""
    shifted = label_rotation(*euler_deg.tolist()) @ label_rotation(0.0, pitch_zero_deg, 0.0)
    return D @ shifted @ D
