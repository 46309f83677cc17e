"""Metrics against slow, obvious twins in plain Python, and their properties."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hpe_edge.training.evaluation.metrics import (
    by_yaw_bin,
    difference_deg,
    geodesic_deg,
    mae,
    maev_deg,
    measure,
)
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from hpe_edge.errors import InvalidArgumentError

Angles = NDArray[np.float64]
angles = st.floats(-99, 99, width=32)
poses = arrays(np.float64, st.tuples(st.integers(1, 6), st.just(3)), elements=angles)
pairs = st.integers(1, 6).flatmap(lambda n: st.tuples(*[arrays(np.float64, (n, 3), elements=angles) for _ in range(2)]))


def rotation_twin(yaw: float, pitch: float, roll: float) -> list[list[float]]:
    """R = Rx(pitch) Ry(yaw) Rz(roll) of docs/CONVENTIONS.md, product by product."""

    def product(a: list[list[float]], b: list[list[float]]) -> list[list[float]]:
        return [[sum(a[i][k] * b[k][j] for k in range(3)) for j in range(3)] for i in range(3)]

    (cy, sy), (cp, sp), (cr, sr) = ((math.cos(math.radians(v)), math.sin(math.radians(v))) for v in (yaw, pitch, roll))
    about_x = [[1, 0, 0], [0, cp, sp], [0, -sp, cp]]
    about_y = [[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]]
    about_z = [[cr, sr, 0], [-sr, cr, 0], [0, 0, 1]]
    return product(product(about_x, about_y), about_z)


def arccos_deg(cosine: float) -> float:
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


def geodesic_twin(a: Angles, b: Angles) -> float:
    one, other = rotation_twin(*a), rotation_twin(*b)
    trace = sum(one[i][j] * other[i][j] for i in range(3) for j in range(3))
    return arccos_deg((trace - 1) / 2)


def maev_twin(a: Angles, b: Angles) -> float:
    one, other = rotation_twin(*a), rotation_twin(*b)
    return sum(arccos_deg(sum(one[i][k] * other[i][k] for i in range(3))) for k in range(3)) / 3


@given(pairs)
def test_geodesic_and_maev_agree_with_their_twins(pair: tuple[Angles, Angles]) -> None:
    truth, predicted = pair
    # The twins' arccos loses half its digits near zero.
    expected = [geodesic_twin(a, b) for a, b in zip(truth, predicted, strict=True)]
    np.testing.assert_allclose(geodesic_deg(truth, predicted), expected, atol=2e-4)
    expected = [maev_twin(a, b) for a, b in zip(truth, predicted, strict=True)]
    np.testing.assert_allclose(maev_deg(truth, predicted), expected, atol=2e-4)


@given(pairs)
def test_geodesic_is_symmetric_and_bounds_maev(pair: tuple[Angles, Angles]) -> None:
    truth, predicted = pair
    error = geodesic_deg(truth, predicted)
    np.testing.assert_allclose(error, geodesic_deg(predicted, truth), atol=1e-4)
    assert ((error >= 0) & (error <= 180.0001)).all()
    assert (maev_deg(truth, predicted) <= error + 1e-3).all()  # no axis moves further than the whole head


@given(poses)
def test_a_perfect_prediction_has_no_error(truth: Angles) -> None:
    metrics = measure(truth, truth.copy())
    figures = (
        metrics.mae_deg,
        metrics.geodesic_deg,
        metrics.maev_deg,
        *metrics.bias_deg,
        *metrics.median_deg,
    )
    assert figures == (0.0,) * 9


@given(pairs)
def test_mae_agrees_with_its_twin_and_bins_add_up(pair: tuple[Angles, Angles]) -> None:
    truth, predicted = pair
    metrics = measure(truth, predicted)
    rows = range(len(truth))
    for column, value in enumerate((metrics.yaw_deg, metrics.pitch_deg, metrics.roll_deg)):
        expected = 0.0
        for row in rows:
            difference = abs(predicted[row, column] - truth[row, column])
            expected += min(difference, 360 - difference)
        assert value == pytest.approx(expected / len(truth), abs=1e-6)
    assert metrics.mae_deg == pytest.approx((metrics.yaw_deg + metrics.pitch_deg + metrics.roll_deg) / 3)
    filled = [b for b in metrics.by_yaw if b.count]
    assert sum(b.count for b in filled) == metrics.count
    assert sum(b.count * b.mae_deg for b in filled) / metrics.count == pytest.approx(metrics.mae_deg, abs=1e-6)


@given(st.floats(-179, 179), st.floats(-179, 179))
def test_differences_wrap(truth: float, predicted: float) -> None:
    (difference,) = difference_deg(np.array([truth]), np.array([predicted]))
    assert -180 <= difference <= 180
    assert math.isclose(math.remainder(truth + difference - predicted, 360), 0, abs_tol=1e-9)


def test_euler_errors_of_a_profile_can_hide_a_small_rotation() -> None:
    """At 90 degrees of yaw pitch and roll turn about one axis: 40 degrees each, and the same head."""
    truth, predicted = np.array([[90.0, 40.0, 40.0]]), np.array([[90.0, 0.0, 0.0]])
    errors = [float(geodesic_deg(truth * s, predicted * s)[0]) for s in ([1, 1, 1], [1, 1, -1])]
    assert min(errors) == pytest.approx(0, abs=1e-3)
    assert mae(truth, predicted) == (0.0, 40.0, 40.0)


def test_bins_hold_their_lower_end_and_the_last_its_upper() -> None:
    truth = np.array([[0.0, 0, 0], [30, 0, 0], [-60, 0, 0], [99, 0, 0]])
    assert [b.count for b in by_yaw_bin(truth, truth)] == [1, 1, 2]


def test_bias_keeps_its_sign() -> None:
    metrics = measure(np.zeros((2, 3)), np.array([[1.0, -2, 0], [3, -4, 0]]))
    assert metrics.bias_deg == (2.0, -3.0, 0.0)
    assert metrics.median_deg == (2.0, 3.0, 0.0)


def test_labels_without_roll_leave_out_what_needs_it() -> None:
    truth = np.array([[10.0, 0.0, np.nan], [0.0, 4.0, np.nan]])
    metrics = measure(truth, np.zeros((2, 3)))
    assert (metrics.yaw_deg, metrics.pitch_deg, metrics.mae_deg) == (5.0, 2.0, 3.5)
    plain = metrics.as_dict()
    assert plain["roll_deg"] is plain["geodesic_deg"] is plain["maev_deg"] is None
    assert plain["median_deg"][2] is None
    json.dumps(plain, allow_nan=False)
    assert "nan" not in metrics.table()


@pytest.mark.parametrize(
    ("truth", "predicted", "message"),
    [
        (np.zeros((0, 3)), np.zeros((0, 3)), r"shape \(N, 3\), N >= 1"),
        (np.zeros((2, 3)), np.zeros((1, 3)), r"got \(2, 3\) and \(1, 3\)"),
        (np.zeros(3), np.zeros(3), r"shape \(N, 3\)"),
        (np.zeros((2, 3)), np.array([[0, 0, 0], [0, np.nan, 0]]), "finite angles, got .* in row 1"),
        (np.array([[0, 0, 0], [0, 0, np.nan]]), np.zeros((2, 3)), "in all rows or in none"),
        (np.full((1, 3), np.nan), np.zeros((1, 3)), "in all rows or in none"),
    ],
)
def test_bad_input(truth: Angles, predicted: Angles, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        measure(truth, predicted)
