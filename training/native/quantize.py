"""A float graph with its convolutions in 8 bits: static levels of activations, weights by output channel."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from hpe_edge.training.native.graph import Graph, Node
from hpe_edge.training.native.levels import TOP, Levels, Range, Weights, integer_weights, levels_of
from hpe_edge.training.native.rewrite import Result, View, survey
from hpe_edge.training.native.shapes import MOVES, POOLS

from hpe_edge.errors import InvalidArgumentError

_LARGE = 1 << 14  # weights of a linear layer
_SENSITIVE = ("sigmoid", "tanh", "exp", "softmax")


def convolutions(graph: Graph, *, depthwise: bool = False) -> list[str]:
    """The outputs of the convolutions that can be in 8 bits, in their order; depthwise ones only if asked.

    A depthwise convolution has little work and few weights to an output: in 8 bits it gains least and loses most.
    """
    names = []
    for node in graph.nodes:
        stored = node.op == "conv" and all(name in graph.constants for name in node.inputs[1:])
        if stored and (depthwise or node.attributes["groups"] < max(2, graph.shapes[node.inputs[0]][0])):
            names.append(node.output)
    return names


def linear_as_convolution(view: View, node: Node) -> Result:
    """A large linear layer of one row, behind which values are clipped, as a 1x1 convolution of one pixel for 8 bits.

    Reading its weights is what such a layer takes; a small one would gain nothing, and is often a head's.
    """
    layer = view.only(node.inputs[0], "linear") if node.op in ("relu", "clip") else None
    if layer is None or len(view.shape(layer.inputs[0])) != 1 or math.prod(view.shape(layer.inputs[1])) < _LARGE:
        return None
    graph, (x, weight, bias) = view.graph, layer.inputs
    filters = graph.constant(graph.constants[weight][:, :, None, None])
    pixel = graph.node("reshape", [x], {"shape": [*graph.shapes[x], 1, 1]}, layer.origin)
    attributes = {"stride": [1, 1], "pad": [0, 0, 0, 0], "groups": 1}
    conv = graph.node("conv", [pixel.output, filters, bias], attributes, layer.origin)
    conv.output, graph.shapes[f"{layer.output}.conv"] = f"{layer.output}.conv", graph.shapes[conv.output]
    clipped = graph.node(node.op, [conv.output], node.attributes, node.origin)
    row = graph.node("reshape", [clipped.output], {"shape": list(graph.shapes[node.output])}, layer.origin)
    return [pixel, conv, clipped, row]


def sensitive(graph: Graph) -> set[str]:
    """Convolutions that give a score or an output of the network: a sigmoid, softmax, tanh or exp, or nothing, is next.

    What stands behind the others (matrices of capsules, linear layers of the head) is in float32 anyway.
    """
    readers = graph.readers()
    outputs = set(graph.outputs.values())

    def ends(name: str) -> bool:
        if name in outputs:
            return True
        return any(r.op in _SENSITIVE or (r.op in MOVES and ends(r.output)) for r in readers.get(name, []))

    return {node.output for node in graph.nodes if node.op == "conv" and ends(node.output)}


def ranged(graph: Graph, layers: Collection[str]) -> list[str]:
    """The values whose ranges `quantized` needs for these layers: what goes in, and what comes out once clipped."""
    view, readers = survey(graph), graph.readers()
    names: dict[str, None] = {}
    for node in graph.nodes:
        if node.output in layers:
            names[node.inputs[0]] = None
            names[_activated(view, readers, node).output] = None
        elif node.op == "average_pool" and node.inputs[0] in names:
            names[node.output] = None
    return list(names)


def quantized(
    graph: Graph,
    ranges: Mapping[str, Range],
    *,
    keep_float: Collection[str] = (),
    depthwise: bool = False,
    weights: Mapping[str, Weights] | None = None,
    shifts: Mapping[str, npt.NDArray[Any]] | None = None,
) -> Graph:
    """A graph in which convolutions work on 8 bits; everything else stays as it is.

    A ReLU or clip that alone reads a convolution becomes its ``low`` and ``high``. Pools between two such
    convolutions stay u8. Values are quantized and dequantized once, where somebody needs the other form.

    Args:
        graph: simplified, in float32; not changed.
        ranges: least and largest number of the values that `ranged` names.
        keep_float: outputs of convolutions that stay in float32.
        depthwise: whether depthwise convolutions work on 8 bits, too.
        weights: integers in place of the nearest ones, by output: `rounding.compensated_weights`.
        shifts: what is added to the biases (O,) of convolutions, by output: `correction.shifts`.

    Raises:
        InvalidArgumentError: ``keep_float`` names no convolution, or a range is missing.
    """
    return _quantizer(graph, ranges, keep_float, depthwise, weights or {}, shifts or {}).run()


def byte_levels(
    graph: Graph, ranges: Mapping[str, Range], *, keep_float: Collection[str] = (), depthwise: bool = False
) -> dict[str, Levels]:
    """The levels of the values that `quantized` with the same arguments puts into 8 bits, by their name in the graph.

    Raises:
        InvalidArgumentError: as `quantized`.
    """
    made = _quantizer(graph, ranges, keep_float, depthwise, {}, {})
    levels = made.run().levels
    return {name: levels[u8] for name, u8 in made.u8.items()}


def _quantizer(
    graph: Graph,
    ranges: Mapping[str, Range],
    keep_float: Collection[str],
    depthwise: bool,
    weights: Mapping[str, Weights],
    shifts: Mapping[str, npt.NDArray[Any]],
) -> _Quantizer:
    layers = convolutions(graph, depthwise=True)
    for name in keep_float:
        if name not in layers:
            raise InvalidArgumentError(f"layer to keep in float32: expected one of {layers}, got {name!r}")
    layers = [name for name in convolutions(graph, depthwise=depthwise) if name not in set(keep_float)]
    for name in ranged(graph, layers):
        if name not in ranges:
            raise InvalidArgumentError(f"range of {name!r}: expected one for each of {ranged(graph, layers)}, got none")
    source = graph.with_outputs(dict(graph.outputs))
    return _Quantizer(source, set(layers), ranges, weights, shifts)


def _activated(view: View, readers: Mapping[str, list[Node]], conv: Node) -> Node:
    """The ReLU or clip that alone reads a convolution, or the convolution itself."""
    if view.uses[conv.output] == 1 and conv.output in readers and readers[conv.output][0].op in ("relu", "clip"):
        return readers[conv.output][0]
    return conv


@dataclass
class _Quantizer:
    """Writes the graph anew, node by node.

    u8: by value of the source, its name as u8. floats: the same for values that only came to be as u8. done: values
    whose node was written with another.
    """

    source: Graph
    layers: set[str]
    ranges: Mapping[str, Range]
    weights: Mapping[str, Weights]
    shifts: Mapping[str, npt.NDArray[Any]]
    u8: dict[str, str] = field(default_factory=dict)
    floats: dict[str, str] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)

    def run(self) -> Graph:
        """The new graph."""
        self.view, self.readers = survey(self.source), self.source.readers()
        self.graph = self.source.without_nodes()
        for node in self.source.nodes:
            if node.output in self.layers:
                self._layer(node)
            elif node.op in POOLS and self._stays(node):
                self._pool(node)
            elif node.output not in self.done:
                inputs = [self._float(name) for name in node.inputs]
                self.graph.nodes.append(Node(node.op, inputs, node.output, node.attributes, node.origin))
        self.graph.outputs = {name: self._float(value) for name, value in self.source.outputs.items()}
        survey(self.graph)
        return self.graph

    def _emit(self, op: str, inputs: list[str], attributes: dict[str, Any], node: Node, levels: Levels) -> None:
        """A node with u8 for its output, which stands for the output of ``node``."""
        name = self.graph.add(op, inputs, attributes, node.origin)
        self.graph.levels[name] = levels
        self.u8[node.output] = name

    def _levels(self, name: str) -> Levels:
        return self.graph.levels[self.u8[name]]

    def _float(self, name: str) -> str:
        """A value in float32, dequantized where it only is u8."""
        if name not in self.u8 or name in self.floats:
            return self.floats.get(name, name)
        levels = self._levels(name)
        attributes = {"scale": levels.scale, "zero": levels.zero}
        self.floats[name] = self.graph.add("dequantize", [self.u8[name]], attributes, "dequantize")
        return self.floats[name]

    def _byte(self, name: str) -> str:
        """A value as u8, quantized where it only is float32."""
        if name not in self.u8:
            levels = levels_of(self.ranges[name])
            attributes = {"scale": levels.scale, "zero": levels.zero}
            self.u8[name] = self.graph.add("quantize", [name], attributes, "quantize")
            self.graph.levels[self.u8[name]] = levels
            self.floats[name] = name
        return self.u8[name]

    def _layer(self, node: Node) -> None:
        """A convolution and what it is followed by."""
        x = self._byte(node.inputs[0])
        last = _activated(self.view, self.readers, node)
        self.done.add(last.output)
        before, after = self.graph.levels[x], levels_of(self.ranges[last.output])
        weight, bias = (self.source.constants[name].astype(np.float64) for name in node.inputs[1:])
        weights = self.weights.get(node.output) or integer_weights(weight, bias, before.scale)
        bias = bias + self.shifts.get(node.output, 0.0)
        steps = np.rint(bias / (before.scale * weights.scale))
        scale = before.scale * weights.scale / after.scale
        constants = [scale, steps * scale + after.zero]
        names = [self.graph.constant(weights.integers, np.int8), *map(self.graph.constant, constants)]
        low, high = _bounds(last, after)
        attributes = node.attributes | {"in_zero": before.zero, "low": low, "high": high}
        self._emit("qconv", [x, *names], attributes, last, after)

    def _pool(self, node: Node) -> None:
        """A pool of u8. An average reaches less far than its cells: levels of its own are finer."""
        x, levels = node.inputs[0], self._levels(node.inputs[0])
        own = levels_of(self.ranges[node.output]) if node.op == "average_pool" else levels
        if levels.zero or own.zero or own.scale >= levels.scale:
            self._emit(node.op, [self.u8[x]], node.attributes, node, levels)
            return
        window = {name: node.attributes[name] for name in ("kernel", "stride", "pad")}
        gain = float(np.float32(levels.scale / own.scale))
        self._emit("qaverage_pool", [self.u8[x]], window | {"gain": gain}, node, own)

    def _stays(self, pool: Node) -> bool:
        """Whether a pool works on u8: exact for a maximum, else if only u8 is wanted; zeros around have no level."""
        x = pool.inputs[0]
        if x not in self.u8 or (pool.attributes.get("count_pad") and any(pool.attributes["pad"])):
            return False
        only = self.floats.get(x) != x  # it came to be as u8
        return (pool.op == "max_pool" and only) or self._wanted(pool.output)

    def _wanted(self, name: str) -> bool:
        """Whether u8 is all that the readers of a value want."""
        readers = self.readers.get(name, [])
        if not readers or name in self.source.outputs.values():
            return False
        return all(r.output in self.layers or (r.op in POOLS and self._wanted(r.output)) for r in readers)


def _bounds(last: Node, levels: Levels) -> tuple[int, int]:
    """The levels between which a ReLU, a clip, or nothing keeps a value."""
    match last.op:
        case "relu":
            return levels.zero, TOP
        case "clip":
            return levels.level(last.attributes["low"]), levels.level(last.attributes["high"])
        case _:
            return 0, TOP
