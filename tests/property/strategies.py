"""What the property tests draw: images, views of them, and boxes in every position."""

from __future__ import annotations

from dataclasses import dataclass

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
    return image if channels == 3 else image[..., 0]


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
