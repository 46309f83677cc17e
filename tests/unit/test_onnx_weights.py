"""ONNX files whose tensors lie in another file of the card."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tiny_models import card_dict

from hpe_edge import _onnx_weights, hub
from hpe_edge.backends import open_backend
from hpe_edge.cardfiles import FileEntry, read_network, read_verified, size_bytes
from hpe_edge.errors import CorruptModelError, ModelNotFoundError
from hpe_edge.modelcard import ModelCard, load_card

onnx = pytest.importorskip("onnx", reason="the training extra is not installed")

WEIGHTS = "tiny.safetensors"


def _network(location: str = WEIGHTS, offset: int = 8, length: int = 36) -> bytes:
    """angles = mean of each channel @ w, w (3, 3) outside; ``bias`` stays inside."""
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    weight = onnx.TensorProto(name="w", dims=[3, 3], data_type=kind, raw_data=b"")
    onnx.external_data_helper.set_external_data(weight, location, offset=offset, length=length)
    weight.ClearField("raw_data")
    bias = onnx.numpy_helper.from_array(np.ones(3, np.float32), "b")
    nodes = [
        helper.make_node("ReduceMean", ["input"], ["m"], axes=[2, 3], keepdims=0),
        helper.make_node("Gemm", ["m", "w", "b"], ["angles"]),
    ]
    image = helper.make_tensor_value_info("input", kind, [1, 3, 6, 8])
    graph = helper.make_graph(
        nodes, "tiny", [image], [helper.make_tensor_value_info("angles", kind, [1, 3])], initializer=[weight, bias]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def _card(folder: Path, network: bytes, weights: bytes) -> Path:
    (folder / "tiny.onnx").write_bytes(network)
    (folder / WEIGHTS).write_bytes(weights)
    files = {
        "onnx": FileEntry.of(folder / "tiny.onnx", weights="safetensors").as_dict(),
        "safetensors": FileEntry.of(folder / WEIGHTS).as_dict(),
    }
    path = folder / "tiny.json"
    path.write_text(json.dumps(card_dict(files=files)), encoding="utf-8")
    return path


@pytest.fixture
def weights() -> bytes:
    matrix = np.arange(9, dtype=np.float32).reshape(3, 3)
    return b"8 before" + matrix.tobytes() + b"behind"


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_a_backend_runs_a_network_with_its_tensors_in_another_file(
    tmp_path: Path, weights: bytes, backend: str
) -> None:
    pytest.importorskip(backend)
    model = hub.resolve(_card(tmp_path, _network(), weights))
    loaded = open_backend(backend, model.card, model.read, precision="fp32", threads=1)
    crop = np.random.default_rng(0).normal(size=(1, 3, 6, 8)).astype(np.float32)
    expected = crop.mean(axis=(2, 3)) @ np.arange(9, dtype=np.float32).reshape(3, 3) + 1
    np.testing.assert_allclose(loaded.run(crop)["angles"], expected, atol=1e-5)


def test_what_is_read_is_what_onnx_reads_by_path(tmp_path: Path, weights: bytes) -> None:
    card = load_card(_card(tmp_path, _network(), weights))
    whole = onnx.load_from_string(read_network(card, "onnx", tmp_path))
    assert whole == _with_raw_data(onnx.load(str(tmp_path / "tiny.onnx")))
    assert (
        size_bytes(card, "onnx") == len(_network()) + len(weights) == size_bytes(card, "safetensors") + len(_network())
    )


def _with_raw_data(model: onnx.ModelProto) -> onnx.ModelProto:
    onnx.external_data_helper.convert_model_from_external_data(model)
    for tensor in model.graph.initializer:
        tensor.ClearField("data_location")
    return model


def test_a_file_that_needs_no_other_is_left_as_it_is() -> None:
    whole = onnx.load_from_string(_network())
    whole.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(np.eye(3, dtype=np.float32), "w"))
    data = whole.SerializeToString()
    assert _onnx_weights.with_weights(data, b"", WEIGHTS) == data


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (lambda: _network(location="other.bin"), r"expected tensors in 'tiny\.safetensors'.*'other\.bin'"),
        (lambda: _network(location="../../etc/passwd"), r"got one in '\.\./\.\./etc/passwd'"),
        (lambda: _network(offset=40), r"within the 50 bytes of 'tiny\.safetensors', got 36 bytes at 40"),
        (lambda: _network(offset=-8), r"got 36 bytes at -8"),
        (lambda: _network(length=-36), r"got -36 bytes at 8"),
        (lambda: _network().replace(b"length", b"length!"), "protobuf|offset and length|ends"),
        (lambda: _network()[:-3], "ends 3 bytes behind"),
        (lambda: b"\xff" * 40, "expected a number at byte 0"),
        (lambda: b"\x07", "wire type 7"),
        (lambda: b"\x3a\xff", "expected a number at byte 1"),
    ],
)
def test_a_network_that_reaches_elsewhere_is_refused(
    tmp_path: Path, weights: bytes, network: Callable[[], bytes], words: str
) -> None:
    card = load_card(_card(tmp_path, network(), weights))
    with pytest.raises(CorruptModelError, match=rf"model 'tiny' \(tiny\.onnx\): ONNX file: .*(?:{words})"):
        read_network(card, "onnx", tmp_path)


def test_both_files_are_checked_before_use(tmp_path: Path, weights: bytes) -> None:
    card = load_card(_card(tmp_path, _network(), weights))
    (tmp_path / WEIGHTS).write_bytes(weights[:-1] + b"?")
    assert read_verified(card, "onnx", tmp_path) == _network()
    with pytest.raises(CorruptModelError, match=r"tiny\.safetensors: expected sha256"):
        read_network(card, "onnx", tmp_path)
    (tmp_path / WEIGHTS).unlink()
    with pytest.raises(ModelNotFoundError, match=r"tiny\.safetensors"):
        read_network(card, "onnx", tmp_path)


@pytest.mark.parametrize("kind", ["tflite", "onnx", ""])
def test_a_card_names_a_file_that_it_lists(tmp_path: Path, weights: bytes, kind: str) -> None:
    data = json.loads(_card(tmp_path, _network(), weights).read_text())
    data["files"]["onnx"]["weights"] = kind
    with pytest.raises(CorruptModelError, match=r"field 'files\.onnx\.weights': expected "):
        ModelCard.from_dict(data)


@pytest.mark.parametrize("kind", ["onnx", "onnx-int8"])
def test_the_package_has_its_weights_once(kind: str) -> None:
    model = hub.resolve("fsanet")
    entry = model.card.files[kind]
    assert entry.bytes < 25_000 and entry.weights == kind.replace("onnx", "safetensors")
    shared = model.card.files[entry.weights]
    note = onnx.load(str(model.card_path.parent / entry.path)).metadata_props
    assert {prop.key: prop.value for prop in note} == {"weights_sha256": shared.sha256}
