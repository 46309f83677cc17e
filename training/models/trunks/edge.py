"""A trunk for small computers: FSA-Net's three stages without its slow operators.

Dense 3x3 convolutions that run as one node each, re-parameterised after Ding et al., "RepVGG:
Making VGG-style ConvNets Great Again" (CVPR 2021, section 3): in training a block is
``ReLU(BN(conv3x3) + BN(conv1x1) + BN(identity))``, for inference the three are one 3x3 convolution.
In place of FSA-Net's structure mapping and capsules (CVPR 2019, sections 3.4 and 3.5) each stage
is pooled by a few learned score maps, and one linear layer mixes the pooled stages.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hpe_edge.errors import InvalidArgumentError

STAGES = 3
DOWNSAMPLES = ("stride", "average")
FIRST_SCALE = 0.3  # of the stage vectors: a delta far below 0 would divide by almost nothing (hundreds of degrees)


@dataclass(frozen=True)
class EdgeConfig:
    """Widths and depths; the first block of the stem and of each stage halves the picture.

    downsample: how a stage halves it, by the "stride" of its first block or by the "average" of 2x2
    cells in front of that block; a convolution without a stride is two to three times faster by
    minimal filtering (docs/NETWORK_FILE.md). stem: channels at 1/2. width1 to width3, depth1 to
    depth3: channels and blocks of the stages. stride3: of the last stage, 1 keeps it at the
    resolution of the one before. scores: attention maps a stage. width: of a stage vector.
    """

    downsample: str = "stride"
    stem: int = 16
    width1: int = 32
    width2: int = 64
    width3: int = 96
    depth1: int = 2
    depth2: int = 2
    depth3: int = 3
    stride3: int = 2
    scores: int = 4
    width: int = 32

    def __post_init__(self) -> None:
        sizes = (self.stem, *self.widths, *self.depths, self.scores, self.width)
        if min(sizes) < 1 or self.stride3 not in (1, 2):
            raise InvalidArgumentError(f"trunk: expected sizes of at least 1 and stride3 1 or 2, got {self}")
        if self.downsample not in DOWNSAMPLES:
            raise InvalidArgumentError(f"trunk.downsample: expected one of {DOWNSAMPLES}, got {self.downsample!r}")

    @property
    def widths(self) -> tuple[int, int, int]:
        """Channels of the three stages."""
        return self.width1, self.width2, self.width3

    @property
    def depths(self) -> tuple[int, int, int]:
        """Blocks of the three stages."""
        return self.depth1, self.depth2, self.depth3


def _fold(weight: Tensor, norm: nn.BatchNorm1d | nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution or linear layer with the running statistics of the norm behind it."""
    mean, var = norm.running_mean, norm.running_var
    assert mean is not None and var is not None
    scale = norm.weight / torch.sqrt(var + norm.eps)
    return weight * scale.view(-1, *[1] * (weight.ndim - 1)), norm.bias - mean * scale


class RepBlock(nn.Module):
    """A RepVGG block: (N, inputs, H, W) -> (N, outputs, H / stride, W / stride)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.conv3 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm3 = nn.BatchNorm2d(outputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.identity = nn.BatchNorm2d(outputs) if inputs == outputs and stride == 1 else None

    def forward(self, x: Tensor) -> Tensor:
        """The sum of the branches behind one ReLU."""
        # sliced before and not strided in the 1x1: torch 2.13 on CPU corrupts its heap in the backward of a
        # float32 channels-last 1x1 convolution with stride 2 and three input channels
        sparse = x[:, :, :: self.stride, :: self.stride] if self.stride > 1 else x
        total = self.norm3(self.conv3(x)) + self.norm1(self.conv1(sparse))
        if self.identity is not None:
            total = total + self.identity(x)
        return torch.relu(total)

    @torch.no_grad()
    def deploy(self) -> nn.Module:
        """The same function in eval mode as one convolution and a ReLU."""
        weight, bias = _fold(self.conv3.weight, self.norm3)
        weight1, bias1 = _fold(self.conv1.weight, self.norm1)
        weight, bias = weight + nn.functional.pad(weight1, (1, 1, 1, 1)), bias + bias1
        if self.identity is not None:
            unit = nn.init.dirac_(torch.empty_like(self.conv3.weight))
            weight0, bias0 = _fold(unit, self.identity)
            weight, bias = weight + weight0, bias + bias0
        conv = nn.Conv2d(weight.shape[1], weight.shape[0], 3, self.stride, padding=1)
        conv.weight.copy_(weight)
        conv.bias.copy_(bias)  # type: ignore[union-attr]
        return nn.Sequential(conv, nn.ReLU(inplace=True))


class ScorePool(nn.Module):
    """Maps (N, c, H, W) -> (N, scores * c): means weighted by learned scores of the cells.

    The score of a cell is FSA-Net's 1x1 convolution (section 3.4) plus a term for its place, as the
    place of a feature in the crop says much about the pose; a softmax makes it a weight.
    """

    def __init__(self, channels: int, scores: int, side: int) -> None:
        super().__init__()
        self.shape = (channels, side * side)
        self.score = nn.Parameter(torch.randn(scores, channels) / channels**0.5)
        self.place = nn.Parameter(0.1 * torch.randn(scores, side * side))

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, c, side, side) -> (N, c * scores)."""
        cells = x.reshape(-1, *self.shape)  # (N, c, n); sizes in numbers, so that an export has no Shape nodes
        weight = torch.softmax(torch.matmul(self.score, cells) + self.place, dim=-1)  # (N, scores, n)
        pooled = torch.matmul(cells, weight.to(cells.dtype).transpose(1, 2))
        return pooled.reshape(-1, self.shape[0] * self.score.shape[0])


class EdgeTrunk(nn.Module):
    """Three stage vectors from three resolutions.

    >>> EdgeTrunk(EdgeConfig(), 64).eval()(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 3, 32])
    """

    groups = STAGES

    def __init__(self, config: EdgeConfig, size: int) -> None:
        super().__init__()
        if size % 16:
            raise InvalidArgumentError(f"input.size: expected a multiple of 16 for the trunk 'edge', got {size}")
        self.config, self.width = config, config.width
        strides = (2, 2, config.stride3)
        sides = (size // 4, size // 8, size // 8 // config.stride3)
        self.stem: nn.Module = RepBlock(3, config.stem, 2)
        inputs = (config.stem, config.width1, config.width2)
        shapes = zip(inputs, config.widths, config.depths, strides, strict=True)
        self.stages = nn.ModuleList(_stage(*shape, config.downsample) for shape in shapes)
        self.pools = nn.ModuleList(ScorePool(w, config.scores, s) for w, s in zip(config.widths, sides, strict=True))
        linear = nn.Linear(config.scores * sum(config.widths), STAGES * config.width, bias=False)
        norm = nn.BatchNorm1d(STAGES * config.width)
        self.mix: nn.Module = nn.Sequential(linear, norm)
        self.apply(_initialise)
        nn.init.constant_(norm.weight, FIRST_SCALE)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, 3, size, size) -> (N, 3, width)."""
        x = self.stem(x)
        pooled = []
        for stage, pool in zip(self.stages, self.pools, strict=True):
            x = stage(x)
            pooled.append(pool(x))
        mixed = torch.relu(self.mix(torch.cat(pooled, dim=1)))
        return mixed.view(-1, STAGES, self.width)

    def deploy(self) -> EdgeTrunk:
        """A copy for inference: every block is one convolution; the same numbers in eval mode."""
        twin = copy.deepcopy(self).eval()
        twin.stem = _deployed(twin.stem)
        twin.stages = nn.ModuleList(nn.Sequential(*map(_deployed, stage.children())) for stage in twin.stages)
        twin.mix = _merged(*self.mix.children())
        return twin


def _stage(inputs: int, outputs: int, depth: int, stride: int, downsample: str) -> nn.Sequential:
    pooled = downsample == "average" and stride > 1
    first = RepBlock(inputs, outputs, 1 if pooled else stride)
    blocks = (first, *(RepBlock(outputs, outputs) for _ in range(depth - 1)))
    named: dict[str, nn.Module] = {str(i): block for i, block in enumerate(blocks)}  # the same names either way,
    return nn.Sequential(OrderedDict(({"pool": nn.AvgPool2d(stride)} if pooled else {}) | named))  # so weights fit both


def _deployed(block: nn.Module) -> nn.Module:
    return block.deploy() if isinstance(block, RepBlock) else block


@torch.no_grad()
def _merged(linear: nn.Linear, norm: nn.BatchNorm1d) -> nn.Linear:
    """The linear layer and the norm behind it, in eval mode, as one linear layer."""
    weight, bias = _fold(linear.weight, norm)
    merged = nn.Linear(linear.in_features, linear.out_features)
    merged.weight.copy_(weight)
    merged.bias.copy_(bias)
    return merged


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
