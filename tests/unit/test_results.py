"""HeadPoses and Pose."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from hpe_edge.errors import InvalidArgumentError
from hpe_edge.results import HeadPoses

EULER = npst.arrays(np.float32, st.tuples(st.integers(0, 5), st.just(3)), elements=st.floats(-89, 89, width=32))


def _poses(count: int) -> HeadPoses:
    euler = np.arange(count * 3, dtype=np.float32).reshape(count, 3)
    boxes = np.tile(np.float32([1, 2, 30, 40]), (count, 1)) + np.arange(count)[:, None]
    return HeadPoses.from_euler(euler, boxes)


@given(EULER)
def test_derived_forms_describe_one_rotation(euler: NDArray[np.float32]) -> None:
    poses = HeadPoses.from_euler(euler, np.tile(np.float32([0, 0, 9, 9]), (len(euler), 1)))
    rotation, quaternion = poses.rotation.astype(np.float64), poses.quaternion_xyzw
    assert rotation.shape == (len(euler), 3, 3)
    np.testing.assert_allclose(np.linalg.norm(quaternion, axis=1), 1.0, atol=1e-5)
    # The angle of the rotation is the same from matrix, quaternion and rotation vector.
    cosine = np.clip((np.trace(rotation, axis1=1, axis2=2) - 1) / 2, -1, 1)
    np.testing.assert_allclose(2 * quaternion[:, 3] ** 2 - 1, cosine, atol=1e-4)
    np.testing.assert_allclose(np.cos(np.linalg.norm(poses.rotvec, axis=1)), cosine, atol=1e-4)


@given(EULER)
def test_as_dict_survives_json(euler: NDArray[np.float32]) -> None:
    poses = HeadPoses.from_euler(euler, np.tile(np.float32([0, 0, 9, 9]), (len(euler), 1)))
    back = json.loads(json.dumps(poses.as_dict(), allow_nan=False))["poses"]
    assert len(back) == len(euler)
    for row, one in zip(euler, back, strict=True):
        assert [one["yaw_deg"], one["pitch_deg"], one["roll_deg"]] == pytest.approx(row.tolist(), abs=1e-6)
        assert one["score"] is None and one["std_deg"] == [None, None, None]


def test_frontal_is_the_identity() -> None:
    poses = HeadPoses.from_euler(np.zeros((1, 3)), np.float32([[0, 0, 9, 9]]))
    np.testing.assert_allclose(poses.rotation[0], np.eye(3), atol=1e-7)
    np.testing.assert_allclose(poses.quaternion_xyzw[0], [0, 0, 0, 1], atol=1e-7)
    np.testing.assert_allclose(poses.rotvec[0], 0.0, atol=1e-7)


def test_length_iteration_index_and_slice() -> None:
    poses = _poses(4)
    assert len(poses) == 4
    assert [pose.yaw_deg for pose in poses] == [0.0, 3.0, 6.0, 9.0]
    assert (poses[1].yaw_deg, poses[1].pitch_deg, poses[1].roll_deg) == (3.0, 4.0, 5.0)
    assert poses[-1].roll_deg == 11.0 and poses[-1].box_xyxy == (4.0, 5.0, 33.0, 43.0)
    assert [pose.yaw_deg for pose in poses[1:3]] == [3.0, 6.0]
    for index in (4, -5):
        with pytest.raises(IndexError, match="of 4"):
            poses[index]


def test_arrays_are_frozen_and_own_their_memory() -> None:
    euler = np.zeros((1, 3), np.float32)
    poses = HeadPoses.from_euler(euler, np.float32([[0, 0, 9, 9]]))
    euler[:] = 50
    assert poses[0].yaw_deg == 0.0
    with pytest.raises(ValueError, match="read-only"):
        poses.euler_deg[0, 0] = 1.0
    with pytest.raises(AttributeError):
        poses.euler_deg = euler  # type: ignore[misc]


@pytest.mark.parametrize("name", ["std_deg", "boxes_xyxy", "scores"])
def test_lengths_must_agree(name: str) -> None:
    fields: dict[str, Any] = {
        "euler_deg": np.zeros((2, 3)),
        "std_deg": np.zeros((2, 3)),
        "boxes_xyxy": np.zeros((2, 4)),
        "scores": np.zeros(2),
    }
    fields[name] = fields[name][:1]
    with pytest.raises(InvalidArgumentError, match=f"{name}: expected shape"):
        HeadPoses(**fields)


def test_repr_is_short() -> None:
    assert repr(_poses(0)) == "HeadPoses(0)"
    assert repr(_poses(1)) == "HeadPoses(1: yaw +0.0 pitch +1.0 roll +2.0)"
    assert repr(_poses(9)).endswith("; 6 more)")
