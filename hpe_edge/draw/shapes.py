"""What is drawn on a head, as line segments in its own axes: metres, x to its left, y to the chin, z into the face."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hpe_edge.camera import MEAN_FACE_M

Array: TypeAlias = NDArray[np.float64]
Colour: TypeAlias = tuple[int, int, int]

FACE_MIDDLE_M: Final = (MEAN_FACE_M.max(axis=0) + MEAN_FACE_M.min(axis=0)) / 2
"""(3,) the middle of the mean face, which lies behind the middle of the box."""
FACE_SIZE_M: Final = float(np.ptp(MEAN_FACE_M[:, 0]))

# BGR, readable on skin, on dark and on light
RED: Final = (40, 40, 235)
GREEN: Final = (60, 190, 40)
BLUE: Final = (245, 110, 30)
CYAN: Final = (235, 210, 90)
YELLOW: Final = (70, 225, 255)
WHITE: Final = (255, 255, 255)

_AXIS_M: Final = 0.6 * FACE_SIZE_M
_HALF_CUBE_M: Final = 0.075
_CUBE_MIDDLE_M: Final = np.array([0.0, FACE_MIDDLE_M[1], FACE_MIDDLE_M[2] + 0.5 * _HALF_CUBE_M])
_SKULL_MIDDLE_M: Final = np.array([0.0, -0.025, 0.0])
# Height (y), half width, front and back (z) of the head from crown to chin, millimetres; the mean face fits in.
_SKULL_MM: Final = np.array(
    [
        (-136, 22, -18, 36),
        (-122, 46, -52, 68),
        (-92, 66, -78, 92),
        (-58, 73, -86, 101),
        (-22, 73, -82, 101),
        (16, 69, -80, 90),
        (44, 62, -76, 66),
        (66, 50, -72, 30),
        (83, 26, -68, -22),
    ],
    dtype=np.float64,
)
_SPOKES: Final = 16
_CLOSED, _OPEN = True, False
_FEATURES: Final = (
    (range(17), _OPEN),  # jaw
    (range(17, 22), _OPEN),
    (range(22, 27), _OPEN),
    (range(27, 31), _OPEN),  # nose
    ((31, 30, 35, 33, 31), _OPEN),
    (range(36, 42), _CLOSED),
    (range(42, 48), _CLOSED),
    (range(48, 60), _CLOSED),  # mouth
    ((60, 61, 62, 63, 64), _OPEN),
)


@dataclass(frozen=True)
class Segments:
    """Lines of one colour.

    Attributes:
        ends_m: (S, 2, 3) their ends in the head's axes.
        outward: (S, 3) where the surface faces there; what faces away from the viewer is not drawn. ``None``: all is.
        colour: BGR.
        weight: thickness, in units of that of an axis.
        outlined: whether it has a dark outline.
    """

    ends_m: Array
    colour: Colour
    weight: float = 1.0
    outward: Array | None = None
    outlined: bool = True


@cache
def axes() -> tuple[Segments, ...]:
    """Red to the side, green down, blue out of the face (Ruiz et al., Hopenet, CVPRW 2018, fig. 1)."""
    tips = (((1.0, 0.0, 0.0), RED), ((0.0, 1.0, 0.0), GREEN), ((0.0, 0.0, -1.0), BLUE))
    origin = FACE_MIDDLE_M
    return tuple(Segments(np.array([[origin, origin + _AXIS_M * np.array(tip)]]), colour) for tip, colour in tips)


@cache
def cube() -> tuple[Segments, ...]:
    """A cube around the head: the face's side blue, with a small nose; hidden edges thin."""
    square = np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)])
    rims, normals = [], []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            rim = np.insert(square, axis, sign, axis=1)
            rims.append(np.stack([rim, np.roll(rim, -1, axis=0)], axis=1))
            normals.append(np.tile(sign * np.eye(3)[axis], (4, 1)))
    edges, outward = _CUBE_MIDDLE_M + _HALF_CUBE_M * np.concatenate(rims), np.concatenate(normals)
    front = outward[:, 2] < 0
    tip = _CUBE_MIDDLE_M + _HALF_CUBE_M * np.array([0.0, 0.0, -1.4])
    base = _CUBE_MIDDLE_M + _HALF_CUBE_M * np.insert(0.35 * square, 2, -1.0, axis=1)
    nose = np.stack([base, np.broadcast_to(tip, base.shape)], axis=1)
    return (
        Segments(edges, WHITE, 0.25),
        Segments(edges[~front], YELLOW, 0.7, outward[~front]),
        Segments(edges[front], BLUE, 1.2, outward[front]),
        Segments(nose, BLUE, 0.7, outward[front]),
    )


@cache
def head() -> tuple[Segments, ...]:
    """A low-poly head: rings and spokes of a skull, and the mean face's jaw, brows, nose, eyes and mouth."""
    rings = skull_m()
    around = np.stack([rings, np.roll(rings, -1, axis=1)], axis=2)[1::2].reshape(-1, 2, 3)
    along = np.stack([rings[:-1, ::2], rings[1:, ::2]], axis=2).reshape(-1, 2, 3)
    shell = np.concatenate([around, along])
    shell = shell[~_in_face(shell)]
    face = np.concatenate([_line(np.array(points), closed) for points, closed in _FEATURES])
    return (
        Segments(shell, CYAN, 0.4, _outward(shell), outlined=False),
        Segments(face, WHITE, 0.6, _outward(face)),
    )


STYLES: Final[dict[str, Callable[[], tuple[Segments, ...]]]] = {"axes": axes, "cube": cube, "head": head}


@cache
def skull_m() -> Array:
    """(rings, spokes, 3) the points of the low-poly head, metres."""
    turn = np.linspace(0.0, 2 * np.pi, _SPOKES, endpoint=False)
    y, half, front, back = _SKULL_MM.T[:, :, None] / 1000.0
    z = np.where(np.cos(turn) < 0, -front, back) * np.cos(turn)
    return np.stack(np.broadcast_arrays(half * np.sin(turn), y, z), axis=2)


def _in_face(ends_m: Array) -> NDArray[np.bool_]:
    """Where the face's own lines are, which the shell would only disturb."""
    x, y, z = ends_m.mean(axis=1).T
    return np.asarray((z < -0.02) & (y > -0.06) & (np.abs(x) < 0.06))


def _line(points: NDArray[np.int_], closed: bool) -> Array:
    chain = np.append(points, points[0]) if closed else points
    return np.stack([MEAN_FACE_M[chain[:-1]], MEAN_FACE_M[chain[1:]]], axis=1)


def _outward(ends_m: Array) -> Array:
    """(S, 3) the normals of an ellipsoid through them, about the head's."""
    return np.asarray((ends_m.mean(axis=1) - _SKULL_MIDDLE_M) / np.array([0.073, 0.112, 0.095]) ** 2)
