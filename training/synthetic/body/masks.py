"""Regions of the head as soft masks on the base mesh's vertices, and baked ambient occlusion.

Boundaries are curves on the mean face, in decimetres (see the side and front views in
docs/SYNTHETIC.md): a vertex belongs to a region by its place on the mean face, whoever wears it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from hpe_edge.training.synthetic.raster.visibility import rasterise_depth, vertex_normals
from numpy.typing import NDArray

from hpe_edge.errors import AssetError

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int32]


@dataclass(frozen=True)
class BaseMasks:
    """Each (B,) in 0..1 on the base mesh's vertices."""

    face: FloatArray
    lips: FloatArray
    ears: FloatArray
    beard: FloatArray
    moustache: FloatArray
    scalp: FloatArray
    beanie: FloatArray
    hood: FloatArray
    face_mask: FloatArray
    scarf: FloatArray
    eye_shadow: FloatArray
    occlusion: FloatArray  # 1: open to the whole sky, 0: shut off


def build_masks(mean: FloatArray, faces: IntArray, face_uv: IntArray, uv: FloatArray, folder: Path) -> BaseMasks:
    """Compute all masks on the mean face."""
    painted = {
        name: _mask_from_image(folder / f"mpfb_{name}.jpg", faces, face_uv, uv, len(mean))
        for name in ("face", "lips", "ears")
    }
    x, y, z = np.abs(mean[:, 0]), mean[:, 1], mean[:, 2]
    front = _step(z, 0.55, 0.1)
    no_ears = 1 - painted["ears"]
    below_cheek = _step(np.interp(x, (0, 0.18, 0.3, 0.45, 0.68), (6.60, 6.64, 6.72, 6.84, 7.2)) - y, 0, 0.05)
    beard = below_cheek * front * _step(y, 6.22 - 0.1 * (1 - z), 0.06) * (1 - painted["lips"]) * no_ears
    moustache = _step(0.27 - x, 0, 0.09) * _step(y - 0.35 * x, 6.69, 0.05) * _step(6.93 - 0.2 * x - y, 0, 0.05)
    moustache = moustache * _step(z, 1.25, 0.05)
    hairline = np.interp(z, (-0.4, 0.2, 0.35, 0.62, 0.9, 1.15, 1.4), (6.75, 6.85, 7.05, 7.45, 7.62, 7.95, 8.06))
    scalp = _step(y - hairline, 0, 0.06) * no_ears
    beanie = _step(y - np.interp(z, (-0.4, 0.4, 0.8, 1.4), (7.0, 7.3, 7.55, 7.75)), 0, 0.03) * no_ears
    oval = 1 - np.hypot(x / 0.58, (y - 7.06) / 0.84)
    hood = np.where(z > 0.5, _step(-oval, 0, 0.04), 1.0) * _step(y, 5.6, 0.3)
    cover = _step(7.10 - 0.35 * np.maximum(x - 0.12, 0) - y, 0, 0.04) * _step(z, 0.72, 0.05) * _step(y, 6.2, 0.05)
    eye_shadow = np.exp(-(((x - 0.31) / 0.16) ** 2 + ((y - 7.42) / 0.06) ** 2)) * _step(z, 1.15, 0.05)
    return BaseMasks(
        face=painted["face"],
        lips=painted["lips"],
        ears=painted["ears"],
        beard=_f32(beard),
        moustache=_f32(moustache * (1 - painted["lips"])),
        scalp=_f32(scalp),
        beanie=_f32(beanie),
        hood=_f32(hood),
        face_mask=_f32(cover),
        scarf=_f32(_step(y, 5.55, 0.2) * _step(6.32 - 0.25 * z - y + 0.2, 0, 0.06)),
        eye_shadow=_f32(eye_shadow),
        occlusion=_bake_occlusion(mean, faces),
    )


def _f32(values: NDArray[np.floating]) -> FloatArray:
    return np.ascontiguousarray(values, np.float32)


def _step(values: NDArray[np.floating], edge: float | NDArray[np.floating], width: float) -> NDArray[np.floating]:
    t = np.clip((values - edge) / (2 * width) + 0.5, 0, 1)
    return t * t * (3 - 2 * t)


def _mask_from_image(path: Path, faces: IntArray, face_uv: IntArray, uv: FloatArray, count: int) -> FloatArray:
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise AssetError(f"asset {path}: expected an image that OpenCV reads")
    side_y, side_x = image.shape
    corners = uv[face_uv.reshape(-1)]
    column = np.clip((corners[:, 0] * side_x).astype(int), 0, side_x - 1)
    row = np.clip(((1 - corners[:, 1]) * side_y).astype(int), 0, side_y - 1)
    mask = np.zeros(count, np.float32)
    mask[faces.reshape(-1)] = image[row, column] / np.float32(255)
    return mask


def _bake_occlusion(mean: FloatArray, faces: IntArray, views: int = 96, side: int = 160) -> FloatArray:
    """Share of the cosine-weighted sky that each vertex sees, by shadow maps from ``views`` directions."""
    normals = np.zeros_like(mean)
    vertex_normals(mean, faces, normals)
    index = np.arange(views) + 0.5
    polar, azimuth = np.arccos(1 - 2 * index / views), np.pi * (1 + 5**0.5) * index
    directions = np.stack([np.sin(polar) * np.cos(azimuth), np.cos(polar), np.sin(polar) * np.sin(azimuth)], 1)
    seen, possible = np.zeros(len(mean)), np.full(len(mean), 1e-6)
    used = np.unique(faces)
    centre, radius = mean[used].mean(0), np.ptp(mean[used], axis=0).max() * 0.75
    casts = np.ones(len(faces), bool)
    for direction in directions.astype(np.float32):
        right = np.cross(direction, (0.31, 0.77, 0.55)).astype(np.float32)
        right /= np.linalg.norm(right)
        up = np.cross(direction, right)
        local = (mean - centre) / radius
        screen = np.stack([local @ right + 1, local @ up + 1], 1).astype(np.float32) * np.float32(side / 2)
        depth = (local @ direction).astype(np.float32)
        nearest = np.full((side, side), -9, np.float32)
        rasterise_depth(screen, depth, faces, casts, nearest)
        cell = np.clip(screen.astype(int), 0, side - 1)
        cosine = np.maximum(normals @ direction, 0)
        visible = depth > nearest[cell[:, 1], cell[:, 0]] - 0.03
        seen += cosine * visible
        possible += cosine
    return _f32(seen / possible)
