"""What the property tests draw: images, views of them, and boxes in every position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray


@dataclass(frozen=True)
class Spec:
    """Keyword arguments of ``preprocess`` but for the pixel format."""

    width: int
    height: int
    margin: float
    square: bool
    channel_order: str
    mean: tuple[float, float, float] = (127.5, 127.5, 127.5)
    scale: tuple[float, float, float] = (1 / 128, 1 / 128, 1 / 128)


specs = st.builds(
    Spec,
    width=st.integers(1, 70),
    height=st.integers(1, 70),
    margin=st.sampled_from([0.0, 0.1, 0.4, 1.5]),
    square=st.booleans(),
    channel_order=st.sampled_from(["bgr", "rgb"]),
)


@st.composite
def images(draw: st.DrawFn, channels: int = 3) -> NDArray[np.uint8]:
    """Noise of full contrast, black-and-white noise or a ramp; any size from 1 x 1; often a strided view."""
    height, width = draw(st.integers(1, 160)), draw(st.integers(1, 200))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    image = rng.integers(0, 256, (height, width, channels), dtype=np.uint8)
    kind = draw(st.sampled_from(["noise", "extremes", "ramp"]))
    if kind == "extremes":
        image = np.where(image > 127, 255, 0).astype(np.uint8)
    elif kind == "ramp":
        image[:] = (np.arange(width) * 255 // max(width - 1, 1))[:, None]
    view = draw(st.sampled_from(["whole", "inner", "every other", "upside down", "mirrored", "columns first"]))
    if view == "inner" and min(height, width) > 4:
        image = image[1:-2, 2:-1]
    elif view == "every other":
        image = image[::2, ::3]
    elif view == "upside down":
        image = image[::-1]
    elif view == "mirrored":
        image = image[:, ::-1]
    elif view == "columns first":
        image = np.ascontiguousarray(image.transpose(1, 0, 2)).transpose(1, 0, 2)
    return image[..., 0] if channels == 1 else image


@st.composite
def yuyv_images(draw: st.DrawFn) -> NDArray[np.uint8]:
    """(H, W, 2) of an even width; often a view of a larger image, with padded rows, or upside down."""
    image = draw(images())[..., :2]
    image = np.ascontiguousarray(image[:, : max(image.shape[1] // 2 * 2, 2)].repeat(2, axis=1))
    view = draw(st.sampled_from(["whole", "inner", "every other row", "upside down", "padded"]))
    if view == "inner" and image.shape[0] > 2 and image.shape[1] > 4:
        return image[1:, 2:-2]
    if view == "every other row":
        return image[::2]
    if view == "upside down":
        return image[::-1]
    if view == "padded":
        return np.pad(image, ((0, 0), (0, 6), (0, 0)))[:, :-6]
    return image


Nv12: TypeAlias = NDArray[np.uint8] | tuple[NDArray[np.uint8], NDArray[np.uint8]]


@st.composite
def nv12_images(draw: st.DrawFn) -> tuple[Nv12, tuple[int, int]]:
    """nv12 of even sizes, and its height and width: as one array, as two, and as views of either."""
    height, width = 2 * draw(st.integers(1, 70)), 2 * draw(st.integers(1, 90))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    stacked = rng.integers(0, 256, (height * 3 // 2, width + 8), dtype=np.uint8)
    if draw(st.booleans()):
        stacked = np.where(stacked > 127, 255, 0).astype(np.uint8)
    view = draw(st.sampled_from(["whole", "padded", "pair", "flat pair", "inner", "upside down", "mirrored"]))
    if view == "padded":
        return stacked[:, :width], (height, width)
    dense = np.ascontiguousarray(stacked[:, :width])
    if view == "whole":
        return dense, (height, width)
    y, uv = dense[:height], dense[height:]
    if view == "flat pair":
        return (y, uv), (height, width)
    uv = uv.reshape(height // 2, width // 2, 2)
    if view == "inner" and min(height, width) > 6:
        return (y[2:-4, 4:-2], uv[1:-2, 2:-1]), (height - 6, width - 6)
    if view == "upside down":
        return (y[::-1], uv[::-1]), (height, width)
    if view == "mirrored":
        return (y[:, ::-1], uv[:, ::-1]), (height, width)
    return (y, uv), (height, width)


@st.composite
def boxes(draw: st.DrawFn, height: int, width: int) -> NDArray[np.float32]:
    """Zero to three boxes that overlap an image of this size: tiny, huge, or sticking out anywhere."""
    rows = []
    for _ in range(draw(st.integers(0, 3))):
        row: list[float] = []
        for size in (width, height):
            inside = draw(st.floats(0.0, 1.0)) * size * 0.98 + 0.01 * size
            before = draw(st.floats(0.005, 3.0)) * size
            after = draw(st.floats(0.005, 3.0)) * size
            row += [inside - before, inside + after]
        rows.append([row[0], row[2], row[1], row[3]])
    return np.array(rows, dtype=np.float32).reshape(-1, 4)
