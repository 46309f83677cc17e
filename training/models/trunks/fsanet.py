"""FSA-Net: Yang et al., "FSA-Net: Learning Fine-Grained Structure Aggregation for Head Pose
Estimation from a Single Image" (CVPR 2019), sections 3.3 to 3.6. Symbols are the paper's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from hpe_edge.training.models.trunks.aggregation import CapsuleAggregation, MeanAggregation, NetVladAggregation
from torch import Tensor, nn

from hpe_edge.errors import InvalidArgumentError

SCORINGS = ("1x1", "variance", "none")
AGGREGATIONS = ("capsule", "netvlad", "none")
ACTIVATIONS = ("relu", "tanh")
STAGES = 3


@dataclass(frozen=True)
class FSANetConfig:
    """Hyper-parameters of section 3.6.

    scoring: Phi of section 3.4. aggregation: of section 3.6; ``none`` averages. stream2_activation:
    the paper's is tanh. m, n_prime: of section 3.5. c, c_prime: feature widths. routings: iterations
    of the capsule routing. clusters: of NetVLAD.
    """

    scoring: str = "1x1"
    aggregation: str = "capsule"
    stream2_activation: str = "tanh"
    m: int = 5
    n_prime: int = 7
    c: int = 64
    c_prime: int = 16
    routings: int = 3
    clusters: int = 16

    def __post_init__(self) -> None:
        choices = (("scoring", SCORINGS), ("aggregation", AGGREGATIONS), ("stream2_activation", ACTIVATIONS))
        for name, allowed in choices:
            if getattr(self, name) not in allowed:
                raise InvalidArgumentError(f"trunk.{name}: expected one of {allowed}, got {getattr(self, name)!r}")
        counts = (self.m, self.n_prime, self.c, self.routings, self.clusters)
        if min(counts) < 1 or self.c_prime < 4 or self.c_prime % 4:
            raise InvalidArgumentError(f"trunk: sizes must be positive and c_prime a multiple of 4: {self}")


def _activation(name: str) -> nn.Module:
    return nn.ReLU(inplace=True) if name == "relu" else nn.Tanh()


def _tail(activation: str, pool: nn.Module | None) -> list[nn.Module]:
    """Activation and pooling in the cheaper order.

    An increasing function commutes with max pooling, so there the activation may come second and
    sees a quarter of the values: the same numbers as the paper's order, faster.
    """
    act = _activation(activation)
    if pool is None:
        return [act]
    return [pool, act] if isinstance(pool, nn.MaxPool2d) else [act, pool]


class SepBlock(nn.Sequential):
    """``B_R(c)`` or ``B_T(c)``: {SepConv2D(3x3, c) - BN - ReLU | Tanh}, section 3.6, and its pooling."""

    def __init__(self, in_channels: int, out_channels: int, activation: str, pool: nn.Module | None = None) -> None:
        super().__init__(
            nn.Conv2d(in_channels, in_channels, 3, padding=1, groups=in_channels, bias=False),
            nn.Conv2d(in_channels, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
            *_tail(activation, pool),
        )


class Stream(nn.Module):
    """One of the two streams: the maps at the ends of its K stages, each behind its 1x1 to c.

    The published code applies the stream's activation to the 1x1 and pools the first stage's
    map to w x h = 8 x 8 with the stream's own pooling before the fusion.
    """

    def __init__(self, activation: str, pool: type[nn.AvgPool2d | nn.MaxPool2d], c: int) -> None:
        super().__init__()

        def block(inputs: int, outputs: int, pooled: bool = False) -> SepBlock:
            return SepBlock(inputs, outputs, activation, pool(2) if pooled else None)

        def squeeze(inputs: int, pooled: bool = False) -> nn.Sequential:
            return nn.Sequential(nn.Conv2d(inputs, c, 1), *_tail(activation, pool(2) if pooled else None))

        self.stage1 = nn.Sequential(block(3, 16, True), block(16, 32), block(32, 32, True))
        self.stage2 = nn.Sequential(block(32, 64), block(64, 64, True))
        self.stage3 = nn.Sequential(block(64, 128), block(128, 128))
        self.squeeze1 = squeeze(32, True)
        self.squeeze2 = squeeze(64)
        self.squeeze3 = squeeze(128)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x: (N, 3, 64, 64) -> three maps (N, c, 8, 8), deepest first as in the published code."""
        first = self.stage1(x)
        second = self.stage2(first)
        third = self.stage3(second)
        return self.squeeze3(third), self.squeeze2(second), self.squeeze1(first)


class StructureMapping(nn.Module):
    """Fine-grained structure mapping, section 3.5, with the scoring function of section 3.4."""

    def __init__(self, config: FSANetConfig, cells: int) -> None:
        super().__init__()
        self.config = config
        self.cells = cells
        self.score = nn.Conv1d(config.c, 1, 1) if config.scoring == "1x1" else None
        self.f_m = nn.Linear(cells, config.m * cells * STAGES)  # one f_M for all stages: eq. 5
        self.f_c = nn.Linear(cells * STAGES, config.n_prime * config.m)

    def attention(self, u: Tensor) -> Tensor:
        """Phi: U (N, n, c) -> A (N, n), the importance of each pixel-level feature."""
        if self.score is not None:
            weight = self.score.weight[:, :, 0]
            return torch.sigmoid(nn.functional.linear(u, weight, self.score.bias)).squeeze(-1)
        return (u - u.mean(-1, keepdim=True)).square().mean(-1)

    def forward(self, u: Tensor) -> Tensor:
        """U (N, n, c) -> U~ (N, n' K, c)."""
        config, n = self.config, self.cells * STAGES
        a = self.attention(u)
        m_k = torch.sigmoid(self.f_m(a.view(-1, STAGES, self.cells)))  # eq. 5
        m_k = m_k.view(-1, STAGES, config.m, n)
        c = torch.sigmoid(self.f_c(a)).view(-1, 1, config.n_prime, config.m)  # eq. 6
        s_k = torch.matmul(c, m_k)  # eq. 4
        s_k = s_k / s_k.sum(-1, keepdim=True)  # L1 norm of each row; all entries are positive
        return torch.bmm(s_k.view(-1, STAGES * config.n_prime, n), u)  # eq. 3


class FSANet(nn.Module):
    """FSA-Net up to the stage vectors. Input (N, 3, S, S) float32, BGR, ``(x - 127.5) / 128``.

    >>> FSANet().eval()(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 3, 16])
    """

    groups = STAGES

    def __init__(self, config: FSANetConfig | None = None, size: int = 64) -> None:
        super().__init__()
        if size % 8 or size < 16:
            raise InvalidArgumentError(f"input.size: FSA-Net expects a multiple of 8 from 16 on, got {size}")
        self.config = config = config or FSANetConfig()
        self.width = config.c_prime
        self.stream1 = Stream("relu", nn.AvgPool2d, config.c)
        self.stream2 = Stream(config.stream2_activation, nn.MaxPool2d, config.c)
        self.cells = cells = (size // 8) ** 2
        mapped = config.scoring != "none"
        self.mapping = StructureMapping(config, cells) if mapped else None
        self.aggregation = _aggregation(config, config.n_prime if mapped else cells)
        self.apply(_glorot)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, 3, S, S) -> V (N, K, c')."""
        fused = [a * b for a, b in zip(self.stream1(x), self.stream2(x), strict=True)]
        # (N, c, w, h) x K -> U (N, n, c), n = w h K
        u = torch.cat([f.reshape(-1, self.config.c, self.cells) for f in fused], dim=2).transpose(1, 2).float()
        with torch.autocast(x.device.type, enabled=False):  # routing and normalisation stay float32
            features = self.mapping(u) if self.mapping is not None else u
            vectors: Tensor = self.aggregation(features)
        return vectors


def _aggregation(config: FSANetConfig, rows: int) -> nn.Module:
    """rows: features of each stage."""
    match config.aggregation:
        case "capsule":
            return CapsuleAggregation(rows * STAGES, config.c, STAGES, config.c_prime, config.routings)
        case "netvlad":
            return NetVladAggregation(config.c, STAGES, config.c_prime, config.clusters)
        case _:
            return MeanAggregation(config.c, STAGES, config.c_prime)


def _glorot(module: nn.Module) -> None:
    """Keras' default initialisation, which the published weights started from."""
    if isinstance(module, nn.Conv2d | nn.Conv1d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
