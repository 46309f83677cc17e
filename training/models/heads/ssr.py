"""The head of soft stagewise regression: stage vectors to p, eta and delta (SSR-Net, FSA-Net sect. 3.6)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from hpe_edge.training.models.outputs import SsrStages
from torch import Tensor, nn

from hpe_edge.errors import InvalidArgumentError

ANGLES = 3
_FIRST_STD_DEG = 15.0  # the spread before training, about the errors then: their likelihood starts without a shock


@dataclass(frozen=True)
class SsrConfig:
    """bins: s_k of each stage. spread: whether a variance head tells how sure each angle is.

    The variance head reads the stage vectors but sends no gradient back: what it learns costs no accuracy.
    """

    bins: int = 3
    spread: bool = True

    def __post_init__(self) -> None:
        if self.bins < 2:
            raise InvalidArgumentError(f"head.bins: expected at least 2, got {self.bins}")


class StageLinear(nn.Module):
    """Fully-connected layers of one stage: V_k (N, c') -> raw p (N, 3, s), eta and delta (N, 3).

    As in the published code the first quarter of V_k feeds delta, the second eta, the rest p.
    """

    def __init__(self, width: int, bins: int) -> None:
        super().__init__()
        self.bins = bins
        self.split = [width // 4, width // 4, width - 2 * (width // 4)]
        self.delta = nn.Linear(self.split[0], ANGLES)
        self.eta = nn.Linear(self.split[1], ANGLES)
        self.p = nn.Linear(self.split[2], ANGLES * bins)

    def forward(self, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """v: (N, c') -> p, eta, delta, before their activations."""
        for_delta, for_eta, for_p = torch.split(v, self.split, dim=-1)
        return self.p(for_p).view(-1, ANGLES, self.bins), self.eta(for_eta), self.delta(for_delta)


class SsrHead(nn.Module):
    """One `StageLinear` for each stage vector, and the variance head over all of them.

    >>> SsrHead(SsrConfig(), groups=3, width=16)(torch.zeros(2, 3, 16)).p[0].shape
    torch.Size([2, 3, 3])
    """

    def __init__(self, config: SsrConfig, groups: int, width: int) -> None:
        super().__init__()
        if width < 4:
            raise InvalidArgumentError(f"head 'ssr': expected a trunk with at least 4 features a stage, got {width}")
        self.stages = nn.ModuleList(StageLinear(width, config.bins) for _ in range(groups))
        self.log_std = None
        if config.spread:
            hidden = 32
            last = nn.Linear(hidden, ANGLES)
            nn.init.constant_(last.bias, math.log(_FIRST_STD_DEG))
            self.log_std = nn.Sequential(nn.Linear(groups * width, hidden), nn.ReLU(inplace=True), last)

    def forward(self, features: Tensor) -> SsrStages:
        """features (N, K, c') -> raw stage outputs."""
        p, eta, delta = zip(*(stage(features[:, k]) for k, stage in enumerate(self.stages)), strict=True)
        log_std = None if self.log_std is None else self.log_std(features.detach().flatten(1))
        return SsrStages(p, eta, delta, log_std)

    @torch.no_grad()
    def deploy(self) -> MergedSsrHead:
        """The same numbers from one linear layer over all stage vectors, for inference."""
        return MergedSsrHead(self)


class MergedSsrHead(nn.Module):
    """All layers of all stages as one matrix, zero where a layer does not look: one node instead of nine."""

    def __init__(self, head: SsrHead) -> None:
        super().__init__()
        stages = [stage for stage in head.stages if isinstance(stage, StageLinear)]
        self.count, self.bins = len(stages), stages[0].bins
        width = sum(stages[0].split)
        self.sizes = [len(stages) * ANGLES * self.bins, len(stages) * ANGLES, len(stages) * ANGLES]
        self.merged = nn.Linear(len(stages) * width, sum(self.sizes))
        self.log_std = head.log_std
        nn.init.zeros_(self.merged.weight)
        for number, stage in enumerate(stages):
            column = number * width
            for layer, group, first in _places(stage):
                rows = layer.out_features
                row = sum(self.sizes[:group]) + number * rows
                self.merged.weight[row : row + rows, column + first : column + first + layer.in_features] = layer.weight
                self.merged.bias[row : row + rows] = layer.bias

    def forward(self, features: Tensor) -> SsrStages:
        """features (N, K, c') -> raw stage outputs."""
        flat = features.flatten(1)
        p, eta, delta = torch.split(self.merged(flat), self.sizes, dim=-1)
        scores = p.reshape(-1, self.count * ANGLES, self.bins).split(ANGLES, dim=1)
        log_std = None if self.log_std is None else self.log_std(flat)
        return SsrStages(scores, eta.split(ANGLES, dim=1), delta.split(ANGLES, dim=1), log_std)


def _places(stage: StageLinear) -> list[tuple[nn.Linear, int, int]]:
    """A stage's layers, the group of outputs each belongs to (p, eta, delta), and its first input."""
    for_delta, for_eta, _ = stage.split
    return [(stage.p, 0, for_delta + for_eta), (stage.eta, 1, for_delta), (stage.delta, 2, 0)]
