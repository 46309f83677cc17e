"""A drawn head to try networks on: the package brings no photograph."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

SIDE_PX: Final = 192
_BOX_XYXY: Final = (53.0, 81.0, 139.0, 164.0)  # brows to chin, jaw to jaw


def drawn_boxes() -> NDArray[np.float32]:
    """The tight box of the drawn face in three sizes at three places, (9, 4): 8 bits round each in another way."""
    x0, y0, x1, y1 = _BOX_XYXY
    return np.array(
        [
            (x0 - grow + shift, y0 - grow, x1 + grow + shift, y1 + grow)
            for grow in (-5.0, 0.0, 5.0)
            for shift in (-6.0, 0.0, 6.0)
        ],
        np.float32,
    )


def drawn_head() -> NDArray[np.uint8]:
    """A shaded ellipsoid with hair, brows, eyes, nose and mouth, that looks into the camera: BGR (192, 192, 3).

    >>> drawn_head().shape
    (192, 192, 3)
    """
    y, x = np.mgrid[0:SIDE_PX, 0:SIDE_PX].astype(np.float32) + 0.5
    image = np.stack([150 - 0.2 * y, 140 - 0.1 * y, 120 + 0.1 * x], axis=-1)
    _paint(image, _ellipse(x, y, 96, 96, 56, 72), (30, 38, 52))  # hair
    face = _ellipse(x, y, 96, 106, 43, 58)
    depth = np.sqrt(np.maximum(0.0, 1.0 - ((x - 96) / 47) ** 2 - ((y - 106) / 63) ** 2))
    across = (x - 96) / 47
    light = 0.35 + 0.65 * np.clip(0.9 * depth - 0.25 * across, 0.0, 1.0)  # from the front, a little from the left
    _paint(image, face, light[..., None] * np.array([150, 175, 225], np.float32))
    for side in (-1.0, 1.0):
        _paint(image, _ellipse(x, y, 96 + side * 18, 84, 11, 2.5), (35, 45, 60))
        _paint(image, _ellipse(x, y, 96 + side * 18, 95, 8, 4.5), (225, 228, 232))
        _paint(image, _ellipse(x, y, 96 + side * 18, 95, 4, 4.3), (40, 45, 55))
        _paint(image, _ellipse(x, y, 96 + side * 5, 124, 3, 2), (70, 85, 120))
    _paint(image, _ellipse(x, y, 98, 110, 3, 13) * 0.4, (185, 205, 245))
    _paint(image, _ellipse(x, y, 96, 140, 15, 4.5), (95, 95, 180))
    pixels: NDArray[np.uint8] = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    return pixels


def _ellipse(
    x: NDArray[np.float32], y: NDArray[np.float32], cx: float, cy: float, rx: float, ry: float
) -> NDArray[np.float32]:
    """How much of each pixel lies in an ellipse, 0 to 1, its edge about a pixel wide."""
    radius = np.sqrt(((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2)
    inside: NDArray[np.float32] = np.clip((1.0 - radius) * min(rx, ry) + 0.5, 0.0, 1.0)
    return inside


def _paint(image: NDArray[np.float32], share: NDArray[np.float32], colour: object) -> None:
    image += share[..., None] * (np.asarray(colour, np.float32) - image)
