"""The head of soft stagewise regression: stage vectors to p, eta and delta (SSR-Net, FSA-Net sect. 3.6)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from hpe_edge.training.models.outputs import SsrStages
from torch import Tensor, nn

from hpe_edge.errors import InvalidArgumentError

ANGLES = 3


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
            self.log_std = nn.Sequential(
                nn.Linear(groups * width, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, ANGLES)
            )

    def forward(self, features: Tensor) -> SsrStages:
        """features (N, K, c') -> raw stage outputs."""
        p, eta, delta = zip(*(stage(features[:, k]) for k, stage in enumerate(self.stages)), strict=True)
        log_std = None if self.log_std is None else self.log_std(features.detach().flatten(1))
        return SsrStages(p, eta, delta, log_std)
