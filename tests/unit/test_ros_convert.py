"""Poses as geometry_msgs: signs and frames, what the covariance says, and what is refused."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hpe_edge import HeadPoses
from hpe_edge.errors import InvalidArgumentError
from hpe_edge.ros import convert

BOX = [[0.0, 0.0, 10.0, 10.0]]
HEADER = SimpleNamespace(frame_id="camera_optical")
STAMPED = [convert.pose_stamped, convert.pose_with_covariance_stamped, convert.pose_array]


def plain(name: str) -> Callable[..., Any]:
    """Message classes that take anything."""
    return lambda **fields: SimpleNamespace(kind=name, **fields)


def poses_at(*places_m: tuple[float, float, float], euler_deg: Any = (0.0, 0.0, 0.0), std: float = 2.0) -> HeadPoses:
    count = len(places_m)
    angles, spread = np.tile(np.float32(euler_deg), (count, 1)), np.full((count, 3), std, np.float32)
    boxes, scores = np.tile(np.float32(BOX), (count, 1)), np.ones(count, np.float32)
    return HeadPoses(angles, spread, boxes, scores, translation_m=np.float32(places_m).reshape(-1, 3))


def forward(xyzw: np.ndarray, axis: int) -> np.ndarray:
    """Where an axis of the head points, in the optical frame."""
    from hpe_edge.rotation import quaternion_xyzw_to_rotation

    return quaternion_xyzw_to_rotation(xyzw[None])[0][:, axis]


def test_a_frontal_face_is_the_identity_in_optical_axes() -> None:
    assert convert.quaternions_xyzw(poses_at((0, 0, 1))) == pytest.approx(np.array([[0, 0, 0, 1]]), abs=1e-12)


@pytest.mark.parametrize(
    ("euler_deg", "looks_at"),
    [
        ((0, 0, 0), (0, 0, -1)),  # into the camera
        ((30, 0, 0), (-0.5, 0, -np.sqrt(0.75))),  # +yaw: to image-left
        ((0, 30, 0), (0, -0.5, -np.sqrt(0.75))),  # +pitch: up
        ((0, 0, 30), (0, 0, -1)),
    ],
)
def test_where_faces_look(euler_deg: tuple[float, ...], looks_at: tuple[float, ...]) -> None:
    poses = poses_at((0, 0, 1), euler_deg=euler_deg)
    assert -forward(convert.quaternions_xyzw(poses)[0], 2) == pytest.approx(looks_at, abs=1e-6)
    assert forward(convert.quaternions_xyzw(poses, "body")[0], 0) == pytest.approx(looks_at, abs=1e-6)


def test_body_axes_of_a_frontal_face() -> None:
    xyzw = convert.quaternions_xyzw(poses_at((0, 0, 1)), "body")[0]
    assert forward(xyzw, 1) == pytest.approx([1, 0, 0], abs=1e-12)  # y: the subject's left, image-right
    assert forward(xyzw, 2) == pytest.approx([0, -1, 0], abs=1e-12)  # z: up


def test_roll_is_clockwise_in_the_image() -> None:
    turned = convert.quaternions_xyzw(poses_at((0, 0, 1), euler_deg=(0, 0, 30)))[0]
    assert turned == pytest.approx([0, 0, np.sin(np.pi / 12), np.cos(np.pi / 12)], abs=1e-6)


def test_unknown_axes_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=r"expected one of .*'body'.*, got 'rviz'"):
        convert.quaternions_xyzw(poses_at((0, 0, 1)), "rviz")


def test_every_message_has_the_header_and_the_numbers() -> None:
    poses = poses_at((0.1, -0.2, 1.5), (0.0, 0.0, 2.0), euler_deg=(20, 10, 5))
    xyzw = convert.quaternions_xyzw(poses)
    stamped = convert.pose_stamped(poses, HEADER, plain)
    array = convert.pose_array(poses, HEADER, plain)
    covered = convert.pose_with_covariance_stamped(poses, HEADER, plain)
    turns = convert.quaternion_stamped(poses, HEADER, plain)
    assert array.header is HEADER and len(array.poses) == 2
    for row in range(2):
        assert stamped[row].header is covered[row].header is turns[row].header is HEADER
        for pose in (stamped[row].pose, array.poses[row], covered[row].pose.pose):
            where, turn = pose.position, pose.orientation
            assert (where.x, where.y, where.z) == pytest.approx(poses.translation_m[row])
            assert [turn.x, turn.y, turn.z, turn.w] == xyzw[row].tolist()
        assert vars(turns[row].quaternion).items() >= {"x": xyzw[row, 0], "w": xyzw[row, 3]}.items()
        assert covered[row].pose.covariance.tolist() == convert.pose_covariance(poses)[row].ravel().tolist()
        assert type(stamped[row].pose.position.x) is type(turns[row].quaternion.w) is float, "rclpy takes floats only"


def test_nobody() -> None:
    nobody = poses_at()
    assert convert.pose_array(nobody, HEADER, plain).poses == []
    assert convert.pose_with_covariance_stamped(nobody, HEADER, plain) == []
    assert convert.quaternion_stamped(convert.nearest(nobody), HEADER, plain) == []


@pytest.mark.parametrize("make", STAMPED)
def test_no_place_is_invented(make: Callable[..., Any]) -> None:
    without = HeadPoses.from_euler(np.zeros((1, 3)), np.array(BOX))
    with pytest.raises(InvalidArgumentError, match=r"translation_m.*HeadPose\(camera="):
        make(without, HEADER, plain)
    assert len(convert.quaternion_stamped(without, HEADER, plain)) == 1


def test_covariance_of_a_place_on_the_axis() -> None:
    covariance = convert.pose_covariance(poses_at((0.0, 0.0, 2.0), std=3.0))[0]
    spread = np.sqrt(np.diag(covariance))
    assert spread[:3] == pytest.approx([0.007, 0.007, 0.12])
    assert np.rad2deg(spread[3:]) == pytest.approx([3.0, 3.0, 3.0])
    assert np.count_nonzero(covariance - np.diag(np.diag(covariance))) == 0


def test_a_place_aside_is_uncertain_along_its_ray() -> None:
    covariance = convert.position_covariance(poses_at((1.0, 0.0, 1.0)))[0]
    values, vectors = np.linalg.eigh(covariance)
    assert np.sqrt(values) == pytest.approx([0.007, 0.007, 0.06 * np.sqrt(2)])
    assert np.abs(vectors[:, 2]) == pytest.approx([np.sqrt(0.5), 0, np.sqrt(0.5)])


def test_no_spread_is_half_a_turn() -> None:
    unknown = convert.rotation_covariance(poses_at((0, 0, 1), std=np.nan))[0]
    assert unknown == pytest.approx(np.eye(3) * np.pi**2)


def test_the_nearest() -> None:
    assert convert.nearest(poses_at((0, 0, 3), (1, 0, 1), (0, 0, 2))).translation_m.tolist() == [[1, 0, 1]]


def test_classes_of_a_ros_install(monkeypatch: pytest.MonkeyPatch) -> None:
    class Point:
        pass

    monkeypatch.setitem(__import__("sys").modules, "geometry_msgs.msg", SimpleNamespace(Point=Point))
    monkeypatch.setitem(__import__("sys").modules, "geometry_msgs", SimpleNamespace())
    assert convert.installed_types("geometry_msgs/msg/Point") is Point
    with pytest.raises(ModuleNotFoundError, match="nav_msgs"):
        convert.installed_types("nav_msgs/msg/Path")


def test_the_message_of_the_rclpy_example() -> None:
    example = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "ros2_rclpy_node.py"))
    image = SimpleNamespace(header=HEADER)
    found = example["to_message"](poses_at((0, 0, 3), (0, 0, 2)), image, plain)
    assert found.header is HEADER and found.pose.pose.position.z == 2.0
    assert example["to_message"](poses_at(), image, plain) is None
