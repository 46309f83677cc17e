"""What grows on the head: which hair, and its colour."""

from __future__ import annotations

import numpy as np
from hpe_edge.training.synthetic.body.head_model import HeadModel, Item
from hpe_edge.training.synthetic.raster.materials import linear_rgb
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

_HAIR_COLOURS = {  # sRGB and how often
    "black": ((22, 19, 18), 0.34),
    "darkbrown": ((48, 33, 24), 0.24),
    "brown": ((88, 60, 40), 0.14),
    "blond": ((176, 142, 98), 0.10),
    "red": ((122, 58, 30), 0.03),
    "grey": ((130, 128, 126), 0.08),
    "white": ((205, 203, 200), 0.04),
    "dyed": ((120, 40, 70), 0.03),
}
_MALE_HAIR = ("short01", "short02", "short03", "short04", "afro01", "long01", "ponytail01")
_FEMALE_HAIR = ("bob01", "bob02", "braid01", "long01", "ponytail01", "short01", "short03", "short04", "afro01")
_HAIR_SHARES = {"bob01": 0.6, "bob02": 0.6, "long01": 2.2, "ponytail01": 1.6}


def sample_hair_colour(age: float, rng: np.random.Generator) -> tuple[str, FloatArray]:
    """Name and linear RGB; grey and white come with age."""
    names = list(_HAIR_COLOURS)
    shares = np.asarray([_HAIR_COLOURS[name][1] for name in names])
    grey = np.asarray([name in ("grey", "white") for name in names])
    shares = np.where(grey, shares * (0.2 if age < 0.6 else 5.0), shares)
    name = names[rng.choice(len(names), p=shares / shares.sum())]
    return name, linear_rgb(_HAIR_COLOURS[name][0]) * np.float32(np.exp(rng.normal(0, 0.25)))


def sample_hair(model: HeadModel, sex: str, rng: np.random.Generator) -> tuple[Item | None, float]:
    """A hair item, and the strength of cropped hair painted on the scalp."""
    if rng.random() < (0.22 if sex == "male" else 0.04):
        return None, float(rng.choice([0.0, 0.5, 0.95], p=(0.35, 0.3, 0.35)))
    names = _MALE_HAIR if sex == "male" else _FEMALE_HAIR
    cropped = 4.0 if sex == "male" else 0.8
    shares = np.asarray([cropped if name.startswith("short") else _HAIR_SHARES.get(name, 1.0) for name in names])
    wanted = names[rng.choice(len(names), p=shares / shares.sum())]
    return next(item for item in model.items["hair"] if item.name == wanted), 0.9
