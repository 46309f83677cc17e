"""AlexNet: Krizhevsky et al. 2012 in the single-tower form of "One weird trick" (2014), as Hopenet
(Ruiz et al., CVPR Workshops 2018, sections 4.2 and 4.4) compares itself with it.

Layers are named as torchvision names them; at 224 pixels its ImageNet weights load. They expect RGB, mean
(123.675, 116.28, 103.53), scale (1 / 58.395, 1 / 57.12, 1 / 57.375).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from hpe_edge.training.models.pretrained import StagedTrunk, check_start, load_into
from torch import Tensor, nn

from hpe_edge.errors import InvalidArgumentError

STAGES = 5
LARGEST = 6  # side of the last map at 224 pixels


@dataclass(frozen=True)
class AlexNetConfig:
    """hidden: width of the two fully-connected layers. dropout: before each of them.

    stride: of the first convolution, 4 in the paper; 2 leaves a small picture more cells. pretrained: path
    of a weights file, or empty. freeze_stages: how many of the five convolutions stay as they are.
    """

    hidden: int = 4096
    dropout: float = 0.5
    stride: int = 4
    pretrained: str = ""
    freeze_stages: int = 0

    def __post_init__(self) -> None:
        if self.hidden < 1 or not 0 <= self.dropout < 1 or self.stride not in (2, 4):
            raise InvalidArgumentError(
                f"trunk: expected hidden >= 1, dropout from 0 to below 1 and stride 2 or 4, got {self}"
            )
        check_start(self.pretrained, self.freeze_stages, STAGES)


def _convolutions(stride: int) -> nn.Sequential:
    """The five convolutions; three poolings."""
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, stride, padding=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(384, 256, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(256, 256, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2),
    )


def last_side(size: int, stride: int = 4) -> int:
    """Side of the last map; 0 where the picture is too small.

    >>> last_side(224), last_side(64), last_side(64, stride=2)
    (6, 1, 2)
    """
    side = (size + 4 - 11) // stride + 1
    for _ in range(3):
        side = (side - 3) // 2 + 1
    return max(side, 0)


class AlexNet(StagedTrunk):
    """One vector of ``hidden`` values. The fully-connected layers are as large as the input's map needs.

    >>> AlexNet(AlexNetConfig(hidden=32), 64).eval()(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 1, 32])
    """

    def __init__(self, config: AlexNetConfig, size: int) -> None:
        super().__init__()
        side = last_side(size, config.stride)
        if not 1 <= side <= LARGEST:
            raise InvalidArgumentError(
                f"input.size: expected 63 to 254 (stride 4) or 35 to 130 (stride 2) for the trunk 'alexnet', "
                f"got {size} with stride {config.stride}"
            )
        self.width = config.hidden
        self.features = _convolutions(config.stride)
        self.classifier = nn.Sequential(
            nn.Dropout(config.dropout),
            nn.Linear(256 * side * side, config.hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, config.hidden),
            nn.ReLU(inplace=True),
        )
        if config.pretrained:
            load_into(self, config.pretrained, "classifier.6.")
        self.freeze(config.freeze_stages)

    def stages(self) -> list[list[nn.Module]]:
        """The five convolutions."""
        return [[layer] for layer in self.features if isinstance(layer, nn.Conv2d)]

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, 3, S, S) -> (N, 1, hidden)."""
        vector: Tensor = self.classifier(torch.flatten(self.features(x), 1))
        return vector.unsqueeze(1)
