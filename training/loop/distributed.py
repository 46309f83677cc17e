"""Several processes of ``torchrun`` as one training run; without torchrun, a group of one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import nn


@dataclass(frozen=True)
class Group:
    """rank: of this process, 0 to size - 1; rank 0 alone validates, logs and writes."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process speaks for the run."""
        return self.rank == 0

    def agree(self, value: float) -> float:
        """Rank 0's value, in every process."""
        if self.size == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64, device=_device())
        dist.broadcast(shared, 0)
        return float(shared.item())

    def wrap(self, model: nn.Module) -> nn.Module:
        """The model whose gradients are averaged over the group; BatchNorm statistics are rank 0's."""
        if self.size == 1:
            return model
        ids = [_device().index] if _device().type == "cuda" else None
        # a recipe may leave a head out of the loss (the spread of a run without spread_weight)
        return nn.parallel.DistributedDataParallel(model, device_ids=ids, find_unused_parameters=True)


@contextmanager
def joined_group(device: torch.device) -> Iterator[Group]:
    """The group that torchrun's environment describes (gloo on CPUs, NCCL on CUDA), left at the end.

    >>> with joined_group(torch.device("cpu")) as group: group.size
    1
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield Group()
        return
    if device.type == "cuda":
        torch.cuda.set_device(_device())
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Group(dist.get_rank(), size)
    finally:
        dist.destroy_process_group()


def _device() -> torch.device:
    """Where this process's tensors are."""
    if dist.is_initialized() and dist.get_backend() == "nccl":
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return torch.device("cpu")


def local_device(device: torch.device) -> torch.device:
    """This process's own device of a kind: of several CUDA devices the one torchrun gave it."""
    if device.type == "cuda":
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return device
