"""The loop of a robot: the newest frame of a camera, whatever happens to the cable.

python examples/camera_loop.py 0                    # camera 0
python examples/camera_loop.py rtsp://10.0.0.7/door
python examples/camera_loop.py                      # a camera made of a portrait, which is unplugged once
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from skimage.data import astronaut

from hpe_edge import HeadPose, HpeEdgeError
from hpe_edge.sources import RetryPolicy, Source, open_source

FRAMES = 60


class PretendCamera:
    """What sources use of ``cv2.VideoCapture``: 40 pictures at 50 frames/s, then reading fails."""

    def __init__(self, target: str | int) -> None:
        self._pictures = self._make()

    def _make(self) -> Iterator[NDArray[np.uint8]]:
        for _ in range(40):
            time.sleep(0.02)
            yield np.ascontiguousarray(astronaut()[..., ::-1])

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
        picture = next(self._pictures, None)
        return picture is not None, picture

    def get(self, property_id: int) -> float:
        return 0.0

    def release(self) -> None:
        self._pictures.close()


def open_camera(arguments: list[str]) -> Source:
    policy = RetryPolicy(give_up_s=30.0)
    if not arguments:
        return open_source(0, policy=policy, on_event=lambda event: print(event.message), open_capture=PretendCamera)
    target = int(arguments[0]) if arguments[0].isdecimal() else arguments[0]
    return open_source(target, policy=policy, on_event=lambda event: print(event.message))


def main() -> int:
    pose = HeadPose()
    try:
        with pose.stream(open_camera(sys.argv[1:])) as stream:
            for count, (frame, poses) in enumerate(islice(stream, FRAMES)):
                if count % 20 == 0:
                    yaws = " ".join(f"{head.yaw_deg:+5.1f}" for head in poses)
                    print(f"{frame.time_s:5.2f} s: yaw {yaws or 'of nobody'}, {1e6 * stream.latency_s:.0f} us")
            print(f"{FRAMES} frames, {stream.source.dropped} dropped")
    except HpeEdgeError as error:  # no such camera, or gone for 30 s
        print(f"stopped: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
