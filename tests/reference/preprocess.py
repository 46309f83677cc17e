"""Twin of ``hpe_edge._core.preprocess``, one output sample at a time, in float64."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8] | tuple[NDArray[np.uint8], NDArray[np.uint8]]


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


BGR_OF_YUV = np.array([[1.164, 2.018, 0.0], [1.164, -0.391, -0.813], [1.164, 0.0, 1.596]])
"""BT.601 in limited range, of Y - 16, U - 128, V - 128, with the digits that OpenCV has."""


def yuv_planes(image: Image, pixel_format: str) -> list[NDArray[np.uint8]]:
    """Y, U and V of every pixel, (H, W) each: a U and V stands for all pixels that share it."""
    if pixel_format == "yuyv":
        assert isinstance(image, np.ndarray)
        return [image[..., 0], np.repeat(image[:, 0::2, 1], 2, axis=1), np.repeat(image[:, 1::2, 1], 2, axis=1)]
    if isinstance(image, np.ndarray):
        height = image.shape[0] // 3 * 2
        image = image[:height], image[height:]
    y, uv = image
    uv = uv.reshape(y.shape[0] // 2, y.shape[1] // 2, 2).repeat(2, axis=0).repeat(2, axis=1)
    return [y, uv[..., 0], uv[..., 1]]


def planes_of(image: Image, pixel_format: str) -> list[NDArray[np.uint8]]:
    """Three planes (H, W): Y, U, V, or blue, green, red."""
    if pixel_format in ("yuyv", "nv12"):
        return yuv_planes(image, pixel_format)
    assert isinstance(image, np.ndarray)
    if pixel_format == "mono8":
        return [image] * 3
    bgr = [image[..., c] for c in range(3)]
    return bgr if pixel_format in ("bgr8", "bgra8") else bgr[::-1]


def preprocess(
    image: Image,
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
    planes = planes_of(image, pixel_format)
    out = np.zeros((len(boxes_xyxy), 3, height, width))
    margin32 = float(np.float32(margin))  # the core receives single precision
    for n, box in enumerate(boxes_xyxy):
        x, y, w, h = crop_window(box.tolist(), margin32, square)
        columns = axis_matrix(x, w, width, planes[0].shape[1])
        rows = axis_matrix(y, h, height, planes[0].shape[0])
        bgr = np.stack([rows @ plane.astype(np.float64) @ columns.T for plane in planes])
        if pixel_format in ("yuyv", "nv12"):
            yuv = bgr - np.array([16.0, 128.0, 128.0])[:, None, None]
            bgr = np.clip(np.tensordot(BGR_OF_YUV, yuv, axes=1), 0.0, 255.0)
        ordered = bgr if channel_order == "bgr" else bgr[::-1]
        for c in range(3):
            out[n, c] = (ordered[c] - float(np.float32(mean[c]))) * float(np.float32(scale[c]))
    return out
