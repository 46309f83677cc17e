"""Twin of the core's network runtime: reads a network file and computes one node after the other, in float64.

Values of 8 bits are arrays of uint8, weights of 8 bits arrays of int8.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Attributes = dict[str, Any]


def read_network(file: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The graph and the tensors of a network file."""
    length = int.from_bytes(file[:8], "little")
    header, data = json.loads(file[8 : 8 + length]), file[8 + length :]
    metadata = header.pop("__metadata__")
    assert set(metadata) == {"format", "graph"} and metadata["format"] == "hpe-edge-network/1"
    tensors, end = {}, 0
    for name, entry in header.items():
        start, stop = entry["data_offsets"]
        dtype = DTYPES[entry["dtype"]]
        assert start == end and stop - start == dtype.itemsize * int(np.prod(entry["shape"], dtype=int))
        tensors[name] = np.frombuffer(data[start:stop], dtype).reshape(entry["shape"])
        end = stop
    assert end == len(data)
    return json.loads(metadata["graph"]), tensors


def run_network(file: bytes, image: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """The outputs by name for one image (C, H, W)."""
    graph, tensors = read_network(file)
    assert list(image.shape) == graph["input"]["shape"]
    values = {name: tensor.astype(np.float64) if tensor.dtype == "f4" else tensor for name, tensor in tensors.items()}
    values[graph["input"]["name"]] = image.astype(np.float64)
    used = {output["value"] for output in graph["outputs"]}
    for node in graph["nodes"]:
        attributes = {key: value for key, value in node.items() if key not in ("op", "in", "out")}
        assert node["out"] not in values and set(attributes) == ATTRIBUTES.get(node["op"], set())
        inputs = [values[name] for name in node["in"]]
        assert [x.dtype for x in inputs] in dtypes_of(node["op"], len(inputs))
        values[node["out"]] = OPERATORS[node["op"]](attributes, *inputs)
        used.update(node["in"])
    assert used >= set(tensors)
    assert all(values[output["value"]].dtype == np.float64 for output in graph["outputs"])
    return {output["name"]: values[output["value"]].astype(np.float32) for output in graph["outputs"]}


def dtypes_of(op: str, count: int) -> list[list[Any]]:
    """The types that the inputs of an operator may have: float64 stands for float32."""
    double, byte = np.float64, np.uint8
    match op:
        case "qconv":
            return [[byte, np.int8, double, double]]
        case "dequantize":
            return [[byte]]
        case "max_pool" | "average_pool" | "qaverage_pool":
            return [[double], [byte]]
        case _:
            return [[double] * count]


def padded(x: Doubles, pad: list[int], value: float) -> Doubles:
    """x (C, H, W) with ``value`` around it; pad: top, left, bottom, right."""
    top, left, bottom, right = pad
    return np.pad(x, ((0, 0), (top, bottom), (left, right)), constant_values=value)


def windows(x: Doubles, kernel: list[int], stride: list[int]) -> Doubles:
    """All windows of x (C, H, W): (C, rows, columns, kh, kw)."""
    (kh, kw), (sy, sx) = kernel, stride
    rows, columns = (x.shape[1] - kh) // sy + 1, (x.shape[2] - kw) // sx + 1
    out = np.empty((x.shape[0], rows, columns, kh, kw))
    for i in range(rows):
        for j in range(columns):
            out[:, i, j] = x[:, i * sy : i * sy + kh, j * sx : j * sx + kw]
    return out


def conv(attributes: Attributes, x: Doubles, weight: Doubles, bias: Doubles) -> Doubles:
    """Each group of outputs sees its group of inputs."""
    groups = attributes["groups"]
    cells = windows(padded(x, attributes["pad"], 0.0), list(weight.shape[2:]), attributes["stride"])
    parts = zip(np.split(cells, groups), np.split(weight, groups), strict=True)
    out = np.concatenate([np.tensordot(w, c, axes=([1, 2, 3], [0, 3, 4])) for c, w in parts])
    return out + bias[:, None, None]


def quantize(attributes: Attributes, x: Doubles) -> Bytes:
    """The nearest of 256 levels, halves to even."""
    scale = float(np.float32(attributes["scale"]))
    return np.clip(np.rint(x / scale) + attributes["zero"], 0, 255).astype(np.uint8)


def dequantize(attributes: Attributes, x: Bytes) -> Doubles:
    """What the levels stand for."""
    return (x.astype(np.float64) - attributes["zero"]) * float(np.float32(attributes["scale"]))


def qconv(attributes: Attributes, x: Bytes, weight: NDArray[np.int8], scale: Doubles, bias: Doubles) -> Bytes:
    """Whole numbers, summed exactly, then brought to the levels of the result. Padding is what stands for 0."""
    assert 0 <= attributes["in_zero"] <= 255 and 0 <= attributes["low"] <= attributes["high"] <= 255
    assert weight.min() >= -127 and (scale > 0).all()
    distances = x.astype(np.float64) - attributes["in_zero"]
    total = conv(attributes, distances, weight.astype(np.float64), np.zeros(len(weight)))
    assert (total == np.rint(total)).all() and np.abs(total).max() < 2**31
    result = np.rint(total * scale[:, None, None] + bias[:, None, None])
    return np.clip(result, attributes["low"], attributes["high"]).astype(np.uint8)


def linear(_: Attributes, x: Doubles, weight: Doubles, bias: Doubles) -> Doubles:
    """x W^T + b over the last axis."""
    return x @ weight.T + bias


def softmax(attributes: Attributes, x: Doubles) -> Doubles:
    """exp(x) over its sum; the largest value is taken off first, which changes nothing but the range."""
    power = np.exp(x - x.max(axis=attributes["axis"], keepdims=True))
    return power / power.sum(axis=attributes["axis"], keepdims=True)


def on_bytes(pool: Callable[[Attributes, Doubles], Doubles]) -> Callable[[Attributes, Any], Any]:
    """A pool that takes u8, too: the same numbers, rounded half to even. Padding has no level to count as."""

    def either(attributes: Attributes, x: Doubles | Bytes) -> Doubles | Bytes:
        result = pool(attributes, x.astype(np.float64))
        if x.dtype == np.float64:
            return result
        assert not (attributes.get("count_pad") and any(attributes["pad"]))
        return np.rint(result).astype(np.uint8)

    return either


@on_bytes
def max_pool(attributes: Attributes, x: Doubles) -> Doubles:
    """The largest cell of each window; padding is never the largest."""
    cells = windows(padded(x, attributes["pad"], -np.inf), attributes["kernel"], attributes["stride"])
    return cells.max(axis=(3, 4))


@on_bytes
def average_pool(attributes: Attributes, x: Doubles) -> Doubles:
    """The sum of each window over the number of its cells, or of those that are not padding."""
    kernel, stride = attributes["kernel"], attributes["stride"]
    total = windows(padded(x, attributes["pad"], 0.0), kernel, stride).sum(axis=(3, 4))
    if attributes["count_pad"]:
        return total / (kernel[0] * kernel[1])
    inside = windows(padded(np.ones_like(x), attributes["pad"], 0.0), kernel, stride).sum(axis=(3, 4))
    return total / inside


def qaverage_pool(attributes: Attributes, x: Bytes) -> Bytes:
    """The mean of the cells that are not padding times ``gain``, rounded half to even."""
    assert x.dtype == np.uint8 and attributes["gain"] > 0
    mean = average_pool(attributes | {"count_pad": False}, x.astype(np.float64))
    return np.minimum(np.rint(mean * np.float32(attributes["gain"])), 255).astype(np.uint8)


def reduction(function: Callable[..., Any]) -> Callable[[Attributes, Doubles], Doubles]:
    """numpy's reduction over ``axes``."""
    return lambda a, x: np.asarray(function(x, axis=tuple(a["axes"]), keepdims=a["keep"]))


def slice_(attributes: Attributes, x: Doubles) -> Doubles:
    """Part of one axis."""
    return x.take(range(attributes["start"], attributes["stop"]), axis=attributes["axis"])


DTYPES = {"F32": np.dtype("<f4"), "I8": np.dtype("i1")}
OPERATORS: dict[str, Callable[..., Any]] = {
    "conv": conv,
    "qconv": qconv,
    "quantize": quantize,
    "dequantize": dequantize,
    "linear": linear,
    "matmul": lambda _, a, b: a @ b,
    "add": lambda _, a, b: a + b,
    "sub": lambda _, a, b: a - b,
    "mul": lambda _, a, b: a * b,
    "div": lambda _, a, b: a / b,
    "min": lambda _, a, b: np.minimum(a, b),
    "max": lambda _, a, b: np.maximum(a, b),
    "relu": lambda _, x: np.maximum(x, 0.0),
    "sigmoid": lambda _, x: 1.0 / (1.0 + np.exp(-x)),
    "tanh": lambda _, x: np.tanh(x),
    "exp": lambda _, x: np.exp(x),
    "sqrt": lambda _, x: np.sqrt(x),
    "neg": lambda _, x: -x,
    "clip": lambda a, x: np.minimum(np.maximum(x, a["low"]), a["high"]),
    "softmax": softmax,
    "max_pool": max_pool,
    "average_pool": average_pool,
    "qaverage_pool": qaverage_pool,
    "mean": reduction(np.mean),
    "sum": reduction(np.sum),
    "reduce_max": reduction(np.max),
    "reshape": lambda a, x: x.reshape(a["shape"]),
    "transpose": lambda a, x: x.transpose(a["perm"]),
    "concat": lambda a, *x: np.concatenate(x, axis=a["axis"]),
    "slice": slice_,
}
ATTRIBUTES = {
    "conv": {"stride", "pad", "groups"},
    "qconv": {"stride", "pad", "groups", "in_zero", "low", "high"},
    **{op: {"scale", "zero"} for op in ("quantize", "dequantize")},
    "clip": {"low", "high"},
    "softmax": {"axis"},
    "max_pool": {"kernel", "stride", "pad"},
    "average_pool": {"kernel", "stride", "pad", "count_pad"},
    "qaverage_pool": {"kernel", "stride", "pad", "gain"},
    **{op: {"axes", "keep"} for op in ("mean", "sum", "reduce_max")},
    "reshape": {"shape"},
    "transpose": {"perm"},
    "concat": {"axis"},
    "slice": {"axis", "start", "stop"},
}
