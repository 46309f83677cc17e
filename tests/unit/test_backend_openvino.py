"""The OpenVINO backend: as the one of ONNX Runtime, from the same files."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_models import MakeModel, card_dict, mean_network

from hpe_edge import HeadPose, backends, hub
from hpe_edge.backends import Backend, open_backend
from hpe_edge.errors import BackendError, CorruptModelError, MissingDependencyError

ov = pytest.importorskip("openvino", reason="the OpenVINO backend needs: pip install 'hpe-edge[openvino]'")


def _open(card: Path | str, name: str = "openvino", precision: str = "fp32", threads: int = 1) -> Backend:
    model = hub.resolve(card)
    return open_backend(name, model.card, model.read, precision=precision, threads=threads)


def _crops(count: int, height: int = 64, width: int = 64) -> Any:
    return np.random.default_rng(0).uniform(-1, 1, (count, 3, height, width)).astype(np.float32)


@pytest.mark.parametrize("batch", [1, "N"])
def test_runs_any_number_of_crops(make_model: MakeModel, batch: int | str) -> None:
    backend = _open(make_model(mean_network(8, 6, batch)))
    crops = _crops(5, 6, 8)
    for count in (1, 5):
        out = backend.run(crops[:count])
        assert list(out) == ["angles"] and out["angles"].dtype == np.float32
        np.testing.assert_allclose(out["angles"], crops[:count].mean(axis=(2, 3)), atol=1e-6)


def test_reports_what_really_runs(make_model: MakeModel) -> None:
    info = _open(make_model(), threads=2).info
    assert (info.name, info.provider, info.precision, info.threads) == ("openvino", "CPU", "fp32", 2)
    assert ov.__version__.startswith(info.version) and info.version[0].isdigit()


def test_computes_in_float32_and_not_pinned_also_around_8_bits() -> None:
    for precision in ("fp32", "int8"):
        compiled = _open("fsanet", precision=precision)._compiled  # type: ignore[attr-defined]
        assert compiled.get_property("INFERENCE_PRECISION_HINT") == ov.Type.f32
        assert not compiled.get_property("ENABLE_CPU_PINNING")
        layers = [node.get_rt_info() for node in compiled.get_runtime_model().get_ops()]
        used = {
            info["runtimePrecision"].astype(str) for info in layers if info["layerType"].astype(str) == "Convolution"
        }
        assert used == ({"f32"} if precision == "fp32" else {"u8"})


def test_another_precision_than_asked_is_refused(make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    real = ov.CompiledModel.get_property

    def bfloat16(self: Any, name: str) -> Any:
        return ov.Type.bf16 if name == "INFERENCE_PRECISION_HINT" else real(self, name)

    monkeypatch.setattr(ov.CompiledModel, "get_property", bfloat16)
    with pytest.raises(
        BackendError, match=r"model 'tiny' \(tiny\.onnx\): expected OpenVINO to compute in f32 on CPU, got bf16"
    ):
        _open(make_model())


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_the_bundled_model_gives_what_onnx_runtime_gives(precision: str) -> None:
    crops = _crops(3)
    expected = _open("fsanet", "onnxruntime", precision).run(crops)
    found = _open("fsanet", precision=precision).run(crops)
    assert list(found) == list(expected)
    for name, value in expected.items():
        # in 8 bits means of four levels fall halfway, which every runtime rounds its way
        np.testing.assert_allclose(found[name], value, atol=1e-4 if precision == "fp32" else 0.25)


def test_head_pose_takes_it_by_name_and_says_so() -> None:
    frame = np.random.default_rng(1).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    box = [[40, 20, 120, 100]]
    pose = HeadPose(backend="openvino", precision="fp32")
    assert pose.info.backend == "openvino" and "openvino" not in backends.AUTO_ORDER
    expected = HeadPose(backend="onnxruntime", precision="fp32").estimate(frame, box)
    np.testing.assert_allclose(pose.estimate(frame, box).euler_deg, expected.euler_deg, atol=1e-2)


def test_results_are_not_overwritten_by_the_next_call(make_model: MakeModel) -> None:
    backend = _open(make_model())
    first, second = _crops(2, 6, 8)[:, None]
    kept = backend.run(first)["angles"]
    backend.run(second)
    np.testing.assert_allclose(kept, first.mean(axis=(2, 3)), atol=1e-6)


def test_serves_several_threads_at_once() -> None:
    backend = _open("fsanet")
    crops = _crops(8)
    expected = [backend.run(crop[None])["p1"] for crop in crops]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda k: backend.run(crops[k % 8 : k % 8 + 1])["p1"], range(200)))
    for k, value in enumerate(found):
        np.testing.assert_array_equal(value, expected[k % 8])
    assert 1 <= len(backend._idle) <= 4  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: b"\n", id="empty"),
        pytest.param(lambda data: data[: len(data) // 2], id="truncated"),
        pytest.param(lambda data: b"\x00\xff" * 100, id="noise"),
        pytest.param(lambda data: b"<html>not found</html>", id="html"),
        pytest.param(lambda data: data.replace(b"ReduceMean", b"ReduceNone"), id="operator"),
    ],
)
def test_a_corrupt_onnx_file_is_refused(make_model: MakeModel, damage: Callable[[bytes], bytes]) -> None:
    with pytest.raises(CorruptModelError, match=r"model 'tiny' \(tiny\.onnx\): expected an ONNX network, got ."):
        _open(make_model(damage(mean_network(8, 6))))


@pytest.mark.parametrize(
    ("network", "changes", "words"),
    [
        (mean_network(9, 6), {}, r"\[1 or \?,3,6,8\], got 'input' f32 \[1,3,6,9\]"),
        (mean_network(8, 6, 2), {}, r"got 'input' f32 \[2,3,6,8\]"),
        (mean_network(8, 6), {"input": card_dict()["input"] | {"name": "x"}}, "expected one input 'x'"),
        (mean_network(8, 6), {"head": {"kind": "angles", "output": "z"}}, r"outputs \['z'\], got only \['angles'\]"),
    ],
)
def test_a_card_of_another_network_is_refused(
    make_model: MakeModel, network: bytes, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(CorruptModelError, match=f"card and network disagree: .*{words}"):
        _open(make_model(network, **changes))


def test_crops_of_another_size_are_refused(make_model: MakeModel) -> None:
    backend = _open(make_model())
    with pytest.raises(BackendError, match=r"batch of shape \(1, 3, 6, 9\): expected crops of shape \(3, 6, 8\)"):
        backend.run(np.zeros((1, 3, 6, 9), np.float32))
    assert backend.run(np.zeros((1, 3, 6, 8), np.float32))["angles"].shape == (1, 3)


RELOADS = """
import signal, sys, threading
from hpe_edge import hub
from hpe_edge.backends import open_backend

def make():
    model = hub.resolve(sys.argv[1])
    return open_backend("openvino", model.card, model.read, precision="fp32", threads=1)

signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs of shells begin with it ignored
backend = make()
backend = make()  # the second is made before the first is dropped
held = [make()]
del backend
dropper = threading.Thread(target=held.clear)
dropper.start()
dropper.join()
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_ctrl_c_interrupts_after_backends_were_dropped(make_model: MakeModel) -> None:
    """Each Core takes the thread's signal stack along as it goes, also one that is still in use."""
    command = [sys.executable, "-c", RELOADS, str(make_model())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")


def test_without_openvino_the_message_names_the_pip_command(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "hpe_edge.backends.openvino", raising=False)
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingDependencyError, match=r"'openvino'.*pip install 'hpe-edge\[openvino\]'"):
        _open(make_model())
