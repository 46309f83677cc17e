"""Pixel formats against OpenCV's conversion of the whole image to bgr8, followed by the bgr8 path."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hpe_edge import HeadPose, hub

cv2 = pytest.importorskip("cv2")

FACE_BOX = np.float32([[178, 82, 272, 187]])
BOXES = np.float32([[178, 82, 272, 187], [-40, -30, 90, 120], [300, 300, 320, 324], [10, 10, 500, 500]])
Image = NDArray[np.uint8]


@pytest.fixture(scope="module")
def nv12() -> Image:
    """A photograph as a camera would give it."""
    from skimage.data import astronaut

    i420 = cv2.cvtColor(np.ascontiguousarray(astronaut()), cv2.COLOR_RGB2YUV_I420)
    u, v = i420[512:640].reshape(256, 256), i420[640:].reshape(256, 256)
    return np.concatenate([i420[:512], np.stack([u, v], axis=2).reshape(256, 512)])


def as_yuyv(nv12: Image) -> Image:
    y, uv = nv12[:512], nv12[512:]
    return np.stack([y, uv.repeat(2, axis=0)], axis=2)


def as_rgba(nv12: Image) -> Image:
    rgba = cv2.cvtColor(nv12, cv2.COLOR_YUV2RGBA_NV12)
    rgba[..., 3] = np.random.default_rng(0).integers(0, 256, rgba.shape[:2])  # alpha is not read
    return np.asarray(rgba)


def every_format(nv12: Image) -> list[tuple[Any, str]]:
    rgba = as_rgba(nv12)
    pair = nv12[:512], nv12[512:].reshape(256, 256, 2)
    bgra = np.ascontiguousarray(rgba[..., [2, 1, 0, 3]])
    return [(nv12, "nv12"), (pair, "nv12"), (as_yuyv(nv12), "yuyv"), (rgba, "rgba8"), (bgra, "bgra8")]


def test_the_formats_of_this_test_are_those_of_opencv(nv12: Image) -> None:
    of_yuyv = cv2.cvtColor(as_yuyv(nv12), cv2.COLOR_YUV2BGR_YUY2)
    np.testing.assert_array_equal(of_yuyv, cv2.cvtColor(nv12, cv2.COLOR_YUV2BGR_NV12))


@pytest.mark.parametrize(
    ("contrast", "mean", "most"),
    [
        (0.5, 0.25, 1.0),  # OpenCV rounds each pixel
        (1.0, 0.25, 12.0),  # and cuts each pixel's colours off at 0 and 255, we those of the crop
    ],
)
def test_crops_equal_those_of_the_converted_image(nv12: Image, contrast: float, mean: float, most: float) -> None:
    image_nv12 = (contrast * (nv12 - 128.0) + 128.0).astype(np.uint8)
    spec = hub.resolve("fsanet").card.input
    expected = spec.crops(cv2.cvtColor(image_nv12, cv2.COLOR_YUV2BGR_NV12), BOXES)
    for image, pixel_format in every_format(image_nv12):
        levels = np.abs(spec.crops(image, BOXES, pixel_format) - expected) / spec.scale[0]
        if pixel_format in ("rgba8", "bgra8"):
            assert levels.max() < 1e-3, pixel_format
        else:
            assert levels.mean() < mean and levels.max() < most, pixel_format


@pytest.mark.parametrize("backend", ["native", "onnxruntime"])
def test_poses_equal_those_of_the_converted_image(nv12: Image, backend: str) -> None:
    if backend == "onnxruntime":
        pytest.importorskip("onnxruntime")
    pose = HeadPose(backend=backend, precision="fp32")
    bgr = cv2.cvtColor(nv12, cv2.COLOR_YUV2BGR_NV12)
    given, found = pose.estimate(bgr, FACE_BOX), pose.estimate(bgr)
    assert len(found) == 1
    tracker = pose.tracker(smoothing=None)
    for frame, (image, pixel_format) in enumerate(every_format(nv12)):
        poses = pose.estimate(image, FACE_BOX, pixel_format=pixel_format)
        np.testing.assert_allclose(poses.euler_deg, given.euler_deg, atol=0.3)
        seen = pose.estimate(image, pixel_format=pixel_format)
        np.testing.assert_allclose(seen.boxes_xyxy, found.boxes_xyxy, atol=1.0)
        (batched,) = pose.estimate_batch([image], pixel_format=pixel_format)
        np.testing.assert_array_equal(batched.euler_deg, seen.euler_deg)
        assert tracker.update(image, frame / 30, pixel_format=pixel_format).ids.tolist() == [0]
    crop = pose.estimate(nv12, is_crop=True, pixel_format="nv12").boxes_xyxy
    np.testing.assert_array_equal(crop, pose.estimate(bgr, is_crop=True).boxes_xyxy)
