"""Augmentation: labels follow the picture, and a sample follows from its seed."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from fake_heads import SIZE, fake_head, label_rotation
from hpe_edge.training.augment import (
    MIRRORED_68,
    AugmentConfig,
    Augmenter,
    InputSpec,
    Pose,
    box_of,
    cut,
    flip_pose,
    harder,
    no_augmentation,
    sample_rng,
    turn_pose,
)
from hpe_edge.training.euler import euler_nearest_deg
from hypothesis import given, settings
from hypothesis import strategies as st

from hpe_edge.errors import InvalidArgumentError

angles = st.tuples(st.floats(-99, 99), st.floats(-60, 60), st.floats(-60, 60))


def pose_of(euler: tuple[float, float, float]) -> Pose:
    return Pose(np.array(euler, np.float32), label_rotation(euler).astype(np.float32))


@given(angles)
def test_flip_negates_yaw_and_roll_and_agrees_with_the_matrix(euler: tuple[float, float, float]) -> None:
    flipped = flip_pose(pose_of(euler))
    np.testing.assert_array_equal(flipped.euler_deg, pose_of(euler).euler_deg * [-1, 1, -1])
    np.testing.assert_allclose(label_rotation(flipped.euler_deg), flipped.rotation, atol=1e-5)


@given(angles, st.floats(-60, 60))
def test_turned_angles_give_the_turned_matrix(euler: tuple[float, float, float], angle: float) -> None:
    turned = turn_pose(pose_of(euler), angle)
    np.testing.assert_allclose(label_rotation(turned.euler_deg), turned.rotation, atol=2e-3)


@given(angles)
def test_inverse_keeps_the_branch_beyond_90_degrees(euler: tuple[float, float, float]) -> None:
    near = np.array(euler, np.float32)
    back = euler_nearest_deg(label_rotation(euler), near)
    np.testing.assert_allclose(label_rotation(back), label_rotation(euler), atol=1e-4)
    if abs(abs(euler[0]) - 90) > 1:
        np.testing.assert_allclose(back, near, atol=0.05)


def test_roll_of_a_frontal_head_grows_with_a_clockwise_turn() -> None:
    turned = turn_pose(pose_of((0.0, 0.0, 0.0)), 20.0)
    np.testing.assert_allclose(turned.euler_deg, [0, 0, 20], atol=1e-4)


@pytest.mark.parametrize("config", [{"flip_p": 1.0}, {"rotate_p": 1.0, "rotate_sigma_deg": 25.0}])
def test_landmarks_stay_on_their_pixels(config: dict[str, float]) -> None:
    """A white dot at a landmark of an otherwise black picture is found where the crop's law puts it."""
    spec = InputSpec(size=64, margin=0.4)
    augmenter = Augmenter(replace(no_augmentation(), **config), spec)
    landmarks = np.random.default_rng(1).uniform(35, 77, (68, 2)).astype(np.float32)
    image = np.zeros((SIZE, SIZE, 3), np.uint8)
    spot = landmarks[0]
    cv2.circle(image, (round(float(spot[0] - 0.5) * 16), round(float(spot[1] - 0.5) * 16)), 32, (255,) * 3, -1, 8, 4)
    drawn = augmenter(image, pose_of((0, 0, 0)), landmarks, image, sample_rng(0, 0, 0))
    weight = drawn.inputs[0] - drawn.inputs[0].min()
    found = np.array([(weight.sum(axis) * (np.arange(64) + 0.5)).sum() for axis in (0, 1)]) / weight.sum()
    here = int(np.flatnonzero(drawn.order == 0)[0])
    np.testing.assert_allclose(found, drawn.landmarks[here] * 64, atol=0.6)


def test_a_mirror_swaps_left_and_right_points() -> None:
    names = {
        0: 16,
        8: 8,
        17: 26,
        27: 27,
        31: 35,
        36: 45,
        37: 44,
        41: 46,
        48: 54,
        51: 51,
        55: 59,
        60: 64,
        61: 63,
        65: 67,
    }
    for one, other in names.items():
        assert MIRRORED_68[one] == other and MIRRORED_68[other] == one
    np.testing.assert_array_equal(MIRRORED_68[MIRRORED_68], np.arange(68))


def test_a_teacher_sees_the_same_pixels_in_its_own_input() -> None:
    image, label = fake_head(np.random.default_rng(0), 0)
    landmarks = np.array(label["landmarks_68"], np.float32)
    larger = InputSpec(size=128, channel_order="rgb")
    drawn = Augmenter(AugmentConfig(), InputSpec(), larger)(
        image, pose_of((1.0, 2.0, 3.0)), landmarks, image, sample_rng(0, 0, 0)
    )
    assert drawn.teacher_inputs is not None and drawn.teacher_inputs.shape == (3, 128, 128)
    smaller = cv2.resize(drawn.teacher_inputs[::-1].transpose(1, 2, 0), (64, 64), interpolation=cv2.INTER_AREA)
    assert np.abs(smaller.transpose(2, 0, 1) - drawn.inputs).mean() < 0.05


def test_without_augmentation_it_is_the_plain_crop() -> None:
    image, label = fake_head(np.random.default_rng(0), 0)
    landmarks = np.array(label["landmarks_68"], np.float32)
    spec = InputSpec()
    drawn = Augmenter(no_augmentation(), spec)(image, pose_of((1.0, 2.0, 3.0)), landmarks, image, sample_rng(0, 0, 0))
    np.testing.assert_allclose(drawn.inputs, cut(image, box_of(landmarks), spec.margin, spec), atol=1e-4)
    np.testing.assert_array_equal(drawn.pose.euler_deg, np.array([1, 2, 3], np.float32))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31))
def test_same_seed_same_sample_and_always_in_range(seed: int) -> None:
    image, label = fake_head(np.random.default_rng(0), 0)
    landmarks = np.array(label["landmarks_68"], np.float32)
    every = replace(AugmentConfig(), **{k: 0.6 for k in vars(AugmentConfig()) if k.endswith("_p")})
    before = image.copy()
    runs = [
        Augmenter(every, InputSpec())(image, pose_of((10, 5, 0)), landmarks, image[:, ::-1], sample_rng(seed, 1, 2))
        for _ in range(2)
    ]
    np.testing.assert_array_equal(runs[0][0], runs[1][0])
    np.testing.assert_array_equal(image, before)
    assert np.abs(runs[0][0]).max() <= 1.0
    np.testing.assert_allclose(label_rotation(runs[0][1].euler_deg), runs[0][1].rotation, atol=2e-3)


def test_a_probability_above_one_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=r"augment\.flip_p"):
        AugmentConfig(flip_p=1.5)


@pytest.mark.parametrize(("shape", "share"), [("triangle", 0.25), ("uniform", 0.5)])
def test_margins_follow_their_shape(shape: str, share: float) -> None:
    """In the outer halves of the range lies a quarter of a triangle and half of a uniform distribution."""
    config = replace(no_augmentation(), margin_low=0.0, margin_high=0.8, margin_shape=shape)
    augmenter = Augmenter(config, InputSpec(margin=0.4))
    box = np.array([30, 30, 70, 70], np.float32)
    margins = np.array([augmenter._jitter(box, sample_rng(0, 0, k))[0] for k in range(2000)])
    assert margins.min() >= 0.0 and margins.max() <= 0.8
    assert ((margins < 0.2) | (margins > 0.6)).mean() == pytest.approx(share, abs=0.04)


def test_harder_doubles_corruptions_and_leaves_the_crops() -> None:
    config = AugmentConfig(tone_p=0.7, blur_p=0.15, occlude_p=0.0, flip_p=0.4, rotate_p=0.3, rotate_wide_p=0.2)
    twice = harder(config)
    assert (twice.tone_p, twice.blur_p, twice.occlude_p) == (1.0, 0.3, 0.0)
    crops = ("flip_p", "rotate_p", "rotate_wide_p", "margin_low", "margin_high", "margin_shape", "shift_sigma")
    assert all(getattr(twice, name) == getattr(config, name) for name in crops)
