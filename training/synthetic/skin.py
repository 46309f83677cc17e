"""Skin: textures whose tone is that of the face."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from hpe_edge.training.synthetic.materials import SRGB_TO_LINEAR, TexelStore, Texture
from numpy.typing import NDArray

from hpe_edge.errors import AssetError


def add_skin(store: TexelStore, rgba: NDArray[np.uint8], face_mask: Path) -> Texture:
    """Store a skin; its ``mean`` is the face's alone, for a scalp full of stubble or the trunk would shift the tone."""
    mask = cv2.imread(str(face_mask), cv2.IMREAD_GRAYSCALE)
    if mask is None:
        raise AssetError(f"asset {face_mask}: expected an image that OpenCV reads")
    on_face = cv2.resize(mask, rgba.shape[1::-1], interpolation=cv2.INTER_AREA) > 200
    mean = SRGB_TO_LINEAR[rgba[on_face][:, :3]].mean(0)
    return replace(store.add(rgba), mean=np.asarray(mean, np.float32))
