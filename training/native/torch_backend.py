"""The torch backend: a card's native network file on a GPU by CUDA graphs, or on the CPU.

The library never imports torch: it finds this module by its entry point, ``torch`` in ``hpe_edge.backends``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, ClassVar, TypeAlias

import numpy as np

from hpe_edge import _core
from hpe_edge.backends.base import BackendInfo, Device, FloatArray
from hpe_edge.backends.naming import device_number, split_device
from hpe_edge.errors import BackendError, CorruptModelError, missing_dependency
from hpe_edge.modelcard import ModelCard

try:
    import torch
except ModuleNotFoundError as error:
    raise missing_dependency("torch", "torch", "the torch backend") from error

from hpe_edge.training.native.file import network_graph
from hpe_edge.training.native.torch_network import TorchNetwork
from torch import Tensor

MOST = 64
"""Pictures of one graph; larger batches are several calls."""

Run: TypeAlias = Callable[[FloatArray], dict[str, FloatArray]]
_TYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


class TorchBackend:
    """Runs a card's ``safetensors`` file in torch; see :class:`hpe_edge.backends.base.Backend`.

    On a GPU the network of 1, 2, 4, .. 64 pictures is captured as a CUDA graph when such a batch first comes, copies to
    and from the device included, and replayed from then on: one launch a call. Other numbers of pictures run in the
    next larger graph. Calls from several threads take turns there. float32 is float32: TF32 is switched off.

    Args:
        data, card, precision, threads: as :class:`hpe_edge.backends.base.Backend`. On the CPU the threads are those of
            torch, ``torch.set_num_threads``, whatever is asked for: they are the process's own.
        device: ``"cpu"``, ``"cuda"`` or ``"cuda:1"``.
    """

    file_kind: ClassVar[str] = "safetensors"
    precisions: ClassVar[tuple[str, ...]] = tuple(_TYPES)

    def __init__(self, data: bytes, card: ModelCard, *, precision: str, threads: int, device: str = "cpu") -> None:
        what = f"model {card.name!r} ({card.files[self.file_kind].path})"
        self._output_names = card.head.output_names
        self._shape = _checked_shape(data, card, what)
        self._device = _open_device(device)
        network = TorchNetwork(network_graph(data)).to(self._device, _TYPES[precision]).eval().requires_grad_(False)
        self._network = _Typed(network, _TYPES[precision], self._output_names)
        self._graphs: dict[int, _Captured] = {}
        self._lock = Lock()
        on_gpu = self._device.type == "cuda"
        self._info = BackendInfo(
            name="torch",
            version=str(torch.__version__),
            provider=torch.cuda.get_device_name(self._device) if on_gpu else "CPU",
            precision=precision,
            threads=threads if on_gpu else torch.get_num_threads(),
        )

    @classmethod
    def devices(cls) -> list[Device]:
        """The GPU, then the CPU."""
        return [Device("cuda", cls.precisions, _cuda_problem()), Device("cpu", cls.precisions)]

    @property
    def info(self) -> BackendInfo:
        """What really runs."""
        return self._info

    def run(self, batch: FloatArray) -> dict[str, FloatArray]:
        """Run the network on float32 (N, 3, H, W); the outputs the head reads, by name.

        Raises:
            BackendError: torch failed while running, or the shape of the batch is wrong.
        """
        if batch.ndim != 4 or batch.shape[1:] != self._shape:
            raise BackendError(f"expected crops of shape {self._shape}, got a batch of shape {batch.shape}")
        try:
            with torch.inference_mode():
                if self._device.type == "cpu":
                    return {name: value.numpy() for name, value in self._network(torch.from_numpy(batch)).items()}
                return self._on_gpu(batch)
        except RuntimeError as error:  # torch's own, out of memory included
            raise BackendError(f"torch failed on a batch of shape {batch.shape}: {str(error)[:200]}") from error

    def _on_gpu(self, batch: FloatArray) -> dict[str, FloatArray]:
        with self._lock, torch.cuda.device(self._device):
            parts = [self._captured(size).run(batch[start:stop]) for start, stop, size in plan(len(batch))]
        return {name: np.concatenate([part[name] for part in parts]) for name in self._output_names}

    def _captured(self, size: int) -> _Captured:
        if size not in self._graphs:
            self._graphs[size] = _Captured(self._network, (size, *self._shape), self._device)
        return self._graphs[size]


def plan(count: int) -> list[tuple[int, int, int]]:
    """Which pictures go into which graph: start, stop and the graph's size, a power of two up to ``MOST``.

    >>> plan(70)
    [(0, 64, 64), (64, 70, 8)]
    """
    starts = range(0, count, MOST)
    stops = [min(start + MOST, count) for start in starts]
    return [(start, stop, 1 << (stop - start - 1).bit_length()) for start, stop in zip(starts, stops, strict=True)]


class _Typed:
    """A network in another type between float32 in and out, with the outputs that are wanted."""

    def __init__(self, network: TorchNetwork, dtype: torch.dtype, names: tuple[str, ...]) -> None:
        self._network, self._dtype, self._names = network, dtype, names

    def __call__(self, images: Tensor) -> dict[str, Tensor]:
        found = self._network(images.to(self._dtype))
        return {name: found[name].float().contiguous() for name in self._names}


class _Captured:
    """One batch size as a CUDA graph, from pinned memory to pinned memory."""

    def __init__(self, network: _Typed, shape: tuple[int, ...], device: torch.device) -> None:
        self._input = torch.zeros(shape, pin_memory=True)
        on_device = torch.zeros(shape, device=device)
        stream = torch.cuda.Stream(device)
        with _exact(), torch.cuda.stream(stream):
            for _ in range(3):  # cuDNN and the allocator settle before a capture, as torch's documentation asks
                found = network(on_device)
            self._outputs = {name: torch.empty(value.shape, pin_memory=True) for name, value in found.items()}
            stream.synchronize()
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph, stream=stream):
                on_device.copy_(self._input, non_blocking=True)
                for name, value in network(on_device).items():
                    self._outputs[name].copy_(value, non_blocking=True)

    def run(self, batch: FloatArray) -> dict[str, FloatArray]:
        """The outputs of up to as many pictures as the graph has."""
        self._input[: len(batch)].copy_(torch.from_numpy(batch))
        self._graph.replay()
        torch.cuda.current_stream().synchronize()
        return {name: value[: len(batch)].numpy().copy() for name, value in self._outputs.items()}


@contextmanager
def _exact() -> Iterator[None]:
    """No TF32 while kernels are chosen: left alone, convolutions use it."""
    before: Any = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def _checked_shape(data: bytes, card: ModelCard, what: str) -> tuple[int, int, int]:
    """The shape of a picture, after the core's reader checked the file and the card agrees with it."""
    try:
        network = _core.Network(data)
    except CorruptModelError as error:
        raise CorruptModelError(f"{what}: {error}") from error
    wanted = (3, card.input.height, card.input.width)
    absent = [name for name in card.head.output_names if name not in network.outputs]
    if tuple(network.input_shape) != wanted or absent:
        raise CorruptModelError(
            f"{what}: card and network disagree: expected input {wanted} and outputs {list(card.head.output_names)}, "
            f"got {tuple(network.input_shape)} and {list(network.outputs)}"
        )
    return wanted


def _open_device(device: str) -> torch.device:
    name, which = split_device(device, {"cuda": None, "cpu": None})
    if name == "cpu":
        return torch.device("cpu")
    problem = _cuda_problem()
    number = device_number(which)
    if problem is None and number >= torch.cuda.device_count():
        problem = f"torch finds {torch.cuda.device_count()} GPUs, counted from 0"
    if problem is not None:
        raise BackendError(f"device {device!r}: {problem}")
    return torch.device("cuda", number)


def _cuda_problem() -> str | None:
    if torch.version.cuda is None:
        return f"torch {torch.__version__} is built without CUDA. Run: pip install --force-reinstall torch"
    return None if torch.cuda.is_available() else "torch finds no NVIDIA GPU or no driver for it; nvidia-smi says more"
