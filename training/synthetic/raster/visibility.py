"""The rasteriser: visibility first, shading after (``shade.py``), compiled by numba.

Screen axes: x right, y down, in samples. Depth is the positive distance along the viewing
direction; the nearest sample wins. Hair and lashes are hashed-alpha cards (Wyman and McGuire,
"Hashed Alpha Testing", 2017): a card's sample is kept when its opacity exceeds a hash of the sample,
so that order never matters and supersampling turns it into translucency.
"""

from __future__ import annotations

import numpy as np
from hpe_edge.training.synthetic.raster.materials import M_ALPHA_TEXTURE, M_CULL, M_OPACITY, M_SIZE, M_TEXTURE
from numba import njit


@njit(cache=True, inline="always")
def hash01(x: int, y: int, salt: int) -> float:
    value = np.uint32(x * 73856093) ^ np.uint32(y * 19349663) ^ np.uint32(salt * 83492791)
    value ^= value >> np.uint32(13)
    value *= np.uint32(0x5BD1E995)
    value ^= value >> np.uint32(15)
    return np.float32(value & np.uint32(0xFFFF)) * np.float32(1.0 / 65536.0)


@njit(cache=True, inline="always")
def _threshold(x: int, y: int, face: int) -> float:
    """A hash of the pixel, in even steps over its 2x2 samples: a half transparent card covers two of four."""
    value = hash01(x >> 1, y >> 1, face)
    turn = int(value * 64.0) & 3
    return (np.float32(((x & 1) + 2 * (y & 1) + turn * 3) & 3) + value) * np.float32(0.25)


@njit(cache=True, fastmath=True, boundscheck=False)
def rasterise(screen, inv_depth, faces, face_material, materials, uv, texels, best, triangle_of):  # type: ignore[no-untyped-def]
    """Fill ``best`` (H, W; largest 1/depth, starts at 0) and ``triangle_of`` (H, W; starts at -1).

    ``screen`` (V, 2), ``inv_depth`` (V,; not positive: behind the camera), ``faces`` (F, 3),
    ``face_material`` (F,) rows of ``materials`` (M, MATERIAL_COLUMNS; see ``materials.py``), ``uv`` (V, 2),
    ``texels`` (K, 4) uint8, all textures one after another.
    """
    height, width = best.shape
    for face in range(faces.shape[0]):
        a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
        wa, wb, wc = inv_depth[a], inv_depth[b], inv_depth[c]
        if wa <= 0.0 or wb <= 0.0 or wc <= 0.0:
            continue
        ax, ay, bx, by, cx, cy = screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        material = face_material[face]
        # y runs down, so a counter-clockwise (front) face has a negative area
        if area == 0.0 or (materials[material, M_CULL] > 0.0 and area > 0.0):
            continue
        x0 = max(0, int(np.ceil(min(ax, bx, cx) - 0.5)))
        x1 = min(width - 1, int(np.floor(max(ax, bx, cx) - 0.5)))
        y0 = max(0, int(np.ceil(min(ay, by, cy) - 0.5)))
        y1 = min(height - 1, int(np.floor(max(ay, by, cy) - 0.5)))
        if x0 > x1 or y0 > y1:
            continue
        inverse = np.float32(1.0) / area
        step_a = (by - cy) * inverse
        step_b = (cy - ay) * inverse
        opacity_scale = materials[material, M_OPACITY]
        textured = materials[material, M_ALPHA_TEXTURE] > 0.0
        offset, size = int(materials[material, M_TEXTURE]), int(materials[material, M_SIZE])
        for y in range(y0, y1 + 1):
            py = np.float32(y + 0.5)
            px = np.float32(x0 + 0.5)
            weight_a = ((bx - px) * (cy - py) - (by - py) * (cx - px)) * inverse
            weight_b = ((cx - px) * (ay - py) - (cy - py) * (ax - px)) * inverse
            for x in range(x0, x1 + 1):
                weight_c = np.float32(1.0) - weight_a - weight_b
                if weight_a >= 0.0 and weight_b >= 0.0 and weight_c >= 0.0:
                    depth = weight_a * wa + weight_b * wb + weight_c * wc
                    if depth > best[y, x]:
                        keep = True
                        opacity = opacity_scale
                        if textured:
                            u = (weight_a * wa * uv[a, 0] + weight_b * wb * uv[b, 0] + weight_c * wc * uv[c, 0]) / depth
                            v = (weight_a * wa * uv[a, 1] + weight_b * wb * uv[b, 1] + weight_c * wc * uv[c, 1]) / depth
                            tx = min(size - 1, max(0, int(u * size)))
                            ty = min(size - 1, max(0, int((1.0 - v) * size)))
                            opacity *= texels[offset + ty * size + tx, 3] * np.float32(1.0 / 255.0)
                        if opacity < np.float32(1.0):
                            keep = opacity > _threshold(x, y, face)
                        if keep:
                            best[y, x] = depth
                            triangle_of[y, x] = face
                weight_a += step_a
                weight_b += step_b


@njit(cache=True, fastmath=True, boundscheck=False)
def rasterise_depth(screen, depth_of, faces, casts, nearest):  # type: ignore[no-untyped-def]
    """Shadow map: ``nearest`` (H, W) of the largest ``depth_of`` (V,; larger is nearer to the light)."""
    height, width = nearest.shape
    for face in range(faces.shape[0]):
        if not casts[face]:
            continue
        a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
        ax, ay, bx, by, cx, cy = screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0.0:
            continue
        x0 = max(0, int(np.ceil(min(ax, bx, cx) - 0.5)))
        x1 = min(width - 1, int(np.floor(max(ax, bx, cx) - 0.5)))
        y0 = max(0, int(np.ceil(min(ay, by, cy) - 0.5)))
        y1 = min(height - 1, int(np.floor(max(ay, by, cy) - 0.5)))
        if x0 > x1 or y0 > y1:
            continue
        inverse = np.float32(1.0) / area
        step_a = (by - cy) * inverse
        step_b = (cy - ay) * inverse
        for y in range(y0, y1 + 1):
            py = np.float32(y + 0.5)
            px = np.float32(x0 + 0.5)
            weight_a = ((bx - px) * (cy - py) - (by - py) * (cx - px)) * inverse
            weight_b = ((cx - px) * (ay - py) - (cy - py) * (ax - px)) * inverse
            for x in range(x0, x1 + 1):
                weight_c = np.float32(1.0) - weight_a - weight_b
                if weight_a >= 0.0 and weight_b >= 0.0 and weight_c >= 0.0:
                    depth = weight_a * depth_of[a] + weight_b * depth_of[b] + weight_c * depth_of[c]
                    if depth > nearest[y, x]:
                        nearest[y, x] = depth
                weight_a += step_a
                weight_b += step_b


@njit(cache=True, fastmath=True, boundscheck=False)
def vertex_normals(positions, faces, normals):  # type: ignore[no-untyped-def]
    """Area-weighted unit normals (V, 3) written to ``normals``."""
    normals[:] = 0.0
    for face in range(faces.shape[0]):
        a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
        ux, uy, uz = (
            positions[b, 0] - positions[a, 0],
            positions[b, 1] - positions[a, 1],
            positions[b, 2] - positions[a, 2],
        )
        vx, vy, vz = (
            positions[c, 0] - positions[a, 0],
            positions[c, 1] - positions[a, 1],
            positions[c, 2] - positions[a, 2],
        )
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for corner in (a, b, c):
            normals[corner, 0] += nx
            normals[corner, 1] += ny
            normals[corner, 2] += nz
    for vertex in range(normals.shape[0]):
        x, y, z = normals[vertex, 0], normals[vertex, 1], normals[vertex, 2]
        length = np.sqrt(x * x + y * y + z * z) + np.float32(1e-12)
        normals[vertex, 0] /= length
        normals[vertex, 1] /= length
        normals[vertex, 2] /= length
