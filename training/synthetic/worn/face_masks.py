"""Masks over nose and mouth, scarves round the neck, rings in the ears."""

from __future__ import annotations

import cv2
import numpy as np
from hpe_edge.training.synthetic.body.dome import Dome
from hpe_edge.training.synthetic.body.landmarks import LANDMARKS_68
from hpe_edge.training.synthetic.worn.cloth import Part, one, surface, tinted
from hpe_edge.training.synthetic.worn.headwear import Colours, Rows
from hpe_edge.training.synthetic.worn.worn import Worn, ellipsoid, tube
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

_SURGICAL = ((0.30, 0.55, 0.72), (0.75, 0.78, 0.80), (0.78, 0.78, 0.76), (0.02, 0.02, 0.022), (0.35, 0.6, 0.5))
_CHIN = 8


def face_mask(
    dome: Dome, neutral: FloatArray, colours: Colours, rows_of: Rows, rng: np.random.Generator, *, kind: str
) -> list[Worn]:
    """A sheet from the bridge of the nose to under the chin, with its ear loops; ``kind`` medical, ffp2 or cloth."""
    rows, columns = 13, 21
    across = np.linspace(-1, 1, columns, dtype=np.float32)[None, :]
    down = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    slip = float(rng.choice([0.0, 3.0, 24.0], p=(0.7, 0.2, 0.1)))  # now and then it bares the nose
    top = np.radians(95 + slip + 11 * across**2)
    bottom = np.radians(147 - 14 * across**2)
    azimuth = np.broadcast_to(np.radians(66.0 - 8 * down) * across, (rows, columns))
    polar = (top * (1 - down) + bottom * down).astype(np.float32)
    radius = dome.at(polar, azimuth.astype(np.float32))
    raw = np.maximum(dome.at(polar, azimuth.astype(np.float32), raw=True), radius)
    tent = cv2.GaussianBlur(cv2.dilate(raw, np.ones((5, 5), np.uint8)), (0, 0), 1.5)
    snug = np.abs(across) ** 3 + (2 * down - 1) ** 6
    gap = np.clip(1 - snug, 0, 1) * (np.maximum(tent - radius, 0) + 0.03) + 0.035
    if kind == "ffp2":
        gap = gap + 0.16 * np.exp(-((across / 0.5) ** 2) - ((down - 0.45) / 0.28) ** 2)
    elif kind == "medical":
        gap = gap + 0.012 * np.sin(down * 2 * np.pi * 3.5) * (1 - across**4)
    points = dome.place(polar, azimuth, gap)
    rgb, pattern = colours.main, colours.pattern
    if kind != "cloth":
        pattern = "cloth"
        rgb = np.asarray(_SURGICAL[rng.integers(len(_SURGICAL)) if kind == "medical" else 2], np.float32)
    follow = np.broadcast_to(down**1.3, (rows, columns)).reshape(-1)
    chin = np.full(rows * columns, LANDMARKS_68[_CHIN], np.int32)
    paint = tinted(rows * columns, rgb * 0.6, np.repeat(np.sin(down * 2 * np.pi * 3.5) < -0.8, columns) * 0.5)
    made = [one([surface(points, closed=False)], rows_of(pattern, rgb), anchor=chin, follow=follow, paint=paint)]
    loops: list[Part] = []
    for side, column in ((-1, 0), (1, -1)):
        ear = neutral[LANDMARKS_68[0 if side < 0 else 16]]
        behind = ear + np.asarray((side * 0.14, 0.0, -0.25))
        for corner, height in ((points[0, column], 0.15), (points[-1, column], -0.3)):
            middle = (corner + behind) / 2 + (side * 0.04, height / 2, 0)
            loops.append(tube(np.stack([corner, middle, np.add(behind, (0, height, 0))]).astype(np.float32), 0.012, 4))
    return [*made, one(loops, rows_of("cloth", np.asarray((0.75, 0.75, 0.75), np.float32)))]


def neck_scarf(neutral: FloatArray, colours: Colours, rows_of: Rows, rng: np.random.Generator) -> list[Worn]:
    """Thick cloth round the neck, now and then up over the chin."""
    chin = neutral[LANDMARKS_68[_CHIN]]
    angle = np.linspace(0, 2 * np.pi, 37, dtype=np.float32)
    parts: list[Part] = []
    height = float(chin[1] - rng.uniform(0.1, 0.5))
    if rng.random() < 0.15:
        height += 0.3
    for turn in range(2):
        thick = float(rng.uniform(0.2, 0.32))
        out = 0.55 + thick * 0.6 + 0.06 * turn
        line = np.stack(
            [out * 1.05 * np.sin(angle), height - 0.25 * turn + 0.12 * np.cos(angle * 2 + rng.uniform(0, 6))
             + 0.16 * (1 - np.cos(angle)) / 2, 0.42 + (out + 0.12) * np.cos(angle)], 1,
        )  # fmt: skip
        wobble = cv2.GaussianBlur(rng.normal(size=(37, 1)).astype(np.float32), (1, 5), 0)[:, 0]
        parts.append(tube(line.astype(np.float32), thick * (1 + 0.15 * wobble), 9))
    pattern = "knit" if rng.random() < 0.5 else colours.pattern
    made = one(parts, rows_of(pattern, colours.main), occlusion=0.8)
    made.headness[:] = 0.25
    return [made]


def hood_down(neutral: FloatArray, rgb: FloatArray, rows_of: Rows, rng: np.random.Generator) -> list[Worn]:
    """The hood of a pullover lying on the back: a roll of cloth, thick behind."""
    height = float(neutral[LANDMARKS_68[_CHIN]][1]) - 0.5
    angle = np.linspace(0, 2 * np.pi, 31, dtype=np.float32)
    behind = (1 - np.cos(angle)) / 2
    thick = float(rng.uniform(0.1, 0.16)) + float(rng.uniform(0.1, 0.22)) * behind
    line = np.stack([0.78 * np.sin(angle), height + 0.25 * behind, 0.25 + 0.72 * np.cos(angle)], 1)
    made = one([tube(line.astype(np.float32), thick, 9)], rows_of("cloth", rgb), occlusion=0.75)
    made.headness[:] = 0.15
    return [made]


def earrings(lobes: FloatArray, rgb: FloatArray, rows_of: Rows, rng: np.random.Generator) -> list[Worn]:
    """Studs, drops or hoops at the lobes (2, 3)."""
    parts: list[Part] = []
    size = float(np.exp(rng.uniform(np.log(0.025), np.log(0.2))))
    for lobe in lobes:
        if size < 0.06:
            parts.append(
                ellipsoid(np.add(lobe, (0, 0.02, 0.03)).astype(np.float32), np.eye(3, dtype=np.float32) * size, 5, 8)
            )
        else:
            angle = np.linspace(0, 2 * np.pi, 15)
            ring = np.stack([0 * angle, size * np.cos(angle) - size, size * np.sin(angle)], 1) + lobe
            parts.append(tube(ring.astype(np.float32), 0.018, 5))
    return [one(parts, rows_of("gloss", rgb))]
