"""Biases that make up for the mean error of rounding.

Rounded weights and activations shift the mean of a channel, and each layer adds to it. The bias takes that shift out
again (Nagel et al., Data-Free Quantization through Weight Equalization and Bias Correction, ICCV 2019, sec. 4.2, with
measured means, as in Finkelstein et al., Fighting Quantization Bias with Bias, arXiv 1906.03193).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from hpe_edge.training.native.file import graph_bytes
from hpe_edge.training.native.graph import Floats, Graph, Node
from hpe_edge.training.native.levels import Doubles, Range, Weights, integer_weights, levels_of
from hpe_edge.training.native.observe import Reader, batches

from hpe_edge import _core


def shifts(
    graph: Graph,
    ranges: Mapping[str, Range],
    layers: Collection[str],
    images: Floats,
    weights: Mapping[str, Weights] | None = None,
) -> dict[str, Doubles]:
    """What the biases (O,) of these convolutions lack, by output, over calibration images (N, C, H, W).

    weights: their integers, where they are not the nearest ones.

    Each layer by itself: what it gives for its rounded weights and the rounded values of the float network, against
    what it gives there in float32.
    """
    nodes = [node for node in graph.nodes if node.output in layers]
    reader = Reader(graph, list(dict.fromkeys(node.inputs[0] for node in nodes)))
    exact = {node.output: _alone(graph, node, None) for node in nodes}
    levels = {node.output: levels_of(ranges[node.inputs[0]]) for node in nodes}
    integers = {node.output: _integers(graph, node, levels[node.output].scale, weights or {}) for node in nodes}
    rounded = {node.output: _alone(graph, node, integers[node.output]) for node in nodes}
    total = {node.output: np.zeros(graph.shapes[node.output][0]) for node in nodes}
    for batch in batches(images):
        values = reader(batch)
        for node in nodes:
            x = values[node.inputs[0]]
            missing = exact[node.output].run(x)["y"].astype(np.float64)
            missing -= rounded[node.output].run(levels[node.output].rounded(x).astype(np.float32))["y"]
            total[node.output] += missing.mean(axis=(2, 3)).sum(axis=0)
    return {name: sums / len(images) for name, sums in total.items()}


def _integers(graph: Graph, node: Node, in_scale: float, weights: Mapping[str, Weights]) -> Weights:
    weight, bias = (graph.constants[name] for name in node.inputs[1:])
    return weights.get(node.output) or integer_weights(weight, bias, in_scale)


def _alone(graph: Graph, node: Node, integers: Weights | None) -> _core.Network:
    """A network of one convolution, from "x" to "y"; with rounded weights where they are given."""
    weight, bias = (graph.constants[name] for name in node.inputs[1:])
    if integers is not None:
        weight = integers.numbers()
    one = Graph("x")
    one.shapes["x"] = graph.shapes[node.inputs[0]]
    one.outputs["y"] = one.add("conv", ["x", one.constant(weight), one.constant(bias)], node.attributes)
    return _core.Network(graph_bytes(one))
