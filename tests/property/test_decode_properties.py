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
def test_ssr_stages_equal_the_twin(
    seed: int, batch: tuple[int, int], stages: list[int], eta_per_bin: bool
) -> None:
    p = [noise(seed + k, (*batch, bins), 1.0) for k, bins in enumerate(stages)]
    eta = [
        noise(seed + 10 + k, (*batch, bins) if eta_per_bin else batch, 1.0) for k, bins in enumerate(stages)
    ]
    delta = [noise(seed + 20 + k, batch, 0.3) for k in range(len(stages))]
    got = _core.ssr_stages(p, eta, delta, 99.0)
    expected = reference.ssr_stages(p, eta, delta, 99.0)
    assert got.shape == batch
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-3)


def test_strided_outputs_are_read_right() -> None:
    logits = noise(3, (4, 6, 66), 2.0)
    got, _ = _core.softmax_expectation(logits[::2, ::2], -97.5, 3.0)
    expected, _ = reference.softmax_expectation(logits[::2, ::2], -97.5, 3.0)
    np.testing.assert_allclose(got, expected, atol=1e-4)
