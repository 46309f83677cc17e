"""Lenses and visors: what lies behind shines through, what lies before is mirrored.

A pane is a triangle whose material has an opacity below 0, so that the rasteriser leaves it out and it casts no
shadow; ``blend_panes`` lays it over the shaded samples. Its material's gain is the light let through, its
texture the mirrored surroundings by direction, ``specular`` the reflectance seen straight on (Schlick 1994).
"""

from __future__ import annotations

import numpy as np
from hpe_edge.training.synthetic.raster.materials import (
    M_OPACITY,
    M_RED,
    M_SHININESS,
    M_SIZE,
    M_SPECULAR,
    M_TEXTURE,
    Texture,
    material,
)
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int32]
Bytes = NDArray[np.uint8]


def pane(mirror: Texture, through_rgb: FloatArray, reflectance: float, shininess: float) -> FloatArray:
    """Material row of a pane."""
    rgb = (float(through_rgb[0]), float(through_rgb[1]), float(through_rgb[2]))
    return material(mirror, rgb, opacity=-1.0, specular=reflectance, shininess=shininess)


def is_pane(materials: FloatArray, face_material: IntArray) -> NDArray[np.bool_]:
    """Which faces (F,) are panes."""
    return np.asarray(materials[face_material, M_OPACITY] < 0)


@njit(cache=True, fastmath=True)
def blend_panes(
    panes: IntArray, faces: IntArray, face_material: IntArray, materials: FloatArray, paint: FloatArray,
    screen: FloatArray, inv_depth: FloatArray, positions: FloatArray, normals: FloatArray, texels: Bytes,
    to_linear: FloatArray, ambient: FloatArray, light_directions: FloatArray, light_rgb: FloatArray,
    best: FloatArray, image: FloatArray, coverage: FloatArray,
) -> None:  # fmt: skip
    """Lay the faces ``panes`` over ``image`` (H, W, 3) and ``coverage`` (H, W) where nothing in ``best`` is nearer.

    The paint's opacity says how much of the tint there is: a gradient on sunglasses. ``ambient`` (3,) is the mean
    radiance of the surroundings; the other arrays are those of ``raster.shade``.
    """
    height, width = best.shape
    for face in panes:
        a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
        if inv_depth[a] <= 0.0 or inv_depth[b] <= 0.0 or inv_depth[c] <= 0.0:
            continue
        ax, ay, bx, by, cx, cy = screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0.0:
            continue
        inverse = 1.0 / area
        row = materials[face_material[face]]
        offset, size = int(row[M_TEXTURE]), int(row[M_SIZE])
        for y in range(max(0, int(np.ceil(min(ay, by, cy) - 0.5))), min(height - 1, int(max(ay, by, cy) - 0.5)) + 1):
            for x in range(max(0, int(np.ceil(min(ax, bx, cx) - 0.5))), min(width - 1, int(max(ax, bx, cx) - 0.5)) + 1):
                px, py = x + 0.5, y + 0.5
                wa = ((bx - px) * (cy - py) - (by - py) * (cx - px)) * inverse
                wb = ((cx - px) * (ay - py) - (cy - py) * (ax - px)) * inverse
                wc = 1.0 - wa - wb
                if wa < 0.0 or wb < 0.0 or wc < 0.0:
                    continue
                if wa * inv_depth[a] + wb * inv_depth[b] + wc * inv_depth[c] <= best[y, x]:
                    continue
                n = wa * normals[a] + wb * normals[b] + wc * normals[c]
                v = -(wa * positions[a] + wb * positions[b] + wc * positions[c])
                n = n / np.sqrt((n * n).sum() + 1e-9)
                v = v / np.sqrt((v * v).sum())
                facing = (n * v).sum()
                if facing < 0.0:
                    n, facing = -n, -facing
                r = 2.0 * facing * n - v
                share = row[M_SPECULAR] + (1.0 - row[M_SPECULAR]) * (1.0 - facing) ** 5
                column = min(size - 1, int((np.arctan2(r[0], r[2]) / (2 * np.pi) + 0.5) * size))
                line = min(size - 1, max(0, int((0.5 - np.arcsin(min(1.0, max(-1.0, r[1]))) / np.pi) * size)))
                tint = wa * paint[a, 3] + wb * paint[b, 3] + wc * paint[c, 3]
                passed = 0.0
                for channel in range(3):
                    through = (1.0 - (1.0 - row[M_RED + channel]) * tint) * (1.0 - share)
                    mirrored = 1.4 * ambient[channel] * to_linear[texels[offset + line * size + column, channel]]
                    for light in range(light_directions.shape[0]):
                        towards = (r * light_directions[light]).sum()
                        if towards > 0.0:
                            mirrored += 3.0 * light_rgb[light, channel] * towards ** row[M_SHININESS]
                    image[y, x, channel] = image[y, x, channel] * through + mirrored * share
                    passed += through / 3.0
                coverage[y, x] = 1.0 - (1.0 - coverage[y, x]) * passed
