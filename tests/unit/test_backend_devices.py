"""Devices: how they are named, which provider runs, and that none is replaced without a word."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from tiny_models import MakeModel

from hpe_edge import HeadPose, backends, hub
from hpe_edge.backends import Backend, Device, available_backends, backend_devices, open_backend
from hpe_edge.backends.base import BackendInfo
from hpe_edge.backends.naming import BackendName, parse_backend
from hpe_edge.backends.onnxruntime_providers import PROVIDERS, choose
from hpe_edge.errors import BackendError, InvalidArgumentError

ort = pytest.importorskip("onnxruntime", reason="the onnx extra is not installed")
ALL = [provider.name for provider in PROVIDERS.values()]


def _open(card: Path | str, name: str, precision: str = "fp32") -> Backend:
    model = hub.resolve(card)
    return open_backend(name, model.card, model.read, precision=precision, threads=1)


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        ("native", "native", {}),
        ("onnxruntime:cuda", "onnxruntime", {"device": "cuda"}),
        ("onnxruntime:cuda:1", "onnxruntime", {"device": "cuda:1"}),
        ("openvino:gpu:1,cache=/a b/c", "openvino", {"device": "gpu:1", "cache": "/a b/c"}),
        ("openvino:cache=C:\\x", "openvino", {"cache": "C:\\x"}),
        ("onnxruntime:tensorrt,cache=a=b", "onnxruntime", {"device": "tensorrt", "cache": "a=b"}),
    ],
)
def test_a_name_is_taken_apart(text: str, name: str, options: dict[str, str]) -> None:
    assert parse_backend(text) == BackendName(name, options)


@pytest.mark.parametrize("text", ["x:", "x:a,b", "x:a,", "x:=b", "x:a,cache=", "x:a,device=b", "x:a,c=1,c=2"])
def test_a_name_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgumentError, match="backend: expected NAME, NAME:DEVICE"):
        parse_backend(text)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("native:gpu", "'native' takes no options and runs on the CPU, got device='gpu'"),
        ("auto:gpu", r"'auto' takes .*, got device='gpu'"),
        ("openvino:cpu,streams=2", r"'openvino' takes the options \['device', 'cache'\], got streams='2'"),
        ("onnxruntime:tpu", r"device: expected 'auto' or one of \['tensorrt', 'cuda', .*'cpu'\], got 'tpu'"),
        ("onnxruntime:cpu:1", "device: expected 'cpu', got 'cpu:1'"),
        ("onnxruntime:cpu,cache=/tmp", "cache: 'onnxruntime:cpu' keeps nothing in a folder"),
        ("onnxruntime:cuda:", "device: expected 'auto' or one of"),
        ("openvino:tpu", r"device: expected 'auto' or one of \['gpu', 'npu', 'cpu'\], got 'tpu'"),
    ],
)
def test_a_device_or_option_that_is_not_known_is_refused(name: str, words: str) -> None:
    if name.startswith("openvino"):
        pytest.importorskip("openvino", reason="the openvino extra is not installed")
    with pytest.raises(InvalidArgumentError, match=words):
        _open("fsanet", name)


@pytest.mark.parametrize(
    ("device", "precision", "cache", "provider", "options"),
    [
        ("cpu", "int8", None, "CPUExecutionProvider", {}),
        ("cuda:2", "fp32", None, "CUDAExecutionProvider", {"device_id": "2", "use_tf32": "0"}),
        (
            "tensorrt",
            "fp16",
            "/engines",
            "TensorrtExecutionProvider",
            {
                "device_id": "0",
                "trt_fp16_enable": "1",
                "trt_int8_enable": "0",
                "trt_engine_cache_enable": "1",
                "trt_engine_cache_path": "/engines",
                "trt_timing_cache_enable": "1",
                "trt_timing_cache_path": "/engines",
            },
        ),
        (
            "tensorrt:1",
            "int8",
            None,
            "TensorrtExecutionProvider",
            {"device_id": "1", "trt_fp16_enable": "0", "trt_int8_enable": "1"},
        ),
        (
            "openvino:gpu:1",
            "fp16",
            "/c",
            "OpenVINOExecutionProvider",
            {"device_type": "GPU.1", "precision": "FP16", "num_of_threads": "3", "cache_dir": "/c"},
        ),
        ("directml", "fp32", None, "DmlExecutionProvider", {"device_id": "0"}),
        (
            "coreml",
            "fp32",
            "/c",
            "CoreMLExecutionProvider",
            {
                "ModelFormat": "MLProgram",
                "MLComputeUnits": "ALL",
                "RequireStaticInputShapes": "1",
                "ModelCacheDirectory": "/c",
            },
        ),
    ],
)
def test_providers_get_their_options(
    device: str, precision: str, cache: str | None, provider: str, options: dict[str, str]
) -> None:
    assert choose(device, precision, 3, cache, ALL) == (provider, options)


@pytest.mark.parametrize(("system", "library"), [("win32", "QnnHtp.dll"), ("linux", "libQnnHtp.so")])
def test_qnn_gets_the_library_of_its_system(monkeypatch: pytest.MonkeyPatch, system: str, library: str) -> None:
    monkeypatch.setattr("hpe_edge.backends.onnxruntime_providers.sys.platform", system)
    expected = {"backend_path": library, "enable_htp_fp16_precision": "0"}
    assert choose("qnn", "int8", 1, None, ALL) == ("QNNExecutionProvider", expected)


@pytest.mark.parametrize(
    ("device", "precision"), [("cuda", "fp16"), ("qnn", "fp32"), ("coreml", "int8"), ("cpu", "fp16")]
)
def test_a_precision_that_the_provider_has_not_is_refused(device: str, precision: str) -> None:
    with pytest.raises(BackendError, match=f"'onnxruntime:{device}' computes in .*, got '{precision}'"):
        choose(device, precision, 1, None, ALL)


def test_a_provider_of_another_distribution_is_refused_with_the_command_that_brings_it() -> None:
    with pytest.raises(BackendError, match=r"device 'cuda': .*no CUDAExecutionProvider\. Run: .*onnxruntime-gpu"):
        choose("cuda", "fp32", 1, None, ["CPUExecutionProvider"])


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_provider_that_does_not_load_is_refused(make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime lists what it was built with, also where a library is missing; the CPU then runs all of it."""
    monkeypatch.setattr(ort, "get_available_providers", lambda: ALL)
    with pytest.raises(BackendError, match=r"model 'tiny' \(tiny\.onnx\): .*CUDAExecutionProvider"):
        _open(make_model(), "onnxruntime:cuda")


def test_a_session_on_another_provider_is_refused(make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ort.InferenceSession, "get_providers", lambda self: ["OtherProvider", "CPUExecutionProvider"])
    with pytest.raises(
        BackendError, match=r"cannot run all of it on CPUExecutionProvider, .*: OtherProvider would run it"
    ):
        _open(make_model(), "onnxruntime")


def test_openvino_keeps_what_it_compiled(tmp_path: Path) -> None:
    pytest.importorskip("openvino", reason="the openvino extra is not installed")
    name = f"openvino:cpu,cache={tmp_path / 'compiled'}"
    first, second = (_open("fsanet", name) for _ in range(2))
    loaded = [each._compiled.get_property("LOADED_FROM_CACHE") for each in (first, second)]  # type: ignore[attr-defined]
    assert loaded == [False, True] and list((tmp_path / "compiled").glob("*.blob"))
    crop = np.random.default_rng(0).uniform(-1, 1, (1, 3, 64, 64)).astype(np.float32)
    np.testing.assert_array_equal(first.run(crop)["p1"], second.run(crop)["p1"])


def test_openvino_without_a_gpu_says_what_one_needs() -> None:
    openvino = pytest.importorskip("openvino", reason="the openvino extra is not installed")
    if any(device.startswith("GPU") for device in openvino.Core().available_devices):
        pytest.skip("this machine has a GPU")
    with pytest.raises(BackendError, match=r"device 'gpu:1': OpenVINO finds only \['CPU'.*intel-opencl-icd"):
        _open("fsanet", "openvino:gpu:1")


def test_a_device_whose_driver_fails_says_so() -> None:
    pytest.importorskip("openvino", reason="the openvino extra is not installed")
    from hpe_edge.backends.openvino import _look

    class Core:
        available_devices: ClassVar[list[str]] = ["CPU", "NPU"]

        def get_property(self, device: str, name: str) -> list[str]:
            if device == "NPU":
                raise RuntimeError("Exception from src/npu.cpp:1:\nno driver")
            return ["FP32", "INT8", "WINOGRAD"]

    assert _look(Core(), "cpu") == Device("cpu", ("fp32", "int8"))
    assert str(_look(Core(), "npu").problem).startswith("OpenVINO cannot use it: no driver; it needs an Intel NPU")
    assert str(_look(Core(), "gpu").problem).startswith("OpenVINO finds only ['CPU', 'NPU']; it needs an Intel GPU")


@pytest.mark.parametrize("name", available_backends())
def test_every_device_is_usable_or_says_why_not(name: str) -> None:
    pytest.importorskip(name.replace("native", "numpy"), reason=f"{name} is not installed")
    devices = backend_devices(name)
    assert all(device.problem is None or len(device.problem) > 20 for device in devices)
    assert (devices[-1].name, devices[-1].problem) == ("cpu", None), "what auto takes in the end"
    assert all("fp32" in device.precisions for device in devices if device.name != "qnn")


@pytest.mark.parametrize("name", ["native", "native:cpu", "native:auto"])
def test_a_backend_without_a_choice_has_the_cpu(name: str) -> None:
    assert _open("fsanet", name).info.provider == "CPU"


def _device(name: str, problem: str | None = None) -> Device:
    return Device(name, ("fp32",), problem)


class Gadget:
    """A backend of another package, whose first device does not load."""

    file_kind: ClassVar[str] = "onnx"

    def __init__(self, data: bytes, card: Any, *, precision: str, threads: int, device: str = "slow") -> None:
        if device == "broken":
            raise BackendError("no driver")
        self.info = BackendInfo("gadget", "1", device, precision, threads)

    @classmethod
    def devices(cls) -> list[Device]:
        return [_device("absent", "not there"), _device("broken"), _device("fast"), _device("slow")]

    def run(self, batch: Any) -> Any:
        return {"angles": batch.mean(axis=(2, 3))}


def test_auto_takes_the_first_device_that_loads(make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "load_plugin", lambda *_: Gadget)
    card = make_model()
    assert _open(card, "gadget:auto", precision="auto").info == BackendInfo("gadget", "1", "fast", "fp32", 1)
    assert _open(card, "gadget").info.provider == "slow"
    monkeypatch.setattr(Gadget, "devices", lambda: [_device("absent", "not there"), _device("broken")])
    with pytest.raises(BackendError, match="'gadget:auto': no device can be used: broken: no driver"):
        _open(card, "gadget:auto")


@pytest.mark.parametrize("name", available_backends())
@pytest.mark.parametrize("threads", [1, 2])
def test_the_faces_of_a_batch_come_back_in_order(name: str, threads: int) -> None:
    pytest.importorskip(name.replace("native", "numpy"), reason=f"{name} is not installed")
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (90 + 10 * k, 120, 3), dtype=np.uint8) for k in range(4)]
    boxes = [
        np.add(np.sort(rng.uniform(0, 90, (count, 2, 2)), axis=1).reshape(count, 4), (0, 0, 9, 9))
        for count in (2, 0, 1, 90)
    ]
    pose = HeadPose(backend=name, precision="fp32", threads=threads)
    together = pose.estimate_batch(images, boxes)
    assert [len(poses) for poses in together] == [2, 0, 1, 90]
    for image, given, poses in zip(images, boxes, together, strict=True):
        assert np.array_equal(poses.boxes_xyxy, given.astype(np.float32))
        for k in (0, len(given) - 1) if len(given) else ():
            alone = pose.estimate(image, given[k : k + 1])
            np.testing.assert_allclose(poses.euler_deg[k], alone.euler_deg[0], atol=1e-3)
