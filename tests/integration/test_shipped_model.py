"""The model that the package ships: card, files, and what it says of a real photograph."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

import hpe_edge
from hpe_edge import HeadPose, hub
from hpe_edge.heads import SsrHead
from hpe_edge.results import HeadPoses

FACE_BOX = (180.0, 86.0, 271.0, 178.0)


@pytest.fixture(scope="module")
def pose() -> HeadPose:
    return HeadPose()


@pytest.fixture(scope="module")
def portrait() -> NDArray[np.uint8]:
    from skimage.data import astronaut

    return np.ascontiguousarray(astronaut()[..., ::-1])


def _mirrored(poses: HeadPoses) -> NDArray[np.float32]:
    return poses.euler_deg * np.float32([-1, 1, -1])


def test_the_card_is_bundled_and_its_files_are_the_right_ones() -> None:
    assert "fsanet" in hpe_edge.list_models()
    model = hub.resolve("fsanet")
    assert isinstance(model.card.head, SsrHead) and (model.card.input.width, model.card.input.height) == (
        64,
        64,
    )
    data = model.read("onnx")
    assert len(data) < 2_000_000, "FSA-Net is about 1.1 MB"
    assert model.card.licence == "Apache-2.0" and model.card.training and model.card.metrics


def test_a_nearly_frontal_portrait(pose: HeadPose, portrait: NDArray[np.uint8]) -> None:
    head = pose.estimate(portrait, [FACE_BOX])[0]
    assert abs(head.yaw_deg) < 12 and abs(head.pitch_deg) < 18 and -4 < head.roll_deg < 12


def test_rgb_equals_bgr(pose: HeadPose, portrait: NDArray[np.uint8]) -> None:
    bgr = pose.estimate(portrait, [FACE_BOX])
    rgb = pose.estimate(portrait[..., ::-1], [FACE_BOX], pixel_format="rgb8")
    np.testing.assert_array_equal(bgr.euler_deg, rgb.euler_deg)


def test_a_mirrored_portrait_mirrors_yaw_and_roll(pose: HeadPose, portrait: NDArray[np.uint8]) -> None:
    x0, y0, x1, y1 = FACE_BOX
    mirrored = pose.estimate(portrait[:, ::-1], [(512 - x1, y0, 512 - x0, y1)])
    np.testing.assert_allclose(_mirrored(mirrored), pose.estimate(portrait, [FACE_BOX]).euler_deg, atol=8)


@pytest.mark.parametrize("degrees", [-25, 25])
def test_turning_the_portrait_turns_the_roll(pose: HeadPose, portrait: NDArray[np.uint8], degrees: int) -> None:
    import cv2

    centre = (0.5 * (FACE_BOX[0] + FACE_BOX[2]), 0.5 * (FACE_BOX[1] + FACE_BOX[3]))
    # OpenCV's positive angle is counter-clockwise in the image, our positive roll clockwise.
    matrix = cv2.getRotationMatrix2D(centre, -degrees, 1.0)
    turned = cv2.warpAffine(portrait, matrix, (512, 512), borderMode=cv2.BORDER_REPLICATE)
    change = pose.estimate(turned, [FACE_BOX])[0].roll_deg - pose.estimate(portrait, [FACE_BOX])[0].roll_deg
    assert change == pytest.approx(degrees, abs=10)


def test_a_crop_is_near_the_box_it_was_cut_for(pose: HeadPose, portrait: NDArray[np.uint8]) -> None:
    margin = hub.resolve("fsanet").card.input.margin
    x0, y0, x1, y1 = FACE_BOX
    half = 0.5 * max(x1 - x0, y1 - y0) * (1 + 2 * margin)
    cx, cy = round(0.5 * (x0 + x1)), round(0.5 * (y0 + y1))
    crop = portrait[max(0, round(cy - half)) : round(cy + half), round(cx - half) : round(cx + half)]
    cropped = pose.estimate(crop, is_crop=True)
    np.testing.assert_allclose(cropped.euler_deg, pose.estimate(portrait, [FACE_BOX]).euler_deg, atol=5)


def test_repeated_calls_are_identical(pose: HeadPose, portrait: NDArray[np.uint8]) -> None:
    first = pose.estimate(portrait, [FACE_BOX]).euler_deg
    for _ in range(3):
        np.testing.assert_array_equal(pose.estimate(portrait, [FACE_BOX]).euler_deg, first)
