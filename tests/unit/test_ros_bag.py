"""``hpe-edge bag``: poses come back with their images' stamps and frames, and all else as it was."""

from __future__ import annotations

import json
import math
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("rosbags")

from ros_bags import FORMATS, HEIGHT, WIDTH, Maker, read_bag, usual_bag, usual_topics, write_bag

from hpe_edge import HeadPose
from hpe_edge.camera import Camera
from hpe_edge.cli import main

WHOLE = ["--detector", "full-frame", "--smoothing", "none"]


def _done(source: Path, *more: str) -> Path:
    target = source.with_name("out.bag" if source.suffix == ".bag" else "out")
    assert main(["bag", str(source), str(target), *WHOLE, "--quiet", *more]) == 0
    return target


def _fails(capsys: pytest.CaptureFixture[str], source: Path, *more: str) -> str:
    target = source.with_name("out.bag" if source.suffix == ".bag" else "out")
    assert main(["bag", str(source), str(target), *WHOLE, *more]) == 2
    assert [path.name for path in source.parent.iterdir() if path.name.startswith("out")] == []
    error = capsys.readouterr().err
    assert error.startswith("hpe-edge: error: ") and error.count("\n") == 1
    return error


@pytest.mark.parametrize("form", FORMATS)
def test_stamps_and_frames_are_the_images(form: str, tmp_path: Path) -> None:
    source = usual_bag(tmp_path, form)
    before, after = read_bag(source), read_bag(_done(source))
    images = before["/camera/image_raw"]
    for name in ("poses", "nearest", "orientation"):
        got = after.pop(f"/head_pose/{name}")
        assert [time_ns for time_ns, *_ in got] == [time_ns for time_ns, *_ in images]
        for (_, _, message), (_, _, image) in zip(got, images, strict=True):
            assert message.header.stamp.nanosec % 7 == 1 and message.header.frame_id == "camera_optical"
            assert str(message.header) == str(image.header)  # ROS 1 has its seq there too
    assert {topic: [row[:2] for row in rows] for topic, rows in after.items()} == {
        topic: [row[:2] for row in rows] for topic, rows in before.items()
    }


@pytest.mark.parametrize("form", FORMATS)
def test_the_poses_are_the_estimators(form: str, tmp_path: Path) -> None:
    source = usual_bag(tmp_path, form)
    nearest = read_bag(_done(source))["/head_pose/nearest"][0][2].pose
    camera = Camera(60.0, 60.0, 31.5, 23.5, width=WIDTH, height=HEIGHT)
    expected = HeadPose(detector="full-frame", camera=camera).estimate(np.full((HEIGHT, WIDTH, 3), 100, np.uint8))[0]
    where, turn = nearest.pose.position, nearest.pose.orientation
    assert (where.x, where.y, where.z) == pytest.approx(expected.translation_m, abs=1e-5)
    assert (turn.x, turn.y, turn.z, turn.w) == pytest.approx(expected.quaternion_xyzw, abs=1e-5)
    spread = np.sqrt(np.diag(nearest.covariance.reshape(6, 6)))
    assert np.all(spread > 0) and spread[2] == pytest.approx(0.06 * where.z, rel=0.1)


def test_without_a_camera_info_there_are_rotations_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make = Maker("mcap")
    topics = usual_topics(make)
    del topics["/camera/camera_info"]
    source = write_bag(tmp_path / "in", "mcap", topics)
    assert main(["bag", str(source), str(tmp_path / "out"), *WHOLE]) == 0
    assert "rotations only" in capsys.readouterr().out
    after = read_bag(tmp_path / "out")
    assert len(after["/head_pose/orientation"]) == 3
    assert "/head_pose/poses" not in after and "/head_pose/nearest" not in after


def test_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = usual_bag(tmp_path, "sqlite3")
    options = ["--poses-only", "--prefix", "/heads", "--frame-id", "left_eye", "--head-axes", "body", "--rectified"]
    assert main(["bag", str(source), str(tmp_path / "out"), *WHOLE, *options, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["images"], summary["faces"], summary["bad"], summary["format"]) == (3, 3, 0, "sqlite3")
    assert summary["camera_info_topic"] == "/camera/camera_info" and summary["left_out"] == []
    after = read_bag(tmp_path / "out")
    assert sorted(after) == ["/heads/nearest", "/heads/orientation", "/heads/poses"] == sorted(summary["written"])
    assert {message.header.frame_id for rows in after.values() for *_, message in rows} == {"left_eye"}


def test_compressed_images(tmp_path: Path) -> None:
    make = Maker("ros1")
    data = cv2.imencode(".jpg", np.full((HEIGHT, WIDTH, 3), 90, np.uint8))[1].ravel()
    kind = "sensor_msgs/msg/CompressedImage"
    topics = usual_topics(make, 1)
    del topics["/camera/image_raw"]
    topics["/camera/image_raw/compressed"] = (kind, [make(kind, make.header(0), "rgb8; jpeg compressed bgr8", data)])
    after = read_bag(_done(write_bag(tmp_path / "in.bag", "ros1", topics)))
    assert len(after["/head_pose/nearest"]) == 1


def test_a_clock_that_stands_still(tmp_path: Path) -> None:
    make = Maker("mcap")
    topics = usual_topics(make)
    topics["/camera/image_raw"] = ("sensor_msgs/msg/Image", [make.image(1)] * 3)
    source = write_bag(tmp_path / "in", "mcap", topics)
    assert main(["bag", str(source), str(tmp_path / "out"), "--detector", "full-frame", "--quiet"]) == 0
    assert len(read_bag(tmp_path / "out")["/head_pose/nearest"]) == 3


def test_single_bad_images_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make = Maker("mcap")
    topics = usual_topics(make)
    topics["/camera/image_raw"][1][1] = make.image(1, data=np.zeros(100, np.uint8))
    source = write_bag(tmp_path / "in", "mcap", topics)
    assert main(["bag", str(source), str(tmp_path / "out"), *WHOLE, "--json"]) == 0
    streams = capsys.readouterr()
    summary = json.loads(streams.out)
    assert (summary["images"], summary["bad"]) == (2, 1)
    assert "got 100" in summary["problem"] and summary["problem"] in streams.err
    assert len(read_bag(tmp_path / "out")["/camera/image_raw"]) == 3


def test_no_image_that_can_be_used_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make = Maker("ros1")
    topics = usual_topics(make)
    topics["/camera/image_raw"] = ("sensor_msgs/msg/Image", [make.image(0, encoding="bayer_rggb8")])
    assert "got 'bayer_rggb8'" in _fails(capsys, write_bag(tmp_path / "in.bag", "ros1", topics))


def test_a_calibration_that_says_nothing_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make = Maker("sqlite3")
    topics = usual_topics(make)
    topics["/camera/camera_info"] = ("sensor_msgs/msg/CameraInfo", [make.camera_info(0, focal=0.0)])
    source = write_bag(tmp_path / "in", "sqlite3", topics)
    assert "--no-camera-info" in _fails(capsys, source)
    assert "/head_pose/orientation" in read_bag(_done(source, "--no-camera-info"))


def test_topics_that_are_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = usual_bag(tmp_path, "mcap")
    error = _fails(capsys, source, "--image-topic", "/rear/image_raw")
    assert "'/rear/image_raw'" in error and "/camera/image_raw (sensor_msgs/msg/Image), /chatter" in error
    assert "'/x'" in _fails(capsys, source, "--camera-info-topic", "/x")
    assert "head_axes" not in _fails(capsys, source, "--image-topic", "/chatter")
    (tmp_path / "again").mkdir()
    second = shutil.move(_done(source), tmp_path / "again" / "in")
    assert "it has /head_pose/nearest" in _fails(capsys, Path(second))
    assert "/head_pose/poses" in read_bag(_done(Path(second), "--prefix", "/other"))


def test_two_cameras_need_a_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    topics = usual_topics(Maker("ros1"))
    topics["/rear/image_raw"] = topics["/camera/image_raw"]
    source = write_bag(tmp_path / "in.bag", "ros1", topics)
    assert "--image-topic" in _fails(capsys, source)
    assert len(read_bag(_done(source, "--image-topic", "/rear/image_raw"))["/head_pose/orientation"]) == 3


def test_targets_that_are_taken_or_of_the_other_ros(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = usual_bag(tmp_path, "mcap")
    for target, words in ((source, "it exists"), (tmp_path / "x.bag", "not ending in .bag")):
        assert main(["bag", str(source), str(target), *WHOLE]) == 2
        assert words in capsys.readouterr().err
    assert main(["bag", str(source), str(tmp_path / "none" / "out"), *WHOLE]) == 2
    assert "cannot write" in capsys.readouterr().err
    assert "no such file" in _fails(capsys, tmp_path / "none")


def test_a_single_mcap_file_without_its_folder(tmp_path: Path) -> None:
    source = usual_bag(tmp_path, "mcap") / "in.mcap"
    assert len(read_bag(_done(Path(shutil.move(source, tmp_path / "alone.mcap"))))["/head_pose/poses"]) == 3


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.7, 0.99])
def test_truncated_bags(form: str, share: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = usual_bag(tmp_path, form)
    file = source if form == "ros1" else next(source.glob(f"*.{'db3' if form == 'sqlite3' else 'mcap'}"))
    data = file.read_bytes()
    file.write_bytes(data[: math.floor(share * len(data))])
    assert str(source) in _fails(capsys, source)


def test_without_rosbags_the_message_names_the_extra(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("hpe_edge.ros.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rosbags.highlevel", None)
    assert main(["bag", str(tmp_path / "a"), str(tmp_path / "b")]) == 2
    assert "pip install 'hpe-edge[bag]'" in capsys.readouterr().err
