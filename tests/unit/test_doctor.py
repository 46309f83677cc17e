"""``hpe-edge doctor``: what works here, what does not, and what is broken."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_models import MakeModel

from hpe_edge import doctor, hub
from hpe_edge.backends import Device, available_backends
from hpe_edge.backends.native import NativeBackend
from hpe_edge.cli import main
from hpe_edge.doctor import BOUNDS_DEG, Examination, RunCheck, examine
from hpe_edge.errors import BackendError, InvalidArgumentError, missing_dependency


@pytest.fixture(scope="module")
def found() -> Examination:
    return examine()


def _row(found: Examination, backend: str, precision: str | None) -> RunCheck:
    (row,) = (check for check in found.runs if (check.backend, check.precision) == (backend, precision))
    return row


def test_all_that_runs_here_agrees(found: Examination) -> None:
    assert found.broken == () and found.detector_problem is None and found.crops == 9
    assert len(found.files) == 6 and all(check.problem is None for check in found.files)
    assert found.instruction_set in found.instruction_sets
    assert found.packages["numpy"] == f"numpy {np.__version__}"
    native = _row(found, "native:cpu", "fp32")
    assert (native.provider, native.shift_deg, native.bound_deg) == ("CPU", 0.0, 0.05)
    rounded = _row(found, "native:cpu", "int8")
    assert rounded.mean_shift_deg is not None and 0 < rounded.mean_shift_deg < 0.5, "8 bits are not float32"


@pytest.mark.parametrize("name", [name for name in available_backends() if name != "native"])
def test_every_installed_backend_is_within_its_bound(found: Examination, name: str) -> None:
    pytest.importorskip(name, reason=f"{name} is not installed")
    row = _row(found, f"{name}:cpu", "fp32")
    assert row.usable and row.shift_deg is not None and row.shift_deg <= 0.05
    for check in found.runs:
        if check.backend == f"{name}:cpu" and check.mean_shift_deg is not None:
            assert check.precision is not None and check.mean_shift_deg <= BOUNDS_DEG[check.precision]


def test_what_is_not_installed_says_the_command_and_is_not_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def devices(name: str) -> list[Device]:
        if name == "native":
            return [Device("cpu", ("fp32",))]
        raise missing_dependency(name, name, f"the {name} backend")

    monkeypatch.setattr(doctor, "available_backends", lambda: ["native", "gadget"])
    monkeypatch.setattr(doctor, "backend_devices", devices)
    found = examine()
    assert "pip install 'hpe-edge[gadget]'" in str(_row(found, "gadget", None).problem)
    assert not _row(found, "gadget", None).usable and found.broken == ()


def test_a_device_that_does_not_load_is_not_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an ONNX Runtime with CUDA on a machine without."""
    monkeypatch.setattr(doctor, "available_backends", lambda: ["native", "openvino"])
    pytest.importorskip("openvino", reason="the openvino extra is not installed")
    monkeypatch.setattr(doctor, "backend_devices", lambda name: [Device("npu", ("fp32",)), Device("cpu", ("fp32",))])
    monkeypatch.setattr(NativeBackend, "devices", lambda: [Device("cpu", ("fp32",))], raising=False)
    row = _row(examine(), "openvino:npu", "fp32")
    assert not row.usable and row.shift_deg is None and "OpenVINO finds only" in str(row.problem)


def _off_by(angle_deg: float, monkeypatch: pytest.MonkeyPatch, precision: str) -> Examination:
    monkeypatch.setattr(doctor, "available_backends", lambda: ["native"])
    estimate = NativeBackend.estimate

    def wrong(self: NativeBackend, *arguments: Any) -> Any:
        euler_deg, std_deg = estimate(self, *arguments)
        return euler_deg + np.float32(angle_deg if self.info.precision == precision else 0.0), std_deg

    monkeypatch.setattr(NativeBackend, "estimate", wrong)
    return examine()


@pytest.mark.parametrize("angle_deg", [2.0, float("nan")])
def test_angles_that_are_too_far_off_are_broken(monkeypatch: pytest.MonkeyPatch, angle_deg: float) -> None:
    found = _off_by(angle_deg, monkeypatch, "int8")
    (broken,) = found.broken
    assert broken.startswith("native:cpu int8: its angles are on average") and "expected 0.5" in broken


def _damaged_copy(tmp_path: Path, name: str) -> Path:
    folder = hub.resolve("fsanet").card_path.parent
    for path in folder.glob("fsanet*"):
        shutil.copy(path, tmp_path)
    (tmp_path / name).write_bytes(b"damaged")
    return tmp_path / "fsanet.json"


def test_a_damaged_file_is_broken_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "available_backends", lambda: ["native"])
    found = examine(str(_damaged_copy(tmp_path, "fsanet.safetensors")))
    damaged = [check.kind for check in found.files if check.problem is not None]
    assert damaged == ["onnx", "safetensors"], "the ONNX file has its tensors there"
    assert _row(found, "native:cpu", "int8").shift_deg is None, "there is nothing to compare it with"
    assert sum("fsanet.safetensors" in line for line in found.broken) == 3


def test_a_detector_that_finds_nothing_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "available_backends", lambda: ["native"])
    monkeypatch.setattr(doctor, "drawn_head", lambda: np.full((192, 192, 3), 128, np.uint8))
    assert examine().broken[0] == "detector face: expected one face in the drawn picture, found 0"

    def refuse(*_: object) -> None:
        raise BackendError("no such thing")

    monkeypatch.setattr(doctor, "open_detector", refuse)
    found = examine(image=np.zeros((40, 40, 3), np.uint8))
    assert found.broken[0] == "detector face: no such thing" and found.crops == 9, "the drawn head stands in"


def test_a_photograph_without_a_face_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="expected a photograph with a face, found none"):
        examine(image=np.full((100, 100, 3), 128, np.uint8))


def test_a_card_without_a_native_file_has_nothing_broken(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime", reason="the onnx extra is not installed")
    monkeypatch.setattr(doctor, "available_backends", lambda: ["native", "onnxruntime"])
    found = examine(str(make_model()))
    assert "no safetensors file" in str(_row(found, "native:cpu", None).problem)
    assert _row(found, "onnxruntime:cpu", "fp32").usable and found.broken == ()


def test_the_command_prints_a_table(capsys: pytest.CaptureFixture[str], found: Examination, monkeypatch: Any) -> None:
    monkeypatch.setattr(doctor, "examine", lambda *_: found)
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split()[:3] == ["native:cpu", "fp32", "CPU"] and line.endswith("works") for line in lines)
    assert any("6 of 6 are what their cards say" in line for line in lines) and lines[-1] == "nothing is broken"
    assert any(line.startswith("onnxruntime:cuda ") and "Run: " in line for line in lines) or "onnxruntime" not in str(
        lines
    )
    assert main(["doctor", "--quiet"]) == 0 and capsys.readouterr().out == ""


def test_the_command_says_what_is_broken(
    capsys: pytest.CaptureFixture[str], found: Examination, monkeypatch: Any
) -> None:
    hurt = replace(found, detector_problem="gone", files=(replace(found.files[0], problem="damaged"), *found.files[1:]))
    monkeypatch.setattr(doctor, "examine", lambda *_: hurt)
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "5 of 6" in out and "fsanet onnx (fsanet.onnx): damaged" in out
    assert out.splitlines()[-1] == "broken: fsanet.onnx: damaged; detector face: gone"
    assert main(["doctor", "--quiet"]) == 1
    assert capsys.readouterr().out == "fsanet.onnx: damaged\ndetector face: gone\n"
    assert main(["doctor", "--json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert data["format"] == "hpe-edge-doctor/1" and data["broken"] == list(hurt.broken)
    assert data["runs"][0]["usable"] is True and data["runs"][0]["backend"] == "native:cpu"


def test_an_image_that_is_none_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("cv2", reason="OpenCV is not installed")
    assert main(["doctor", "--image", "no_such.jpg"]) == 2
    assert "no_such.jpg" in capsys.readouterr().err
