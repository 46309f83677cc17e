"""What comes between camera and face: the person's own hands, other people's, and things."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from hpe_edge.training.synthetic.body.head_model import HeadModel
from hpe_edge.training.synthetic.camera.pinhole import Camera
from hpe_edge.training.synthetic.occlusion.arms import FacedSurface, Owner, draw_hand, lay_hand
from hpe_edge.training.synthetic.occlusion.foreground import VIEWS
from hpe_edge.training.synthetic.occlusion.gestures import GESTURES, Gesture
from hpe_edge.training.synthetic.occlusion.holding import ACTS
from hpe_edge.training.synthetic.occlusion.stage import Stage
from hpe_edge.training.synthetic.people.figure import Figure
from hpe_edge.training.synthetic.people.identity import Identity
from hpe_edge.training.synthetic.people.posing import PosedFigure
from hpe_edge.training.synthetic.raster.drawable import Drawable
from hpe_edge.training.synthetic.raster.materials import M_WRAP, material
from hpe_edge.training.synthetic.streams import Dice
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

SHARE = 0.14  # of the pictures
_GAP_DM = 0.02
KINDS = ("own hand", "act", "view")
_KIND_SHARES = (0.4, 0.33, 0.27)


@dataclass(frozen=True)
class Occlusion:
    """Things before the face: their name for the attributes, what to draw with the person, and how far out of
    focus that is (share of the picture's side)."""

    name: str
    parts: tuple[Drawable, ...]
    blur: float = 0.0
    left_open: FloatArray | None = None  # of the sky over the skin's drawn vertices: hands keep light off

    def over(self, person: Drawable) -> Drawable:
        """The person with the skin darker where a hand lies on it."""
        if self.left_open is None:
            return person
        open_sky = person.occlusion.copy()
        open_sky[: len(self.left_open)] *= self.left_open  # the skin comes first in a figure
        return replace(person, occlusion=open_sky)

    @property
    def faces(self) -> int:
        """How many triangles all of it has."""
        return sum(len(part.faces) for part in self.parts)


NOTHING = Occlusion("", ())


def sample_occlusion(model: HeadModel, figure: Figure, posed: PosedFigure, camera: Camera, dice: Dice) -> Occlusion:
    """Nothing in most pictures."""
    rng = dice("occluder")
    if rng.random() > SHARE:
        return NOTHING
    kind = KINDS[rng.choice(len(KINDS), p=_KIND_SHARES)]
    return occlusion_of(kind, model, figure, posed, camera, rng)


def occlusion_of(
    kind: str, model: HeadModel, figure: Figure, posed: PosedFigure, camera: Camera, rng: np.random.Generator
) -> Occlusion:
    """One occlusion of a kind of ``KINDS``."""
    if kind == "own hand":
        shares = np.asarray([gesture.share for gesture in GESTURES])
        gesture = GESTURES[rng.choice(len(GESTURES), p=shares / shares.sum())]
        return own_hands(model, figure, posed, camera, gesture, rng)
    right = bool(rng.random() < 0.5)
    surface = FacedSurface.of(posed.base, model)
    stage = Stage(model, own_hand(model, figure, rng), surface.mirrored() if right else surface, right, camera, rng)
    table = ACTS if kind == "act" else VIEWS
    shares = np.asarray([share for share, _ in table])
    name, parts = table[rng.choice(len(table), p=shares / shares.sum())][1](stage)
    return Occlusion(name, tuple(parts), _blur(name, rng))


def _blur(name: str, rng: np.random.Generator) -> float:
    """Things near the lens are often out of focus."""
    if name == "blur":
        return float(rng.uniform(0.02, 0.08))
    soft = {"bars": 0.6, "leaves": 0.5, "hand to the lens": 0.4}.get(name, 0.0)
    return float(rng.uniform(0.004, 0.035)) if rng.random() < soft else 0.0


def own_hands(
    model: HeadModel,
    figure: Figure,
    posed: PosedFigure,
    camera: Camera,
    gesture: Gesture,
    rng: np.random.Generator,
) -> Occlusion:
    """A gesture with one of the person's hands, or both."""
    owner = own_hand(model, figure, rng)
    right = bool(rng.random() < 0.5)
    sides = (right, not right) if rng.random() < gesture.both else (right,)
    surface = FacedSurface.of(posed.base, model)
    parts, left_open = [], np.ones(len(posed.base), np.float32)
    for side in sides:
        head = surface.mirrored() if side else surface
        laid = lay_hand(model.hand, owner, gesture, head, _GAP_DM, rng)
        parts.append(draw_hand(model.hand, owner, laid.points, laid.open_sky, side, camera, head.shoulders[0]))
        left_open = np.minimum(left_open, laid.left_open)
    return Occlusion(gesture.name, tuple(parts), left_open=left_open[model.skin.source])


def own_hand(model: HeadModel, figure: Figure, rng: np.random.Generator) -> Owner:
    """The hand of the person themselves: shape, skin, and a sleeve of the clothes' colour."""
    identity = figure.identity
    cloth = material(model.white, _cloth_rgb(model, identity), wrap=0.1)
    sleeved = identity.clothes is not None and rng.random() < 0.55
    skin = figure.materials[0]
    bare = material(model.white, identity.skin_gain * identity.skin.mean, wrap=float(skin[M_WRAP]))
    return Owner(
        identity.neutral,
        skin,
        cloth if sleeved else None,
        float(rng.uniform(0.1, 1.5)),
        upper=bare if identity.clothes is None else cloth,
    )


def _cloth_rgb(model: HeadModel, identity: Identity) -> FloatArray:
    """The colour that the clothes have, whose texture bounds how light they get."""
    outfit = identity.outfit
    if identity.clothes is None:
        return identity.clothes_rgb
    printed = outfit.clothes_print if outfit is not None else ""
    texture = model.patterns[printed] if printed else identity.clothes.texture
    return np.minimum(identity.clothes_rgb, 4 * texture.mean).astype(np.float32)
