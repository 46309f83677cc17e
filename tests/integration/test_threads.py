"""Eight threads share one HeadPose: the same angles as one thread, bit for bit. The core's own test runs under
ThreadSanitizer (tests/cpp/test_threads.cpp)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hpe_edge import HeadPose
from hpe_edge.results import HeadPoses

THREADS = 8
SIZES = (
    (512, 512),
    (300, 512),
    (512, 260),
    (400, 400),
    (96, 500),
    (512, 64),
    (200, 512),
    (512, 350),
    (150, 512),
    (512, 450),
)
BOXES = [[20.0, 10.0, 60.0, 50.0], [5.0, 5.0, 50.0, 45.0]]


@pytest.fixture(scope="module")
def frames() -> list[NDArray[np.uint8]]:
    """Views of a photograph, of more sizes than the detector keeps plans for."""
    from skimage.data import astronaut

    bgr = astronaut()[..., ::-1]
    return [np.ascontiguousarray(bgr[:height, :width]) for height, width in SIZES]


def _rows(poses: HeadPoses) -> list[NDArray[np.float32]]:
    return [poses.euler_deg, poses.std_deg, poses.boxes_xyxy, poses.scores]


def _together(work: Callable[[int], Any]) -> list[Any]:
    """work(thread) in threads that begin at the same moment."""
    barrier = Barrier(THREADS)

    def begin(thread: int) -> Any:
        barrier.wait(timeout=60)
        return work(thread)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(begin, range(THREADS)))


@pytest.mark.parametrize("backend", ["native", "onnxruntime"])
def test_threads_share_one_estimator(backend: str, frames: list[NDArray[np.uint8]]) -> None:
    """With the detector, which is opened while they run, with boxes, and with more than one thread in a call."""
    if backend != "native":
        pytest.importorskip(backend)

    def look(pose: HeadPose, frame: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        return (
            _rows(pose.estimate(frame)) + _rows(pose.estimate(frame, BOXES)) + _rows(pose.estimate(frame, is_crop=True))
        )

    def new() -> HeadPose:
        return HeadPose(backend=backend, precision="fp32", threads=2)

    alone = [look(pose, frame) for pose in [new()] for frame in frames]
    assert any(len(rows[0]) for rows in alone), "expected faces in some of the views"
    shared = new()
    order = [(thread * 3 + step) % len(frames) for thread in range(THREADS) for step in range(len(frames))]
    found = _together(lambda thread: [look(shared, frames[k]) for k in order[thread * len(frames) :][: len(frames)]])
    for k, rows in zip(order, [rows for of_thread in found for rows in of_thread], strict=True):
        for ours, expected in zip(rows, alone[k], strict=True):
            np.testing.assert_array_equal(ours, expected)


def test_the_detector_is_opened_once(frames: list[NDArray[np.uint8]]) -> None:
    shared = HeadPose()
    assert len({id(detector) for detector in _together(lambda _: shared.detector)}) == 1


def test_each_thread_has_a_tracker_of_its_own(frames: list[NDArray[np.uint8]]) -> None:
    shared = HeadPose(precision="fp32")

    def follow() -> list[NDArray[np.float32]]:
        tracker = shared.tracker()
        return [rows for step in range(6) for rows in _rows(tracker.update(frames[0][:, step:], step / 30))]

    alone = follow()
    for found in _together(lambda _: follow()):
        for ours, expected in zip(found, alone, strict=True):
            np.testing.assert_array_equal(ours, expected)


def test_boxes_that_another_thread_overwrites_do_no_harm(frames: list[NDArray[np.uint8]]) -> None:
    """They are copied before the call gives up the GIL: each call sees one state of them, and an error names it."""
    shared = HeadPose(precision="int8")
    boxes = np.tile(np.float32(BOXES), (16, 1))

    def work(thread: int) -> None:
        for step in range(200):
            if thread % 2:
                boxes[:] = np.float32(BOXES * 16) + (step % 7)
            else:
                assert np.isfinite(shared.estimate(frames[3], boxes).euler_deg).all()

    _together(work)


@pytest.mark.skipif(
    not hasattr(sys, "_is_gil_enabled"), reason="a Python whose GIL can be off has this: 3.13 and newer"
)
def test_importing_the_core_leaves_the_gil_off() -> None:
    """On a free-threaded build; on an ordinary one the GIL was on before."""
    script = "import sys, numpy; on = sys._is_gil_enabled(); import hpe_edge._core; assert sys._is_gil_enabled() == on"
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)
