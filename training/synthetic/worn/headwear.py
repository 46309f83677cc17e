"""Caps, hats, helmets, scarves and the like, each built on the wearer's own head."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from hpe_edge.training.synthetic.body.dome import Dome
from hpe_edge.training.synthetic.worn.cloth import ROUND, Part, brim, crown, drape, one, opened, rim, surface, tinted
from hpe_edge.training.synthetic.worn.worn import Worn, ellipsoid, tube
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Rows = Callable[[str, FloatArray], FloatArray]  # pattern and colour to a material row


@dataclass(frozen=True)
class Colours:
    """``main`` and ``second`` linear RGB, and the pattern of cloth."""

    main: FloatArray
    second: FloatArray
    pattern: str


def _folds(rng: np.random.Generator, rows: int, columns: int, depth: float) -> FloatArray:
    """Soft creases (rows, columns)."""
    noise = cv2.GaussianBlur(rng.normal(size=(rows, columns)).astype(np.float32), (0, 0), sigmaX=1.0, sigmaY=2.2)
    noise[:, -1] = noise[:, 0]  # where the ends of a cloth meet they lie together
    return np.asarray(depth * noise / noise.std(), np.float32)


def cap(
    dome: Dome, colours: Colours, rows_of: Rows, rng: np.random.Generator, *, backwards: bool = False
) -> list[Worn]:
    """Baseball cap: stiff front, a brim that shades the eyes."""
    turned = np.pi if backwards else float(rng.normal(0, 0.05))
    low = float(rng.uniform(46, 62))
    edge = rim(low, float(rng.uniform(92, 104)))
    rows = 12
    share = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    front = np.exp(-((np.abs(np.mod(ROUND - turned + np.pi, 2 * np.pi) - np.pi) / 0.8) ** 2))[None, :]
    gap = 0.11 + float(rng.uniform(0.05, 0.2)) * front * np.sin(np.pi * np.clip(share, 0, 0.95)) + 0 * ROUND
    points = crown(dome, edge, gap.astype(np.float32), rows)
    azimuth = np.linspace(-1.05, 1.05, 19, dtype=np.float32)
    start = dome.place(rim(low, 98, azimuth + turned) - 0.03, azimuth + turned, 0.11)
    length = float(rng.uniform(0.55, 0.8)) * np.cos(azimuth * 1.42) ** 0.6
    curve = float(rng.uniform(0.0, 0.4))
    slope = float(rng.uniform(-0.1, 0.3)) + curve * (azimuth / 1.05) ** 2
    local = start.copy()
    if backwards:
        local[:, 2] = -local[:, 2]
    sheet_points = brim(local, length.astype(np.float32), slope.astype(np.float32), 0.85)
    if backwards:
        sheet_points[..., 2] = -sheet_points[..., 2]
    crown_part, brim_part = surface(points, closed=True), surface(sheet_points, closed=False)
    button = ellipsoid(points[0, 0], np.eye(3, dtype=np.float32) * 0.05, 5, 8)
    made = one([crown_part, button], rows_of("cloth", colours.main))
    badge = (front.reshape(-1) > 0.75)[None, :] & (np.abs(share - 0.72) < 0.14)
    paint = tinted(len(made.positions), colours.second, 0.0)
    flat = np.concatenate([badge, badge[:, :1]], 1).reshape(-1)
    paint[: len(flat), 3] = flat * (rng.random() < 0.6)
    made.paint[:] = paint
    return [made, one([brim_part], rows_of("cloth", colours.second if rng.random() < 0.3 else colours.main))]


def hat(dome: Dome, colours: Colours, rows_of: Rows, rng: np.random.Generator, *, kind: str) -> list[Worn]:
    """Sun hat, bucket hat: a crown with a brim all round."""
    wide = kind == "sun hat"
    edge = rim(float(rng.uniform(46, 60)), float(rng.uniform(86, 98)))
    rows = 12
    share = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    gap = 0.11 + float(rng.uniform(0.05, 0.3)) * (1 - share**3) + _folds(rng, rows, len(ROUND), 0.008)
    points = crown(dome, edge, gap.astype(np.float32), rows)
    width = float(rng.uniform(0.5, 1.1) if wide else rng.uniform(0.2, 0.36))
    wave = 0.25 * rng.random() * np.cos(ROUND * rng.integers(2, 5) + rng.uniform(0, 6))
    slope = (float(rng.uniform(-0.05, 0.35)) if wide else float(rng.uniform(0.5, 1.0))) + wave
    flat = brim(points[-1], np.full(len(ROUND), width, np.float32), slope.astype(np.float32), 0.0)
    pattern = "straw" if wide and rng.random() < 0.6 else colours.pattern
    straw = np.asarray((0.62, 0.48, 0.28), np.float32) if pattern == "straw" else colours.main
    made = one([surface(points, closed=True), surface(flat, closed=True)], rows_of(pattern, straw))
    band = (np.broadcast_to(share, (rows, len(ROUND) + 1)).reshape(-1) > 0.8) * (rng.random() < 0.6)
    made.paint[:] = tinted(len(made.positions), colours.second, 0.0)
    made.paint[: len(band), 3] = band
    return [made]


def beanie(dome: Dome, colours: Colours, rows_of: Rows, rng: np.random.Generator) -> list[Worn]:
    """Knitted, with a cuff, slack at the top, now and then with a pompom."""
    edge = rim(float(rng.uniform(52, 74)), float(rng.uniform(100, 122)))
    rows = 14
    share = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    gap = 0.09 + float(rng.uniform(0, 0.12)) * (1 - share) + _folds(rng, rows, len(ROUND), 0.022) * (1 - share**4)
    points = crown(dome, edge, gap.astype(np.float32), rows)
    slack = float(rng.choice([0.0, rng.uniform(0.0, 0.5)]))
    points += (np.asarray((0, 0.6, -0.8)) * slack * np.clip(1 - 1.6 * share, 0, 1)[..., None] ** 1.5).astype(np.float32)
    parts: list[Part] = [surface(points, closed=True)]
    if rng.random() < 0.7:
        cuff = np.asarray([0.11, 0.16, 0.16, 0.16, 0.09], np.float32)[:, None] + _folds(rng, 5, len(ROUND), 0.006)
        parts.append(surface(crown(dome, edge * 1.01, cuff, 5, top=float(rng.uniform(0.68, 0.8))), closed=True))
    made = [one(parts, rows_of("knit", colours.main))]
    if rng.random() < 0.25:
        size = float(rng.uniform(0.15, 0.28))
        ball = ellipsoid(points[0, 0] + np.asarray((0, size * 0.8, 0), np.float32), np.eye(3, dtype=np.float32) * size)
        made.append(one([ball], rows_of("clumps", colours.second)))
    return made


def head_scarf(dome: Dome, colours: Colours, rows_of: Rows, rng: np.random.Generator) -> list[Worn]:
    """Hijab: cloth round the face's oval, over neck and shoulders."""
    rows = 26
    low, high = np.radians(float(rng.uniform(46, 60))), np.radians(float(rng.uniform(136, 146)))
    polar = np.linspace(0.02, np.radians(149), rows, dtype=np.float32)
    middle, half = (low + high) / 2, (high - low) / 2
    width = np.radians(float(rng.uniform(50, 66)))
    half_open = width * np.sqrt(np.clip(1 - ((polar - middle) / half) ** 2, 0, 1)) ** 0.8
    side = np.linspace(-1, 1, 40, dtype=np.float32)[None, :]
    loose = float(rng.uniform(0.0, 0.35))  # over hair tied up, and hanging free at jaw and nape
    gap = 0.06 + float(rng.uniform(0, 0.12)) * np.clip(1.6 - polar, 0, 1)[:, None] + _folds(rng, rows, 40, 0.02)
    gap = gap + loose * (np.clip(polar - 1.5, 0, 0.9)[:, None] * (0.3 + 0.7 * (1 - side**2)))
    gap = gap + float(rng.uniform(0.02, 0.09)) * np.abs(side) ** 8
    head = opened(dome, polar, half_open.astype(np.float32), gap.astype(np.float32))
    return [_with_drape(dome, head, rows_of(colours.pattern, colours.main), rng)]


def hood(dome: Dome, colours: Colours, rows_of: Rows, rng: np.random.Generator) -> list[Worn]:
    """A hood drawn up: it stands off the head and frames the face."""
    rows = 20
    polar = np.linspace(0.02, np.radians(149), rows, dtype=np.float32)
    start = np.radians(float(rng.uniform(38, 52)))
    half_open = np.radians(float(rng.uniform(58, 78))) * np.clip((polar - start) / 0.35, 0, 1) ** 0.5
    half_open = half_open * np.sqrt(np.clip((np.radians(147) - polar) / 0.5, 0, 1))
    stand = float(rng.uniform(0.12, 0.3))
    edge = np.abs(np.linspace(-1, 1, 40))[None, :]
    gap = stand * (0.7 + 0.6 * edge**4) + _folds(rng, rows, 40, 0.03)
    head = opened(dome, polar, half_open.astype(np.float32), gap.astype(np.float32))
    return [_with_drape(dome, head, rows_of("cloth", colours.main), rng)]


def _with_drape(dome: Dome, head: FloatArray, row: FloatArray, rng: np.random.Generator) -> Worn:
    """Cloth of the head (R, C, 3) continued over the neck; the neck's part stays with the trunk."""
    rows = 7
    neck = drape(head[-1], dome.centre, rows, float(rng.uniform(4.9, 5.3)), (1.5, 1.1))
    neck = neck + _folds(rng, rows, head.shape[1], 0.03)[..., None]
    points = np.concatenate([head, neck])
    height = points[..., 1]
    turning = np.clip((height - 5.6) / 0.8, 0, 1)
    return one([surface(points, closed=False)], row, headness=turning.reshape(-1), occlusion=0.8)


def turban(dome: Dome, colours: Colours, rows_of: Rows, rng: np.random.Generator) -> list[Worn]:
    """Wound cloth: diagonal bands that bulge over the ears' tops."""
    edge = rim(float(rng.uniform(54, 62)), float(rng.uniform(94, 104)))
    rows = 16
    share = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    lean = np.where(np.pi > ROUND, ROUND, 2 * np.pi - ROUND)[None, :]
    bands = np.abs(np.sin(share * float(rng.uniform(7, 11)) + lean * float(rng.uniform(0.5, 1.2))))
    gap = float(rng.uniform(0.16, 0.4)) * np.sin(np.pi * np.clip(share * 0.85 + 0.1, 0, 1)) + 0.08 + 0.09 * bands
    return [
        one([surface(crown(dome, edge, gap.astype(np.float32), rows), closed=True)], rows_of("cloth", colours.main))
    ]


def headband(dome: Dome, colours: Colours, rows_of: Rows, rng: np.random.Generator) -> list[Worn]:
    """A band over the brow or the crown."""
    edge = rim(float(rng.uniform(30, 62)), float(rng.uniform(88, 105)))
    gap = np.asarray([0.03, 0.07, 0.07, 0.03], np.float32)[:, None] + 0 * ROUND
    band = crown(dome, edge, gap.astype(np.float32), 4, top=1 - float(rng.uniform(0.08, 0.3)))
    return [one([surface(band, closed=True)], rows_of("knit" if rng.random() < 0.3 else colours.pattern, colours.main))]


def headphones(dome: Dome, colours: Colours, rows_of: Rows, rng: np.random.Generator) -> list[Worn]:
    """A bow over the crown and a cup on each ear."""
    lean = float(rng.uniform(-0.25, 0.15))
    arc = np.linspace(-1.62, 1.62, 25, dtype=np.float32)
    line = dome.place(np.abs(arc), np.where(arc < 0, -np.pi / 2, np.pi / 2) - np.sign(arc) * lean, 0.12)
    line[:, 1] += 0.04
    parts: list[Part] = [tube(line, float(rng.uniform(0.035, 0.09)), 6)]
    size = float(rng.uniform(0.22, 0.38))
    cups: list[Part] = []
    for side in (-1.0, 1.0):
        place = dome.place(np.float32(1.68), np.float32(side * 1.68), 0.13)
        cups.append(ellipsoid(place, np.diag([0.13, size, size * 0.85]).astype(np.float32)))
    return [one(parts, rows_of("gloss", colours.main)), one(cups, rows_of("gloss", colours.second))]
