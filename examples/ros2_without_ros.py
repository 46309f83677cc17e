"""Both ends of `hpe-edge ros-node` in one script: a camera made of a portrait, the node, and a robot that listens.

They meet on this machine's loopback interface; no ROS is installed. With a ROS 2 robot, leave CYCLONEDDS_URI as the
robot has it, and run the node alone: hpe-edge ros-node --image-topic /camera/image_raw
"""

from __future__ import annotations

import math
import os
import threading
import time

import numpy as np
from skimage.data import astronaut

from hpe_edge import HeadPose
from hpe_edge.ros.dds import Participant
from hpe_edge.ros.follow import Follower
from hpe_edge.ros.messages import CameraInfo, Header, Image, RegionOfInterest, Time, message_type
from hpe_edge.ros.node import Node, Topics

LOOPBACK = (
    '<CycloneDDS><Domain><General><Interfaces><NetworkInterface name="lo"/></Interfaces>'
    "<AllowMulticast>false</AllowMulticast></General><Discovery><ParticipantIndex>auto</ParticipantIndex>"
    '<Peers><Peer address="localhost"/></Peers></Discovery></Domain></CycloneDDS>'
)


def camera_messages(number: int) -> tuple[CameraInfo, Image]:
    """What a camera of 640 pixels focal length sends 10 times a second."""
    header = Header(Time(100 + number // 10, number % 10 * 100_000_000), "camera_optical_frame")
    k = [640.0, 0.0, 255.5, 0.0, 640.0, 255.5, 0.0, 0.0, 1.0]
    p = [640.0, 0.0, 255.5, 0.0, 0.0, 640.0, 255.5, 0.0, 0.0, 0.0, 1.0, 0.0]
    info = CameraInfo(header, 512, 512, "plumb_bob", [], k, np.eye(3).ravel(), p, 0, 0, RegionOfInterest())
    return info, Image(header, 512, 512, "rgb8", 0, 3 * 512, astronaut().tobytes())


def main() -> None:
    os.environ.setdefault("CYCLONEDDS_URI", LOOPBACK)
    domain = 101
    follower = Follower(lambda camera: HeadPose(camera=camera), message_type)
    node = Node(Participant(domain), follower, Topics("/camera/image_raw", "/camera/camera_info"))
    worker = threading.Thread(target=node.run)
    worker.start()

    robot = Participant(domain)
    infos = robot.outbox("/camera/camera_info", "sensor_msgs/msg/CameraInfo")
    images = robot.outbox("/camera/image_raw", "sensor_msgs/msg/Image")
    heads = robot.inbox("/head_pose/nearest", "geometry_msgs/msg/PoseWithCovarianceStamped")
    for number in range(300):
        info, image = camera_messages(number)
        infos.write(info)
        images.write(image)
        time.sleep(0.1)
        if (message := heads.take()) is not None:
            break
    node.stop()
    worker.join()

    where, spread_m = message.pose.pose.position, math.sqrt(message.pose.covariance[14])
    print(f"{message.header.frame_id} at {message.header.stamp.sec} s:")
    print(f"head at {where.x:+.2f} {where.y:+.2f} {where.z:+.2f} m, distance known to {spread_m:.2f} m")


if __name__ == "__main__":
    main()
