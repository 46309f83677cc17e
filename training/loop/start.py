"""Weights that a run begins with: those of an earlier run, for a network whose layers have the same shapes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from hpe_edge.training.loop.checkpoint import load_trained, read_bytes
from hpe_edge.training.models.network import Network
from torch import Tensor

from hpe_edge.errors import CheckpointError


@dataclass(frozen=True)
class Start:
    """Averaged weights of a checkpoint.

    weights: by the names of the layers. epochs: that they were trained for; the new run draws other augmentations
    than those epochs did. path, sha256: of the checkpoint.
    """

    weights: dict[str, Tensor]
    epochs: int
    path: Path
    sha256: str

    @classmethod
    def open(cls, path: Path) -> Start:
        """From a checkpoint. Raises CheckpointError."""
        network, _, data = load_trained(path)
        return cls(
            network.state_dict(), int(data["progress"]["epoch"]), path, hashlib.sha256(read_bytes(path)).hexdigest()
        )

    def into(self, network: Network) -> None:
        """Give ``network`` these weights. Raises CheckpointError where a layer is missing or of another shape."""
        try:
            network.load_state_dict(self.weights)
        except RuntimeError as error:
            raise CheckpointError(f"{self.path}: expected the layers of the recipe's network: {error}") from error
