"""Filters for any rotations at any times: no wrap, no preferred axes, no running away."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hpe_edge import _core
from hpe_edge.tracking.smoothing import KalmanRotation, OneEuroBox, OneEuroRotation, RotationSmoother, euler_near

F64 = NDArray[np.float64]
MAKERS = [OneEuroRotation, KalmanRotation]
both = pytest.mark.parametrize("make", MAKERS)

vectors = st.tuples(*[st.floats(-3.0, 3.0)] * 3).map(np.array)
rotations = vectors.map(lambda rotvec: exp(rotvec))
any_times = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20)
gaps = st.lists(st.floats(1e-9, 0.5), min_size=3, max_size=20)
spreads = st.tuples(*[st.floats(0.0, 90.0) | st.just(math.nan)] * 3).map(np.array)


def exp(rotvec: F64) -> F64:
    return np.asarray(_core.rotvec_to_rotation(rotvec[None])[0])


def apart_deg(a: F64, b: F64) -> float:
    return math.degrees(2 * math.asin(min(1.0, float(np.linalg.norm(a - b)) / math.sqrt(8.0))))


def ran(smoother: RotationSmoother, turns: list[F64], times: list[float]) -> list[F64]:
    return [smoother.update(turn, time_s) for turn, time_s in zip(turns, times, strict=True)]


@both
@given(data=st.data(), times=any_times)
def test_a_rotation_stays_a_rotation_at_any_times(
    make: Callable[[], RotationSmoother], data: st.DataObject, times: list[float]
) -> None:
    smoother = make()
    for time_s in times:
        found = smoother.update(data.draw(rotations), time_s, data.draw(st.none() | spreads))
        np.testing.assert_allclose(found @ found.T, np.eye(3), atol=1e-9)
        assert np.linalg.det(found) > 0


@both
@given(turn=rotations, times=any_times, std_deg=st.none() | spreads)
def test_a_head_that_rests_stays_where_it_is(
    make: Callable[[], RotationSmoother], turn: F64, times: list[float], std_deg: F64 | None
) -> None:
    smoother = make()
    for time_s in times:
        assert apart_deg(smoother.update(turn, time_s, std_deg), turn) < 1e-4


@both
@given(data=st.data(), steps=gaps, camera=rotations)
def test_turning_the_camera_turns_the_result(
    make: Callable[[], RotationSmoother], data: st.DataObject, steps: list[float], camera: F64
) -> None:
    turns = small_steps(data, len(steps))
    times = np.cumsum(steps).tolist()
    plain, seen = ran(make(), turns, times), ran(make(), [camera @ turn for turn in turns], times)
    for a, b in zip(plain, seen, strict=True):
        assert apart_deg(camera @ a, b) < 1e-4


@given(data=st.data(), steps=gaps, zero=rotations)
def test_turning_the_head_axes_turns_the_result(data: st.DataObject, steps: list[float], zero: F64) -> None:
    turns = small_steps(data, len(steps))
    times = np.cumsum(steps).tolist()
    plain, seen = ran(OneEuroRotation(), turns, times), ran(OneEuroRotation(), [t @ zero for t in turns], times)
    for a, b in zip(plain, seen, strict=True):
        assert apart_deg(a @ zero, b) < 1e-4


def small_steps(data: st.DataObject, count: int) -> list[F64]:
    """A way whose steps are far from a half turn, where the shorter way round is a matter of rounding."""
    turns = [data.draw(rotations)]
    for _ in range(count - 1):
        turns.append(exp(0.1 * data.draw(vectors)) @ turns[-1])
    return turns


@given(data=st.data(), times=any_times)
def test_the_one_euro_filter_never_overshoots(data: st.DataObject, times: list[float]) -> None:
    smoother = OneEuroRotation()
    before: F64 | None = None
    for time_s in times:
        measured = data.draw(rotations)
        found = smoother.update(measured, time_s)
        if before is not None:
            assert apart_deg(found, measured) <= apart_deg(before, measured) + 1e-4
        before = found


@both
@given(data=st.data(), time_s=st.floats(-1e3, 1e3))
def test_the_same_moment_changes_nothing(
    make: Callable[[], RotationSmoother], data: st.DataObject, time_s: float
) -> None:
    smoother = make()
    first = smoother.update(data.draw(rotations), time_s)
    assert np.array_equal(smoother.update(data.draw(rotations), time_s), first)


@both
@given(data=st.data(), jump_s=st.floats(-1e4, -1e-6) | st.floats(1.001, 1e4))
def test_a_clock_that_jumps_begins_anew(
    make: Callable[[], RotationSmoother], data: st.DataObject, jump_s: float
) -> None:
    smoother = make()
    ran(smoother, [data.draw(rotations) for _ in range(3)], [0.0, 0.03, 0.06])
    measured = data.draw(rotations)
    assert np.array_equal(smoother.update(measured, 0.06 + jump_s), measured)
    assert apart_deg(smoother.update(measured, 0.09 + jump_s), measured) < 1e-4


@both
@settings(max_examples=20)
@given(start_deg=st.floats(-180.0, 180.0), axis=st.integers(0, 2), way=st.sampled_from([-1.0, 1.0]))
def test_nothing_happens_at_180_degrees(
    make: Callable[[], RotationSmoother], start_deg: float, axis: int, way: float
) -> None:
    """A full turn about each of the camera's axes: what comes out is everywhere as late as anywhere else."""
    smoother = make()
    late = []
    for frame in range(120):
        true = exp(np.radians(start_deg + way * 3.0 * frame) * np.eye(3)[axis])
        late.append(apart_deg(smoother.update(true, frame / 30), true))
    assert max(late[60:]) < 3.0 + 1e-6, "one frame behind 90 degrees a second at most"
    assert max(late[60:]) - min(late[60:]) < 0.05


@both
@settings(max_examples=20)
@given(seed=st.integers(0, 1000))
def test_dropped_frames_bring_no_lag(make: Callable[[], RotationSmoother], seed: int) -> None:
    """A steady turn of which two thirds of the frames are missing is not seen later than one frame of 1/30 s."""
    smoother = make()
    kept = np.flatnonzero(np.random.default_rng(seed).random(300) < 0.34)
    assume(len(kept) > 60)
    for frame in kept:
        true = exp(np.radians([0.0, 2.0 * frame, 0.0]))
        late_deg = apart_deg(smoother.update(true, frame / 30), true)
        if frame > 150:
            assert late_deg < 2.0


@given(spread=st.floats(1.0, 5.0), times=st.floats(2.0, 10.0))
def test_the_kalman_filter_trusts_a_wide_spread_less(spread: float, times: float) -> None:
    trusting, doubting = KalmanRotation(), KalmanRotation()
    measured = exp(np.array([0.0, 0.2, 0.0]))
    for frame in range(30):
        trusting.update(np.eye(3), frame / 30, [spread] * 3)
        doubting.update(np.eye(3), frame / 30, [spread] * 3)
    trusting.update(measured, 1.0, [spread] * 3)
    doubting.update(measured, 1.0, [spread * times] * 3)
    assert apart_deg(doubting.value, measured) > apart_deg(trusting.value, measured)


@given(axis=st.integers(0, 2), euler_deg=st.tuples(st.floats(-60, 60), st.floats(-50, 50), st.floats(-50, 50)))
def test_the_kalman_filter_doubts_each_angle_by_its_own_spread(
    axis: int, euler_deg: tuple[float, float, float]
) -> None:
    """A step in the one doubted angle moves less than the same step with all angles trusted."""
    start, std_deg = np.array(euler_deg), np.full(3, 0.5)
    doubted = std_deg.copy()
    doubted[axis] = 20.0
    stepped = start + 2.0 * np.eye(3)[axis]
    moved = []
    for spread in (std_deg, doubted):
        smoother = KalmanRotation()
        for frame in range(30):
            smoother.update(_core.euler_to_rotation(start[None])[0], frame / 30, spread)
        found = smoother.update(_core.euler_to_rotation(stepped[None])[0], 1.0, spread)
        moved.append(apart_deg(found, _core.euler_to_rotation(start[None])[0]))
    assert moved[1] < 0.5 * moved[0]


@given(euler_deg=st.tuples(st.floats(-120, 120), st.floats(-99, 99), st.floats(-179, 179)).map(np.array))
def test_euler_near_says_the_set_that_was_meant(euler_deg: F64) -> None:
    assume(abs(abs(euler_deg[0]) - 90.0) > 1.0)
    turn = np.asarray(_core.euler_to_rotation(euler_deg[None])[0])
    np.testing.assert_allclose(euler_near(turn, euler_deg + np.array([4.0, -5.0, 6.0])), euler_deg, atol=1e-5)


boxes = st.tuples(st.floats(-500, 500), st.floats(-500, 500), st.floats(1, 300), st.floats(1, 300)).map(
    lambda b: np.array([b[0], b[1], b[0] + b[2], b[1] + b[3]])
)


@given(seen=st.lists(boxes, min_size=1, max_size=15), data=st.data())
def test_a_box_stays_within_those_it_was_made_of(seen: list[F64], data: st.DataObject) -> None:
    smooth = OneEuroBox()
    for box in seen:
        found = smooth.update(box, data.draw(st.floats(-10, 10)))
        assert (found <= np.max(seen, axis=0) + 1e-9).all() and (found >= np.min(seen, axis=0) - 1e-9).all()
        assert found[0] < found[2] and found[1] < found[3]


@settings(max_examples=30)
@given(speed=st.floats(0.0, 20.0), side=st.floats(5.0, 400.0), fps=st.floats(10.0, 120.0))
def test_a_box_stays_behind_by_a_twentieth_of_its_side(speed: float, side: float, fps: float) -> None:
    smooth = OneEuroBox()
    for frame in range(int(4 * fps)):
        x = speed * side * frame / fps
        found = smooth.update([x, 0.0, x + side, side], frame / fps)
    assert 0.0 <= (x - found[0]) / side <= 1 / (2 * math.pi * 3.0) + 1e-6
    assert (smooth.predict(4.5) - smooth.predict(4.0))[0] == pytest.approx(0.5 * speed * side, rel=0.02, abs=1e-6)
