"""Pose from landmarks: the perspective-n-point problem with a mean face, as landmark-based methods solve it."""

from __future__ import annotations

import cv2
import numpy as np
from hpe_edge.training.euler import euler_of_rotation_deg
from numpy.typing import NDArray

from hpe_edge.errors import HpeEdgeError, InvalidArgumentError

Floats = NDArray[np.float64]

_FIVE = (36, 45, 30, 48, 54)  # outer eye corners, tip of the nose, corners of the mouth
_SIX = (*_FIVE, 8)  # the chin
_TEN = (*_SIX, 39, 42, 31, 35)  # inner eye corners, wings of the nose
_FOURTEEN = (*_TEN, 17, 21, 22, 26)  # ends of the brows
_TWENTY_ONE = (*_FOURTEEN, 27, 29, 33, 19, 24, 51, 57)  # ridge and base of the nose, brows, lips
_INNER = (*_TWENTY_ONE, *(i for i in range(17, 68) if i not in _TWENTY_ONE))
ORDER = (*_INNER, *(i for i in range(17) if i != 8))
"""All 68 landmarks; the first n are the set of n. The jaw comes last: 5, 6, 10, 14, 21, 52 and 68 are natural."""

STARTS = ("orthographic", "dlt")
LEAST_POINTS = {"orthographic": 4, "dlt": 6}
_TO_OPENCV = np.array([1.0, -1.0, -1.0])  # label frame to OpenCV's: y down, z forward


def chosen(count: int, start: str = "orthographic") -> NDArray[np.intp]:
    """Indices (count,) of the landmarks that a set of ``count`` points has.

    Raises InvalidArgumentError for an unknown start and for fewer points than it needs or more than 68.

    >>> chosen(5).tolist()
    [36, 45, 30, 48, 54]
    """
    if start not in STARTS:
        raise InvalidArgumentError(f"--start: expected one of {STARTS}, got {start!r}")
    least = LEAST_POINTS[start]
    if not least <= count <= len(ORDER):
        raise InvalidArgumentError(
            f"--points: expected {least} to {len(ORDER)} landmarks for the start {start!r}, got {count}"
        )
    return np.asarray(ORDER[:count], np.intp)


def pinhole(size_px: tuple[int, int], focal: float) -> Floats:
    """Camera matrix (3, 3) as landmark methods guess it.

    ``focal`` in longer sides of the image (width, height), the optical axis through its middle.

    >>> pinhole((450, 450), 1.0)[0].tolist()
    [450.0, 0.0, 225.0]
    """
    if not focal > 0:
        raise InvalidArgumentError(f"--focal: expected image sides above 0, got {focal}")
    width, height = size_px
    length = focal * max(width, height)
    return np.array([[length, 0.0, width / 2.0], [0.0, length, height / 2.0], [0.0, 0.0, 1.0]])


def pose_from_points(points_xy: Floats, face_mm: Floats, camera: Floats, start: str) -> NDArray[np.float32]:
    """Yaw, pitch, roll (3,) in degrees of a face (n, 3), label frame, whose points are seen at (n, 2) pixels.

    Both starts end in OpenCV's Levenberg-Marquardt. ``dlt`` is solvePnP as it comes, which is what Hopenet's
    authors used: it starts from a linear estimate that needs 6 points and often lies behind the camera.
    ``orthographic`` starts from `scaled_orthography`, which has no such failure.
    Raises HpeEdgeError where the points determine no pose.

    >>> pose_from_points(points_xy, face_mm, pinhole((450, 450), 1.0), "dlt")  # doctest: +SKIP
    array([12.1, -3.0,  1.2], dtype=float32)
    """
    model = np.ascontiguousarray(face_mm * _TO_OPENCV)
    seen = np.ascontiguousarray(points_xy, np.float64)
    try:
        if start == "dlt":
            found, turn, _ = cv2.solvePnP(model, seen, camera, None, flags=cv2.SOLVEPNP_ITERATIVE)
        else:
            turn, _ = cv2.solvePnPRefineLM(model, seen, camera, None, *scaled_orthography(seen, model, camera))
            found = True
    except (cv2.error, np.linalg.LinAlgError) as error:
        raise HpeEdgeError(f"solvePnP: expected {len(seen)} points that determine a pose, got: {error}") from error
    if not found or not np.isfinite(turn).all():
        raise HpeEdgeError(f"solvePnP: expected {len(seen)} points that determine a pose, found none")
    rotation = cv2.Rodrigues(turn)[0] * np.outer(_TO_OPENCV, _TO_OPENCV)
    return np.asarray(euler_of_rotation_deg(rotation), np.float32)


def scaled_orthography(seen_xy: Floats, model: Floats, camera: Floats) -> tuple[Floats, Floats]:
    """Rotation vector and place (3, 1) each of ``model`` (n, 3), OpenCV's axes, if all its points were equally far.

    The linear step of POSIT: DeMenthon and Davis, "Model-Based Object Pose in 25 Lines of Code", ECCV 1992.
    """
    middle, middle_px = model.mean(axis=0), seen_xy.mean(axis=0)
    across, down = np.linalg.lstsq(model - middle, seen_xy - middle_px, rcond=None)[0].T
    scale = 0.5 * (np.linalg.norm(across) + np.linalg.norm(down))  # pixels a millimetre
    if not scale > 0:
        raise np.linalg.LinAlgError("all points are seen at one place")
    left, _, right = np.linalg.svd(np.stack([across, down, np.cross(across, down) / scale]))
    rotation = left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right
    centre = np.append((middle_px - camera[:2, 2]) / scale, camera[0, 0] / scale)
    place: Floats = (centre - rotation @ middle).reshape(3, 1)
    return np.asarray(cv2.Rodrigues(rotation)[0], np.float64), place
