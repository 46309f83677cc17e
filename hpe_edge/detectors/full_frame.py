"""No detector: the whole image is one head, loosely cut."""

from __future__ import annotations

import numpy as np

from hpe_edge.images import AnyImage, image_shape
from hpe_edge.modelcard import InputSpec
from hpe_edge.results import Detections, FloatArray, no_scores


def full_frame_box(width: int, height: int, margin: float) -> FloatArray:
    """The tight box (1, 4) whose crop, grown by the model's margin, is the whole image.

    The image is taken to show the head as loosely as the model's own crop, so the box is the centred
    part that is left when the margin is taken off again: its sides are ``1 / (1 + 2 margin)`` of the
    image's. For a model with square crops and an image that is not square, the crop is the square around
    the whole image; the missing strips replicate the border.

    Args:
        width, height: size of the image in pixels.
        margin: the model's growth on each side, as a fraction of the box.

    >>> full_frame_box(90, 180, 0.4).tolist()
    [[20.0, 40.0, 70.0, 140.0]]
    """
    part = 1.0 / (1.0 + 2.0 * margin)
    half_w, half_h = 0.5 * width * part, 0.5 * height * part
    cx, cy = 0.5 * width, 0.5 * height
    return np.array([[cx - half_w, cy - half_h, cx + half_w, cy + half_h]], dtype=np.float32)


class FullFrame:
    """The detector ``"full-frame"``: one box an image, see :func:`full_frame_box`."""

    name = "full-frame"

    def __init__(self, spec: InputSpec) -> None:
        self._margin = spec.margin

    def detect(self, image: AnyImage, pixel_format: str) -> Detections:
        """One box for the whole image; it has no score (NaN)."""
        height, width = image_shape(image, pixel_format)
        return Detections(full_frame_box(width, height, self._margin), no_scores(1))
