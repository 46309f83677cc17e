"""A network of torch as a static ONNX graph for one picture."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import onnx
import torch
from torch import nn

from hpe_edge.errors import CorruptModelError

OPSET = 17


def write_onnx(network: nn.Module, shape: tuple[int, int, int], names: Sequence[str], path: Path, doc: str) -> int:
    """Write a network that maps (1, C, H, W) to a tuple of tensors called ``names``; returns its node count.

    BatchNorm is folded into the convolutions.

    Raises:
        CorruptModelError: the written graph does not pass the ONNX checker.
    """
    with warnings.catch_warnings(), torch.no_grad():
        # the tracing exporter needs nothing beyond torch and folds BatchNorm and constants
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        torch.onnx.export(
            network.eval(), (torch.zeros(1, *shape),), str(path), input_names=["input"], output_names=list(names),
            opset_version=OPSET, do_constant_folding=True, dynamo=False,
        )  # fmt: skip
    graph = onnx.load(str(path))
    try:
        onnx.checker.check_model(graph, full_check=True)
    except onnx.checker.ValidationError as error:
        raise CorruptModelError(f"{path}: the exported graph is not valid ONNX: {error}") from error
    graph.doc_string = doc
    onnx.save(graph, str(path))
    return len(graph.graph.node)
