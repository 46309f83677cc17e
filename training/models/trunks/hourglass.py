"""The hourglass of Newell et al., "Stacked Hourglass Networks for Human Pose Estimation" (ECCV 2016),
sections 3.1 and 3.2: the landmark sub-network of cross-cascading regression.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn


class Residual(nn.Module):
    """The pre-activation bottleneck of figure 4: (N, inputs, H, W) -> (N, outputs, H, W)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half = outputs // 2
        self.branch = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.ReLU(),
            nn.Conv2d(inputs, half, 1, bias=False),
            nn.BatchNorm2d(half),
            nn.ReLU(inplace=True),
            nn.Conv2d(half, half, 3, padding=1, bias=False),
            nn.BatchNorm2d(half),
            nn.ReLU(inplace=True),
            nn.Conv2d(half, outputs, 1),
        )
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Shortcut and branch."""
        return cast(Tensor, self.shortcut(x) + self.branch(x))


class Hourglass(nn.Module):
    """Down by halves, up again, with a shortcut at every resolution: figure 3.

    Args:
        depth: how often it halves; H and W must be multiples of 2 ** depth.
        channels: of every map.

    >>> Hourglass(2, 16)(torch.zeros(1, 16, 8, 8)).shape
    torch.Size([1, 16, 8, 8])
    """

    def __init__(self, depth: int, channels: int) -> None:
        super().__init__()
        self.side = Residual(channels, channels)
        self.down = Residual(channels, channels)
        self.inner = Hourglass(depth - 1, channels) if depth > 1 else None
        self.bottom = Residual(channels, channels) if depth == 1 else None
        self.up = Residual(channels, channels)

    def forward(self, x: Tensor, insert: Tensor | None = None) -> Tensor:
        """x: (N, C, H, W), insert: a map of the same shape for the lowest resolution -> (N, C, H, W)."""
        low = self.down(nn.functional.max_pool2d(x, 2))
        if insert is not None:
            insert = nn.functional.avg_pool2d(insert, 2)
        if self.inner is not None:
            low = self.inner(low, insert)
        elif self.bottom is not None:
            low = self.bottom(low if insert is None else low + insert)
        return cast(Tensor, self.side(x) + nn.functional.interpolate(self.up(low), scale_factor=2.0))


class Stem(nn.Module):
    """Section 3.3: 7x7 with stride 2, a residual, pooling, two residuals: (N, 3, S, S) -> (N, C, S / 4, S / 4).

    Without ``pool`` the maps stay at S / 2.
    """

    def __init__(self, channels: int, pool: bool = True) -> None:
        super().__init__()
        half = channels // 2
        self.conv = nn.Conv2d(3, half // 2, 7, 2, padding=3, bias=False)
        self.norm = nn.BatchNorm2d(half // 2)
        self.first = Residual(half // 2, half)
        self.pool = nn.MaxPool2d(2) if pool else nn.Identity()
        self.rest = nn.Sequential(Residual(half, half), Residual(half, channels))

    def forward(self, x: Tensor) -> Tensor:
        """The first maps of the network."""
        x = torch.relu(self.norm(self.conv(x)))
        return cast(Tensor, self.rest(self.pool(self.first(x))))
