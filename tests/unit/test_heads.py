"""Heads: each variant against its formula written out, and refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hpe_edge.errors import CorruptModelError, InvalidArgumentError
from hpe_edge.heads import AnglesHead, BinsHead, Head, Spread, SsrHead, decode

BINS = BinsHead(bins=66, first_deg=-97.5, step_deg=3.0, outputs=("yaw", "pitch", "roll"))


def _ssr(stages: tuple[int, ...], per_bin: bool) -> SsrHead:
    numbers = range(1, len(stages) + 1)
    return SsrHead(
        stages=stages,
        range_deg=99.0,
        p=tuple(f"p{k}" for k in numbers),
        eta=tuple(f"eta{k}" for k in numbers),
        delta=tuple(f"delta{k}" for k in numbers),
        eta_per_bin=per_bin,
    )


def _ssr_outputs(head: SsrHead, count: int, seed: int) -> dict[str, NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    outputs = {}
    for p, eta, delta, s in zip(head.p, head.eta, head.delta, head.stages, strict=True):
        outputs[p] = rng.normal(size=(count, 3, s)).astype(np.float32)
        outputs[eta] = rng.normal(size=(count, 3, s) if head.eta_per_bin else (count, 3)).astype(np.float32)
        outputs[delta] = rng.normal(scale=0.3, size=(count, 3)).astype(np.float32)
    return outputs


@given(
    stages=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    per_bin=st.booleans(),
    count=st.integers(1, 3),
    seed=st.integers(0, 2**31),
)
def test_ssr_is_equation_2(stages: list[int], per_bin: bool, count: int, seed: int) -> None:
    head = _ssr(tuple(stages), per_bin)
    outputs = _ssr_outputs(head, count, seed)
    expected = np.zeros((count, 3))
    for n in range(count):
        for a in range(3):
            width = 1.0
            for k, s in enumerate(stages, start=1):
                width *= s * (1 + np.tanh(outputs[f"delta{k}"][n, a]))
                for i in range(s):
                    eta = outputs[f"eta{k}"][n, a, i] if per_bin else outputs[f"eta{k}"][n, a]
                    expected[n, a] += max(outputs[f"p{k}"][n, a, i], 0) * (i - s // 2 + np.tanh(eta)) / width
    euler_deg, std_deg = decode(head, outputs)
    np.testing.assert_allclose(euler_deg, 99.0 * expected, rtol=2e-4, atol=2e-3)
    assert euler_deg.dtype == np.float32 and np.isnan(std_deg).all() and std_deg.shape == (count, 3)


def test_bins_give_expectation_and_spread() -> None:
    sure, torn = np.full(66, -50.0), np.full(66, -50.0)
    sure[40] = 50.0
    torn[[30, 34]] = 50.0
    logits = {"yaw": sure, "pitch": torn, "roll": np.zeros(66)}
    euler_deg, std_deg = decode(BINS, {k: v[None].astype(np.float32) for k, v in logits.items()})
    uniform = 3.0 * np.arange(66).std()
    np.testing.assert_allclose(euler_deg[0], [-97.5 + 120, -97.5 + 96, 0.0], atol=1e-3)
    np.testing.assert_allclose(std_deg[0], [0.0, 6.0, uniform], atol=1e-2)


def test_angles_pass_through() -> None:
    angles = np.float32([[1, 2, 3]])
    euler_deg, std_deg = decode(AnglesHead("out"), {"out": angles, "unread": np.zeros(7, np.float32)})
    np.testing.assert_array_equal(euler_deg, angles)
    assert np.isnan(std_deg).all()


SCALE = (0.5, 1.0, 2.0)


@pytest.mark.parametrize("head", [_ssr((3, 3, 3), False), _ssr((2, 5), True), AnglesHead("angles"), BINS])
def test_a_variance_head_beside_every_head(head: Head) -> None:
    outputs = {"log_std": np.log(np.float32([[1, 2, 3], [4, 5, 6]])), "angles": np.zeros((2, 3), np.float32)}
    outputs |= {name: np.zeros((2, 66), np.float32) for name in BINS.outputs}
    if isinstance(head, SsrHead):
        outputs |= _ssr_outputs(head, 2, 0)
    with_spread = replace(head, spread=Spread(SCALE, "log_std"))
    euler_deg, std_deg = decode(with_spread, outputs)
    np.testing.assert_allclose(std_deg, [[0.5, 2, 6], [2, 5, 12]], rtol=1e-6)
    np.testing.assert_array_equal(euler_deg, decode(head, outputs)[0])
    assert std_deg.dtype == np.float32


@pytest.mark.parametrize(("bins", "first_deg", "step_deg"), [(66, -97.5, 3.0), (198, -98.5, 1.0), (7, -3.0, 1.0)])
def test_the_spread_of_bins_is_scaled_and_the_angles_stay(bins: int, first_deg: float, step_deg: float) -> None:
    head = BinsHead(bins, first_deg, step_deg, BINS.outputs)
    rng = np.random.default_rng(bins)
    outputs = {name: rng.normal(scale=3.0, size=(5, bins)).astype(np.float32) for name in head.outputs}
    euler_deg, std_deg = decode(head, outputs)
    same_deg, scaled_deg = decode(replace(head, spread=Spread(SCALE)), outputs)
    np.testing.assert_array_equal(same_deg, euler_deg)
    np.testing.assert_allclose(scaled_deg, std_deg * np.float32(SCALE), rtol=1e-6)
    probability = np.exp(outputs["yaw"].astype(np.float64))
    probability /= probability.sum(axis=1, keepdims=True)
    centres = first_deg + step_deg * np.arange(bins)
    np.testing.assert_allclose(euler_deg[:, 0], probability @ centres, atol=1e-3)
    variance = probability @ centres**2 - (probability @ centres) ** 2
    np.testing.assert_allclose(std_deg[:, 0], np.sqrt(variance), rtol=1e-3)


def test_a_head_without_bins_has_no_spread_of_its_own() -> None:
    with pytest.raises(InvalidArgumentError, match="spread_deg: expected finite"):
        decode(AnglesHead("angles", Spread(SCALE)), {"angles": np.zeros((1, 3), np.float32)})


def test_a_spread_that_is_missing_or_not_finite_is_refused() -> None:
    head = AnglesHead("angles", Spread(SCALE, "log_std"))
    outputs = {"angles": np.zeros((1, 3), np.float32)}
    with pytest.raises(CorruptModelError, match="output 'log_std', but the network gave"):
        decode(head, outputs)
    with pytest.raises(CorruptModelError, match=r"output 'log_std': expected shape \(N, 3\), got \(1, 1\)"):
        decode(head, outputs | {"log_std": np.zeros((1, 1), np.float32)})
    with pytest.raises(InvalidArgumentError, match="log_std: expected finite"):
        decode(head, outputs | {"log_std": np.float32([[0, np.nan, 0]])})


def test_a_missing_output_is_named() -> None:
    with pytest.raises(CorruptModelError, match=r"output 'angles', but the network gave \['other'\]"):
        decode(AnglesHead("angles"), {"other": np.zeros((1, 3), np.float32)})


@pytest.mark.parametrize("shape", [(1, 4), (3,), (1, 3, 1)])
def test_a_wrong_shape_is_named(shape: tuple[int, ...]) -> None:
    with pytest.raises(CorruptModelError, match=r"output 'angles': expected shape \(N, 3\), got"):
        decode(AnglesHead("angles"), {"angles": np.zeros(shape, np.float32)})


def test_output_names() -> None:
    assert _ssr((3, 3), False).output_names == ("p1", "p2", "eta1", "eta2", "delta1", "delta2")
    assert BINS.output_names == ("yaw", "pitch", "roll")
    spread = Spread((1.0, 1.0, 1.0), "log_std")
    assert replace(_ssr((3,), True), spread=spread).output_names == ("p1", "eta1", "delta1", "log_std")
    assert AnglesHead("angles", spread).output_names == ("angles", "log_std")
    assert replace(BINS, spread=replace(spread, output=None)).output_names == ("yaw", "pitch", "roll")
