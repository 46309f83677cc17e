"""SSR-Net-MD: Yang et al., "SSR-Net: A Compact Soft Stagewise Regression Network" (IJCAI 2018) for three
angles, as FSA-Net's paper compares itself with it (CVPR 2019, sections 3.2 and 3.6).

Two streams, one with ReLU and average pooling, one with tanh and max pooling, meet after each of three
stages by multiplication; each stage has its own fully-connected layers. The published code does so too.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from hpe_edge.training.models.trunks.fsanet import SepBlock
from torch import Tensor, nn

from hpe_edge.errors import InvalidArgumentError

STAGES = 3
LAYERS = ("separable", "plain")
Pool = type[nn.AvgPool2d] | type[nn.MaxPool2d]


@dataclass(frozen=True)
class SsrNetConfig:
    """layers: ``separable`` is SSR-Net-MD of FSA-Net's tables, 16 to 128 channels in both streams;
    ``plain`` the dense 3x3 layers of the first SSR-Net, 32 channels beside 16.

    squeeze: channels of each stage's 1x1. width: of a stage vector, a multiple of 4; the published layers
    have 6 values for delta, 6 for eta and 12 for p: 24.
    """

    layers: str = "separable"
    squeeze: int = 64
    width: int = 24

    def __post_init__(self) -> None:
        if self.layers not in LAYERS:
            raise InvalidArgumentError(f"trunk.layers: expected one of {LAYERS}, got {self.layers!r}")
        if self.squeeze < 1 or self.width < 4 or self.width % 4:
            raise InvalidArgumentError(f"trunk: expected squeeze >= 1 and width a multiple of 4, got {self}")


def _activation(name: str) -> nn.Module:
    return nn.ReLU(inplace=True) if name == "relu" else nn.Tanh()


def _plain(inputs: int, outputs: int, activation: str, pool: nn.Module | None = None) -> nn.Sequential:
    """{Conv2D(3x3) - BN - ReLU | Tanh} and its pooling."""
    layers = [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), _activation(activation)]
    return nn.Sequential(*layers, *([pool] if pool else []))


def _separable_stages(activation: str, pool: Pool) -> tuple[list[nn.Sequential], list[int]]:
    """FSA-Net section 3.6; the map of a stage is behind its pooling."""

    def block(inputs: int, outputs: int, pooling: bool = False) -> SepBlock:
        return SepBlock(inputs, outputs, activation, pool(2) if pooling else None)

    first = nn.Sequential(block(3, 16, True), block(16, 32), block(32, 32, True))
    second = nn.Sequential(block(32, 64), block(64, 64, True))
    third = nn.Sequential(block(64, 128), block(128, 128))
    return [first, second, third], [32, 64, 128]


def _plain_stages(activation: str, pool: Pool) -> tuple[list[nn.Sequential], list[int]]:
    """SSR-Net: four layers of 32 (ReLU) or 16 (tanh) channels."""
    c = 32 if activation == "relu" else 16
    first = nn.Sequential(_plain(3, c, activation, pool(2)), _plain(c, c, activation, pool(2)))
    second, third = _plain(c, c, activation, pool(2)), _plain(c, c, activation)
    return [first, second, third], [c, c, c]


class Stream(nn.Module):
    """One stream: the maps of its stages, each behind a 1x1 with the stream's activation and pooled once more."""

    def __init__(self, config: SsrNetConfig, activation: str, pool: Pool) -> None:
        super().__init__()
        make = _separable_stages if config.layers == "separable" else _plain_stages
        stages, widths = make(activation, pool)
        self.stages = nn.ModuleList(stages)
        self.squeezes = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, config.squeeze, 1), _activation(activation), pool(2)) for width in widths
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """x: (N, 3, S, S) -> maps (N, squeeze, side, side), side S / 8, S / 16 and S / 16."""
        maps = []
        for stage, squeeze in zip(self.stages, self.squeezes, strict=True):
            x = stage(x)
            maps.append(squeeze(x))
        return maps


class SsrNet(nn.Module):
    """Three stage vectors, the coarse stage (of the deepest map) first.

    >>> SsrNet(SsrNetConfig(), 64).eval()(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 3, 24])
    """

    groups = STAGES

    def __init__(self, config: SsrNetConfig, size: int) -> None:
        super().__init__()
        if size % 16 or size < 16:
            raise InvalidArgumentError(f"input.size: expected a multiple of 16 for the trunk 'ssrnet', got {size}")
        self.width = config.width
        self.stream1 = Stream(config, "relu", nn.AvgPool2d)
        self.stream2 = Stream(config, "tanh", nn.MaxPool2d)
        cells = ((size // 8) ** 2, (size // 16) ** 2, (size // 16) ** 2)
        self.layers = nn.ModuleList(nn.Linear(config.squeeze * n, config.width) for n in cells)
        self.apply(_glorot)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, 3, S, S) -> (N, 3, width): the first half behind tanh (for delta and eta), the rest linear (for p)."""
        vectors = []
        for layer, a, b in zip(self.layers, self.stream1(x), self.stream2(x), strict=True):
            bounded, free = layer((a * b).flatten(1)).chunk(2, dim=1)
            vectors.append(torch.cat([torch.tanh(bounded), free], dim=1))
        return torch.stack(vectors[::-1], dim=1)


def _glorot(module: nn.Module) -> None:
    """Keras' default initialisation."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
