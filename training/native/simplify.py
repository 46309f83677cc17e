"""Clean-up of a lowered graph: fewer nodes, the same numbers."""

from __future__ import annotations

import numpy as np
from hpe_edge.training.native.graph import Graph, Node
from hpe_edge.training.native.rewrite import Result, View, rewrite
from hpe_edge.training.native.simplify_arithmetic import ARITHMETIC, find_softmax
from hpe_edge.training.native.simplify_moves import MOVES


def simplify(graph: Graph) -> None:
    """Apply all rules, then write what only the conversion knows with operators of the file."""
    share_constants(graph)
    rewrite(graph, [find_softmax])  # before reshapes get between its parts
    rewrite(graph, (*MOVES, *ARITHMETIC))
    rewrite(graph, [repeat_by_ones])
    share_constants(graph)


def share_constants(graph: Graph) -> None:
    """Equal constants are stored once."""
    first: dict[tuple[tuple[int, ...], bytes], str] = {}
    same = {name: first.setdefault((value.shape, value.tobytes()), name) for name, value in graph.constants.items()}
    for node in graph.nodes:
        node.inputs = [same.get(name, name) for name in node.inputs]


def repeat_by_ones(view: View, node: Node) -> Result:
    """A repetition that is left is a product with ones."""
    if node.op != "expand":
        return None
    x, target = view.shape(node.inputs[0]), view.shape(node.output)
    ones = np.ones([1 if n == m else m for n, m in zip(x, target, strict=True)])
    return [view.graph.node("mul", [node.inputs[0], view.graph.constant(ones)], {}, node.origin)]
