"""Maps over the face's part of MakeHuman's texture plane, read by ``raster/skin.py``: folds, regions, spots.

Eight RGBA layers of ``MAP_SIDE`` squared, one after another in the texel store:
0 to 4 ``folds.FOLD_NAMES`` (slope of the surface along x, y, z of the mean face; darkness), 5 regions (lips, thin:
ears that light shines through, oily, flushed), 6 spots that differ by person through a shift (freckles, blotches,
moles, pores), 7 round the eyes (lash line, lid, dark circles; spare).
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from hpe_edge.training.synthetic.people.folds import fold_maps
from hpe_edge.training.synthetic.raster.materials import TexelStore, Texture, material
from hpe_edge.training.synthetic.raster.skin import MAP_LEFT, MAP_SIDE, MAP_SPAN, MAP_TOP, SLOPE_SCALE
from hpe_edge.training.synthetic.raster.visibility import rasterise, vertex_normals
from numpy.typing import NDArray

from hpe_edge.errors import AssetError

Array = NDArray[np.float64]
IntArray = NDArray[np.int32]


def add_skin_map(
    store: TexelStore, mean: NDArray[np.float32], faces: IntArray, face_uv: IntArray, uv: NDArray[np.float32],
    masks: Path,
) -> Texture:  # fmt: skip
    """Draw all layers on the mean face ``mean`` (B, 3) and store them; ``masks``: folder of painted regions."""
    points, normals, known = unfold(mean, faces, face_uv, uv)
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    front = np.where(known & (z > 0.3), 1.0, 0.0)
    layers = []
    for height, dark in fold_maps(x, y, z):
        slope = _slope(height * front, points, normals, known)
        layers.append(_pack(128 + SLOPE_SCALE * slope, 255 * dark * front))
    layers += [_regions(x, y, z, front, masks), _spots(), _eyes(x, y, front)]
    stored = [store.add(layer) for layer in layers]
    return stored[0]


def unfold(
    mean: NDArray[np.float32], faces: IntArray, face_uv: IntArray, uv: NDArray[np.float32]
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Points and normals of the mean face at each texel (S, S, 3), and where there are any (S, S)."""
    corners = np.stack([uv[:, 0] - MAP_LEFT, 1 - uv[:, 1] - MAP_TOP], 1) * (MAP_SIDE / MAP_SPAN)
    triangle = np.full((MAP_SIDE, MAP_SIDE), -1, np.int32)
    flat = np.ones(len(uv), np.float32)
    rasterise(
        corners.astype(np.float32), flat, face_uv, np.zeros(len(faces), np.int32),
        material(Texture(0, 1, np.ones(3, np.float32)))[None], uv, np.zeros((1, 4), np.uint8),
        np.zeros((MAP_SIDE, MAP_SIDE), np.float32), triangle,
    )  # fmt: skip
    a, b, c = (corners[face_uv[triangle, corner]] for corner in range(3))
    row, column = np.mgrid[0:MAP_SIDE, 0:MAP_SIDE] + 0.5
    here = np.stack([column, row], -1)
    area = _cross(b - a, c - a)
    area = np.where(np.abs(area) < 1e-9, 1e-9, area)
    share_a, share_b = _cross(b - here, c - here) / area, _cross(c - here, a - here) / area
    shares = np.stack([share_a, share_b, 1 - share_a - share_b], -1)
    smooth = np.zeros_like(mean)
    vertex_normals(mean, faces, smooth)
    points, normals = (
        np.einsum("rck,rckd->rcd", shares, values[faces[triangle]].astype(np.float64)) for values in (mean, smooth)
    )
    return points, normals, triangle >= 0


def _cross(first: Array, second: Array) -> Array:
    return np.asarray(first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0])


def _slope(height: Array, points: Array, normals: Array, known: NDArray[np.bool_]) -> Array:
    """Gradient of the height along the surface (S, S, 3), in the axes of the head (Mikkelsen 2010)."""
    down, right = np.gradient(points, axis=(0, 1))
    height_down, height_right = np.gradient(height)
    across, along = np.cross(down, normals), np.cross(normals, right)
    scale = (right * across).sum(-1, keepdims=True)
    inner = cv2.erode(known.astype(np.uint8), np.ones((5, 5), np.uint8))[..., None] > 0
    sound = inner & (np.abs(scale) > 1e-9)
    slope = (height_right[..., None] * across + height_down[..., None] * along) / np.where(sound, scale, 1.0)
    return np.where(sound, np.clip(slope, -1.2, 1.2), 0.0)


def _pack(*channels: Array) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.clip(np.dstack(channels) + 0.5, 0, 255).astype(np.uint8))


def _painted(path: Path) -> Array:
    """A mask over the whole texture plane, cut to the maps' window; 0..1."""
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise AssetError(f"asset {path}: expected an image that OpenCV reads")
    height, width = image.shape
    top, left = int(MAP_TOP * height), int(MAP_LEFT * width)
    window = image[top : top + int(MAP_SPAN * height), left : left + int(MAP_SPAN * width)]
    return np.asarray(cv2.resize(window, (MAP_SIDE, MAP_SIDE), interpolation=cv2.INTER_AREA) / 255.0)


def _hill(x: Array, y: Array, at: tuple[float, float], size: tuple[float, float]) -> Array:
    return np.asarray(np.exp(-(((np.abs(x) - at[0]) / size[0]) ** 2) - ((y - at[1]) / size[1]) ** 2))


def _regions(x: Array, y: Array, z: Array, front: Array, masks: Path) -> NDArray[np.uint8]:
    ears, lips = _painted(masks / "mpfb_ears.jpg"), _painted(masks / "mpfb_lips.jpg")
    oil = (
        0.12 + 0.5 * lips + 0.9 * _hill(x, y, (0.0, 7.75), (0.3, 0.16)) + _hill(x, y, (0.0, 7.12), (0.07, 0.22))
        + 0.7 * _hill(x, y, (0.40, 7.13), (0.13, 0.09)) + 0.5 * _hill(x, y, (0.0, 6.37), (0.1, 0.07))
    )  # fmt: skip
    flush = (
        _hill(x, y, (0.40, 7.02), (0.16, 0.15)) + 0.8 * _hill(x, y, (0.0, 7.0), (0.12, 0.1))
        + 0.5 * _hill(x, y, (0.0, 6.4), (0.12, 0.08)) + 0.9 * ears
    )  # fmt: skip
    wings = _hill(x, y, (0.14, 6.97), (0.04, 0.04)) * (z > 1.3)
    return _pack(255 * lips, 255 * np.maximum(ears, 0.3 * wings), 255 * oil * np.maximum(front, ears), 255 * flush)


def _spots() -> NDArray[np.uint8]:
    """Noise that repeats at its edges, so that a shift makes another face's."""
    rng = np.random.default_rng(11)

    def noise(width: float) -> Array:
        size = 2 * int(4 * width) + 1
        wide = np.pad(rng.normal(size=(MAP_SIDE, MAP_SIDE)), size, mode="wrap")
        soft = cv2.GaussianBlur(wide, (size, size), width)[size:-size, size:-size]
        return np.asarray((soft - soft.mean()) / soft.std())

    freckles = np.clip(noise(1.6) - 1.3 + 0.4 * noise(30.0), 0, 1.2) / 1.2
    moles = np.clip((noise(3.0) - 3.3) * 3, 0, 1)
    blotches = 0.5 + 0.22 * noise(14.0) + 0.12 * noise(40.0)
    return _pack(255 * freckles, 255 * blotches, 255 * moles, 255 * (0.5 + 0.2 * noise(1.3) + 0.1 * noise(5.0)))


def _eyes(x: Array, y: Array, front: Array) -> NDArray[np.uint8]:
    side = np.abs(x)
    ring = np.hypot((side - 0.306) / 0.132, (y - 7.335) / np.where(y > 7.335, 0.06, 0.05))
    liner = np.exp(-(((ring - 1.0) / 0.12) ** 2)) * np.where(y > 7.33, 1.0, 0.45)
    lid = _hill(x, y, (0.31, 7.405), (0.15, 0.045)) * (y > 7.35)
    below = _hill(x, y, (0.28, 7.25), (0.12, 0.05)) + 0.5 * _hill(x, y, (0.19, 7.30), (0.05, 0.05))
    return _pack(255 * liner * front, 255 * lid * front, 255 * below * front, 0 * front)
