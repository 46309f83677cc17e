"""What lies on the skin without a mesh of its own: cropped hair, stubble, make-up, face paint, thin cloth."""

from __future__ import annotations

import numpy as np
from hpe_edge.training.synthetic.body.head_model import HeadModel
from hpe_edge.training.synthetic.hair.style import scalp_of
from hpe_edge.training.synthetic.people.beard import beard_region
from hpe_edge.training.synthetic.people.face_paint import face_paint
from hpe_edge.training.synthetic.people.identity import Identity
from hpe_edge.training.synthetic.raster.drawable import PAINT_COLUMNS
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


def paint_of(model: HeadModel, identity: Identity, rng: np.random.Generator) -> FloatArray:
    """Colours over the skin texture on base vertices: cropped hair, beard, make-up, cloth. (B, 5)"""
    masks = model.masks
    paint = np.zeros((len(model.base), PAINT_COLUMNS), np.float32)
    stubble = identity.hair_rgb * 0.7 + 0.02
    _over(paint, identity.hair_rgb * 0.8 + 0.01, _scalp(model, identity) * identity.buzz, 0.6)
    hairy = np.clip(masks.beard * identity.beard + masks.moustache * identity.moustache, 0, 1)
    if identity.facial_hair is not None:
        stubble = identity.facial_hair.rgb * 0.8
        hairy = beard_region(identity.facial_hair.style, *model.mean.astype(np.float64).T).astype(np.float32)
        hairy = hairy * np.float32(min(0.8, 0.85 * identity.facial_hair.density))
    _over(paint, stubble, hairy * 0.95, 1.0)
    if identity.complexion is not None and identity.complexion.face_paint:
        for rgb, opacity in face_paint(identity.complexion.face_paint, model.mean, masks.face, rng):
            _over(paint, rgb.astype(np.float32), opacity.astype(np.float32), 0.0)
    if identity.make_up and identity.complexion is None:
        lip = np.asarray(rng.uniform((0.12, 0.005, 0.01), (0.5, 0.09, 0.1)), np.float32)
        shadow = rng.uniform(0.01, 0.3, 3).astype(np.float32)
        _over(paint, lip, masks.lips * identity.make_up * 0.7, 0.0)
        _over(paint, shadow, masks.eye_shadow * identity.make_up * 0.5, 0.0)
    region = {"beanie": masks.beanie, "hood": masks.hood, "face mask": masks.face_mask, "scarf": masks.scarf}.get(
        identity.cover
    )
    if region is not None:
        _over(paint, identity.cover_rgb, region, 0.0)
    return paint


def _scalp(model: HeadModel, identity: Identity) -> FloatArray:
    return model.masks.scalp if identity.style is None else scalp_of(model, identity.style)


def _over(paint: FloatArray, rgb: FloatArray, opacity: FloatArray, speckle: float) -> None:
    index = np.flatnonzero(opacity > 0)
    under, share = paint[index], opacity[index, None]
    fresh = under[:, 3] == 0
    under[:, :3] = np.where(fresh[:, None], rgb, rgb * share + under[:, :3] * (1 - share))
    under[:, 4] = np.where(opacity[index] > under[:, 3], speckle, under[:, 4])
    under[:, 3] = 1 - (1 - under[:, 3]) * (1 - opacity[index])
    paint[index] = under


def lift_of(model: HeadModel, identity: Identity, rng: np.random.Generator) -> FloatArray:
    """Outward shift (B,) in dm of skin vertices that cloth, cropped hair or a beard covers."""
    masks = model.masks
    lift = masks.beard * max(identity.beard - 0.5, 0) * rng.uniform(0.0, 0.3)
    if identity.facial_hair is not None:
        lift = np.zeros_like(lift)
    lift = lift + masks.scalp * (0.02 if identity.buzz > 0.6 and identity.hair is None else 0.0)
    if identity.cover == "beanie":
        lift = lift + masks.beanie * rng.uniform(0.06, 0.18)
    elif identity.cover == "hood":
        lift = lift + masks.hood * rng.uniform(0.08, 0.2)
    elif identity.cover == "face mask":
        lift = lift + masks.face_mask * 0.05
    elif identity.cover == "scarf":
        lift = lift + masks.scarf * rng.uniform(0.15, 0.35)
    return np.asarray(lift, np.float32)
