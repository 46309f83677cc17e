"""Glasses in the shapes people wear: rims or none, thin or thick, clear, tinted, dark, mirrored; worn or pushed up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hpe_edge.training.synthetic.body.head_model import HeadModel
from hpe_edge.training.synthetic.body.landmarks import LANDMARKS_68
from hpe_edge.training.synthetic.raster.materials import material
from hpe_edge.training.synthetic.raster.patterns import MIRRORS
from hpe_edge.training.synthetic.worn.cloth import one
from hpe_edge.training.synthetic.worn.panes import pane
from hpe_edge.training.synthetic.worn.worn import Worn, tube, worn
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

SHAPES = {  # squareness, width / height, teardrop (dm down outside), cat's eye (dm up outside)
    "round": (2.0, 1.03, 0.0, 0.0),
    "oval": (2.2, 1.35, 0.0, 0.0),
    "rectangle": (4.5, 1.6, 0.0, 0.0),
    "wayfarer": (3.6, 1.28, 0.0, 0.04),
    "aviator": (2.5, 1.12, 0.05, 0.0),
    "cat eye": (3.0, 1.35, 0.0, 0.07),
    "shield": (3.0, 1.45, 0.0, 0.0),
}
_RIM = 22
_EYE_X = 0.31  # dm: half the distance between the eyes of the mean face


@dataclass(frozen=True)
class Spectacles:
    """Frame in decimetres; ``through_rgb`` the light let through, ``gradient`` 1: clear at the lower edge."""

    shape: str
    half_width: float
    rim: float  # 0: rimless
    temple: float
    drop: float
    frame_rgb: FloatArray
    through_rgb: FloatArray
    reflectance: float
    gradient: float
    mirror: str
    bow: float  # curvature of the lenses, 1 / dm
    pushed_up: bool = False

    @property
    def dark(self) -> bool:
        """Whether they are sunglasses."""
        return float(self.through_rgb.max()) < 0.45


def sample_spectacles(rng: np.random.Generator, *, sun: bool, pushed_up: bool = False) -> Spectacles:
    """Clear or dark glasses of any common shape."""
    names = list(SHAPES)
    odds = (0.1, 0.1, 0.08, 0.28, 0.2, 0.12, 0.12) if sun else (0.16, 0.2, 0.36, 0.16, 0.04, 0.08, 0.0)
    shape = names[rng.choice(len(names), p=odds)]
    thickness = float(rng.choice([0.0, 0.011, 0.018, 0.03, 0.042], p=(0.08, 0.32, 0.25, 0.22, 0.13)))
    grey = float(rng.uniform(0.003, 0.06) if rng.random() < 0.6 else rng.uniform(0.05, 0.6))
    hue = np.exp(rng.normal(0, 0.15 if rng.random() < 0.7 else 0.8, 3))
    through = np.asarray((0.95, 0.95, 0.95)) - rng.uniform(0, 0.05, 3)
    if sun:
        tint = np.asarray([(0.6, 0.6, 0.6), (0.75, 0.55, 0.35), (0.5, 0.65, 0.5), (0.5, 0.5, 0.8)])[rng.integers(4)]
        through = tint * np.exp(rng.uniform(np.log(0.02), np.log(0.5)))
    coated = sun and rng.random() < 0.3
    return Spectacles(
        shape=shape,
        half_width=float(rng.uniform(0.25, 0.32) if sun else rng.uniform(0.21, 0.28)),
        rim=thickness,
        temple=float(max(0.014, thickness * rng.uniform(0.7, 1.3)) if rng.random() < 0.8 else 0.05),
        drop=float(rng.uniform(-0.01, 0.07)),
        frame_rgb=np.asarray(grey * hue, np.float32),
        through_rgb=np.asarray(through, np.float32),
        reflectance=float(rng.uniform(0.2, 0.6) if coated else rng.uniform(0.04, 0.12)),
        gradient=float(rng.uniform(0.4, 1.0)) if sun and rng.random() < 0.35 else 0.0,
        mirror=str(rng.choice(MIRRORS)),
        bow=float(rng.uniform(0.3, 1.4) if sun else rng.uniform(0.15, 0.7)),
        pushed_up=pushed_up,
    )


def build_spectacles(model: HeadModel, glasses: Spectacles, neutral: FloatArray, hair: float) -> list[Worn]:
    """Frame and lenses on the wearer's own bridge and ears; ``hair`` dm of hair below pushed-up ones."""
    points = neutral[LANDMARKS_68]
    front = float(max(points[27, 2] + 0.03, points[19, 2] - 0.02, points[24, 2] - 0.02)) + 0.04
    rims = [_rim(glasses, points[36:42].mean(0), front, -1.0), _rim(glasses, points[42:48].mean(0), front, 1.0)]
    parts, lenses = [], []
    for side, outline, ear in ((-1.0, rims[0], points[0]), (1.0, rims[1], points[16])):
        if glasses.rim > 0:
            parts.append(tube(np.concatenate([outline, outline[:2]]), glasses.rim, 5))
        outer = outline[np.argmax(side * outline[:, 0] + 0.3 * outline[:, 1])]
        hinge = np.asarray([side * max(abs(outer[0]) + 0.03, abs(ear[0]) - 0.02), outer[1] + 0.02, front - 0.1])
        over_ear = np.asarray([side * (abs(ear[0]) + 0.05), ear[1] + 0.1, ear[2] - 0.12])
        behind = over_ear + np.asarray((0.0, -0.2, -0.12))
        parts.append(tube(np.stack([outer, hinge, over_ear, behind]), glasses.temple, 5))
        lenses.append(_lens(model, glasses, outline))
    inner = [
        rims[0][np.argmax(rims[0][:, 0] + 0.4 * rims[0][:, 1])],
        rims[1][np.argmin(rims[1][:, 0] - 0.4 * rims[1][:, 1])],
    ]
    middle = (inner[0] + inner[1]) / 2 + np.asarray((0, 0.03, 0.03))
    parts.append(tube(np.stack([inner[0], middle, inner[1]]), max(glasses.rim, 0.014), 5))
    row = material(model.white, tuple(glasses.frame_rgb.tolist()), specular=0.3, shininess=45)
    made = [one(parts, row), *lenses]
    return [_push_up(thing, points, hair) for thing in made] if glasses.pushed_up else made


def _rim(glasses: Spectacles, eye: FloatArray, front: float, side: float) -> FloatArray:
    """A superellipse round the eye (_RIM, 3), pulled out of shape, bowed backwards to the temples."""
    square, ratio, tear, cat = SHAPES[glasses.shape]
    half = glasses.half_width * float(np.clip(abs(eye[0]) / _EYE_X, 0.8, 1.1))  # children wear smaller ones
    angle = np.linspace(0, 2 * np.pi, _RIM, endpoint=False)
    power = 2.0 / square
    x = half * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** power
    y = half / ratio * np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** power
    outside = np.clip(side * x / half, -1, 1)
    y = y - tear * outside * (y < 0) - tear * 0.5 * (y < 0) + cat * np.clip(outside, 0, 1) ** 2 * (y > 0)
    if glasses.shape == "shield":
        x = x - side * 0.06 * (outside < -0.3)
    x = x + eye[0] + side * 0.01
    return np.stack([x, y + eye[1] - glasses.drop, front - 0.25 * x**2], 1).astype(np.float32)


def _lens(model: HeadModel, glasses: Spectacles, outline: FloatArray) -> Worn:
    """Three rings of points within the outline, bulging forward, with the normals of a sphere."""
    centre = outline.mean(0)
    shares = np.asarray([0.02, 0.5, 1.0], np.float32)[:, None, None]
    grid = centre + (outline - centre) * shares
    ring = np.concatenate([grid, grid[:, :1]], 1)
    rel = (ring - centre).reshape(-1, 3)
    normals = np.stack([rel[:, 0] * glasses.bow + centre[0] * 0.45, rel[:, 1] * glasses.bow, np.ones(len(rel))], 1)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    columns = ring.shape[1]
    index = np.arange(3 * columns).reshape(3, columns)
    a, b, c, d = (part.reshape(-1) for part in (index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]))
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    lens = worn(
        ring.reshape(-1, 3), np.zeros((3 * columns, 2), np.float32), faces,
        pane(model.patterns[glasses.mirror], glasses.through_rgb, glasses.reflectance, 400.0),
        shading=normals.astype(np.float32),
    )  # fmt: skip
    height = rel[:, 1] / (np.abs(rel[:, 1]).max() + 1e-6)
    lens.paint[:, 3] = np.clip(1 - glasses.gradient * np.clip(0.5 - 0.7 * height, 0, 1), 0, 1)
    return lens


def _push_up(thing: Worn, points: FloatArray, hair: float) -> Worn:
    """Turn a thing up onto the hair round the line through both ears."""
    pivot = (points[0] + points[16]) / 2 + np.asarray((0, 0.12, -0.2))
    angle = np.radians(48)
    turn = np.asarray([[1, 0, 0], [0, np.cos(angle), np.sin(angle)], [0, -np.sin(angle), np.cos(angle)]], np.float32)
    moved = (thing.positions - pivot) @ turn.T
    thing.positions[:] = moved * (1 + hair) + pivot
    if thing.shading is not None:
        thing.shading[:] = thing.shading @ turn.T
    return thing
