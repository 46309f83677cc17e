"""Every script in examples/ runs and says what its docstring promises."""

from __future__ import annotations

import csv
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

EXPECTED = {
    "batch_folder.py": ["21 photographs, 20 faces; wrote poses.csv"],
    "camera_loop.py": ["s: yaw", "opening it again", "gives pictures again", "60 frames,"],
    "driver_monitor.py": ["4.3 s  back", "9.0 s  EYES ON THE ROAD", "17.0 s  off the road (no face)"],
    "estimate_astronaut.py": ["yaw", "pitch", "roll", "wrote astronaut_pose.png"],
    "estimate_many_faces.py": ["image 1: HeadPoses(1:", "quaternion"],
    "frame_loop.py": ["frame  20: yaw", "frames/s"],
    "ros2_rclpy_node.py": [],
    "ros2_without_ros.py": ["camera_optical_frame at 10", "m, distance known to 0.0"],
    "robot.py": ["1.5 s  person 0: 1.0 m away", "looks at me", "orientation x y z w:"],
    "video_file.py": ["1.6 s: face 0, roll", "50 frames,", "wrote annotated.mp4 and poses.csv"],
}


NEEDS_ROS = "ros2_rclpy_node.py"  # its conversion is tested in tests/unit/test_ros_convert.py


def _run(script: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / script)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_expected_here() -> None:
    assert sorted(EXPECTED) == sorted(path.name for path in EXAMPLES.glob("*.py"))


@pytest.mark.parametrize("script", sorted(EXPECTED.keys() - {NEEDS_ROS}))
def test_example(script: str, tmp_path: Path) -> None:
    output = _run(script, tmp_path)
    for words in EXPECTED[script]:
        assert words in output


def test_the_astronaut_is_drawn_on(tmp_path: Path) -> None:
    from skimage.data import astronaut

    from hpe_edge import read_image

    _run("estimate_astronaut.py", tmp_path)
    drawn = read_image(tmp_path / "astronaut_pose.png")
    assert drawn.shape == (512, 512, 3)
    changed = (drawn[..., ::-1] != astronaut()).any(axis=2)
    assert 200 < changed.sum() < 30_000, "axes and a label, and the rest of the photograph untouched"


@pytest.mark.skipif(importlib.util.find_spec("rclpy") is not None, reason="with rclpy it would wait for images")
def test_the_rclpy_example_says_what_is_missing() -> None:
    done = subprocess.run([sys.executable, str(EXAMPLES / NEEDS_ROS)], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "No module named 'rclpy': source a ROS 2 install" in done.stderr


def test_a_folder_becomes_a_table_and_its_broken_file_is_said(tmp_path: Path) -> None:
    _run("batch_folder.py", tmp_path)
    with (tmp_path / "poses.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == [f"{number:02d}.png" for number in range(20)], "none of nobody"
    assert {row["yaw_deg"] for row in rows[::2]} == {rows[0]["yaw_deg"]}, "the same portrait, also in another batch"
    assert abs(float(rows[0]["roll_deg"])) < 15 and float(rows[0]["score"]) > 0.6
