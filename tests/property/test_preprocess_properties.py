"""preprocess against its NumPy twin, and what must hold without one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from reference import preprocess as reference
from strategies import Spec, boxes, images, nv12_images, specs, yuyv_images

from hpe_edge import _core

TOLERANCE = 1e-4  # of the output, (v - 127.5) / 128
YUV_TOLERANCE = (1.164 + 2.018) * TOLERANCE  # blue is so much of Y and U


def run(image: Any, given_boxes: NDArray[np.float32], pixel_format: str, spec: Spec) -> Any:
    return _core.preprocess(image, given_boxes, pixel_format=pixel_format, **asdict(spec))


@given(st.data())
@settings(max_examples=120)
def test_colour_images_equal_the_twin(data: st.DataObject) -> None:
    image, spec = data.draw(images()), data.draw(specs)
    crops = data.draw(boxes(*image.shape[:2]))
    pixel_format = data.draw(st.sampled_from(["bgr8", "rgb8"]))
    got = run(image, crops, pixel_format, spec)
    expected = reference.preprocess(image, crops, pixel_format=pixel_format, **asdict(spec))
    assert got.shape == (len(crops), 3, spec.height, spec.width)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected, rtol=0, atol=TOLERANCE)


@given(st.data())
@settings(max_examples=60)
def test_grey_images_equal_the_twin(data: st.DataObject) -> None:
    image, spec = data.draw(images(channels=1)), data.draw(specs)
    crops = data.draw(boxes(*image.shape))
    got = run(image, crops, "mono8", spec)
    expected = reference.preprocess(image, crops, pixel_format="mono8", **asdict(spec))
    np.testing.assert_allclose(got, expected, rtol=0, atol=TOLERANCE)


@given(st.data())
@settings(max_examples=40)
def test_images_with_alpha_equal_the_twin_and_those_without(data: st.DataObject) -> None:
    image, spec = data.draw(images(channels=4)), data.draw(specs)
    crops = data.draw(boxes(*image.shape[:2]))
    pixel_format = data.draw(st.sampled_from(["bgra8", "rgba8"]))
    got = run(image, crops, pixel_format, spec)
    expected = reference.preprocess(image, crops, pixel_format=pixel_format, **asdict(spec))
    np.testing.assert_allclose(got, expected, rtol=0, atol=TOLERANCE)
    bare = run(np.ascontiguousarray(image[..., :3]), crops, pixel_format.replace("a8", "8"), spec)
    np.testing.assert_allclose(got, bare, rtol=0, atol=1e-5)


@given(st.data())
@settings(max_examples=100)
def test_yuyv_equals_the_twin(data: st.DataObject) -> None:
    image, spec = data.draw(yuyv_images()), data.draw(specs)
    crops = data.draw(boxes(*image.shape[:2]))
    got = run(image, crops, "yuyv", spec)
    expected = reference.preprocess(image, crops, pixel_format="yuyv", **asdict(spec))
    np.testing.assert_allclose(got, expected, rtol=0, atol=YUV_TOLERANCE)


@given(st.data())
@settings(max_examples=120)
def test_nv12_equals_the_twin(data: st.DataObject) -> None:
    (image, shape), spec = data.draw(nv12_images()), data.draw(specs)
    crops = data.draw(boxes(*shape))
    got = run(image, crops, "nv12", spec)
    expected = reference.preprocess(image, crops, pixel_format="nv12", **asdict(spec))
    np.testing.assert_allclose(got, expected, rtol=0, atol=YUV_TOLERANCE)


@given(st.data())
@settings(max_examples=30)
def test_only_the_rows_and_columns_of_the_crop_matter(data: st.DataObject) -> None:
    """What lies a few pixels outside the window of an nv12 crop changes nothing."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    y, uv = rng.integers(0, 256, (60, 80), dtype=np.uint8), rng.integers(0, 256, (30, 40, 2), dtype=np.uint8)
    x0, y0 = data.draw(st.integers(8, 40)), data.draw(st.integers(8, 30))
    box = np.array([[x0, y0, x0 + 20, y0 + 16]], np.float32)
    spec = Spec(16, 16, 0.0, False, "bgr")
    other_y, other_uv = 255 - y, 255 - uv
    top, bottom, left, right = y0 // 2 * 2 - 4, y0 // 2 * 2 + 24, x0 // 2 * 2 - 4, x0 // 2 * 2 + 28
    other_y[top:bottom, left:right] = y[top:bottom, left:right]
    halves = slice(top // 2, bottom // 2), slice(left // 2, right // 2)
    other_uv[halves] = uv[halves]
    np.testing.assert_array_equal(run((y, uv), box, "nv12", spec), run((other_y, other_uv), box, "nv12", spec))


@given(st.data(), st.integers(0, 255))
@settings(max_examples=40)
def test_a_uniform_image_stays_uniform(data: st.DataObject, value: int) -> None:
    spec = data.draw(specs)
    image = np.full((data.draw(st.integers(1, 90)), data.draw(st.integers(1, 90)), 3), value, np.uint8)
    got = run(image, data.draw(boxes(*image.shape[:2])), "bgr8", spec)
    np.testing.assert_allclose(got, (value - 127.5) / 128, rtol=0, atol=2e-5)


@given(st.data())
@settings(max_examples=40)
def test_mirrored_image_and_box_give_the_mirrored_crop(data: st.DataObject) -> None:
    image, spec = data.draw(images()), data.draw(specs)
    crops = data.draw(boxes(*image.shape[:2]))
    mirrored = crops.copy()
    mirrored[:, [0, 2]] = image.shape[1] - crops[:, [2, 0]]
    straight = run(image, crops, "bgr8", spec)
    flipped = run(image[:, ::-1], mirrored, "bgr8", spec)
    # Boxes are float32: the mirrored edge is rounded, which moves the window by up to 1e-4 pixels.
    np.testing.assert_allclose(flipped[..., ::-1], straight, rtol=0, atol=1e-3)


def test_one_face_of_a_frame_at_every_size() -> None:
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (720, 1280, 3), dtype=np.uint8)
    spec = Spec(64, 64, 0.4, True, "bgr")
    for side in (20, 35.5, 35.6, 64, 80, 133.3, 160, 320, 640):
        box = np.array([[700 - side / 2, 300 - side / 2, 700 + side / 2, 300 + side / 2]], np.float32)
        expected = reference.preprocess(frame, box, pixel_format="bgr8", **asdict(spec))
        np.testing.assert_allclose(run(frame, box, "bgr8", spec), expected, rtol=0, atol=TOLERANCE)


def test_whole_number_scales_put_samples_exactly_on_the_limits_of_runs() -> None:
    rng = np.random.default_rng(1)
    frame = rng.integers(0, 256, (200, 300, 3), dtype=np.uint8)
    for side in (16, 32, 48, 64):
        for x in (0.0, 0.5, 10.25, -8.0, 271.0):
            box = np.array([[x, 5, x + side, 5 + side]], np.float32)
            spec = Spec(16, 16, 0.0, False, "bgr")
            expected = reference.preprocess(frame, box, pixel_format="bgr8", **asdict(spec))
            np.testing.assert_allclose(run(frame, box, "bgr8", spec), expected, rtol=0, atol=TOLERANCE)
