"""The driver monitor of the cookbook: what counts as looking away, for how long, and how sure it has to be."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpe_edge import HeadPoses, Pose

SCRIPT = Path(__file__).parents[2] / "examples" / "driver_monitor.py"
FPS = 10


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("driver_monitor", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


EXAMPLE = _load()


def _pose(yaw_deg: float = 0.0, pitch_deg: float = 0.0, roll_deg: float = 0.0, spread_deg: float = 3.0) -> Pose:
    angles = np.array([[yaw_deg, pitch_deg, roll_deg]])
    return HeadPoses.from_euler(angles, np.array([[0, 0, 9, 9]]), np.full((1, 3), spread_deg))[0]


def _after(drive: Iterable[tuple[Pose | None, float]], **limits: float) -> tuple[bool, bool]:
    """``(away, alarm)`` after poses that were each seen for some seconds."""
    monitor, frame = EXAMPLE.AttentionMonitor(EXAMPLE.Limits(**limits)), 0
    for pose, seconds in drive:
        for _ in range(round(seconds * FPS)):
            monitor.update(pose, frame / FPS)
            frame += 1
    return monitor.away, monitor.alarm


@pytest.mark.parametrize("away", [_pose(40), _pose(-40), _pose(0, 40), _pose(0, -40), _pose(25, 25), None])
def test_more_than_two_seconds_off_the_road_is_an_alarm(away: Pose | None) -> None:
    assert _after([(_pose(), 1), (away, 2.1)]) == (True, False)
    assert _after([(_pose(), 1), (away, 2.2)]) == (True, True)
    assert _after([(_pose(), 1), (away, 5), (_pose(), 0.5)]) == (False, False)


def test_a_frame_that_looks_back_does_not_reset_the_clock() -> None:
    assert _after([(_pose(40), 1.5), (_pose(), 0.2), (_pose(40), 0.5)]) == (True, True)
    assert _after([(_pose(40), 1.5), (_pose(), 0.4), (_pose(40), 0.5)]) == (True, False)


def test_between_the_thresholds_everything_stays_as_it_was() -> None:
    between = _pose(25, spread_deg=1.0)
    assert _after([(_pose(), 1), (between, 5)]) == (False, False)
    assert _after([(_pose(40), 1), (between, 5)]) == (True, True)


def test_the_spread_has_to_lie_beyond_the_threshold_too() -> None:
    assert _after([(_pose(35, spread_deg=3.0), 3)]) == (True, True)
    assert _after([(_pose(35, spread_deg=10.0), 3)]) == (False, False)
    assert _after([(_pose(35, spread_deg=10.0), 3)], sure=0.0) == (True, True)
    assert _after([(_pose(35, spread_deg=np.nan), 3)]) == (True, True), "a model without a spread"


def test_the_road_may_lie_beside_the_camera() -> None:
    assert _after([(_pose(40, -10), 3)], road_yaw_deg=40.0, road_pitch_deg=-10.0) == (False, False)
    assert _after([(_pose(0, 0), 3)], road_yaw_deg=40.0, road_pitch_deg=-10.0) == (True, True)


ANGLE = st.floats(-90, 90)


@given(ANGLE, st.floats(-80, 80), ANGLE, ANGLE, st.floats(0, 30))
def test_roll_does_not_move_the_look(yaw: float, pitch: float, roll: float, other: float, spread: float) -> None:
    assert _after([(_pose(yaw, pitch, roll, spread), 3)]) == _after([(_pose(yaw, pitch, other, spread), 3)])


@given(st.lists(st.tuples(st.floats(-15, 15), st.floats(-15, 15), st.floats(0, 60)), min_size=1, max_size=20))
def test_who_looks_at_the_road_never_hears_it(looks: list[tuple[float, float, float]]) -> None:
    drive = [(_pose(yaw, pitch, spread_deg=spread), 0.5) for yaw, pitch, spread in looks]
    assert _after(drive) == (False, False)


@given(ANGLE, st.floats(-80, 80), st.floats(0, 30), st.floats(0, 30))
def test_more_doubt_never_makes_an_alarm(yaw: float, pitch: float, spread: float, more: float) -> None:
    sure, unsure = _pose(yaw, pitch, spread_deg=spread), _pose(yaw, pitch, spread_deg=spread + more)
    assert _after([(sure, 3)]) >= _after([(unsure, 3)])
