"""Quantization-aware training: weights that learn to live with 8 bits, where calibration alone is not enough.

The network runs in float32 while its images, activations and weights are rounded as in 8 bits; gradients pass the
rounding as if it were not there (Jacob et al., Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference, CVPR 2018, section 3; Bengio et al., arXiv 1308.3432, 2013). It begins with the
calibrated integers and learns the float network's own answers, so no labels are needed; all levels stay.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from hpe_edge.training.export import head_output
from hpe_edge.training.loop.optim import lr_factor
from hpe_edge.training.models.outputs import decode, std_deg
from hpe_edge.training.native.graph import Floats, Graph, Node
from hpe_edge.training.native.levels import TOP, WEIGHT_TOP, Doubles, Levels, Weights, integer_weights
from hpe_edge.training.native.torch_network import TorchNetwork
from torch import Tensor, nn
from tqdm import tqdm

from hpe_edge.errors import InvalidArgumentError
from hpe_edge.heads import Head

BATCH = 32


@dataclass(frozen=True)
class Tuning:
    """steps: batches of 32 images to learn from, 0 for none. lr: of Adam, in levels, falling along a half cosine."""

    steps: int = 0
    lr: float = 0.01
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps < 0 or not self.lr > 0.0:
            raise InvalidArgumentError(f"tuning: expected steps >= 0 and lr > 0, got {self.steps} and {self.lr}")


@dataclass(frozen=True)
class Rounding:
    """For `quantize.quantized`: integer weights, and what is added to the biases (O,), by the convolution's output."""

    weights: Mapping[str, Weights]
    shifts: Mapping[str, Doubles]


@dataclass(frozen=True)
class Layer:
    """A convolution in 8 bits. shift: of its bias. out_scale: of a level of what it gives."""

    node: Node
    weights: Weights
    shift: Doubles
    out_scale: float


class RoundedNetwork(TorchNetwork):
    """The network with the rounding of 8 bits; weights and shifts of integer layers are parameters, in levels.

    graph: simplified, in float32. levels: of the values that are rounded, by name.
    """

    def __init__(self, graph: Graph, levels: Mapping[str, Levels], layers: list[Layer]) -> None:
        super().__init__(graph)
        self._levels = dict(levels)
        self._layers = layers
        self._weights = {layer.node.inputs[1]: number for number, layer in enumerate(layers)}
        self._biases = {layer.node.inputs[2]: number for number, layer in enumerate(layers)}
        self.weights = nn.ParameterList(_floats(layer.weights.integers) for layer in layers)
        self.shifts = nn.ParameterList(_floats(layer.shift / layer.out_scale) for layer in layers)

    def stored(self, name: str) -> Tensor:
        """A constant; weights of integer layers as their integers stand for them, biases shifted."""
        if name in self._weights:
            number = self._weights[name]
            scale = _floats(self._layers[number].weights.scale).reshape(-1, 1, 1, 1)
            return nearest(self.weights[number].clamp(-WEIGHT_TOP, WEIGHT_TOP)) * scale
        if name in self._biases:
            number = self._biases[name]
            return super().stored(name) + self.shifts[number] * self._layers[number].out_scale
        return super().stored(name)

    def computed(self, name: str, value: Tensor) -> Tensor:
        """A value, on its levels where it has them."""
        return rounded(value, self._levels[name]) if name in self._levels else value

    def learned(self) -> Rounding:
        """What the parameters stand for."""
        weights, shifts = {}, {}
        for layer, integers, shift in zip(self._layers, self.weights, self.shifts, strict=True):
            whole = integers.detach().round().clamp(-WEIGHT_TOP, WEIGHT_TOP).numpy().astype(np.int8)
            weights[layer.node.output] = replace(layer.weights, integers=whole)
            shifts[layer.node.output] = shift.detach().numpy().astype(np.float64) * layer.out_scale
        return Rounding(weights, shifts)


def nearest(x: Tensor) -> Tensor:
    """Whole numbers; the gradient passes as it is.

    >>> nearest(torch.tensor([0.4, 1.5])).tolist()
    [0.0, 2.0]
    """
    return x + (torch.round(x) - x).detach()


def rounded(x: Tensor, levels: Levels) -> Tensor:
    """The numbers that the levels of x stand for; the gradient of a clamp.

    >>> rounded(torch.tensor([-9.0, 0.3, 0.8]), Levels(0.5, 1)).tolist()
    [-0.5, 0.5, 1.0]
    """
    return nearest(x / levels.scale).clamp(-levels.zero, TOP - levels.zero) * levels.scale


def tuned(
    graph: Graph,
    layers: Collection[str],
    levels: Mapping[str, Levels],
    start: Rounding,
    images: Floats,
    head: Head,
    tuning: Tuning,
    quiet: bool = True,
) -> Rounding:
    """Integer weights and shifts with which the graph answers in 8 bits as it does in float32.

    Args:
        graph: simplified, in float32.
        layers: outputs of the convolutions that will be in 8 bits.
        levels: of the values that will be, by name: `quantize.byte_levels`.
        start: to begin with; layers that it lacks begin with the nearest integers and no shift.
        images: (N, C, H, W) to learn from.
        head: what the outputs mean; angles and their spread are to stay.
        tuning: how long and how fast.
        quiet: no progress bar.

    Raises:
        InvalidArgumentError: the head is none that recipes train.
    """
    exact = TorchNetwork(graph).eval()
    network = RoundedNetwork(graph, levels, _layers(graph, layers, levels, start))
    optimizer = torch.optim.Adam(network.parameters(), lr=tuning.lr)
    order = np.random.default_rng(tuning.seed)
    for step in tqdm(range(tuning.steps), "train in 8 bits", disable=quiet):
        batch = torch.from_numpy(images[order.choice(len(images), min(BATCH, len(images)), replace=False)])
        for group in optimizer.param_groups:
            group["lr"] = tuning.lr * lr_factor("cosine", step / tuning.steps)
        with torch.no_grad():
            wanted = _answer(exact(batch), head)
        loss = (_answer(network(batch), head) - wanted).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.learned()


def _layers(graph: Graph, layers: Collection[str], levels: Mapping[str, Levels], start: Rounding) -> list[Layer]:
    readers, found = graph.readers(), []
    for node in graph.nodes:
        if node.output in layers:
            weight, bias = (graph.constants[name] for name in node.inputs[1:])
            weights = start.weights.get(node.output) or integer_weights(weight, bias, levels[node.inputs[0]].scale)
            shift = start.shifts.get(node.output, np.zeros(len(bias)))
            behind = (node.output, *(reader.output for reader in readers.get(node.output, [])))
            out_scale = next(levels[name].scale for name in behind if name in levels)
            found.append(Layer(node, weights, shift, out_scale))
    return found


def _floats(numbers: np.ndarray) -> Tensor:
    return torch.from_numpy(numbers).float()


def _answer(outputs: Mapping[str, Tensor], head: Head) -> Tensor:
    """(N, 3 or 6) degrees: the angles, and their spread where the network gives one."""
    output = head_output(outputs, head)
    angles, spread = decode(output), std_deg(output)
    return angles if spread is None else torch.cat([angles, spread], dim=1)
