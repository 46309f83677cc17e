"""The core against other people's code for the same: Pillow's and OpenCV's resize, cv2.Rodrigues."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hpe_edge import _core

FRAME: NDArray[np.uint8] = np.random.default_rng(5).integers(0, 256, (120, 160, 3), dtype=np.uint8)


def crop(box: tuple[float, float, float, float], width: int, height: int) -> NDArray[np.float32]:
    """Grey levels (height, width, 3) of the box of FRAME, without margin."""
    got: Any = _core.preprocess(
        FRAME,
        np.array([box], np.float32),
        pixel_format="bgr8",
        width=width,
        height=height,
        margin=0.0,
        square=False,
        channel_order="bgr",
        mean=(0.0, 0.0, 0.0),
        scale=(1.0, 1.0, 1.0),
    )
    return np.asarray(got[0].transpose(1, 2, 0), dtype=np.float32)


@pytest.mark.parametrize(
    ("box", "size"),
    [
        ((20.0, 15.0, 140.0, 105.0), (32, 24)),
        ((30.25, 20.5, 97.75, 88.0), (27, 27)),
        ((40, 40, 50, 52), (33, 31)),
    ],
)
def test_pillow_filters_with_the_same_triangle(box: tuple[float, float, float, float], size: tuple[int, int]) -> None:
    """Pillow's bilinear filter widens with the reduction as ours does; it rounds to whole levels twice."""
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    theirs = image.fromarray(FRAME).resize(size, resample=image.Resampling.BILINEAR, box=box)
    # Near the edges of its box Pillow uses no samples beyond; we do.
    inner = np.s_[2:-2, 2:-2] if box[2] - box[0] > size[0] else np.s_[5:-5, 5:-5]
    np.testing.assert_allclose(crop(box, *size)[inner], np.asarray(theirs)[inner], atol=1.01)


def test_opencv_enlarges_alike() -> None:
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
    theirs = cv2.resize(FRAME, (400, 330), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(crop((0, 0, 160, 120), 400, 330), theirs, atol=1.01)


def test_opencv_area_agrees_on_what_is_smooth() -> None:
    """A box filter and a triangle filter keep a slow gradient alike."""
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
    ramp = np.repeat(np.linspace(0, 255, 160).astype(np.uint8)[None, :, None], 120, axis=0).repeat(3, axis=2)
    theirs = cv2.resize(ramp, (40, 30), interpolation=cv2.INTER_AREA)
    ours = _core.preprocess(
        np.ascontiguousarray(ramp),
        np.array([[0, 0, 160, 120]], np.float32),
        pixel_format="bgr8",
        width=40,
        height=30,
        margin=0.0,
        square=False,
        channel_order="bgr",
        mean=(0.0, 0.0, 0.0),
        scale=(1.0, 1.0, 1.0),
    )
    np.testing.assert_allclose(ours[0, 0, :, 2:-2], theirs[:, 2:-2, 0], atol=1.01)


def test_rotation_vectors_are_those_of_rodrigues() -> None:
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
    rng = np.random.default_rng(1)
    rotvec = rng.uniform(-1.7, 1.7, (50, 3))
    rotation = _core.rotvec_to_rotation(rotvec)
    for vector, matrix in zip(rotvec, rotation, strict=True):
        np.testing.assert_allclose(matrix, cv2.Rodrigues(vector)[0], atol=1e-9)
    np.testing.assert_allclose(_core.rotation_to_rotvec(rotation), rotvec, atol=1e-9)
