"""The OpenVINO backend: CPU, GPU or NPU, the precision said aloud, one thread by default."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from hpe_edge.backends.base import BackendInfo, Device, FloatArray, file_kind
from hpe_edge.backends.naming import device_number, split_device
from hpe_edge.errors import BackendError, CorruptModelError, missing_dependency
from hpe_edge.modelcard import ModelCard

try:
    import openvino as ov
except ModuleNotFoundError as error:
    raise missing_dependency("openvino", "openvino", "the OpenVINO backend") from error

_PRECISIONS = {"fp32": "f32", "fp16": "f16", "bf16": "bf16", "int8": "f32"}
_REMEDIES = {
    "gpu": "it needs an Intel GPU, its driver and OpenCL: on Debian and Ubuntu, apt install intel-opencl-icd",
    "npu": "it needs an Intel NPU and its driver: https://github.com/intel/linux-npu-driver/releases",
    "cpu": "pip install --force-reinstall openvino",
}
# One for the process, never dropped: OpenVINO's CPU plugin gives the thread that loads it an alternate signal stack and
# unmaps that stack when its Core goes. Where another Core was made in between, or the last reference goes in another
# thread, the unmapped stack stays registered and the next signal with a handler (Ctrl-C) is a SIGSEGV (seen: 2026.4.1).
_CORE: Any = ov.Core()


class OpenVinoBackend:
    """Runs a card's ``onnx`` file; see :class:`hpe_edge.backends.base.Backend`.

    N crops are N calls with a batch of one, whatever the file's batch is. Calls from several threads are safe and
    take turns: the network is compiled as one stream, for the latency of a single call.

    Args:
        data, card, precision, threads: as :class:`hpe_edge.backends.base.Backend`; threads are those of the CPU.
        device: ``"cpu"``, ``"gpu"``, ``"gpu:1"`` or ``"npu"``.
        cache: a folder in which compiled networks are kept, for a faster start.
    """

    file_kind: ClassVar[str] = "onnx"
    precisions: ClassVar[tuple[str, ...]] = tuple(_PRECISIONS)

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
        self._what = f"model {card.name!r} ({card.files[file_kind(self, precision)].path})"
        self._input_name = card.input.name
        self._output_names = card.head.output_names
        network = _read(_CORE, data, self._what)
        _check_graph(network, card)
        settings = _settings(device, _PRECISIONS[precision], threads, cache)
        self._compiled = _compile(_CORE, network, card, _device(_CORE, device), settings, self._what)
        # Requests wait here for the next call; there are as many as threads ever called at the same time.
        self._idle = deque([self._make_request()])
        self._info = BackendInfo(
            name="openvino",
            version=str(ov.__version__).split("-")[0],
            provider="+".join(self._compiled.get_property("EXECUTION_DEVICES")),
            precision=precision,
            threads=int(self._compiled.get_property("INFERENCE_NUM_THREADS")) if device == "cpu" else threads,
        )

    @classmethod
    def devices(cls) -> list[Device]:
        """GPU, NPU and CPU, the CPU last."""
        return [_look(_CORE, name) for name in _REMEDIES]

    @property
    def info(self) -> BackendInfo:
        """What really runs, as the compiled network reports it."""
        return self._info

    def _make_request(self) -> _Request:
        try:
            return _Request(self._compiled, self._input_name, self._output_names)
        except RuntimeError as error:
            raise BackendError(f"{self._what}: OpenVINO {ov.__version__} cannot run it: {_brief(error)}") from error

    def run(self, batch: FloatArray) -> dict[str, FloatArray]:
        """Run the network on float32 (N, 3, H, W); the outputs the head reads, by name.

        Raises:
            BackendError: OpenVINO failed while running, or the shape of the batch is wrong.
        """
        try:
            request = self._idle.pop()
        except IndexError:
            request = self._make_request()
        try:
            results = [request.run(crop) for crop in batch]
        except (RuntimeError, ValueError) as error:
            raise BackendError(f"OpenVINO failed on a batch of shape {batch.shape}: {_brief(error)}") from error
        finally:
            self._idle.append(request)
        return {
            name: parts[0] if len(parts) == 1 else np.concatenate(parts)
            for name, parts in zip(self._output_names, zip(*results, strict=True), strict=True)
        }


class _Request:
    """An infer request whose tensors are set once: to hand arrays over at each call costs more than 20 us."""

    def __init__(self, compiled: Any, input_name: str, output_names: Sequence[str]) -> None:
        self._request = compiled.create_infer_request()
        self._input = np.zeros(tuple(compiled.input(input_name).shape), np.float32)
        self._outputs = [np.zeros(tuple(compiled.output(name).shape), np.float32) for name in output_names]
        for name, array in zip((input_name, *output_names), (self._input, *self._outputs), strict=True):
            self._request.set_tensor(name, ov.Tensor(array, shared_memory=True))

    def run(self, crop: FloatArray) -> list[FloatArray]:
        """The outputs for one crop (3, H, W), in the order of the names, as arrays of their own."""
        if crop.shape != self._input.shape[1:]:
            raise ValueError(f"expected crops of shape {self._input.shape[1:]}, got {crop.shape}")
        self._input[0] = crop
        self._request.infer(share_outputs=True)
        return [array.copy() for array in self._outputs]


def _read(core: Any, data: bytes, what: str) -> Any:
    try:
        return core.read_model(model=data)
    except RuntimeError as error:
        raise CorruptModelError(f"{what}: expected an ONNX network, got {_brief(error)}") from error


def _check_graph(network: Any, card: ModelCard) -> None:
    """Check input and outputs against the card, as the ONNX Runtime backend does."""
    spec = card.input
    wanted = f"[{{batch}},3,{spec.height},{spec.width}]"
    found = ", ".join(
        f"{_names(node)} {node.element_type.get_type_name()} {node.partial_shape}" for node in network.inputs
    )
    shapes = [ov.PartialShape(wanted.format(batch=batch)) for batch in ("1", "?")]
    if (
        len(network.inputs) != 1
        or spec.name not in network.inputs[0].names
        or network.inputs[0].element_type != ov.Type.f32
        or network.inputs[0].partial_shape not in shapes
    ):
        raise CorruptModelError(
            f"model {card.name!r}: card and network disagree: expected one input {spec.name!r} f32 "
            f"{wanted.format(batch='1 or ?')}, got {found}"
        )
    outputs = {name: node for node in network.outputs for name in node.names}
    absent = [name for name in card.head.output_names if name not in outputs]
    if absent:
        raise CorruptModelError(
            f"model {card.name!r}: card and network disagree: expected outputs {absent}, got only {sorted(outputs)}"
        )
    types = {name: outputs[name].element_type.get_type_name() for name in card.head.output_names}
    if set(types.values()) != {"f32"}:
        raise CorruptModelError(f"model {card.name!r}: expected outputs of f32, got {types}")


def _device(core: Any, device: str) -> str:
    """A device as OpenVINO calls it: ``gpu:1`` is ``GPU.1``.

    Raises:
        InvalidArgumentError: no such kind of device. BackendError: there is none here.
    """
    name, which = split_device(device, _REMEDIES)
    wanted = name.upper() if which is None else f"{name.upper()}.{device_number(which)}"
    # Of several GPUs the first is GPU.0, and GPU means it too.
    if not any(found == wanted or found.startswith(f"{wanted}.") for found in core.available_devices):
        raise BackendError(f"device {device!r}: {_missing(core, name)}")
    return wanted


def _look(core: Any, name: str) -> Device:
    """A kind of device and what it says that it computes in; of one that is not here nothing is known."""
    if not any(found.split(".")[0] == name.upper() for found in core.available_devices):
        return Device(name, tuple(_PRECISIONS), _missing(core, name))
    try:
        said = core.get_property(name.upper(), "OPTIMIZATION_CAPABILITIES")
    except RuntimeError as error:
        return Device(name, tuple(_PRECISIONS), f"OpenVINO cannot use it: {_brief(error)}; {_REMEDIES[name]}")
    return Device(name, tuple(precision for precision in _PRECISIONS if precision.upper() in said))


def _missing(core: Any, name: str) -> str:
    return f"OpenVINO finds only {core.available_devices}; {_REMEDIES[name]}"


def _settings(device: str, precision: str, threads: int, cache: str | None) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        # Without a word it computes in bfloat16 where the processor has AMX, also what an 8-bit file leaves in float.
        "INFERENCE_PRECISION_HINT": precision,
    }
    if device == "cpu":
        settings["INFERENCE_NUM_THREADS"] = threads
        # A pinned thread waits for its core even where another one is idle; two processes would share the first.
        settings["ENABLE_CPU_PINNING"] = False
    if cache is not None:
        settings["CACHE_DIR"] = cache
    return settings


def _compile(core: Any, network: Any, card: ModelCard, device: str, settings: dict[str, Any], what: str) -> Any:
    try:
        network.reshape({card.input.name: ov.PartialShape([1, 3, card.input.height, card.input.width])})
        compiled = core.compile_model(network, device, settings)
    except RuntimeError as error:
        raise BackendError(f"{what}: OpenVINO {ov.__version__} cannot run it: {_brief(error)}") from error
    used = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    if used != settings["INFERENCE_PRECISION_HINT"]:
        raise BackendError(
            f"{what}: expected OpenVINO to compute in {settings['INFERENCE_PRECISION_HINT']} on {device}, got {used}"
        )
    return compiled


def _names(node: Any) -> str:
    return "/".join(repr(name) for name in sorted(node.names))


def _brief(error: Exception) -> str:
    """Its message without where in OpenVINO's sources it was raised."""
    lines = [line for line in str(error).splitlines() if not line.startswith("Exception from ")]
    return " ".join(" ".join(lines).split())[:200]
