"""A camera's frame of 640 x 480 pixels: finding the face, following it, and the share of a core at 30 frames a second.

The astronaut's portrait drifts a little from frame to frame, so that following has something to follow. Times are of
one thread, medians and 99th percentiles in microseconds: first of a whole `Tracker.update`, frame after frame, which
looks through the picture once a second; then of the detector's `detect` and `follow` and of `estimate` with a given
box, in turns. Taking the picture from the camera is not part of it. Needs
scikit-image (the picture), opencv-python-headless and lap.

    python benchmarks/video.py [--frames 900] [--json]
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

from hpe_edge import HeadPose
from hpe_edge.detectors.face import FaceDetector

FPS = 30.0
SIZE = (640, 480)
WARM_UP = 60

Image = NDArray[np.uint8]


def frames(count: int) -> list[Image]:
    """One second of a drifting portrait, over and over."""
    portrait = cv2.resize(data.astronaut()[..., ::-1], (480, 480), interpolation=cv2.INTER_AREA)
    moved = []
    for number in range(int(FPS)):
        angle = 2 * np.pi * number / FPS
        shift = np.float32([[1, 0, 80 + 6 * np.cos(angle)], [0, 1, 3 * np.sin(angle)]])
        moved.append(cv2.warpAffine(portrait, shift, SIZE, borderMode=cv2.BORDER_REPLICATE))
    return [moved[number % len(moved)] for number in range(count)]


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Microseconds and the result."""
    start = time.perf_counter_ns()
    result = call()
    return (time.perf_counter_ns() - start) / 1e3, result


def measure(count: int) -> dict[str, Any]:
    """The tracker by itself, as in a camera's loop; then its parts in turns."""
    pose = HeadPose()
    detector = pose.detector
    assert isinstance(detector, FaceDetector)
    tracker, times, cpu_s = pose.tracker(), defaultdict(list), 0.0
    for number, image in enumerate(frames(count + WARM_UP)):
        begun_s = time.process_time()
        update_us, poses = timed(lambda image=image, number=number: tracker.update(image, number / FPS))
        if len(poses) != 1:
            raise SystemExit(f"frame {number}: expected one face, got {len(poses)}")
        if number >= WARM_UP:
            cpu_s += time.process_time() - begun_s
            times["frame with a look" if number % round(FPS) == 0 else "tracked frame"].append(update_us)
    box = poses.boxes_xyxy
    for image in frames(count):
        times["detect"].append(timed(lambda image=image: detector.detect(image))[0])
        times["follow"].append(timed(lambda image=image: detector.follow(image, box))[0])
        times["estimate, given box"].append(timed(lambda image=image: pose.estimate(image, box))[0])
    table = {name: {"p50_us": float(np.median(t)), "p99_us": float(np.percentile(t, 99))} for name, t in times.items()}
    info = pose.info.as_dict() | {"detector_precision": detector.precision, "detector_version": detector.card.version}
    return {"times": table, "core_share_at_30_fps": cpu_s / (count / FPS), "frames": count, "info": info}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=900)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    result = measure(options.frames)
    if options.json:
        print(json.dumps(result, indent=2))
        return
    for name, row in result["times"].items():
        print(f"{name:20s} {row['p50_us']:8.0f} us   p99 {row['p99_us']:8.0f} us")
    print(f"{100 * result['core_share_at_30_fps']:.1f} % of one core at 30 frames a second")
    info = result["info"]
    print(f"{info['instruction_set']}, pose {info['precision']}, detector {info['detector_precision']}")


if __name__ == "__main__":
    main()
