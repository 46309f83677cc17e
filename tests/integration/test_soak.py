"""Long runs: memory stays flat over frames of all sizes, without faces and with many, and over lost cameras.

1,000 frames here; 20,000 with ``HPE_EDGE_NIGHTLY=1 python -m pytest tests/integration/test_soak.py``.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fake_captures import FakeCapture, Opener, picture, threads
from numpy.typing import NDArray

from hpe_edge import HeadPose
from hpe_edge.draw import draw_axes
from hpe_edge.results import Detections
from hpe_edge.sources import Frame, RetryPolicy, open_source
from hpe_edge.sources.base import EVENTS_KEPT
from hpe_edge.video import CsvSink, JsonlSink, Mp4Sink, Summary, run_video

SIZES = ((640, 480), (64, 48), (1280, 720), (1, 1), (333, 217))
MANY, EVERY = 200, 100
GROWTH_MB = 8.0

nightly = [pytest.mark.nightly, pytest.mark.skipif(not os.environ.get("HPE_EDGE_NIGHTLY"), reason="nightly")]
needs_statm = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc/self/statm")


class Wanderers:
    """A detector whose faces wander: none, one, some, and now and then a crowd for three frames."""

    name = "wanderers"

    def __init__(self) -> None:
        self._frame = 0
        self._random = np.random.default_rng(0)

    def detect(self, image: NDArray[np.uint8], pixel_format: str) -> Detections:
        self._frame += 1
        count = MANY if self._frame % EVERY < 3 else (self._frame // 40) % 4
        height, width = image.shape[:2]
        centre = np.stack([np.arange(count) * 37 % max(width, 1), np.arange(count) * 61 % max(height, 1)], axis=1)
        centre = centre + self._random.uniform(-2, 2, (count, 2)) + self._frame % 40
        boxes = np.concatenate([centre - 12, centre + 12], axis=1).astype(np.float32)
        return Detections(boxes.reshape(-1, 4), np.full(count, 0.9, np.float32))


def _resident_mb() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _frames(count: int) -> Iterator[NDArray[np.uint8]]:
    """Pictures whose size changes every 25 frames."""
    pictures = [picture(100, size) for size in SIZES]
    for index in range(count):
        yield pictures[index // 25 % len(pictures)]


def _soak(count: int, folder: Path) -> tuple[Summary, list[float]]:
    """The whole pipeline; resident megabytes at ten moments of its second half and a bit before."""
    at = set(np.linspace(0.4 * count, count - 1, 10).astype(int).tolist())
    resident_mb: list[float] = []

    def watch(frame: Frame, poses: object) -> None:
        if frame.index in at:
            resident_mb.append(_resident_mb())

    sinks = [Mp4Sink(folder / "o.mp4", draw_axes), CsvSink(folder / "o.csv"), JsonlSink(folder / "o.jsonl")]
    stream = HeadPose(detector=Wanderers()).stream(_frames(count))
    return run_video(stream, sinks, on_frame=watch), resident_mb


@needs_statm
@pytest.mark.parametrize("count", [1_000, pytest.param(20_000, marks=nightly)])
def test_memory_is_flat_over_many_frames(count: int, tmp_path: Path) -> None:
    summary, resident_mb = _soak(count, tmp_path)
    assert summary.ending == "end" and summary.frames == count and summary.faces > count
    assert len((tmp_path / "o.csv").read_text().splitlines()) == 1 + summary.faces
    assert len(resident_mb) == 10 and max(resident_mb) - resident_mb[0] < GROWTH_MB, resident_mb


@needs_statm
@pytest.mark.parametrize("count", [100, pytest.param(2_000, marks=nightly)])
def test_memory_and_threads_are_flat_over_a_camera_that_comes_and_goes(count: int) -> None:
    opener = Opener(*(FakeCapture([picture(1, (640, 480))] * 5) for _ in range(count)))
    policy = RetryPolicy(give_up_s=0.5, first_wait_s=0.001, longest_wait_s=0.001)
    resident_mb, alive = [], set()
    source = open_source(0, open_capture=opener, policy=policy)
    stream = HeadPose(detector="full-frame").stream(source)

    def watch(frame: Frame, poses: object) -> None:
        alive.add(len(threads()))
        if frame.index % (count // 2) == 0:
            resident_mb.append(_resident_mb())

    summary = run_video(stream, on_frame=watch)
    assert summary.ending == "lost" and len(opener.opened) >= count and all(old.released for old in opener.opened)
    assert len(summary.events) == EVENTS_KEPT and alive == {1} and threads() == []
    assert not resident_mb or max(resident_mb) - resident_mb[0] < GROWTH_MB, resident_mb


@needs_statm
def test_memory_is_flat_over_many_calls_of_every_kind() -> None:
    """What Python and the core allocate: 5,000 calls, a third each with boxes, with the detector and in a tracker."""
    pose = HeadPose(precision="int8")
    pictures = [picture(90 + i, size) for i, size in enumerate(SIZES[1:2] * 2 + ((96, 64), (64, 96)))]
    tracker = pose.tracker()
    resident_mb = []
    for call in range(5_000):
        image = pictures[call % len(pictures)]
        if call % 3 == 0:
            pose.estimate(image, [[5, 5, 40, 40]] * (call % 7))
        elif call % 3 == 1:
            pose.estimate(image)
        else:
            tracker.update(image, call / 30)
        if call >= 1_000 and call % 1_000 == 0:
            resident_mb.append(_resident_mb())
    assert max(resident_mb) - resident_mb[0] < GROWTH_MB / 2, resident_mb


@needs_statm
def test_memory_is_flat_over_models_that_are_opened_and_dropped() -> None:
    """One holds 3 MB, so that a leak of every tenth would show."""
    image = picture(100, (64, 48))
    resident_mb = []
    for opened in range(200):
        pose = HeadPose(precision="fp32")
        pose.estimate(image)
        if opened >= 40 and opened % 20 == 0:
            resident_mb.append(_resident_mb())
    assert max(resident_mb) - resident_mb[0] < GROWTH_MB, resident_mb
