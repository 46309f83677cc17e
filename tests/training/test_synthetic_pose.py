"""Poses against the conventions and against what photographs show."""

from __future__ import annotations

import numpy as np
import pytest
from hpe_edge.training.euler import EULER_LIMIT_DEG, euler_of_rotation_deg
from hpe_edge.training.synthetic.people.pose import euler_in_range, rotation_x, rotation_y, rotation_z, sample_pose
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

PUBLISHED = frozenset(["pose"])
ANGLES = st.tuples(st.floats(-89, 89), st.floats(-80, 80), st.floats(-80, 80))


@given(ANGLES)
def test_label_angles_invert_the_label_matrix(angles: tuple[float, float, float]) -> None:
    yaw, pitch, roll = angles
    rotation = rotation_x(pitch) @ rotation_y(yaw) @ rotation_z(roll)
    np.testing.assert_allclose(euler_of_rotation_deg(rotation), angles, atol=1e-6)


@pytest.mark.parametrize("angles", [(95, 5, -4), (-170, 10, 20), (135, -30, 0), (-91, -60, 60)])
def test_label_angles_beyond_the_profile_stay_on_the_near_branch(angles: tuple[float, float, float]) -> None:
    rotation = rotation_x(angles[1]) @ rotation_y(angles[0]) @ rotation_z(angles[2])
    np.testing.assert_allclose(euler_of_rotation_deg(rotation), angles, atol=1e-6)


def test_signs_of_the_conventions() -> None:
    nose = np.asarray([0, 0, 1.0])
    assert (rotation_y(30) @ nose)[0] < 0  # +yaw: the nose points to image-left
    assert (rotation_x(30) @ nose)[1] > 0  # +pitch: the face looks up
    crown = rotation_z(30) @ np.asarray([0, 1.0, 0])
    assert crown[0] > 0  # +roll: clockwise in the image, the crown moves to image-right


def _poses(features: frozenset[str], yaw_range_deg: float, count: int = 2500) -> NDArray[np.float64]:
    rng = np.random.default_rng(3)
    return np.asarray([sample_pose(rng, features, yaw_range_deg) for _ in range(count)])


def _angles(poses: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray([euler_of_rotation_deg(pose) for pose in poses])


@pytest.mark.parametrize("features", [frozenset(), PUBLISHED])
def test_sampled_poses_are_rotations_within_the_label_range_and_reach_profiles(features: frozenset[str]) -> None:
    poses = _poses(features, EULER_LIMIT_DEG, 600)
    angles = _angles(poses)
    assert np.abs(angles).max() <= EULER_LIMIT_DEG
    assert (np.abs(angles[:, 0]) > 75).mean() > 0.03
    assert (np.abs(angles[:, 2]) > 60).any()
    np.testing.assert_allclose(poses @ poses.transpose(0, 2, 1), np.tile(np.eye(3), (600, 1, 1)), atol=1e-9)


def test_published_shares_of_profiles_lying_heads_and_steep_pitch() -> None:
    poses = _poses(PUBLISHED, EULER_LIMIT_DEG)
    azimuth = np.degrees(np.arctan2(-poses[:, 0, 2], poses[:, 2, 2]))
    elevation = np.degrees(np.arcsin(poses[:, 1, 2]))
    up = np.degrees(np.arctan2(poses[:, 0, 1], poses[:, 1, 1]))  # of the crown in the picture, clockwise
    assert 0.2 < (np.abs(azimuth) > 60).mean() < 0.35
    assert 0.01 < (np.abs(up) > 60).mean() < 0.06
    assert 0.02 < (np.abs(elevation) > 40).mean() < 0.12
    # photographs: nod and lean spread alike at the front and in profile; 9 and 6 degrees are their middle absolutes
    for part in (np.abs(azimuth) < 20, np.abs(azimuth) > 70):
        assert 6 < np.median(np.abs(elevation[part] + 1.5)) < 15
        assert 4 < np.median(np.abs(up[part])) < 15


def test_euler_angles_of_profiles_spread_and_correlate_as_in_the_labels_of_photographs() -> None:
    yaw, pitch, roll = _angles(_poses(PUBLISHED, EULER_LIMIT_DEG)).T
    profile = np.abs(yaw) > 60
    assert np.corrcoef((np.sign(yaw) * roll)[profile], pitch[profile])[0, 1] > 0.7  # AFLW2000-3D: .91 and more
    assert pitch[profile].std() > 25  # AFLW2000-3D: 33


def test_heads_all_round_keep_their_azimuth_and_are_flagged() -> None:
    poses = _poses(PUBLISHED, 180.0)
    azimuth = np.degrees(np.arctan2(-poses[:, 0, 2], poses[:, 2, 2]))
    behind = np.abs(azimuth) > 105
    assert 0.1 < behind.mean() < 0.3
    assert np.abs(azimuth).max() > 170
    assert not any(euler_in_range(euler_of_rotation_deg(pose)) for pose in poses[behind])
    level = behind & (np.abs(poses[:, 1, 2]) < 0.1) & (np.abs(poses[:, 0, 1]) < 0.1)
    assert level.any()
    np.testing.assert_allclose(_angles(poses[level])[:, 0], azimuth[level], atol=4)


def test_a_narrow_range_is_kept() -> None:
    poses = _poses(PUBLISHED, 30.0, 300)
    assert np.abs(np.degrees(np.arctan2(-poses[:, 0, 2], poses[:, 2, 2]))).max() < 97  # lying heads included
    assert (np.abs(_angles(poses)[:, 0]) < 40).mean() > 0.9
