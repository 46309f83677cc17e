"""The decode functions against their NumPy twins."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from reference import decode as reference

from hpe_edge import _core

seeds = st.integers(0, 2**32 - 1)


def noise(seed: int, shape: tuple[int, ...], spread: float) -> NDArray[np.float32]:
    return (np.random.default_rng(seed).standard_normal(shape) * spread).astype(np.float32)


@given(
    seeds,
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 181)),
    st.floats(0.0, 50.0, width=32),
    st.floats(-180.0, 180.0, width=32),
    st.floats(-10.0, 10.0, width=32),
)
def test_softmax_expectation_equals_the_twin(
    seed: int, shape: tuple[int, int, int], contrast: float, first_deg: float, step_deg: float
) -> None:
    logits = noise(seed, shape, contrast)
    angles, spread = _core.softmax_expectation(logits, first_deg, step_deg)
    expected_angles, expected_spread = reference.softmax_expectation(logits, first_deg, step_deg)
    assert angles.shape == spread.shape == shape[:2]
    np.testing.assert_allclose(angles, expected_angles, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(spread, expected_spread, rtol=1e-4, atol=1e-4)


@given(seeds, st.floats(-30.0, 30.0, width=32))
def test_the_same_added_to_all_logits_changes_nothing(seed: int, shift: float) -> None:
    logits = noise(seed, (2, 3, 33), 2.0)
    plain, _ = _core.softmax_expectation(logits, -99.0, 3.0)
    shifted, _ = _core.softmax_expectation(logits + np.float32(shift), -99.0, 3.0)
    np.testing.assert_allclose(shifted, plain, atol=1e-2)


@given(
    seeds,
    st.tuples(st.integers(0, 4), st.integers(1, 3)),
    st.lists(st.integers(1, 6), min_size=1, max_size=4),
    st.booleans(),
)
def test_ssr_stages_equal_the_twin(seed: int, batch: tuple[int, int], stages: list[int], eta_per_bin: bool) -> None:
    p = [noise(seed + k, (*batch, bins), 1.0) for k, bins in enumerate(stages)]
    eta = [noise(seed + 10 + k, (*batch, bins) if eta_per_bin else batch, 1.0) for k, bins in enumerate(stages)]
    delta = [noise(seed + 20 + k, batch, 0.3) for k in range(len(stages))]
    got = _core.ssr_stages(p, eta, delta, 99.0)
    expected = reference.ssr_stages(p, eta, delta, 99.0)
    assert got.shape == batch
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-3)


scales = st.lists(st.floats(0.0009765625, 1000.0, width=32), min_size=1, max_size=4)
PAPERS = {66: (-97.5, 3.0), 198: (-98.5, 1.0)}  # bins over +-99 degrees: centre of the first, step


@given(seeds, scales, st.integers(0, 4), st.floats(0.0, 20.0, width=32))
def test_spread_from_log_equals_the_twin(seed: int, scale: list[float], rows: int, contrast: float) -> None:
    log_std = noise(seed, (rows, len(scale)), contrast)
    got = _core.spread_from_log(log_std, scale)
    assert got.shape == log_std.shape and got.dtype == np.float32
    np.testing.assert_allclose(got, reference.spread_from_log(log_std, scale), rtol=1e-6)


@given(seeds, scales, st.integers(0, 4))
def test_scale_spread_equals_the_twin(seed: int, scale: list[float], rows: int) -> None:
    spread_deg = np.abs(noise(seed, (rows, len(scale)), 20.0))
    got = _core.scale_spread(spread_deg, scale)
    np.testing.assert_allclose(got, reference.scale_spread(spread_deg, scale), rtol=1e-6)


@given(st.floats(allow_nan=False, allow_infinity=False, width=32), st.floats(0.0009765625, 1000.0, width=32))
def test_a_predicted_spread_is_finite_and_above_zero_whatever_the_network_gives(raw: float, scale: float) -> None:
    spread = float(_core.spread_from_log(np.array([[raw]], np.float32), [scale])[0, 0])
    assert 0.0067 * scale < spread < 149 * scale


@given(seeds, st.floats(0.125, 10.0, width=32), st.floats(1.125, 10.0, width=32))
def test_a_larger_scale_gives_a_larger_spread_and_keeps_the_order(seed: int, scale: float, factor: float) -> None:
    log_std = noise(seed, (5, 1), 2.0)
    for convert, values in ((_core.spread_from_log, log_std), (_core.scale_spread, np.exp(log_std))):
        plain, wider = convert(values, [scale])[:, 0], convert(values, [scale * factor])[:, 0]
        assert (wider > plain).all()
        np.testing.assert_array_equal(np.argsort(wider), np.argsort(plain))


@given(seeds, st.integers(0, 5), st.sampled_from(sorted(PAPERS)), st.floats(0.0, 30.0, width=32))
def test_the_bins_of_the_papers_equal_the_twin(seed: int, rows: int, bins: int, contrast: float) -> None:
    logits = noise(seed, (rows, 3, bins), contrast)
    first_deg, step_deg = PAPERS[bins]
    angles, spread = _core.softmax_expectation(logits, first_deg, step_deg)
    expected_angles, expected_spread = reference.softmax_expectation(logits, first_deg, step_deg)
    np.testing.assert_allclose(angles, expected_angles, atol=1e-4)
    np.testing.assert_allclose(spread, expected_spread, rtol=1e-4, atol=1e-4)
    assert (np.abs(angles) <= 99.0).all() and (spread <= 99.0).all()


@given(st.sampled_from(sorted(PAPERS)), st.floats(-30.0, 30.0), st.floats(4.0, 12.0), seeds)
def test_a_normal_distribution_over_bins_gives_back_its_moments(
    bins: int, angle_deg: float, deviation_deg: float, seed: int
) -> None:
    first_deg, step_deg = PAPERS[bins]
    centres = first_deg + step_deg * np.arange(bins)
    logits = (-0.5 * ((centres - angle_deg) / deviation_deg) ** 2).astype(np.float32)[None, None]
    logits += noise(seed, (), 5.0)  # logits have no zero of their own
    angles, spread = _core.softmax_expectation(logits, first_deg, step_deg)
    assert abs(float(angles[0, 0]) - angle_deg) < 0.01
    assert abs(float(spread[0, 0]) - deviation_deg) < 0.01


def test_strided_spreads_are_read_right() -> None:
    log_std = noise(4, (6, 6), 1.0)[::2, ::2]
    scale = [0.5, 1.0, 2.0]
    got = _core.spread_from_log(log_std, scale)
    np.testing.assert_allclose(got, reference.spread_from_log(log_std, scale), rtol=1e-6)


def test_strided_outputs_are_read_right() -> None:
    logits = noise(3, (4, 6, 66), 2.0)
    got, _ = _core.softmax_expectation(logits[::2, ::2], -97.5, 3.0)
    expected, _ = reference.softmax_expectation(logits[::2, ::2], -97.5, 3.0)
    np.testing.assert_allclose(got, expected, atol=1e-4)
