"""Spectacles built round the wearer's own eyes, bridge and ears: rims, bridge, temples, lenses."""

from __future__ import annotations

import numpy as np
from hpe_edge.training.synthetic.body.landmarks import LANDMARKS_68
from hpe_edge.training.synthetic.worn.wear import Glasses
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int32]

_RIM_POINTS = 20


def build_glasses(glasses: Glasses, neutral: FloatArray) -> tuple[FloatArray, IntArray, int]:
    """Vertices (V, 3), faces (F, 3), and how many of the faces (the first ones) are frame; the rest are lenses."""
    points = neutral[LANDMARKS_68]
    front = max(points[27, 2] + 0.03, points[19, 2] - 0.02, points[24, 2] - 0.02) + 0.04
    vertices: list[FloatArray] = []
    faces: list[IntArray] = []
    lenses: list[IntArray] = []
    for side, eye, ear in ((-1.0, points[36:42].mean(0), points[0]), (1.0, points[42:48].mean(0), points[16])):
        rim = _rim(glasses, eye, front)
        lens_start = sum(map(len, vertices))
        vertices.append(np.concatenate([rim, rim.mean(0, keepdims=True)]))
        lenses.append(lens_start + np.asarray(_fan(len(rim)), np.int32))
        _add_tube(vertices, faces, np.concatenate([rim, rim[:1]]), glasses.thickness)
        outer = rim[np.argmax(side * rim[:, 0])]
        hinge = np.asarray([side * max(abs(outer[0]) + 0.03, abs(ear[0]) - 0.02), outer[1] + 0.03, front - 0.08])
        over_ear = np.asarray([side * (abs(ear[0]) + 0.05), ear[1] + 0.1, ear[2] - 0.12])
        behind = over_ear + np.asarray((0.0, -0.2, -0.12))
        _add_tube(vertices, faces, np.stack([outer, hinge, over_ear, behind]), glasses.thickness)
    bridge_y = points[27, 1] - 0.02
    gap = max(0.07, abs(points[39, 0]) - glasses.half_width + 0.12)
    bridge = np.asarray([[-gap, bridge_y, front], [0, bridge_y + 0.03, front + 0.02], [gap, bridge_y, front]])
    _add_tube(vertices, faces, bridge, glasses.thickness)
    frame = np.concatenate(faces)
    return (
        np.concatenate(vertices).astype(np.float32),
        np.concatenate([frame, *lenses]).astype(np.int32),
        len(frame),
    )


def _rim(glasses: Glasses, eye: FloatArray, front: float) -> FloatArray:
    """A superellipse round the eye, bowed backwards to the temples."""
    angle = np.linspace(0, 2 * np.pi, _RIM_POINTS, endpoint=False)
    power = 2.0 / glasses.squareness
    x = glasses.half_width * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** power
    y = glasses.half_height * np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** power
    x = x + eye[0] + np.sign(eye[0]) * 0.01
    return np.stack([x, y + eye[1] - glasses.drop, front - 0.25 * x**2], 1).astype(np.float32)


def _fan(count: int) -> list[tuple[int, int, int]]:
    return [(count, index, (index + 1) % count) for index in range(count)]


def _add_tube(vertices: list[FloatArray], faces: list[IntArray], line: FloatArray, thickness: float) -> None:
    """A square tube along a polyline."""
    start = sum(map(len, vertices))
    half = thickness
    offsets = np.asarray([(-1, -1, -1), (1, 1, -1), (1, 1, 1), (-1, -1, 1)], np.float32) * half
    direction = np.gradient(np.asarray(line, np.float64), axis=0)
    upright = np.abs(direction[:, 1]) > np.hypot(direction[:, 0], direction[:, 2])
    ring = np.where(upright[:, None, None], offsets[:, (0, 2, 1)] * (1, 0, 1), offsets * (0, 1, 1))
    sideways = np.abs(direction[:, 2]) > np.abs(direction[:, 0])
    ring = np.where((sideways & ~upright)[:, None, None], offsets[:, (2, 1, 0)] * (1, 1, 0), ring)
    vertices.append((line[:, None] + ring).reshape(-1, 3).astype(np.float32))
    for index in range(len(line) - 1):
        a, b = start + 4 * index, start + 4 * index + 4
        for corner in range(4):
            other = (corner + 1) % 4
            faces.append(
                np.asarray([(a + corner, b + corner, b + other), (a + corner, b + other, a + other)], np.int32)
            )
