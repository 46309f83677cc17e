"""Losses: exact on small cases, and consistent with the conventions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fake_heads import label_rotation
from hpe_edge.training.losses import LossConfig, PoseLoss, PoseTarget, chordal_deg, euler_to_rotation
from hpe_edge.training.models.ssr import SsrStages

from hpe_edge.errors import InvalidArgumentError


def zero_stages(n: int) -> SsrStages:
    """Stages that decode to zero degrees."""
    small = tuple(torch.zeros(n, 3) for _ in range(3))
    return SsrStages(tuple(torch.zeros(n, 3, 3) for _ in range(3)), small, small)


def test_matrix_is_that_of_the_conventions() -> None:
    euler = np.random.default_rng(0).uniform(-99, 99, (20, 3)).astype(np.float32)
    expected = np.stack([label_rotation(e) for e in euler])
    np.testing.assert_allclose(euler_to_rotation(torch.from_numpy(euler)).numpy(), expected, atol=1e-5)


def test_chordal_is_the_angle_when_small() -> None:
    a = euler_to_rotation(torch.tensor([[10.0, 5.0, -3.0]]))
    b = euler_to_rotation(torch.tensor([[0.0, 0.0, 2.0]])) @ a
    assert float(chordal_deg(a, b)) == pytest.approx(2.0, abs=0.02)
    assert float(chordal_deg(a, a)) < 0.02


def test_angle_term_is_the_papers_mae() -> None:
    target = PoseTarget(torch.tensor([[30.0, -6.0, 3.0]]), torch.eye(3)[None])
    assert float(PoseLoss(LossConfig())(zero_stages(1), target)) == pytest.approx(13.0)


def test_pitch_and_roll_fade_near_the_gimbal_lock() -> None:
    loss = PoseLoss(LossConfig(gimbal_floor=0.0))
    rotation = torch.eye(3)[None]
    at_90 = float(loss(zero_stages(1), PoseTarget(torch.tensor([[90.0, 40.0, 40.0]]), rotation)))
    at_30 = float(loss(zero_stages(1), PoseTarget(torch.tensor([[30.0, 40.0, 40.0]]), rotation)))
    assert at_90 == pytest.approx(90.0 / 3)
    assert at_30 == pytest.approx(110.0 / 3)


def test_gradients_are_finite_at_a_perfect_prediction() -> None:
    stages = SsrStages(*(tuple(t.clone().requires_grad_() for t in ts) for ts in zero_stages(2)))
    target = PoseTarget(torch.zeros(2, 3), torch.eye(3).expand(2, 3, 3))
    PoseLoss(LossConfig(rotation_weight=1.0))(stages, target).backward()
    assert all(torch.isfinite(t.grad).all() for ts in stages for t in ts if t.grad is not None)


@pytest.mark.parametrize("values", [{"angle_weight": 0.0}, {"rotation_weight": -1.0}, {"gimbal_floor": 2.0}])
def test_wrong_weights_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(InvalidArgumentError, match="loss"):
        LossConfig(**values)
