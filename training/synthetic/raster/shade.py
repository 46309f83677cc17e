"""Shading of visible samples: texture, skin's detail, ambient light, key lights with shadows, highlights."""

from __future__ import annotations

import numpy as np
from hpe_edge.training.synthetic.raster.materials import (
    M_CULL,
    M_DETAIL,
    M_OIL,
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
from hpe_edge.training.synthetic.raster.skin import skin_detail
from hpe_edge.training.synthetic.raster.visibility import hash01
from numba import njit


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
