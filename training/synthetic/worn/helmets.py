"""Helmets: for the bicycle, the motorcycle (open face) and the building site."""

from __future__ import annotations

import numpy as np
from hpe_edge.training.synthetic.body.dome import Dome
from hpe_edge.training.synthetic.worn.cloth import ROUND, Part, brim, crown, one, opened, rim, surface, tinted
from hpe_edge.training.synthetic.worn.headwear import Colours, Rows
from hpe_edge.training.synthetic.worn.worn import Worn, tube
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


def bicycle(dome: Dome, colours: Colours, rows_of: Rows, rng: np.random.Generator) -> list[Worn]:
    """A ribbed bowl with slots, and its straps."""
    edge = rim(float(rng.uniform(54, 64)), float(rng.uniform(84, 94)))
    rows = 12
    share = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    ridge = 0.05 * np.abs(np.sin(ROUND * 3))[None, :]
    gap = (float(rng.uniform(0.16, 0.26)) + ridge) * np.clip((1.03 - share) / 0.12, 0.35, 1)
    bowl = one([surface(crown(dome, edge, gap.astype(np.float32), rows), closed=True)], rows_of("vents", colours.main))
    return [bowl, *_straps(dome, rows_of)]


def hard_hat(dome: Dome, colours: Colours, rows_of: Rows, rng: np.random.Generator) -> list[Worn]:
    """Smooth, with a small brim and a ridge over the crown."""
    edge = rim(float(rng.uniform(54, 62)), float(rng.uniform(78, 86)))
    rows = 12
    share = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    ridge = 0.06 * np.exp(-((np.sin(ROUND) / 0.12) ** 2))[None, :] * (1 - share**4)
    points = crown(dome, edge, (float(rng.uniform(0.16, 0.24)) + ridge).astype(np.float32), rows)
    width = 0.06 + float(rng.uniform(0.08, 0.25)) * np.clip(np.cos(ROUND), 0, 1) ** 2
    flat = brim(points[-1], width.astype(np.float32), np.full(len(ROUND), 0.35, np.float32), 0.0, 3)
    loud = np.asarray(_SITE_COLOURS[rng.integers(len(_SITE_COLOURS))], np.float32)
    row = rows_of("gloss", loud if rng.random() < 0.8 else colours.main)
    shell = one([surface(points, closed=True), surface(flat, closed=True)], row)
    return [shell, *(_straps(dome, rows_of) if rng.random() < 0.3 else [])]


_SITE_COLOURS = ((0.8, 0.55, 0.02), (0.75, 0.75, 0.72), (0.7, 0.12, 0.03), (0.02, 0.12, 0.5))


def motorcycle(dome: Dome, colours: Colours, rows_of: Rows, rng: np.random.Generator) -> list[Worn]:
    """Open face: over ears and neck, a stripe, glossy."""
    rows = 18
    polar = np.linspace(0.02, np.radians(float(rng.uniform(112, 124))), rows, dtype=np.float32)
    start = np.radians(float(rng.uniform(52, 62)))
    half_open = np.radians(float(rng.uniform(58, 74))) * np.clip((polar - start) / 0.2, 0, 1) ** 0.5
    edge = np.abs(np.linspace(-1, 1, 40))
    gap = float(rng.uniform(0.22, 0.34)) + 0.03 * edge[None, :] ** 10
    shell = one([surface(opened(dome, polar, half_open.astype(np.float32), gap.astype(np.float32)), closed=False)],
                rows_of("gloss", colours.main))  # fmt: skip
    stripe = np.broadcast_to(edge > 0.93, (rows, 40)).reshape(-1) | np.broadcast_to(edge < 0.1, (rows, 40)).reshape(-1)
    shell.paint[:] = tinted(len(shell.positions), colours.second, stripe * float(rng.random() < 0.5))
    made = [shell, *_straps(dome, rows_of)]
    if rng.random() < 0.4:
        height, aside = np.meshgrid(np.radians((60, 85, 112)), np.radians(np.linspace(-78, 78, 15)), indexing="ij")
        clear = np.full(3, rng.choice([0.9, 0.3]), np.float32)
        visor = one([surface(dome.place(height, aside, 0.42), closed=False)], rows_of("visor", clear))
        visor.paint[:, 3] = 1
        made.append(visor)
    return made


def _straps(dome: Dome, rows_of: Rows) -> list[Worn]:
    parts: list[Part] = []
    for side in (-1, 1):
        line = dome.place(
            np.radians(np.asarray([80, 100, 118, 134, 145], np.float32)),
            np.radians(np.asarray([72, 76, 66, 48, 0], np.float32)) * side,
            0.025,
        )
        parts.append(tube(line, 0.028, 4))
    return [one(parts, rows_of("cloth", np.asarray((0.02, 0.02, 0.022), np.float32)))]
