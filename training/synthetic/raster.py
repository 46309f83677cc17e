"""The rasteriser: visibility first, shading after, compiled by numba.

Screen axes: x right, y down, in samples. Depth is the positive distance along the viewing
direction; the nearest sample wins. Hair and lashes are hashed-alpha cards (Wyman and McGuire,
"Hashed Alpha Testing", 2017): a card's sample is kept when its opacity exceeds a hash of the sample,
so that order never matters and supersampling turns it into translucency.
"""

from __future__ import annotations

import numpy as np
from hpe_edge.training.synthetic.materials import (
    M_ALPHA_TEXTURE,
    M_CULL,
    M_DETAIL,
    M_OIL,
    M_OPACITY,
    M_RED,
    M_SCATTER,
    M_SHININESS,
    M_SIZE,
    M_SMOOTH_TEXTURE,
    M_SPECULAR,
    M_TEXTURE,
    M_THIN,
    M_TURN,
    M_WRAP,
)
from hpe_edge.training.synthetic.raster_skin import skin_detail
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


@njit(cache=True, fastmath=True, inline="always")
def _lookup(texels, offset, size, u, v, smooth, to_linear, out):  # type: ignore[no-untyped-def]
    """Linear RGB of a texture at (u, v) into ``out`` (3,)."""
    x = min(np.float32(size) - np.float32(1.001), max(np.float32(0.0), u * size - np.float32(0.5)))
    y = min(np.float32(size) - np.float32(1.001), max(np.float32(0.0), (np.float32(1.0) - v) * size - np.float32(0.5)))
    if not smooth:
        texel = offset + int(y + 0.5) * size + int(x + 0.5)
        for channel in range(3):
            out[channel] = to_linear[texels[texel, channel]]
        return
    column, row = int(x), int(y)
    fx, fy = x - column, y - row
    texel = offset + row * size + column
    for channel in range(3):
        top = to_linear[texels[texel, channel]] * (1 - fx) + to_linear[texels[texel + 1, channel]] * fx
        low = to_linear[texels[texel + size, channel]] * (1 - fx) + to_linear[texels[texel + size + 1, channel]] * fx
        out[channel] = top * (1 - fy) + low * fy


@njit(cache=True, fastmath=True, inline="always")
def _lit_share(shadow, light, x, y, depth, bias):  # type: ignore[no-untyped-def]
    """Share of four shadow-map samples round (x, y) that are not nearer to the light; 1 off the map."""
    side = shadow.shape[1]
    if x < 0.0 or y < 0.0 or x > side or y > side:  # the map ends: another head, an elbow
        return np.float32(1.0)
    lit = np.float32(0.0)
    for dy in range(2):
        for dx in range(2):
            column = min(side - 1, max(0, int(x - 0.5) + dx))
            row = min(side - 1, max(0, int(y - 0.5) + dy))
            if depth > shadow[light, row, column] - bias:
                lit += np.float32(0.25)
    return lit


@njit(cache=True, fastmath=True, boundscheck=False)
def shade(  # type: ignore[no-untyped-def]
    triangle_of, best, screen, inv_depth, faces, face_material, materials, uv, texels, to_linear,
    positions, normals, occlusion, paint, harmonics, to_environment,
    light_directions, light_rgb, light_frames, shadow, shadow_bias, image, coverage,
):  # fmt: skip
    """Linear radiance ``image`` (H, W, 3) and ``coverage`` (H, W) of the visible samples.

    ``positions``, ``normals`` (V, 3) in camera axes, ``occlusion`` (V,), ``paint`` (V, 5): linear RGB over the
    texture, its opacity, and how hair-like (speckled) it is; ``light_frames`` (L, 3, 4) from camera axes to
    shadow-map column, row and depth.
    """
    height, width = triangle_of.shape
    albedo = np.empty(3, np.float32)
    colour = np.empty(3, np.float32)
    slope = np.zeros(3, np.float32)
    wrap_rgb = np.array([1.0, 0.45, 0.25], np.float32)
    smooth_rgb = np.array([0.6, 0.25, 0.1], np.float32)  # red light spreads farthest and blurs the relief most
    through_rgb = np.array([1.0, 0.2, 0.08], np.float32)  # what is left after a way through an ear
    for y in range(height):
        for x in range(width):
            face = triangle_of[y, x]
            if face < 0:
                continue
            a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
            ax, ay, bx, by, cx, cy = screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1]
            inverse = np.float32(1.0) / ((bx - ax) * (cy - ay) - (by - ay) * (cx - ax))
            px, py = np.float32(x + 0.5), np.float32(y + 0.5)
            depth = np.float32(1.0) / best[y, x]
            wa = ((bx - px) * (cy - py) - (by - py) * (cx - px)) * inverse
            wb = ((cx - px) * (ay - py) - (cy - py) * (ax - px)) * inverse
            wc = (np.float32(1.0) - wa - wb) * inv_depth[c] * depth
            wa *= inv_depth[a] * depth
            wb *= inv_depth[b] * depth
            u = wa * uv[a, 0] + wb * uv[b, 0] + wc * uv[c, 0]
            v = wa * uv[a, 1] + wb * uv[b, 1] + wc * uv[c, 1]
            row = face_material[face]
            offset, size = int(materials[row, M_TEXTURE]), int(materials[row, M_SIZE])
            _lookup(texels, offset, size, u, v, materials[row, M_SMOOTH_TEXTURE] > 0, to_linear, albedo)
            for channel in range(3):
                albedo[channel] *= materials[row, M_RED + channel]
            is_skin = materials[row, M_DETAIL] > 0
            oil, thin, scatter = np.float32(0.0), np.float32(0.0), np.float32(0.0)
            if is_skin:
                slope[:] = 0.0
                oil, thin = skin_detail(texels, materials[row], u, v, albedo, slope)
                scatter, thin = materials[row, M_SCATTER], thin * materials[row, M_THIN]
            opacity = wa * paint[a, 3] + wb * paint[b, 3] + wc * paint[c, 3]
            if opacity > 0.004:
                speckle = wa * paint[a, 4] + wb * paint[b, 4] + wc * paint[c, 4]
                grain = hash01(int(u * 700), int(v * 700), 5)
                opacity *= np.float32(1.0) - speckle + speckle * min(np.float32(1.0), opacity + grain * grain)
            for channel in range(3):
                over = wa * paint[a, channel] + wb * paint[b, channel] + wc * paint[c, channel]
                albedo[channel] = albedo[channel] * (np.float32(1.0) - opacity) + over * opacity
            nx = wa * normals[a, 0] + wb * normals[b, 0] + wc * normals[c, 0]
            ny = wa * normals[a, 1] + wb * normals[b, 1] + wc * normals[c, 1]
            nz = wa * normals[a, 2] + wb * normals[b, 2] + wc * normals[c, 2]
            length = np.float32(1.0) / np.sqrt(nx * nx + ny * ny + nz * nz + np.float32(1e-9))
            nx, ny, nz = nx * length, ny * length, nz * length
            qx = wa * positions[a, 0] + wb * positions[b, 0] + wc * positions[c, 0]
            qy = wa * positions[a, 1] + wb * positions[b, 1] + wc * positions[c, 1]
            qz = wa * positions[a, 2] + wb * positions[b, 2] + wc * positions[c, 2]
            length = np.float32(-1.0) / np.sqrt(qx * qx + qy * qy + qz * qz)
            vx, vy, vz = qx * length, qy * length, qz * length
            if materials[row, M_CULL] == 0.0 and nx * vx + ny * vy + nz * vz < 0.0:
                nx, ny, nz = -nx, -ny, -nz
            smooth_x, smooth_y, smooth_z = nx, ny, nz
            if is_skin and opacity < np.float32(0.7):
                turn = materials[row, M_TURN : M_TURN + 9]
                nx -= turn[0] * slope[0] + turn[1] * slope[1] + turn[2] * slope[2]
                ny -= turn[3] * slope[0] + turn[4] * slope[1] + turn[5] * slope[2]
                nz -= turn[6] * slope[0] + turn[7] * slope[1] + turn[8] * slope[2]
                length = np.float32(1.0) / np.sqrt(nx * nx + ny * ny + nz * nz + np.float32(1e-9))
                nx, ny, nz = nx * length, ny * length, nz * length
            ex = to_environment[0, 0] * nx + to_environment[0, 1] * ny + to_environment[0, 2] * nz
            ey = to_environment[1, 0] * nx + to_environment[1, 1] * ny + to_environment[1, 2] * nz
            ez = to_environment[2, 0] * nx + to_environment[2, 1] * ny + to_environment[2, 2] * nz
            open_sky = wa * occlusion[a] + wb * occlusion[b] + wc * occlusion[c]
            wrap = materials[row, M_WRAP]
            for channel in range(3):
                h = harmonics[:, channel]
                ambient = (
                    h[0] + h[1] * ey + h[2] * ez + h[3] * ex + h[4] * ex * ey + h[5] * ey * ez
                    + h[6] * (np.float32(3.0) * ez * ez - np.float32(1.0)) + h[7] * ex * ez + h[8] * (ex * ex - ey * ey)
                )  # fmt: skip
                colour[channel] = albedo[channel] * max(ambient, np.float32(0.0)) * open_sky
            specular, shininess = materials[row, M_SPECULAR], materials[row, M_SHININESS]
            if is_skin:
                away = max(np.float32(0.0), np.float32(1.0) - (nx * vx + ny * vy + nz * vz))
                grazing = away * away * away * away
                specular *= np.float32(0.35) + materials[row, M_OIL] * oil + np.float32(3.0) * grazing
                specular *= np.float32(1.0) - opacity
                thin *= np.float32(1.0) - opacity
            for light in range(light_directions.shape[0]):
                lx, ly, lz = light_directions[light, 0], light_directions[light, 1], light_directions[light, 2]
                facing = nx * lx + ny * ly + nz * lz
                if facing < -wrap and thin == np.float32(0.0):
                    continue
                frame = light_frames[light]
                sx = frame[0, 0] * qx + frame[0, 1] * qy + frame[0, 2] * qz + frame[0, 3]
                sy = frame[1, 0] * qx + frame[1, 1] * qy + frame[1, 2] * qz + frame[1, 3]
                sd = frame[2, 0] * qx + frame[2, 1] * qy + frame[2, 2] * qz + frame[2, 3]
                lit = _lit_share(
                    shadow,
                    light,
                    sx,
                    sy,
                    sd,
                    shadow_bias * (np.float32(2.6) - np.float32(2.2) * max(facing, np.float32(0.0))),
                )
                highlight = np.float32(0.0)
                if specular > 0.0 and facing > 0.0:
                    hx, hy, hz = lx + vx, ly + vy, lz + vz
                    half = (nx * hx + ny * hy + nz * hz) / np.sqrt(hx * hx + hy * hy + hz * hz + np.float32(1e-9))
                    highlight = specular * max(half, np.float32(0.0)) ** shininess
                blur = (smooth_x * lx + smooth_y * ly + smooth_z * lz - facing) * scatter
                penumbra = np.float32(4.0) * lit * (np.float32(1.0) - lit) * scatter
                for channel in range(3):
                    around = wrap * wrap_rgb[channel]
                    soft = facing + blur * smooth_rgb[channel]
                    soft = max(np.float32(0.0), (soft + around) / (np.float32(1.0) + around))
                    through = lit + (np.float32(1.0) - lit) * around * np.float32(0.35)
                    through += penumbra * (wrap_rgb[channel] - np.float32(0.5)) * np.float32(0.3)
                    colour[channel] += light_rgb[light, channel] * (albedo[channel] * soft * through + highlight * lit)
                if thin > np.float32(0.0) and facing < np.float32(0.3):
                    lit = _lit_share(shadow, light, sx, sy, sd, np.float32(0.35))
                    shine = lit * thin * (np.float32(0.3) - facing)
                    for channel in range(3):
                        colour[channel] += light_rgb[light, channel] * shine * through_rgb[channel] * np.float32(0.3)
            for channel in range(3):
                image[y, x, channel] = colour[channel]
            coverage[y, x] = 1.0
