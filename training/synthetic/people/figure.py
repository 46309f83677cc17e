"""A person made ready to draw: one vertex buffer for skin, eyes, hair, clothes and what is worn.

Built once for an identity; ``posing.py`` then moves it for each picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hpe_edge.training.synthetic.body.dome import dome_of
from hpe_edge.training.synthetic.body.head_model import HeadModel, Item, Surface
from hpe_edge.training.synthetic.hair.style import make_hair
from hpe_edge.training.synthetic.people.beard import make_beard
from hpe_edge.training.synthetic.people.complexion import enamel, shade_of_lids, skin_row, wet_eye
from hpe_edge.training.synthetic.people.identity import Identity
from hpe_edge.training.synthetic.people.paint import lift_of, paint_of
from hpe_edge.training.synthetic.raster.drawable import PAINT_COLUMNS
from hpe_edge.training.synthetic.raster.materials import Texture, material
from hpe_edge.training.synthetic.streams import Dice
from hpe_edge.training.synthetic.worn.glasses import build_glasses
from hpe_edge.training.synthetic.worn.outfit import make_outfit
from hpe_edge.training.synthetic.worn.worn import Worn
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int32]


@dataclass(frozen=True)
class Piece:
    """A run of vertices in the buffer: ``follows`` says where their positions come from."""

    follows: str  # "skin", "right eye", "left eye", "item", "glasses" or "worn"
    surface: Surface
    start: int
    item: Item | None = None
    worn: Worn | None = None
    offsets: FloatArray | None = None  # of an item's vertices, against its fit


@dataclass(frozen=True)
class Figure:
    """Everything that does not change with the pose."""

    identity: Identity
    pieces: tuple[Piece, ...]
    uv: FloatArray
    faces: IntArray
    face_material: IntArray
    materials: FloatArray
    paint: FloatArray
    occlusion: FloatArray
    lift: FloatArray  # (B,) outward shift of skin vertices under a cap, hood, mask or beard
    glasses_positions: FloatArray


class _Builder:
    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.uv: list[FloatArray] = []
        self.faces: list[IntArray] = []
        self.face_material: list[IntArray] = []
        self.materials: list[FloatArray] = []
        self.occlusion: list[FloatArray] = []
        self.paint: list[FloatArray] = []
        self.length = 0

    def add(
        self,
        follows: str,
        surface: Surface,
        rows: list[tuple[int, FloatArray]],
        occlusion: FloatArray | float,
        paint: FloatArray | None = None,
        item: Item | None = None,
        worn: Worn | None = None,
        offsets: FloatArray | None = None,
    ) -> None:
        """Append a piece; ``rows`` gives for successive runs of faces their count and material."""
        count = len(surface.source)
        self.pieces.append(Piece(follows, surface, self.length, item, worn, offsets))
        self.uv.append(surface.uv)
        self.faces.append(surface.faces + self.length)
        for faces, row in rows:
            self.face_material.append(np.full(faces, len(self.materials), np.int32))
            self.materials.append(row)
        self.occlusion.append(np.broadcast_to(np.asarray(occlusion, np.float32), (count,)))
        self.paint.append(paint if paint is not None else np.zeros((count, PAINT_COLUMNS), np.float32))
        self.length += count


def build_figure(model: HeadModel, identity: Identity, dice: Dice) -> Figure:
    """Assemble the pieces that this person shows."""
    rng = dice("figure")
    builder = _Builder()
    skin = material(
        identity.skin, identity.skin_gain, cull=True, smooth=True,
        specular=float(rng.uniform(0.01, 0.07)), shininess=float(rng.uniform(8, 30)),
        wrap=float(rng.uniform(0.15, 0.4)),
    )  # fmt: skip
    if identity.complexion is not None:
        skin = skin_row(skin, identity.complexion, dice("gloss"))
    source = model.skin.source
    paint = paint_of(model, identity, rng)[source]
    builder.add("skin", model.skin, [(len(model.skin.faces), skin)], model.masks.occlusion[source], paint)
    eye_row = material(identity.eye, (0.72, 0.72, 0.72), cull=True, smooth=True, specular=0.6, shininess=120)
    if identity.complexion is not None:
        eye_row = wet_eye(identity.eye, identity.complexion)
    for follows, surface in zip(("right eye", "left eye"), model.eyes, strict=True):
        occlusion = 0.62 if identity.complexion is None else shade_of_lids(identity.neutral[surface.source])
        builder.add(follows, surface, [(len(surface.faces), eye_row)], occlusion)
    _add_items(builder, model, identity, rng)
    glasses_positions = np.zeros((0, 3), np.float32)
    if identity.glasses is not None:
        glasses_positions = _add_glasses(builder, model, identity)
    for worn in _made_to_measure(model, identity, dice):
        _add_worn(builder, worn)
    face_material = np.concatenate(builder.face_material)
    return Figure(
        identity=identity,
        pieces=tuple(builder.pieces),
        uv=np.concatenate(builder.uv).astype(np.float32),
        faces=np.concatenate(builder.faces).astype(np.int32),
        face_material=face_material,
        materials=np.stack(builder.materials),
        paint=np.concatenate(builder.paint).astype(np.float32),
        occlusion=np.ascontiguousarray(np.concatenate(builder.occlusion), np.float32),
        lift=lift_of(model, identity, rng),
        glasses_positions=glasses_positions,
    )


def _add_items(builder: _Builder, model: HeadModel, identity: Identity, rng: np.random.Generator) -> None:
    def gain(texture: Texture, rgb: FloatArray, limit: float = 12.0) -> FloatArray:
        return np.minimum(rgb / np.maximum(texture.mean, 0.004), limit).astype(np.float32)

    def add(item: Item | None, row: FloatArray, occlusion: float, offsets: FloatArray | None = None) -> None:
        if item is not None:
            rows = [(len(item.surface.faces), row)]
            builder.add("item", item.surface, rows, occlusion, item=item, offsets=offsets)

    dark = np.minimum(identity.hair_rgb, 0.25)
    if identity.complexion is not None:
        dark = np.minimum(dark, identity.complexion.brow_limit_rgb)
    # brow textures are nearly black; their colour comes from the gain, which `gain` bounds
    add(
        identity.eyebrow,
        material(identity.eyebrow.texture, gain(identity.eyebrow.texture, dark * 0.6), alpha_texture=True),
        0.9,
    )
    lashes = 1.0 if identity.complexion is None else identity.complexion.lashes
    add(identity.eyelash, material(identity.eyelash.texture, alpha_texture=True, opacity=lashes), 0.7)
    if identity.complexion is None:
        add(identity.teeth, material(identity.teeth.texture, (0.9, 0.87, 0.8), specular=0.1, cull=True), 0.45)
    else:
        add(identity.teeth, enamel(identity.teeth.texture, identity.complexion), 0.7)
    tongue = model.items["tongue"][0]
    add(tongue, material(tongue.texture, (0.8, 0.7, 0.7), cull=True), 0.25)
    if identity.hair is not None:
        texture = identity.hair.texture
        row = material(
            texture, gain(texture, identity.hair_rgb), alpha_texture=True, wrap=0.35,
            specular=float(rng.uniform(0.01, 0.08)), shininess=float(rng.uniform(8, 25)),
        )  # fmt: skip
        offsets = None
        if identity.style is not None and identity.style.reshape is not None:
            offsets = identity.style.reshape.offsets(identity.hair.fit.apply(identity.neutral).astype(np.float32))
        add(identity.hair, row, 0.75, offsets)
    if identity.clothes is not None:
        texture = identity.clothes.texture
        if identity.outfit is not None and identity.outfit.clothes_print:
            texture = model.patterns[identity.outfit.clothes_print]
        row = material(texture, gain(texture, identity.clothes_rgb, 4.0), wrap=0.1)
        add(identity.clothes, row, 0.8)
    if identity.hat is not None:
        add(identity.hat, material(model.white, identity.cover_rgb, wrap=0.1), 0.8)


def _add_glasses(builder: _Builder, model: HeadModel, identity: Identity) -> FloatArray:
    assert identity.glasses is not None
    glasses = identity.glasses
    positions, faces, frame_faces = build_glasses(glasses, identity.neutral)
    if glasses.lens_opacity == 0:
        faces = faces[:frame_faces]
    count = len(positions)
    surface = Surface(np.arange(count, dtype=np.int32), np.full((count, 2), 0.5, np.float32), faces)
    frame = material(model.white, glasses.frame_rgb, specular=0.25, shininess=40)
    lens = material(model.white, glasses.lens_rgb, opacity=glasses.lens_opacity, specular=0.9, shininess=60)
    builder.add("glasses", surface, [(frame_faces, frame), (len(faces) - frame_faces, lens)], 1.0)
    return positions


def _made_to_measure(model: HeadModel, identity: Identity, dice: Dice) -> list[Worn]:
    made: list[Worn] = []
    masked = identity.cover == "face mask" or (identity.outfit is not None and identity.outfit.mask != "")
    if identity.facial_hair is not None and not masked:
        skin = model.skin.source, model.skin.uv, model.skin.faces
        texture = model.beards[identity.facial_hair.style]
        made.append(
            make_beard(
                identity.facial_hair, texture, model.mean, identity.neutral, model.headness, skin, model.bust_faces,
                dice("beard made"),
            )
        )  # fmt: skip
    if identity.style is not None or identity.outfit is not None:
        dome = dome_of(model.dome, identity.neutral)
        if identity.style is not None:
            made += make_hair(model, identity.style, dome, dice("hair made"))
        if identity.outfit is not None:
            rng = dice("outfit made")
            made += make_outfit(model, identity.outfit, identity.neutral, identity.clothes_rgb, dome, rng)
    return made


def _add_worn(builder: _Builder, worn: Worn) -> None:
    surface = Surface(np.arange(len(worn.positions), dtype=np.int32), worn.uv, worn.faces)
    builder.add("worn", surface, worn.rows, worn.occlusion, worn.paint, worn=worn)
