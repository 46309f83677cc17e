"""The loop over a video and what it writes: rows, an annotated file, a summary."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_captures import FakeCapture, picture
from hypothesis import given
from hypothesis import strategies as st

from hpe_edge.errors import InvalidArgumentError, SourceError
from hpe_edge.images import ImageArray
from hpe_edge.results import HeadPoses
from hpe_edge.sources import Frame, Stream, open_source
from hpe_edge.sources.video_file import VideoFile
from hpe_edge.video import CsvSink, JsonlSink, Mp4Sink, run_video
from hpe_edge.video.loop import LATENCIES_KEPT, _Counts
from hpe_edge.video.mp4 import LONGEST_GAP_S, fit
from hpe_edge.video.rows import COLUMNS


def _poses(count: int = 1) -> HeadPoses:
    ones = np.ones((count, 1), np.float32)
    euler = ones * np.array([10.0, -20.0, 30.0], np.float32)
    return HeadPoses.from_euler(euler, ones * np.array([1.0, 2.0, 30.0, 40.0]), scores=np.full(count, 0.5))


def _one_face(frame: Frame) -> HeadPoses:
    return _poses()


def _unchanged(image: ImageArray, poses: HeadPoses) -> ImageArray:
    return image


def _pictures(count: int, work: Callable[[Frame], HeadPoses] = _one_face) -> Stream[HeadPoses]:
    return Stream(open_source([picture(value) for value in range(count)]), work)


class Recorder:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.indices: list[int] = []
        self.closed = 0

    def write(self, frame: Frame, poses: HeadPoses) -> None:
        self.indices.append(frame.index)

    def close(self) -> None:
        self.closed += 1


# The loop


def test_every_frame_goes_to_every_sink_and_is_counted() -> None:
    sinks, seen = [Recorder(), Recorder()], []
    stream = _pictures(5, lambda frame: _poses(frame.index))
    summary = run_video(stream, sinks, on_frame=lambda frame, poses: seen.append(len(poses)))
    assert [(sink.indices, sink.closed) for sink in sinks] == 2 * [([0, 1, 2, 3, 4], 1)]
    assert seen == [0, 1, 2, 3, 4]
    assert (summary.frames, summary.faces, summary.ending, summary.complete) == (5, 10, "end", True)
    assert summary.span_s == pytest.approx(4 / 30) and summary.fps == pytest.approx(5 / summary.elapsed_s)
    assert summary.latency_p50_ms is not None and summary.latency_p99_ms is not None
    assert 0 < summary.latency_p50_ms <= summary.latency_p99_ms
    assert json.loads(json.dumps(summary.as_dict()))["complete"] is True


def test_a_limit_of_frames_stops_in_time() -> None:
    sink = Recorder()
    summary = run_video(_pictures(100), [sink], max_frames=3)
    assert summary.ending == "max-frames" and summary.complete and sink.indices == [0, 1, 2]


def test_no_frames_at_all() -> None:
    summary = run_video(_pictures(0))
    assert (summary.frames, summary.ending, summary.latency_p50_ms, summary.span_s) == (0, "end", None, 0.0)


def test_ctrl_c_keeps_what_was_written() -> None:
    def work(frame: Frame) -> HeadPoses:
        if frame.index == 2:
            raise KeyboardInterrupt
        return _poses()

    sink = Recorder()
    summary = run_video(_pictures(9, work), [sink])
    assert summary.ending == "interrupted" and not summary.complete and summary.frames == 2
    assert sink.indices == [0, 1] and sink.closed == 1


def test_a_lost_source_is_told_not_raised() -> None:
    def work(frame: Frame) -> HeadPoses:
        if frame.index == 2:
            raise SourceError("camera 0: no picture for 60 s")
        return _poses()

    sink = Recorder()
    summary = run_video(_pictures(9, work), [sink])
    assert summary.ending == "lost" and summary.problem == "camera 0: no picture for 60 s"
    assert summary.frames == 2 and sink.closed == 1


def test_a_truncated_file_is_told() -> None:
    source = VideoFile("clip.avi", FakeCapture([picture()] * 10, frame_count=100))
    summary = run_video(Stream(source, _one_face))
    assert summary.ending == "truncated" and summary.frames == 10 and not summary.complete
    assert summary.problem is not None and "could read 10" in summary.problem


def test_other_errors_come_out_and_close_everything() -> None:
    def work(frame: Frame) -> HeadPoses:
        raise ZeroDivisionError

    sink = Recorder()
    stream = _pictures(3, work)
    with pytest.raises(ZeroDivisionError):
        run_video(stream, [sink])
    assert sink.closed == 1 and list(stream.source) == []


def test_counts_do_not_grow() -> None:
    counts = _Counts()
    for index in range(LATENCIES_KEPT + 100):
        counts.add(Frame(picture(), index / 30, index), _poses(), 1e-3 if index < 100 else 2e-3)
    summary = counts.summary(_pictures(0), "end", None)
    assert summary.frames == LATENCIES_KEPT + 100 and summary.latency_p50_ms == pytest.approx(2.0)
    assert len(counts._latencies_ms) == LATENCIES_KEPT


# Rows


def test_csv_rows(tmp_path: Path) -> None:
    path = tmp_path / "poses.csv"
    run_video(_pictures(3, lambda frame: _poses(frame.index)), [CsvSink(path)])
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert tuple(rows[0]) == COLUMNS
    assert [row["frame"] for row in rows] == ["1", "2", "2"]
    first = rows[0]
    assert [first[name] for name in ("yaw_deg", "pitch_deg", "roll_deg")] == ["10.0", "-20.0", "30.0"]
    assert [first[name] for name in ("x0", "y0", "x1", "y1", "score")] == ["1.0", "2.0", "30.0", "40.0", "0.5"]
    assert first["yaw_std_deg"] == first["id"] == first["z_m"] == "", "what is not known is empty"
    assert float(first["time_s"]) == pytest.approx(1 / 30, abs=1e-6)


def test_jsonl_rows(tmp_path: Path) -> None:
    path = tmp_path / "poses.jsonl"
    run_video(_pictures(3, lambda frame: _poses(frame.index)), [JsonlSink(path)])
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["frame"] for row in rows] == [1, 2, 2]
    assert rows[0]["yaw_deg"] == 10.0 and rows[0]["std_deg"] == [None] * 3 and rows[0]["time_s"] == 0.033333


@pytest.mark.parametrize("sink", [CsvSink, JsonlSink])
def test_rows_are_on_disk_while_the_loop_runs(tmp_path: Path, sink: Any) -> None:
    path = tmp_path / "rows"
    stream = _pictures(3)
    lines: list[int] = []
    run_video(stream, [sink(path)], on_frame=lambda *_: lines.append(path.read_text().count("\n")))
    assert [after - before for before, after in pairwise(lines)] == [1, 1]


@pytest.mark.parametrize("sink", [CsvSink, JsonlSink])
def test_rows_go_to_standard_output_too(capsys: pytest.CaptureFixture[str], sink: Any) -> None:
    run_video(_pictures(2), [sink("-")])
    assert len(capsys.readouterr().out.splitlines()) == 2 + (sink is CsvSink)


@pytest.mark.parametrize("make", [CsvSink, JsonlSink, lambda path, **options: Mp4Sink(path, _unchanged, **options)])
def test_targets_are_checked(tmp_path: Path, make: Any) -> None:
    path = tmp_path / "there.mp4"
    path.write_text("precious")
    with pytest.raises(InvalidArgumentError, match=r"there\.mp4: it exists"):
        make(path)
    assert path.read_text() == "precious"
    make(path, overwrite=True).close()
    with pytest.raises(InvalidArgumentError, match="folder that exists"):
        make(tmp_path / "none" / "x.mp4")
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(InvalidArgumentError, match="name of a file"):
        make(tmp_path / "folder.mp4", overwrite=True)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_a_full_disk_is_told() -> None:
    with pytest.raises(InvalidArgumentError, match="cannot write /dev/full: No space left"):
        CsvSink("/dev/full", overwrite=True)


# The annotated video


def _read(path: Path) -> list[ImageArray]:
    return [frame.image for frame in open_source(path)]


def test_an_annotated_video(tmp_path: Path) -> None:
    def draw(image: ImageArray, poses: HeadPoses) -> ImageArray:
        return np.full_like(image, 200) if len(poses) else image

    path = tmp_path / "out.mp4"
    part_was_there = []
    summary = run_video(
        _pictures(6, lambda frame: _poses(frame.index % 2)),
        [Mp4Sink(path, draw)],
        on_frame=lambda *_: part_was_there.append((tmp_path / "out.part.mp4").exists() and not path.exists()),
    )
    assert summary.frames == 6 and part_was_there == [True] * 6
    images = _read(path)
    assert [float(image.mean()) > 100 for image in images] == [False, True] * 3 and images[0].shape == (48, 64, 3)
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.mp4"]


def test_ctrl_c_leaves_a_playable_video(tmp_path: Path) -> None:
    def work(frame: Frame) -> HeadPoses:
        if frame.index == 4:
            raise KeyboardInterrupt
        return _poses()

    run_video(_pictures(9, work), [Mp4Sink(tmp_path / "out.mp4", _unchanged)])
    assert len(_read(tmp_path / "out.mp4")) == 4


def test_without_frames_there_is_no_file(tmp_path: Path) -> None:
    run_video(_pictures(0), [Mp4Sink(tmp_path / "out.mp4", _unchanged)])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [(1, 1), (33, 21), (2, 301), (7680, 16)])
def test_videos_of_any_size(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "out.mp4"
    run_video(Stream(open_source([picture(100, size)] * 2), _one_face), [Mp4Sink(path, _unchanged)])
    (image, _) = _read(path)
    assert image.shape == (size[1] + size[1] % 2, size[0] + size[0] % 2, 3)


def test_a_size_that_mpeg4_cannot_is_refused(tmp_path: Path) -> None:
    sink = Mp4Sink(tmp_path / "out.mp4", _unchanged)
    with pytest.raises(InvalidArgumentError, match=r"8300x100 pixels.*8191"):
        sink.write(Frame(picture(0, (8300, 100)), 0.0, 0), _poses())
    sink.close()
    assert list(tmp_path.iterdir()) == []


def test_frames_of_another_size_are_fitted_in(tmp_path: Path) -> None:
    images = [picture(200), picture(200, (128, 48)), picture(200, (30, 200))]
    path = tmp_path / "out.mp4"
    run_video(Stream(open_source(images), _one_face), [Mp4Sink(path, _unchanged)])
    same, wide, tall = (image.mean(axis=2) > 100 for image in _read(path))
    assert same.all()
    assert wide[24].all() and not wide[4].any(), "bars above and below"
    assert tall[:, 32].all() and not tall[:, 4].any(), "bars at the sides"


@given(st.integers(1, 200), st.integers(1, 200), st.integers(1, 60).map(lambda half: 2 * half))
def test_fitting_keeps_the_shape_of_the_picture(width: int, height: int, side: int) -> None:
    fitted = fit(picture(255, (width, height)), (side, side))
    assert fitted.shape == (side, side, 3)
    rows, columns = (int(np.count_nonzero(fitted[..., 0].any(axis=axis))) for axis in (1, 0))
    scale = 1.0 if side - 1 <= width <= side and side - 1 <= height <= side else side / max(width, height)
    assert abs(columns - max(1.0, scale * width)) <= 1 and abs(rows - max(1.0, scale * height)) <= 1


def _times_of(tmp_path: Path, times_s: list[float], fps: float) -> int:
    sink = Mp4Sink(tmp_path / "out.mp4", _unchanged, fps, overwrite=True)
    for index, time_s in enumerate(times_s):
        sink.write(Frame(picture(), time_s, index), _poses())
    sink.close()
    return len(_read(tmp_path / "out.mp4"))


def test_the_file_keeps_the_time_of_the_source(tmp_path: Path) -> None:
    assert _times_of(tmp_path, [index / 29.97 for index in range(50)], 29.97) == 50
    assert _times_of(tmp_path, [0.0, 0.1, 0.5, 0.6], 10.0) == 7, "0.2 to 0.4 were dropped: 0.1 is shown longer"
    assert _times_of(tmp_path, [3.0, 3.01, 3.02, 3.1], 10.0) == 2, "more frames than the file has room for"
    assert _times_of(tmp_path, [0.0, 1.0], math.nan) == 31
    assert _times_of(tmp_path, [0.0, 1e6, 1e6 + 0.1], 10.0) == 10 * LONGEST_GAP_S + 2, "a jump of the clock"


def test_a_video_that_is_not_whole_keeps_its_other_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = Mp4Sink(tmp_path / "out.mp4", _unchanged)
    sink.write(Frame(picture(), 0.0, 0), _poses())
    sink._writer.release()
    (tmp_path / "out.part.mp4").write_bytes(b"")  # as a full disk leaves it
    with pytest.raises(InvalidArgumentError, match=r"wrote 1 frames, the file has 0; is the disk full.*out\.part\.mp4"):
        sink.close()
    assert not (tmp_path / "out.mp4").exists()


def test_only_mp4(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match=r"ending in \.mp4"):
        Mp4Sink(tmp_path / "out.avi", _unchanged)
