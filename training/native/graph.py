"""A network between ONNX and its file: operators over named values that have no batch axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from hpe_edge.training.native.levels import Levels
from hpe_edge.training.native.shapes import Shape, output_shape

Floats = npt.NDArray[np.float32]


@dataclass
class Node:
    """One operator of the file. origin: the ONNX node it came from, for messages."""

    op: str
    inputs: list[str]
    output: str
    attributes: dict[str, Any]
    origin: str = ""


@dataclass
class Graph:
    """nodes: in an order of execution. shapes: of every value. constants: those values that are stored.

    outputs: values by the name that the network's outputs have outside. levels: of the values that are u8; all others
    are float32, but for the int8 weights of ``qconv``.
    """

    input_name: str
    nodes: list[Node] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)
    constants: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    levels: dict[str, Levels] = field(default_factory=dict)
    _count: int = 0

    def without_nodes(self) -> Graph:
        """A graph with the same input and constants; values may get the names and shapes that they have here."""
        return Graph(self.input_name, [], dict(self.shapes), dict(self.constants), _count=self._count)

    def with_outputs(self, outputs: dict[str, str]) -> Graph:
        """The same nodes with other outputs; names of the network's outputs to values."""
        return replace(self, nodes=list(self.nodes), constants=dict(self.constants), outputs=outputs)

    def readers(self) -> dict[str, list[Node]]:
        """The nodes that read a value, by value."""
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in set(node.inputs):
                found.setdefault(name, []).append(node)
        return found

    def fresh(self) -> str:
        """A name that nothing has yet."""
        self._count += 1
        return f"%{self._count}"

    def constant(self, array: npt.ArrayLike, dtype: type[np.float32 | np.int8] = np.float32) -> str:
        """A stored value."""
        name = self.fresh()
        self.constants[name] = np.array(array, dtype, order="C")
        self.shapes[name] = self.constants[name].shape
        return name

    def node(self, op: str, inputs: Sequence[str], attributes: dict[str, Any], origin: str = "") -> Node:
        """A node with a fresh output, whose shape is inferred; it is not in ``nodes`` yet.

        Raises:
            InvalidArgumentError: the inputs' shapes do not go with the operator.
        """
        output = self.fresh()
        self.shapes[output] = output_shape(op, [self.shapes[name] for name in inputs], attributes, origin)
        return Node(op, list(inputs), output, attributes, origin)

    def add(self, op: str, inputs: Sequence[str], attributes: dict[str, Any], origin: str = "") -> str:
        """Append a node; returns its output."""
        node = self.node(op, inputs, attributes, origin)
        self.nodes.append(node)
        return node.output
