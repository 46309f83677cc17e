"""Lowering of layers with weights, pooling, padding and enlarging."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from hpe_edge.training.native.trace import Array, Call, Traced, aligned, without

Pads = tuple[int, int, int, int]
_NO_PAD: Pads = (0, 0, 0, 0)


def _images(call: Call) -> Traced:
    """Input 0 as pictures [1, C, H, W]."""
    x = call.batch_first(call.traced())
    if len(x.shape) != 4:
        raise call.error(f"expected [1, C, H, W], got {list(x.shape)}")
    return x


def _pair(call: Call, name: str) -> tuple[int, int]:
    values = call.attributes.get(name, [1, 1])
    return int(values[0]), int(values[1])


def _pads(call: Call, x: Traced, kernel: Sequence[int], stride: Sequence[int]) -> Pads:
    """top, left, bottom, right; automatic padding is computed from the input's size."""
    auto = call.attributes.get("auto_pad", b"NOTSET").decode()
    if auto == "NOTSET":
        top, left, bottom, right = (int(n) for n in call.attributes.get("pads", _NO_PAD))
        return top, left, bottom, right
    if auto == "VALID":
        return _NO_PAD
    total = [max((-(-x.shape[k + 2] // stride[k]) - 1) * stride[k] + kernel[k] - x.shape[k + 2], 0) for k in range(2)]
    less, more = [n // 2 for n in total], [n - n // 2 for n in total]
    first, last = (less, more) if auto == "SAME_UPPER" else (more, less)
    return first[0], first[1], last[0], last[1]


def _before_padding(call: Call, x: Traced) -> tuple[str, Pads]:
    """The value and the zeros that a Pad node puts around it, which the layer behind can do itself."""
    producer = next((node for node in call.graph.nodes if node.output == x.name), None)
    if producer is None or producer.op != "pad":
        return x.name, _NO_PAD
    return producer.inputs[0], producer.attributes["pad"]


def _dilated(weight: Array, dilation: tuple[int, int]) -> Array:
    """A dilated kernel as a dense one: zeros between its cells."""
    if dilation == (1, 1):
        return weight
    outputs, inputs, height, width = weight.shape
    dense = np.zeros((outputs, inputs, (height - 1) * dilation[0] + 1, (width - 1) * dilation[1] + 1))
    dense[:, :, :: dilation[0], :: dilation[1]] = weight
    return dense


def _bias(call: Call, k: int, size: int) -> Array:
    bias = call.constant(k)
    return np.zeros(size) if bias is None else np.broadcast_to(bias.astype(np.float64).reshape(-1), size)


def conv(call: Call) -> Traced:
    """Conv, its dilation written into the kernel and a Pad before it into its padding."""
    x, weight = _images(call), call.tensor(1)
    if weight.ndim != 4:
        raise call.error(f"expected a kernel [O, C, kh, kw], got {list(weight.shape)}")
    weight, stride = _dilated(weight, _pair(call, "dilations")), _pair(call, "strides")
    own = _pads(call, x, weight.shape[2:], stride)
    source, outer = _before_padding(call, x)
    total = [a + b for a, b in zip(own, outer, strict=True)]
    if any(total[k] >= weight.shape[2 + k % 2] for k in range(4)):
        source, total = x.name, list(own)
    names = [source, call.graph.constant(weight), call.graph.constant(_bias(call, 2, weight.shape[0]))]
    return call.emit("conv", names, 0, stride=list(stride), pad=total, groups=int(call.attributes.get("group", 1)))


def conv_transpose(call: Call) -> Traced:
    """ConvTranspose: the map with zeros between its cells, convolved with the turned kernel."""
    x, weight, stride = _images(call), call.tensor(1), _pair(call, "strides")
    groups, attributes = int(call.attributes.get("group", 1)), call.attributes
    automatic = "output_shape" in attributes or attributes.get("auto_pad", b"NOTSET") != b"NOTSET"
    if automatic or _pair(call, "dilations") != (1, 1):
        raise call.error("expected explicit padding and no dilation")
    pads, extra = attributes.get("pads", _NO_PAD), attributes.get("output_padding", (0, 0))
    kernel = weight.shape[2:]
    pad = [kernel[k] - 1 - int(pads[k]) for k in range(2)]
    pad += [kernel[k] - int(pads[k + 2]) - stride[k] + int(extra[k]) for k in range(2)]
    if min(pad) < 0:
        raise call.error(f"expected a kernel {list(kernel)} not smaller than its padding and stride")
    name = _spread(call, x, stride, "zeros")
    per_group = weight.shape[0] // groups
    turned = weight[:, :, ::-1, ::-1].reshape(groups, per_group, -1, *kernel).swapaxes(1, 2)
    turned = turned.reshape(-1, per_group, *kernel)
    names = [name, call.graph.constant(turned), call.graph.constant(_bias(call, 2, len(turned)))]
    return call.emit("conv", names, 0, stride=[1, 1], pad=pad, groups=groups)


def _spread(call: Call, x: Traced, factor: Sequence[int], between: str) -> str:
    """Each cell of a map as a block of ``factor`` cells: itself and zeros, or copies of itself."""
    _, c, h, w = x.shape
    if tuple(factor) == (1, 1):
        return x.name
    block = np.ones((1, 1, factor[0], 1, factor[1]))
    if between == "zeros":
        block[...] = 0
        block[0, 0, 0, 0, 0] = 1
    cells = call.emit("reshape", [x.name], 0, shape=[c, h, 1, w, 1])
    spread = call.emit("mul", [cells.name, call.graph.constant(block)], 0)
    joined = call.emit("reshape", [spread.name], 0, shape=[c, h * factor[0], w * factor[1]])
    return joined.name


def resize(call: Call) -> Traced:
    """Resize and Upsample to the nearest cell by whole factors."""
    x, attributes = _images(call), call.attributes
    scales = attributes.get("scales")
    if scales is None:
        given = call.constant(1 if call.op == "Upsample" or len(call.inputs) == 2 else 2)
        sizes = call.constant(3)
        scales = given if given is not None and given.size else None if sizes is None else sizes / np.array(x.shape)
    place = attributes.get("coordinate_transformation_mode", b"half_pixel" if call.op == "Resize" else b"asymmetric")
    rounds = attributes.get("nearest_mode", b"round_prefer_floor" if call.op == "Resize" else b"floor")
    same_cells = (place == b"asymmetric" and rounds == b"floor") or (
        place in (b"half_pixel", b"pytorch_half_pixel") and rounds.startswith(b"round")
    )
    factors = [] if scales is None else [float(s) for s in np.asarray(scales)]
    if attributes.get("mode", b"nearest") != b"nearest" or not same_cells or len(factors) != 4:
        raise call.error("expected the nearest cell and constant scales")
    if factors[:2] != [1, 1] or any(f < 1 or f % 1 for f in factors):
        raise call.error(f"expected whole factors for height and width, got {factors}")
    name = _spread(call, x, [int(f) for f in factors[2:]], "copies")
    return Traced(name, (1, *call.graph.shapes[name]), 0)


def pad(call: Call) -> Traced:
    """Pad with zeros above, left, below and right; only layers that pad themselves can use it."""
    x, pads = call.traced(), call.integers("pads", 1)
    if call.attributes.get("mode", b"constant") != b"constant" or pads is None:
        raise call.error("expected constant padding")
    value, axes = call.constant(2), call.integers("axes", 3)
    if axes is not None:
        rank = len(x.shape)
        places = [call.axis(axis, rank) for axis in axes]
        full = [0] * (2 * rank)
        for k, axis in enumerate(places):
            full[axis], full[axis + rank] = pads[k], pads[k + len(axes)]
        pads = full
    if not any(pads):
        return x
    x = _images(call)
    if call.attributes.get("value", 0.0) or (value is not None and value.size and value.ravel()[0] != 0):
        raise call.error("expected padding with zeros")
    if any(pads[k] for k in (0, 1, 4, 5)) or min(pads) < 0:
        raise call.error(f"expected padding of height and width, got {pads}")
    return call.emit("pad", [x.name], 0, pad=(pads[2], pads[3], pads[6], pads[7]))


def _reach(call: Call, x: Traced, pads: Pads, kernel: Sequence[int], stride: Sequence[int]) -> Pads:
    """The padding with as much more below and right as rounding the output's size up needs."""
    if not call.attributes.get("ceil_mode", 0):
        return pads
    size = x.shape[2:]
    more = [0, 0]
    for k in range(2):
        room = size[k] + pads[k] + pads[k + 2] - kernel[k]
        cells = -(-room // stride[k]) + 1
        if (cells - 1) * stride[k] >= size[k] + pads[k]:  # a window that would begin in the padding is left out
            cells -= 1
        more[k] = max((cells - 1) * stride[k] - room, 0)
    return pads[0], pads[1], pads[2] + more[0], pads[3] + more[1]


def max_pool(call: Call) -> Traced:
    """MaxPool without indices."""
    x, kernel, stride = _images(call), _pair(call, "kernel_shape"), _pair(call, "strides")
    if _pair(call, "dilations") != (1, 1) or call.outputs > 1:
        raise call.error("expected a pooling without dilation and without indices")
    pads = _reach(call, x, _pads(call, x, kernel, stride), kernel, stride)
    return call.emit("max_pool", [x.name], 0, kernel=list(kernel), stride=list(stride), pad=list(pads))


def average_pool(call: Call) -> Traced:
    """AveragePool; zeros of a Pad before it count as cells."""
    x, kernel, stride = _images(call), _pair(call, "kernel_shape"), _pair(call, "strides")
    if _pair(call, "dilations") != (1, 1):
        raise call.error("expected a pooling without dilation")
    own = _pads(call, x, kernel, stride)
    pads, counted = _reach(call, x, own, kernel, stride), bool(call.attributes.get("count_include_pad", 0))
    if pads != own and counted:
        if any(own):
            raise call.error("expected an output size that is not rounded up where padding counts")
        counted = False
    counted = counted and any(pads)
    source, outer = _before_padding(call, x)
    if any(outer) and not any(pads) and all(n < kernel[k % 2] for k, n in enumerate(outer)):
        name, pads, counted = source, outer, True
    else:
        name = x.name
    attributes = {"kernel": list(kernel), "stride": list(stride), "pad": list(pads), "count_pad": counted}
    return call.emit("average_pool", [name], 0, **attributes)


def global_pool(call: Call) -> Traced:
    """GlobalAveragePool and GlobalMaxPool over height and width."""
    x = _images(call)
    op = "mean" if call.op == "GlobalAveragePool" else "reduce_max"
    return call.emit(op, [x.name], 0, axes=[1, 2], keep=True)


def batch_normalization(call: Call) -> Traced:
    """BatchNormalization as a factor and a term for each channel; the clean-up puts them into the layer before."""
    x = call.batch_first(call.traced())
    scale, shift, mean, variance = (call.tensor(k) for k in range(1, 5))
    factor = scale / np.sqrt(variance + call.attributes.get("epsilon", 1e-5))
    shape = (-1,) + (1,) * (len(x.shape) - 2)
    scaled = call.binary("mul", x, factor.reshape(shape))
    return call.binary("add", scaled, (shift - mean * factor).reshape(shape))


def gemm(call: Call) -> Traced:
    """Gemm with constant weights."""
    x, weight, attributes = call.traced(), call.tensor(1), call.attributes
    if attributes.get("transA", 0) or len(x.shape) != 2:
        raise call.error("expected rows of features times constant weights")
    weight = (weight if attributes.get("transB", 0) else weight.T) * attributes.get("alpha", 1.0)
    rest = call.inputs[2] if len(call.inputs) > 2 else None
    bias = None if isinstance(rest, Traced) else rest
    if bias is not None and bias.size not in (1, len(weight)):
        raise call.error(f"expected a bias of {len(weight)} values, got {list(bias.shape)}")
    beta = attributes.get("beta", 1.0)
    values = np.zeros(len(weight)) if bias is None else np.broadcast_to(bias.reshape(-1) * beta, len(weight))
    out = _linear(call, x, weight, values)
    if not isinstance(rest, Traced):
        return out
    return call.binary("add", out, rest if beta == 1 else call.scalar("mul", rest, beta))


def _linear(call: Call, x: Traced, weight: Array, bias: Array) -> Traced:
    """weight: [O, I]."""
    x, _ = call.off_axis(x, -1)
    names = [x.name, call.graph.constant(weight), call.graph.constant(bias)]
    return call.emit("linear", names, x.batch)


def matmul(call: Call) -> Traced:
    """MatMul: a constant matrix on the right is a linear layer."""
    a, b = call.operand(0), call.operand(1)
    vectors = [isinstance(x, np.ndarray) and x.ndim == 1 for x in (a, b)]
    a = a[None] if vectors[0] else a
    b = b[:, None] if vectors[1] else b
    if min(len(a.shape), len(b.shape)) < 2 or a.shape[-1] != b.shape[-2]:
        raise call.error(f"expected matrices that go together, got {list(a.shape)} and {list(b.shape)}")
    if isinstance(a, Traced) and not isinstance(b, Traced) and b.ndim == 2:
        out = _linear(call, a, b.T, np.zeros(b.shape[1]))
    else:
        out = _product(call, a, b)
    dropped = [k for k, vector in zip((-2, -1), vectors, strict=True) if vector]
    return call.reshape(out, without(out.shape, len(out.shape) + dropped[0])) if dropped else out


def _product(call: Call, a: Traced | Array, b: Traced | Array) -> Traced:
    """A product whose batch axis leads; where it is the rows' or columns' axis, that axis stays with size 1."""
    rank = max(len(a.shape), len(b.shape))
    leading = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    shape = (*leading, a.shape[-2], b.shape[-1])
    places = [x.batch + rank - len(x.shape) for x in (a, b) if isinstance(x, Traced)]
    batch = next((k for k in places if k < rank - 2 and shape[k] == 1), None)
    if batch is not None:
        names = [call.stored(x, without(aligned(x.shape, rank), batch)) for x in (a, b)]
        return call.emit("matmul", names, batch)
    edges = [k for k in (rank - 2, rank - 1) if shape[k] == 1 and k in places]
    if not edges:
        raise call.error(f"mixes the batch axes of {list(a.shape)} and {list(b.shape)}")
    product = call.graph.add("matmul", [call.stored(x, x.shape) for x in (a, b)], {}, call.name)
    return call.emit("reshape", [product], edges[0], shape=list(without(shape, edges[0])))


LOWERINGS: dict[str, Callable[[Call], Traced]] = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "Resize": resize,
    "Upsample": resize,
    "Pad": pad,
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "GlobalAveragePool": global_pool,
    "GlobalMaxPool": global_pool,
    "BatchNormalization": batch_normalization,
    "Gemm": gemm,
    "MatMul": matmul,
}
