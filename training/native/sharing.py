"""ONNX files that hold no tensors of their own but name those in the native network's file: a package has them once."""

from __future__ import annotations

import onnx
from hpe_edge.training.native.container import places
from onnx import TensorProto, external_data_helper, numpy_helper

from hpe_edge.cardfiles import sha256_hex

LEAST_BYTES = 64
"""Smaller tensors stay inside: to name their place takes as much."""
DIGEST = "weights_sha256"


def share_weights(model: onnx.ModelProto, native: bytes, location: str) -> onnx.ModelProto:
    """The model with ONNX external data for every tensor whose bytes are in a native network's file.

    Runtimes that load it by path find the file beside it; the SDK joins both in memory. Its metadata names the file's
    sha256, so that two networks that differ in their weights alone are different ONNX files too.

    Args:
        model: all its tensors are inside.
        native: the bytes of the file.
        location: its name, beside the ONNX file.

    >>> import numpy as np
    >>> from onnx import helper
    >>> from hpe_edge.training.native.container import pack
    >>> weight = np.arange(32, dtype=np.float32)
    >>> graph = helper.make_graph([], "g", [], [], [numpy_helper.from_array(weight, "w")])
    >>> file = pack({"v1": weight}, {})
    >>> shared = share_weights(helper.make_model(graph), file, "net.safetensors")
    >>> {entry.key: entry.value for entry in shared.graph.initializer[0].external_data}["length"]
    '128'
    """
    found = places(native)
    shared = onnx.ModelProto()
    shared.CopyFrom(model)
    for tensor in shared.graph.initializer:
        data = numpy_helper.to_array(tensor).tobytes()
        if len(data) < LEAST_BYTES or data not in found:
            continue
        name, dims, kind = tensor.name, list(tensor.dims), tensor.data_type
        tensor.CopyFrom(TensorProto(name=name, dims=dims, data_type=kind, raw_data=data))
        external_data_helper.set_external_data(tensor, location, offset=found[data], length=len(data))
        tensor.ClearField("raw_data")
    onnx.helper.set_model_props(shared, {DIGEST: sha256_hex(native)})
    return shared
