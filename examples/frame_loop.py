"""The loop of a camera program, without a camera: a head that moves across 640x480 frames.

Replace ``frames()`` by your camera and ``box`` by your face detector or tracker.

    python examples/frame_loop.py
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from skimage.data import astronaut

from hpe_edge import HeadPose, HpeEdgeError

FACE_BOX = np.array([180.0, 86.0, 271.0, 178.0])  # in the portrait


def frames(count: int) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float64]]]:
    """BGR frames and the face's box in each: the portrait slides to the right, two pixels a frame."""
    portrait = astronaut()[:480, :, ::-1]
    for index in range(count):
        frame = np.full((480, 640, 3), 128, dtype=np.uint8)
        left = 2 * index
        frame[:, left : left + 512] = portrait
        yield frame, FACE_BOX + np.array([left, 0, left, 0])


def main(count: int = 30) -> None:
    pose = HeadPose(threads=1)
    start = time.perf_counter()
    for index, (frame, box) in enumerate(frames(count)):
        try:
            head = pose.estimate(frame, boxes=[box])[0]
        except HpeEdgeError as error:  # e.g. a tracker's box that has left the image
            print(f"frame {index}: {error}")
            continue
        if index % 10 == 0:
            print(f"frame {index:3d}: yaw {head.yaw_deg:+6.1f} pitch {head.pitch_deg:+6.1f} "
                  f"roll {head.roll_deg:+6.1f}")  # fmt: skip
    print(f"{count / (time.perf_counter() - start):.0f} frames/s")


if __name__ == "__main__":
    main()
