"""Tiny networks with cards, made on the spot: tests of the library need no trained weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

MakeModel = Callable[..., Path]


def mean_network(width: int, height: int, batch: int | str = 1, bins: int = 0, log_std: float = 0.0) -> bytes:
    """An ONNX file whose output is the mean of each input channel, or logits made of them.

    With ``bins == 0`` it has one output ``angles`` (N, 3). Otherwise it has ``yaw``, ``pitch`` and
    ``roll``, each (N, bins): the mean of one channel on bin 0 and zero elsewhere. A ``log_std`` other than
    zero adds the output ``log_std`` (N, 3): the means times that number.
    """
    from onnx import TensorProto, helper

    nodes = [helper.make_node("ReduceMean", ["input"], ["angles"], axes=[2, 3], keepdims=0)]
    outputs = [helper.make_tensor_value_info("angles", TensorProto.FLOAT, [batch, 3])]
    constants = []
    if bins:
        outputs = []
        for index, name in enumerate(("yaw", "pitch", "roll")):
            weight = np.zeros((3, bins), dtype=np.float32)
            weight[index, 0] = 1.0
            constants.append(helper.make_tensor(f"w_{name}", TensorProto.FLOAT, weight.shape, weight.ravel().tolist()))
            nodes.append(helper.make_node("MatMul", ["angles", f"w_{name}"], [name]))
            outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, bins]))
    if log_std:
        constants.append(helper.make_tensor("factor", TensorProto.FLOAT, [1], [log_std]))
        nodes.append(helper.make_node("Mul", ["angles", "factor"], ["log_std"]))
        outputs.append(helper.make_tensor_value_info("log_std", TensorProto.FLOAT, [batch, 3]))
    value = helper.make_tensor_value_info("input", TensorProto.FLOAT, [batch, 3, height, width])
    graph = helper.make_graph(nodes, "mean", [value], outputs, initializer=constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def card_dict(**changes: Any) -> dict[str, Any]:
    """A valid card of the tiny network: BGR in, unscaled, angles out; top-level fields can be replaced."""
    card: dict[str, Any] = {
        "format": "hpe-edge-card/1",
        "name": "tiny",
        "version": "0.0.1",
        "licence": "Apache-2.0",
        "description": "mean of each channel",
        "files": {"onnx": {"path": "tiny.onnx", "sha256": "0" * 64, "bytes": 1}},
        "input": {
            "name": "input",
            "width": 8,
            "height": 6,
            "margin": 0.25,
            "square": False,
            "channel_order": "bgr",
            "mean": [0.0, 0.0, 0.0],
            "scale": [1.0, 1.0, 1.0],
        },
        "head": {"kind": "angles", "output": "angles"},
        "pitch_zero_deg": 0.0,
        "training": {},
        "metrics": [],
    }
    return card | changes
