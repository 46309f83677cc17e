"""The devices of ONNX Runtime: its execution providers, what they compute in, and how they are set up.

Which of them are there depends on the distribution that is installed; all of them are imported as ``onnxruntime``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from hpe_edge.backends.naming import device_number, split_device
from hpe_edge.errors import BackendError, InvalidArgumentError


@dataclass(frozen=True)
class Request:
    """What a provider is asked for.

    Attributes:
        which: what stands behind the device's colon, such as a number.
        precision: of the network.
        threads: threads that one call may use.
        cache: folder for what it compiles; ``None`` for none.
    """

    which: str | None
    precision: str
    threads: int
    cache: str | None


@dataclass(frozen=True)
class Provider:
    """One execution provider.

    Attributes:
        name: as ONNX Runtime calls it.
        precisions: what it computes in.
        remedy: how one gets it.
        options: its options for a request.
        caches: whether it keeps compiled networks in a folder.
    """

    name: str
    precisions: tuple[str, ...]
    remedy: str
    options: Callable[[Request], dict[str, str]]
    caches: bool = False


def _cpu(request: Request) -> dict[str, str]:
    if request.which is not None:
        raise InvalidArgumentError(f"device: expected 'cpu', got 'cpu:{request.which}'")
    return {}


def _cuda(request: Request) -> dict[str, str]:
    # Left alone, convolutions are computed in TF32: float32 with 10 bits of mantissa.
    return {"device_id": str(device_number(request.which)), "use_tf32": "0"}


def _tensorrt(request: Request) -> dict[str, str]:
    options = {
        "device_id": str(device_number(request.which)),
        "trt_fp16_enable": str(int(request.precision == "fp16")),
        "trt_int8_enable": str(int(request.precision == "int8")),
    }
    if request.cache is None:
        return options
    return options | {
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": request.cache,
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": request.cache,
    }


def _openvino(request: Request) -> dict[str, str]:
    options = {
        "device_type": (request.which or "cpu").upper().replace(":", "."),
        "precision": "FP16" if request.precision == "fp16" else "FP32",
        "num_of_threads": str(request.threads),
    }
    return options if request.cache is None else options | {"cache_dir": request.cache}


def _directml(request: Request) -> dict[str, str]:
    return {"device_id": str(device_number(request.which))}


def _coreml(request: Request) -> dict[str, str]:
    # The older format, NeuralNetwork, computes in float16 whatever the file says.
    options = {"ModelFormat": "MLProgram", "MLComputeUnits": "ALL", "RequireStaticInputShapes": "1"}
    return options if request.cache is None else options | {"ModelCacheDirectory": request.cache}


def _qnn(request: Request) -> dict[str, str]:
    library = "QnnHtp.dll" if sys.platform == "win32" else "libQnnHtp.so"
    return {"backend_path": library, "enable_htp_fp16_precision": str(int(request.precision == "fp16"))}


_GPU = "pip uninstall onnxruntime && pip install 'onnxruntime-gpu[cuda,cudnn]'"

PROVIDERS: Final = {
    "tensorrt": Provider(
        "TensorrtExecutionProvider", ("fp32", "fp16", "int8"), f"{_GPU} tensorrt", _tensorrt, caches=True
    ),
    "cuda": Provider("CUDAExecutionProvider", ("fp32", "int8"), _GPU, _cuda),
    "directml": Provider(
        "DmlExecutionProvider",
        ("fp32", "int8"),
        "on Windows: pip uninstall onnxruntime && pip install onnxruntime-directml",
        _directml,
    ),
    "coreml": Provider("CoreMLExecutionProvider", ("fp32",), "on macOS: pip install onnxruntime", _coreml, caches=True),
    "qnn": Provider(
        "QNNExecutionProvider",
        ("fp16", "int8"),
        "on a Snapdragon: pip uninstall onnxruntime && pip install onnxruntime-qnn",
        _qnn,
    ),
    "openvino": Provider(
        "OpenVINOExecutionProvider",
        ("fp32", "fp16", "int8"),
        "pip uninstall onnxruntime && pip install onnxruntime-openvino",
        _openvino,
        caches=True,
    ),
    "cpu": Provider("CPUExecutionProvider", ("fp32", "int8"), "pip install onnxruntime", _cpu),
}
"""By the name of the device, in the order that ``"onnxruntime:auto"`` tries."""


def choose(
    device: str, precision: str, threads: int, cache: str | None, available: Sequence[str]
) -> tuple[str, dict[str, str]]:
    """The provider's own name and its options.

    Args:
        device: a name of ``PROVIDERS``, with ``:NUMBER`` behind it where there are several.
        precision, threads, cache: as :class:`Request`.
        available: the providers of the installed ONNX Runtime.

    Raises:
        InvalidArgumentError: no such device, or it keeps nothing in a cache.
        BackendError: the provider is not installed, or computes in other precisions.

    >>> choose("cuda:1", "fp32", 1, None, ["CUDAExecutionProvider"])
    ('CUDAExecutionProvider', {'device_id': '1', 'use_tf32': '0'})
    """
    name, which = split_device(device, PROVIDERS)
    provider = PROVIDERS[name]
    if cache is not None and not provider.caches:
        able = [other for other, each in PROVIDERS.items() if each.caches]
        raise InvalidArgumentError(f"cache: 'onnxruntime:{name}' keeps nothing in a folder; of its devices {able} do")
    if precision not in provider.precisions:
        raise BackendError(
            f"precision: 'onnxruntime:{name}' computes in {' or '.join(provider.precisions)}, got {precision!r}"
        )
    missing = problem(name, available)
    if missing is not None:
        raise BackendError(f"device {device!r}: {missing}")
    return provider.name, provider.options(Request(which, precision, threads, cache))


def problem(device: str, available: Sequence[str]) -> str | None:
    """Why an installed ONNX Runtime lacks a device, with what brings it; ``None`` where it has it.

    >>> problem("cpu", ["CPUExecutionProvider"]) is None
    True
    """
    provider = PROVIDERS[device]
    if provider.name in available:
        return None
    return f"the installed ONNX Runtime has no {provider.name}. Run: {provider.remedy}"
