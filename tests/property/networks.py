"""Random small network files: a chain of nodes with odd sizes, now and then joined with what came before."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from hpe_edge.training.native.container import pack
from hypothesis import strategies as st
from numpy.typing import NDArray

Floats = NDArray[np.float32]
UNARY = ["relu", "sigmoid", "tanh", "exp", "neg", "clip"]
BINARY = ["add", "sub", "mul", "min", "max"]


class Chain:
    """A network that grows at its end. Values stay near 1, so that no operator leaves the range of float32."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        # few channels lie in planes, many side by side; neither is a multiple of the lanes of a vector
        channels = draw(st.sampled_from([1, 2, 3, 5, 8, 17, 33]))
        self.input = [channels, draw(st.integers(1, 13)), draw(st.integers(1, 13))]
        self.shapes: dict[str, list[int]] = {"x": self.input}
        self.nodes: list[dict[str, Any]] = []
        self.tensors: dict[str, Floats] = {}
        self.last = "x"

    @property
    def shape(self) -> list[int]:
        return self.shapes[self.last]

    def tensor(self, *shape: int, scale: float = 1.0) -> str:
        name = f"t{len(self.tensors)}"
        self.tensors[name] = (self.rng.standard_normal(shape) * scale).astype(np.float32)
        return name

    def add(self, op: str, inputs: list[str], size: list[int], /, **attributes: Any) -> None:
        name = f"v{len(self.nodes)}"
        self.nodes.append({"op": op, "in": inputs, "out": name, **attributes})
        self.shapes[name] = [int(n) for n in size]
        self.last = name

    def file(self) -> bytes:
        """The file; every value that nothing reads is an output."""
        read = {name for node in self.nodes for name in node["in"]}
        outputs = [{"name": f"out_{n['out']}", "value": n["out"]} for n in self.nodes if n["out"] not in read]
        graph = {"input": {"name": "x", "shape": self.input}, "outputs": outputs, "nodes": self.nodes}
        return pack(self.tensors, {"format": "hpe-edge-network/1", "graph": json.dumps(graph)})


def windows(chain: Chain) -> tuple[list[int], list[int], list[int], list[int]]:
    """kernel, stride and pad that fit the last value, and the size of the result."""
    draw, size = chain.draw, chain.shape[1:]
    kernel = [draw(st.sampled_from([1, 2, 3, 3, 3, 5])) for _ in size]
    stride = [draw(st.sampled_from([1, 1, 2, 3])) for _ in size]
    pad = [draw(st.integers(0, kernel[i % 2] - 1)) for i in range(4)]  # top, left, bottom, right
    for axis in range(2):
        pad[axis + 2] = max(pad[axis + 2], kernel[axis] - size[axis] - pad[axis])
        if pad[axis + 2] >= kernel[axis]:
            pad[axis], pad[axis + 2] = kernel[axis] - 1, kernel[axis] - 1
    out = [(size[a] + pad[a] + pad[a + 2] - kernel[a]) // stride[a] + 1 for a in range(2)]
    return kernel, stride, pad, out


def add_conv(chain: Chain) -> None:
    kernel, stride, pad, size = windows(chain)
    channels = chain.shape[0]
    groups = chain.draw(st.sampled_from([g for g in (1, 1, 2, channels) if channels % g == 0]))
    wide = chain.draw(st.sampled_from([1, 2, 16, 19, 34]))
    outputs = channels if groups == channels else groups * wide
    taps = channels // groups * kernel[0] * kernel[1]
    weight = chain.tensor(outputs, channels // groups, *kernel, scale=taps**-0.5)
    inputs = [chain.last, weight, chain.tensor(outputs)]
    chain.add("conv", inputs, [outputs, *size], stride=stride, pad=pad, groups=groups)


def add_winograd(chain: Chain) -> None:
    """A convolution that is fast enough for the minimal filtering, of any size."""
    channels = chain.shape[0]
    outputs = chain.draw(st.sampled_from([16, 21, 48]))
    weight = chain.tensor(outputs, channels, 3, 3, scale=(9 * channels) ** -0.5)
    inputs = [chain.last, weight, chain.tensor(outputs)]
    chain.add("conv", inputs, [outputs, *chain.shape[1:]], stride=[1, 1], pad=[1, 1, 1, 1], groups=1)


def add_pool(chain: Chain) -> None:
    kernel, stride, pad, size = windows(chain)
    # a window that sees padding alone has no mean
    pad = [min(p, (kernel[i % 2] - 1) // 2) for i, p in enumerate(pad)]
    size = [(chain.shape[a + 1] + pad[a] + pad[a + 2] - kernel[a]) // stride[a] + 1 for a in range(2)]
    if min(size) < 1:
        return
    attributes: dict[str, Any] = {"kernel": kernel, "stride": stride, "pad": pad}
    if chain.draw(st.booleans()):
        chain.add("max_pool", [chain.last], [chain.shape[0], *size], **attributes)
    else:
        attributes["count_pad"] = chain.draw(st.booleans())
        chain.add("average_pool", [chain.last], [chain.shape[0], *size], **attributes)


def add_linear(chain: Chain) -> None:
    if not chain.shape:
        return
    outputs, inputs = chain.draw(st.sampled_from([1, 3, 16, 50])), chain.shape[-1]
    weight = chain.tensor(outputs, inputs, scale=inputs**-0.5)
    chain.add("linear", [chain.last, weight, chain.tensor(outputs)], [*chain.shape[:-1], outputs])


def add_matmul(chain: Chain) -> None:
    """With a constant on either side, with as many leading axes or fewer, or with its own transpose."""
    if len(chain.shape) < 2:
        return
    *lead, rows, columns = chain.shape
    n = chain.draw(st.sampled_from([1, 4, 18]))
    match chain.draw(st.integers(0, 3)):
        case 0:
            other = chain.tensor(*lead, columns, n, scale=columns**-0.5)
            chain.add("matmul", [chain.last, other], [*lead, rows, n])
        case 1:
            other = chain.tensor(n, rows, scale=rows**-0.5)
            chain.add("matmul", [other, chain.last], [*lead, n, columns])
        case 2 if len(lead) < 3:
            other = chain.tensor(2, *[1] * len(lead), columns, n, scale=columns**-0.5)
            chain.add("matmul", [chain.last, other], [2, *lead, rows, n])
        case _:
            left, perm = chain.last, [*range(len(lead)), len(lead) + 1, len(lead)]
            chain.add("softmax", [left], chain.shape, axis=len(lead))  # keeps the products near 1
            chain.add("transpose", [chain.last], [*lead, columns, rows], perm=perm)
            chain.add("matmul", [left, chain.last], [*lead, rows, rows])


def add_unary(chain: Chain) -> None:
    op = chain.draw(st.sampled_from(UNARY))
    if op == "exp":  # of what lies between -1 and 1
        chain.add("tanh", [chain.last], chain.shape)
    chain.add(op, [chain.last], chain.shape, **({"low": -0.5, "high": 0.75} if op == "clip" else {}))


def add_binary(chain: Chain) -> None:
    """With a constant that repeats along some axes, or with an earlier value of the same shape."""
    op = chain.draw(st.sampled_from(BINARY))
    same = [name for name, shape in chain.shapes.items() if shape == chain.shape]
    kept = [n if chain.draw(st.booleans()) else 1 for n in chain.shape]
    dropped = chain.draw(st.integers(0, len(kept)))
    other = chain.draw(st.sampled_from(same)) if chain.draw(st.booleans()) else chain.tensor(*kept[dropped:])
    inputs = [chain.last, other] if chain.draw(st.booleans()) else [other, chain.last]
    chain.add(op, inputs, chain.shape)


def add_shape(chain: Chain) -> None:
    """Moves without arithmetic."""
    draw, shape = chain.draw, chain.shape
    match draw(st.integers(0, 3)):
        case 0:
            flat = [int(np.prod(shape, dtype=int))]
            targets = [flat, [1, *shape], [*shape, 1]]
            targets += [[shape[0], flat[0] // shape[0]], [flat[0] // shape[-1], shape[-1]]] if shape else []
            new = draw(st.sampled_from([t for t in targets if len(t) <= 5]))
            chain.add("reshape", [chain.last], new, shape=new)
        case 1:
            perm = draw(st.permutations(range(len(shape))))
            chain.add("transpose", [chain.last], [shape[p] for p in perm], perm=list(perm))
        case 2 if shape:
            axis = draw(st.integers(0, len(shape) - 1))
            start = draw(st.integers(0, shape[axis] - 1))
            stop = draw(st.integers(start + 1, shape[axis]))
            whole, ends = chain.last, [(start, stop)]
            if stop < shape[axis]:  # an output that must outlive what is done with the other part
                ends.insert(0, (stop, shape[axis]))
            for first, last in ends:
                new = [*shape[:axis], last - first, *shape[axis + 1 :]]
                chain.add("slice", [whole], new, axis=axis, start=first, stop=last)
        case 3 if shape:
            axis = draw(st.integers(0, len(shape) - 1))
            others = [name for name, s in chain.shapes.items() if s == shape]
            inputs = [chain.last, *draw(st.lists(st.sampled_from(others), max_size=2))]
            chain.add("concat", inputs, [*shape[:axis], shape[axis] * len(inputs), *shape[axis + 1 :]], axis=axis)


def add_axis(chain: Chain) -> None:
    """Softmax, or a reduction over some axes."""
    draw, shape = chain.draw, chain.shape
    if not shape:
        return
    if draw(st.booleans()):
        chain.add("softmax", [chain.last], shape, axis=draw(st.integers(0, len(shape) - 1)))
        return
    axes = sorted(draw(st.sets(st.integers(0, len(shape) - 1), min_size=1)))
    keep = draw(st.booleans())
    new = [1 if i in axes else n for i, n in enumerate(shape) if keep or i not in axes]
    op = draw(st.sampled_from(["mean", "reduce_max"]))
    chain.add(op, [chain.last], new, axes=axes, keep=keep)


ON_IMAGES = [add_conv, add_winograd, add_pool]
ON_ANYTHING = [add_linear, add_matmul, add_unary, add_binary, add_shape, add_shape, add_axis, add_axis]


@st.composite
def networks(draw: st.DrawFn) -> tuple[bytes, Floats]:
    """A network file and a picture for it."""
    chain = Chain(draw)
    for _ in range(draw(st.integers(1, 6))):
        choices = ON_ANYTHING + (ON_IMAGES * 3 if len(chain.shape) == 3 else [])
        if int(np.prod(chain.shape, dtype=int)) < 20_000:
            draw(st.sampled_from(choices))(chain)
    if not chain.nodes:
        chain.add("relu", [chain.last], chain.shape)
    return chain.file(), chain.rng.standard_normal(chain.input).astype(np.float32)
