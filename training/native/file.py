"""Graphs as the bytes of the network file (docs/NETWORK_FILE.md), and back."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
from hpe_edge.training.native.container import pack, unpack
from hpe_edge.training.native.graph import Graph, Node
from hpe_edge.training.native.rewrite import survey
from hpe_edge.training.native.shapes import INTERNAL, MAX_ELEMENTS, MAX_RANK, QUANTIZED

from hpe_edge.errors import CorruptModelError, InvalidArgumentError

FORMAT = "hpe-edge-network/1"
MAX_NODES = 4096
_PARTS = {"conv": ("x", "weight", "bias"), "linear": ("x", "weight", "bias"), "qconv": ("x", "weight", "scale", "bias")}


def graph_bytes(graph: Graph) -> bytes:
    """The file of a graph; nodes and constants that nothing uses are removed from it.

    Raises:
        InvalidArgumentError: the graph is beyond what a file can say.
    """
    survey(graph)
    _check(graph)
    names = file_names(graph)
    tensors: dict[str, npt.NDArray[Any]] = {}
    for name, value in graph.constants.items():
        tensors[names[name]] = value
    order = {name: k for k, name in enumerate(names.values())}
    # larger numbers in front: each then lies at a multiple of its size
    tensors = {name: tensors[name] for name in sorted(tensors, key=lambda n: (-tensors[n].itemsize, order[n]))}
    nodes = [
        {"op": n.op, "in": [names[x] for x in n.inputs], "out": names[n.output], **n.attributes} for n in graph.nodes
    ]
    outputs = [{"name": name, "value": names[value]} for name, value in graph.outputs.items()]
    shape = list(graph.shapes[graph.input_name])
    text = {"input": {"name": graph.input_name, "shape": shape}, "outputs": outputs, "nodes": nodes}
    return pack(tensors, {"format": FORMAT, "graph": json.dumps(text, separators=(",", ":"), allow_nan=False)})


def network_graph(file: bytes) -> Graph:
    """The graph of a float network's file; values keep their names.

    ``graph_bytes(network_graph(file)) == file`` for files written here.

    Raises:
        CorruptModelError: the bytes are no network file.
        InvalidArgumentError: the network is quantized: its file does not say what the values between stand for.
    """
    tensors, metadata = unpack(file)
    try:
        text = json.loads(metadata["graph"])
        graph = Graph(text["input"]["name"])
        graph.shapes = {graph.input_name: tuple(text["input"]["shape"])}
        graph.shapes |= {name: tensor.shape for name, tensor in tensors.items()}
        graph.constants = dict(tensors)
        for node in text["nodes"]:
            attributes = {key: value for key, value in node.items() if key not in ("op", "in", "out")}
            _append(graph, Node(node["op"], list(node["in"]), node["out"], attributes))
        graph.outputs = {output["name"]: output["value"] for output in text["outputs"]}
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, InvalidArgumentError):
            raise
        raise CorruptModelError(f"network file: expected a graph of {FORMAT}, got {error!r}") from error
    return graph


def _append(graph: Graph, node: Node) -> None:
    """A node as it is in a file, its name included."""
    if node.op in QUANTIZED:
        raise InvalidArgumentError(f"network file: expected a network in float32, got the operator {node.op}")
    made = graph.node(node.op, node.inputs, node.attributes, node.output)
    graph.shapes[node.output] = graph.shapes.pop(made.output)
    graph.nodes.append(node)


def _check(graph: Graph) -> None:
    """That everything left is within the file's limits."""
    for node in graph.nodes:
        if node.op in INTERNAL:
            raise InvalidArgumentError(
                f"{node.origin}: expected padding only before a convolution or average pooling with a larger kernel"
            )
    if len(graph.nodes) > MAX_NODES:
        raise InvalidArgumentError(f"expected at most {MAX_NODES} nodes, got {len(graph.nodes)}")
    for value in graph.constants.values():
        if value.ndim > MAX_RANK or value.size > MAX_ELEMENTS or not np.isfinite(value).all():
            raise InvalidArgumentError(
                f"expected finite constants of at most {MAX_RANK} axes and {MAX_ELEMENTS} elements, "
                f"got one of shape {list(value.shape)}"
            )


def file_names(graph: Graph) -> dict[str, str]:
    """What values and tensors are called in the file: v1, v2, ..; tensors after the node that uses them first."""
    names = {graph.input_name: graph.input_name}
    prefix = "v" if not graph.input_name.startswith("v") else "n"
    for number, node in enumerate(graph.nodes, 1):
        for k, name in enumerate(node.inputs):
            if name in graph.constants and name not in names:
                names[name] = f"{prefix}{number}.{_part(node, k)}"
        names[node.output] = f"{prefix}{number}"
    return names


def _part(node: Node, k: int) -> str:
    """What a constant input is to its node."""
    return _PARTS[node.op][k] if node.op in _PARTS else ("a", "b")[k] if k < 2 else f"x{k}"
