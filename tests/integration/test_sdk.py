"""The C++ and C examples, built against the installed package, say what Python says."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hpe_edge import HeadPose, _sdk
from hpe_edge.errors import MissingDependencyError
from hpe_edge.hub import models_folder

EXAMPLES = Path(__file__).parents[2] / "examples"
CARD = models_folder() / "fsanet.json"
FACE_BOX = (180.0, 86.0, 271.0, 178.0)

needs_compiler = pytest.mark.skipif(
    shutil.which("cmake") is None or shutil.which("c++") is None or shutil.which("cc") is None,
    reason="needs cmake and compilers for C and C++",
)


def _printed(option: str) -> Path:
    done = subprocess.run([sys.executable, "-m", "hpe_edge", option], capture_output=True, text=True, check=True)
    return Path(done.stdout.removesuffix("\n"))


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The two examples for one image, by language. OpenCV is left out, so that they read the same files everywhere."""
    folder = tmp_path_factory.mktemp("sdk")
    package = _printed("--cmake-dir")
    for language in ("c", "cpp"):
        flags = "-O0 -Wall -Wextra -Wpedantic -Werror"  # of an example, nothing is worth optimizing
        options = [f"-Dhpe_edge_DIR={package}", "-DCMAKE_DISABLE_FIND_PACKAGE_OpenCV=ON", "-DCMAKE_BUILD_TYPE=Debug"]
        options += [f"-DCMAKE_C_FLAGS={flags}", f"-DCMAKE_CXX_FLAGS={flags}"]
        _make(["cmake", "-S", str(EXAMPLES / language), "-B", str(folder / language), *options])
        _make(["cmake", "--build", str(folder / language)])
    return {"c": folder / "c" / "estimate_image_c", "cpp": folder / "cpp" / "estimate_image"}


def _make(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def portrait_rgb() -> NDArray[np.uint8]:
    from skimage.data import astronaut

    return np.ascontiguousarray(astronaut())


@pytest.fixture(scope="module")
def photo(portrait_rgb: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "portrait.ppm"
    height, width = portrait_rgb.shape[:2]
    path.write_bytes(b"P6 %d %d 255\n" % (width, height) + portrait_rgb.tobytes())
    return path


def _run(program: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)


def _poses(program: Path, *arguments: object) -> list[dict[str, Any]]:
    done = _run(program, *arguments)
    assert done.returncode == 0 and done.stdout.count("\n") == 1, done.stderr
    poses: list[dict[str, Any]] = json.loads(done.stdout)["poses"]
    return poses


def _check_same(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    assert len(found) == len(expected) > 0
    for one, other in zip(found, expected, strict=True):
        for name in ("yaw_deg", "pitch_deg", "roll_deg", "std_deg", "box_xyxy"):
            np.testing.assert_allclose(one[name], other[name], atol=1e-3, err_msg=name)
        assert one["score"] == pytest.approx(other["score"], abs=1e-5)


@needs_compiler
@pytest.mark.parametrize("boxes", [None, [FACE_BOX]], ids=["detector", "box"])
@pytest.mark.parametrize(
    ("language", "option", "precision"), [("c", (), "int8"), ("cpp", (), "int8"), ("cpp", ("--fp32",), "fp32")]
)
def test_the_examples_say_what_python_says(
    programs: dict[str, Path],
    photo: Path,
    portrait_rgb: NDArray[np.uint8],
    language: str,
    option: tuple[str, ...],
    precision: str,
    boxes: list[tuple[float, ...]] | None,
) -> None:
    expected = HeadPose(precision=precision).estimate(portrait_rgb, boxes, pixel_format="rgb8")
    found = _poses(programs[language], *option, CARD, photo, *(boxes[0] if boxes else ()))
    _check_same(found, expected.as_dict()["poses"])


@needs_compiler
@pytest.mark.parametrize("language", ["c", "cpp"])
def test_bad_input_is_a_message_and_no_crash(
    programs: dict[str, Path], photo: Path, tmp_path: Path, language: str
) -> None:
    def refused(words: str, *arguments: object) -> None:
        done = _run(programs[language], *arguments)
        assert done.returncode == 2 and words in done.stderr, done
        assert done.stdout == ""

    for file in CARD.parent.glob("fsanet*"):
        shutil.copy(file, tmp_path)
    weights = tmp_path / "fsanet-int8.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    (tmp_path / "broken.json").write_bytes(CARD.read_bytes()[:1000])
    (tmp_path / "short.ppm").write_bytes(photo.read_bytes()[:1000])

    refused("none.json: No such file", tmp_path / "none.json", photo)
    refused("the file is damaged", tmp_path / "fsanet.json", photo)
    refused("broken.json: text", tmp_path / "broken.json", photo)
    refused("boxes_xyxy[0]", CARD, photo, 180, "nan", 271, 178)
    refused("boxes_xyxy[0]", CARD, photo, 180, 86, 180, 178)
    refused("cut off", CARD, tmp_path / "short.ppm")
    refused("estimate_image", CARD)


def test_the_folders_that_are_printed() -> None:
    assert (_printed("--cmake-dir") / "hpe_edge-config.cmake").is_file()
    assert (_printed("--include-dir") / "hpe" / "head_pose.hpp").is_file()
    assert (_printed("--pkgconfig-dir") / "hpe_edge.pc").is_file()
    assert (_printed("--models-dir") / "fsanet.json").is_file()


def test_a_package_without_the_library_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sdk, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="pip install"):
        _sdk.cmake_dir()
