"""``hpe-edge video``: what it prints, writes and returns, also when the input is bad or Ctrl-C comes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from fake_captures import FakeCapture, Opener, cut, picture, write_video

from hpe_edge import sources
from hpe_edge.cli import main
from hpe_edge.images import write_image
from hpe_edge.sources import RetryPolicy, open_source

WHOLE = ["--detector", "full-frame"]


def _fails(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["video", *arguments, *WHOLE]) == 2
    streams = capsys.readouterr()
    assert streams.out == "" and streams.err.count("\n") == 1 and streams.err.startswith("hpe-edge: error: ")
    return streams.err


@pytest.fixture
def clip(tmp_path: Path) -> str:
    return str(write_video(tmp_path / "clip.mp4", count=12))


def test_a_summary(clip: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["video", clip, *WHOLE]) == 0
    streams = capsys.readouterr()
    lines = streams.out.splitlines()
    assert lines[0] == f"{clip}: 12 frames (0.4 s), 12 faces"
    assert "frames/s" in lines[1] and "p50" in lines[1] and "p99" in lines[1]
    assert "fsanet" in lines[2] and "detector full-frame, smoothing one-euro" in lines[2]
    assert streams.err == ""


def test_all_files_and_json(clip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = {"out": "o.mp4", "csv": "o.csv", "jsonl": "o.jsonl"}
    files = {name: str(tmp_path / file) for name, file in names.items()}
    arguments = [part for name, file in files.items() for part in (f"--{name}", file)]
    assert main(["video", clip, *WHOLE, *arguments, "--json", "--smoothing", "none", "--style", "cube"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["source"] == clip and summary["complete"] and summary["ending"] == "end"
    assert (summary["frames"], summary["faces"], summary["dropped"]) == (12, 12, 0)
    assert {name: summary[name] for name in names} == files and summary["info"]["model"] == "fsanet"
    drawn = [frame.image for frame in open_source(files["out"])]
    assert len(drawn) == 12 and drawn[0].shape == (48, 64, 3)
    rows = [json.loads(line) for line in Path(files["jsonl"]).read_text().splitlines()]
    assert [row["frame"] for row in rows] == list(range(12)) and {row["id"] for row in rows} == {0}
    assert len(Path(files["csv"]).read_text().splitlines()) == 13


def test_rows_on_standard_output_are_alone_there(clip: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["video", clip, *WHOLE, "--jsonl", "-", "--max-frames", "3"]) == 0
    streams = capsys.readouterr()
    assert [json.loads(line)["frame"] for line in streams.out.splitlines()] == [0, 1, 2]
    assert "3 frames" in streams.err and "written" not in streams.err


def test_quiet(clip: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["video", clip, *WHOLE, "--quiet"]) == 0
    streams = capsys.readouterr()
    assert streams.out == streams.err == ""


def test_a_folder_of_images(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        write_image(tmp_path / f"{number}.png", picture(number))
    assert main(["video", str(tmp_path), *WHOLE, "--fps", "10", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["span_s"] == pytest.approx(0.2)


def test_a_truncated_video_is_written_and_then_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short = str(cut(write_video(tmp_path / "clip.avi", count=100)))
    out = tmp_path / "out.mp4"
    assert main(["video", short, *WHOLE, "--out", str(out), "--json"]) == 2
    streams = capsys.readouterr()
    summary = json.loads(streams.out)
    assert (summary["complete"], summary["ending"]) == (False, "truncated") and 10 < summary["frames"] < 95
    assert summary["problem"] in streams.err and [event["kind"] for event in summary["events"]] == ["truncated"]
    assert sum(1 for _ in open_source(out)) == summary["frames"]


def test_bad_input_is_one_line_and_nothing_is_written(
    clip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    rows = ["--csv", str(tmp_path / "rows.csv")]
    assert "text file" in _fails(capsys, str(text), *rows)
    assert "no such file" in _fails(capsys, "none.mp4", *rows)
    assert "index is missing" in _fails(capsys, str(cut(Path(clip))), *rows)
    assert "another file than SOURCE" in _fails(capsys, clip, "--out", clip, "--overwrite")
    assert "another file than --csv" in _fails(capsys, clip, *rows, "--jsonl", rows[1])
    assert "it exists" in _fails(capsys, clip, "--csv", str(text))
    assert "got 'nonesuch'" in _fails(capsys, clip, *rows, "--model", "nonesuch")
    assert "fps: expected" in _fails(capsys, clip, *rows, "--fps", "0")
    assert "give_up_s: expected" in _fails(capsys, clip, *rows, "--give-up", "0")
    assert not Path(rows[1]).exists()


@pytest.mark.parametrize("arguments", [["--max-frames", "0"], ["--max-frames", "x"], ["--smoothing", "mean"]])
def test_usage_errors(clip: str, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["video", clip, *arguments])
    assert caught.value.code == 2


def test_existing_files_are_replaced_when_asked(clip: str, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("old")
    assert main(["video", clip, *WHOLE, "--csv", str(rows), "--overwrite", "--quiet"]) == 0
    assert len(rows.read_text().splitlines()) == 13


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> Opener:
    """Camera 0 gives ten pictures, vanishes, comes back with ten more, then stays away."""
    opener = Opener(*(FakeCapture([partial(_slow_picture, value) for value in range(10)]) for _ in range(2)))
    policy = partial(RetryPolicy, first_wait_s=0.01, longest_wait_s=0.02)
    monkeypatch.setattr(sources, "open_source", partial(open_source, open_capture=opener))
    monkeypatch.setattr(sources, "RetryPolicy", policy)
    return opener


def _slow_picture(value: int) -> object:
    time.sleep(0.02)
    return picture(value)


def test_a_camera_that_is_unplugged_comes_back_and_is_lost(
    camera: Opener, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "rows.csv"
    assert main(["video", "0", *WHOLE, "--csv", str(rows), "--give-up", "0.3", "--json"]) == 2
    streams = capsys.readouterr()
    summary = json.loads(streams.out)
    assert summary["source"] == "camera 0" and summary["ending"] == "lost" and 2 < summary["frames"] <= 20
    kinds = [event["kind"] for event in summary["events"]]
    assert kinds == ["lost", "back", "lost"]
    lines = streams.err.splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["hpe-edge"] * 4
    assert "gives pictures again" in lines[1] and lines[3].startswith("hpe-edge: error: camera 0: no picture for")
    assert len(rows.read_text().splitlines()) == 1 + summary["frames"]


def test_no_camera(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sources, "open_source", partial(open_source, open_capture=Opener()))
    assert "camera 3: expected a camera" in _fails(capsys, "3")


def test_a_missing_extra_is_one_line(
    clip: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert "pip install 'hpe-edge[video]'" in _fails(capsys, clip)


def test_without_tqdm_it_works_too(
    clip: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert main(["video", clip, *WHOLE]) == 0
    assert "12 frames" in capsys.readouterr().out


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_keeps_a_playable_video_and_whole_rows(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "long.mp4", count=6000)
    out, rows = tmp_path / "out.mp4", tmp_path / "rows.jsonl"
    command = [sys.executable, "-m", "hpe_edge", "video", str(clip), *WHOLE, "--json"]
    with subprocess.Popen(
        [*command, "--out", str(out), "--jsonl", str(rows)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        until_s = time.monotonic() + 60
        while not (rows.exists() and rows.stat().st_size > 5000):
            assert time.monotonic() < until_s and process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130 and "kept" in stderr and "Traceback" not in stderr
    summary = json.loads(stdout)
    assert summary["ending"] == "interrupted" and 0 < summary["frames"] < 6000
    assert len([json.loads(line) for line in rows.read_text().splitlines()]) in range(10, 6000)
    assert abs(sum(1 for _ in open_source(out)) - summary["frames"]) <= 1


def test_opencv_and_ffmpeg_are_quiet(tmp_path: Path) -> None:
    """Their own words on stderr come from C++, which only a process of its own shows."""
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    command = [sys.executable, "-m", "hpe_edge", "video", str(text), *WHOLE]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
