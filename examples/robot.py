"""What a robot wants to know of the people before it: who is where, and who looks at it.

With a camera's intrinsics and its mount the poses are in the robot's level axes, with a place in metres.

python examples/robot.py 0 --fov 62 --tilt -15    # camera 0; 62 degrees wide, looking down by 15
python examples/robot.py                          # a portrait that comes nearer
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.data import astronaut

from hpe_edge import Camera, HeadPose, HeadPoses, HpeEdgeError, rotation
from hpe_edge.sources import Source, open_source

LOOKS_AT_ME_DEG = 20.0


def facing_deg(poses: HeadPoses) -> NDArray[np.float64]:
    """(N,) angle between where each face looks and the way from it to the camera, in degrees."""
    looks = -poses.rotation[:, :, 2].astype(np.float64)
    to_camera = -poses.translation_m / np.linalg.norm(poses.translation_m, axis=1, keepdims=True)
    return np.degrees(np.arccos(np.clip((looks * to_camera).sum(axis=1), -1.0, 1.0)))


def approach(count: int = 60) -> Iterator[NDArray[np.uint8]]:
    """640x480 frames of somebody who comes nearer."""
    portrait = np.ascontiguousarray(astronaut()[..., ::-1])
    for index in range(count):
        side = 240 + 4 * index
        person = cv2.resize(portrait, (side, side), interpolation=cv2.INTER_AREA)
        frame = np.full((480, 640, 3), 128, np.uint8)
        frame[480 - side :, 320 - side // 2 : 320 - side // 2 + side] = person
        yield frame


def report(time_s: float, poses: HeadPoses) -> None:
    for head, off_deg in zip(poses, facing_deg(poses), strict=True):
        right_m, down_m, forward_m = head.translation_m
        distance_m = math.hypot(right_m, down_m, forward_m)
        looks = "looks at me" if off_deg - max(head.std_deg[:2]) < LOOKS_AT_ME_DEG else f"{off_deg:.0f} degrees past me"
        print(f"{time_s:4.1f} s  person {head.id}: {distance_m:.1f} m away, {right_m:+.2f} m to the right, {looks}")


def follow(source: Source, fov_deg: float, tilt_deg: float) -> HeadPoses:
    """Report twice a second; the poses of the last frame."""
    tracker, poses = None, HeadPoses.from_euler(np.zeros((0, 3)), np.zeros((0, 4)))
    for frame in source:
        if tracker is None:  # the first frame says how large they are
            height, width = frame.image.shape[:2]
            camera = Camera.from_fov(width, height, horizontal_fov_deg=fov_deg).mounted(pitch_deg=tilt_deg)
            tracker = HeadPose(camera=camera).tracker()
        poses = tracker.update(frame.image, frame.time_s)
        if frame.index % 15 == 0:
            report(frame.time_s, poses)
    return poses


def main() -> int:
    parser = argparse.ArgumentParser(description="Who is where, and who looks at the camera.")
    parser.add_argument("source", nargs="?", help="camera, video or address [a portrait that comes nearer]")
    parser.add_argument("--fov", type=float, default=60.0, metavar="DEG", help="horizontal field of view [60]")
    parser.add_argument("--tilt", type=float, default=0.0, metavar="DEG", help="camera's pitch, + when it looks up [0]")
    options = parser.parse_args()
    try:
        with open_given(options.source) as source:
            poses = follow(source, options.fov, options.tilt)
    except HpeEdgeError as error:
        print(f"stopped: {error}")
        return 1
    # For ROS: the body axes of REP-103, x out of the face, y to the person's left, z up, as a quaternion.
    for body in rotation.rotation_to_quaternion_xyzw(rotation.rotation_to_rep103(poses.rotation)):
        print("orientation x y z w:", " ".join(f"{value:+.3f}" for value in body))
    return 0


def open_given(target: str | None) -> Source:
    if target is None:
        return open_source(approach())
    return open_source(int(target) if target.isdecimal() else target)


if __name__ == "__main__":
    sys.exit(main())
