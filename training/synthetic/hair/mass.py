"""Hair that is a mass rather than locks: curls on the head, knots, and the assets' hair pulled into other shapes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from hpe_edge.training.synthetic.body.dome import CENTRE, Dome, grid_angles
from hpe_edge.training.synthetic.worn.worn import Worn, ellipsoid, sheet, tube, worn
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

_SHELLS = (1.0, 0.7, 0.4)  # outermost first: it hides most of the others


@dataclass(frozen=True)
class Reshape:
    """How a hair of the assets is altered: ``length`` and ``volume`` are factors, ``wind`` dm a dm below the ears."""

    mirror: bool
    length: float
    volume: float
    wind: tuple[float, float]

    def offsets(self, positions: FloatArray) -> FloatArray:
        """What to add to fitted positions (V, 3)."""
        moved = positions.copy()
        if self.mirror:
            moved[:, 0] = -moved[:, 0]
        around = moved - CENTRE
        hanging = np.maximum(-0.25 - around[:, 1], 0)
        around[:, 1] -= hanging * np.float32(self.length - 1)
        crown = np.clip((around[:, 1] + 0.3) / 0.4, 0, 1) * np.float32(self.volume - 1)
        around[:, (0, 2)] *= 1 + 0.7 * crown[:, None]
        around[:, 1] *= 1 + 0.6 * crown
        around[:, 0] += self.wind[0] * hanging
        around[:, 2] += self.wind[1] * hanging
        return np.asarray(around + CENTRE - positions, np.float32)


def sample_reshape(rng: np.random.Generator) -> Reshape:
    """Half of them mirrored, so that a parting lies on either side."""
    windy = rng.random() < 0.15
    return Reshape(
        mirror=bool(rng.random() < 0.5),
        length=float(np.exp(rng.normal(0, 0.3))),
        volume=float(np.clip(rng.normal(1.05, 0.08), 0.97, 1.3)),
        wind=(float(rng.normal(0, 0.35)), float(rng.normal(0, 0.35))) if windy else (0.0, 0.0),
    )


def bald_share(mean: FloatArray, thinning: float) -> FloatArray:
    """Share of bare scalp (B,) by place on the mean face: temples first, then the crown, last a wreath is left."""
    around = mean - CENTRE
    polar = np.arccos(np.clip(around[:, 1] / (np.linalg.norm(around, axis=1) + 1e-6), -1, 1))
    azimuth = np.abs(np.arctan2(around[:, 0], around[:, 2]))
    front = np.clip((1.25 - azimuth) / 0.3, 0, 1) * np.clip((polar - (0.95 - 1.2 * thinning)) / 0.15, 0, 1)
    temple = np.exp(-(((azimuth - 0.75) / 0.3) ** 2)) * np.clip((polar - (1.0 - 0.9 * thinning)) / 0.15, 0, 1)
    crown = np.clip((1.45 * thinning - 0.35 - polar) / 0.25, 0, 1)
    return np.asarray(np.maximum(np.maximum(front, temple), crown) * min(1.0, 3 * thinning), np.float32)


def curly_mass(dome: Dome, scalp: FloatArray, thickness: float, row: FloatArray, rng: np.random.Generator) -> Worn:
    """Shells of curls round the scalp (ROWS, COLUMNS): thick in the middle, none at the hairline."""
    polar, azimuth = (angles[:, ::2] for angles in grid_angles())
    wide = cv2.GaussianBlur(np.concatenate([scalp[:, -6:], scalp, scalp[:, :6]], 1), (0, 0), 2.0)[:, 6:-6:2]
    rise = np.sqrt(np.clip((wide - 0.35) / 0.45, 0, 1))
    parts = []
    for share in _SHELLS:
        bumps = cv2.GaussianBlur(rng.normal(size=wide.shape).astype(np.float32), (0, 0), 1.0)
        gap = thickness * share * rise * (1 + 0.5 * bumps / bumps.std() * 0.3) + 0.01
        vertices, uv, faces = sheet(dome.place(polar, azimuth, gap), closed=True)
        uv = np.stack([uv[:, 0], 1 - uv[:, 1]], 1) * (1.0, 0.8) + (0.0, 0.2 * rng.random())
        hairy = np.concatenate([wide, wide[:, :1]], 1).reshape(-1) > 0.42
        faces = faces[hairy[faces].all(1)]
        used = int(faces.max()) + 1 if len(faces) else 1  # nothing grows below
        parts.append((vertices[:used], uv[:used], faces, np.full(used, 0.3 + 0.7 * share)))
    return _joined(parts, row)


def knot_of_hair(centre: FloatArray, size: float, row: FloatArray, rng: np.random.Generator) -> Worn:
    """A bun: an uneven ellipsoid of fibres."""
    axes = np.diag(size * rng.uniform(0.8, 1.15, 3)).astype(np.float32)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    vertices, uv, faces = ellipsoid(centre, (axes @ turn).astype(np.float32))
    vertices = vertices + rng.normal(0, 0.012, vertices.shape)
    return worn(vertices, uv, faces, row, shading=_away(vertices, centre), occlusion=0.8)


def plait(start: FloatArray, end: FloatArray, size: float, row: FloatArray) -> Worn:
    """A plait from ``start`` to ``end`` (3,): strands that cross show as bulges to either side."""
    share = np.linspace(0, 1, 34, dtype=np.float32)[:, None]
    line = start * (1 - share) + end * share
    line[:, 2] += 0.12 * np.sin(np.pi * share[:, 0])
    line[:, 0] += 0.3 * size * np.sin(share[:, 0] * 34)
    radius = size * (1 + 0.22 * np.abs(np.sin(share[:, 0] * 34))) * np.where(share[:, 0] > 0.93, 0.6, 1.0)
    vertices, uv, faces = tube(line, radius, 7)
    made = worn(vertices, uv, faces, row, occlusion=0.8)
    made.headness[:] = np.clip((vertices[:, 1] - 5.5) / 1.0, 0, 1)
    return made


def _away(points: FloatArray, centre: FloatArray) -> FloatArray:
    rel = points - centre
    return np.asarray(rel / (np.linalg.norm(rel, axis=1, keepdims=True) + 1e-6), np.float32)


def _joined(parts: list[tuple[FloatArray, FloatArray, NDArray[np.int32], FloatArray]], row: FloatArray) -> Worn:
    first = np.cumsum([0, *(len(part[0]) for part in parts)])
    vertices = np.concatenate([part[0] for part in parts])
    return worn(
        vertices,
        np.concatenate([part[1] for part in parts]),
        np.concatenate([part[2] + start for part, start in zip(parts, first, strict=False)]),
        row,
        occlusion=np.concatenate([part[3] for part in parts]).astype(np.float32),
    )
