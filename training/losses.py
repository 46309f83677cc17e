"""Losses: errors of the angles and of the rotation, classifications, landmarks, the spread.

Each method of the papers is a choice of weights; a term whose weight is zero is not computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from hpe_edge.training.augment import MIRRORED_68
from hpe_edge.training.loss_terms import (
    chordal_deg,
    coordinate_error,
    cross_entropy,
    euler_to_rotation,
    gaussian_nll,
    heatmap_error,
    label_distribution,
    mirror_difference_deg,
)
from hpe_edge.training.models.outputs import BinLogits, CascadeOutput, Output, SsrStages, decode, std_deg
from torch import Tensor, nn

from hpe_edge.errors import InvalidArgumentError


class PoseTarget(NamedTuple):
    """Labels of a batch.

    euler_deg: (N, 3) yaw, pitch, roll. rotation: (N, 3, 3), label frame. landmarks: (N, 68, 2) in the crop,
    0 to 1. landmarks_visible: (N, 68), 0 or 1. teacher_deg: (N, 3) angles of a teacher, or None.
    """

    euler_deg: Tensor
    rotation: Tensor
    landmarks: Tensor | None = None
    landmarks_visible: Tensor | None = None
    teacher_deg: Tensor | None = None


def mirrored(target: PoseTarget, count: int) -> PoseTarget:
    """The labels of the mirror images of the first ``count`` heads."""
    sign = target.euler_deg.new_tensor([-1.0, 1.0, -1.0])
    flip = target.euler_deg.new_tensor([-1.0, 1.0, 1.0])
    order = torch.from_numpy(MIRRORED_68).to(target.euler_deg.device)
    points, visible, teacher = (
        None if t is None else t[:count] for t in (target.landmarks, target.landmarks_visible, target.teacher_deg)
    )
    if points is not None:
        points = points[:, order] * points.new_tensor([-1.0, 1.0]) + points.new_tensor([1.0, 0.0])
    return PoseTarget(
        euler_deg=target.euler_deg[:count] * sign,
        rotation=target.rotation[:count] * flip[:, None] * flip,
        landmarks=points,
        landmarks_visible=None if visible is None else visible[:, order],
        teacher_deg=None if teacher is None else teacher * sign,
    )


@dataclass(frozen=True)
class LossConfig:
    """Weights of the terms, and the fading of pitch and roll near the gimbal lock.

    angle_weight: of the MAE (SSR-Net, FSA-Net eq. 1). square_weight: of the squared error in degrees^2
    (alpha of Hopenet, of the hybrid and of the label distribution paper). rotation_weight: of the rotation's
    chord in degrees. bins_weight: of the cross-entropy of each classification, the finest first; empty for none.
    distribution_weight: of L_Eu + L_KL to a Gaussian of distribution_sigma bins. spread_weight: of the
    Gaussian likelihood of the error under the spread, which moves the spread alone. landmark_weight,
    heatmap_weight: of the cascade's coordinates and heatmaps. mirror_weight: of the difference between a picture
    and its mirror image. teacher_weight: of the difference to a teacher's angles.
    Between gimbal_start_deg and gimbal_end_deg of |yaw| the weight of the pitch and roll errors
    falls from 1 to gimbal_floor: there the two are hardly apart, and only their sum is visible.
    """

    angle_weight: float = 1.0
    square_weight: float = 0.0
    rotation_weight: float = 0.0
    bins_weight: tuple[float, ...] = ()
    distribution_weight: float = 0.0
    distribution_sigma: float = 4.0
    spread_weight: float = 0.0
    landmark_weight: float = 0.0
    heatmap_weight: float = 0.0
    mirror_weight: float = 0.0
    teacher_weight: float = 0.0
    gimbal_start_deg: float = 65.0
    gimbal_end_deg: float = 88.0
    gimbal_floor: float = 1.0

    def __post_init__(self) -> None:
        named = (self.angle_weight, self.square_weight, self.rotation_weight, self.distribution_weight)
        weights = (*named, *self.bins_weight)
        others = (self.spread_weight, self.landmark_weight, self.heatmap_weight, self.mirror_weight)
        if min(*weights, *others, self.teacher_weight) < 0 or sum(weights) <= 0:
            raise InvalidArgumentError(f"loss: expected weights >= 0, one on the pose positive, got {self}")
        if not 0 <= self.gimbal_start_deg < self.gimbal_end_deg or not 0 <= self.gimbal_floor <= 1:
            raise InvalidArgumentError(f"loss: expected 0 <= start < end and a floor in 0..1, got {self}")
        if self.distribution_sigma <= 0:
            raise InvalidArgumentError(f"loss.distribution_sigma: expected bins > 0, got {self.distribution_sigma}")


class PoseLoss(nn.Module):
    """``criterion(model(x), y)``: the weighted sum of the recipe's terms.

    For a cascade every block is judged, each with weight 1 (cross-cascading paper, eq. 6).
    """

    def __init__(self, config: LossConfig | None = None) -> None:
        super().__init__()
        self.config = config or LossConfig()

    def forward(self, output: Output, target: PoseTarget) -> Tensor:
        """Raw outputs and labels of N heads -> scalar."""
        match output:
            case CascadeOutput():
                poses = torch.stack([self.pose(block, target) for block in output.blocks]).sum()
                return poses + self.landmarks(output, target)
            case _:
                return self.pose(output, target)

    def pose(self, output: SsrStages | BinLogits, target: PoseTarget) -> Tensor:
        """The terms on the three angles."""
        config = self.config
        predicted = decode(output)
        difference = predicted - target.euler_deg
        weights = self.fading(target.euler_deg[:, 0])
        loss = predicted.new_zeros(())
        if config.angle_weight > 0:
            loss = loss + config.angle_weight * (difference.abs() * weights).mean()
        if config.square_weight > 0:
            loss = loss + config.square_weight * (difference.square() * weights).mean()
        if config.rotation_weight > 0:
            chord = chordal_deg(euler_to_rotation(predicted), target.rotation)
            loss = loss + config.rotation_weight * chord.mean()
        if config.teacher_weight > 0 and target.teacher_deg is not None:
            loss = loss + config.teacher_weight * ((predicted - target.teacher_deg).abs() * weights).mean()
        std = std_deg(output) if config.spread_weight > 0 else None
        if std is not None:
            loss = loss + config.spread_weight * (gaussian_nll(difference.detach(), std) * weights).mean()
        return loss + self.classification(output, target)

    def classification(self, output: SsrStages | BinLogits, target: PoseTarget) -> Tensor:
        """The terms on the bins, zero for stages."""
        config = self.config
        loss = target.euler_deg.new_zeros(())
        if not isinstance(output, BinLogits):
            return loss
        if config.bins_weight:
            if len(config.bins_weight) != len(output.logits):
                raise InvalidArgumentError(
                    f"loss.bins_weight: expected {len(output.logits)} weights, one for each of the head's "
                    f"classifications, got {config.bins_weight}"
                )
            for weight, logits in zip(config.bins_weight, output.logits, strict=True):
                loss = loss + weight * cross_entropy(logits, target.euler_deg)
        if config.distribution_weight > 0:
            term = label_distribution(output.logits[0], target.euler_deg, config.distribution_sigma)
            loss = loss + config.distribution_weight * term
        return loss

    def landmarks(self, output: CascadeOutput, target: PoseTarget) -> Tensor:
        """The cascade's landmark terms, over all blocks (cross-cascading paper, eq. 4 and 5)."""
        config = self.config
        loss = target.euler_deg.new_zeros(())
        if config.landmark_weight + config.heatmap_weight == 0 or target.landmarks is None:
            return loss
        seen = torch.ones_like(target.landmarks[..., 0])
        seen = seen if target.landmarks_visible is None else target.landmarks_visible
        for heatmaps in output.heatmaps:
            loss = loss + config.landmark_weight * coordinate_error(heatmaps, target.landmarks, seen)
            loss = loss + config.heatmap_weight * heatmap_error(heatmaps, target.landmarks, seen)
        return loss

    def mirror(self, plain_deg: Tensor, mirrored_deg: Tensor) -> Tensor:
        """The weighted difference between the angles (N, 3) of pictures and of their mirror images."""
        return self.config.mirror_weight * mirror_difference_deg(plain_deg, mirrored_deg)

    def fading(self, yaw_deg: Tensor) -> Tensor:
        """(N,) -> (N, 3): 1 for yaw, the fading weight for pitch and roll."""
        config = self.config
        span = config.gimbal_end_deg - config.gimbal_start_deg
        inside = ((config.gimbal_end_deg - yaw_deg.abs()) / span).clamp(0.0, 1.0)
        fading = config.gimbal_floor + (1.0 - config.gimbal_floor) * inside
        return torch.stack([torch.ones_like(fading), fading, fading], -1)
