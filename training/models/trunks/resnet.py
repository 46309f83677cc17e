"""ResNet: He et al., "Deep Residual Learning for Image Recognition" (CVPR 2016), table 1.

The trunk of Hopenet, of the hybrid coarse-fine network and of the label distributions. Bottlenecks
have their stride in the 3x3 convolution ("v1.5"), the last BatchNorm of a branch starts at zero (Goyal
et al. 2017, section 5.1). Layers are named as torchvision names them, so that its ImageNet weights load;
those expect RGB, mean (123.675, 116.28, 103.53), scale (1 / 58.395, 1 / 57.12, 1 / 57.375).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from hpe_edge.training.models.pretrained import StagedTrunk, check_start, load_into, pooled
from torch import Tensor, nn

from hpe_edge.errors import InvalidArgumentError

STAGES = 5


@dataclass(frozen=True)
class ResNetConfig:
    """depth: 18, 34, 50 or 101. stem_pool: the max pooling of the stem, without it maps are twice as large.

    pretrained: path of a weights file, or empty. freeze_stages: of stem, layer1 ... layer4, how many
    stay as they are.
    """

    depth: int = 50
    stem_pool: bool = True
    pretrained: str = ""
    freeze_stages: int = 0

    def __post_init__(self) -> None:
        if self.depth not in DEPTHS:
            raise InvalidArgumentError(f"trunk.depth: expected one of {tuple(DEPTHS)}, got {self.depth}")
        check_start(self.pretrained, self.freeze_stages, STAGES)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and the shortcut: (N, inputs, H, W) -> (N, planes, H / stride, W / stride)."""

    expansion = 1

    def __init__(self, inputs: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, planes, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = _shortcut(inputs, planes, stride)
        nn.init.zeros_(self.bn2.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Figure 5, left."""
        out = torch.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return torch.relu(out + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 and the shortcut: (N, inputs, H, W) -> (N, 4 planes, H / stride, W / stride)."""

    expansion = 4

    def __init__(self, inputs: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        outputs = planes * self.expansion
        self.conv1 = nn.Conv2d(inputs, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = _shortcut(inputs, outputs, stride)
        nn.init.zeros_(self.bn3.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Figure 5, right."""
        out = torch.relu(self.bn1(self.conv1(x)))
        out = torch.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return torch.relu(out + (x if self.downsample is None else self.downsample(x)))


Block = type[BasicBlock] | type[Bottleneck]
DEPTHS: dict[int, tuple[Block, tuple[int, int, int, int]]] = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
}


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    """The projection of equation 2 where the shapes differ, None where they are the same."""
    if inputs == outputs and stride == 1:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


def residual_stage(block: Block, inputs: int, planes: int, depth: int, stride: int) -> nn.Sequential:
    """``depth`` blocks, the first with the stride: (N, inputs, ...) -> (N, planes * expansion, ...)."""
    first = block(inputs, planes, stride)
    return nn.Sequential(first, *(block(planes * block.expansion, planes) for _ in range(depth - 1)))


class ResNet(StagedTrunk):
    """One vector of 512 (18, 34) or 2048 (50, 101) values.

    >>> ResNet(ResNetConfig(depth=18), 64).eval()(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 1, 512])
    """

    def __init__(self, config: ResNetConfig, size: int) -> None:
        super().__init__()
        if size < 32:
            raise InvalidArgumentError(f"input.size: expected at least 32 for the trunk 'resnet', got {size}")
        block, depths = DEPTHS[config.depth]
        self.conv1 = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1) if config.stem_pool else nn.Identity()
        wide = block.expansion
        self.layer1 = residual_stage(block, 64, 64, depths[0], 1)
        self.layer2 = residual_stage(block, 64 * wide, 128, depths[1], 2)
        self.layer3 = residual_stage(block, 128 * wide, 256, depths[2], 2)
        self.layer4 = residual_stage(block, 256 * wide, 512, depths[3], 2)
        self.width = 512 * wide
        self.apply(initialise)
        if config.pretrained:
            load_into(self, config.pretrained, "fc.")
        self.freeze(config.freeze_stages)

    def stages(self) -> list[list[nn.Module]]:
        """Stem, layer1 ... layer4."""
        return [[self.conv1, self.bn1], [self.layer1], [self.layer2], [self.layer3], [self.layer4]]

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, 3, S, S) -> (N, 1, width)."""
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        return pooled(self.layer4(self.layer3(self.layer2(self.layer1(x)))))


def initialise(module: nn.Module) -> None:
    """He et al. 2015: normal weights that keep the variance of the gradient."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
