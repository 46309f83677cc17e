"""Clean-up rules for arithmetic: what weights can take over, what changes nothing, what is computed twice."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from hpe_edge.training.native.graph import Node
from hpe_edge.training.native.rewrite import Result, Rule, View
from hpe_edge.training.native.shapes import BINARY, Shape

Doubles = npt.NDArray[np.float64]


def fold_scale(view: View, node: Node) -> Result:
    """A factor or a term for each channel behind a convolution or linear layer goes into its weights."""
    if node.op not in ("add", "sub", "mul", "div"):
        return None
    left = view.is_constant(node.inputs[0])
    if left and node.op == "div":
        return None
    constant, x = node.inputs if left else reversed(node.inputs)
    layer = view.only(x, "conv", "linear")
    if layer is None or not view.is_constant(constant) or view.shape(x) != view.shape(node.output):
        return None
    channels = _by_channel(view.graph.constants[constant], view.shape(x), 0 if layer.op == "conv" else -1)
    if channels is None or (node.op == "div" and not channels.all()):
        return None
    factor, term = _affine(node.op, channels, left)
    weight, bias = (view.graph.constants[name].astype(np.float64) for name in layer.inputs[1:])
    weight = weight * factor.reshape(-1, *[1] * (weight.ndim - 1))
    names = [layer.inputs[0], view.graph.constant(weight), view.graph.constant(bias * factor + term)]
    return [view.graph.node(layer.op, names, layer.attributes, layer.origin)]


def _by_channel(constant: npt.NDArray[np.float32], shape: Shape, axis: int) -> Doubles | None:
    """A constant that broadcasts to ``shape`` and differs along ``axis`` only, as one value for each channel."""
    full = (1,) * (len(shape) - constant.ndim) + constant.shape
    others = [n for k, n in enumerate(full) if k != axis % len(shape)]
    if math.prod(others) != 1:
        return None
    return np.broadcast_to(constant.astype(np.float64).ravel(), shape[axis])


def _affine(op: str, channels: Doubles, left: bool) -> tuple[Doubles, Doubles]:
    """x op channels (or channels op x) as x * factor + term."""
    one, zero = np.ones_like(channels), np.zeros_like(channels)
    match op:
        case "add":
            return one, channels
        case "sub":
            return (-one, channels) if left else (one, -channels)
        case "mul":
            return channels, zero
        case _:
            return 1.0 / channels, zero


def drop_expand(view: View, node: Node) -> Result:
    """Arithmetic broadcasts by itself."""
    if node.op not in BINARY:
        return None
    for k, name in enumerate(node.inputs):
        before = view.producer(name, "expand")
        if before is None:
            continue
        inputs = [*node.inputs[:k], before.inputs[0], *node.inputs[k + 1 :]]
        plain = view.graph.node(node.op, inputs, node.attributes, node.origin)
        if view.shape(plain.output) == view.shape(node.output):
            return [plain]
    return None


def drop_neutral(view: View, node: Node) -> Result:
    """x + 0, x - 0, x * 1 and x / 1 are x."""
    if node.op not in ("add", "sub", "mul", "div"):
        return None
    neutral = 0 if node.op in ("add", "sub") else 1
    sides = (1, 0) if node.op in ("add", "mul") else (1,)
    for k in sides:
        constant = view.graph.constants.get(node.inputs[k])
        x = node.inputs[1 - k]
        if constant is not None and (constant == neutral).all() and view.shape(x) == view.shape(node.output):
            return x
    return None


def find_softmax(view: View, node: Node) -> Result:
    """exp(x) / sum(exp(x)) over one axis."""
    if node.op != "div":
        return None
    power, total = view.producer(node.inputs[0], "exp"), view.producer(node.inputs[1], "sum")
    if power is None or total is None or total.inputs != [power.output] or len(total.attributes["axes"]) != 1:
        return None
    axis = total.attributes["axes"][0]
    if not total.attributes["keep"] and axis != 0:
        return None  # broadcasts along another axis
    return [view.graph.node("softmax", power.inputs, {"axis": axis}, node.origin)]


def share_equal(view: View, node: Node) -> Result:
    """The same operator on the same values is computed once, the same constant stored once."""
    key = _key(view, node)
    for other in view.graph.nodes:
        if other is node:
            return None
        if other.op == node.op and _key(view, other) == key:
            return other.output
    return None


def _key(view: View, node: Node) -> tuple[Any, ...]:
    return node.op, tuple(node.inputs), repr(sorted(node.attributes.items()))


ARITHMETIC: tuple[Rule, ...] = (fold_scale, drop_expand, drop_neutral, share_equal)
