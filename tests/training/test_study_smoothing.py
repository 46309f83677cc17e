"""The smoothing study: its measures on known delays, what it reads and refuses; its default is the tracker's."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("matplotlib", reason="studies need the training extra")

from hpe_edge.training.studies.jitter_lag import apart_deg, jitter_deg, lag_frames
from hpe_edge.training.studies.models import open_contenders
from hpe_edge.training.studies.sequences import read_film, shaken
from hpe_edge.training.studies.smoothing import DEFAULT, filters, study_smoothing

from hpe_edge import rotation
from hpe_edge.cli import main
from hpe_edge.errors import DatasetError, InvalidArgumentError
from hpe_edge.tracking import Tracker

FRAMES = 40


def write_film(folder: Path, trajectory: str, frames: int = FRAMES) -> Path:
    """A folder as ``render-sequence`` leaves it: noise that goes with the head, which shakes or rests."""
    folder.mkdir()
    rng = np.random.default_rng(1)
    picture = cv2.resize(rng.integers(0, 256, (9, 9, 3), np.uint8), (96, 96))
    with tarfile.open(folder / "shard-000000.tar", "w") as tar:
        for frame in range(frames):
            yaw = 0.0 if trajectory == "still" else 25 * np.sin(0.4 * frame)
            grain = rng.integers(0, 12, picture.shape, np.uint8)
            shown = np.roll(picture // 2, round(yaw / 3), axis=1) + grain
            label = {
                "yaw_deg": yaw, "pitch_deg": 2.0, "roll_deg": 1.0, "timestamp_s": (frame + 0.25) / 30,
                "box_xyxy": [20.0, 20.0, 70.0, 75.0],
            }  # fmt: skip
            files = {"jpg": cv2.imencode(".jpg", shown)[1].tobytes(), "json": json.dumps(label).encode()}
            for ending, content in files.items():
                member = tarfile.TarInfo(f"{frame:08d}.{ending}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    description: dict[str, Any] = {"count": frames, "image_size": 96, "trajectory": trajectory, "fps": 30.0}
    (folder / "dataset.json").write_text(json.dumps(description), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("films")
    return [write_film(folder / name, name) for name in ("still", "shake")]


@settings(deadline=None, derandomize=True, max_examples=20)
@given(delay=st.floats(0.0, 6.0), gain=st.floats(0.5, 1.2), offset=st.floats(-20, 20), axis=st.integers(0, 2))
def test_a_known_delay_is_found(delay: float, gain: float, offset: float, axis: int) -> None:
    frames = np.arange(90)
    way = np.eye(3)[axis]
    true = rotation.euler_to_rotation(20 * np.sin(0.2 * frames)[:, None] * way)
    late = rotation.euler_to_rotation((offset + gain * 20 * np.sin(0.2 * (frames - delay)))[:, None] * way)
    assert lag_frames([(late, true)]) == pytest.approx(delay, abs=0.1)


def test_jitter_and_what_has_no_lag() -> None:
    turns = rotation.euler_to_rotation([[0.5 * (frame % 2), 0, 0] for frame in range(40)])
    assert jitter_deg(turns) == pytest.approx(0.5)
    with pytest.raises(InvalidArgumentError, match="rests"):
        lag_frames([(turns, np.broadcast_to(np.eye(3), turns.shape))])
    with pytest.raises(InvalidArgumentError, match="at least 32 frames"):
        lag_frames([(turns[:9], turns[:9])])
    with pytest.raises(InvalidArgumentError, match="got none"):
        lag_frames([])


@pytest.mark.parametrize("correlation", [0.0, 0.9])
def test_boxes_shake_as_asked(correlation: float) -> None:
    boxes = np.tile([0.0, 0.0, 40.0, 80.0], (20000, 1))
    found = shaken(boxes, 0.03, correlation, np.random.default_rng(0))
    centre = (0.5 * (found[:, :2] + found[:, 2:]) - [20.0, 40.0]) / [40.0, 80.0]
    assert centre.std(axis=0) == pytest.approx([0.03, 0.03], rel=0.1)
    assert np.corrcoef(centre[1:, 0], centre[:-1, 0])[0, 1] == pytest.approx(correlation, abs=0.05)
    assert np.log((found[:, 2] - found[:, 0]) / 40.0).std() == pytest.approx(0.03, rel=0.1)
    with pytest.raises(InvalidArgumentError, match="correlation"):
        shaken(boxes, 0.03, 1.0, np.random.default_rng(0))


def test_the_default_row_is_what_the_tracker_does(films: list[Path]) -> None:
    contender = open_contenders(["fsanet"], "card")[0]
    film = read_film(films[1])
    (row,) = [each for each in filters() if each.default]
    assert row.label == DEFAULT
    tracker = Tracker(contender.predictor().pose)
    moments = zip(film.images_bgr, film.time_s.tolist(), film.boxes_xyxy, strict=True)
    angles = np.concatenate([tracker.update(image, t, boxes=[box]).euler_deg for image, t, box in moments])
    error_deg = apart_deg(rotation.euler_to_rotation(angles), film.rotation).mean()
    report = study_smoothing(contender, [read_film(path) for path in films], sigma=0.0)
    (scored,) = [r for r in report.results["rows"] if r["default"] and r["boxes"] == "labelled"]
    assert scored["error_deg"] == pytest.approx(error_deg, abs=1e-3)


def test_the_smoothing_command(films: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["study", "smoothing", "--sequences", *map(str, films), "--out", str(tmp_path), "--quiet"]
    assert main(arguments) == 0
    assert "(default)" in capsys.readouterr().out
    found = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert {row["boxes"] for row in found["rows"]} == {"labelled", "shaken", "shaken slowly"}
    assert found["sequences"][1] == {"name": "shake", "trajectory": "shake", "frames": FRAMES, "fps": 30.0}
    jitter = {row["filter"]: row["jitter_deg"] for row in found["rows"] if row["boxes"] == "shaken"}
    assert jitter[DEFAULT] < 0.8 * jitter["raw"], "of pictures that are no faces"
    assert cv2.imread(str(tmp_path / "figure.png")).std() > 5


def test_sequences_that_do_not_do(films: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contender = open_contenders(["fsanet"], "card")[0]
    with pytest.raises(InvalidArgumentError, match="at least one of --trajectory still"):
        study_smoothing(contender, [read_film(films[1])])
    heads = write_film(tmp_path / "heads", "still", 1)
    with pytest.raises(DatasetError, match="at least 2 frames"):
        read_film(heads)
    (heads / "dataset.json").write_text('{"count": 1, "image_size": 96}', encoding="utf-8")
    with pytest.raises(DatasetError, match="render-sequence"):
        read_film(heads)
    two = ["--model", "a=fsanet", "--model", "b=fsanet"]
    assert main(["study", "smoothing", "--sequences", str(films[0]), *two, "--out", str(tmp_path / "out")]) != 0
    assert "one model" in capsys.readouterr().err
