"""Cross-cascading regression: Zhang et al., "Cross-Cascading Regression for Simultaneous Head Pose
Estimation and Facial Landmark Detection" (CCBR 2018), figure 1 and sections 3.1 to 3.3.

What the paper leaves open is decided so: maps are at S / 4; the pose sub-network is ResNet50's four stages
on them, so the intermediate features that are passed on are those of its first stage; its two deconvolutions
enlarge twice and four times, back to S / 4; what enters a sum has the hourglass' channels, the heatmaps
by a 1x1 convolution as in Newell et al.; the pose information map enters the lowest resolution of the next
hourglass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from hpe_edge.training.models.pretrained import pooled
from hpe_edge.training.models.trunks.hourglass import Hourglass, Residual, Stem
from hpe_edge.training.models.trunks.resnet import Bottleneck, initialise, residual_stage
from torch import Tensor, nn

from hpe_edge.errors import InvalidArgumentError

DEPTHS = {"resnet50": (3, 4, 6, 3), "light": (1, 1, 1, 1)}
POSE_STRIDE = 8  # of the pose sub-network
HEATMAP_START = 0.001  # spread of the first heatmap weights: landmarks begin near the middle


class CascadeFeatures(NamedTuple):
    """vectors: (N, blocks, width), the pose vector of each block. heatmaps: per block raw scores
    (N, L, S / 4, S / 4).
    """

    vectors: Tensor
    heatmaps: tuple[Tensor, ...]


@dataclass(frozen=True)
class CascadeConfig:
    """blocks: cascaded, the paper's is 2. channels: of the maps, 256 as in the paper's ResNet50 and hourglass.

    backbone: stages of the pose sub-network, ``resnet50`` as in the paper or ``light``, one bottleneck each.
    hourglass_depth: how often the hourglass halves. landmarks: L. stem_pool: False keeps maps at S / 2, for
    small pictures. deconvolution: channels of the enlarged pose features.
    """

    blocks: int = 2
    channels: int = 256
    backbone: str = "resnet50"
    hourglass_depth: int = 3
    landmarks: int = 68
    stem_pool: bool = True
    deconvolution: int = 256

    def __post_init__(self) -> None:
        if self.backbone not in DEPTHS:
            raise InvalidArgumentError(f"trunk.backbone: expected one of {tuple(DEPTHS)}, got {self.backbone!r}")
        counts = (self.blocks, self.hourglass_depth, self.landmarks, self.deconvolution)
        if min(counts) < 1 or self.channels < 4 or self.channels % 4:
            raise InvalidArgumentError(f"trunk: expected counts of at least 1 and channels a multiple of 4, got {self}")


class PoseNetwork(nn.Module):
    """Section 3.1: maps (N, C, H, W) -> intermediate features (N, C, H, W), last features (N, 8 C, H / 8, W / 8)."""

    def __init__(self, channels: int, backbone: str) -> None:
        super().__init__()
        planes, depths = channels // Bottleneck.expansion, DEPTHS[backbone]
        self.layer1 = residual_stage(Bottleneck, channels, planes, depths[0], 1)
        self.layer2 = residual_stage(Bottleneck, channels, 2 * planes, depths[1], 2)
        self.layer3 = residual_stage(Bottleneck, 2 * channels, 4 * planes, depths[2], 2)
        self.layer4 = residual_stage(Bottleneck, 4 * channels, 8 * planes, depths[3], 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Intermediate and last features."""
        intermediate = self.layer1(x)
        return intermediate, self.layer4(self.layer3(self.layer2(intermediate)))


class LandmarkNetwork(nn.Module):
    """Section 3.2, an hourglass and two 1x1 convolutions: (N, C, H, W) -> features of the same shape and
    heatmaps (N, L, H, W).
    """

    def __init__(self, config: CascadeConfig) -> None:
        super().__init__()
        c = config.channels
        self.hourglass = Hourglass(config.hourglass_depth, c)
        self.features = nn.Sequential(
            Residual(c, c), nn.Conv2d(c, c, 1, bias=False), nn.BatchNorm2d(c), nn.ReLU(inplace=True)
        )
        self.heatmaps = nn.Conv2d(c, config.landmarks, 1)

    def forward(self, x: Tensor, pose_map: Tensor | None) -> tuple[Tensor, Tensor]:
        """pose_map: of the block before, None in the first."""
        features = self.features(self.hourglass(x, pose_map))
        return features, self.heatmaps(features)


class Junction(nn.Module):
    """Section 3.3, between two blocks: the pose information map and the sum of everything that is known."""

    def __init__(self, config: CascadeConfig) -> None:
        super().__init__()
        c, wide = config.channels, config.deconvolution
        self.enlarge = nn.Sequential(
            nn.ConvTranspose2d(8 * c, wide, 4, 2, padding=1, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(wide, wide, 4, 4, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU(inplace=True),
        )
        self.unify = nn.Conv2d(wide, c, 1)
        self.from_features = nn.Conv2d(c, c, 1)
        self.from_heatmaps = nn.Conv2d(config.landmarks, c, 1)

    def forward(self, last: Tensor, intermediate: Tensor, features: Tensor, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """-> the pose information map and the next block's input, both (N, C, H, W)."""
        pose_map = self.unify(self.enlarge(last))
        landmarks = self.from_features(features) + self.from_heatmaps(heatmaps)
        return pose_map, landmarks + pose_map + intermediate


class Cascade(nn.Module):
    """A shared stem and cascaded blocks of a pose and a landmark sub-network.

    >>> cascade = Cascade(CascadeConfig(channels=16, backbone="light", hourglass_depth=2, landmarks=5), 64)
    >>> features = cascade.eval()(torch.zeros(2, 3, 64, 64))
    >>> features.vectors.shape, features.heatmaps[1].shape
    (torch.Size([2, 2, 128]), torch.Size([2, 5, 16, 16]))
    """

    def __init__(self, config: CascadeConfig, size: int) -> None:
        super().__init__()
        cell = (4 if config.stem_pool else 2) * max(POSE_STRIDE, 2**config.hourglass_depth)
        if size % cell:
            raise InvalidArgumentError(
                f"input.size: expected a multiple of {cell} for the trunk 'cascade' as configured "
                f"(hourglass_depth {config.hourglass_depth}), got {size}"
            )
        self.groups = config.blocks
        self.width = 8 * config.channels
        self.stem = Stem(config.channels, config.stem_pool)
        self.poses = nn.ModuleList(PoseNetwork(config.channels, config.backbone) for _ in range(config.blocks))
        self.landmarks = nn.ModuleList(LandmarkNetwork(config) for _ in range(config.blocks))
        self.junctions = nn.ModuleList(Junction(config) for _ in range(config.blocks - 1))
        self.apply(initialise)
        for module in self.modules():
            if isinstance(module, LandmarkNetwork):
                nn.init.normal_(module.heatmaps.weight, std=HEATMAP_START)

    def forward(self, x: Tensor) -> CascadeFeatures:
        """x: (N, 3, S, S) -> the vectors and heatmaps of every block."""
        x = self.stem(x)
        pose_map: Tensor | None = None
        vectors, maps = [], []
        for k, (pose, landmark) in enumerate(zip(self.poses, self.landmarks, strict=True)):
            intermediate, last = pose(x)
            features, heatmaps = landmark(x, pose_map)
            vectors.append(pooled(last))
            maps.append(heatmaps)
            if k < len(self.junctions):
                pose_map, x = self.junctions[k](last, intermediate, features, heatmaps)
        return CascadeFeatures(torch.cat(vectors, dim=1), tuple(maps))
