"""The command as a user runs it: its own process, the shipped model, a real photograph."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hpe_edge import read_image, write_image

BOX = ["--box", "180", "86", "271", "178"]


@pytest.fixture(scope="module")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> str:
    from skimage.data import astronaut

    path = tmp_path_factory.mktemp("photo") / "portrait.png"
    write_image(path, astronaut()[..., ::-1])
    return str(path)


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hpe_edge", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_estimate_as_json_and_drawn(portrait: str, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    done = _run("estimate", portrait, *BOX, "--json", "--draw", str(out))
    assert done.returncode == 0 and done.stderr == ""
    result = json.loads(done.stdout)
    assert abs(result["poses"][0]["yaw_deg"]) < 12 and result["info"]["model"] == "fsanet"
    assert read_image(out).shape == read_image(portrait).shape


def test_a_box_outside_is_one_line_and_exit_code_2(portrait: str) -> None:
    done = _run("estimate", portrait, "--box", "600", "0", "700", "90")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("hpe-edge: error: boxes[0]: expected") and done.stderr.count("\n") == 1


def test_the_console_script_is_installed() -> None:
    script = Path(sys.executable).with_name("hpe-edge")
    done = subprocess.run([str(script), "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("hpe-edge 0.")


def test_a_reader_that_leaves_is_no_error(portrait: str) -> None:
    command = [sys.executable, "-m", "hpe_edge", "estimate", portrait, *BOX, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=120) == 141
