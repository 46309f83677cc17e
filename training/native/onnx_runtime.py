"""ONNX Runtime as a judge: what it makes of a graph, on one thread."""

from __future__ import annotations

import numpy as np
import onnx
from hpe_edge.training.native.graph import Floats

from hpe_edge.errors import BackendError, missing_dependency


def run_model(model: onnx.ModelProto, images: Floats) -> dict[str, Floats]:
    """Outputs by name for images (N, C, H, W), one at a time.

    Raises:
        MissingDependencyError: onnxruntime is not installed. BackendError: it cannot load the graph.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise missing_dependency("onnxruntime", "onnx", "checking a network") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions share no public base class
        raise BackendError(f"ONNX Runtime cannot load {model.graph.name or 'the graph'}: {error}") from error
    (source,), names = session.get_inputs(), [output.name for output in session.get_outputs()]
    rows = [session.run(names, {source.name: image[None]}) for image in images]
    columns = zip(*rows, strict=True)
    return {name: np.concatenate(column).astype(np.float32) for name, column in zip(names, columns, strict=True)}
