"""Rotations: the twins, round trips, the identity at the frontal pose, and signs."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from reference import rotation as reference

from hpe_edge import _core

F64 = NDArray[np.float64]

inner_yaw = st.floats(-89.0, 89.0)
any_angle = st.floats(-180.0, 180.0)
eulers = st.tuples(inner_yaw, any_angle, any_angle).map(lambda angles: np.array([angles]))
wild_eulers = st.tuples(any_angle, any_angle, any_angle).map(lambda angles: np.array([angles]))
vectors = st.tuples(*[st.floats(-3.0, 3.0)] * 3).map(lambda numbers: np.array([numbers]))


def angle_between(a: F64, b: F64) -> float:
    """The angle of the turn from one rotation matrix to another, radians."""
    return float(2 * np.arcsin(np.clip(np.linalg.norm(a - b) / np.sqrt(8.0), 0.0, 1.0)))


@given(wild_eulers)
def test_euler_to_rotation_equals_the_twin(euler_deg: F64) -> None:
    got = _core.euler_to_rotation(euler_deg)[0]
    np.testing.assert_allclose(got, reference.euler_to_rotation(euler_deg[0]), atol=1e-12)


@given(eulers)
def test_rotation_to_euler_equals_the_twin_and_comes_back(euler_deg: F64) -> None:
    rotation = _core.euler_to_rotation(euler_deg)
    got = _core.rotation_to_euler(rotation)[0]
    apart = np.abs(got - reference.rotation_to_euler(rotation[0])) % 360
    np.testing.assert_allclose(np.minimum(apart, 360 - apart), 0, atol=1e-6)
    assert angle_between(_core.euler_to_rotation(got[None])[0], rotation[0]) < 1e-7


@given(wild_eulers)
def test_matrices_come_back_from_every_form(euler_deg: F64) -> None:
    rotation = _core.euler_to_rotation(euler_deg)
    back = {
        "euler": _core.euler_to_rotation(_core.rotation_to_euler(rotation)),
        "quaternion": _core.quaternion_xyzw_to_rotation(_core.rotation_to_quaternion_xyzw(rotation)),
        "rotvec": _core.rotvec_to_rotation(_core.rotation_to_rotvec(rotation)),
        "rep103": _core.rep103_to_rotation(_core.rotation_to_rep103(rotation)),
    }
    for name, matrix in back.items():
        assert angle_between(matrix[0], rotation[0]) < 1e-6, name


@given(wild_eulers)
def test_forms_are_canonical(euler_deg: F64) -> None:
    rotation = _core.euler_to_rotation(euler_deg)
    quaternion = _core.rotation_to_quaternion_xyzw(rotation)[0]
    assert quaternion[3] >= 0.0
    assert abs(float(np.linalg.norm(quaternion)) - 1.0) < 1e-12
    assert float(np.linalg.norm(_core.rotation_to_rotvec(rotation)[0])) <= np.pi + 1e-9


@given(vectors, st.floats(-3.0, 3.0))
def test_quaternions_equal_the_twin(xyz: F64, w: float) -> None:
    quaternion = np.append(xyz[0], w)
    if np.linalg.norm(quaternion) < 1e-3:
        quaternion = np.array([0.0, 0.0, 0.0, 1.0])
    got = _core.quaternion_xyzw_to_rotation(quaternion[None])[0]
    np.testing.assert_allclose(got, reference.quaternion_xyzw_to_rotation(quaternion), atol=1e-9)


@given(vectors)
def test_rotation_vectors_and_rep103_equal_the_twins(rotvec: F64) -> None:
    rotation = _core.rotvec_to_rotation(rotvec)
    np.testing.assert_allclose(rotation[0], reference.rotvec_to_rotation(rotvec[0]), atol=1e-9)
    body = _core.rotation_to_rep103(rotation)[0]
    np.testing.assert_allclose(body, reference.rotation_to_rep103(rotation[0]), atol=1e-12)


@given(eulers, st.floats(-15.0, 15.0))
def test_the_pitch_zero_equals_the_twin(euler_deg: F64, pitch_zero_deg: float) -> None:
    shifted = _core.offset_pitch_zero(euler_deg, pitch_zero_deg)
    expected = reference.offset_pitch_zero(euler_deg[0], pitch_zero_deg)
    assert angle_between(_core.euler_to_rotation(shifted)[0], expected) < 1e-6


@given(wild_eulers)
def test_a_pitch_zero_of_nothing_changes_no_angle(euler_deg: F64) -> None:
    if abs(abs(float(euler_deg[0, 0])) - 90.0) < 0.01:
        return  # pitch and roll are not defined apart there
    np.testing.assert_allclose(_core.offset_pitch_zero(euler_deg, 0.0), euler_deg, atol=1e-4)


@given(st.tuples(st.floats(-60.0, 60.0), st.floats(-45.0, 45.0), st.floats(-45.0, 45.0)), st.floats(-5.0, 5.0))
def test_the_pitch_zero_leaves_a_spread_nearly_as_it_is(
    angles: tuple[float, float, float], pitch_zero_deg: float
) -> None:
    """Why estimates keep the spread of the decode: propagated to first order it changes by 15 % at most."""
    euler_deg, step = np.array([angles]), 1e-3
    jacobian = np.empty((3, 3))
    for axis, offset in enumerate(np.eye(3) * step):
        ends = [_core.offset_pitch_zero(euler_deg + sign * offset, pitch_zero_deg)[0] for sign in (1.0, -1.0)]
        jacobian[:, axis] = (ends[0] - ends[1]) / (2 * step)
    propagated = np.sqrt((jacobian**2).sum(axis=1))  # of equal, independent spreads of one degree
    assert ((propagated > 0.85) & (propagated < 1.15)).all()


@given(eulers)
def test_float32_is_float64_rounded(euler_deg: F64) -> None:
    single = euler_deg.astype(np.float32)
    got = _core.euler_to_rotation(single)
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, _core.euler_to_rotation(single.astype(np.float64)).astype(np.float32))


def test_the_frontal_pose_is_the_identity_in_every_form() -> None:
    zero, eye = np.zeros((1, 3)), np.eye(3)[None]
    np.testing.assert_array_equal(_core.euler_to_rotation(zero), eye)
    np.testing.assert_array_equal(_core.rotation_to_euler(eye), zero)
    np.testing.assert_array_equal(_core.rotation_to_quaternion_xyzw(eye), [[0, 0, 0, 1]])
    np.testing.assert_array_equal(_core.rotation_to_rotvec(eye), zero)
    np.testing.assert_array_equal(_core.rotation_to_rep103(eye), eye)


def test_signs_in_the_image() -> None:
    """+yaw: nose to image-left; +pitch: nose up; +roll: crown to image-right, which is clockwise."""
    nose, crown = np.array([0.0, 0.0, -1.0]), np.array([0.0, -1.0, 0.0])
    turned = _core.euler_to_rotation(np.array([[20.0, 0, 0], [0, 20.0, 0], [0, 0, 20.0]]))
    assert (turned[0] @ nose)[0] < 0
    assert (turned[1] @ nose)[1] < 0
    assert (turned[2] @ crown)[0] > 0
