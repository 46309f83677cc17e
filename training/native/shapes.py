"""Shapes that follow from the operators of the network file, and its limits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from hpe_edge.errors import InvalidArgumentError

Shape: TypeAlias = tuple[int, ...]
Shapes: TypeAlias = Sequence[Shape]
Attributes: TypeAlias = Mapping[str, Any]

MAX_RANK, MAX_ELEMENTS = 6, 2**28
UNARY = ("relu", "sigmoid", "tanh", "exp", "sqrt", "neg", "clip")
BINARY = ("add", "sub", "mul", "div", "min", "max")
POOLS = ("max_pool", "average_pool", "qaverage_pool")
REDUCTIONS = ("mean", "sum", "reduce_max")
MOVES = ("reshape", "transpose", "slice", "concat")
# operators with values of 8 bits; the pools take those too
QUANTIZED = ("quantize", "dequantize", "qconv")
# steps of the conversion that no file has: zeros around a map, and repetition along axes of size 1
INTERNAL = ("pad", "expand")


def output_shape(op: str, shapes: Shapes, attributes: Attributes, origin: str = "") -> Shape:
    """The shape of an operator's output.

    Raises:
        InvalidArgumentError: the inputs do not go with the operator, or the output is beyond the file's limits.

    >>> output_shape("concat", [(2, 3), (4, 3)], {"axis": 0})
    (6, 3)
    """
    where = f"{origin}: " if origin else ""
    try:
        shape = tuple(int(n) for n in _RULES[op](shapes, attributes))
    except (ValueError, IndexError) as error:
        got = ", ".join(str(list(shape)) for shape in shapes)
        raise InvalidArgumentError(
            f"{where}{op}: inputs {got} with {dict(attributes)} make no output: {error}"
        ) from None
    if len(shape) > MAX_RANK or math.prod(shape) > MAX_ELEMENTS or min(shape, default=1) < 1:
        raise InvalidArgumentError(
            f"{where}{op}: expected an output of at most {MAX_RANK} axes and {MAX_ELEMENTS} elements, none of them "
            f"empty, got {list(shape)}"
        )
    return shape


def window(size: Shape, kernel: Sequence[int], stride: Sequence[int], pad: Sequence[int]) -> Shape:
    """Height and width of what a window of ``kernel`` gives; pad: top, left, bottom, right."""
    if any(pad[k] >= kernel[k % 2] or pad[k] < 0 for k in range(4)):
        raise ValueError(f"padding {list(pad)} is not smaller than the kernel {list(kernel)}")
    return tuple((size[k] + pad[k] + pad[k + 2] - kernel[k]) // stride[k] + 1 for k in range(2))


def _conv(shapes: Shapes, attributes: Attributes) -> Shape:
    (channels, *size), weight = shapes[:2]
    if weight[1] * attributes["groups"] != channels or len(size) != 2:
        raise ValueError(f"expected [{weight[1] * attributes['groups']}, H, W]")
    return (weight[0], *window(tuple(size), weight[2:], attributes["stride"], attributes["pad"]))


def _pool(shapes: Shapes, attributes: Attributes) -> Shape:
    ((channels, *size),) = shapes
    if len(size) != 2:
        raise ValueError("expected [C, H, W]")
    return (channels, *window(tuple(size), attributes["kernel"], attributes["stride"], attributes["pad"]))


def _linear(shapes: Shapes, _: Attributes) -> Shape:
    x, weight = shapes[:2]
    if x[-1] != weight[1]:
        raise ValueError(f"expected a last axis of {weight[1]}")
    return (*x[:-1], weight[0])


def _matmul(shapes: Shapes, _: Attributes) -> Shape:
    a, b = shapes
    if min(len(a), len(b)) < 2 or a[-1] != b[-2]:
        raise ValueError("expected [..., M, K] and [..., K, N]")
    return (*np.broadcast_shapes(a[:-2], b[:-2]), a[-2], b[-1])


def _reduce(shapes: Shapes, attributes: Attributes) -> Shape:
    (x,) = shapes
    kept = (1 if k in attributes["axes"] else n for k, n in enumerate(x))
    return tuple(kept) if attributes["keep"] else tuple(n for k, n in enumerate(x) if k not in attributes["axes"])


def _reshape(shapes: Shapes, attributes: Attributes) -> Shape:
    if math.prod(shapes[0]) != math.prod(attributes["shape"]):
        raise ValueError("the number of elements differs")
    return tuple(attributes["shape"])


def _concat(shapes: Shapes, attributes: Attributes) -> Shape:
    axis, first = attributes["axis"], shapes[0]
    if len({(*s[:axis], *s[axis + 1 :]) for s in shapes}) > 1 or axis >= len(first):
        raise ValueError("the other axes differ")
    return (*first[:axis], sum(s[axis] for s in shapes), *first[axis + 1 :])


def _slice(shapes: Shapes, attributes: Attributes) -> Shape:
    (x,) = shapes
    axis = attributes["axis"]
    if not 0 <= attributes["start"] < attributes["stop"] <= x[axis]:
        raise ValueError("nothing is left")
    return (*x[:axis], attributes["stop"] - attributes["start"], *x[axis + 1 :])


def _pad(shapes: Shapes, attributes: Attributes) -> Shape:
    ((channels, height, width),) = shapes
    top, left, bottom, right = attributes["pad"]
    return channels, height + top + bottom, width + left + right


_RULES: dict[str, Callable[[Shapes, Attributes], Shape]] = {
    "conv": _conv,
    "qconv": _conv,
    "linear": _linear,
    "matmul": _matmul,
    "softmax": lambda shapes, _: shapes[0],
    "reshape": _reshape,
    "transpose": lambda shapes, attributes: tuple(shapes[0][k] for k in attributes["perm"]),
    "concat": _concat,
    "slice": _slice,
    "pad": _pad,
    "expand": lambda shapes, attributes: np.broadcast_shapes(shapes[0], attributes["shape"]),
    **dict.fromkeys(("quantize", "dequantize"), lambda shapes, _: shapes[0]),
    **dict.fromkeys(UNARY, lambda shapes, _: shapes[0]),
    **dict.fromkeys(BINARY, lambda shapes, _: np.broadcast_shapes(*shapes)),
    **dict.fromkeys(POOLS, _pool),
    **dict.fromkeys(REDUCTIONS, _reduce),
}
OPERATORS = tuple(op for op in _RULES if op not in INTERNAL)
