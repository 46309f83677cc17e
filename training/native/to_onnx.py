"""A graph, in float32 or with 8 bits, as ONNX of opset 17: batch axis of 1 in front, values of 8 bits as QDQ.

QDQ writes a layer of 8 bits as DequantizeLinear, the float operator, QuantizeLinear; runtimes that know the pattern
(ONNX Runtime, OpenVINO) run the integer operator, others compute nearly the same in float32. Scales and weights are
those of the native network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from hpe_edge.training.native.file import file_names
from hpe_edge.training.native.graph import Graph, Node
from hpe_edge.training.native.levels import TOP, Levels
from hpe_edge.training.native.rewrite import survey
from hpe_edge.training.native.shapes import MOVES, POOLS, Shape
from onnx import TensorProto, helper, numpy_helper

from hpe_edge.errors import InvalidArgumentError

OPSET, IR_VERSION = 17, 8
_PLAIN = {
    "add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "min": "Min", "max": "Max", "matmul": "MatMul",
    "relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "exp": "Exp", "sqrt": "Sqrt", "neg": "Neg",
}  # fmt: skip
_REDUCTIONS = {"mean": "ReduceMean", "sum": "ReduceSum", "reduce_max": "ReduceMax"}


def onnx_model(graph: Graph, description: str = "") -> onnx.ModelProto:
    """The ONNX model of a graph; outputs keep their names, [1, ...] each.

    Raises:
        InvalidArgumentError: weights of a layer that are not stored.

    >>> graph = Graph("x", shapes={"x": (3, 4, 4)})
    >>> graph.outputs["y"] = graph.add("mean", ["x"], {"axes": [1, 2], "keep": False})
    >>> [node.op_type for node in onnx_model(graph).graph.node]
    ['ReduceMean', 'Identity']
    """
    survey(graph)
    writer = _Writer(graph)
    for node in graph.nodes:
        writer.write(node)
    for name, value in graph.outputs.items():
        writer.nodes.append(helper.make_node("Identity", [writer.name(value)], [name], name=name))
    made = helper.make_graph(
        writer.nodes,
        "network",
        [_info(graph.input_name, graph.shapes[graph.input_name])],
        [_info(name, graph.shapes[value]) for name, value in graph.outputs.items()],
        initializer=list(writer.tensors.values()),
        doc_string=description,
    )
    model = helper.make_model(
        made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="hpe-edge"
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def _info(name: str, shape: Shape) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, *shape])


@dataclass
class _Writer:
    """Nodes and initializers so far. Names within begin with "/", which no name of an input or output does."""

    graph: Graph
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    tensors: dict[str, onnx.TensorProto] = field(default_factory=dict)
    dequantized: dict[tuple[str, Levels], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names = {name: f"/{short}" for name, short in file_names(self.graph).items()}
        self.names[self.graph.input_name] = self.graph.input_name
        self.guarded = _guarded(self.graph)

    def name(self, value: str) -> str:
        """What a value is called."""
        return self.names[value]

    def tensor(self, name: str, array: npt.NDArray[Any]) -> str:
        """A stored tensor, once for each name."""
        self.tensors.setdefault(name, numpy_helper.from_array(np.array(array, order="C"), name))
        return name

    def emit(self, op: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """A node of ONNX, called as its output."""
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def integers(self, node: Node, part: str, values: list[int]) -> str:
        """A stored list of integers."""
        return self.tensor(f"{self.name(node.output)}.{part}", np.array(values, np.int64))

    def number(self, node: Node, part: str, value: float) -> str:
        """A stored float32."""
        return self.tensor(f"{self.name(node.output)}.{part}", np.array(value, np.float32))

    def operand(self, name: str, rank: int) -> str:
        """An input of a node that broadcasts to ``rank`` axes; of stored ones with as many, the batch axis is in front.

        Values of fewer axes need nothing: their batch axis is 1 and may meet any other.
        """
        if name not in self.graph.constants:
            return self.name(name)
        array = self.graph.constants[name]
        if array.ndim < rank:
            return self.tensor(self.name(name), array)
        return self.tensor(f"{self.name(name)}.batch", array[None])

    def stored(self, node: Node, k: int) -> npt.NDArray[Any]:
        """A stored input."""
        if node.inputs[k] not in self.graph.constants:
            raise InvalidArgumentError(f"{node.op} {node.output!r}: expected input {k} to be stored, got a value")
        return self.graph.constants[node.inputs[k]]

    def levels(self, name: str, levels: Levels) -> list[str]:
        """Scale and zero point of a value of 8 bits."""
        scale = self.tensor(f"{name}.scale", np.array(levels.scale, np.float32))
        return [scale, self.tensor(f"{name}.zero", np.array(levels.zero, np.uint8))]

    def quantize(self, x: str, value: str) -> None:
        """The float32 ``x`` of ONNX as the u8 value of the graph."""
        name = self.name(value)
        self.emit("QuantizeLinear", [x, *self.levels(name, self.graph.levels[value])], name)

    def dequantize(self, value: str, levels: Levels | None = None) -> str:
        """A u8 value of the graph in float32, once."""
        levels = levels or self.graph.levels[value]
        name, key = self.name(value), (value, levels)
        if key not in self.dequantized:
            output = f"{name}.float" + (f".{len(self.dequantized)}" if levels != self.graph.levels[value] else "")
            inputs = [name, *self.levels(name if levels == self.graph.levels[value] else output, levels)]
            self.dequantized[key] = self.emit("DequantizeLinear", inputs, output)
        return self.dequantized[key]

    def write(self, node: Node) -> None:
        """A node of the graph."""
        if node.op in _PLAIN:
            rank = len(self.graph.shapes[node.output])
            self.emit(_PLAIN[node.op], [self.operand(name, rank) for name in node.inputs], self.name(node.output))
        elif node.op in _REDUCTIONS:
            _reduction(self, node)
        else:
            _WRITERS[node.op](self, node)


def _window(node: Node) -> dict[str, Any]:
    """Attributes of a convolution or pool."""
    return {"strides": node.attributes["stride"], "pads": node.attributes["pad"]}


def _conv(w: _Writer, node: Node) -> None:
    kernel = list(w.stored(node, 1).shape[2:])
    inputs = [w.name(node.inputs[0]), *(w.tensor(w.name(node.inputs[k]), w.stored(node, k)) for k in (1, 2))]
    w.emit("Conv", inputs, w.name(node.output), kernel_shape=kernel, group=node.attributes["groups"], **_window(node))


def _qconv(w: _Writer, node: Node) -> None:
    """The scales of weights follow from those around them; the bias is in steps of the sum."""
    x, output, attributes = node.inputs[0], w.name(node.output), node.attributes
    weight, scale, bias = (w.stored(node, k) for k in (1, 2, 3))
    before, after = Levels(w.graph.levels[x].scale, attributes["in_zero"]), w.graph.levels[node.output]
    scale = scale.astype(np.float64)
    steps = np.rint((bias.astype(np.float64) - after.zero) / scale).astype(np.int32)
    weight_scale = w.tensor(f"{output}.weight.scale", (scale * after.scale / before.scale).astype(np.float32))
    bias_scale = w.tensor(f"{output}.bias.scale", (scale * after.scale).astype(np.float32))
    zeros = w.tensor(f"{output}.weight.zero", np.zeros(len(weight), np.int8))
    stored = w.tensor(f"{output}.weight", weight)
    inputs = [
        w.dequantize(x, before),
        w.emit("DequantizeLinear", [stored, weight_scale, zeros], f"{output}.weight.float", axis=0),
        w.emit("DequantizeLinear", [w.tensor(f"{output}.bias", steps), bias_scale], f"{output}.bias.float", axis=0),
    ]
    kernel = list(weight.shape[2:])
    made = w.emit("Conv", inputs, f"{output}.conv", kernel_shape=kernel, group=attributes["groups"], **_window(node))
    w.quantize(_bounded(w, node, made, after), node.output)


def _bounded(w: _Writer, node: Node, x: str, levels: Levels) -> str:
    """What the ends of the levels do not do by themselves."""
    low, high = node.attributes["low"], node.attributes["high"]
    if (low, high) == (0, TOP):
        return x
    if (low, high) == (levels.zero, TOP):
        return w.emit("Relu", [x], f"{x}.relu")
    ends = [w.number(node, part, (q - levels.zero) * levels.scale) for part, q in (("low", low), ("high", high))]
    return w.emit("Clip", [x, *ends], f"{x}.clip")


def _linear(w: _Writer, node: Node) -> None:
    """Gemm for a row, MatMul and Add for more."""
    x, output = w.name(node.inputs[0]), w.name(node.output)
    bias = w.tensor(w.name(node.inputs[2]), w.stored(node, 2))
    if len(w.graph.shapes[node.inputs[0]]) == 1:
        w.emit("Gemm", [x, w.tensor(w.name(node.inputs[1]), w.stored(node, 1)), bias], output, transB=1)
    else:
        weight = w.tensor(f"{w.name(node.inputs[1])}.transposed", w.stored(node, 1).T)
        w.emit("Add", [w.emit("MatMul", [x, weight], f"{output}.product"), bias], output)


def _pool(w: _Writer, node: Node) -> None:
    x, output, small = node.inputs[0], w.name(node.output), node.output in w.graph.levels
    attributes = {"kernel_shape": node.attributes["kernel"], **_window(node)}
    if node.op != "max_pool":
        attributes["count_include_pad"] = int(node.attributes.get("count_pad", False))
    op = "MaxPool" if node.op == "max_pool" else "AveragePool"
    made = w.emit(op, [w.dequantize(x) if small else w.name(x)], f"{output}.pool" if small else output, **attributes)
    if small:
        w.quantize(made, node.output)


def _reduction(w: _Writer, node: Node) -> None:
    """ReduceSum takes its axes as an input in this opset, the others as an attribute."""
    axes, op = [k + 1 for k in node.attributes["axes"]], _REDUCTIONS[node.op]
    inputs, keep = [w.name(node.inputs[0])], int(node.attributes["keep"])
    if op == "ReduceSum":
        w.emit(op, [*inputs, w.integers(node, "axes", axes)], w.name(node.output), keepdims=keep)
    else:
        w.emit(op, inputs, w.name(node.output), keepdims=keep, axes=axes)


def _concat(w: _Writer, node: Node) -> None:
    rank = len(w.graph.shapes[node.output])
    inputs = [w.operand(name, rank) for name in node.inputs]
    w.emit("Concat", inputs, w.name(node.output), axis=node.attributes["axis"] + 1)


def _slice(w: _Writer, node: Node) -> None:
    ends = [w.integers(node, part, [node.attributes[part]]) for part in ("start", "stop")]
    axes = w.integers(node, "axes", [node.attributes["axis"] + 1])
    w.emit("Slice", [w.name(node.inputs[0]), *ends, axes], w.name(node.output))


def _clip(w: _Writer, node: Node) -> None:
    ends = [w.number(node, part, node.attributes[part]) for part in ("low", "high")]
    w.emit("Clip", [w.name(node.inputs[0]), *ends], w.name(node.output))


def _softmax(w: _Writer, node: Node) -> None:
    w.emit("Softmax", [w.name(node.inputs[0])], w.name(node.output), axis=node.attributes["axis"] + 1)


def _reshape(w: _Writer, node: Node) -> None:
    shape = w.integers(node, "shape", [1, *node.attributes["shape"]])
    w.emit("Reshape", [w.name(node.inputs[0]), shape], w.name(node.output))


def _transpose(w: _Writer, node: Node) -> None:
    perm = [0, *(k + 1 for k in node.attributes["perm"])]
    w.emit("Transpose", [w.name(node.inputs[0])], w.name(node.output), perm=perm)


def _quantize(w: _Writer, node: Node) -> None:
    w.quantize(w.name(node.inputs[0]), node.output)


def _dequantize(w: _Writer, node: Node) -> None:
    """A clip that changes nothing stands between this and a float layer.

    ONNX Runtime from 1.20.2 on would quantize the weights of that layer, with one scale for all channels, because it
    reads a DequantizeLinear (pull requests 22969, 24537 and 25673 of microsoft/onnxruntime).
    """
    levels, name = Levels(node.attributes["scale"], node.attributes["zero"]), w.name(node.output)
    x = w.dequantize(node.inputs[0], levels)
    if node.output in w.guarded:
        ends = [w.number(node, part, (q - levels.zero) * levels.scale) for part, q in (("low", 0), ("high", TOP))]
        x = w.emit("Clip", [x, *ends], name)
    w.names[node.output] = x


def _guarded(graph: Graph) -> set[str]:
    """Dequantized values that a float layer reads; runtimes see through what only moves values."""
    readers = graph.readers()

    def reads(name: str) -> bool:
        found = readers.get(name, [])
        return any(r.op in ("conv", "linear") or (r.op in (*MOVES, *POOLS) and reads(r.output)) for r in found)

    return {node.output for node in graph.nodes if node.op == "dequantize" and reads(node.output)}


_WRITERS: dict[str, Callable[[_Writer, Node], None]] = {
    "conv": _conv,
    "qconv": _qconv,
    "linear": _linear,
    "max_pool": _pool,
    "average_pool": _pool,
    "qaverage_pool": _pool,
    "concat": _concat,
    "slice": _slice,
    "clip": _clip,
    "softmax": _softmax,
    "reshape": _reshape,
    "transpose": _transpose,
    "quantize": _quantize,
    "dequantize": _dequantize,
}
