"""Every script in examples/ runs and says what its docstring promises."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

EXPECTED = {
    "camera_loop.py": ["s: yaw", "opening it again", "gives pictures again", "60 frames,"],
    "estimate_astronaut.py": ["yaw", "pitch", "roll", "wrote astronaut_pose.png"],
    "estimate_many_faces.py": ["image 1: HeadPoses(1:", "quaternion"],
    "frame_loop.py": ["frame  20: yaw", "frames/s"],
    "video_file.py": ["1.6 s: face 0, roll", "50 frames,", "wrote annotated.mp4 and poses.csv"],
}


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


@pytest.mark.parametrize("script", sorted(EXPECTED))
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
