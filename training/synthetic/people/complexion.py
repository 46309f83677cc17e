"""A person's skin in detail: folds by age, lips and brows by tone, spots, flush, gloss, make-up on the lids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from hpe_edge.training.synthetic.people.face_paint import sample_face_paint
from hpe_edge.training.synthetic.people.folds import FOLD_NAMES
from hpe_edge.training.synthetic.people.pose import Matrix
from hpe_edge.training.synthetic.people.skin import Skin
from hpe_edge.training.synthetic.raster.materials import (
    M_BLOTCHES,
    M_CIRCLES,
    M_DETAIL,
    M_FLUSH,
    M_FOLDS,
    M_FRECKLES,
    M_LID,
    M_LID_SHARE,
    M_LINER,
    M_LIPS,
    M_MOLES,
    M_OIL,
    M_PORES,
    M_SCATTER,
    M_SHIFT,
    M_SHININESS,
    M_SPECULAR,
    M_THIN,
    M_TURN,
    M_WRAP,
    MATERIAL_COLUMNS,
    Texture,
    material,
)
from hpe_edge.training.synthetic.raster.skin import MAP_SIDE
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

# how strongly an expression unit folds the skin: forehead, frown, crow's feet, nasolabial, marionette
_FOLDED_BY = {
    "eyebrows-left-up": (0.35, 0, 0, 0, 0),
    "eyebrows-right-up": (0.35, 0, 0, 0, 0),
    "eyebrows-left-down": (0, 0.4, 0, 0, 0),
    "eyebrows-right-down": (0, 0.4, 0, 0, 0),
    "eye-left-slit": (0, 0.05, 0.35, 0, 0),
    "eye-right-slit": (0, 0.05, 0.35, 0, 0),
    "mouth-corner-puller": (0, 0, 0.2, 0.5, 0.05),
    "mouth-upward-retraction": (0, 0, 0.2, 0.7, 0.05),
    "mouth-retraction": (0, 0, 0, 0.4, 0.3),
    "mouth-depression": (0, 0, 0, 0.1, 0.5),
    "nose-left-elevation": (0, 0.15, 0, 0.2, 0),
    "nose-right-elevation": (0, 0.15, 0, 0.2, 0),
}
_REST_AS_LIFTED = 0.25  # of the brows: the rest pose of acting.py, which folds nobody's forehead


@dataclass(frozen=True)
class Complexion:
    """``row`` holds the skin's own columns of a material; ``folds`` (5,) at rest, ``pliable`` how far faces crease."""

    row: FloatArray
    folds: FloatArray
    pliable: float
    brow_limit_rgb: FloatArray
    eye_rgb: FloatArray  # gain on the eye's texture
    iris_scale: float  # MakeHuman's irises are large for a grown person's lids
    lashes: float  # opacity
    teeth_rgb: FloatArray
    face_paint: str  # a pattern of face_paint.py, "" for none


def sample_complexion(
    skin_map: Texture,
    skin: Skin,
    albedo: FloatArray,
    sex: str,
    age: float,
    tone: float,
    make_up: float,
    rng: np.random.Generator,
) -> Complexion:
    """Draw a complexion for a face of linear ``albedo`` (3,); ``age`` 0 to 1, ``tone`` 0 to 9, ``make_up`` 0 to 1."""
    row = np.zeros(MATERIAL_COLUMNS, np.float32)
    row[M_DETAIL] = skin_map.offset
    dark = tone / 9
    grown = float(np.clip((age - 0.3) / 0.2, 0, 1))
    powder = 1 - 0.6 * make_up
    lips, rouge = _lips(dark, sex, rng), _lipstick(rng) * (1 - 0.4 * dark) / albedo
    painted = np.clip(1.3 * make_up * rng.uniform(0, 1), 0, 0.95)
    row[M_LIPS : M_LIPS + 3] = (lips * (1 - painted) + rouge * painted) / skin.lips
    row[[M_OIL, M_THIN, M_SCATTER]] = rng.uniform(0.5, 3.0) * powder * (0.4 + 0.6 * grown), 1 - 0.6 * dark, 1.0
    row[M_FLUSH] = max(0.0, rng.normal(0.45, 0.3)) * (1 - 0.75 * dark) + 0.7 * make_up * rng.random()
    row[M_FRECKLES] = rng.uniform(0.2, 0.9) if rng.random() < 0.22 * (1 - dark) else 0.0
    row[M_BLOTCHES] = rng.uniform(0.1, 0.8) * powder * (0.5 + age) * (1 - 0.4 * dark)
    row[M_MOLES] = rng.uniform(0.3, 1.0) if rng.random() < 0.35 * grown else 0.0
    row[M_PORES] = rng.uniform(0.0, 0.35) * powder * grown * (1.2 if sex == "male" else 0.7)
    row[M_CIRCLES] = max(0.0, rng.normal(0.35, 0.3)) * powder * (0.4 + 0.8 * age)
    row[M_SHIFT : M_SHIFT + 2] = rng.integers(0, MAP_SIDE, 2)
    row[M_LINER] = rng.uniform(0, 0.95) * min(1.0, 1.5 * make_up)
    shadow = rng.uniform(0.02, 0.35, 3) if rng.random() < 0.35 else albedo * rng.uniform(0.2, 0.7)
    row[M_LID : M_LID + 3] = shadow
    row[M_LID_SHARE] = rng.uniform(0, 0.9) * make_up
    white = np.asarray((0.62, 0.58, 0.55)) * rng.uniform(0.8, 1.1) * np.exp(rng.normal(0, 0.05, 3))
    yellow = float(rng.beta(1.2, 3.0)) * (0.5 + 0.7 * age)
    return Complexion(
        row=row,
        folds=_folds(age, sex, rng),
        pliable=0.25 + 0.75 * age,
        brow_limit_rgb=np.asarray(0.35 * albedo, np.float32),
        eye_rgb=np.asarray(white, np.float32),
        iris_scale=float(rng.uniform(0.76, 0.86) + 0.1 * (1 - grown)),
        face_paint=sample_face_paint(rng),
        teeth_rgb=np.asarray((1.2, 1.15 - 0.28 * yellow, 1.08 - 0.65 * yellow), np.float32),
        lashes=float(rng.uniform(0.35, 0.65) + 0.35 * make_up),
    )


def _lips(dark: float, sex: str, rng: np.random.Generator) -> FloatArray:
    """Colour of lips over that of the skin: red on light faces, brown or darker than the skin on dark ones."""
    light = np.asarray((0.86, 0.52, 0.58)) if sex == "female" else np.asarray((0.82, 0.60, 0.62))
    deep = np.asarray((0.62, 0.56, 0.66)) if rng.random() < 0.6 else np.asarray((1.0, 0.72, 0.85))
    return np.asarray((light * (1 - dark) + deep * dark) * np.exp(rng.normal(0, 0.1)), np.float32)


def _lipstick(rng: np.random.Generator) -> FloatArray:
    """Linear RGB: reds, pinks, browns of bare lips, berries, now and then nearly black."""
    shades = ((0.42, 0.02, 0.03), (0.55, 0.14, 0.18), (0.36, 0.15, 0.11), (0.22, 0.015, 0.05), (0.04, 0.01, 0.015))
    shade = shades[rng.choice(len(shades), p=(0.3, 0.3, 0.22, 0.14, 0.04))]
    return np.asarray(np.asarray(shade) * np.exp(rng.normal(0, 0.2, 3)), np.float32)


def _folds(age: float, sex: str, rng: np.random.Generator) -> FloatArray:
    """Strength at rest: hardly any at 25, plain at 45, deep at 75."""
    old = np.clip((age - np.asarray((0.52, 0.56, 0.54, 0.40, 0.58))) / 0.38, 0, 1.2)
    weathered = np.exp(rng.normal(0, 0.35)) * (1.1 if sex == "male" else 0.9)
    own = np.exp(rng.normal(0, 0.3, len(FOLD_NAMES)))
    return np.asarray(np.minimum(old * weathered * own, 1.4), np.float32)


def folds_of(complexion: Complexion, weights: Mapping[str, float]) -> FloatArray:
    """Strengths (5,) of the folds of a face that does an expression."""
    strength = complexion.folds.copy()
    for unit, folded in _FOLDED_BY.items():
        weight = weights.get(unit, 0.0)
        if unit.endswith("-up"):
            weight -= _REST_AS_LIFTED
        strength += np.asarray(folded, np.float32) * max(weight, 0.0) * complexion.pliable
    return np.minimum(strength, 1.6)


def skin_row(row: FloatArray, complexion: Complexion, rng: np.random.Generator) -> FloatArray:
    """A skin's material with its complexion."""
    full = row.copy()
    full[M_DETAIL:] = complexion.row[M_DETAIL:]
    full[M_WRAP] = rng.uniform(0.22, 0.42)
    full[[M_SPECULAR, M_SHININESS]] = rng.uniform(0.02, 0.07), np.exp(rng.uniform(np.log(14), np.log(60)))
    return full


def wet_eye(texture: Texture, complexion: Complexion) -> FloatArray:
    """An eye's material: a small hard glint of each lamp."""
    gain = complexion.eye_rgb
    return material(texture, gain, cull=True, smooth=True, specular=7.0, shininess=900)


def enamel(texture: Texture, complexion: Complexion) -> FloatArray:
    """Teeth: never whiter than paper, yellower in some."""
    return material(texture, complexion.teeth_rgb, specular=0.15, shininess=40, wrap=0.3, cull=True)


def shade_of_lids(eyeball: FloatArray) -> FloatArray:
    """Open sky (V,) over an eyeball (V, 3): the upper lid and its lashes shade what lies under them."""
    height = (eyeball[:, 1] - eyeball[:, 1].mean()) / np.ptp(eyeball[:, 1])
    return np.asarray(np.interp(height, (-0.2, 0.05, 0.3), (0.72, 0.6, 0.22)), np.float32)


def posed_row(row: FloatArray, folds: FloatArray, rotation: Matrix) -> FloatArray:
    """The material as seen in a picture: the head turned by ``rotation``, the face folded by its expression."""
    full = row.copy()
    full[M_TURN : M_TURN + 9] = rotation.reshape(-1)
    full[M_FOLDS : M_FOLDS + 5] = folds
    return full
