"""Heads that classify angles into bins: Hopenet, hybrid coarse-fine, Gaussian label distributions.

They differ in their classifications and in the loss; the answer is the expectation of the finest one.
"""

from __future__ import annotations

from dataclasses import dataclass

from hpe_edge.training.models.outputs import BinLogits
from torch import Tensor, nn

from hpe_edge.errors import InvalidArgumentError

ANGLES = 3


@dataclass(frozen=True)
class BinsConfig:
    """bins: of each classification over +-99 degrees, the finest first.

    (66,) is Hopenet's and the label distribution's; (198, 66, 18, 6, 2) the hybrid coarse-fine paper's.
    """

    bins: tuple[int, ...] = (66,)

    def __post_init__(self) -> None:
        if not self.bins or min(self.bins) < 2 or list(self.bins) != sorted(self.bins, reverse=True):
            raise InvalidArgumentError(f"head.bins: expected counts of at least 2, the finest first, got {self.bins}")


class BinsHead(nn.Module):
    """One linear layer for each classification, all three angles in it.

    >>> [t.shape[-1] for t in BinsHead(BinsConfig((66, 6)), 1, 8)(torch.zeros(2, 1, 8)).logits]
    [66, 6]
    """

    def __init__(self, config: BinsConfig, groups: int, width: int) -> None:
        super().__init__()
        self.bins = config.bins
        self.layers = nn.ModuleList(nn.Linear(groups * width, ANGLES * bins) for bins in config.bins)

    def forward(self, features: Tensor) -> BinLogits:
        """features (N, groups, width) -> logits."""
        flat = features.flatten(1)
        # sizes in numbers, so that an export has no Shape nodes
        return BinLogits(
            tuple(layer(flat).reshape(-1, ANGLES, bins) for layer, bins in zip(self.layers, self.bins, strict=True))
        )
