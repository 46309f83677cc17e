"""Conversions between conventions: round trips, signs and the identity at the frontal pose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from hpe_edge import rotation as rot
from hpe_edge.errors import InvalidArgumentError

Array = NDArray[np.floating[Any]]

EULER = npst.arrays(
    np.float64, st.tuples(st.integers(0, 4), st.just(3)), elements=st.floats(-85, 85, allow_subnormal=False)
)

PAIRS: list[tuple[Callable[[Array], Array], Callable[[Array], Array]]] = [
    (rot.rotation_to_euler, rot.euler_to_rotation),
    (rot.rotation_to_quaternion_xyzw, rot.quaternion_xyzw_to_rotation),
    (rot.rotation_to_rotvec, rot.rotvec_to_rotation),
    (rot.rotation_to_rep103, rot.rep103_to_rotation),
    (rot.rotation_to_hopenet, rot.hopenet_to_rotation),
    (rot.rotation_to_pose_para, rot.pose_para_to_rotation),
    (rot.rotation_to_openvino, rot.openvino_to_rotation),
    (rot.rotation_to_sixdrepnet, rot.sixdrepnet_to_rotation),
    (rot.rotation_to_mediapipe, rot.mediapipe_to_rotation),
]

FRONTAL = [
    (rot.rotation_to_euler, np.zeros(3)),
    (rot.rotation_to_quaternion_xyzw, np.array([0.0, 0, 0, 1])),
    (rot.rotation_to_rotvec, np.zeros(3)),
    (rot.rotation_to_openvino, np.zeros(3)),
    (rot.rotation_to_pose_para, np.zeros(3)),
    (rot.rotation_to_sixdrepnet, np.eye(3)),
    (rot.rotation_to_mediapipe, np.eye(4)),
]


def _turn(axis: int, degrees: float) -> Array:
    """A right-handed turn about one axis, written out plainly."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = c
    matrix[j, i], matrix[i, j] = s, -s
    return matrix


@pytest.mark.parametrize(("there", "back"), PAIRS, ids=lambda function: str(function.__name__))
@given(euler=EULER)
def test_round_trip(
    there: Callable[[Array], Array], back: Callable[[Array], Array], euler: NDArray[np.float64]
) -> None:
    rotation = rot.euler_to_rotation(euler)
    np.testing.assert_allclose(back(there(rotation)), rotation, atol=2e-5)


@pytest.mark.parametrize(("there", "expected"), FRONTAL, ids=lambda value: getattr(value, "__name__", ""))
def test_frontal_is_neutral(there: Callable[[Array], Array], expected: Array) -> None:
    np.testing.assert_allclose(there(np.eye(3)[None])[0], expected, atol=1e-7)


@given(euler=EULER)
def test_euler_follows_the_documented_product(euler: NDArray[np.float64]) -> None:
    flip = np.diag([1.0, -1.0, -1.0])
    # The documented Rx, Ry, Rz are right-handed turns by the negative angles.
    expected = [flip @ _turn(0, -p) @ _turn(1, -y) @ _turn(2, -r) @ flip for y, p, r in euler]
    np.testing.assert_allclose(rot.euler_to_rotation(euler), np.reshape(expected, (-1, 3, 3)), atol=2e-6)


def test_signs_in_the_image() -> None:
    yaw, pitch, roll = rot.euler_to_rotation([[20, 0, 0], [0, 20, 0], [0, 0, 20]])
    nose = np.array([0.0, 0.0, -1.0])  # out of the face, in head axes of the OpenCV frame
    assert (yaw @ nose)[0] < 0, "+yaw: the nose points to image-left"
    assert (pitch @ nose)[1] < 0, "+pitch: the face looks up, and up is -y"
    assert (roll @ [0.0, -1.0, 0.0])[0] > 0, "+roll: the crown moves to image-right, clockwise"


def test_rep103_axes() -> None:
    rotation = rot.euler_to_rotation([[20, 0, 0], [0, 20, 0], [0, 0, 20]])
    forward, left, up = np.eye(3)
    yaw, pitch, roll = rot.rotation_to_rep103(rotation)
    np.testing.assert_allclose(rot.rotation_to_rep103(np.eye(3)[None])[0], np.eye(3), atol=1e-7)
    # A subject who turns to image-left turns to the own right, which is a negative turn about z up.
    assert (yaw @ forward)[1] < 0 and (pitch @ forward)[2] > 0
    # Clockwise in the image: the subject's left ear (image-right) goes down.
    assert (roll @ left)[2] < 0 and (roll @ up)[1] > 0


@given(euler=EULER)
def test_openvino_matrix_is_the_one_on_its_page(euler: NDArray[np.float64]) -> None:
    rotation = rot.euler_to_rotation(euler)
    angles = rot.rotation_to_openvino(rotation)
    # X to the camera, Y to image-right, Z up, in the axes of the OpenCV frame.
    axes = np.array([[0.0, 1, 0], [0, 0, -1], [-1, 0, 0]])
    for matrix, (yaw, pitch, roll) in zip(rotation, angles, strict=True):
        page = _turn(2, yaw) @ _turn(1, pitch) @ _turn(0, -roll)
        np.testing.assert_allclose(axes @ page @ axes.T, matrix, atol=2e-5)


def test_openvino_single_turns_differ_in_the_sign_of_yaw_and_pitch() -> None:
    angles = rot.rotation_to_openvino(rot.euler_to_rotation([[20, 0, 0], [0, 20, 0], [0, 0, 20]]))
    np.testing.assert_allclose(angles, np.diag([-20.0, -20.0, 20.0]), atol=1e-4)


@given(euler=EULER)
def test_sixdrepnet_matrix_is_its_get_r(euler: NDArray[np.float64]) -> None:
    theirs = [_turn(2, r) @ _turn(1, y) @ _turn(0, p) for y, p, r in euler]
    np.testing.assert_allclose(
        rot.rotation_to_sixdrepnet(rot.euler_to_rotation(euler)), np.reshape(theirs, (-1, 3, 3)), atol=2e-6
    )


def test_mediapipe_scale_and_translation_do_not_matter() -> None:
    rotation = rot.euler_to_rotation([[30, -10, 5]])
    matrix = rot.rotation_to_mediapipe(rotation)
    matrix[0, :3, :3] *= 1.7
    matrix[0, :3, 3] = (3, -4, -40)
    np.testing.assert_allclose(rot.mediapipe_to_rotation(matrix), rotation, atol=1e-6)


def test_mediapipe_published_example() -> None:
    # google-ai-edge/mediapipe issue 2809: the column-major list of a head turned to its right.
    columns = [
        [0.5567780137062073, 0.034023914486169815, 0.8299639821052551, 0],
        [-0.011918997392058372, 0.9993847608566284, -0.03297339752316475, 0],
        [-0.8305754661560059, 0.008466490544378757, 0.5568410754203796, 0],
        [-1.418548345565796, 6.790719509124756, -39.25355529785156, 1],
    ]
    yaw, pitch, roll = rot.rotation_to_euler(rot.mediapipe_to_rotation([np.transpose(columns)]))[0]
    assert yaw == pytest.approx(56.2, abs=0.2) and abs(pitch) < 2 and abs(roll) < 2


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: rot.euler_to_rotation([1.0, 2.0, 3.0]),
            r"euler_deg: expected shape \(N, 3\).*euler_deg\[None\]",
        ),
        (lambda: rot.euler_to_rotation([[0.0, np.nan, 0.0]]), "euler_deg: expected finite"),
        (lambda: rot.euler_to_rotation([["a", "b", "c"]]), "euler_deg: expected numbers"),
        (lambda: rot.rotation_to_euler(np.ones((1, 3, 3))), "rotation: expected rotation matrices"),
        (lambda: rot.rotation_to_euler(np.diag([1.0, 1, -1])[None]), "reflection"),
        (lambda: rot.quaternion_xyzw_to_rotation([[0.0, 0, 0, 0]]), "quaternion"),
        (lambda: rot.mediapipe_to_rotation(np.zeros((1, 4, 4))), "last row"),
        (lambda: rot.mediapipe_to_rotation(np.diag([0.0, 0, 0, 1])[None]), "positive uniform scale"),
    ],
)
def test_bad_input_names_the_argument(call: Callable[[], Array], words: str) -> None:
    with pytest.raises(InvalidArgumentError, match=words):
        call()
