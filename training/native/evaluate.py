"""Values of ONNX nodes that do not depend on the picture, by ONNX's own reference implementation."""

from __future__ import annotations

from collections.abc import Sequence

import onnx
from hpe_edge.training.native.trace import Array
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from hpe_edge.errors import InvalidArgumentError


def evaluate(
    node: onnx.NodeProto, inputs: Sequence[Array | None], opsets: Sequence[onnx.OperatorSetIdProto]
) -> list[Array]:
    """The outputs of one node with constant inputs (None where one is left out).

    Raises:
        InvalidArgumentError: the node cannot be evaluated.
    """
    given = {name: value for name, value in zip(node.input, inputs, strict=True) if value is not None}
    values = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
        for name, value in given.items()
    ]
    wanted = [name for name in node.output if name]
    outputs = [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in wanted]
    graph = helper.make_graph([node], "constant", values, outputs)
    model = helper.make_model(graph, opset_imports=list(opsets))
    try:
        results = ReferenceEvaluator(model).run(None, given)
    except Exception as error:  # the reference implementation raises whatever numpy does
        raise InvalidArgumentError(
            f"{node.op_type} {node.name!r}: its constant inputs give no value: {error}"
        ) from error
    named = dict(zip(wanted, results, strict=True))
    return [named.get(name) for name in node.output]
