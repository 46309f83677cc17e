"""Losses: the paper's MAE on the angles and a term on the rotation matrix."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from hpe_edge.training.models.ssr import SsrStages, decode_ssr
from torch import Tensor, nn

from hpe_edge.errors import InvalidArgumentError


class PoseTarget(NamedTuple):
    """Labels of a batch. euler_deg: (N, 3) yaw, pitch, roll. rotation: (N, 3, 3), label frame."""

    euler_deg: Tensor
    rotation: Tensor


@dataclass(frozen=True)
class LossConfig:
    """Weights of the terms, and the fading of pitch and roll near the gimbal lock.

    angle_weight: of the MAE. rotation_weight: of the rotation term, in degrees too.
    Between gimbal_start_deg and gimbal_end_deg of |yaw| the weight of the pitch and roll errors
    falls from 1 to gimbal_floor: there the two are hardly apart, and only their sum is visible.
    """

    angle_weight: float = 1.0
    rotation_weight: float = 0.0
    gimbal_start_deg: float = 65.0
    gimbal_end_deg: float = 88.0
    gimbal_floor: float = 1.0

    def __post_init__(self) -> None:
        if min(self.angle_weight, self.rotation_weight) < 0 or self.angle_weight + self.rotation_weight <= 0:
            raise InvalidArgumentError(f"loss: expected weights >= 0, one of them positive, got {self}")
        if not 0 <= self.gimbal_start_deg < self.gimbal_end_deg or not 0 <= self.gimbal_floor <= 1:
            raise InvalidArgumentError(f"loss: expected 0 <= start < end and a floor in 0..1, got {self}")


def euler_to_rotation(euler_deg: Tensor) -> Tensor:
    """(N, 3) yaw, pitch, roll in degrees -> (N, 3, 3), label frame: ``R = Rx(p) Ry(y) Rz(r)``.

    >>> torch.allclose(euler_to_rotation(torch.zeros(1, 3))[0], torch.eye(3))
    True
    """
    cosines, sines = torch.cos(torch.deg2rad(euler_deg)), torch.sin(torch.deg2rad(euler_deg))
    cy, cp, cr = cosines.unbind(-1)
    sy, sp, sr = sines.unbind(-1)
    rows = [
        torch.stack([cy * cr, cy * sr, -sy], -1),
        torch.stack([sp * sy * cr - cp * sr, sp * sy * sr + cp * cr, sp * cy], -1),
        torch.stack([cp * sy * cr + sp * sr, cp * sy * sr - sp * cr, cp * cy], -1),
    ]
    return torch.stack(rows, -2)


def chordal_deg(a: Tensor, b: Tensor) -> Tensor:
    """``2 sin(theta / 2)`` of the rotation between a and b (N, 3, 3), scaled to degrees: (N,).

    Equal to the geodesic angle when small, at most 114.6, with a finite gradient everywhere
    (the arc cosine of the trace has none at zero): ``|a - b|_F = 2 sqrt(2) sin(theta / 2)``.
    """
    squared = (a - b).square().sum((-1, -2))
    return torch.sqrt(squared / 2.0 + 1e-8) * (180.0 / math.pi)


class PoseLoss(nn.Module):
    """``criterion(model(x), y)``: weighted sum of the MAE (paper eq. 1) and the rotation term, degrees."""

    def __init__(self, config: LossConfig | None = None) -> None:
        super().__init__()
        self.config = config or LossConfig()

    def forward(self, stages: SsrStages, target: PoseTarget) -> Tensor:
        """Raw stage outputs and labels of N heads -> scalar."""
        config = self.config
        predicted = decode_ssr(stages)
        error = (predicted - target.euler_deg).abs()
        loss = config.angle_weight * (error * self._weights(target.euler_deg[:, 0])).mean()
        if config.rotation_weight > 0:
            rotation = chordal_deg(euler_to_rotation(predicted), target.rotation)
            loss = loss + config.rotation_weight * rotation.mean()
        return loss

    def _weights(self, yaw_deg: Tensor) -> Tensor:
        """(N,) -> (N, 3): 1 for yaw, the fading weight for pitch and roll."""
        config = self.config
        span = config.gimbal_end_deg - config.gimbal_start_deg
        inside = ((config.gimbal_end_deg - yaw_deg.abs()) / span).clamp(0.0, 1.0)
        fading = config.gimbal_floor + (1.0 - config.gimbal_floor) * inside
        return torch.stack([torch.ones_like(fading), fading, fading], -1)
