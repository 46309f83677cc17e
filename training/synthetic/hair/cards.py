"""Locks of hair that fall over the head: ribbons with fibre textures, combed, weighted down, held off the face.

Each lock starts on the scalp, is combed away from the parting (or towards a knot), bends down under gravity and
wind, and slides over the head, the ears and the shoulders. What hides of the face is bounded by ``cheek_limit``.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hpe_edge.training.synthetic.body.dome import LOWEST_DEG, Dome
from hpe_edge.training.synthetic.hair.cut import Cut, Dye
from hpe_edge.training.synthetic.raster.drawable import PAINT_COLUMNS
from hpe_edge.training.synthetic.raster.patterns import LOCKS_IN_TEXTURE
from hpe_edge.training.synthetic.worn.worn import Worn, strips, worn
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

_FRONT_HAIRLINE_DEG = 48.0


def scalp_share(scalp: FloatArray, polar: FloatArray, azimuth: FloatArray) -> FloatArray:
    """Scalp mask (ROWS, COLUMNS) at directions (N,)."""
    rows, columns = scalp.shape
    row = np.clip(np.rint(polar * ((rows - 1) / np.radians(LOWEST_DEG))), 0, rows - 1).astype(int)
    return scalp[row, np.rint(azimuth * (columns / (2 * np.pi))).astype(int) % columns]


def grow_locks(cut: Cut, dye: Dye, dome: Dome, scalp: FloatArray, row: FloatArray, rng: np.random.Generator) -> Worn:
    """All locks as one thing; ``scalp`` (ROWS, COLUMNS) where hair grows, ``row`` their material."""
    polar, azimuth, is_fringe = _roots(cut, scalp, rng)
    return _grow(cut, dye, dome, polar, azimuth, is_fringe, row, rng)


def grow_tail(cut: Cut, dye: Dye, dome: Dome, row: FloatArray, rng: np.random.Generator) -> Worn:
    """A tail that falls from the knot of ``cut``."""
    assert cut.knot is not None
    towards = np.asarray(cut.knot) / np.linalg.norm(cut.knot)
    polar = np.arccos(towards[1]) + rng.normal(0, 0.1, cut.locks // 3)
    azimuth = np.arctan2(towards[0], towards[2]) + rng.normal(0, 0.12, cut.locks // 3)
    loose = replace(cut, knot=None, layer=0.22, length=cut.length * 1.1, back=(1.0, 1.0), fringe=0.0)
    fringe = np.zeros(len(polar), np.bool_)
    return _grow(loose, dye, dome, polar.astype(np.float32), azimuth.astype(np.float32), fringe, row, rng)


def _grow(
    cut: Cut,
    dye: Dye,
    dome: Dome,
    polar: FloatArray,
    azimuth: FloatArray,
    is_fringe: NDArray[np.bool_],
    row: FloatArray,
    rng: np.random.Generator,
) -> Worn:
    # 1: top layer, 0: lowest; the top is drawn first, so that most of what it hides is never looked up
    rank = np.linspace(1, 0, len(polar), dtype=np.float32)
    order = rng.permutation(len(polar))
    polar, azimuth, is_fringe = polar[order], azimuth[order], is_fringe[order]
    layer = cut.layer * (0.15 + 0.85 * rank)
    points = 15 if cut.wave > 0.03 else 9
    path = _comb(cut, dome, polar, azimuth, is_fringe, layer, points, rng)
    return _ribbons(cut, dye, dome, path, rank, row, rng)


def _roots(cut: Cut, scalp: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Polar angle and azimuth of the roots (N,), evenly over the scalp, and which belong to the fringe."""
    candidates = int(cut.locks * 2.1)
    index = np.arange(candidates) + rng.random()
    polar = np.arccos(1 - 1.45 * index / candidates).astype(np.float32)
    azimuth = np.mod(index * (np.pi * (3 - 5**0.5)), 2 * np.pi).astype(np.float32)
    kept = scalp_share(scalp, polar + cut.recede, azimuth) > 0.5
    polar, azimuth = polar[kept], azimuth[kept]
    fringe = int(cut.fringe * 60)
    brow_azimuth = np.linspace(-0.85, 0.85, max(fringe, 1))[:fringe] + rng.normal(0, 0.05, fringe)
    brow_polar = np.radians(_FRONT_HAIRLINE_DEG) - rng.uniform(0.0, 0.5, fringe) - cut.recede
    is_fringe = np.arange(len(polar) + fringe) >= len(polar)
    return (
        np.concatenate([polar, brow_polar]).astype(np.float32),
        np.concatenate([azimuth, brow_azimuth]).astype(np.float32),
        is_fringe,
    )


def _comb(
    cut: Cut,
    dome: Dome,
    polar: FloatArray,
    azimuth: FloatArray,
    is_fringe: NDArray[np.bool_],
    layer: FloatArray,
    points: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Paths (N, points, 3) of the locks."""
    count = len(polar)
    at = dome.place(polar, azimuth, layer)
    rel = at - dome.centre
    length = cut.length * np.clip(1 + cut.ragged * rng.normal(size=count), 0.3, 1.6)
    drop = rel[:, 1] + float(dome.centre[1]) - cut.fringe_end
    length = np.where(is_fringe, np.maximum(drop, 0.1) * 1.15 * (1 + 0.08 * rng.normal(size=count)), length)
    length = length.astype(np.float32)
    side = np.where(rel[:, 0] > cut.part + rng.normal(0, 0.03, count), 1.0, -1.0)
    back = np.where(side < 0, cut.back[0], cut.back[1])
    gravity = np.tile(np.asarray([cut.wind[0], -1.0, cut.wind[1]], np.float32), (count, 1))
    gravity[:, 2] -= (0.35 * back * (rel[:, 2] > 0)).astype(np.float32)
    gravity[is_fringe, 0] += cut.fringe_sweep
    heading = np.stack([side, np.full(count, -0.15), -0.9 * back], 1)
    if not cut.two_knots:
        heading[rel[:, 2] < -0.1] = (0.0, -1.0, -0.3)
    heading[is_fringe] = (cut.fringe_sweep, -0.3, 1.0)
    heading = (heading + rng.normal(0, 0.12, (count, 3))).astype(np.float32)
    limit = np.where(side < 0, cut.cheek_limit[0], cut.cheek_limit[1]) + cut.wave + rng.normal(0, 0.03, count)
    limit = np.where(is_fringe | (rng.random(count) < cut.stray), 0.0, limit).astype(np.float32)
    path = np.empty((count, points, 3), np.float32)
    path[:, 0] = at
    for point in range(1, points):
        pull = gravity
        if cut.knot is not None:
            knot = np.tile(np.asarray(cut.knot, np.float32), (count, 1))
            if cut.two_knots:
                knot[:, 0] = np.abs(knot[:, 0]) * side
            pull = knot + dome.centre - at
            reach = np.linalg.norm(pull, axis=1, keepdims=True)
            length = np.where(is_fringe, length, np.minimum(length, reach[:, 0] * (points - 1) / (points - point)))
            pull = np.where(is_fringe[:, None], gravity, 2.0 * pull / np.maximum(reach, 0.05))
        heading = cut.stiffness * heading + (1 - cut.stiffness) * pull
        heading /= np.linalg.norm(heading, axis=1, keepdims=True) + 1e-6
        moved = at + heading * (length / (points - 1))[:, None]
        moved = _slide(cut, dome, moved, layer, side, limit)
        heading = moved - at
        heading /= np.linalg.norm(heading, axis=1, keepdims=True) + np.float32(1e-6)
        at = moved
        path[:, point] = at
    return path


def _slide(cut: Cut, dome: Dome, at: FloatArray, layer: FloatArray, side: FloatArray, limit: FloatArray) -> FloatArray:
    """Push points (N, 3) out of the face's free part, the head with its ears, and the shoulders."""
    rel = at - dome.centre
    before = (rel[:, 2] > 0.1) & (rel[:, 1] < 0.6) & (rel[:, 1] > -1.2)
    narrow = limit * np.clip((0.62 - rel[:, 1]) / 0.45, 0.0, 1.0)
    inside = before & (side * rel[:, 0] < narrow)
    rel[:, 0] = np.where(inside, side * narrow, rel[:, 0])
    front = 0.86 - 1.6 * (limit - 0.48) + np.clip((rel[:, 1] - 0.1) * 1.8, 0, 0.8)
    rel[:, 2] = np.where(before & (limit > 0), np.minimum(rel[:, 2], front), rel[:, 2])
    radius = np.linalg.norm(rel, axis=1) + np.float32(1e-6)
    polar = np.arccos(np.clip(rel[:, 1] / radius, -1, 1))
    azimuth = np.arctan2(rel[:, 0], rel[:, 2])
    ear = np.exp(-(((np.abs(azimuth) - 1.65) / 0.28) ** 2) - ((polar - 1.68) / 0.3) ** 2)
    wanted = dome.at(polar, azimuth) + layer + cut.over_ears * ear
    on_head = polar < np.radians(LOWEST_DEG - 22)
    rel *= np.where(on_head & (radius < wanted), wanted / radius, 1.0)[:, None].astype(np.float32)
    shoulder = -1.35 - 0.35 * np.maximum(np.abs(rel[:, 0]) - 0.5, 0)
    below = np.clip((shoulder - rel[:, 1]) * 1.5, 0, 0.75) + layer
    middle = rel[:, 2] + 0.35
    pushed = np.where(middle > 0, np.maximum(middle, below), np.minimum(middle, -below)) - 0.35
    rel[:, 2] = np.where(rel[:, 1] < shoulder, pushed, rel[:, 2])
    return np.asarray(rel + dome.centre, np.float32)


def _ribbons(
    cut: Cut, dye: Dye, dome: Dome, path: FloatArray, rank: FloatArray, row: FloatArray, rng: np.random.Generator
) -> Worn:
    count, points = path.shape[:2]
    along = np.linspace(0, 1, points, dtype=np.float32)
    outward = path - dome.centre
    outward[..., 1] = np.maximum(outward[..., 1], -0.15)  # below the ears hair faces sideways
    outward /= np.linalg.norm(outward, axis=-1, keepdims=True) + np.float32(1e-6)
    tangent = np.gradient(path, axis=1)
    across = np.cross(tangent, outward)
    across /= np.linalg.norm(across, axis=-1, keepdims=True) + np.float32(1e-6)
    if cut.wave > 0:
        span = np.linalg.norm(np.diff(path, axis=1), axis=-1).sum(1)
        turns = np.minimum(span / cut.wave_length, points / 3.4)  # no more than the points can draw
        phase = rng.uniform(0, 2 * np.pi, (count, 1)) + 2 * np.pi * along * turns[:, None]
        swing = (cut.wave * np.minimum(along * 3, 1.0))[None, :]
        if cut.under_hat:
            swing = swing * np.clip((0.15 - (path[..., 1] - dome.centre[1])) / 0.3, 0, 1)
        path = path + across * (swing * np.cos(phase))[..., None]
        path = path + outward * np.abs(swing * np.sin(phase))[..., None]
    half = cut.width * rng.uniform(0.7, 1.35, (count, 1)) * (1.0 - 0.25 * along**2)
    offset = (across * half[..., None]).astype(np.float32)
    column = rng.integers(LOCKS_IN_TEXTURE, size=(count, 1)) / LOCKS_IN_TEXTURE
    edge = np.broadcast_to(column + 0.004, (count, points))
    uv = [
        np.stack([edge + shift, np.broadcast_to(1 - along, edge.shape)], -1)
        for shift in (0, 1 / LOCKS_IN_TEXTURE - 0.008)
    ]
    vertices, coordinates, faces = strips((path - offset).astype(np.float32), (path + offset).astype(np.float32), *uv)
    tilt = across * rng.normal(0, 0.12, (count, 1, 1))
    shading = np.repeat((outward + tilt)[:, :, None], 2, 2).reshape(-1, 3)
    shading /= np.linalg.norm(shading, axis=1, keepdims=True)
    depth = 0.5 + 0.4 * rank[:, None] + 0.1 * along
    return worn(
        vertices, coordinates, faces, row,
        headness=np.clip((vertices[:, 1] - 5.5) / 1.0, 0, 1),
        sway=np.maximum(dome.centre[1] - 0.35 - vertices[:, 1], 0).astype(np.float32),
        shading=shading.astype(np.float32),
        paint=_paint(dye, count, along, rng),
        occlusion=np.repeat(depth[:, :, None], 2, 2).reshape(-1),
    )  # fmt: skip


def _paint(dye: Dye, count: int, along: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Colours over the fibre texture (V, PAINT_COLUMNS): each lock its own tone, tips and streaks."""
    tone = np.exp(rng.normal(0, dye.spread, (count, 1, 1)))
    streak = np.clip(rng.normal(dye.streaks, 0.25, (count, 1, 1)), 0, 1) if dye.streaks else np.zeros((count, 1, 1))
    base = dye.rgb * (1 - streak) + dye.streak_rgb * streak
    share = np.clip((along[None, :, None] - dye.tip_from) / 0.3, 0, 1)
    colour = (base * (1 - share) + dye.tip_rgb * share) * tone
    paint = np.zeros((count, len(along), 2, PAINT_COLUMNS), np.float32)
    paint[..., :3] = colour[:, :, None]
    paint[..., 3] = 0.55
    return paint.reshape(-1, PAINT_COLUMNS)
