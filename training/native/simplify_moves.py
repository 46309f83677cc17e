"""Clean-up rules for nodes that move values: reshape, transpose, slice, concat."""

from __future__ import annotations

import math

from hpe_edge.training.native.graph import Node
from hpe_edge.training.native.rewrite import Result, Rule, View
from hpe_edge.training.native.shapes import BINARY, REDUCTIONS, UNARY, Shape


def merge_reshapes(view: View, node: Node) -> Result:
    """A reshape to the same shape is nothing, a reshape of a reshape is one, and a reduction drops its axes itself."""
    if node.op != "reshape":
        return None
    (x,), shape = node.inputs, view.shape(node.output)
    if view.shape(x) == shape:
        return x
    if before := view.producer(x, "reshape"):
        return [view.graph.node("reshape", before.inputs, node.attributes, node.origin)]
    before = view.only(x, *REDUCTIONS)
    if before is None:
        return None
    other = before.attributes | {"keep": not before.attributes["keep"]}
    reduced = view.graph.node(before.op, before.inputs, other, before.origin)
    return [reduced] if view.shape(reduced.output) == shape else None


def merge_transposes(view: View, node: Node) -> Result:
    """Transposes that cancel, that follow each other, or that only move axes of size 1."""
    if node.op != "transpose":
        return None
    (x,), perm = node.inputs, node.attributes["perm"]
    shape = view.shape(x)
    long = [k for k in perm if shape[k] != 1]
    if long == sorted(long):
        return [view.graph.node("reshape", [x], {"shape": list(view.shape(node.output))}, node.origin)]
    if before := view.producer(x, "transpose"):
        perm = [before.attributes["perm"][k] for k in perm]
        return [view.graph.node("transpose", before.inputs, {"perm": perm}, node.origin)]
    return None


def merge_slices(view: View, node: Node) -> Result:
    """A slice of everything is nothing; a slice of a slice along the same axis is one."""
    if node.op != "slice":
        return None
    (x,), axis, start = node.inputs, node.attributes["axis"], node.attributes["start"]
    if view.shape(x) == view.shape(node.output):
        return x
    before = view.producer(x, "slice")
    if before is None or before.attributes["axis"] != axis:
        return None
    first = before.attributes["start"]
    attributes = {"axis": axis, "start": first + start, "stop": first + node.attributes["stop"]}
    return [view.graph.node("slice", before.inputs, attributes, node.origin)]


def merge_concats(view: View, node: Node) -> Result:
    """A concat of one value is that value; a concat within a concat along the same axis is one."""
    if node.op != "concat":
        return None
    if len(node.inputs) == 1:
        return node.inputs[0]
    parts: list[str] = []
    for name in node.inputs:
        inner = view.only(name, "concat")
        parts += inner.inputs if inner and inner.attributes == node.attributes else [name]
    return [view.graph.node("concat", parts, node.attributes, node.origin)] if len(parts) > len(node.inputs) else None


def sink_reshapes(view: View, node: Node) -> Result:
    """A reshape before an elementwise operator goes behind it, where it may meet another."""
    if node.op in UNARY:
        before = view.only(node.inputs[0], "reshape")
        inputs = before.inputs if before else []
    elif node.op in BINARY:
        inputs = _sources(view, node)
    else:
        return None
    if not inputs:
        return None
    moved = view.graph.node(node.op, inputs, node.attributes, node.origin)
    return _reshaped(view, moved, node)


def _sources(view: View, node: Node) -> list[str]:
    """What stands before the reshapes of a binary operator, if it may work on that; a single number goes with all."""
    sources: list[str] = []
    shapes: set[Shape] = set()
    for name in node.inputs:
        if view.is_constant(name) and math.prod(view.shape(name)) == 1:
            sources.append(name)
            continue
        twice = node.inputs.count(name) == 2 and view.uses[name] == 2
        before = view.producer(name, "reshape") if twice else view.only(name, "reshape")
        if before is None or view.shape(name) != view.shape(node.output):
            return []
        sources += before.inputs
        shapes.add(view.shape(before.inputs[0]))
    # a number of shape [1] would give a value of rank 0 an axis
    return sources if len(shapes) == 1 and () not in shapes else []


def flat_slices(view: View, node: Node) -> Result:
    """A row as a vector is a run of the flattened rows: neighbours then share one reshape."""
    if node.op != "reshape" or len(node.attributes["shape"]) != 1:
        return None
    cut = view.only(node.inputs[0], "slice")
    if cut is None:
        return None
    x, axis = view.shape(cut.inputs[0]), cut.attributes["axis"]
    if math.prod(x[:axis]) != 1:
        return None
    flat = view.graph.node("reshape", cut.inputs, {"shape": [math.prod(x)]}, node.origin)
    row = math.prod(x[axis + 1 :])
    attributes = {"axis": 0, "start": cut.attributes["start"] * row, "stop": cut.attributes["stop"] * row}
    return [flat, view.graph.node("slice", [flat.output], attributes, node.origin)]


def sink_reshapes_of_parts(view: View, node: Node) -> Result:
    """A concat of reshaped values is a reshaped concat, where their own shapes can be joined."""
    if node.op != "concat":
        return None
    befores = [view.only(name, "reshape") for name in node.inputs]
    sources = [before.inputs[0] for before in befores if before is not None]
    if len(sources) < len(node.inputs):
        return None
    before = math.prod(view.shape(node.output)[: node.attributes["axis"]])
    shapes = [view.shape(name) for name in sources]
    for axis in range(len(shapes[0])):
        others = {(len(shape), shape[:axis], shape[axis + 1 :]) for shape in shapes}
        if math.prod(shapes[0][:axis]) == before and len(others) == 1:
            joined = view.graph.node("concat", sources, {"axis": axis}, node.origin)
            return _reshaped(view, joined, node)
    return None


def _reshaped(view: View, first: Node, node: Node) -> list[Node]:
    """``first`` and a reshape to what ``node`` gave."""
    shape = list(view.shape(node.output))
    return [first, view.graph.node("reshape", [first.output], {"shape": shape}, node.origin)]


MOVES: tuple[Rule, ...] = (
    merge_reshapes,
    merge_transposes,
    merge_slices,
    merge_concats,
    sink_reshapes,
    sink_reshapes_of_parts,
    flat_slices,
)
