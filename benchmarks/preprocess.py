"""One face of a 1280 x 720 frame to the network's input: hpe-edge against the same steps in OpenCV.

OpenCV does what people write: crop (copyMakeBorder where the window leaves the frame), resize, to float,
normalise, transpose. INTER_AREA antialiases, as hpe-edge does; INTER_LINEAR does not and reads only four
pixels an output pixel, whatever the size of the face. All run interleaved on one thread, so that a busy
machine slows them alike. Needs opencv-python-headless.

    python benchmarks/preprocess.py [--rounds 2000] [--json]
    python benchmarks/preprocess.py --formats     the pixel formats against bgr8: the crop alone, HeadPose.estimate
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hpe_edge import HeadPose, _core
from hpe_edge.images import AnyImage

SIZE = 64
MARGIN = 0.4
FACES_PX = (80, 100, 160, 320)


def opencv_preprocess(frame: NDArray[np.uint8], box: NDArray[np.float32], interpolation: int) -> NDArray[np.float32]:
    """Crop, resize, normalise and transpose with OpenCV and NumPy, (1, 3, 64, 64)."""
    height, width = frame.shape[:2]
    x0, y0, x1, y1 = (float(v) for v in box)
    side = max(x1 - x0, y1 - y0) * (1 + 2 * MARGIN)
    left, top = round((x0 + x1 - side) / 2), round((y0 + y1 - side) / 2)
    right, bottom = left + round(side), top + round(side)
    crop = frame[max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
    outside = (max(-top, 0), max(bottom - height, 0), max(-left, 0), max(right - width, 0))
    if any(outside):
        crop = cv2.copyMakeBorder(crop, *outside, cv2.BORDER_REPLICATE)
    small = cv2.resize(crop, (SIZE, SIZE), interpolation=interpolation)
    normalised = (small.astype(np.float32) - np.float32(127.5)) * np.float32(1 / 128)
    return np.ascontiguousarray(normalised.transpose(2, 0, 1))[None]


def hpe_preprocess(frame: AnyImage, boxes: NDArray[np.float32], pixel_format: str = "bgr8") -> NDArray[np.float32]:
    """The same with hpe-edge, (1, 3, 64, 64)."""
    return _core.preprocess(
        frame,
        boxes,
        pixel_format=pixel_format,
        width=SIZE,
        height=SIZE,
        margin=MARGIN,
        square=True,
        channel_order="bgr",
        mean=(127.5, 127.5, 127.5),
        scale=(1 / 128, 1 / 128, 1 / 128),
    )


def measure(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, NDArray[np.float64]]:
    """Microseconds of each round of each call; the calls take turns."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter_ns()
            call()
            times[name].append((time.perf_counter_ns() - start) / 1000)
    return {name: np.array(values[rounds // 10 :]) for name, values in times.items()}


def centred(face_px: int) -> NDArray[np.float32]:
    """The box of one face in the middle of the frame, (1, 4)."""
    half = face_px / 2
    return np.array([[640 - half, 360 - half, 640 + half, 360 + half]], dtype=np.float32)


def summary(times: dict[str, NDArray[np.float64]]) -> dict[str, Any]:
    """Median and p99 in microseconds of each call."""
    row: dict[str, Any] = {}
    for name, values in times.items():
        row[f"{name}_median_us"] = round(float(np.median(values)), 1)
        row[f"{name}_p99_us"] = round(float(np.percentile(values, 99)), 1)
    return row


def benchmark(face_px: int, rounds: int) -> dict[str, Any]:
    """One size of face: times, and how much faster hpe-edge is."""
    frame = np.random.default_rng(0).integers(0, 256, (720, 1280, 3), dtype=np.uint8)
    boxes = centred(face_px)
    times = measure(
        {
            "hpe_edge": lambda: hpe_preprocess(frame, boxes),
            "cv2_area": lambda: opencv_preprocess(frame, boxes[0], cv2.INTER_AREA),
            "cv2_linear": lambda: opencv_preprocess(frame, boxes[0], cv2.INTER_LINEAR),
        },
        rounds,
    )
    row = {"face_px": face_px} | summary(times)
    for name in ("cv2_area", "cv2_linear"):
        row[f"faster_than_{name}"] = round(row[f"{name}_median_us"] / row["hpe_edge_median_us"], 2)
    return row


def frames_of_formats() -> dict[str, NDArray[np.uint8]]:
    """Noise of 1280 x 720 in each pixel format."""
    shapes = {"bgr8": (720, 1280, 3), "rgba8": (720, 1280, 4), "yuyv": (720, 1280, 2), "nv12": (1080, 1280)}
    rng = np.random.default_rng(0)
    return {name: rng.integers(0, 256, shape, dtype=np.uint8) for name, shape in shapes.items()}


def benchmark_formats(face_px: int, rounds: int) -> list[dict[str, Any]]:
    """One size of face in each pixel format: times of the crop and of the pose, and their ratio to those of bgr8."""
    boxes, frames, pose = centred(face_px), frames_of_formats(), HeadPose()

    def crop(name: str) -> Callable[[], Any]:
        return lambda: hpe_preprocess(frames[name], boxes, name)

    def estimate(name: str) -> Callable[[], Any]:
        return lambda: pose.estimate(frames[name], boxes, pixel_format=name)

    rows = []
    for what, call in (("crop", crop), ("estimate", estimate)):
        row = {"call": what, "face_px": face_px} | summary(measure({name: call(name) for name in frames}, rounds))
        for name in frames:
            row[f"{name}_to_bgr8"] = round(row[f"{name}_median_us"] / row["bgr8_median_us"], 2)
        rows.append(row)
    return rows


def print_formats(rows: list[dict[str, Any]]) -> None:
    """One line a size of face and call."""
    for row in rows:
        cells = [
            f"{name} {row[f'{name}_median_us']:6.1f} / {row[f'{name}_p99_us']:7.1f} ({row[f'{name}_to_bgr8']:.2f}x)"
            for name in ("bgr8", "rgba8", "yuyv", "nv12")
        ]
        print(f"face {row['face_px']:3d} px, {row['call']:8}:  " + "   ".join(cells))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2000, help="calls of each kind (default 2000)")
    parser.add_argument("--formats", action="store_true", help="compare the pixel formats, not with OpenCV")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.formats:
        rows = [row for face_px in FACES_PX for row in benchmark_formats(face_px, options.rounds)]
    else:
        rows = [benchmark(face_px, options.rounds) for face_px in FACES_PX]
    if options.json:
        print(json.dumps({"isa": _core.isa(), "opencv": cv2.__version__, "rows": rows}))
        return
    print(f"instruction set {_core.isa()}, OpenCV {cv2.__version__}, one thread; median / p99 in microseconds")
    if options.formats:
        print_formats(rows)
        return
    for row in rows:
        cells = [f"{n} {row[f'{n}_median_us']:7.1f} / {row[f'{n}_p99_us']:7.1f}" for n in ("hpe_edge", "cv2_area")]
        cells.append(f"cv2_linear {row['cv2_linear_median_us']:6.1f} / {row['cv2_linear_p99_us']:6.1f}")
        faster = f"{row['faster_than_cv2_area']:5.1f}x area, {row['faster_than_cv2_linear']:4.1f}x linear"
        print(f"face {row['face_px']:3d} px:  " + "   ".join(cells) + f"   {faster}")


if __name__ == "__main__":
    main()
