"""What faces do before a camera: expressions in the proportions of photographs, gaze, lids that follow it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hpe_edge.training.synthetic.people import expression
from hpe_edge.training.synthetic.people.expression import UNIT_NAMES, Range, add_unit
from hpe_edge.training.synthetic.people.pose import Matrix
from hpe_edge.training.synthetic.streams import Dice
from numpy.typing import NDArray

# name -> (share of photographs, {unit: (least, most)})
_REPERTOIRE: dict[str, tuple[float, dict[str, Range]]] = {
    "neutral": (
        0.33,
        {"mouth-compression": (0, 0.12), "mouth-corner-puller": (0, 0.28), "mouth-parling": (-0.15, 0.2)},
    ),
    "smile": (
        0.25,
        {
            "mouth-corner-puller": (0.3, 0.9),
            "mouth-retraction": (0, 0.4),
            "mouth-compression": (0, 0.25),
            "eye-slit": (0, 0.2),
        },
    ),
    "toothy smile": (
        0.24,
        {
            "mouth-upward-retraction": (0.4, 0.85),
            "mouth-corner-puller": (0.15, 0.5),
            "mouth-open": (0, 0.16),
            "mouth-retraction": (0, 0.35),
            "eye-slit": (0, 0.28),
            "nose-elevation": (0, 0.15),
        },
    ),
    "laugh": (
        0.05,
        {
            "mouth-upward-retraction": (0.35, 0.8),
            "mouth-corner-puller": (0.25, 0.7),
            "mouth-open": (0.2, 0.5),
            "eye-slit": (0.15, 0.55),
            "nose-elevation": (0, 0.3),
        },
    ),
    "talk": (0.045, {"mouth-open": (0.05, 0.4), "mouth-pursing": (0, 0.4), "mouth-parling": (0, 0.5)}),
    "surprise": (0.015, {"eyebrows-up": (0.4, 1), "mouth-open": (0.2, 0.7), "eye-opened-up": (0.4, 1)}),
    "shout": (0.005, {"mouth-open": (0.5, 0.75), "mouth-elevation": (0, 0.5), "eye-slit": (0, 0.4)}),
    "anger": (0.012, {"eyebrows-down": (0.4, 1), "mouth-compression": (0.2, 0.8), "eye-slit": (0.1, 0.4)}),
    "sadness": (0.012, {"eyebrows-inner-up": (0.4, 0.9), "mouth-depression": (0.2, 0.8)}),
    "squint": (0.015, {"eye-slit": (0.4, 0.75), "eyebrows-down": (0.1, 0.5), "nose-elevation": (0, 0.4)}),
    "pout": (0.008, {"mouth-eversion": (0.2, 0.7), "mouth-protusion": (0.1, 0.5)}),
    "kiss": (0.008, {"mouth-pursing": (0.6, 1.0), "mouth-compression": (0, 0.2)}),
    "disgust": (0.006, {"nose-elevation": (0.5, 1.0), "mouth-elevation": (0.2, 0.6), "eye-slit": (0.1, 0.4)}),
    "any": (0.014, {}),
}
# MakeHuman's brows frown at rest, most at their inner ends, and its lids hang
_REST = {"eyebrows-inner-up": (0.2, 0.55), "eyebrows-up": (0.0, 0.3), "eye-opened-up": (0.15, 0.5)}
TEETH_DROP_DM = 0.045  # MakeHuman's upper teeth hide behind the lip; smiles show those, not the lower ones
_FARTHEST_TURN = 0.72  # tangent of about 36 degrees: farther the eyes do not turn
_FARTHEST_NOD = 0.42
_MOST_SMILING = ("smile", "toothy smile", "laugh")


@dataclass(frozen=True)
class Act:
    """``weights`` of expression units, ``gaze`` (3,) in head axes with z = 1, ``teeth_drop`` dm."""

    name: str
    weights: dict[str, float]
    gaze: NDArray[np.float32]
    teeth_drop: float = 0.0


def act_of(rotation: Matrix, features: frozenset[str], dice: Dice) -> Act:
    """What a head turned by ``rotation`` does; without the feature "expression" as the first generator had it."""
    if "expression" in features:
        return sample_act(rotation, dice("acting"))
    return Act(*expression.sample_expression(dice("expression")), expression.sample_gaze(dice("gaze")))


def sample_act(rotation: Matrix, rng: np.random.Generator) -> Act:
    """What a head turned by ``rotation`` does."""
    names = list(_REPERTOIRE)
    shares = np.asarray([_REPERTOIRE[name][0] for name in names])
    name = names[rng.choice(len(names), p=shares / shares.sum())]
    units = _REPERTOIRE[name][1]
    if name == "any":
        units = dict.fromkeys(rng.choice(UNIT_NAMES, 4, replace=False), (0.1, 0.7))
    weights: dict[str, float] = {}
    for unit, (least, most) in (*_REST.items(), *units.items()):
        add_unit(weights, unit, rng.uniform(least, most), rng)
    gaze = sample_gaze(rotation, rng)
    _move_lids(name, weights, float(gaze[1]), rng)
    return Act(name, weights, gaze, TEETH_DROP_DM)


def sample_gaze(rotation: Matrix, rng: np.random.Generator) -> NDArray[np.float32]:
    """Mostly into the camera, as far as eyes turn in a head so turned; else ahead or anywhere."""
    where = rng.random()
    towards = rotation.T @ (0.0, 0.0, 1.0)  # the camera, seen from the head
    if where < 0.62 and towards[2] > 0.4:
        x, y = towards[:2] / towards[2] + rng.normal(0, 0.03, 2)
    elif where < 0.85:
        x, y = rng.normal(0, 0.1, 2)
    else:
        x, y = rng.normal(0, 0.35), rng.normal(-0.1, 0.25)
    turned = np.clip(x, -_FARTHEST_TURN, _FARTHEST_TURN), np.clip(y, -_FARTHEST_NOD, _FARTHEST_NOD)
    return np.asarray([*turned, 1.0], np.float32)


def _move_lids(name: str, weights: dict[str, float], upward: float, rng: np.random.Generator) -> None:
    """Blinks, winks, and the upper lid that goes with the eye."""
    draw = rng.random()
    resting = float(np.clip(rng.normal(0.04, 0.06) - 0.75 * min(upward, 0.0), 0.0, 0.6))
    shut = rng.uniform(0.75, 1.0) if draw < (0.06 if name in _MOST_SMILING else 0.045) else None
    winking = str(rng.choice(["left", "right"])) if rng.random() < 0.008 else ""
    for side in ("left", "right"):
        closure = shut if shut is not None else float(rng.uniform(0.85, 1.0)) if side == winking else resting
        weights[f"eye-{side}-closure"] = closure
        lift = f"eye-{side}-opened-up"
        weights[lift] = max(weights.get(lift, 0.0) + max(upward, 0.0), 0.0) if closure < 0.5 else 0.0
        if closure > 0.5:
            weights[f"eye-{side}-slit"] = 0.3 * weights.get(f"eye-{side}-slit", 0.0)
