"""The spread: coverage, and the scale that is fitted to it, on errors whose true spread is known."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hpe_edge.training.evaluation.calibration import (
    calibrate,
    coverage,
    fit_spread_scale,
    nominal_coverage,
    sparsification,
)
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hpe_edge.errors import InvalidArgumentError

Array = NDArray[np.float64]
NOMINAL = np.array([nominal_coverage(1), nominal_coverage(2)])
factors = st.floats(0.05, 20.0)


def heads(seed: int, count: int = 4000) -> tuple[Array, Array]:
    """Normal errors and the spreads that they were drawn with, 1 to 10 degrees."""
    rng = np.random.default_rng(seed)
    std = rng.uniform(1, 10, (count, 3))
    return rng.normal(size=(count, 3)) * std, std


def test_coverage_counts_by_hand() -> None:
    error = np.array([[0.5, -3.0, np.nan], [-1.5, 1.0, np.nan]])
    expected = [[0.5, 0.5, np.nan], [1.0, 0.5, np.nan]]
    np.testing.assert_array_equal(coverage(error, np.ones((2, 3))), expected)


def test_coverage_of_true_spreads_is_nominal() -> None:
    error, std = heads(0, 40_000)
    np.testing.assert_allclose(coverage(error, std), np.tile(NOMINAL[:, None], (1, 3)), atol=0.01)


@given(st.integers(0, 50), st.tuples(factors, factors, factors))
def test_fit_recovers_a_known_scale(seed: int, scale: tuple[float, float, float]) -> None:
    error, std = heads(seed)
    np.testing.assert_allclose(fit_spread_scale(error, std / scale), scale, rtol=0.06)


@given(st.integers(0, 50), factors)
def test_fit_is_equivariant_and_needs_no_second_fit(seed: int, factor: float) -> None:
    error, std = heads(seed, 50)
    scale = fit_spread_scale(error, std)
    np.testing.assert_allclose(fit_spread_scale(error * factor, std), scale * factor, rtol=1e-9)
    np.testing.assert_allclose(fit_spread_scale(error, std * scale), 1.0, rtol=1e-9)


@given(st.integers(0, 20))
def test_fit_cancels_the_two_misses_of_heavy_tails(seed: int) -> None:
    """On Laplace errors neither the likelihood nor the 68 % quantile stays within 5 points at both sigmas."""
    rng = np.random.default_rng(seed)
    error, std = rng.laplace(size=(20_000, 3)), np.ones((20_000, 3))

    def misses(scale: Array) -> Array:
        return coverage(error, std * scale) - NOMINAL[:, None]

    ours = misses(fit_spread_scale(error, std))
    np.testing.assert_allclose(ours.sum(axis=0), 0, atol=1e-3)
    assert np.abs(ours).max() < 0.045
    assert np.abs(misses(np.sqrt((error**2).mean(axis=0)))).max() > 0.06
    assert np.abs(misses(np.quantile(np.abs(error), NOMINAL[0], axis=0))).max() > 0.047


def test_a_few_gross_failures_barely_move_the_fit() -> None:
    error, std = heads(1)
    failed = error.copy()
    failed[:40] = 180.0
    np.testing.assert_allclose(fit_spread_scale(failed, std), fit_spread_scale(error, std), rtol=0.05)
    assert (np.sqrt(((failed / std) ** 2).mean(axis=0)) > 2).all()


def test_fit_without_roll_labels_and_on_one_head() -> None:
    error, std = heads(2)
    error[:, 2] = np.nan
    scale = fit_spread_scale(error, std)
    assert np.isnan(scale).tolist() == [False, False, True]
    one = fit_spread_scale(np.array([[2.0, 2.0, 2.0]]), np.ones((1, 3)))
    assert ((one >= 1) & (one <= 2)).all()  # between |z| / 2 and |z|


@pytest.mark.parametrize(
    ("error", "std", "message"),
    [
        (np.zeros((0, 3)), np.ones((0, 3)), r"shape \(N, 3\), N >= 1"),
        (np.zeros((2, 3)), np.ones((1, 3)), r"got \(2, 3\), \(1, 3\)"),
        (np.ones((2, 3)), np.array([[1, 1, 1], [1, -1, 1.0]]), r"finite spreads, 0 or more, got .* in row 1"),
        (np.ones((1, 3)), np.full((1, 3), np.nan), "finite spreads, 0 or more, got .* in row 0"),
        (np.array([[1, 1, 1], [1, 1, np.nan]]), np.ones((2, 3)), "in all rows or in none"),
        (np.zeros((9, 3)), np.ones((9, 3)), "expected errors to fit a scale to, got zeros"),
    ],
)
def test_bad_input(error: Array, std: Array, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        fit_spread_scale(error, std)


def twin_sparsification(error: list[float], std: list[float]) -> list[list[float]]:
    """The curves by removing one sample after the other."""
    count = len(error)
    curves = []
    for key in (std, error):
        order = sorted(range(count), key=lambda i: key[i])
        curve = []
        for percent in range(0, 100, 5):
            kept = order[: math.ceil(count * (100 - percent) / 100)]
            curve.append(sum(error[i] for i in kept) / len(kept))
        curves.append(curve)
    return [*curves, [sum(error) / count] * 20]


@given(st.lists(st.tuples(st.floats(0, 180), st.floats(0, 50)), min_size=1, max_size=45))
def test_sparsification_agrees_with_its_twin(rows: list[tuple[float, float]]) -> None:
    error, std = (list(column) for column in zip(*rows, strict=True))
    found = sparsification(np.array(error), np.array(std))
    np.testing.assert_allclose(found, twin_sparsification(error, std), atol=1e-9)
    assert (found[1] <= found[0] + 1e-9).all()  # no order is better than by the error itself


def test_calibration_of_true_spreads() -> None:
    error, std = heads(3, 40_000)
    overall = calibrate(error, std).overall
    assert overall.z_rms == pytest.approx(1, abs=0.01) and overall.best_scale == pytest.approx(1, abs=0.01)
    assert overall.ece < 0.005
    assert overall.nll == pytest.approx(np.log(std).mean() + 0.5 * math.log(2 * math.pi) + 0.5, abs=0.01)
    assert overall.gain_deg > 0.5 * overall.ause_deg > 0


@given(st.integers(0, 20), st.sampled_from([0.5, 2.0]))
def test_wrong_spreads_are_told(seed: int, factor: float) -> None:
    error, std = heads(seed, 2000)
    true, wrong = calibrate(error, std).overall, calibrate(error, std * factor).overall
    assert wrong.ece > true.ece + 0.1 and wrong.nll > true.nll
    assert (wrong.coverage[0] > true.coverage[0]) == (factor > 1)
    assert wrong.best_scale == pytest.approx(true.best_scale / factor)
    assert wrong.ause_deg == pytest.approx(true.ause_deg)  # the ranking knows no scale


def test_calibration_without_roll_and_of_one_head() -> None:
    error, std = heads(4, 300)
    error[:, 2] = np.nan
    found = calibrate(error, std)
    assert list(found.by_angle) == ["yaw", "pitch"]
    assert found.overall.coverage[0] == pytest.approx(np.mean([q.coverage[0] for q in found.by_angle.values()]))
    assert found.as_dict()["roll"] is None
    json.dumps(found.as_dict(), allow_nan=False)
    assert "nan" not in found.table()
    one = calibrate(np.array([[0.0, 1.5, -3.0]]), np.array([[0.0, 1.0, 1.0]])).overall
    assert one.coverage == pytest.approx((1 / 3, 2 / 3)) and math.isfinite(one.nll)


def test_calibration_refuses_what_it_cannot_read() -> None:
    with pytest.raises(InvalidArgumentError, match="labels of at least one angle"):
        calibrate(np.full((2, 3), np.nan), np.ones((2, 3)))
    with pytest.raises(InvalidArgumentError, match=r"finite spreads, 0 or more, got .* in row 1"):
        calibrate(np.ones((2, 3)), np.array([[1, 1, 1], [1, np.nan, 1.0]]))
