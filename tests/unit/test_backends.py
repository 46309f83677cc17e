"""The ONNX Runtime backend and the registry."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hpe_edge.training.native.command import convert_card
from tiny_models import MakeModel, card_dict, mean_network

from hpe_edge import _plugins, backends, hub
from hpe_edge.backends import Backend, available_backends, open_backend
from hpe_edge.backends.native import NativeBackend
from hpe_edge.cardfiles import FileEntry
from hpe_edge.errors import (
    BackendError,
    CorruptModelError,
    InvalidArgumentError,
    MissingDependencyError,
    ModelNotFoundError,
)
from hpe_edge.modelcard import ModelCard, load_card, save_card


def _open(card: Path, name: str = "onnxruntime", threads: int = 1) -> Backend:
    model = hub.resolve(card)
    return open_backend(name, model.card, model.read, precision="fp32", threads=threads)


@pytest.mark.parametrize("batch", [1, "N"])
def test_runs_any_number_of_crops(make_model: MakeModel, batch: int | str) -> None:
    backend = _open(make_model(mean_network(8, 6, batch)))
    crops = np.random.default_rng(0).normal(size=(5, 3, 6, 8)).astype(np.float32)
    for count in (1, 5):
        out = backend.run(crops[:count])
        assert list(out) == ["angles"] and out["angles"].dtype == np.float32
        np.testing.assert_allclose(out["angles"], crops[:count].mean(axis=(2, 3)), atol=1e-6)


def test_reports_what_really_runs(make_model: MakeModel) -> None:
    import onnxruntime

    info = _open(make_model(), threads=2).info
    assert (info.name, info.provider) == ("onnxruntime", "CPUExecutionProvider")
    assert (info.threads, info.precision, info.version) == (2, "fp32", onnxruntime.__version__)


def test_auto_takes_the_first_of_the_documented_order(make_model: MakeModel) -> None:
    assert backends.AUTO_ORDER == ("native", "onnxruntime")
    card = make_model()
    assert _open(card, "auto").info.name == "onnxruntime", "the card has no file for the native network"
    convert_card(card)
    assert _open(card, "auto").info.name == "native"


def test_auto_without_a_file_for_any_backend_lists_those_there_are(make_model: MakeModel) -> None:
    model = hub.resolve(make_model())
    card = replace(model.card, files={"tflite": model.card.files["onnx"]})
    with pytest.raises(BackendError, match=r"no backend reads its files \(\['tflite'\]\).*'native', 'onnxruntime'"):
        open_backend("auto", card, model.read, precision="fp32", threads=1)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_native_backend_runs_any_number_of_crops(make_model: MakeModel, threads: int) -> None:
    card = make_model(mean_network(8, 6))
    convert_card(card)
    backend = _open(card, "native", threads)
    crops = np.random.default_rng(0).normal(size=(7, 3, 6, 8)).astype(np.float32)
    for count in (1, 7):
        np.testing.assert_allclose(backend.run(crops[:count])["angles"], crops[:count].mean(axis=(2, 3)), atol=1e-6)
    assert backend.run(crops[:0])["angles"].shape == (0, 3)
    assert (backend.info.name, backend.info.provider, backend.info.threads) == ("native", "CPU", threads)


def test_a_corrupt_native_file_is_refused(make_model: MakeModel) -> None:
    card = make_model()
    path = convert_card(card)
    path.write_bytes(path.read_bytes()[:-4])
    loaded = load_card(card)
    save_card(replace(loaded, files={"safetensors": FileEntry.of(path)}), card)
    with pytest.raises(CorruptModelError, match=r"model 'tiny' \(tiny\.safetensors\): network file"):
        _open(card, "native")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"input": card_dict()["input"] | {"width": 9}},
            r'input: expected "input" \[3, 6, 9\] in the network, got "input" \[3, 6, 8\]',
        ),
        ({"head": {"kind": "angles", "output": "z"}}, r'head: output "z": expected one of the network\'s outputs'),
    ],
)
def test_a_card_of_another_native_network_is_refused(
    make_model: MakeModel, changes: dict[str, Any], words: str
) -> None:
    card = make_model(mean_network(8, 6), **changes)
    convert_card(card)
    with pytest.raises(CorruptModelError, match=rf"model 'tiny' \(tiny\.safetensors\): model card: {words}"):
        _open(card, "native")


def test_threads_that_make_no_sense_are_refused(make_model: MakeModel) -> None:
    card = make_model()
    convert_card(card)
    with pytest.raises(InvalidArgumentError, match="threads: expected 1 to 256, got 999"):
        _open(card, "native", 999)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: data[: len(data) // 2], id="truncated"),
        pytest.param(lambda data: b"\x00\xff" * 100, id="noise"),
        pytest.param(lambda data: b"<html>not found</html>", id="html"),
        pytest.param(lambda data: data.replace(b"ReduceMean", b"ReduceNone"), id="operator"),
    ],
)
def test_a_corrupt_onnx_file_is_refused(make_model: MakeModel, damage: Callable[[bytes], bytes]) -> None:
    data = damage(mean_network(8, 6)) or b"\n"
    with pytest.raises(CorruptModelError, match=r"model 'tiny' \(tiny\.onnx\)"):
        _open(make_model(data))


@pytest.mark.parametrize(
    ("network", "changes", "words"),
    [
        (mean_network(9, 6), {}, r"\[1 or N, 3, 6, 8\], got 'input' tensor\(float\) \[1, 3, 6, 9\]"),
        (mean_network(8, 6, 2), {}, r"got 'input' tensor\(float\) \[2, 3, 6, 8\]"),
        (mean_network(8, 6), {"input": card_dict()["input"] | {"name": "x"}}, "expected one input 'x'"),
        (mean_network(8, 6), {"head": {"kind": "angles", "output": "z"}}, r"outputs \['z'\], got only"),
    ],
)
def test_a_card_of_another_network_is_refused(
    make_model: MakeModel, network: bytes, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(CorruptModelError, match=f"card and network disagree: .*{words}"):
        _open(make_model(network, **changes))


def test_an_unknown_backend_lists_the_known_ones(make_model: MakeModel) -> None:
    with pytest.raises(InvalidArgumentError, match=r"backend: expected one of \['auto', .*onnx.*got 'tpu'"):
        _open(make_model(), "tpu")


@pytest.mark.parametrize("name", ["auto", "onnxruntime"])
def test_without_onnxruntime_the_message_names_the_pip_command(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delitem(sys.modules, "hpe_edge.backends.onnxruntime", raising=False)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingDependencyError, match=r"'onnxruntime'.*pip install 'hpe-edge\[onnx\]'"):
        _open(make_model(), name)


def _register(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    entry = EntryPoint(name="mine", value=value, group=backends.GROUP)
    monkeypatch.setattr(_plugins, "entry_points", lambda group: [entry])


class Doubler:
    """A backend of another package: one class, one entry point."""

    file_kind = "onnx"

    def __init__(self, data: bytes, card: object, *, precision: str, threads: int) -> None:
        self.info = backends.BackendInfo("mine", "1", "nowhere", precision, threads)

    def run(self, batch: Any) -> dict[str, Any]:
        return {"angles": np.full((len(batch), 3), 2.0, np.float32)}


def test_a_backend_of_another_package(make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "other_package", sys.modules[__name__])
    _register(monkeypatch, "other_package:Doubler")
    assert available_backends() == ["mine"]
    backend = _open(make_model(), "mine")
    assert backend.run(np.zeros((2, 3, 6, 8), np.float32))["angles"].tolist() == [[2.0] * 3] * 2


@pytest.mark.parametrize("value", ["no_such_module_here:Thing", "hpe_edge.errors:NoSuchClass"])
def test_a_broken_plugin_is_refused(make_model: MakeModel, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    _register(monkeypatch, value)
    with pytest.raises(BackendError, match=f"backend 'mine' .{value}. cannot be loaded"):
        _open(make_model(), "mine")


def _int8_card(shift_deg: float) -> tuple[ModelCard, hub.Model]:
    model = hub.resolve("fsanet")
    assert model.card.int8 is not None
    return replace(model.card, int8=replace(model.card.int8, shift_deg=shift_deg)), model


@pytest.mark.parametrize("faster", ["fp32", "int8"])
def test_auto_precision_takes_what_runs_faster(monkeypatch: pytest.MonkeyPatch, faster: str) -> None:
    """With a clock that one of the two advances by more."""
    now = [0]
    monkeypatch.setattr(backends.time, "perf_counter_ns", lambda: now[0])
    run = NativeBackend.run

    def timed(self: NativeBackend, batch: Any) -> Any:
        now[0] += 10 if self.info.precision == faster else 20
        return run(self, batch)

    monkeypatch.setattr(NativeBackend, "run", timed)
    card, model = _int8_card(0.1)
    assert open_backend("native", card, model.read, precision="auto", threads=1).info.precision == faster


def test_auto_precision_stays_in_float32_where_the_bound_is_not_kept() -> None:
    card, model = _int8_card(99.0)
    assert open_backend("native", card, model.read, precision="auto", threads=1).info.precision == "fp32"
    assert open_backend("native", card, model.read, precision="int8", threads=1).info.precision == "int8"


def test_a_precision_that_the_card_lacks_is_refused(make_model: MakeModel) -> None:
    model = hub.resolve(make_model())
    with pytest.raises(ModelNotFoundError, match=r"no file of kind 'onnx-int8'"):
        open_backend("auto", model.card, model.read, precision="int8", threads=1)


@pytest.mark.parametrize("name", ["native", "onnxruntime"])
def test_the_bundled_model_in_8_bits_is_near_float32(name: str) -> None:
    model = hub.resolve("fsanet")
    image = np.random.default_rng(0).uniform(-1, 1, (1, 3, 64, 64)).astype(np.float32)
    found = {p: open_backend(name, model.card, model.read, precision=p, threads=1).run(image) for p in ("fp32", "int8")}
    for output, exact in found["fp32"].items():
        np.testing.assert_allclose(found["int8"][output], exact, atol=0.25)
        assert np.any(found["int8"][output] != exact)
