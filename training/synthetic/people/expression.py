"""Facial expressions as weights of MakeHuman's 34 expression units."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Range = tuple[float, float]

# name -> (how often, {unit: (least, most)}); a unit named without side moves both sides alike
_REPERTOIRE: dict[str, tuple[float, dict[str, Range]]] = {
    "neutral": (0.34, {"mouth-compression": (0, 0.12), "mouth-corner-puller": (0, 0.15)}),
    "smile": (0.13, {"mouth-corner-puller": (0.3, 0.9), "eye-slit": (0, 0.35), "nose-elevation": (0, 0.2)}),
    "toothy smile": (
        0.18,
        {
            "mouth-corner-puller": (0.5, 1.0),
            "mouth-parling": (0.3, 0.8),
            "mouth-open": (0.03, 0.25),
            "eye-slit": (0.1, 0.5),
            "mouth-elevation": (0, 0.4),
        },
    ),
    "laugh": (0.06, {"mouth-corner-puller": (0.6, 1.0), "mouth-open": (0.3, 0.8), "eye-slit": (0.3, 0.8)}),
    "talk": (0.10, {"mouth-open": (0.05, 0.5), "mouth-pursing": (0, 0.4), "mouth-parling": (0, 0.5)}),
    "surprise": (0.03, {"eyebrows-up": (0.4, 1), "mouth-open": (0.2, 0.9), "eye-opened-up": (0.3, 1)}),
    "anger": (0.03, {"eyebrows-down": (0.4, 1), "mouth-compression": (0.2, 0.8), "eye-slit": (0.1, 0.5)}),
    "sadness": (0.04, {"eyebrows-inner-up": (0.4, 1), "mouth-depression": (0.2, 0.8)}),
    "pout": (0.02, {"mouth-pursing": (0.3, 1.0), "mouth-protusion": (0.2, 0.8)}),
    "any": (0.07, {}),
}
_SIDED = ("eye", "eyebrows", "nose-dilatation", "nose-elevation")
UNIT_NAMES = [
    "eye-slit",
    "eye-opened-up",
    "eyebrows-down",
    "eyebrows-extern-up",
    "eyebrows-inner-up",
    "eyebrows-up",
    "mouth-compression",
    "mouth-corner-puller",
    "mouth-depression",
    "mouth-elevation",
    "mouth-eversion",
    "mouth-open",
    "mouth-parling",
    "mouth-part-later",
    "mouth-protusion",
    "mouth-pursing",
    "mouth-retraction",
    "mouth-upward-retraction",
    "nose-compression",
    "nose-dilatation",
    "nose-elevation",
]
# MakeHuman's neutral face scowls a little; lifted brows undo it
_REST = {"eyebrows-up": (0.05, 0.3), "eyebrows-inner-up": (0.0, 0.2)}


def sample_expression(rng: np.random.Generator) -> tuple[str, dict[str, float]]:
    """A name and unit weights (sided units in full, e.g. ``eye-left-slit``)."""
    names = list(_REPERTOIRE)
    shares = np.asarray([_REPERTOIRE[name][0] for name in names])
    name = names[rng.choice(len(names), p=shares / shares.sum())]
    units: dict[str, Range] = dict(_REPERTOIRE[name][1])
    if name == "any":
        units = dict.fromkeys(rng.choice(UNIT_NAMES, 4, replace=False), (0.1, 0.8))
    weights: dict[str, float] = {}
    for unit, (least, most) in (*_REST.items(), *units.items()):
        add_unit(weights, unit, rng.uniform(least, most), rng)
    _close_eyes(weights, rng)
    return name, weights


def sample_gaze(rng: np.random.Generator) -> NDArray[np.float32]:
    """Where the eyes look (3,), in head axes."""
    return np.asarray([*rng.normal(0, 0.18, 2), 1.0], np.float32)


def _close_eyes(weights: dict[str, float], rng: np.random.Generator) -> None:
    draw = rng.random()
    closure = rng.uniform(0.7, 1.0) if draw < 0.07 else rng.uniform(0.0, 0.35)
    sides = ("left", "right") if rng.random() > 0.02 else (str(rng.choice(["left", "right"])),)
    for side in sides:
        weights[f"eye-{side}-closure"] = closure


def add_unit(weights: dict[str, float], unit: str, weight: float, rng: np.random.Generator) -> None:
    """Add to a unit's weight; a unit named without side moves both, a little unevenly."""
    if not unit.startswith(_SIDED):
        weights[unit] = weights.get(unit, 0.0) + weight
        return
    part, action = unit.split("-", 1)
    for side in ("left", "right"):
        name = f"{part}-{side}-{action}"
        uneven = 1 + 0.15 * rng.normal()
        weights[name] = weights.get(name, 0.0) + weight * uneven
