"""Small graphs for the tests of networks in 8 bits, and how near two runs of one have to be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from hpe_edge.training.native.file import graph_bytes
from hpe_edge.training.native.graph import Graph
from hpe_edge.training.native.observe import find_ranges
from hpe_edge.training.native.onnx_runtime import run_model
from hpe_edge.training.native.quantize import convolutions, quantized, ranged
from hpe_edge.training.native.to_onnx import onnx_model
from numpy.typing import NDArray
from reference.network import run_network

from hpe_edge.bench.picture import drawn_boxes, drawn_head
from hpe_edge.modelcard import load_card

Floats = NDArray[np.float32]
MODELS = Path(__file__).resolve().parents[2] / "hpe_edge" / "models"


def bundled_images(count: int) -> Floats:
    """A drawn head in its crop, larger and smaller, off the middle, brighter and darker, every other one mirrored."""
    rng = np.random.default_rng(0)
    moved = drawn_boxes()[4] + rng.uniform(-8, 8, (count, 4)).astype(np.float32)
    crops = load_card(MODELS / "fsanet.json").input.crops(drawn_head(), moved)
    crops[::2] = crops[::2, :, :, ::-1]
    lit: Floats = np.clip(crops * rng.uniform(0.6, 1.2, (count, 1, 1, 1)), -1, 1).astype(np.float32)
    return lit


class Net:
    """A small float graph that grows at its end."""

    def __init__(self, shape: tuple[int, int, int], seed: int = 0) -> None:
        self.graph = Graph("x", shapes={"x": shape})
        self.rng = np.random.default_rng(seed)
        self.last = "x"

    def conv(self, channels: int, kernel: int = 3, groups: int = 1, stride: int = 1, pad: int | None = None) -> str:
        before = self.graph.shapes[self.last][0] // groups
        weight = self.rng.normal(0, (before * kernel**2) ** -0.5, (channels, before, kernel, kernel))
        pad = kernel // 2 if pad is None else pad
        attributes = {"stride": [stride] * 2, "pad": [pad] * 4, "groups": groups}
        names = [self.graph.constant(weight), self.graph.constant(self.rng.normal(0, 0.3, channels))]
        return self.add("conv", [self.last, *names], attributes)

    def add(self, op: str, inputs: list[str] | None = None, attributes: dict[str, Any] | None = None) -> str:
        self.last = self.graph.add(op, inputs or [self.last], attributes or {})
        return self.last

    def pool(self, op: str, count_pad: bool | None = None, pad: int = 0) -> str:
        more = {} if count_pad is None else {"count_pad": count_pad}
        return self.add(op, None, {"kernel": [2, 2], "stride": [2, 2], "pad": [pad] * 4, **more})

    def done(self) -> Graph:
        self.graph.outputs["y"] = self.last
        return self.graph

    def images(self, count: int = 4, seed: int = 1) -> Floats:
        rng = np.random.default_rng(seed)
        return rng.uniform(-1, 1, (count, *self.graph.shapes["x"])).astype(np.float32)


def int8_of(net: Net, **options: Any) -> Graph:
    """The finished graph in 8 bits, with the least and largest numbers of its images for ranges."""
    graph = net.done()
    layers = convolutions(graph, depthwise=True)
    return quantized(graph, find_ranges(graph, ranged(graph, layers), net.images(), "minmax"), **options)


def operators(graph: Graph) -> list[str]:
    return [node.op for node in graph.nodes]


def clip_above(net: Net) -> None:
    net.conv(4)
    net.add("clip", None, {"low": -0.25, "high": 0.5})


def kept_in_between(net: Net) -> None:
    net.conv(4)
    net.add("relu")
    net.conv(4, groups=4)  # depthwise
    net.add("relu")
    net.conv(4, 1)


def residual(net: Net) -> None:
    net.conv(4)
    first = net.add("relu")
    net.conv(4)
    net.add("add", [net.last, first])
    net.add("relu")
    net.conv(5)


def shared(net: Net) -> None:
    net.conv(4)
    first = net.last
    net.add("relu")
    net.conv(4)
    net.add("add", [net.last, first])


def pooled_for_both(net: Net) -> None:
    net.conv(4)
    pooled = net.pool("max_pool")
    net.conv(4)
    net.add("mul", [net.last, pooled])


def average_for_floats(net: Net) -> None:
    net.conv(4)
    net.pool("average_pool", count_pad=False)
    net.add("tanh")


def padded_average(net: Net) -> None:
    net.conv(4)
    net.pool("average_pool", count_pad=True, pad=1)
    net.conv(4)


def first_pooled(net: Net) -> None:
    net.pool("average_pool", count_pad=False, pad=1)
    net.conv(4, 1)


STRUCTURES: dict[str, tuple[Callable[[Net], None], str]] = {
    "clip": (clip_above, "quantize qconv dequantize"),
    "depthwise": (kept_in_between, "quantize qconv dequantize conv relu quantize qconv dequantize"),
    "residual": (residual, "quantize qconv qconv dequantize dequantize add relu quantize qconv dequantize"),
    "shared": (shared, "quantize qconv dequantize relu quantize qconv dequantize add"),
    "max-for-both": (pooled_for_both, "quantize qconv max_pool qconv dequantize dequantize mul"),
    "average-for-floats": (average_for_floats, "quantize qconv dequantize average_pool tanh"),
    "padded-average": (padded_average, "quantize qconv dequantize average_pool quantize qconv dequantize"),
    "first-pooled": (first_pooled, "average_pool quantize qconv dequantize"),
}


def structure(name: str) -> tuple[Net, Graph]:
    net = Net((3, 9, 9))
    STRUCTURES[name][0](net)
    return net, int8_of(net)


def assert_same(graph: Graph, images: Floats) -> None:
    """ONNX Runtime on QDQ, with its optimizations and without, against the twin of the native network."""
    file, model = graph_bytes(graph), onnx_model(graph)
    expected = np.stack([run_network(file, image)["y"] for image in images])
    assert_within_a_level(run_model(model, images)["y"], expected, graph)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    plain = np.concatenate([session.run(["y"], {"x": image[None]})[0] for image in images])
    assert_within_a_level(plain, expected, graph)


def assert_within_a_level(got: Floats, expected: Floats, graph: Graph) -> None:
    """Sums that fall halfway between two levels may go either way; nearly all are the same.

    One level early on is a few at the end, so the tolerance is in the largest steps of the network. The mean of four
    levels often falls halfway.
    """
    assert got.shape == expected.shape
    error = np.abs(got - expected)
    step = max(levels.scale for levels in graph.levels.values())
    assert error.max() <= 3 * step, error.max() / step
    averages = any(node.op in ("average_pool", "qaverage_pool") and node.output in graph.levels for node in graph.nodes)
    assert (error > 0.01 * step).mean() < (0.3 if averages else 0.1)
