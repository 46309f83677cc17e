"""Skin textures, and how face and lips stand out in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from hpe_edge.training.synthetic.raster.materials import SRGB_TO_LINEAR, TexelStore, Texture
from numpy.typing import NDArray

from hpe_edge.errors import AssetError


@dataclass(frozen=True)
class Skin(Texture):
    """A texture whose ``mean`` is the face's alone, for a scalp full of stubble or the trunk would shift the tone;
    ``lips``: linear RGB of its lips over that mean."""

    lips: NDArray[np.float32]


def add_skin(store: TexelStore, rgba: NDArray[np.uint8], masks: Path) -> Skin:
    """Store a skin; ``masks``: folder of MakeHuman's painted regions."""
    face, lips = (_mean_within(rgba, masks / f"mpfb_{name}.jpg") for name in ("face", "lips"))
    stored = store.add(rgba)
    return Skin(stored.offset, stored.size, face, lips / face)


def _mean_within(rgba: NDArray[np.uint8], path: Path) -> NDArray[np.float32]:
    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if mask is None:
        raise AssetError(f"asset {path}: expected an image that OpenCV reads")
    inside = cv2.resize(mask, rgba.shape[1::-1], interpolation=cv2.INTER_AREA) > 200
    return np.asarray(SRGB_TO_LINEAR[rgba[inside][:, :3]].mean(0), np.float32)
