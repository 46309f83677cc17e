"""A trained network that teaches another: both look at the same augmented pixels, each in its own input."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from hpe_edge.training.augment import InputSpec
from hpe_edge.training.loop.checkpoint import load_trained, read_bytes
from hpe_edge.training.models.network import Network, deployed
from hpe_edge.training.models.outputs import decode
from torch import Tensor, nn


class Teacher:
    """Angles of a checkpoint's averaged weights.

    Attributes:
        input: the crop it looks at. sha256: of its checkpoint.
    """

    def __init__(self, network: Network, spec: InputSpec, sha256: str) -> None:
        self.network: nn.Module = deployed(network).to(memory_format=torch.channels_last)
        self.input = spec
        self.sha256 = sha256

    @classmethod
    def open(cls, path: Path) -> Teacher:
        """From a checkpoint. Raises CheckpointError."""
        network, recipe, _ = load_trained(path)
        return cls(network, recipe.input, hashlib.sha256(read_bytes(path)).hexdigest())

    def to(self, device: torch.device) -> Teacher:
        """This teacher, on a device."""
        self.network.to(device)
        return self

    @torch.inference_mode()
    def __call__(self, inputs: Tensor) -> Tensor:
        """(N, 3, T, T) -> (N, 3) degrees."""
        with torch.autocast(inputs.device.type, torch.bfloat16):
            output = self.network(inputs.contiguous(memory_format=torch.channels_last))
        return decode(output).clone()
