"""Rotations between conventions. All functions take and give batches; angles are in degrees.

The middle of everything is ``rotation`` (N, 3, 3): head to camera, in the OpenCV / ROS optical frame
(x right, y down, z forward), the identity when the face looks into the camera. Signs and frames are
drawn in docs/CONVENTIONS.md; where another project's convention is stated, its source is named.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpe_edge import _core
from hpe_edge.errors import InvalidArgumentError

FloatArray: TypeAlias = NDArray[np.floating[Any]]

# Label frame (x right, y up, z toward the viewer) <-> OpenCV frame (x right, y down, z forward).
_FLIP_YZ = np.diag([1.0, -1.0, -1.0])


def euler_to_rotation(euler_deg: ArrayLike) -> FloatArray:
    """Yaw, pitch, roll in degrees (N, 3) to ``rotation`` (N, 3, 3): ``D Rx(pitch) Ry(yaw) Rz(roll) D``.

    Raises:
        InvalidArgumentError: not (N, 3), or not finite.

    >>> (euler_to_rotation([[0.0, 0.0, 0.0]])[0] + 0.0).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    return _core.euler_to_rotation(_batch(euler_deg, "euler_deg", 3))


def rotation_to_euler(rotation: ArrayLike) -> FloatArray:
    """``rotation`` (N, 3, 3) to yaw, pitch, roll in degrees (N, 3); yaw in -90..90.

    Raises:
        InvalidArgumentError: not (N, 3, 3), or not rotation matrices.

    >>> rotation_to_euler(euler_to_rotation([[30.0, -10.0, 5.0]])).round(3).tolist()
    [[30.0, -10.0, 5.0]]
    """
    return _core.rotation_to_euler(_rotations(rotation, "rotation"))


def rotation_to_quaternion_xyzw(rotation: ArrayLike) -> FloatArray:
    """``rotation`` (N, 3, 3) to unit quaternions (N, 4), scalar last and not negative.

    >>> (rotation_to_quaternion_xyzw([[[1, 0, 0], [0, 1, 0], [0, 0, 1]]]) + 0.0).tolist()
    [[0.0, 0.0, 0.0, 1.0]]
    """
    return _core.rotation_to_quaternion_xyzw(_rotations(rotation, "rotation"))


def quaternion_xyzw_to_rotation(quaternion_xyzw: ArrayLike) -> FloatArray:
    """Quaternions (N, 4), scalar last, of any length but zero, to ``rotation`` (N, 3, 3).

    >>> quaternion_xyzw_to_rotation([[0, 0, 0, 2]])[0].diagonal().tolist()
    [1.0, 1.0, 1.0]
    """
    return _core.quaternion_xyzw_to_rotation(_batch(quaternion_xyzw, "quaternion_xyzw", 4))


def rotation_to_rotvec(rotation: ArrayLike) -> FloatArray:
    """``rotation`` (N, 3, 3) to rotation vectors (N, 3) in radians, as ``cv2.Rodrigues`` has them.

    >>> rotation_to_rotvec(euler_to_rotation([[0, 0, 90]])).round(4).tolist()[0][2]
    1.5708
    """
    return _core.rotation_to_rotvec(_rotations(rotation, "rotation"))


def rotvec_to_rotation(rotvec: ArrayLike) -> FloatArray:
    """Rotation vectors (N, 3) in radians to ``rotation`` (N, 3, 3).

    >>> rotvec_to_rotation([[0, 0, 0]])[0].diagonal().tolist()
    [1.0, 1.0, 1.0]
    """
    return _core.rotvec_to_rotation(_batch(rotvec, "rotvec", 3))


def rotation_to_rep103(rotation: ArrayLike) -> FloatArray:
    """``rotation`` (N, 3, 3) to the ROS body frame of REP-103 (x forward out of the face, y left, z up).

    >>> rotation_to_rep103([[[1, 0, 0], [0, 1, 0], [0, 0, 1]]]).shape
    (1, 3, 3)
    """
    return _core.rotation_to_rep103(_rotations(rotation, "rotation"))


def rep103_to_rotation(rotation_rep103: ArrayLike) -> FloatArray:
    """The inverse of :func:`rotation_to_rep103`.

    >>> eye = [[[1, 0, 0], [0, 1, 0], [0, 0, 1]]]
    >>> rep103_to_rotation(rotation_to_rep103(eye))[0].diagonal().tolist()
    [1.0, 1.0, 1.0]
    """
    return _core.rep103_to_rotation(_rotations(rotation_rep103, "rotation_rep103"))


def rotation_to_hopenet(rotation: ArrayLike) -> FloatArray:
    """``rotation`` to Hopenet's predictions: yaw, pitch, roll in degrees (N, 3).

    Hopenet is trained on 300W-LP's angles and its convention is ours
    (natanielruiz/deep-head-pose, ``code/utils.py``).

    >>> rotation_to_hopenet(euler_to_rotation([[20, 0, 0]])).round(3).tolist()
    [[20.0, 0.0, 0.0]]
    """
    return rotation_to_euler(rotation) + 0.0


def hopenet_to_rotation(euler_deg: ArrayLike) -> FloatArray:
    """Hopenet's yaw, pitch, roll in degrees (N, 3) to ``rotation``.

    >>> hopenet_to_rotation([[0, 0, 0]]).shape
    (1, 3, 3)
    """
    return euler_to_rotation(euler_deg)


def rotation_to_pose_para(rotation: ArrayLike) -> FloatArray:
    """``rotation`` to the first three numbers of a 300W-LP / AFLW2000 ``Pose_Para``: (N, 3).

    They are pitch, yaw, roll, in that order and in radians (Zhu et al., 3DDFA, CVPR 2016).

    >>> rotation_to_pose_para(euler_to_rotation([[90 / 3.1415926535, 0, 0]])).round(3).tolist()[0][1]
    0.5
    """
    return np.deg2rad(rotation_to_euler(rotation)[:, [1, 0, 2]])


def pose_para_to_rotation(pose_para: ArrayLike) -> FloatArray:
    """``Pose_Para[0, :3]`` of 300W-LP / AFLW2000 (pitch, yaw, roll in radians), (N, 3), to ``rotation``.

    >>> rotation_to_euler(pose_para_to_rotation([[0.1, 0.2, 0.3]])).round(2).tolist()
    [[11.46, 5.73, 17.19]]
    """
    return euler_to_rotation(np.rad2deg(_batch(pose_para, "pose_para", 3))[:, [1, 0, 2]])


def rotation_to_openvino(rotation: ArrayLike) -> FloatArray:
    """``rotation`` to the angles of OpenVINO's head-pose-estimation-adas-0001: (N, 3) degrees.

    Columns are ``angle_y_fc, angle_p_fc, angle_r_fc``. Its page defines a frame (X from the face to the
    camera, Y to image-right, Z up) and ``R = Rz(yaw) Ry(pitch) Rx(-roll)``, right-handed: +yaw turns the
    nose to image-right, +pitch looks down, +roll turns clockwise in the image, and pitch, not yaw, is the
    angle in -90..90. So single turns differ from ours by the sign of yaw and pitch, and combined turns
    also by the order (docs.openvino.ai, omz_models_model_head_pose_estimation_adas_0001).

    >>> (rotation_to_openvino(euler_to_rotation([[20, 0, 0]])).round(3) + 0.0).tolist()
    [[-20.0, 0.0, 0.0]]
    """
    label = _flip(_rotations(rotation, "rotation"))
    yaw = np.arctan2(label[:, 0, 2], label[:, 2, 2])
    pitch = np.arcsin(np.clip(-label[:, 1, 2], -1.0, 1.0))
    roll = np.arctan2(-label[:, 1, 0], label[:, 1, 1])
    angles_deg: FloatArray = np.rad2deg(np.stack([yaw, pitch, roll], axis=1))
    return angles_deg


def openvino_to_rotation(angles_deg: ArrayLike) -> FloatArray:
    """``angle_y_fc, angle_p_fc, angle_r_fc`` of adas-0001, (N, 3) degrees, to ``rotation``.

    See :func:`rotation_to_openvino` for the convention and its source.

    >>> rotation_to_euler(openvino_to_rotation([[-20, -10, 0]])).shape
    (1, 3)
    """
    angles = np.asarray(_batch(angles_deg, "angles_deg", 3), dtype=np.float64)
    zero = np.zeros(len(angles))
    yaw = np.stack([-angles[:, 0], zero, zero], axis=1)
    pitch = np.stack([zero, -angles[:, 1], zero], axis=1)
    roll = np.stack([zero, zero, angles[:, 2]], axis=1)
    return euler_to_rotation(yaw) @ euler_to_rotation(pitch) @ euler_to_rotation(roll)


def rotation_to_sixdrepnet(rotation: ArrayLike) -> FloatArray:
    """``rotation`` to the matrix that 6DRepNet regresses, (N, 3, 3).

    It is trained on ``Rz(roll) Ry(yaw) Rx(pitch)`` with right-handed factors and 300W-LP's angles
    (thohemp/6DRepNet, ``sixdrepnet/utils.py``, ``get_R``), which is the transpose of the label-frame
    rotation. The angles its ``predict`` returns are 300W-LP's, but in the order pitch, yaw, roll.

    >>> rotation_to_sixdrepnet([[[1, 0, 0], [0, 1, 0], [0, 0, 1]]])[0].diagonal().tolist()
    [1.0, 1.0, 1.0]
    """
    return np.ascontiguousarray(_flip(_rotations(rotation, "rotation")).transpose(0, 2, 1))


def sixdrepnet_to_rotation(matrix: ArrayLike) -> FloatArray:
    """6DRepNet's regressed matrix (N, 3, 3) to ``rotation``; see :func:`rotation_to_sixdrepnet`.

    >>> sixdrepnet_to_rotation(rotation_to_sixdrepnet(euler_to_rotation([[9, 8, 7]]))).shape
    (1, 3, 3)
    """
    return np.ascontiguousarray(_flip(_rotations(matrix, "matrix").transpose(0, 2, 1)))


def rotation_to_mediapipe(rotation: ArrayLike) -> FloatArray:
    """``rotation`` to MediaPipe's facial transformation matrix without translation, (N, 4, 4).

    MediaPipe maps its canonical face (x image-right, y up, z out of the face) into an OpenGL camera space
    (x right, y up, z toward the viewer), ``v_camera = M v_face``: the label frame on both sides
    (mediapipe ``face_geometry.proto``, ``canonical_face_model.obj``; issues 1379 and 1642).

    >>> rotation_to_mediapipe([[[1, 0, 0], [0, 1, 0], [0, 0, 1]]]).shape
    (1, 4, 4)
    """
    label = _flip(_rotations(rotation, "rotation"))
    matrix = np.zeros((len(label), 4, 4), dtype=label.dtype)
    matrix[:, :3, :3] = label
    matrix[:, 3, 3] = 1.0
    return matrix


def mediapipe_to_rotation(matrix: ArrayLike) -> FloatArray:
    """MediaPipe's ``facial_transformation_matrixes`` (N, 4, 4) to ``rotation``.

    The uniform scale is divided out; the translation is dropped. Matrices are row-major, as MediaPipe's
    Python package gives them; transpose the flat column-major list that its JavaScript package gives.

    Raises:
        InvalidArgumentError: not (N, 4, 4), last row not 0 0 0 1, or more than scale, turn and shift.

    >>> matrix = [[2, 0, 0, 5], [0, 2, 0, 6], [0, 0, 2, -40], [0, 0, 0, 1]]
    >>> mediapipe_to_rotation([matrix])[0].diagonal().round(6).tolist()
    [1.0, 1.0, 1.0]
    """
    full = _batch(matrix, "matrix", 4, 4)
    if not np.allclose(full[:, 3], [0.0, 0.0, 0.0, 1.0], atol=1e-5):
        raise InvalidArgumentError(
            f"matrix: expected the last row 0 0 0 1, got {full[:, 3].tolist()}; "
            "transpose matrices that are column-major"
        )
    scale = np.cbrt(np.linalg.det(full[:, :3, :3].astype(np.float64)))
    if not bool(np.all(scale > 1e-9)):
        raise InvalidArgumentError(f"matrix: expected a positive uniform scale, got {scale.tolist()}")
    turn = np.asarray(full[:, :3, :3] / scale[:, None, None])
    return np.ascontiguousarray(_flip(_rotations(turn, "matrix")))


def _flip(rotation: FloatArray) -> FloatArray:
    """``D R D``: OpenCV frame to label frame, and back (it is its own inverse)."""
    flipped: FloatArray = _FLIP_YZ @ rotation @ _FLIP_YZ
    return flipped


def _batch(value: ArrayLike, argument: str, *tail: int) -> FloatArray:
    """The argument as a finite floating C-contiguous array of shape (N, *tail)."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise InvalidArgumentError(f"{argument}: expected numbers, got dtype {array.dtype}")
    kept = array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)
    if kept.ndim != 1 + len(tail) or kept.shape[1:] != tail:
        expected = ", ".join(["N", *map(str, tail)])
        hint = f"; for a single one pass {argument}[None]" if kept.shape == tail else ""
        raise InvalidArgumentError(f"{argument}: expected shape ({expected}), got {kept.shape}{hint}")
    if not bool(np.isfinite(kept).all()):
        raise InvalidArgumentError(f"{argument}: expected finite numbers, got NaN or infinity")
    return np.ascontiguousarray(kept)


def _rotations(value: ArrayLike, argument: str) -> FloatArray:
    """The argument as (N, 3, 3) rotation matrices: orthogonal to 1e-3, determinant +1."""
    matrix = _batch(value, argument, 3, 3)
    error = np.abs(matrix @ matrix.transpose(0, 2, 1) - np.eye(3)).max(initial=0.0)
    if error > 1e-3:
        raise InvalidArgumentError(
            f"{argument}: expected rotation matrices, got one whose rows are not orthonormal (by {error:.3g})"
        )
    if bool((np.linalg.det(matrix) < 0).any()):
        raise InvalidArgumentError(f"{argument}: expected rotations, got a reflection (determinant -1)")
    return matrix
