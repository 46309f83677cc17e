"""The ONNX Runtime backend: any of its execution providers, the CPU where none is named; one thread, no spinning."""

from __future__ import annotations

import contextlib
import io
from collections import deque
from typing import Any, ClassVar

import numpy as np

from hpe_edge.backends.base import BackendInfo, Device, FloatArray, file_kind
from hpe_edge.backends.onnxruntime_providers import PROVIDERS, choose, problem
from hpe_edge.errors import BackendError, CorruptModelError, missing_dependency
from hpe_edge.modelcard import ModelCard

try:
    import onnxruntime as ort
    from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors
except ModuleNotFoundError as error:
    raise missing_dependency("onnxruntime", "onnx", "the ONNX Runtime backend") from error

_CPU = "CPUExecutionProvider"


class OnnxRuntimeBackend:
    """Runs a card's ``onnx`` file; see :class:`hpe_edge.backends.base.Backend`.

    A network with a static batch of one runs N crops as N calls. Input and outputs are bound once (IO binding), so
    that a call allocates nothing but the results. Calls from several threads are safe.

    Args:
        data, card, precision, threads: as :class:`hpe_edge.backends.base.Backend`.
        device: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"tensorrt"``, ``"openvino"``, ``"openvino:gpu"``, ``"coreml"``,
            ``"qnn"``, ``"directml"``. The whole network runs there, or this raises: nothing falls back to the CPU.
        cache: a folder in which TensorRT, OpenVINO and Core ML keep what they compile.
    """

    file_kind: ClassVar[str] = "onnx"
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "fp16", "int8")

    def __init__(
        self,
        data: bytes,
        card: ModelCard,
        *,
        precision: str,
        threads: int,
        device: str = "cpu",
        cache: str | None = None,
    ) -> None:
        provider, options = choose(device, precision, threads, cache, ort.get_available_providers())
        what = f"model {card.name!r} ({card.files[file_kind(self, precision)].path})"
        self._session = _load(data, what, provider, options, threads)
        self._input_name = card.input.name
        self._output_names = list(card.head.output_names)
        self._dynamic = _check_graph(self._session, card)
        self._crop_shape = (3, card.input.height, card.input.width)
        # Bound buffers wait here for the next call; there are as many as threads ever called at the same time.
        self._idle: deque[_Bound] = deque()
        self._info = BackendInfo(
            name="onnxruntime",
            version=str(ort.__version__),
            provider=str(self._session.get_providers()[0]),
            precision=precision,
            threads=threads,
        )

    @classmethod
    def devices(cls) -> list[Device]:
        """The execution providers, the CPU last."""
        available = ort.get_available_providers()
        return [Device(name, each.precisions, problem(name, available)) for name, each in PROVIDERS.items()]

    @property
    def info(self) -> BackendInfo:
        """What really runs, as the session reports it."""
        return self._info

    def run(self, batch: FloatArray) -> dict[str, FloatArray]:
        """Run the network on float32 (N, 3, H, W); the outputs the head reads, by name.

        Raises:
            BackendError: ONNX Runtime failed while running, or the shape of the batch is wrong.
        """
        if batch.ndim != 4 or batch.shape[1:] != self._crop_shape:
            raise BackendError(f"expected crops of shape {self._crop_shape}, got a batch of shape {batch.shape}")
        parts = [batch] if self._dynamic else [batch[i : i + 1] for i in range(len(batch))]
        try:
            results = [self._run_part(part) for part in parts]
        except (ort_errors.Fail, ort_errors.RuntimeException, ort_errors.InvalidArgument) as error:
            raise BackendError(f"ONNX Runtime failed on a batch of shape {batch.shape}: {error}") from error
        columns = zip(*results, strict=True)
        return {
            name: column[0] if len(column) == 1 else np.concatenate(column)
            for name, column in zip(self._output_names, columns, strict=True)
        }

    def _run_part(self, part: FloatArray) -> list[FloatArray]:
        try:
            bound = self._idle.pop()
        except IndexError:
            bound = None
        if bound is None or bound.count != len(part):
            bound = _Bound(self._session, self._input_name, self._output_names, part)
        results = bound.run(part)
        self._idle.append(bound)
        return results


class _Bound:
    """Input and outputs of one batch size, bound to the session."""

    def __init__(self, session: Any, input_name: str, output_names: list[str], like: FloatArray) -> None:
        self.count = len(like)
        self._session = session
        self._input = np.zeros(like.shape, np.float32)
        # The shapes of the outputs may depend on the batch: a first run gives arrays that fit.
        self._outputs: list[FloatArray] = session.run(output_names, {input_name: self._input})
        self._binding = session.io_binding()
        self._binding.bind_ortvalue_input(input_name, ort.OrtValue.ortvalue_from_numpy(self._input))
        for name, array in zip(output_names, self._outputs, strict=True):
            self._binding.bind_ortvalue_output(name, ort.OrtValue.ortvalue_from_numpy(array))

    def run(self, batch: FloatArray) -> list[FloatArray]:
        """The outputs for one batch, as arrays of their own."""
        self._input[...] = batch
        self._session.run_with_iobinding(self._binding)
        return [array.copy() for array in self._outputs]


def _load(data: bytes, what: str, provider: str, provider_options: dict[str, str], threads: int) -> Any:
    """A session on one provider and no other.

    Raises:
        CorruptModelError: the bytes are no network. BackendError: the provider cannot run all of it.
    """
    missing = _preload(provider)
    try:
        session = ort.InferenceSession(
            data,
            sess_options=_session_options(provider, threads),
            providers=[(provider, provider_options)],
            enable_fallback=0,
        )
    except (ort_errors.InvalidProtobuf, ort_errors.InvalidGraph, ort_errors.NoModel) as error:
        raise CorruptModelError(f"{what}: expected an ONNX network, got {_brief(error)}") from error
    except (ort_errors.NotImplemented, ort_errors.RuntimeException, ort_errors.InvalidArgument) as error:
        raise BackendError(f"{what}: ONNX Runtime {ort.__version__} cannot run it: {_brief(error)}") from error
    except (ort_errors.Fail, RuntimeError, ValueError) as error:
        if provider != _CPU:
            raise BackendError(_refusal(what, provider, missing or _brief(error))) from error
        # Fail covers both a graph that does not type-check and an opset newer than the runtime.
        raise CorruptModelError(
            f"{what}: ONNX Runtime {ort.__version__} cannot read the network: {_brief(error)}"
        ) from error
    running = session.get_providers()
    if running[0] != provider:
        raise BackendError(_refusal(what, provider, missing or f"{running[0]} would run it"))
    return session


def _refusal(what: str, provider: str, why: str) -> str:
    (remedy,) = (each.remedy for each in PROVIDERS.values() if each.name == provider)
    return (
        f"{what}: ONNX Runtime {ort.__version__} cannot run all of it on {provider}, and the rest is not given to the "
        f"CPU: {why}. Where a library is missing: {remedy}"
    )


def _preload(provider: str) -> str:
    """Load CUDA from the packages that pip installed, where there are such; what could not be loaded, in words."""
    if provider not in (PROVIDERS["cuda"].name, PROVIDERS["tensorrt"].name) or not hasattr(ort, "preload_dlls"):
        return ""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):  # it prints, and raises nothing
        ort.preload_dlls()
    return _brief(said.getvalue())


def _session_options(provider: str, threads: int) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    # A spinning worker burns a whole core between two frames of a robot's camera.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if provider != _CPU:
        # What a provider cannot run would else be run on the CPU without a word.
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    options.log_severity_level = 4
    return options


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


def _brief(error: Exception | str) -> str:
    return " ".join(str(error).split())[:200]
