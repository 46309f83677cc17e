"""Materials as rows of numbers, so that compiled kernels read them, and one flat store of texels."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from hpe_edge.errors import AssetError

# Columns of a material row
M_TEXTURE = 0  # offset of the texture in the texel store
M_SIZE = 1  # its side in texels (square)
M_RED, M_GREEN, M_BLUE = 2, 3, 4  # linear gain on the texture
M_CULL = 5  # 1: back faces are not drawn
M_ALPHA_TEXTURE = 6  # 1: the texture's alpha is an opacity
M_OPACITY = 7  # constant opacity, times the texture's
M_SPECULAR = 8  # strength of the highlight
M_SHININESS = 9  # Blinn-Phong exponent
M_WRAP = 10  # light wrapped round the terminator: skin and hair scatter light
M_SMOOTH_TEXTURE = 11  # 1: bilinear, 0: nearest
# Skin only (raster/skin.py); all 0 elsewhere
M_DETAIL = 12  # offset of the skin map in the texel store; 0: none
M_TURN = 13  # 9: from the head's axes to the camera's, by rows
M_FOLDS = 22  # 5: strengths of the folds
M_LIPS = 27  # 3: linear gain of the lips
M_OIL, M_THIN, M_SCATTER = 30, 31, 32  # gloss of oily places, light through ears, light spread under the skin
M_FLUSH, M_FRECKLES, M_BLOTCHES, M_MOLES, M_PORES, M_CIRCLES = 33, 34, 35, 36, 37, 38
M_LINER = 39  # make-up: lash line
M_LID, M_LID_SHARE = 40, 43  # 3: linear RGB on the lids, and how much
M_SHIFT = 44  # 2: texels that the spots are moved by
MATERIAL_COLUMNS = 46

_SRGB = np.arange(256, dtype=np.float64) / 255.0
SRGB_TO_LINEAR = np.where(_SRGB <= 0.04045, _SRGB / 12.92, ((_SRGB + 0.055) / 1.055) ** 2.4).astype(np.float32)


def linear_rgb(srgb: tuple[int, int, int] | bytes) -> NDArray[np.float32]:
    """8-bit sRGB to linear."""
    return SRGB_TO_LINEAR[np.frombuffer(bytes(srgb), np.uint8)]


@dataclass(frozen=True)
class Texture:
    """A square texture in the store: ``offset`` and ``size`` in texels; ``mean`` linear RGB where opaque."""

    offset: int
    size: int
    mean: NDArray[np.float32]


@dataclass
class TexelStore:
    """All textures, RGBA 8 bit, one after another."""

    chunks: list[NDArray[np.uint8]] = field(default_factory=list)
    length: int = 0

    def add(self, rgba: NDArray[np.uint8]) -> Texture:
        """Append one square RGBA texture."""
        side = rgba.shape[0]
        offset = self.length
        self.chunks.append(np.ascontiguousarray(rgba.reshape(-1, 4)))
        self.length += side * side
        opaque = rgba[rgba[..., 3] > 128][:, :3]
        mean = SRGB_TO_LINEAR[opaque].mean(0) if len(opaque) else np.ones(3)
        return Texture(offset, side, np.asarray(mean, np.float32))

    def texels(self) -> NDArray[np.uint8]:
        """The store as one (K, 4) array."""
        return np.concatenate(self.chunks) if self.chunks else np.zeros((0, 4), np.uint8)


def read_rgba(path: Path, side: int) -> NDArray[np.uint8]:
    """Read an image as RGBA, resized to ``side`` squared."""
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise AssetError(f"asset {path}: expected an image that OpenCV reads")
    if image.ndim == 2:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    if image.shape[2] == 3:
        image = cv2.cvtColor(image, cv2.COLOR_BGR2BGRA)
    if image.shape[:2] != (side, side):
        image = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA), np.uint8)


def material(
    texture: Texture,
    gain_rgb: NDArray[np.float32] | tuple[float, float, float] = (1.0, 1.0, 1.0),
    *,
    cull: bool = False,
    alpha_texture: bool = False,
    opacity: float = 1.0,
    specular: float = 0.0,
    shininess: float = 20.0,
    wrap: float = 0.0,
    smooth: bool = False,
) -> NDArray[np.float32]:
    """One row of the material table."""
    row = np.zeros(MATERIAL_COLUMNS, np.float32)
    row[[M_TEXTURE, M_SIZE]] = texture.offset, texture.size
    row[M_RED : M_BLUE + 1] = gain_rgb
    row[[M_CULL, M_ALPHA_TEXTURE, M_OPACITY]] = cull, alpha_texture, opacity
    row[[M_SPECULAR, M_SHININESS, M_WRAP, M_SMOOTH_TEXTURE]] = specular, shininess, wrap, smooth
    return row
