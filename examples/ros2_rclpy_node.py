"""A ROS 2 node with rclpy: the nearest head's pose, with the image's stamp and frame. No cv_bridge.

source /opt/ros/<distro>/setup.bash
python examples/ros2_rclpy_node.py --ros-args -r image:=/camera/image_raw -r camera_info:=/camera/camera_info

Where no ROS is installed, `hpe-edge ros-node` does the same over DDS (docs/ROBOTS.md).
"""

from __future__ import annotations

import sys
from typing import Any

from hpe_edge import HeadPose, HeadPoses, HpeEdgeError
from hpe_edge.ros.convert import MessageTypes, installed_types, nearest, pose_with_covariance_stamped
from hpe_edge.ros.follow import as_camera
from hpe_edge.ros.pictures import as_picture


def to_message(poses: HeadPoses, image: Any, types: MessageTypes = installed_types) -> Any:
    """A ``geometry_msgs/PoseWithCovarianceStamped`` of the nearest head, ``None`` of nobody."""
    messages = pose_with_covariance_stamped(nearest(poses), image.header, types, head_axes="body")
    return messages[0] if messages else None


def run() -> None:
    import rclpy
    from geometry_msgs.msg import PoseWithCovarianceStamped
    from rclpy.node import Node
    from rclpy.qos import qos_profile_sensor_data
    from sensor_msgs.msg import CameraInfo, Image

    class HeadPoseNode(Node):
        def __init__(self) -> None:
            super().__init__("head_pose")
            self.pose: HeadPose | None = None
            self.nearest = self.create_publisher(PoseWithCovarianceStamped, "head_pose/nearest", 10)
            self.create_subscription(CameraInfo, "camera_info", self.on_camera_info, qos_profile_sensor_data)
            self.create_subscription(Image, "image", self.on_image, qos_profile_sensor_data)

        def on_camera_info(self, info: CameraInfo) -> None:
            if self.pose is None:
                self.pose = HeadPose(camera=as_camera(info))
                self.tracker = self.pose.tracker()

        def on_image(self, image: Image) -> None:
            if self.pose is None:
                return
            stamp_s = image.header.stamp.sec + 1e-9 * image.header.stamp.nanosec
            try:
                picture = as_picture(image)
                poses = self.tracker.update(picture.image, stamp_s, pixel_format=picture.pixel_format)
            except HpeEdgeError as error:
                self.get_logger().warning(str(error), throttle_duration_sec=5.0)
                return
            if (message := to_message(poses, image)) is not None:
                self.nearest.publish(message)

    rclpy.init()
    rclpy.spin(HeadPoseNode())


if __name__ == "__main__":
    try:
        run()
    except ModuleNotFoundError as error:
        sys.exit(f"{error}: source a ROS 2 install first, or use `hpe-edge ros-node`, which needs none")
