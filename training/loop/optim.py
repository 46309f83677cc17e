"""Learning-rate schedules over the run's progress, and the running average of the weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from hpe_edge.training.models.network import Network
from hpe_edge.training.recipe import OptimConfig
from torch import Tensor, nn


def lr_factor(schedule: str, progress: float) -> float:
    """Factor on the recipe's learning rate at a progress of 0 to 1.

    ``steps``: the paper's, x 0.1 after each third (section 4.1). ``cosine``: half a cosine to 0.
    ``onecycle``: up over the first fifth, then half a cosine to 0 (Smith, arXiv 1708.07120).

    >>> [lr_factor("steps", p) for p in (0.0, 0.5, 0.9)]
    [1.0, 0.1, 0.01]
    """
    progress = min(max(progress, 0.0), 1.0)
    if schedule == "steps":
        return (1.0, 0.1, 0.01)[min(2, int(progress * 3))]
    rise = 0.2 if schedule == "onecycle" else 0.0
    if progress < rise:
        return 0.04 + 0.96 * progress / rise
    return 0.5 * (1.0 + math.cos(math.pi * (progress - rise) / (1.0 - rise)))


def make_optimizer(model: Network, config: OptimConfig) -> torch.optim.Optimizer:
    """Adam, or AdamW with decay on matrices and kernels only; each group's ``factor`` is on the learning rate."""
    groups: list[dict[str, Any]] = []
    for part, factor in ((model.trunk, config.trunk_lr_factor), (model.head, 1.0)):
        parameters = [p for p in part.parameters() if p.requires_grad]
        for matrices in (True, False):
            chosen = [p for p in parameters if (p.ndim > 1) == matrices]
            decay = config.weight_decay if matrices else 0.0
            groups.append({"params": chosen, "weight_decay": decay, "lr": config.lr * factor, "factor": factor})
    kind = torch.optim.AdamW if config.weight_decay > 0 else torch.optim.Adam
    return kind([group for group in groups if group["params"]], lr=config.lr, fused=True)


class WeightAverage:
    """Exponential moving average of weights and BatchNorm statistics; its model is validated and exported.

    The decay starts small, ``(1 + t) / (10 + t)``, so that the random start is soon forgotten.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.model = copy.deepcopy(model).eval()
        for parameter in self.model.parameters():
            parameter.requires_grad_(False)
        self._averages = self._floats(self.model)
        self._others = [b for b in self.model.buffers() if not b.is_floating_point()]

    @staticmethod
    def _floats(model: nn.Module) -> list[Tensor]:
        return [*model.parameters(), *(b for b in model.buffers() if b.is_floating_point())]

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Move towards ``model`` after its optimizer step number ``step`` (from 0)."""
        decay = min(self.decay, (1.0 + step) / (10.0 + step))
        current = [t.detach() for t in self._floats(model)]
        torch._foreach_lerp_(self._averages, current, 1.0 - decay)
        counters = (b for b in model.buffers() if not b.is_floating_point())
        for mine, theirs in zip(self._others, counters, strict=True):
            mine.copy_(theirs)


def mean_state(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of several networks' weights (Izmailov et al., UAI 2018); counters are the last one's."""
    return {
        key: torch.stack([state[key] for state in states]).mean(0) if value.is_floating_point() else value
        for key, value in states[-1].items()
    }
