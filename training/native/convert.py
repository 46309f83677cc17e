"""From an ONNX graph for one picture to the bytes of the native network file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from hpe_edge.training.native import lower_elementwise, lower_layers, lower_shapes
from hpe_edge.training.native.evaluate import evaluate
from hpe_edge.training.native.file import graph_bytes
from hpe_edge.training.native.graph import Graph
from hpe_edge.training.native.shapes import Shape
from hpe_edge.training.native.simplify import simplify
from hpe_edge.training.native.trace import Call, Operand, Traced
from onnx import numpy_helper

from hpe_edge.errors import CorruptModelError, InvalidArgumentError

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_LOWERINGS = {**lower_elementwise.LOWERINGS, **lower_layers.LOWERINGS, **lower_shapes.LOWERINGS}


def network_bytes(model: onnx.ModelProto) -> bytes:
    """The file of a network: ``model`` is a static graph for one picture, [1, C, H, W] in its first input.

    The batch axis is dropped; outputs keep their names.

    Raises:
        CorruptModelError: the model is not valid ONNX.
        InvalidArgumentError: a node has no counterpart in the file, or mixes the batch axis with others.

    >>> from onnx import parser
    >>> text = '<ir_version: 8, opset_import: ["": 17]> g (float[1,3,4,4] x) => (float[1,3,4,4] y) { y = Relu(x) }'
    >>> b"relu" in network_bytes(parser.parse_model(text))
    True
    """
    graph = lowered(model)
    simplify(graph)
    return graph_bytes(graph)


def lowered(model: onnx.ModelProto) -> Graph:
    """The graph as it comes from ONNX, before its clean-up."""
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise CorruptModelError(f"the network to convert is not valid ONNX: {error}") from error
    tracer = _Tracer(model)
    for node in model.graph.node:
        tracer.add(node)
    for output in model.graph.output:
        tracer.finish(output.name)
    return tracer.graph


@dataclass
class _Tracer:
    """Goes through an ONNX graph and keeps every value: a constant, or one of the graph."""

    model: onnx.ModelProto
    values: dict[str, Operand] = field(init=False)
    graph: Graph = field(init=False)
    opset: int = field(init=False)

    def __post_init__(self) -> None:
        graph = self.model.graph
        self.values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        self.opset = next((entry.version for entry in self.model.opset_import if entry.domain in ("", "ai.onnx")), 1)
        inputs = [value for value in graph.input if value.name not in self.values]
        if len(inputs) != 1 or not _NAME.fullmatch(inputs[0].name):
            raise InvalidArgumentError(
                "the network to convert: expected one input with a name of at most 64 letters, digits, '_', '.', '-', "
                f"got {[value.name for value in inputs]}"
            )
        shape = _picture_shape(inputs[0])
        self.graph = Graph(inputs[0].name)
        self.graph.shapes[inputs[0].name] = shape
        self.values[inputs[0].name] = Traced(inputs[0].name, (1, *shape), 0)

    def add(self, node: onnx.NodeProto) -> None:
        """Evaluate a node, or lower it."""
        where = f"{node.op_type} {node.name or node.output[0]!r}"
        if node.domain not in ("", "ai.onnx"):
            raise InvalidArgumentError(f"{where}: expected an operator of ONNX itself, got one of {node.domain!r}")
        inputs = [self.values[name] if name else None for name in node.input]
        traced = [value for value in inputs if isinstance(value, Traced)]
        results: Any
        if node.op_type in ("Shape", "Size") and traced:
            results = [_size(node, traced[0].shape)]
        elif not traced and not node.op_type.startswith("Random"):
            constants = [None if isinstance(value, Traced) else value for value in inputs]
            results = evaluate(node, constants, self.model.opset_import)
        else:
            results = self._lower(node, where, tuple(inputs))
        for name, result in zip(node.output, results, strict=False):
            if name:
                self.values[name] = result

    def _lower(self, node: onnx.NodeProto, where: str, inputs: tuple[Operand | None, ...]) -> list[Traced]:
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        outputs = len([name for name in node.output if name])
        call = Call(self.graph, node.op_type, where, inputs, attributes, self.opset, outputs)
        if node.op_type not in _LOWERINGS:
            raise call.error("an operator that the network file cannot say")
        results = _LOWERINGS[node.op_type](call)
        return results if isinstance(results, list) else [results]

    def finish(self, name: str) -> None:
        """Make a value an output of the graph; its batch axis has to be in front."""
        value = self.values[name]
        if not _NAME.fullmatch(name):
            raise InvalidArgumentError(
                f"output {name!r}: expected a name of at most 64 letters, digits, '_', '.', '-': rename it"
            )
        if not isinstance(value, Traced):
            raise InvalidArgumentError(f"output {name!r}: expected it to depend on the picture, got a constant")
        call = Call(self.graph, "", f"output {name!r}", (value,), {}, self.opset, 1)
        self.graph.outputs[name] = call.batch_first(value).name


def _picture_shape(value: onnx.ValueInfoProto) -> Shape:
    """[C, H, W] of an input [1, C, H, W]; a batch without a size counts as 1."""
    kind = value.type.tensor_type
    sizes = [d.dim_value for d in kind.shape.dim]
    if kind.elem_type != onnx.TensorProto.FLOAT or len(sizes) != 4 or sizes[0] > 1 or min(sizes[1:]) < 1:
        raise InvalidArgumentError(
            f"input {value.name!r}: expected float32 [1, C, H, W] with fixed sizes, got {sizes} of type "
            f"{onnx.TensorProto.DataType.Name(kind.elem_type)}: export it for one picture"
        )
    return tuple(sizes[1:])


def _size(node: onnx.NodeProto, shape: Shape) -> np.ndarray[Any, np.dtype[np.int64]]:
    """What Shape or Size gives."""
    attributes = {a.name: a.i for a in node.attribute}
    if node.op_type == "Size":
        return np.array(np.prod(shape), np.int64)
    return np.array(shape[slice(attributes.get("start", 0), attributes.get("end"))], np.int64)
