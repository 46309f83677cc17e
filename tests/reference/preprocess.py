"""Twin of ``hpe_edge._core.preprocess``, one output sample at a time, in float64."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def axis_matrix(start: float, extent: float, count: int, size: int) -> NDArray[np.float64]:
    """Weights of one axis, (count, size): row i says how much output i takes from each source sample.

    Output i has its centre at ``start + (i + 0.5) * s``, ``s = extent / count``, and weighs source sample j
    by a triangle of half-width ``max(1, s)``; the weights are normalised over all j, and only then are the
    samples outside the image replaced by its border.
    """
    scale = extent / count
    half_width = max(1.0, scale)
    matrix = np.zeros((count, size))
    for i in range(count):
        centre = start + (i + 0.5) * scale
        indices = range(math.floor(centre - half_width - 0.5), math.ceil(centre + half_width + 0.5) + 1)
        weights = [max(0.0, 1.0 - abs(j + 0.5 - centre) / half_width) for j in indices]
        total = sum(weights)
        for j, weight in zip(indices, weights, strict=True):
            matrix[i, min(max(j, 0), size - 1)] += weight / total
    return matrix


def crop_window(box: Sequence[float], margin: float, square: bool) -> tuple[float, float, float, float]:
    """x, y, width and height of the window that a box is cropped by, in pixels."""
    x0, y0, x1, y1 = (float(v) for v in box)
    width, height = x1 - x0, y1 - y0
    if square:
        width = height = max(width, height)
    width, height = width * (1 + 2 * margin), height * (1 + 2 * margin)
    return (x0 + x1) / 2 - width / 2, (y0 + y1) / 2 - height / 2, width, height


def preprocess(
    image: NDArray[np.uint8],
    boxes_xyxy: NDArray[np.float32],
    *,
    pixel_format: str,
    width: int,
    height: int,
    margin: float,
    square: bool,
    channel_order: str,
    mean: Sequence[float],
    scale: Sequence[float],
) -> NDArray[np.float64]:
    """Crops of one frame, (N, 3, height, width), in float64; the arguments of the C++ twin."""
    planes = [image] * 3 if pixel_format == "mono8" else [image[..., c] for c in range(3)]
    if pixel_format != "mono8" and pixel_format[:3] != channel_order:
        planes.reverse()
    out = np.zeros((len(boxes_xyxy), 3, height, width))
    margin32 = float(np.float32(margin))  # the core receives single precision
    for n, box in enumerate(boxes_xyxy):
        x, y, w, h = crop_window(box.tolist(), margin32, square)
        columns = axis_matrix(x, w, width, image.shape[1])
        rows = axis_matrix(y, h, height, image.shape[0])
        for c, plane in enumerate(planes):
            value = rows @ plane.astype(np.float64) @ columns.T
            out[n, c] = (value - float(np.float32(mean[c]))) * float(np.float32(scale[c]))
    return out
