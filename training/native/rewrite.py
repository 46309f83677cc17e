"""Repeated local rewriting of a graph: rules that look at one node and what stands around it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from hpe_edge.training.native.graph import Graph, Node
from hpe_edge.training.native.shapes import Shape


@dataclass
class View:
    """A graph and who makes and who uses its values; outputs of the network are uses."""

    graph: Graph
    producers: dict[str, Node]
    uses: Counter[str]

    def producer(self, name: str, *ops: str) -> Node | None:
        """The node that makes a value, if it is one of these operators."""
        node = self.producers.get(name)
        return node if node is not None and node.op in ops else None

    def only(self, name: str, *ops: str) -> Node | None:
        """The same, if nothing else uses the value."""
        return self.producer(name, *ops) if self.uses[name] == 1 else None

    def shape(self, name: str) -> Shape:
        """A value's shape."""
        return self.graph.shapes[name]

    def is_constant(self, name: str) -> bool:
        """Whether the value is stored."""
        return name in self.graph.constants


# None: nothing to do. A name: the node's output is this value. Nodes: they stand in its place, the last for its output.
Result: TypeAlias = str | list[Node] | None
Rule: TypeAlias = Callable[[View, Node], Result]


def rewrite(graph: Graph, rules: Sequence[Rule]) -> None:
    """Apply rules until none has anything to do; what nothing uses any more is removed."""
    while _sweep(graph, rules):
        pass


def _sweep(graph: Graph, rules: Sequence[Rule]) -> bool:
    """Every rule once at every node."""
    changed, k = False, 0
    view = survey(graph)
    while k < len(graph.nodes):
        node = graph.nodes[k]
        found = next((result for rule in rules if (result := rule(view, node)) is not None), None)
        if found is None:
            k += 1
            continue
        _replace(graph, k, found)
        view, changed = survey(graph), True
        k = max(k - 1, 0)
    return changed


def survey(graph: Graph) -> View:
    """Remove dead nodes and constants, then count."""
    used = set(graph.outputs.values())
    for node in reversed(graph.nodes):
        if node.output in used:
            used.update(node.inputs)
    graph.nodes = [node for node in graph.nodes if node.output in used]
    graph.constants = {name: value for name, value in graph.constants.items() if name in used}
    uses = Counter(name for node in graph.nodes for name in node.inputs)
    uses.update(graph.outputs.values())
    return View(graph, {node.output: node for node in graph.nodes}, uses)


def _replace(graph: Graph, k: int, found: str | list[Node]) -> None:
    old = graph.nodes[k].output
    if isinstance(found, str):
        del graph.nodes[k]
        new = found
    else:
        graph.nodes[k : k + 1] = found
        new = found[-1].output
    assert graph.shapes[new] == graph.shapes[old], (old, new)
    for node in graph.nodes:
        node.inputs = [new if name == old else name for name in node.inputs]
    graph.outputs = {name: new if value == old else value for name, value in graph.outputs.items()}
