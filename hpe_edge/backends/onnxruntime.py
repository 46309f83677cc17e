"""The ONNX Runtime backend: the CPU provider, one thread by default, no spinning."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from hpe_edge.backends.base import BackendInfo, FloatArray
from hpe_edge.errors import BackendError, CorruptModelError, missing_dependency
from hpe_edge.modelcard import ModelCard

try:
    import onnxruntime as ort
    from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors
except ModuleNotFoundError as error:
    raise missing_dependency("onnxruntime", "onnx", "the ONNX Runtime backend") from error

_PROVIDER = "CPUExecutionProvider"


class OnnxRuntimeBackend:
    """Runs a card's ``onnx`` file; see :class:`hpe_edge.backends.base.Backend`.

    A network with a static batch of one runs N crops as N calls: at this size a call costs a few
    microseconds, and the memory plan of a static graph is worth more.
    """

    file_kind: ClassVar[str] = "onnx"

    def __init__(self, data: bytes, card: ModelCard, *, precision: str, threads: int) -> None:
        self._session = _load(data, card, threads)
        self._input_name = card.input.name
        self._output_names = list(card.head.output_names)
        self._dynamic = _check_graph(self._session, card)
        self._info = BackendInfo(
            name="onnxruntime",
            version=str(ort.__version__),
            provider=str(self._session.get_providers()[0]),
            precision=precision,
            threads=threads,
        )

    @property
    def info(self) -> BackendInfo:
        """What really runs, as the session reports it."""
        return self._info

    def run(self, batch: FloatArray) -> dict[str, FloatArray]:
        """Run the network on float32 (N, 3, H, W); the outputs the head reads, by name.

        Raises:
            BackendError: ONNX Runtime failed while running.
        """
        parts = [batch] if self._dynamic else [batch[i : i + 1] for i in range(len(batch))]
        try:
            results = [self._session.run(self._output_names, {self._input_name: part}) for part in parts]
        except (ort_errors.Fail, ort_errors.RuntimeException, ort_errors.InvalidArgument) as error:
            raise BackendError(f"ONNX Runtime failed on a batch of shape {batch.shape}: {error}") from error
        columns = zip(*results, strict=True)
        return {
            name: column[0] if len(column) == 1 else np.concatenate(column)
            for name, column in zip(self._output_names, columns, strict=True)
        }


def _load(data: bytes, card: ModelCard, threads: int) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    # A spinning worker burns a whole core between two frames of a robot's camera.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    what = f"model {card.name!r} ({card.files['onnx'].path})"
    try:
        return ort.InferenceSession(data, sess_options=options, providers=[_PROVIDER])
    except (ort_errors.InvalidProtobuf, ort_errors.InvalidGraph, ort_errors.NoModel) as error:
        raise CorruptModelError(f"{what}: expected an ONNX network, got {_brief(error)}") from error
    except ort_errors.Fail as error:
        # Fail covers both a graph that does not type-check and an opset newer than the runtime.
        raise CorruptModelError(
            f"{what}: ONNX Runtime {ort.__version__} cannot read the network: {_brief(error)}"
        ) from error
    except (ort_errors.NotImplemented, ort_errors.RuntimeException, ort_errors.InvalidArgument) as error:
        raise BackendError(f"{what}: ONNX Runtime {ort.__version__} cannot run it: {_brief(error)}") from error


def _check_graph(session: Any, card: ModelCard) -> bool:
    """Check input and outputs against the card; whether the batch dimension is free."""
    spec = card.input
    inputs = session.get_inputs()
    found = ", ".join(f"{node.name!r} {node.type} {node.shape}" for node in inputs)
    wanted = [3, spec.height, spec.width]
    expected = f"one input {spec.name!r} tensor(float) [1 or N, {', '.join(map(str, wanted))}]"
    problem = f"model {card.name!r}: card and network disagree: expected {expected}, got {found}"
    if len(inputs) != 1 or inputs[0].name != spec.name or inputs[0].type != "tensor(float)":
        raise CorruptModelError(problem)
    shape = list(inputs[0].shape)
    dynamic = bool(shape) and not isinstance(shape[0], int)
    if shape[1:] != wanted or not (dynamic or shape[0] == 1):
        raise CorruptModelError(problem)
    outputs = [node.name for node in session.get_outputs()]
    absent = [name for name in card.head.output_names if name not in outputs]
    if absent:
        raise CorruptModelError(
            f"model {card.name!r}: card and network disagree: expected outputs {absent}, got only {outputs}"
        )
    return dynamic


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
