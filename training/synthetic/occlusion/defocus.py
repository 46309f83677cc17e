"""Blur of what is much nearer than the head."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from hpe_edge.training.synthetic.raster.draw import SUPERSAMPLING, Drawn
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


def defocus_from(drawn: Drawn, first_face: int, sigma_px: float) -> Drawn:
    """Blur the triangles from ``first_face`` on over what lies behind them, which is continued under their rim."""
    if sigma_px < 0.3:
        return drawn
    side = len(drawn.coverage)
    shape = (side, SUPERSAMPLING, side, SUPERSAMPLING)
    near = (drawn.triangle_of >= first_face).reshape(shape).mean((1, 3))
    hard = (near > 0).astype(np.float32)[..., None]
    both = np.dstack([drawn.radiance, drawn.coverage]).astype(np.float32)
    layer = _soften(np.dstack([both * hard, hard]), sigma_px)
    around = _soften(np.dstack([both * (1 - hard), 1 - hard]), sigma_px * 1.5)
    behind = np.where(hard > 0, around[..., :4] / np.maximum(around[..., 4:], 1e-3), both)
    mixed = layer[..., :4] + behind * (1 - layer[..., 4:])
    return replace(drawn, radiance=np.ascontiguousarray(mixed[..., :3]), coverage=np.ascontiguousarray(mixed[..., 3]))


def _soften(layers: FloatArray, sigma_px: float) -> FloatArray:
    """Two running means: a lens draws discs rather than bells, and their cost does not grow with their size."""
    width = max(1, int(sigma_px * 1.22)) * 2 + 1
    once = cv2.blur(layers, (width, width), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.blur(once, (width, width), borderType=cv2.BORDER_REPLICATE))
