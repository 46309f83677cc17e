"""Twin of the core's network runtime: reads a network file and computes one node after the other, in float64."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Attributes = dict[str, Any]


def read_network(file: bytes) -> tuple[dict[str, Any], dict[str, NDArray[np.float32]]]:
    """The graph and the tensors of a network file."""
    length = int.from_bytes(file[:8], "little")
    header, data = json.loads(file[8 : 8 + length]), file[8 + length :]
    metadata = header.pop("__metadata__")
    assert set(metadata) == {"format", "graph"} and metadata["format"] == "hpe-edge-network/1"
    tensors, end = {}, 0
    for name, entry in header.items():
        start, stop = entry["data_offsets"]
        assert entry["dtype"] == "F32" and start == end and stop - start == 4 * int(np.prod(entry["shape"], dtype=int))
        tensors[name] = np.frombuffer(data[start:stop], "<f4").reshape(entry["shape"])
        end = stop
    assert end == len(data)
    return json.loads(metadata["graph"]), tensors


def run_network(file: bytes, image: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """The outputs by name for one image (C, H, W)."""
    graph, tensors = read_network(file)
    assert list(image.shape) == graph["input"]["shape"]
    values = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}
    values[graph["input"]["name"]] = image.astype(np.float64)
    used = {output["value"] for output in graph["outputs"]}
    for node in graph["nodes"]:
        attributes = {key: value for key, value in node.items() if key not in ("op", "in", "out")}
        assert node["out"] not in values and set(attributes) == ATTRIBUTES.get(node["op"], set())
        values[node["out"]] = OPERATORS[node["op"]](attributes, *(values[name] for name in node["in"]))
        used.update(node["in"])
    assert used >= set(tensors)
    return {output["name"]: values[output["value"]].astype(np.float32) for output in graph["outputs"]}


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


def linear(_: Attributes, x: Doubles, weight: Doubles, bias: Doubles) -> Doubles:
    """x W^T + b over the last axis."""
    return x @ weight.T + bias


def softmax(attributes: Attributes, x: Doubles) -> Doubles:
    """exp(x) over its sum; the largest value is taken off first, which changes nothing but the range."""
    power = np.exp(x - x.max(axis=attributes["axis"], keepdims=True))
    return power / power.sum(axis=attributes["axis"], keepdims=True)


def max_pool(attributes: Attributes, x: Doubles) -> Doubles:
    """The largest cell of each window; padding is never the largest."""
    cells = windows(padded(x, attributes["pad"], -np.inf), attributes["kernel"], attributes["stride"])
    return cells.max(axis=(3, 4))


def average_pool(attributes: Attributes, x: Doubles) -> Doubles:
    """The sum of each window over the number of its cells, or of those that are not padding."""
    kernel, stride = attributes["kernel"], attributes["stride"]
    total = windows(padded(x, attributes["pad"], 0.0), kernel, stride).sum(axis=(3, 4))
    if attributes["count_pad"]:
        return total / (kernel[0] * kernel[1])
    inside = windows(padded(np.ones_like(x), attributes["pad"], 0.0), kernel, stride).sum(axis=(3, 4))
    return total / inside


def reduction(function: Callable[..., Any]) -> Callable[[Attributes, Doubles], Doubles]:
    """numpy's reduction over ``axes``."""
    return lambda a, x: np.asarray(function(x, axis=tuple(a["axes"]), keepdims=a["keep"]))


def slice_(attributes: Attributes, x: Doubles) -> Doubles:
    """Part of one axis."""
    return x.take(range(attributes["start"], attributes["stop"]), axis=attributes["axis"])


OPERATORS: dict[str, Callable[..., Doubles]] = {
    "conv": conv,
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
    "clip": {"low", "high"},
    "softmax": {"axis"},
    "max_pool": {"kernel", "stride", "pad"},
    "average_pool": {"kernel", "stride", "pad", "count_pad"},
    **{op: {"axes", "keep"} for op in ("mean", "sum", "reduce_max")},
    "reshape": {"shape"},
    "transpose": {"perm"},
    "concat": {"axis"},
    "slice": {"axis", "start", "stop"},
}
