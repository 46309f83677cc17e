"""The head of cross-cascading regression: a binned pose for every block beside its landmark heatmaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpe_edge.training.models.heads.bins import BinsConfig, BinsHead
from hpe_edge.training.models.outputs import CascadeOutput
from torch import nn

if TYPE_CHECKING:
    from hpe_edge.training.models.trunks.cascade import CascadeFeatures


class CascadeHead(nn.Module):
    """Each block classifies its own pose vector (paper sect. 3.1); heatmaps come from the trunk as they are."""

    def __init__(self, config: BinsConfig, groups: int, width: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(BinsHead(config, 1, width) for _ in range(groups))

    def forward(self, features: CascadeFeatures) -> CascadeOutput:
        """Pose vectors (N, blocks, width) and heatmaps -> the outputs of every block."""
        poses = tuple(head(features.vectors[:, k : k + 1]) for k, head in enumerate(self.blocks))
        return CascadeOutput(poses, features.heatmaps)
