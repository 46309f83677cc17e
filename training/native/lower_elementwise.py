"""Lowering of functions of single values, of broadcasting arithmetic and of reductions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hpe_edge.training.native.trace import Call, Traced

Lowering = Callable[[Call], Traced]


def unary(op: str) -> Lowering:
    """An operator that both sides have."""
    return lambda call: call.like(op, call.traced())


def binary(op: str) -> Lowering:
    """An operator of two or more operands, from the left."""

    def lower(call: Call) -> Traced:
        """At least one of the first two has to depend on the picture."""
        total = call.operand(0)
        if len(call.inputs) == 1:
            return call.traced()
        for k in range(1, len(call.inputs)):
            other = call.operand(k)
            if not isinstance(total, Traced) and not isinstance(other, Traced):
                raise call.error("expected the picture in one of the first two operands")
            total = call.binary(op, total, other)
        assert isinstance(total, Traced)
        return total

    return lower


def same(call: Call) -> Traced:
    """Identity, Dropout: nothing to do for inference."""
    if call.outputs > 1:
        raise call.error("expected one output")
    return call.traced()


def cast(call: Call) -> Traced:
    """Between kinds of floating point there is only float32."""
    if call.attributes["to"] not in (1, 10, 11, 16):  # FLOAT, FLOAT16, DOUBLE, BFLOAT16
        raise call.error("casts a value that depends on the picture to integers")
    return call.traced()


def reciprocal(call: Call) -> Traced:
    """1 / x."""
    x = call.traced()
    return call.binary("div", np.ones((1,) * min(len(x.shape) - 1, 1)), x)


def power(call: Call) -> Traced:
    """Pow by 0.5 and by small whole numbers."""
    x, exponent = call.traced(), call.tensor(1)
    value = float(exponent.ravel()[0]) if exponent.size == 1 else None
    if value == 0.5:
        return call.like("sqrt", x)
    if value not in (1, 2, 3, 4):
        raise call.error(f"expected the exponent 0.5, 1, 2, 3 or 4, got {exponent.tolist()}")
    if value == 1:
        return x
    square = call.binary("mul", x, x)
    return square if value == 2 else call.binary("mul", square, x if value == 3 else square)


def absolute(call: Call) -> Traced:
    """The larger of x and -x."""
    x = call.traced()
    return call.binary("max", x, call.like("neg", x))


def _limited(call: Call, x: Traced, low: float, high: float) -> Traced:
    """x within limits, of which either may be infinite."""
    if np.isfinite([low, high]).all():
        if low > high:
            raise call.error(f"expected limits that rise, got {low} and {high}")
        return call.like("clip", x, low=low, high=high)
    if np.isfinite(high):
        return call.scalar("min", x, high)
    if low == 0:
        return call.like("relu", x)
    return call.scalar("max", x, low) if np.isfinite(low) else x


def clip(call: Call) -> Traced:
    """Clip by attributes (old opsets) or constant inputs."""
    limits = []
    for k, (name, default) in enumerate((("min", -np.inf), ("max", np.inf)), 1):
        given = call.constant(k)
        value = float(given.ravel()[0]) if given is not None and given.size else call.attributes.get(name, default)
        limits.append(default if abs(value) >= np.finfo(np.float32).max else float(value))
    return _limited(call, call.traced(), limits[0], limits[1])


def hard_sigmoid(call: Call) -> Traced:
    """clip(alpha x + beta, 0, 1)."""
    return _hard_sigmoid(call, call.attributes.get("alpha", 0.2), call.attributes.get("beta", 0.5))


def _hard_sigmoid(call: Call, alpha: float, beta: float) -> Traced:
    scaled = call.scalar("add", call.scalar("mul", call.traced(), alpha), beta)
    return call.like("clip", scaled, low=0.0, high=1.0)


def hard_swish(call: Call) -> Traced:
    """x times its hard sigmoid of slope 1/6."""
    return call.binary("mul", call.traced(), _hard_sigmoid(call, 1 / 6, 0.5))


def leaky_relu(call: Call) -> Traced:
    """LeakyRelu and PRelu: the larger of x and slope x while the slope is between 0 and 1."""
    x = call.traced()
    slope = call.tensor(1) if call.op == "PRelu" else np.array([call.attributes.get("alpha", 0.01)])
    if slope.min() >= 0 and slope.max() <= 1:
        return call.binary("max", x, call.binary("mul", x, slope))
    return call.binary("add", call.like("relu", x), call.binary("mul", call.scalar("min", x, 0.0), slope))


def softmax(call: Call) -> Traced:
    """Softmax over one axis; before opset 13 over all axes from ``axis`` on."""
    x = call.traced()
    axis = call.axis(int(call.attributes.get("axis", -1 if call.opset >= 13 else 1)), len(x.shape))
    if call.opset < 13 and any(n != 1 for n in x.shape[axis + 1 :]):
        raise call.error(f"expected a softmax over one axis, got all from {axis} on of {list(x.shape)}")
    x, native = call.off_axis(x, axis)
    return call.like("softmax", x, axis=native)


def reduce(call: Call, x: Traced, op: str) -> Traced:
    """A reduction of x over the node's axes, without axes over everything."""
    rank, keep = len(x.shape), bool(call.attributes.get("keepdims", 1))
    given = call.integers("axes", 1)
    if not given and call.attributes.get("noop_with_empty_axes", 0):
        return x
    axes = {call.axis(axis, rank) for axis in given or range(rank)}
    if x.batch in axes:
        others = [k for k, n in enumerate(x.shape) if n == 1 and k not in axes]
        if not others:
            raise call.error(f"reduces the batch axis {x.batch} of {list(x.shape)}")
        x = call.with_batch_at(x, others[0])
    native = sorted(axis - (axis > x.batch) for axis in axes)
    batch = x.batch if keep else x.batch - sum(axis < x.batch for axis in axes)
    return call.emit(op, [x.name], batch, axes=native, keep=keep)


def reduction(op: str) -> Lowering:
    """A reduction that both sides have."""
    return lambda call: reduce(call, call.traced(), op)


def reduce_min(call: Call) -> Traced:
    """-max(-x)."""
    return call.like("neg", reduce(call, call.like("neg", call.traced()), "reduce_max"))


def reduce_squares(call: Call) -> Traced:
    """ReduceSumSquare and ReduceL2."""
    x = call.traced()
    total = reduce(call, call.binary("mul", x, x), "sum")
    return call.like("sqrt", total) if call.op == "ReduceL2" else total


LOWERINGS: dict[str, Lowering] = {
    "Relu": unary("relu"),
    "Sigmoid": unary("sigmoid"),
    "Tanh": unary("tanh"),
    "Exp": unary("exp"),
    "Sqrt": unary("sqrt"),
    "Neg": unary("neg"),
    "Add": binary("add"),
    "Sum": binary("add"),
    "Sub": binary("sub"),
    "Mul": binary("mul"),
    "Div": binary("div"),
    "Min": binary("min"),
    "Max": binary("max"),
    "Identity": same,
    "Dropout": same,
    "Cast": cast,
    "Reciprocal": reciprocal,
    "Pow": power,
    "Abs": absolute,
    "Clip": clip,
    "HardSigmoid": hard_sigmoid,
    "HardSwish": hard_swish,
    "LeakyRelu": leaky_relu,
    "PRelu": leaky_relu,
    "Softmax": softmax,
    "ReduceMean": reduction("mean"),
    "ReduceSum": reduction("sum"),
    "ReduceMax": reduction("reduce_max"),
    "ReduceMin": reduce_min,
    "ReduceSumSquare": reduce_squares,
    "ReduceL2": reduce_squares,
}
