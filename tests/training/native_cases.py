"""Tiny ONNX graphs for the tests of the network file: each lowering, each clean-up, each refusal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Array = NDArray[Any]


def make(nodes: str, weights: dict[str, Any], shape: tuple[int, ...], opset: int, outputs: Iterable[str]) -> Any:
    """A model of these nodes, one a line; a weight is an array, or a shape to be filled with numbers."""
    rng = np.random.default_rng(1)
    arrays = {
        name: rng.uniform(-1, 1, value).astype(np.float32) if isinstance(value, tuple) else np.asarray(value)
        for name, value in weights.items()
    }
    parsed = [onnx.parser.parse_node(line.strip()) for line in nodes.strip().splitlines()]
    graph = helper.make_graph(
        parsed,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        initializer=[numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    inferred = onnx.shape_inference.infer_shapes(model)
    for output, known in zip(model.graph.output, inferred.graph.output, strict=True):
        shape = [d.dim_value for d in known.type.tensor_type.shape.dim]
        output.CopyFrom(helper.make_tensor_value_info(output.name, TensorProto.FLOAT, shape))
    return model


@dataclass(frozen=True)
class Case:
    """A graph and the operators that it has to become. weights: see `make`."""

    nodes: str
    operators: str
    weights: dict[str, Any] = field(default_factory=dict)
    shape: tuple[int, ...] = (1, 4, 6, 6)
    opset: int = 17
    outputs: tuple[str, ...] = ("y",)


def ints(*values: int) -> Array:
    return np.array(values, np.int64)


def floats(*values: float) -> Array:
    return np.array(values, np.float32)


ROW = (1, 1, 1, 12)  # reshaped to a row of features where a case begins with "r"
TO_ROW = {"row": ints(1, 12)}
R = "r = Reshape(x, row)\n"
POSITIVE = "p = Abs(x)\n"

LAYERS = {
    "conv": Case("y = Conv<strides=[2,1], pads=[1,0,2,1]>(x, w, b)", "conv", {"w": (5, 4, 3, 3), "b": (5,)}),
    "conv-without-bias": Case("y = Conv<group=2>(x, w)", "conv", {"w": (6, 2, 1, 3)}),
    "conv-dilated": Case("y = Conv<dilations=[2,3], pads=[1,1,1,1]>(x, w)", "conv", {"w": (2, 4, 3, 2)}),
    "conv-same-upper": Case('y = Conv<auto_pad="SAME_UPPER", strides=[2,2]>(x, w)', "conv", {"w": (2, 4, 3, 3)}),
    "conv-same-lower": Case('y = Conv<auto_pad="SAME_LOWER", strides=[2,2]>(x, w)', "conv", {"w": (2, 4, 3, 3)}),
    "conv-valid": Case('y = Conv<auto_pad="VALID">(x, w)', "conv", {"w": (2, 4, 3, 3)}),
    "conv-transpose": Case(
        "y = ConvTranspose<strides=[2,2], pads=[1,1,1,1], output_padding=[1,1]>(x, w, b)",
        "reshape mul reshape conv",
        {"w": (4, 3, 3, 3), "b": (3,)},
    ),
    "conv-transpose-groups": Case(
        "y = ConvTranspose<strides=[2,4], group=2>(x, w)", "reshape mul reshape conv", {"w": (4, 3, 2, 4)}
    ),
    "conv-transpose-stride-1": Case("y = ConvTranspose<pads=[1,0,0,1]>(x, w)", "conv", {"w": (4, 3, 2, 3)}),
    "pad-conv": Case(
        "a = Pad(x, p)\ny = Conv<pads=[0,1,0,0]>(a, w)",
        "conv",
        {"p": ints(0, 0, 1, 0, 0, 0, 2, 1), "w": (2, 4, 3, 3)},
    ),
    "pad-conv-opset-9": Case(
        "a = Pad<pads=[0,0,1,0,0,0,2,1]>(x)\ny = Conv(a, w)", "conv", {"w": (2, 4, 3, 3)}, opset=9
    ),
    "pad-axes": Case(
        "a = Pad(x, p, z, k)\ny = Conv(a, w)",
        "conv",
        {"p": ints(1, 0, 0, 2), "z": np.float32(0), "k": ints(3, -2), "w": (2, 4, 3, 3)},
        opset=18,
    ),
    "pad-average": Case(
        "a = Pad(x, p)\ny = AveragePool<kernel_shape=[3,2], strides=[2,2]>(a)",
        "average_pool",
        {"p": ints(0, 0, 1, 1, 0, 0, 1, 0)},
    ),
    "pad-nothing": Case("a = Pad(x, p)\ny = Relu(a)", "relu", {"p": ints(*[0] * 8)}),
    "max-pool": Case("y = MaxPool<kernel_shape=[3,2], strides=[2,1], pads=[1,0,1,1]>(x)", "max_pool"),
    "max-pool-ceil": Case("y = MaxPool<kernel_shape=[3,3], strides=[2,2], ceil_mode=1>(x)", "max_pool"),
    "max-pool-ceil-edge": Case(
        "y = MaxPool<kernel_shape=[2,2], strides=[3,2], pads=[1,1,1,1], ceil_mode=1>(x)", "max_pool"
    ),
    "average-counting": Case(
        "y = AveragePool<kernel_shape=[3,3], pads=[1,1,1,1], count_include_pad=1>(x)", "average_pool"
    ),
    "average-inside": Case("y = AveragePool<kernel_shape=[3,3], strides=[2,2], pads=[1,1,0,1]>(x)", "average_pool"),
    "average-ceil": Case("y = AveragePool<kernel_shape=[3,3], strides=[2,2], ceil_mode=1>(x)", "average_pool"),
    "global-average": Case("y = GlobalAveragePool(x)", "mean"),
    "global-max": Case("y = GlobalMaxPool(x)", "reduce_max"),
    "resize": Case('y = Resize<mode="nearest">(x, , s)', "reshape mul reshape", {"s": floats(1, 1, 2, 3)}),
    "resize-asymmetric": Case(
        'y = Resize<mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor">(x, , , s)',
        "reshape mul reshape",
        {"s": ints(1, 4, 12, 24)},
    ),
    "upsample": Case("y = Upsample(x, s)", "reshape mul reshape", {"s": floats(1, 1, 2, 2)}, opset=9),
    "gemm": Case(R + "y = Gemm<transB=1>(r, w, b)", "reshape linear", {**TO_ROW, "w": (5, 12), "b": (5,)}, ROW),
    "gemm-scaled": Case(
        R + "y = Gemm<alpha=0.5, beta=2.0>(r, w, b)", "reshape linear", {**TO_ROW, "w": (12, 5), "b": (1, 5)}, ROW
    ),
    "gemm-without-bias": Case(R + "y = Gemm(r, w)", "reshape linear", {**TO_ROW, "w": (12, 5)}, ROW),
    "gemm-of-two": Case(
        R + "a = Gemm(r, w)\ny = Gemm<beta=0.5>(r, w, a)",
        "reshape linear mul add",
        {**TO_ROW, "w": (12, 5)},
        ROW,
    ),
    "matmul-right": Case("y = MatMul(x, w)", "linear", {"w": (6, 5)}),
    "matmul-left": Case("y = MatMul(w, x)", "matmul", {"w": (5, 6)}),
    "matmul-vector": Case("y = MatMul(x, w)", "linear reshape", {"w": (6,)}),
    "matmul-vector-left": Case("y = MatMul(w, x)", "matmul reshape", {"w": (6,)}),
    "matmul-of-two": Case("t = Transpose<perm=[0,1,3,2]>(x)\ny = MatMul(x, t)", "transpose matmul"),
    "matmul-each-row-its-matrix": Case(
        "t = Transpose<perm=[1,0,2,3]>(x)\nr = Reshape(t, s)\nm = MatMul(r, w)\ny = Transpose<perm=[1,0,2]>(m)",
        "reshape matmul reshape",
        {"s": ints(4, 1, 36), "w": (4, 36, 5)},
    ),
    "batch-norm-alone": Case(
        "y = BatchNormalization(x, s, b, m, v)",
        "mul add",
        {"s": (4,), "b": (4,), "m": (4,), "v": floats(0.5, 1, 2, 3)},
    ),
}

ELEMENTWISE = {
    **{op.lower(): Case(f"y = {op}(x)", op.lower()) for op in ("Relu", "Sigmoid", "Tanh", "Exp", "Neg")},
    "sqrt": Case(POSITIVE + "y = Sqrt(p)", "neg max sqrt"),
    "reciprocal": Case("e = Exp(x)\ny = Reciprocal(e)", "exp div"),
    "square": Case("y = Pow(x, c)", "mul", {"c": np.float32(2)}),
    "cube": Case("y = Pow(x, c)", "mul mul", {"c": np.float32(3)}),
    "fourth": Case("y = Pow(x, c)", "mul mul", {"c": ints(4)}),
    "first": Case("a = Pow(x, c)\ny = Relu(a)", "relu", {"c": np.float32(1)}),
    "root": Case(POSITIVE + "y = Pow(p, c)", "neg max sqrt", {"c": np.float32(0.5)}),
    "relu6": Case("y = Clip(x, l, h)", "clip", {"l": np.float32(0), "h": np.float32(0.5)}),
    "clip-opset-9": Case("y = Clip<min=-0.25, max=0.5>(x)", "clip", opset=9),
    "clip-below": Case("y = Clip(x, l)", "max", {"l": np.float32(-0.25)}),
    "clip-above": Case("y = Clip(x, , h)", "min", {"h": np.float32(0.25)}),
    "clip-zero": Case("y = Clip(x, l)", "relu", {"l": np.float32(0)}),
    "clip-not": Case("a = Clip(x)\ny = Tanh(a)", "tanh"),
    "hard-sigmoid": Case("y = HardSigmoid<alpha=0.6>(x)", "mul add clip"),
    "hard-swish": Case("y = HardSwish(x)", "mul add clip mul"),
    "leaky": Case("y = LeakyRelu<alpha=0.1>(x)", "mul max"),
    "leaky-steep": Case("y = LeakyRelu<alpha=1.5>(x)", "relu min mul add"),
    "prelu": Case("y = PRelu(x, s)", "mul max", {"s": np.linspace(0, 1, 4, dtype=np.float32).reshape(4, 1, 1)}),
    "prelu-negative": Case("y = PRelu(x, s)", "relu min mul add", {"s": (4, 1, 1)}),
    "swish": Case("s = Sigmoid(x)\ny = Mul(x, s)", "sigmoid mul"),
    "sum-of-three": Case("t = Tanh(x)\ny = Sum(x, t, t)", "tanh add add"),
    "min-max": Case("a = Min(x, c)\ny = Max(d, a)", "min max", {"c": (4, 1, 1), "d": (6,)}),
    "constant-first": Case("a = Sub(c, x)\ny = Div(c, a)", "sub div", {"c": floats(3)}),
    "broadcast-batch": Case("y = Mul(x, c)", "mul", {"c": (1, 4, 1, 1)}),
    "broadcast-up": Case(R + "y = Mul(c, r)", "reshape mul", {**TO_ROW, "c": (1, 1, 1)}, ROW),
    "broadcast-of-two": Case("m = ReduceMean<axes=[2,3]>(x)\ny = Sub(x, m)", "mean sub"),
    "softmax": Case("y = Softmax<axis=1>(x)", "softmax"),
    "softmax-opset-9": Case(R + "y = Softmax(r)", "reshape softmax", TO_ROW, ROW, 9),
    "mean": Case("y = ReduceMean<axes=[1,-1], keepdims=0>(x)", "mean"),
    "mean-opset-18": Case("y = ReduceMean(x, a)", "mean", {"a": ints(2)}, opset=18),
    "reduce-nothing": Case("a = ReduceSum<noop_with_empty_axes=1>(x)\ny = Relu(a)", "relu"),
    "sum": Case("y = ReduceSum(x, a)", "sum", {"a": ints(2)}),
    "max": Case("y = ReduceMax<axes=[1]>(x)", "reduce_max"),
    "min": Case("y = ReduceMin<axes=[1]>(x)", "neg reduce_max neg"),
    "l2": Case("y = ReduceL2<axes=[1], keepdims=0>(x)", "mul sum sqrt"),
    "squares": Case("y = ReduceSumSquare<axes=[1]>(x)", "mul sum"),
}

MOVES = {
    "flatten": Case("y = Flatten(x)", "reshape"),
    "flatten-negative": Case("y = Flatten<axis=-3>(x)", "reshape"),
    "reshape-zero-and-rest": Case("y = Reshape(x, s)", "reshape", {"s": ints(0, 2, -1, 6)}),
    "squeeze": Case("a = ReduceSum(x, k)\ny = Squeeze(a, k)", "sum", {"k": ints(2)}),
    "squeeze-opset-9": Case("a = GlobalAveragePool(x)\ny = Squeeze<axes=[2,3]>(a)", "mean", opset=9),
    "unsqueeze": Case("y = Unsqueeze(x, k)", "reshape", {"k": ints(2, -1)}),
    "unsqueeze-before-the-batch": Case(
        "a = Unsqueeze(x, k)\nb = Relu(a)\nc = Concat<axis=0>(a, b)\ny = Transpose<perm=[1,0,2,3,4]>(c)",
        "relu concat reshape",
        {"k": ints(0)},
    ),
    "transpose": Case("y = Transpose<perm=[0,2,3,1]>(x)", "transpose"),
    "split": Case(
        "a, b = Split<axis=1>(x, s)\ny = Relu(a)\nz = Tanh(b)",
        "slice slice relu tanh",
        {"s": ints(1, 3)},
        outputs=("y", "z"),
    ),
    "split-equal": Case("y, z = Split<axis=-1>(x)", "slice slice", opset=13, outputs=("y", "z")),
    "split-opset-9": Case("y, z = Split<axis=2, split=[2,4]>(x)", "slice slice", opset=9, outputs=("y", "z")),
    "slice": Case("y = Slice(x, s, e, a)", "slice slice", {"s": ints(1, -3), "e": ints(3, 2**62), "a": ints(1, 2)}),
    "slice-opset-9": Case("y = Slice<starts=[0,1], ends=[1,3]>(x)", "slice", opset=9),
    "slice-strided": Case(
        "y = Slice(x, s, e, a, t)",
        "reshape slice reshape",
        {"s": ints(1), "e": ints(6), "a": ints(2), "t": ints(2)},
    ),
    "slice-strided-inside": Case(
        "y = Slice(x, s, e, a, t)",
        "slice reshape slice reshape",
        {"s": ints(0), "e": ints(4), "a": ints(3), "t": ints(3)},
        (1, 4, 6, 7),
    ),
    "gather": Case("y = Gather<axis=2>(x, k)", "slice reshape", {"k": np.int64(-2)}),
    "gather-run": Case("y = Gather<axis=1>(x, k)", "slice", {"k": ints(1, 2)}),
    "gather-order": Case("y = Gather<axis=1>(x, k)", "slice slice concat", {"k": ints(2, 3, 0)}),
    "concat": Case("a = Relu(x)\ny = Concat<axis=1>(x, a, x)", "relu concat"),
    "expand-needless": Case(
        "m = ReduceMax<axes=[1]>(x)\ne = Expand(m, s)\ny = Sub(x, e)", "reduce_max sub", {"s": ints(1, 4, 6, 6)}
    ),
    "expand": Case("m = ReduceMax<axes=[1]>(x)\ny = Expand(m, s)", "reduce_max mul", {"s": ints(4, 1, 1)}),
    "tile": Case("y = Tile(x, s)", "reshape mul reshape", {"s": ints(1, 2, 1, 3)}, (1, 2, 3, 1)),
}

CLEAN = {
    "constants": Case(
        "a = Add(c, d)\nb = Sqrt(a)\nz = ConstantOfShape(s)\ne = Add(b, z)\ny = Mul(x, e)",
        "mul",
        {"c": floats(4), "d": floats(5), "s": ints(1)},
    ),
    "shapes": Case(
        "s = Shape(x)\nb = Gather<axis=0>(s, zero)\nu = Unsqueeze(b, axis)\nt = Concat<axis=0>(u, rest)\n"
        "y = Reshape(x, t)",
        "reshape",
        {"zero": np.int64(0), "axis": ints(0), "rest": ints(-1)},
    ),
    "shape-part": Case(
        "s = Shape<start=0, end=2>(x)\nt = Concat<axis=0>(s, r)\ny = Reshape(x, t)", "reshape", {"r": ints(36)}
    ),
    "size": Case("n = Size(x)\nf = Cast<to=1>(n)\ny = Div(x, f)", "div"),
    "identity-cast-dropout": Case("a = Identity(x)\nb = Cast<to=1>(a)\nc = Dropout(b)\ny = Relu(c)", "relu"),
    "batch-norm-conv": Case(
        "c = Conv(x, w)\nn = BatchNormalization(c, s, b, m, v)\ny = Relu(n)",
        "conv relu",
        {"w": (3, 4, 3, 3), "s": (3,), "b": (3,), "m": (3,), "v": floats(0.5, 1, 2)},
    ),
    "batch-norm-linear": Case(
        R + "c = MatMul(r, w)\ny = BatchNormalization(c, s, b, m, v)",
        "reshape linear",
        {**TO_ROW, "w": (12, 3), "s": (3,), "b": (3,), "m": (3,), "v": floats(0.5, 1, 2)},
        ROW,
    ),
    "scale-conv": Case(
        "c = Conv(x, w)\na = Mul(c, k)\nb = Sub(t, a)\nd = Div(b, k)\ne = Add(d, one)\ny = Sub(e, k)",
        "conv",
        {"w": (3, 4, 3, 3), "k": floats(0.5, 2, 3).reshape(3, 1, 1), "t": (1, 3, 1, 1), "one": floats(1)},
    ),
    "scale-depthwise": Case("c = Conv<group=4>(x, w)\ny = Mul(c, k)", "conv", {"w": (4, 1, 3, 3), "k": (4, 1, 1)}),
    "scale-linear": Case(
        "c = MatMul(x, w)\na = Add(b, c)\ny = Mul(a, k)", "linear", {"w": (6, 5), "b": (5,), "k": (1, 1, 1, 5)}
    ),
    "scale-of-a-shared-conv": Case(
        "c = Conv(x, w)\ny = Mul(c, k)\nz = Relu(c)",
        "conv mul relu",
        {"w": (3, 4, 3, 3), "k": (3, 1, 1)},
        outputs=("y", "z"),
    ),
    "scale-by-place": Case("c = Conv(x, w)\ny = Mul(c, k)", "conv mul", {"w": (3, 4, 3, 3), "k": (1, 4, 4)}),
    "divided-by-conv": Case(
        "c = Conv(x, w)\ne = Exp(c)\nd = Conv(e, v)\ny = Div(k, d)",
        "conv exp conv div",
        {"w": (3, 4, 3, 3), "v": np.ones((3, 3, 1, 1), np.float32), "k": (3, 1, 1)},
    ),
    "neutral": Case(
        "a = Add(x, z)\nb = Mul(o, a)\nc = Div(b, o)\nd = Sub(c, z)\ny = Relu(d)",
        "relu",
        {"z": floats(0), "o": np.ones((4, 1, 1), np.float32)},
    ),
    "not-neutral": Case("a = Sub(z, x)\ny = Div(o, a)", "sub div", {"z": floats(0), "o": floats(1)}),
    "reshapes": Case(
        "a = Flatten(x)\nb = Unsqueeze(a, k)\nc = Squeeze(b, k)\nd = Reshape(c, s)\ny = Tanh(d)",
        "tanh",
        {"k": ints(1), "s": ints(1, 4, 6, 6)},
    ),
    "transposes": Case("a = Transpose<perm=[0,2,3,1]>(x)\nb = Transpose<perm=[0,3,1,2]>(a)\ny = Relu(b)", "relu"),
    "transposes-joined": Case("a = Transpose<perm=[0,2,3,1]>(x)\ny = Transpose<perm=[0,2,1,3]>(a)", "transpose"),
    "transpose-of-ones": Case("a = GlobalAveragePool(x)\ny = Transpose<perm=[0,2,3,1]>(a)", "mean reshape"),
    "reshape-through-functions": Case(
        "a = Flatten(x)\nb = Sigmoid(a)\nc = Add(b, k)\nd = Mul(c, c)\ny = Reshape(d, s)",
        "sigmoid add mul",
        {"k": floats(0.5), "s": ints(1, 4, 6, 6)},
    ),
    "reshape-through-two": Case(
        "t = Tanh(x)\na = Flatten(x)\nb = Flatten(t)\nc = Mul(a, b)\ny = Reshape(c, s)",
        "tanh mul",
        {"s": ints(1, 4, 6, 6)},
    ),
    "reshape-through-concat": Case(
        "t = Tanh(x)\na = Flatten(x)\nb = Flatten(t)\ny = Concat<axis=1>(a, b)", "tanh concat reshape"
    ),
    "slices": Case(
        "a = Slice<starts=[1], ends=[4], axes=[1]>(x)\ny = Slice<starts=[1], ends=[3], axes=[1]>(a)", "slice", opset=9
    ),
    "rows": Case(
        "a = Reshape(x, s)\nb = Gather<axis=1>(a, one)\nc = Gather<axis=1>(a, two)\ny = Relu(b)\nz = Tanh(c)",
        "reshape slice slice relu tanh",
        {"s": ints(1, 12, 12), "one": np.int64(1), "two": np.int64(2)},
        outputs=("y", "z"),
    ),
    "concats": Case(
        "t = Tanh(x)\na = Concat<axis=1>(x, t)\nb = Concat<axis=1>(a)\ny = Concat<axis=1>(b, x)", "tanh concat"
    ),
    "softmax-by-hand": Case("e = Exp(x)\ns = ReduceSum(e, k)\ny = Div(e, s)", "softmax", {"k": ints(1)}),
    "equal-nodes": Case("a = Add(x, c)\nb = Add(x, d)\ny = Mul(a, b)", "add mul", {"c": floats(0.5), "d": floats(0.5)}),
    "dead": Case("a = Tanh(x)\nb = MatMul(x, w)\ny = Relu(x)", "relu", {"w": (6, 6), "unused": (3,)}),
    "one-value-two-outputs": Case("y = Relu(x)\nz = Identity(y)", "relu", outputs=("y", "z")),
}

# nodes, weights, what the error says
REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "operator": ("y = Erf(x)", {}, r"Erf 'y': an operator that the network file cannot say"),
    "random": ("r = RandomNormal<shape=[1]>()\ny = Add(x, r)", {}, "RandomNormal 'r': an operator"),
    "reshape": ("y = Reshape(x, s)", {"s": ints(4, 36)}, r"Reshape 'y': mixes the batch axis 0 of \[1, 4, 6, 6\]"),
    "reshape-dynamic": ("s = Cast<to=7>(x)\ny = Reshape(x, s)", {}, "Cast 's': casts"),
    "reshape-count": ("y = Reshape(x, s)", {"s": ints(1, 5, -1)}, "Reshape 'y': expected 144 elements"),
    "squeeze": ("y = Squeeze(x, k)", {"k": ints(0)}, r"Squeeze 'y': mixes the batch axis"),
    "squeeze-size": ("y = Squeeze(x, k)", {"k": ints(1)}, r"Squeeze 'y': expected axes of size 1, got \[1\]"),
    "output-batch": ("y = Transpose<perm=[1,0,2,3]>(x)", {}, "output 'y': expected the batch axis in front, got it as"),
    "reduce": ("y = ReduceMean<axes=[0]>(x)", {}, "ReduceMean 'y': reduces the batch axis"),
    "concat": ("y = Concat<axis=0>(x, x)", {}, "Concat 'y': works along the batch axis 0"),
    "softmax": ("y = Softmax<axis=0>(x)", {}, "Softmax 'y': works along the batch axis"),
    "gather-batch": ("y = Gather<axis=0>(x, k)", {"k": ints(0, 0)}, "Gather 'y': works along the batch axis"),
    "gather-table": ("y = Gather<axis=1>(x, k)", {"k": ints(0, 1).reshape(1, 2)}, "Gather 'y': expected one place"),
    "gather-range": ("y = Gather<axis=1>(x, k)", {"k": ints(4)}, "Gather 'y': expected an axis below 4, got 4"),
    "expand-batch": ("y = Expand(x, s)", {"s": ints(2, 4, 6, 6)}, "Expand 'y': repeats the batch axis"),
    "broadcast-batch": ("y = Add(x, c)", {"c": (2, 1, 1, 1)}, "Add 'y': repeats the batch axis"),
    "broadcast": ("y = Add(x, c)", {"c": (5,)}, "Add 'y': expected shapes that broadcast"),
    "matmul-batch": ("y = MatMul(w, x)", {"w": (2, 1, 3, 6)}, "MatMul 'y': mixes the batch axes"),
    "matmul-size": ("y = MatMul(x, w)", {"w": (5, 6)}, "MatMul 'y': expected matrices that go together"),
    "gemm-transposed": (
        "r = Flatten(x)\ny = Gemm<transA=1>(r, w)",
        {"w": (1, 6)},
        "Gemm 'y': expected rows of features",
    ),
    "conv-weight": ("y = Conv(x, x)", {}, "Conv 'y': expected input 1 to be a constant"),
    "conv-channels": ("y = Conv(x, w)", {"w": (2, 3, 1, 1)}, r"Conv 'y': conv: inputs \[4, 6, 6\], \[2, 3, 1, 1\]"),
    "conv-padding": ("y = Conv<pads=[1,1,1,1]>(x, w)", {"w": (2, 4, 1, 1)}, "Conv 'y': .*padding .* is not smaller"),
    "conv-1d": (
        "r = Reshape(x, s)\ny = Conv(r, w)",
        {"s": ints(1, 4, 36), "w": (2, 4, 3)},
        r"Conv 'y': expected \[1, C",
    ),
    "conv-transpose": (
        "y = ConvTranspose<strides=[3,3]>(x, w)",
        {"w": (4, 1, 2, 2)},
        "ConvTranspose 'y': expected a kernel",
    ),
    "pad-alone": ("p = Pad(x, n)\ny = Relu(p)", {"n": ints(0, 0, 1, 1, 0, 0, 1, 1)}, "Pad 'p': expected padding only"),
    "pad-mode": ('y = Pad<mode="edge">(x, n)', {"n": ints(0, 0, 1, 1, 0, 0, 1, 1)}, "Pad 'y': expected constant"),
    "pad-value": (
        "y = Pad(x, n, v)",
        {"n": ints(0, 0, 1, 1, 0, 0, 1, 1), "v": floats(1)},
        "Pad 'y': expected padding with",
    ),
    "pad-channels": ("y = Pad(x, n)", {"n": ints(0, 1, 0, 0, 0, 0, 0, 0)}, "Pad 'y': expected padding of height"),
    "pool-indices": ("y, i = MaxPool<kernel_shape=[2,2]>(x)", {}, "MaxPool 'y': expected a pooling without dilation"),
    "pool-dilated": ("y = MaxPool<kernel_shape=[2,2], dilations=[2,2]>(x)", {}, "MaxPool 'y': expected a pooling"),
    "average-ceil": (
        "y = AveragePool<kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1], ceil_mode=1, count_include_pad=1>(x)",
        {},
        "AveragePool 'y': expected an output size",
    ),
    "resize-linear": (
        'y = Resize<mode="linear">(x, , s)',
        {"s": floats(1, 1, 2, 2)},
        "Resize 'y': expected the nearest",
    ),
    "resize-part": ("y = Resize(x, , s)", {"s": floats(1, 1, 1.5, 2)}, "Resize 'y': expected whole factors"),
    "power": ("y = Pow(x, c)", {"c": floats(1.5)}, "Pow 'y': expected the exponent"),
    "clip": ("y = Clip(x, l, h)", {"l": np.float32(1), "h": np.float32(0)}, "Clip 'y': expected limits that rise"),
    "slice-back": (
        "y = Slice(x, s, e, a, t)",
        {"s": ints(5), "e": ints(0), "a": ints(2), "t": ints(-1)},
        "Slice 'y': expected a step forward",
    ),
    "slice-empty": ("y = Slice(x, s, e, a)", {"s": ints(5), "e": ints(2), "a": ints(2)}, "Slice 'y': takes nothing"),
    "slice-step": (
        "y = Slice(x, s, e, a, t)",
        {"s": ints(0), "e": ints(6), "a": ints(2), "t": ints(4)},
        "Slice 'y': expected an axis of a multiple",
    ),
    "tile-shape": ("y = Tile(x, s)", {"s": ints(2, 1, 1, 1)}, "Tile 'y': .* the batch axis"),
    "rank": (
        "y = Reshape(x, s)",
        {"s": ints(1, 2, 2, 3, 2, 3, 2, 1)},
        "Reshape 'y': reshape: expected an output of at most 6",
    ),
    "constant-output": ("y = Add(c, c)", {"c": floats(1)}, "output 'y': expected it to depend on the picture"),
    "constant-concat": ("y = Concat<axis=1>(x, c)", {"c": (1, 1, 6, 6)}, "Concat 'y': expected input 1 to depend"),
    "constants-fail": ("a = Add(c, d)\ny = Add(x, a)", {"c": (2,), "d": (3,)}, "Add '': its constant inputs"),
    "infinite": ("y = Mul(x, c)", {"c": floats(np.inf)}, "expected finite constants"),
}
