"""From ROS messages to ROS messages: images and camera infos in, the heads' poses out. What node and bag share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from hpe_edge.camera import Camera
from hpe_edge.errors import InvalidArgumentError
from hpe_edge.estimator import HeadPose
from hpe_edge.results import HeadPoses
from hpe_edge.ros.convert import (
    HEAD_AXES,
    MessageTypes,
    has_places,
    nearest,
    pose_array,
    pose_with_covariance_stamped,
    quaternion_stamped,
)
from hpe_edge.ros.pictures import as_picture

OpenPose: TypeAlias = Callable[[Camera | None], HeadPose]
"""Makes the estimator for a camera, or for none."""

IMAGE: Final = "sensor_msgs/msg/Image"
COMPRESSED_IMAGE: Final = "sensor_msgs/msg/CompressedImage"
CAMERA_INFO: Final = "sensor_msgs/msg/CameraInfo"

OUTPUTS: Final[Mapping[str, str]] = {
    "poses": "geometry_msgs/msg/PoseArray",
    "nearest": "geometry_msgs/msg/PoseWithCovarianceStamped",
    "orientation": "geometry_msgs/msg/QuaternionStamped",
}
"""Last part of a topic's name -> type of its messages."""


def camera_info_topic(image_topic: str) -> str:
    """Where drivers publish the calibration: beside the image.

    >>> camera_info_topic("/camera/image_raw"), camera_info_topic("/camera/image_raw/compressed")
    ('/camera/camera_info', '/camera/camera_info')
    """
    base = image_topic.removesuffix("/compressed").rpartition("/")[0]
    return f"{base}/camera_info"


def as_camera(info: Any, rectified: bool = False) -> Camera:
    """The camera of a ``sensor_msgs/CameraInfo``.

    Args:
        info: the message, of ROS 1 or 2.
        rectified: the images are rectified (``image_rect``): its projection matrix and no distortion count.

    Raises:
        InvalidArgumentError: it is not calibrated, has another lens model, or tells of binning.
    """
    binning = max(int(info.binning_x), int(info.binning_y))
    if binning > 1:
        raise InvalidArgumentError(f"camera info: expected binning 0 or 1, got {binning}; calibrate at the binned size")
    if not rectified:
        return Camera.from_ros(info)
    p = [float(value) for value in (info.p if hasattr(info, "p") else info.P)]
    k = [p[index] for index in (0, 1, 2, 4, 5, 6, 8, 9, 10)]
    return Camera.from_ros({"width": info.width, "height": info.height, "k": k, "d": []})


@dataclass(frozen=True)
class Naming:
    """How the outgoing messages say where the heads are.

    Attributes:
        head_axes: see :func:`hpe_edge.ros.convert.quaternions_xyzw`.
        frame_id: in place of the image's; empty keeps the image's.
    """

    head_axes: str = "optical"
    frame_id: str = ""

    def __post_init__(self) -> None:
        if self.head_axes not in HEAD_AXES:
            raise InvalidArgumentError(f"head_axes: expected one of {HEAD_AXES}, got {self.head_axes!r}")


class Follower:
    """Follows the faces of one topic's images.

    Args:
        open_pose: makes the estimator; called at once, and again when the calibration changes.
        types: where classes of outgoing messages come from.
        naming: of the outgoing messages.
        rectified: see :func:`as_camera`.
        tracker_options: as for :meth:`hpe_edge.HeadPose.tracker`.

    Attributes:
        pose: the estimator in use.
        camera: the camera it knows; ``None`` until a camera info came.
    """

    def __init__(
        self,
        open_pose: OpenPose,
        types: MessageTypes,
        naming: Naming | None = None,
        *,
        rectified: bool = False,
        **tracker_options: Any,
    ) -> None:
        self._open_pose = open_pose
        self._types = types
        self._naming = naming or Naming()
        self._rectified = rectified
        self._tracker_options = tracker_options
        self._use(None)

    def take_camera_info(self, info: Any) -> None:
        """Know the camera; the faces are forgotten if it is another one than before.

        Raises:
            InvalidArgumentError: as :func:`as_camera`; the camera known before stays.
        """
        camera = as_camera(info, self._rectified)
        if camera != self.camera:
            self._use(camera)

    def take_image(self, message: Any, arrived_s: float) -> tuple[HeadPoses, dict[str, Any]]:
        """The poses in one image, and the messages that tell them, by the names of ``OUTPUTS``.

        Without a camera there are rotations only. Where nobody is, ``poses`` is empty and the others are missing.

        Args:
            message: a ``sensor_msgs/Image`` or ``CompressedImage``.
            arrived_s: its time where its stamp is zero.

        Raises:
            InvalidImageError: see :func:`hpe_edge.ros.pictures.as_picture`.
            InvalidArgumentError: the image has another size than the camera info says.
        """
        picture = as_picture(message)
        header = message.header
        stamp_s = header.stamp.sec + 1e-9 * header.stamp.nanosec
        poses = self._tracker.update(picture.image, stamp_s or arrived_s, pixel_format=picture.pixel_format)
        if self._naming.frame_id:
            header.frame_id = self._naming.frame_id
        return poses, self._messages(poses, header)

    def _messages(self, poses: HeadPoses, header: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        options: dict[str, Any] = {"types": self._types, "head_axes": self._naming.head_axes}
        first = nearest(poses)
        if self.camera is not None:
            found["poses"] = pose_array(poses, header, **options)
        if len(first):
            found["orientation"] = quaternion_stamped(first, header, **options)[0]
            if has_places(first):
                found["nearest"] = pose_with_covariance_stamped(first, header, **options)[0]
        return found

    def _use(self, camera: Camera | None) -> None:
        self.camera = camera
        self.pose = self._open_pose(camera)
        self._tracker = self.pose.tracker(**self._tracker_options)
