"""The native network's graph (docs/NETWORK_FILE.md) in torch, float32 or 16 bits, for any number of pictures at once.

Values have the batch axis in front, which the file does not have: axes are counted behind it. Constants have a batch of
one, and ranks are made equal before an operator broadcasts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812, as torch writes it
from hpe_edge.training.native.graph import Graph
from torch import Tensor, nn

Attributes = dict[str, Any]
WEIGHTED = ("conv", "linear")
"""Their second and third inputs are weights as they are, without a batch axis."""


class TorchNetwork(nn.Module):
    """A float graph as a module: pictures (N, C, H, W) to the network's outputs by name, (N, ...) each.

    >>> graph = Graph("x", shapes={"x": (3, 4, 4)})
    >>> graph.outputs["y"] = graph.add("mean", ["x"], {"axes": [1, 2], "keep": False})
    >>> TorchNetwork(graph)(torch.ones(2, 3, 4, 4))["y"].shape
    torch.Size([2, 3])
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self._input_name = graph.input_name
        self._nodes = list(graph.nodes)
        self._outputs = dict(graph.outputs)
        # names of a file may hold dots, those of buffers may not
        self._constants = {name: f"constant{number}" for number, name in enumerate(graph.constants)}
        for name, buffer in self._constants.items():
            self.register_buffer(buffer, torch.from_numpy(graph.constants[name].copy()))

    def stored(self, name: str) -> Tensor:
        """A constant, without a batch axis."""
        number: Tensor = getattr(self, self._constants[name])
        return number

    def computed(self, name: str, value: Tensor) -> Tensor:
        """What becomes of a value, or of the input, before others read it: it stays as it is."""
        return value

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Every node in order."""
        weights = {name: self.stored(name) for name in self._constants}
        values = {name: weight.unsqueeze(0) for name, weight in weights.items()}
        values[self._input_name] = self.computed(self._input_name, images)
        for node in self._nodes:
            first, *others = node.inputs
            if node.op in WEIGHTED:
                inputs = [values[first], *(weights[name] for name in others)]
            else:
                inputs = [values[name] for name in node.inputs]
            values[node.output] = self.computed(node.output, OPERATORS[node.op](node.attributes, *inputs))
        return {
            name: values[value].expand(len(images), *values[value].shape[1:]) for name, value in self._outputs.items()
        }


def _padded(x: Tensor, pad: list[int], value: float) -> Tensor:
    top, left, bottom, right = pad
    return F.pad(x, (left, right, top, bottom), value=value) if any(pad) else x


def _conv(a: Attributes, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return F.conv2d(_padded(x, a["pad"], 0.0), weight, bias, a["stride"], groups=a["groups"])


def _max_pool(a: Attributes, x: Tensor) -> Tensor:
    return F.max_pool2d(_padded(x, a["pad"], -torch.inf), a["kernel"], a["stride"])


def _average_pool(a: Attributes, x: Tensor) -> Tensor:
    means = F.avg_pool2d(_padded(x, a["pad"], 0.0), a["kernel"], a["stride"])
    if a["count_pad"] or not any(a["pad"]):
        return means
    inside = F.avg_pool2d(_padded(torch.ones_like(x[:1, :1]), a["pad"], 0.0), a["kernel"], a["stride"])
    return means / inside


def _aligned(*values: Tensor) -> list[Tensor]:
    """The same rank for all: axes of one behind the batch axis."""
    rank = max(value.ndim for value in values)
    return [value.reshape(value.shape[0], *(1,) * (rank - value.ndim), *value.shape[1:]) for value in values]


def _broadcast(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda _, *values: function(*_aligned(*values))


def _axes(a: Attributes, x: Tensor) -> list[int]:
    return [_axis(axis, x) for axis in a["axes"]]


def _axis(axis: int, x: Tensor) -> int:
    return axis + 1 if axis >= 0 else axis + x.ndim


def _concat(a: Attributes, *values: Tensor) -> Tensor:
    count = max(len(value) for value in values)
    return torch.cat([value.expand(count, *value.shape[1:]) for value in values], dim=_axis(a["axis"], values[0]))


OPERATORS: dict[str, Callable[..., Tensor]] = {
    "conv": _conv,
    "linear": lambda _, x, weight, bias: F.linear(x, weight, bias),
    "matmul": _broadcast(torch.matmul),
    "add": _broadcast(torch.add),
    "sub": _broadcast(torch.sub),
    "mul": _broadcast(torch.mul),
    "div": _broadcast(torch.div),
    "min": _broadcast(torch.minimum),
    "max": _broadcast(torch.maximum),
    "relu": lambda _, x: torch.relu(x),
    "sigmoid": lambda _, x: torch.sigmoid(x),
    "tanh": lambda _, x: torch.tanh(x),
    "exp": lambda _, x: torch.exp(x),
    "sqrt": lambda _, x: torch.sqrt(x),
    "neg": lambda _, x: torch.neg(x),
    "clip": lambda a, x: torch.clamp(x, a["low"], a["high"]),
    "softmax": lambda a, x: torch.softmax(x, dim=_axis(a["axis"], x)),
    "max_pool": _max_pool,
    "average_pool": _average_pool,
    "mean": lambda a, x: x.mean(dim=_axes(a, x), keepdim=a["keep"]),
    "sum": lambda a, x: x.sum(dim=_axes(a, x), keepdim=a["keep"]),
    "reduce_max": lambda a, x: torch.amax(x, dim=_axes(a, x), keepdim=a["keep"]),
    "reshape": lambda a, x: x.reshape(x.shape[0], *a["shape"]),
    "transpose": lambda a, x: x.permute(0, *(_axis(axis, x) for axis in a["perm"])),
    "concat": _concat,
    "slice": lambda a, x: x.narrow(_axis(a["axis"], x), a["start"], a["stop"] - a["start"]),
}
"""Those of docs/NETWORK_FILE.md without the ones of 8 bits."""
