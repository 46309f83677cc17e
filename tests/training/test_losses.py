"""Losses: exact on small cases, and consistent with the conventions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fake_heads import label_rotation
from hpe_edge.training.loss_terms import (
    bin_index,
    chordal_deg,
    coordinate_error,
    cross_entropy,
    euler_to_rotation,
    expected_points,
    gaussian_nll,
    heatmap_error,
    label_distribution,
    normalised_mean_error,
)
from hpe_edge.training.losses import LossConfig, PoseLoss, PoseTarget, mirrored
from hpe_edge.training.models.outputs import BinLogits, CascadeOutput, SsrStages, decode, std_deg

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
    plain = zero_stages(2)
    parts = (tuple(t.clone().requires_grad_() for t in ts) for ts in (plain.p, plain.eta, plain.delta))
    stages = SsrStages(*parts)
    target = PoseTarget(torch.zeros(2, 3), torch.eye(3).expand(2, 3, 3))
    PoseLoss(LossConfig(rotation_weight=1.0))(stages, target).backward()
    tensors = [t for ts in (stages.p, stages.eta, stages.delta) for t in ts]
    assert all(torch.isfinite(t.grad).all() for t in tensors if t.grad is not None)


@pytest.mark.parametrize("values", [{"angle_weight": 0.0}, {"rotation_weight": -1.0}, {"gimbal_floor": 2.0}])
def test_wrong_weights_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(InvalidArgumentError, match="loss"):
        LossConfig(**values)


@pytest.mark.parametrize("bins", [2, 66, 198])
def test_a_certain_classification_of_the_right_bin_costs_nothing(bins: int) -> None:
    euler = torch.tensor([[-98.9, 0.1, 61.0]])
    logits = torch.full((1, 3, bins), -50.0)
    logits.scatter_(2, bin_index(euler, bins).unsqueeze(-1), 50.0)
    assert float(cross_entropy(logits, euler)) == pytest.approx(0.0, abs=1e-4)
    step = 198.0 / bins
    assert (decode(BinLogits((logits,))) - euler).abs().max() <= step / 2 + 1e-3


def test_the_label_distribution_is_a_gaussian_of_four_bins() -> None:
    euler = torch.tensor([[1.5, -31.5, 40.5]])  # centres of bins: no quantisation
    bins = torch.arange(66.0)
    centre = bin_index(euler, 66).float()
    logits = -((bins - centre.unsqueeze(-1)) ** 2) / (2 * 4.0**2)
    best = float(label_distribution(logits, euler, 4.0))
    assert best == pytest.approx(0.0, abs=1e-4)
    assert float(label_distribution(1.3 * logits, euler, 4.0)) > best + 1e-3
    np.testing.assert_allclose(std_deg(BinLogits((logits,))).numpy(), 12.0, rtol=0.01)  # type: ignore[union-attr]


def test_the_likelihood_is_best_at_the_errors_own_spread() -> None:
    error = torch.randn(20_000, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([2.0, 4.0, 8.0])
    spreads = [1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 11.0]
    cost = torch.stack([gaussian_nll(error, torch.full((3,), s)).mean(0) for s in spreads])
    assert [spreads[k] for k in cost.argmin(0).tolist()] == [2.0, 4.0, 8.0]


def test_heatmaps_around_the_points_cost_least_and_name_them() -> None:
    points = torch.rand(2, 68, 2, generator=torch.Generator().manual_seed(0)) * 0.6 + 0.2
    seen = torch.ones(2, 68)
    cells = torch.arange(32.0)
    x, y = (points[..., k : k + 1] * 32 - 0.5 - cells for k in (0, 1))
    scores = -0.5 * (y.square().unsqueeze(-1) + x.square().unsqueeze(-2))
    assert float(heatmap_error(scores, points, seen)) == pytest.approx(0.0, abs=1e-6)
    np.testing.assert_allclose(expected_points(scores).numpy(), points.numpy(), atol=2e-3)
    assert float(coordinate_error(scores, points, seen)) < 1e-5
    shifted = points + torch.tensor([0.1, 0.0])
    assert float(coordinate_error(scores, shifted, seen)) == pytest.approx(0.01, rel=0.05)
    seen[:, :34] = 0.0
    far = shifted.clone()
    far[:, :34] = 9.0  # hidden points are not judged
    assert float(coordinate_error(scores, far, seen)) == pytest.approx(0.01, rel=0.05)
    side = (shifted.amax(1) - shifted.amin(1)).amax(-1)
    found = normalised_mean_error(points, shifted, torch.ones(2, 68))
    np.testing.assert_allclose(found.numpy(), (0.1 / side).numpy(), rtol=1e-4)


def test_mirrored_labels_are_those_of_the_mirrored_head() -> None:
    euler = np.random.default_rng(0).uniform(-60, 60, (4, 3)).astype(np.float32)
    rotation = torch.from_numpy(np.stack([label_rotation(e) for e in euler])).float()
    points = torch.rand(4, 68, 2)
    target = PoseTarget(torch.from_numpy(euler), rotation, points, torch.ones(4, 68))
    turned = mirrored(target, 3)
    expected = np.stack([label_rotation(e) for e in turned.euler_deg.numpy()])
    np.testing.assert_allclose(turned.rotation.numpy(), expected, atol=1e-5)
    again = mirrored(turned, 3)
    np.testing.assert_allclose(again.euler_deg.numpy(), euler[:3], atol=1e-5)
    np.testing.assert_allclose(again.landmarks.numpy(), points[:3].numpy(), atol=1e-5)  # type: ignore[union-attr]
    loss = PoseLoss(LossConfig(mirror_weight=1.0))
    assert float(loss.mirror(target.euler_deg[:3], turned.euler_deg)) == pytest.approx(0.0, abs=1e-5)


def test_every_block_of_a_cascade_is_judged() -> None:
    target = PoseTarget(torch.zeros(2, 3), torch.eye(3).expand(2, 3, 3), torch.full((2, 68, 2), 0.5), torch.ones(2, 68))
    good = BinLogits((torch.zeros(2, 3, 66),))
    bad = BinLogits((torch.nn.functional.one_hot(torch.full((2, 3), 65), 66) * 50.0,))
    flat = torch.zeros(2, 68, 8, 8)
    loss = PoseLoss(LossConfig(angle_weight=1.0, landmark_weight=1.0))
    assert float(loss(CascadeOutput((good, good), (flat, flat)), target)) == pytest.approx(0.0, abs=1e-4)
    assert float(loss(CascadeOutput((bad, good), (flat, flat)), target)) == pytest.approx(97.5, abs=0.1)


def test_weights_that_do_not_fit_the_head_are_named() -> None:
    target = PoseTarget(torch.zeros(2, 3), torch.eye(3).expand(2, 3, 3))
    with pytest.raises(InvalidArgumentError, match="bins_weight"):
        PoseLoss(LossConfig(bins_weight=(1.0, 1.0)))(BinLogits((torch.zeros(2, 3, 66),)), target)


def test_the_spread_moves_the_spread_alone() -> None:
    plain = zero_stages(2)
    eta = tuple(t.clone().requires_grad_() for t in plain.eta)
    log_std = torch.zeros(2, 3, requires_grad=True)
    target = PoseTarget(torch.zeros(2, 3), torch.eye(3).expand(2, 3, 3))
    PoseLoss(LossConfig(spread_weight=1.0))(SsrStages(plain.p, eta, plain.delta, log_std), target).backward()
    assert log_std.grad is not None and (log_std.grad > 0).all()  # no error at all: every spread is too wide
    assert all(t.grad is None or (t.grad == 0).all() for t in eta)
