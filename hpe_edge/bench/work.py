"""How many multiply-adds a network is: those of its convolutions and matrix products, as they are written.

Winograd's filtering needs fewer and everything else of a network none, so that time against a peak rate says how far
from the machine's limit the arithmetic stays, and may pass it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from hpe_edge import _core
from hpe_edge.errors import missing_dependency
from hpe_edge.modelcard import ModelCard

Shape: TypeAlias = tuple[int, ...]

_KINDS: Final = ("safetensors", "safetensors-int8", "onnx", "onnx-int8")
_BINARY: Final = ("add", "sub", "mul", "div", "min", "max")
_REDUCTIONS: Final = ("mean", "sum", "reduce_max")


def multiply_adds(card: ModelCard, read: Callable[[str], bytes]) -> int:
    """Multiply-adds of a model's network for one image.

    Args:
        card: its card.
        read: gives the verified bytes of the file of a kind.

    Raises:
        ModelNotFoundError, CorruptModelError: the file is missing or damaged.
        MissingDependencyError: there is only an ONNX file, and the package ``onnx`` is not installed.

    >>> from hpe_edge import hub
    >>> model = hub.resolve("fsanet")
    >>> multiply_adds(model.card, model.read) > 1e6
    True
    """
    kind = next((kind for kind in _KINDS if kind in card.files), _KINDS[0])
    data = read(kind)
    return count_onnx(data) if kind.startswith("onnx") else count_network(data)


def count_network(data: bytes) -> int:
    """Multiply-adds of a file of the native network (docs/NETWORK_FILE.md).

    Raises:
        CorruptModelError: the file is damaged.
    """
    network = _core.Network(data)  # checks all that is relied on below
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    graph = json.loads(header["__metadata__"]["graph"])
    shapes: dict[str, Shape] = {name: tuple(entry["shape"]) for name, entry in header.items() if name != "__metadata__"}
    shapes[network.input_name] = network.input_shape
    total = 0
    for node in graph["nodes"]:
        inputs = [shapes[name] for name in node["in"]]
        shapes[node["out"]] = out = output_shape(node, inputs)
        total += math.prod(out) * _terms(node["op"], inputs)
    return total


def _terms(op: str, inputs: Sequence[Shape]) -> int:
    """Products that each number of the output sums."""
    if op in ("conv", "qconv", "linear"):
        return math.prod(inputs[1][1:])
    return inputs[0][-1] if op == "matmul" else 0


def output_shape(node: Mapping[str, Any], inputs: Sequence[Shape]) -> Shape:
    """The shape of the output of a node of a checked network file."""
    op, x = node["op"], inputs[0]
    if op in ("conv", "qconv"):
        return (inputs[1][0], *_window(x[1:], inputs[1][2:], node))
    if op in ("max_pool", "average_pool", "qaverage_pool"):
        return (x[0], *_window(x[1:], node["kernel"], node))
    if op == "linear":
        return (*x[:-1], inputs[1][0])
    if op == "matmul":
        return (*np.broadcast_shapes(x[:-2], inputs[1][:-2]), x[-2], inputs[1][-1])
    if op in _BINARY:
        return np.broadcast_shapes(*inputs)
    if op in _REDUCTIONS:
        kept = [1 if axis in node["axes"] else size for axis, size in enumerate(x)]
        return tuple(kept) if node["keep"] else tuple(s for axis, s in enumerate(x) if axis not in node["axes"])
    return _moved(node, inputs)


def _moved(node: Mapping[str, Any], inputs: Sequence[Shape]) -> Shape:
    op, x = node["op"], inputs[0]
    if op == "reshape":
        return tuple(node["shape"])
    if op == "transpose":
        return tuple(x[axis] for axis in node["perm"])
    if op == "concat":
        axis = node["axis"]
        return (*x[:axis], sum(shape[axis] for shape in inputs), *x[axis + 1 :])
    if op == "slice":
        axis = node["axis"]
        return (*x[:axis], node["stop"] - node["start"], *x[axis + 1 :])
    return x  # one number in, one out


def _window(size: Shape, kernel: Sequence[int], node: Mapping[str, Any]) -> list[int]:
    stride, pad = node["stride"], node["pad"]
    return [(size[k] + pad[k] + pad[k + 2] - kernel[k]) // stride[k] + 1 for k in range(2)]


def count_onnx(data: bytes) -> int:
    """Multiply-adds of an ONNX file for a batch of one.

    Raises:
        MissingDependencyError: the package ``onnx`` is not installed.
    """
    try:
        import onnx
    except ModuleNotFoundError as error:
        raise missing_dependency("onnx", "training", "counting the multiply-adds of an ONNX file") from error
    graph = onnx.shape_inference.infer_shapes(onnx.load_model_from_string(data)).graph
    shapes: dict[str, Shape] = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        # a free dimension, which is the batch, has the value 0
        shapes[value.name] = tuple(dim.dim_value or 1 for dim in value.type.tensor_type.shape.dim)
    total = 0
    for node in graph.node:
        if node.op_type == "Conv":
            total += math.prod(shapes[node.output[0]]) * math.prod(shapes[node.input[1]][1:])
        elif node.op_type in ("MatMul", "Gemm"):
            turned = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
            total += math.prod(shapes[node.output[0]]) * shapes[node.input[0]][-2 if turned else -1]
    return total
