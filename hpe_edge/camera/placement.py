"""Where heads are and how they stand, in a camera's axes: the correction for the viewing ray, and the distance."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hpe_edge import _core
from hpe_edge.camera.mean_face import MEAN_FACE_M
from hpe_edge.camera.model import Array, Camera

FloatArray: TypeAlias = NDArray[np.float32]
AnyFloats: TypeAlias = NDArray[np.floating[Any]]

DISTANCE_SPREAD: Final = 0.06
"""One standard deviation of an adult's distance, as a fraction of it: faces differ from the mean face."""

_NEAREST_M: Final = 0.15  # the mean face would reach the pinhole
_MOST_STEPS: Final = 20  # one across a room, four at an arm's length, ten where a face fills a wide image
_CLOSE_ENOUGH: Final = 1e-3  # of the face's size
_MOST_STD_DEG: Final = 180.0


class HeadPlaces(NamedTuple):
    """Angles (N, 3) and spread (N, 3) in degrees, and the heads' middles (N, 3) in metres: all in the camera's axes,
    turned by its mount."""

    euler_deg: FloatArray
    std_deg: FloatArray
    translation_m: FloatArray


def place_heads(camera: Camera, euler_deg: AnyFloats, std_deg: AnyFloats, boxes_xyxy: AnyFloats) -> HeadPlaces:
    """From angles relative to the viewing ray, as networks see them, to poses in the camera's axes.

    The rotation is ``mount @ ray @ R``: ``ray`` is the smallest rotation from the optical axis to the ray through the
    middle of the head. The head is where the mean face, so turned, fills the box: same middle, same diagonal. The
    distance thus rests on an *assumed size* of the face (docs/CONVENTIONS.md, Camera).

    Args:
        camera: intrinsics; with width and height where boxes may leave the image.
        euler_deg: (N, 3) yaw, pitch, roll relative to the viewing ray.
        std_deg: (N, 3) their spread; NaN stays NaN.
        boxes_xyxy: (N, 4) tight face boxes, pixels.

    >>> camera = Camera.from_fov(640, 480, horizontal_fov_deg=60.0)
    >>> box = np.array([[280.0, 200.0, 360.0, 280.0]])
    >>> places = place_heads(camera, np.zeros((1, 3)), np.full((1, 3), 2.0), box)
    >>> round(float(places.translation_m[0, 2]), 1)
    1.0
    """
    angles = np.asarray(euler_deg, dtype=np.float64)
    seen = _core.euler_to_rotation(angles)
    middle_m = _middles(camera, seen, boxes_xyxy)
    turn = camera.mount @ _ray_rotations(middle_m)
    placed = _core.rotation_to_euler(np.ascontiguousarray(turn @ seen))
    return HeadPlaces(
        placed.astype(np.float32),
        _carry_spread(np.asarray(std_deg, dtype=np.float64), angles, placed, turn).astype(np.float32),
        (middle_m @ camera.mount.T).astype(np.float32),
    )


def _middles(camera: Camera, seen: Array, boxes_xyxy: AnyFloats) -> Array:
    """(N, 3) metres, optical frame: where the mean face fills the boxes. Perspective makes near faces larger in the
    middle than at the rim and shifts their middle, so the place follows by steps."""
    low, high = _plane_boxes(camera, boxes_xyxy)
    goal, size = (low + high) / 2, np.hypot(*(high - low).T)
    face = seen @ MEAN_FACE_M.T  # (N, 3, 68), in the axes of the viewing ray
    depth = np.maximum(np.hypot(*np.ptp(MEAN_FACE_M[:, :2], axis=0)) / size, _NEAREST_M)
    middle = np.concatenate([goal, np.ones((len(goal), 1))], axis=1) * depth[:, None]
    for _ in range(_MOST_STEPS):
        points = _ray_rotations(middle) @ face + middle[:, :, None]
        plane = points[:, :2] / np.maximum(points[:, 2:], 1e-3)
        first, last = plane.min(axis=2), plane.max(axis=2)
        grown, off = np.hypot(*(last - first).T) / size, goal - (first + last) / 2
        depth = np.maximum(middle[:, 2] * grown, _NEAREST_M)
        at = middle[:, :2] / middle[:, 2:] + off
        middle = np.concatenate([at, np.ones((len(at), 1))], axis=1) * depth[:, None]
        if max(np.abs(grown - 1).max(initial=0.0), (np.abs(off).T / size).max(initial=0.0)) < _CLOSE_ENOUGH:
            break
    return np.asarray(middle)


def _plane_boxes(camera: Camera, boxes_xyxy: AnyFloats) -> tuple[Array, Array]:
    """Lower and upper corners (N, 2) of the boxes on the plane z = 1, by the middles of their sides."""
    x0, y0, x1, y1 = np.asarray(boxes_xyxy, dtype=np.float64).T
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    sides = camera.plane(np.stack([x0, y, x, y0, x1, y, x, y1], axis=1).reshape(-1, 2)).reshape(-1, 4, 2)
    return (
        np.stack([sides[:, 0, 0], sides[:, 1, 1]], axis=1),
        np.stack([sides[:, 2, 0], sides[:, 3, 1]], axis=1),
    )


def _ray_rotations(towards: Array) -> Array:
    """(N, 3, 3) the smallest rotations of (0, 0, 1) to vectors (N, 3) with z > 0: I + K + K K / (1 + cosine)."""
    x, y, cosine = (towards / np.linalg.norm(towards, axis=1, keepdims=True)).T
    share = 1.0 / (1.0 + cosine)
    entries = [1 - share * x * x, -share * x * y, x, -share * x * y, 1 - share * y * y, y, -x, -y, cosine]
    return np.stack(entries, axis=1).reshape(-1, 3, 3)


def _carry_spread(std_deg: Array, before_deg: Array, after_deg: Array, turn: Array) -> Array:
    """The spread of the angles after the turn, to first order and with independent errors before it.

    Small changes of the angles turn the head by ``axes(before) d``, in the camera's axes by ``turn axes(before) d``.
    """
    moves = turn @ euler_axes(before_deg)  # (N, 3, 3): a column for each of yaw, pitch, roll
    yaw, pitch, _ = np.deg2rad(after_deg).T[:, :, None]
    # The inverse of euler_axes. At a yaw of 90 degrees pitch and roll are one, and their spread is without bounds.
    cos_yaw = np.maximum(np.cos(yaw), 1e-6)
    d_roll = (np.sin(pitch) * moves[:, 1] + np.cos(pitch) * moves[:, 2]) / cos_yaw
    d_yaw = np.cos(pitch) * moves[:, 1] - np.sin(pitch) * moves[:, 2]
    d_pitch = np.sin(yaw) * d_roll - moves[:, 0]
    jacobian = np.stack([d_yaw, d_pitch, d_roll], axis=1)
    carried = np.sqrt((jacobian**2 * std_deg[:, None] ** 2).sum(axis=2))
    return np.asarray(np.minimum(carried, _MOST_STD_DEG))


def euler_axes(euler_deg: AnyFloats) -> Array:
    """(N, 3, 3): in its columns the axes about which yaw, pitch and roll turn a head, optical frame.

    Small changes ``d`` of the three angles turn it by the rotation vector ``axes @ d``, about the frame's fixed axes.

    >>> (euler_axes(np.zeros((1, 3)))[0] + 0.0).tolist()  # yaw about y (down), pitch about -x, roll about z
    [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    yaw, pitch, _ = np.deg2rad(euler_deg).T
    zero = np.zeros_like(yaw)
    columns = [
        [zero, np.cos(pitch), -np.sin(pitch)],
        [zero - 1, zero, zero],
        [np.sin(yaw), np.cos(yaw) * np.sin(pitch), np.cos(yaw) * np.cos(pitch)],
    ]
    return np.stack([np.stack(column, axis=1) for column in columns], axis=2)
