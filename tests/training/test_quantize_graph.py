"""Graphs in 8 bits: levels, ranges, what becomes of convolutions, and their biases."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from reference.network import run_network

from hpe_edge import _core
from hpe_edge.errors import CorruptModelError, InvalidArgumentError

onnx = pytest.importorskip("onnx", reason="the training extra is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="the onnx extra is not installed")
pytest.importorskip("torch", reason="the training extra is not installed")

from hpe_edge.training.native.container import pack, unpack  # noqa: E402
from hpe_edge.training.native.convert import network_bytes  # noqa: E402
from hpe_edge.training.native.correction import shifts  # noqa: E402
from hpe_edge.training.native.file import graph_bytes, network_graph  # noqa: E402
from hpe_edge.training.native.graph import Graph  # noqa: E402
from hpe_edge.training.native.levels import Levels, integer_weights, levels_of  # noqa: E402
from hpe_edge.training.native.observe import BINS, bounds, find_ranges, observe  # noqa: E402
from hpe_edge.training.native.quantize import (  # noqa: E402
    convolutions,
    linear_as_convolution,
    quantized,
    ranged,
    sensitive,
)
from hpe_edge.training.native.rewrite import rewrite  # noqa: E402
from hpe_edge.training.native.rounding import compensated_weights, patches  # noqa: E402
from native_cases import CLEAN, ELEMENTWISE, LAYERS, MOVES, Case, make  # noqa: E402
from quantize_cases import (  # noqa: E402
    STRUCTURES,
    Floats,
    Net,
    assert_same,
    assert_within_a_level,
    int8_of,
    kept_in_between,
    operators,
    residual,
    structure,
)

# ---- levels


@pytest.mark.parametrize("ends", [(-1.0, 1.0), (0.0, 6.0), (-3.0, 0.0), (-0.001, 5.0), (2.0, 3.0), (-0.3, 7.7)])
def test_levels_cover_their_range_and_zero(ends: tuple[float, float]) -> None:
    levels = levels_of(ends)
    assert np.float32(levels.scale) == levels.scale > 0 and 0 <= levels.zero <= 255
    numbers = np.linspace(min(*ends, 0.0), max(*ends, 0.0), 1001)
    assert np.abs(levels.rounded(numbers) - numbers).max() <= 0.5001 * levels.scale
    assert levels.rounded(np.zeros(1)) == 0.0
    assert levels.scale < (max(*ends, 0) - min(*ends, 0)) / 250


def test_pixels_have_levels_of_their_own() -> None:
    """(v - 127.5) / 128: with a scale of 1/128 every second pair of pixel values would share one."""
    pixels = (np.arange(256) - 127.5) / 128
    levels = levels_of((pixels[0], pixels[-1]))
    assert len(set(levels.quantized(pixels).tolist())) == 255  # one falls together at most


def test_values_that_are_all_zero_have_levels() -> None:
    assert levels_of((0.0, 0.0)) == Levels(1.0, 0)


def test_weights_keep_within_half_a_step_of_each_channel() -> None:
    weight = np.random.default_rng(0).normal(0, 1, (5, 4, 3, 3)) * np.array([1, 10, 0.01, 1e-6, 0]).reshape(-1, 1, 1, 1)
    made = integer_weights(weight, np.zeros(5), 0.1)
    assert made.integers.dtype == np.int8 and np.abs(made.integers.reshape(5, -1).astype(int)).max(axis=1).tolist() == [
        127, 127, 127, 127, 0,
    ]  # fmt: skip
    assert (np.abs(made.numbers() - weight) <= 0.5001 * made.scale.reshape(-1, 1, 1, 1)).all()
    assert (made.scale > 0).all()


def test_a_bias_far_above_its_weights_fits_int32() -> None:
    made = integer_weights(np.full((1, 1, 1, 1), 1e-12), np.array([100.0]), 0.01)
    assert 100.0 / (0.01 * made.scale[0]) <= 2**30 and made.integers.max() == 0


# ---- the file


def test_containers_hold_int8_behind_float32() -> None:
    net = Net((3, 7, 7))
    net.conv(4)
    file = graph_bytes(int8_of(net))
    tensors, metadata = unpack(file)
    assert [tensor.dtype.itemsize for tensor in tensors.values()] == [4, 4, 1]
    assert sorted(tensors) == ["v2.bias", "v2.scale", "v2.weight"]
    assert [node["op"] for node in json.loads(metadata["graph"])["nodes"]] == ["quantize", "qconv", "dequantize"]
    with pytest.raises(InvalidArgumentError, match="float32, got the operator quantize"):
        network_graph(file)


def test_safetensors_reads_int8() -> None:
    safetensors = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")
    tensors = {"a": np.ones((2, 3), np.float32), "b": np.arange(-3, 4, dtype=np.int8)}
    theirs = safetensors.load(pack(tensors, {"format": "x"}))
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(theirs[name], tensor)


@pytest.mark.parametrize(
    "case", [pytest.param(c, id=name) for g in (LAYERS, ELEMENTWISE, MOVES, CLEAN) for name, c in g.items()]
)
def test_files_come_back_as_the_same_graph(case: Case) -> None:
    file = network_bytes(make(case.nodes, case.weights, case.shape, case.opset, case.outputs))
    assert graph_bytes(network_graph(file)) == file


@pytest.mark.parametrize("file", [b"", b"\0" * 8, pack({}, {}), pack({}, {"graph": "{}"}), pack({}, {"graph": "["})])
def test_other_files_are_refused(file: bytes) -> None:
    with pytest.raises(CorruptModelError, match="network file: expected"):
        network_graph(file)


# ---- ranges


def test_histograms_hold_every_number() -> None:
    net = Net((3, 8, 8))
    net.conv(6)
    middle = net.add("relu")
    net.conv(2)
    graph, images = net.done(), net.images(40)
    found = observe(graph, ["x", middle], images)
    values = np.stack([run_network(graph_bytes(graph.with_outputs({"y": middle})), image)["y"] for image in images])
    assert found[middle].counts.sum() == values.size and len(found[middle].counts) == BINS
    np.testing.assert_allclose([found[middle].low, found[middle].high], [values.min(), values.max()], rtol=1e-5)
    assert found[middle].zeros == (values == 0).sum() > 0
    assert (found["x"].low, found["x"].high) == (images.min(), images.max())
    expected, _ = np.histogram(values, BINS, (found[middle].low, found[middle].high))
    assert np.abs(np.cumsum(expected) - np.cumsum(found[middle].counts)).max() < 20  # a bin's edge, up to rounding


def test_no_images_are_refused() -> None:
    net = Net((3, 8, 8))
    net.conv(6)
    with pytest.raises(InvalidArgumentError, match="at least one, got none"):
        observe(net.done(), ["x"], net.images(0))


def normal_histogram(outlier: float) -> tuple[Any, Floats]:
    """10,000 normal numbers and one far away, through `observe`."""
    graph = Graph("x", shapes={"x": (1, 1, 10_000)}, outputs={})
    graph.outputs["y"] = graph.add("neg", ["x"], {})
    numbers = np.random.default_rng(0).normal(size=(1, 1, 1, 10_000)).astype(np.float32)
    numbers[0, 0, 0, 0] = outlier
    return observe(graph, ["x"], numbers)["x"], numbers


def test_methods_differ_in_what_they_leave_out() -> None:
    histogram, numbers = normal_histogram(40.0)
    assert bounds(histogram, "minmax") == (numbers.min(), 40.0)
    low, high = bounds(histogram, "percentile", 99.9)
    np.testing.assert_allclose([low, high], np.percentile(numbers, [0.1, 99.9]), atol=0.1)
    assert bounds(histogram, "percentile", 100.0) == bounds(histogram, "minmax")


def test_least_squares_are_least() -> None:
    histogram, numbers = normal_histogram(12.0)

    def error(ends: tuple[float, float]) -> float:
        return float(((levels_of(ends).rounded(numbers) - numbers) ** 2).mean())

    found = error(bounds(histogram, "mse"))
    tried = [(numbers.min() * a, 12.0 * b) for a in np.linspace(0.3, 1, 15) for b in np.linspace(0.3, 1, 15)]
    assert found <= 1.02 * min(error(ends) for ends in tried)
    assert found <= error(bounds(histogram, "minmax"))


@pytest.mark.parametrize(("method", "percentile"), [("median", 99.0), ("percentile", 40.0), ("percentile", 101.0)])
def test_unknown_methods_are_refused(method: str, percentile: float) -> None:
    with pytest.raises(InvalidArgumentError, match="expected"):
        bounds(normal_histogram(1.0)[0], method, percentile)


# ---- the graph


def test_a_chain_is_quantized_once() -> None:
    net = Net((3, 16, 16))
    for channels in (8, 8):
        net.conv(channels)
        net.add("relu")
    net.pool("max_pool")
    net.conv(6, groups=2)
    net.add("clip", None, {"low": 0.0, "high": 1.0})
    net.pool("average_pool", count_pad=True)
    net.conv(4)
    net.add("mean", None, {"axes": [1, 2], "keep": False})
    graph = int8_of(net)
    assert operators(graph) == [
        "quantize", "qconv", "qconv", "max_pool", "qconv", "qaverage_pool", "qconv", "dequantize", "mean",
    ]  # fmt: skip
    qconvs = [node for node in graph.nodes if node.op == "qconv"]
    assert all((n.attributes["low"], n.attributes["high"]) == (0, 255) for n in qconvs)
    assert qconvs[-1].attributes["in_zero"] == 0 and graph.levels[qconvs[-1].output].zero > 0
    assert [graph.levels[n.output] for n in graph.nodes if n.op == "max_pool"] == [graph.levels[qconvs[1].output]]
    (mean,) = [node for node in graph.nodes if node.op == "qaverage_pool"]
    coarse, fine = (graph.levels[name].scale for name in (mean.inputs[0], mean.output))
    assert fine < coarse and mean.attributes["gain"] == np.float32(coarse / fine)


@pytest.mark.parametrize("name", STRUCTURES)
def test_structures(name: str) -> None:
    assert operators(structure(name)[1]) == STRUCTURES[name][1].split()


@pytest.mark.parametrize("name", STRUCTURES)
def test_structures_are_near_their_float_network(name: str) -> None:
    net, graph = structure(name)
    file, rounded = graph_bytes(net.graph), graph_bytes(graph)
    for image in net.images():
        expected = run_network(file, image)["y"]
        error = np.abs(run_network(rounded, image)["y"] - expected)
        assert error.max() < 0.05 * np.abs(expected).max(), error.max() / np.abs(expected).max()


@pytest.mark.parametrize("name", STRUCTURES)
def test_structures_run_in_the_core(name: str) -> None:
    net, graph = structure(name)
    file, images = graph_bytes(graph), net.images()
    expected = np.stack([run_network(file, image)["y"] for image in images])
    assert_within_a_level(_core.Network(file).run(images)["y"], expected, graph)


def test_layers_can_stay_in_float32() -> None:
    net = Net((3, 9, 9))
    names = []
    for _ in range(3):
        names.append(net.conv(4))
        net.add("relu")
    graph = int8_of(net, keep_float=[names[1]])
    assert operators(graph) == ["quantize", "qconv", "dequantize", "conv", "relu", "quantize", "qconv", "dequantize"]
    same = int8_of(net, keep_float=names)
    assert graph_bytes(same) == graph_bytes(net.graph)
    with pytest.raises(InvalidArgumentError, match=r"expected one of \[.*\], got 'v9'"):
        int8_of(net, keep_float=["v9"])


def test_depthwise_layers_if_asked() -> None:
    net = Net((4, 9, 9))
    kept_in_between(net)
    graph = int8_of(net, depthwise=True)
    assert operators(graph) == ["quantize", "qconv", "qconv", "qconv", "dequantize"]
    assert_same(graph, net.images())


def test_large_linear_layers_behind_which_is_a_clip_become_convolutions() -> None:
    net = Net((3, 8, 8))
    net.add("reshape", None, {"shape": [192]})
    for outputs, clip in ((96, "relu"), (96, None), (8, "relu")):  # large; an output's; small
        weight = net.rng.normal(0, net.graph.shapes[net.last][0] ** -0.5, (outputs, net.graph.shapes[net.last][0]))
        net.add("linear", [net.last, net.graph.constant(weight), net.graph.constant(np.zeros(outputs))])
        if clip:
            net.add(clip)
    before, images = graph_bytes(net.done()), net.images()
    rewrite(net.graph, [linear_as_convolution])
    assert operators(net.graph)[2:] == ["conv", "relu", "reshape", "linear", "linear", "relu"]
    expected = np.stack([run_network(before, image)["y"] for image in images])
    graph = int8_of(net)
    assert operators(graph)[2:7] == ["quantize", "qconv", "dequantize", "reshape", "linear"]
    rounded = _core.Network(graph_bytes(graph)).run(images)["y"]
    assert 0 < np.abs(rounded - expected).max() < 0.05 * np.abs(expected).max()


def test_rounding_errors_make_up_for_each_other() -> None:
    """Two channels that go together: what one weight loses, the other takes up, and the layer gives what it gave."""
    net = Net((2, 12, 12))
    name = net.conv(6)
    images = net.images(8)
    images[:, 1] = images[:, 0] + 0.05 * images[:, 1]
    graph = net.done()
    ranges = {"x": (-1.05, 1.05)}
    weights = compensated_weights(graph, ranges, [name], images)[name]
    node = graph.nodes[0]
    weight, bias = (graph.constants[one] for one in node.inputs[1:])
    nearest = integer_weights(weight, bias, levels_of(ranges["x"]).scale)
    assert np.array_equal(weights.scale, nearest.scale) and np.abs(weights.numbers() - weight).max() < 0.1
    seen = patches(images, graph, node)

    def error(numbers: Any) -> float:
        return float(((seen @ (numbers - weight).reshape(len(weight), -1).T) ** 2).mean())

    assert error(weights.numbers()) < 0.7 * error(nearest.numbers())


def test_patches_are_what_a_convolution_sees() -> None:
    net = Net((3, 7, 5))
    net.conv(4, stride=2)
    graph, images = net.done(), net.images()
    node = graph.nodes[0]
    weight, bias = (graph.constants[name] for name in node.inputs[1:])
    made = patches(images, graph, node) @ weight.reshape(4, -1).T + bias
    expected = _core.Network(graph_bytes(graph)).run(images)["y"]
    np.testing.assert_allclose(made.reshape(4, 4, 3, 4).transpose(0, 3, 1, 2), expected, atol=1e-5)


def test_a_missing_range_is_named() -> None:
    net = Net((3, 9, 9))
    net.conv(4)
    with pytest.raises(InvalidArgumentError, match="range of 'x'"):
        quantized(net.done(), {})


def test_scores_and_outputs_are_sensitive() -> None:
    net = Net((3, 8, 8))
    net.conv(4)
    trunk = net.add("relu")
    scores = net.conv(1, 1)
    net.add("reshape", None, {"shape": [64]})
    net.graph.outputs["score"] = net.add("sigmoid")
    net.last = trunk
    last = net.conv(2)
    assert sensitive(net.done()) == {scores, last}


def test_the_float_graph_is_not_changed() -> None:
    net = Net((3, 9, 9))
    residual(net)
    before = graph_bytes(net.done())
    int8_of(net)
    assert graph_bytes(net.graph) == before


# ---- bias correction


def test_corrected_biases_take_the_mean_error_out() -> None:
    net = Net((3, 12, 12), seed=3)
    layers = []
    for _ in range(3):
        layers.append(net.conv(8))
        net.add("relu")
    net.conv(4)
    graph, images = net.done(), net.images(64)
    layers = convolutions(graph)
    ranges = find_ranges(graph, ranged(graph, layers), images, "minmax")
    ranges = {name: (low, 0.5 * high) for name, (low, high) in ranges.items()}  # cut off, which costs a mean
    exact = np.stack([run_network(graph_bytes(graph), image)["y"] for image in images[:16]])
    errors = []
    for missing in (None, shifts(graph, ranges, layers, images)):
        file = graph_bytes(quantized(graph, ranges, shifts=missing))
        made = np.stack([run_network(file, image)["y"] for image in images[:16]])
        errors.append(np.abs((made - exact).mean(axis=(0, 2, 3))).mean())
    assert errors[1] < 0.6 * errors[0], errors


def test_shifts_are_what_a_layer_lacks() -> None:
    net = Net((2, 5, 5))
    name = net.conv(3)
    graph, images = net.done(), net.images(5)
    ranges = {"x": (-0.5, 0.5), name: (-2.0, 2.0)}
    found = shifts(graph, ranges, [name], images)[name]
    levels, node = levels_of(ranges["x"]), graph.nodes[0]
    weight, bias = (graph.constants[n] for n in node.inputs[1:])
    rounded = graph.with_outputs(dict(graph.outputs))
    rounded.constants[node.inputs[1]] = integer_weights(weight, bias, levels.scale).numbers().astype(np.float32)
    pairs = [
        (run_network(graph_bytes(graph), x)["y"], run_network(graph_bytes(rounded), levels.rounded(x))["y"])
        for x in images
    ]
    np.testing.assert_allclose(found, np.mean([(a - b).mean(axis=(1, 2)) for a, b in pairs], axis=0), atol=1e-5)
