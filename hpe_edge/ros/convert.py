"""``HeadPoses`` to geometry_msgs: SI units, radians, quaternions xyzw, in the camera's optical frame (REP-103).

The header is passed through: give the image's own, and stamp and frame are the image's. Messages are made of whatever
classes ``types`` finds, so the same functions serve DDS (:func:`hpe_edge.ros.messages.message_type`), recorded bags
(rosbags) and a ROS install (:func:`installed_types`). docs/ROBOTS.md has the frames and what the covariance means.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from hpe_edge import rotation
from hpe_edge.camera import DISTANCE_SPREAD, euler_axes
from hpe_edge.errors import InvalidArgumentError
from hpe_edge.results import HeadPoses

Floats: TypeAlias = NDArray[np.float64]
MessageTypes: TypeAlias = Callable[[str], Any]
"""From a name, ``"geometry_msgs/msg/Pose"``, to a class that takes its fields as keywords."""

HeadAxes: TypeAlias = Literal["optical", "body"]
HEAD_AXES: Final[tuple[str, ...]] = get_args(HeadAxes)

ASIDE_SPREAD_M: Final = 0.007
"""One standard deviation of the head's place across the viewing ray, metres. In renders, with exact boxes, nine of ten
are nearer (docs/CONVENTIONS.md, Camera); found boxes are not exact."""
UNKNOWN_SPREAD_DEG: Final = 180.0
"""Stands for the spread of a model that gives none: nothing is known about the rotation's error."""

# Columns: x out of the face, y to the subject's left, z up, in the head's optical axes (x image-right, y down, z back).
_BODY_IN_OPTICAL: Final = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [-1.0, 0.0, 0.0]])


def installed_types(name: str) -> Any:
    """The message class of a ROS install that is sourced (``rclpy`` or ``rospy``).

    Raises:
        ModuleNotFoundError: there is none.
    """
    package, _, message = name.split("/")
    return getattr(import_module(f"{package}.msg"), message)


def quaternions_xyzw(poses: HeadPoses, head_axes: str = "optical") -> Floats:
    """(N, 4) the rotations from the head's axes to the optical frame.

    Args:
        poses: N heads.
        head_axes: ``"optical"``: the head's axes are x to image-right, y down, z into the picture, so that a face that
            looks into the camera is the identity. ``"body"``: REP-103's x out of the face, y to the subject's left,
            z up, so that RViz's arrow points where the face does.

    Raises:
        InvalidArgumentError: other axes.

    >>> frontal = HeadPoses.from_euler(np.zeros((1, 3)), np.array([[0.0, 0.0, 9.0, 9.0]]))
    >>> (quaternions_xyzw(frontal) + 0.0).tolist()
    [[0.0, 0.0, 0.0, 1.0]]
    """
    if head_axes not in HEAD_AXES:
        raise InvalidArgumentError(f"head_axes: expected one of {HEAD_AXES}, got {head_axes!r}")
    turns = rotation.euler_to_rotation(poses.euler_deg.astype(np.float64))
    if head_axes == "body":
        turns = turns @ _BODY_IN_OPTICAL
    return np.asarray(rotation.rotation_to_quaternion_xyzw(turns), dtype=np.float64)


def rotation_covariance(poses: HeadPoses) -> Floats:
    """(N, 3, 3) radians squared: turns about the optical frame's fixed x, y, z, as ROS has them.

    ``A diag(std^2) A^T`` with :func:`hpe_edge.camera.euler_axes` for A: to first order, and with errors of yaw, pitch
    and roll that do not depend on each other. Where the model has no spread, ``UNKNOWN_SPREAD_DEG`` about every axis.

    >>> poses = HeadPoses.from_euler(np.zeros((1, 3)), np.zeros((1, 4)), std_deg=np.array([[3.0, 2.0, 1.0]]))
    >>> np.rad2deg(np.sqrt(np.diag(rotation_covariance(poses)[0]))).round(3).tolist()  # pitch is about x, yaw about y
    [2.0, 3.0, 1.0]
    """
    axes = euler_axes(poses.euler_deg.astype(np.float64))
    spread = np.deg2rad(poses.std_deg.astype(np.float64))
    found = axes * spread[:, None] ** 2 @ axes.transpose(0, 2, 1)
    unknown = np.isnan(spread).any(axis=1)
    found[unknown] = np.eye(3) * math.radians(UNKNOWN_SPREAD_DEG) ** 2
    return np.asarray(found)


def position_covariance(poses: HeadPoses) -> Floats:
    """(N, 3, 3) metres squared: ``DISTANCE_SPREAD`` of the distance along the viewing ray, ``ASIDE_SPREAD_M`` across.

    Raises:
        InvalidArgumentError: the poses have no place.
    """
    places_m = _places(poses)
    distance_m = np.linalg.norm(places_m, axis=1)[:, None, None]
    along = places_m[:, :, None] * places_m[:, None, :] / distance_m**2
    across = np.eye(3) - along
    return np.asarray((DISTANCE_SPREAD * distance_m) ** 2 * along + ASIDE_SPREAD_M**2 * across)


def pose_covariance(poses: HeadPoses) -> Floats:
    """(N, 6, 6) in the order of ``geometry_msgs/PoseWithCovariance``: x, y, z, turns about x, y, z.

    Raises:
        InvalidArgumentError: the poses have no place.
    """
    found = np.zeros((len(poses), 6, 6))
    found[:, :3, :3] = position_covariance(poses)
    found[:, 3:, 3:] = rotation_covariance(poses)
    return found


def quaternion_stamped(
    poses: HeadPoses, header: Any, types: MessageTypes | None = None, *, head_axes: str = "optical"
) -> list[Any]:
    """A ``geometry_msgs/QuaternionStamped`` a head; the only message that needs no camera.

    Args:
        poses: N heads.
        header: the image's ``std_msgs/Header``.
        types: where message classes come from; those of :mod:`hpe_edge.ros.messages` if not given.
        head_axes: see :func:`quaternions_xyzw`.
    """
    find = _types(types)
    return [
        find("geometry_msgs/msg/QuaternionStamped")(header=header, quaternion=_quaternion(find, row))
        for row in quaternions_xyzw(poses, head_axes)
    ]


def pose_array(poses: HeadPoses, header: Any, types: MessageTypes | None = None, *, head_axes: str = "optical") -> Any:
    """One ``geometry_msgs/PoseArray`` with all heads, in the order of ``poses``.

    Args, Raises:
        As :func:`quaternion_stamped`; InvalidArgumentError: the poses have no place.
    """
    find = _types(types)
    return find("geometry_msgs/msg/PoseArray")(header=header, poses=_poses(poses, find, head_axes))


def pose_stamped(
    poses: HeadPoses, header: Any, types: MessageTypes | None = None, *, head_axes: str = "optical"
) -> list[Any]:
    """A ``geometry_msgs/PoseStamped`` a head.

    Args, Raises:
        As :func:`pose_array`.
    """
    find = _types(types)
    make = find("geometry_msgs/msg/PoseStamped")
    return [make(header=header, pose=pose) for pose in _poses(poses, find, head_axes)]


def pose_with_covariance_stamped(
    poses: HeadPoses, header: Any, types: MessageTypes | None = None, *, head_axes: str = "optical"
) -> list[Any]:
    """A ``geometry_msgs/PoseWithCovarianceStamped`` a head, with :func:`pose_covariance`.

    Args, Raises:
        As :func:`pose_array`.
    """
    find = _types(types)
    stamped = find("geometry_msgs/msg/PoseWithCovarianceStamped")
    make = find("geometry_msgs/msg/PoseWithCovariance")
    return [
        stamped(header=header, pose=make(pose=pose, covariance=covariance.ravel()))
        for pose, covariance in zip(_poses(poses, find, head_axes), pose_covariance(poses), strict=True)
    ]


def nearest(poses: HeadPoses) -> HeadPoses:
    """The nearest head alone: by its distance, or without a camera by the size of its box; nobody of nobody.

    >>> boxes = np.array([[0.0, 0.0, 9.0, 9.0], [10.0, 0.0, 40.0, 40.0]])
    >>> nearest(HeadPoses.from_euler(np.zeros((2, 3)), boxes)).boxes_xyxy.tolist()
    [[10.0, 0.0, 40.0, 40.0]]
    """
    if len(poses) < 2:
        return poses
    x0, y0, x1, y1 = poses.boxes_xyxy.T
    far = np.linalg.norm(poses.translation_m, axis=1) if has_places(poses) else -(x1 - x0) * (y1 - y0)
    first = int(np.argmin(far))
    return poses[first : first + 1]


def has_places(poses: HeadPoses) -> bool:
    """Whether the heads have a place, as those of a ``HeadPose`` with a camera."""
    return bool(np.isfinite(poses.translation_m).all())


def _places(poses: HeadPoses) -> Floats:
    """(N, 3) metres."""
    if not has_places(poses):
        raise InvalidArgumentError(
            "poses: expected heads with a place (translation_m), got NaN: without a camera an image gives no position; "
            "estimate with HeadPose(camera=Camera.from_ros(camera_info)), or send quaternion_stamped"
        )
    return poses.translation_m.astype(np.float64)


def _poses(poses: HeadPoses, find: MessageTypes, head_axes: str) -> list[Any]:
    point, pose = find("geometry_msgs/msg/Point"), find("geometry_msgs/msg/Pose")
    return [
        pose(position=point(x=x, y=y, z=z), orientation=_quaternion(find, row))
        for (x, y, z), row in zip(_places(poses).tolist(), quaternions_xyzw(poses, head_axes), strict=True)
    ]


def _quaternion(find: MessageTypes, xyzw: Floats) -> Any:
    x, y, z, w = xyzw.tolist()
    return find("geometry_msgs/msg/Quaternion")(x=x, y=y, z=z, w=w)


def _types(types: MessageTypes | None) -> MessageTypes:
    if types is not None:
        return types
    from hpe_edge.ros.messages import message_type

    return message_type
