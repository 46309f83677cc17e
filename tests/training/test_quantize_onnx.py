"""Graphs as ONNX: every operator, and the same network of 8 bits in ONNX Runtime and OpenVINO."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from reference.network import run_network

onnx = pytest.importorskip("onnx", reason="the training extra is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="the onnx extra is not installed")
pytest.importorskip("torch", reason="the training extra is not installed")

from hpe_edge.training.native.convert import lowered  # noqa: E402
from hpe_edge.training.native.file import graph_bytes  # noqa: E402
from hpe_edge.training.native.graph import Graph  # noqa: E402
from hpe_edge.training.native.onnx_runtime import run_model  # noqa: E402
from hpe_edge.training.native.simplify import simplify  # noqa: E402
from hpe_edge.training.native.to_onnx import onnx_model  # noqa: E402
from native_cases import CLEAN, ELEMENTWISE, LAYERS, MOVES, Case, make  # noqa: E402
from quantize_cases import (  # noqa: E402
    STRUCTURES,
    Net,
    assert_same,
    int8_of,
    residual,
    structure,
)


@pytest.mark.parametrize("name", STRUCTURES)
def test_structures_run_in_onnx_runtime(name: str) -> None:
    net, graph = structure(name)
    assert_same(graph, net.images())


@pytest.mark.parametrize("seed", range(12))
def test_random_networks_are_the_same_in_onnx_runtime(seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = Net((int(rng.choice([1, 3, 4, 8])), int(rng.integers(6, 14)), int(rng.integers(6, 14))), seed)
    for _ in range(int(rng.integers(2, 5))):
        channels = net.graph.shapes[net.last][0]
        groups = int(rng.choice([g for g in (1, 2, 4) if channels % g == 0 and (g < channels or g == 1)]))
        stride = int(rng.choice([1, 1, 2]))
        kernel = int(rng.choice([1, 3, 3]))
        net.conv(int(groups * rng.integers(1, 5)), kernel, groups, stride, int(rng.integers(0, kernel // 2 + 1)))
        if rng.random() < 0.7:
            net.add(str(rng.choice(["relu", "clip"])), None, {})
            if net.graph.nodes[-1].op == "clip":
                net.graph.nodes[-1].attributes.update(low=0.0, high=float(rng.uniform(0.5, 2)))
        if rng.random() < 0.4 and min(net.graph.shapes[net.last][1:]) >= 4:
            op = str(rng.choice(["max_pool", "average_pool"]))
            net.pool(op, count_pad=False if op == "average_pool" else None, pad=int(rng.integers(0, 2)))
        if min(net.graph.shapes[net.last][1:]) < 3:
            break
    assert_same(int8_of(net), net.images())


# ---- ONNX


@pytest.mark.parametrize(
    "case", [pytest.param(c, id=name) for g in (LAYERS, ELEMENTWISE, MOVES, CLEAN) for name, c in g.items()]
)
def test_operators_as_onnx(case: Case) -> None:
    """Every operator of the file, in float32: ONNX, graph, ONNX gives the same numbers."""
    model = make(case.nodes, case.weights, case.shape, case.opset, case.outputs)
    graph = lowered(model)
    simplify(graph)
    images = np.random.default_rng(0).uniform(-1, 1, (2, *case.shape[1:])).astype(np.float32)
    got, expected = run_model(onnx_model(graph), images), run_model(model, images)
    assert list(got) == list(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(got[name], value, rtol=0, atol=1e-4 * float(np.abs(value).max()))


def test_constants_of_more_axes_than_the_value() -> None:
    graph = Graph("x", shapes={"x": (2, 3, 4)})
    flat = graph.add("mean", ["x"], {"axes": [0, 1], "keep": False})
    graph.outputs["sum"] = graph.add("add", [flat, graph.constant(np.arange(24.0).reshape(2, 3, 4))], {})
    graph.outputs["row"] = graph.add("mul", [flat, graph.constant(np.arange(4.0))], {})
    graph.outputs["x again"] = "x"
    image = np.random.default_rng(0).normal(size=(1, 2, 3, 4)).astype(np.float32)
    got = run_model(onnx_model(graph), image)
    mean = image[0].mean(axis=(0, 1))
    np.testing.assert_allclose(got["sum"][0], mean + np.arange(24.0).reshape(2, 3, 4), atol=1e-5)
    np.testing.assert_allclose(got["row"][0], mean * np.arange(4.0), atol=1e-5)
    np.testing.assert_array_equal(got["x again"], image)


def test_qdq_has_weights_by_channel_and_biases_in_int32() -> None:
    net = Net((3, 9, 9))
    residual(net)
    model = onnx_model(int8_of(net))
    tensors = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    weights = [t for t in tensors.values() if t.dtype == np.int8 and t.ndim == 4]
    assert len(weights) == 3 and not any(t.dtype == np.float32 and t.ndim > 1 for t in tensors.values())
    assert sorted(t.dtype.name for t in tensors.values() if t.size == 4 and t.dtype != np.float32) == [
        "int32", "int32", "int8", "int8",
    ]  # fmt: skip
    by_channel = [n for n in model.graph.node if n.op_type == "DequantizeLinear" and n.attribute]
    assert len(by_channel) == 6 and all(n.attribute[0].i == 0 for n in by_channel)
    assert model.opset_import[0].version == 17


def test_onnx_runtime_takes_the_integer_operators(tmp_path: Path) -> None:
    """What it makes of QDQ has no float convolution left."""
    net = Net((3, 16, 16))
    net.conv(8)
    net.add("relu")
    net.pool("max_pool")
    net.conv(8)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "made.onnx")
    options.log_severity_level = 3
    data = onnx_model(int8_of(net)).SerializeToString()
    onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    made = Counter(node.op_type for node in onnx.load(str(tmp_path / "made.onnx")).graph.node)
    assert made["QLinearConv"] == 2 and made["Conv"] == 0


def test_onnx_runtime_leaves_float_layers_alone(tmp_path: Path) -> None:
    """It quantizes weights between DequantizeLinear and QuantizeLinear by itself, unless something is in between."""
    net = Net((3, 9, 9))
    names = []
    for _ in range(3):
        names.append(net.conv(4))
        net.add("relu")
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "made.onnx")
    options.log_severity_level = 3
    data = onnx_model(int8_of(net, keep_float=[names[1]])).SerializeToString()
    onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    tensors = onnx.load(str(tmp_path / "made.onnx")).graph.initializer
    assert Counter(t.data_type for t in tensors if len(t.dims) == 4) == {
        onnx.TensorProto.INT8: 2,
        onnx.TensorProto.FLOAT: 1,
    }


def test_openvino_takes_it() -> None:
    openvino = pytest.importorskip("openvino", reason="openvino is not installed")
    net = Net((3, 9, 9))
    residual(net)
    graph = int8_of(net)
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(onnx_model(graph).SerializeToString(), b""), "CPU")
    file = graph_bytes(graph)
    for image in net.images():
        expected = run_network(file, image)["y"]
        error = np.abs(next(iter(compiled([image[None]]).values()))[0] - expected)
        assert error.max() <= 4 * max(levels.scale for levels in graph.levels.values())
