"""The core's decode against the twins in torch that the losses differentiate: angles and spread of every head."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from hpe_edge.heads import AnglesHead, BinsHead, Spread, SsrHead
from hpe_edge.heads import decode as core_decode

torch = pytest.importorskip("torch", reason="torch is not installed")
outputs = pytest.importorskip("hpe_edge.training.models.outputs", reason="the training package is not installed")

ONES = (1.0, 1.0, 1.0)


def noise(seed: int, shape: tuple[int, ...], spread: float) -> NDArray[np.float32]:
    return (np.random.default_rng(seed).standard_normal(shape) * spread).astype(np.float32)


@pytest.mark.parametrize(("bins", "first_deg", "step_deg"), [(66, -97.5, 3.0), (198, -98.5, 1.0)])
def test_bins(bins: int, first_deg: float, step_deg: float) -> None:
    logits = noise(bins, (50, 3, bins), 4.0)
    head = BinsHead(bins, first_deg, step_deg, ("yaw", "pitch", "roll"))
    euler_deg, std_deg = core_decode(head, {name: logits[:, i] for i, name in enumerate(head.outputs)})
    output = outputs.BinLogits((torch.from_numpy(logits), torch.zeros(50, 3, 6)))
    np.testing.assert_allclose(euler_deg, outputs.decode(output).numpy(), atol=1e-3)
    np.testing.assert_allclose(std_deg, outputs.std_deg(output).numpy(), atol=2e-3)


def test_stages_with_a_variance_head() -> None:
    p, eta, delta = noise(1, (50, 3, 3), 1.0), noise(2, (50, 3), 1.0), noise(3, (50, 3), 0.3)
    log_std = noise(4, (50, 3), 4.0)  # some beyond the limit
    assert (np.abs(log_std) > outputs.LOG_STD_LIMIT).any()
    head = SsrHead((3,), outputs.RANGE_DEG, ("p",), ("eta",), ("delta",), spread=Spread(ONES, "log_std"))
    euler_deg, std_deg = core_decode(head, {"p": p, "eta": eta, "delta": delta, "log_std": log_std})
    stages = [(torch.from_numpy(value),) for value in (p, eta, delta)]
    output = outputs.SsrStages(*stages, log_std=torch.from_numpy(log_std))
    np.testing.assert_allclose(euler_deg, outputs.decode(output).numpy(), atol=1e-3)
    np.testing.assert_allclose(std_deg, outputs.std_deg(output).numpy(), rtol=1e-5)


def test_a_spread_says_how_often_a_normal_error_is_within_it() -> None:
    """What the spread promises, with NumPy's own normal numbers: 68 and 95 of a hundred."""
    log_std = noise(5, (20_000, 3), 0.7)
    _, std_deg = core_decode(
        AnglesHead("angles", Spread((0.5, 1.0, 2.0), "log_std")), {"angles": np.zeros_like(log_std), "log_std": log_std}
    )
    error_deg = np.random.default_rng(6).normal(scale=np.exp(log_std) * (0.5, 1.0, 2.0))
    for sigmas, share in ((1, 0.683), (2, 0.954)):
        np.testing.assert_allclose((np.abs(error_deg) < sigmas * std_deg).mean(axis=0), share, atol=0.012)
