"""Weights whose rounding errors make up for each other.

The nearest integers are best for each weight and not for the layer: pixels and channels go together, so errors of one
sign add up. Here weights are rounded one after another, and those that follow take up what the values that the layer
sees would notice (Frantar et al., GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers,
ICLR 2023, section 3).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from hpe_edge.training.native.graph import Floats, Graph, Node
from hpe_edge.training.native.levels import WEIGHT_TOP, Doubles, Range, Weights, integer_weights, levels_of
from hpe_edge.training.native.observe import Reader, batches

_DAMPING = 0.01  # of the mean second moment, so that what is seldom seen does not take everything up


def compensated_weights(
    graph: Graph, ranges: Mapping[str, Range], layers: Collection[str], images: Floats
) -> dict[str, Weights]:
    """Integer weights of the dense convolutions among these, by output, for what images (N, C, H, W) show them."""
    nodes = [node for node in graph.nodes if node.output in layers and node.attributes["groups"] == 1]
    levels = {node.output: levels_of(ranges[node.inputs[0]]) for node in nodes}
    sizes = {node.output: int(np.prod(graph.shapes[node.inputs[1]][1:])) for node in nodes}
    moments = {name: np.zeros((size, size)) for name, size in sizes.items()}
    reader = Reader(graph, list(dict.fromkeys(node.inputs[0] for node in nodes)))
    for batch in batches(images):
        values = reader(batch)
        for node in nodes:
            seen = patches(levels[node.output].rounded(values[node.inputs[0]]).astype(np.float32), graph, node)
            moments[node.output] += seen.T @ seen
    found = {}
    for node in nodes:
        weight, bias = (graph.constants[name] for name in node.inputs[1:])
        nearest = integer_weights(weight, bias, levels[node.output].scale)
        steps = compensated(weight.reshape(len(weight), -1) / nearest.scale[:, None], moments[node.output])
        found[node.output] = replace(nearest, integers=steps.reshape(weight.shape))
    return found


def compensated(steps: npt.NDArray[np.floating], moments: Doubles) -> npt.NDArray[np.int8]:
    """Integers (O, K) near weights in steps (O, K), for values whose second moments are (K, K).

    >>> compensated(np.array([[0.4, 0.4]]), np.ones((2, 2))).tolist()
    [[0, 1]]
    """
    damped = moments + np.eye(len(moments)) * max(_DAMPING * float(np.trace(moments)) / len(moments), 1e-12)
    passed_on = np.linalg.cholesky(np.linalg.inv(damped)).T
    left = steps.astype(np.float64)
    rounded = np.zeros(left.shape, np.int8)
    for k in range(left.shape[1]):
        rounded[:, k] = np.clip(np.rint(left[:, k]), -WEIGHT_TOP, WEIGHT_TOP)
        error = (left[:, k] - rounded[:, k]) / passed_on[k, k]
        left[:, k + 1 :] -= np.outer(error, passed_on[k, k + 1 :])
    return rounded


def patches(x: Floats, graph: Graph, node: Node) -> Floats:
    """What each output pixel of a convolution sees of x (N, C, H, W): (pixels, C * kh * kw)."""
    top, left, bottom, right = node.attributes["pad"]
    window = graph.shapes[node.inputs[1]][2:]
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    views = np.lib.stride_tricks.sliding_window_view(padded, window, axis=(2, 3))
    down, across = node.attributes["stride"]
    views = views[:, :, ::down, ::across].transpose(0, 2, 3, 1, 4, 5)
    return np.ascontiguousarray(views.reshape(-1, int(np.prod(views.shape[3:]))))
