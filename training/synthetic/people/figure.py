"""A person made ready to draw: one vertex buffer for skin, eyes, hair, clothes and what is worn.

Built once for an identity; ``pose_figure`` then moves it for each picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hpe_edge.training.synthetic.body.dome import dome_of
from hpe_edge.training.synthetic.body.head_model import HeadModel, Item, Surface
from hpe_edge.training.synthetic.body.landmarks import LEFT_EYEBALL_FRONT, RIGHT_EYEBALL_FRONT
from hpe_edge.training.synthetic.camera.pinhole import Camera
from hpe_edge.training.synthetic.hair.style import make_hair, scalp_of
from hpe_edge.training.synthetic.people.beard import beard_region, make_beard
from hpe_edge.training.synthetic.people.complexion import enamel, folds_of, posed_row, shade_of_lids, skin_row, wet_eye
from hpe_edge.training.synthetic.people.face_paint import face_paint
from hpe_edge.training.synthetic.people.identity import Identity
from hpe_edge.training.synthetic.people.pose import Matrix
from hpe_edge.training.synthetic.raster.drawable import PAINT_COLUMNS, Drawable
from hpe_edge.training.synthetic.raster.materials import Texture, material
from hpe_edge.training.synthetic.raster.visibility import vertex_normals
from hpe_edge.training.synthetic.streams import Dice
from hpe_edge.training.synthetic.worn.glasses import build_glasses
from hpe_edge.training.synthetic.worn.outfit import make_outfit
from hpe_edge.training.synthetic.worn.worn import Worn
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int32]

NECK_PIVOT = np.asarray([0.0, 6.1, 0.25], np.float32)  # dm: where the skull turns on the neck
_EYE_UV_PER_RADIAN = 0.229  # MakeHuman's eye textures: iris of 0.51 rad drawn 0.117 wide
_EYE_UV_CENTRE = (0.293, 0.30)


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
    paint = _paint(model, identity, rng)[source]
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
        lift=_lift(model, identity, rng),
        glasses_positions=glasses_positions,
    )


def _paint(model: HeadModel, identity: Identity, rng: np.random.Generator) -> FloatArray:
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


def _lift(model: HeadModel, identity: Identity, rng: np.random.Generator) -> FloatArray:
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


@dataclass(frozen=True)
class PosedFigure:
    """Vertex buffers in head axes (label frame, before the head's rotation), and the posed base mesh."""

    positions: FloatArray
    normals: FloatArray
    uv: FloatArray
    base: FloatArray
    base_normals: FloatArray
    folds: FloatArray | None  # (5,) strengths of the skin's folds


def pose_figure(
    model: HeadModel,
    figure: Figure,
    weights: dict[str, float],
    trunk: Matrix,
    gaze: FloatArray,
    teeth_drop: float = 0.0,
    down: FloatArray | None = None,
) -> PosedFigure:
    """Apply an expression, turn the trunk by ``trunk`` (3, 3) against the head, look along ``gaze`` (3,).

    ``teeth_drop``: dm that the teeth lie lower than MakeHuman has them, and half of what the tongue lies farther back.
    ``down`` (3,; head axes): where loose hair falls; None: to the chin.
    """
    identity = figure.identity
    base = identity.neutral.copy()
    for unit, weight in weights.items():
        for ethnicity, share in identity.ethnicity.items():
            model.expressions[ethnicity][unit].add_to(base, weight * share)
    skin_normals = np.zeros_like(base)
    vertex_normals(base, model.bust_faces, skin_normals)
    worn = base + figure.lift[:, None] * skin_normals
    turned = _turn_trunk(worn, model.headness, trunk)
    vertex_normals(turned, model.bust_faces, skin_normals)
    total = sum(len(piece.surface.source) for piece in figure.pieces)
    positions, normals = np.empty((total, 3), np.float32), np.empty((total, 3), np.float32)
    uv = figure.uv.copy()
    for piece in figure.pieces:
        run = slice(piece.start, piece.start + len(piece.surface.source))
        if piece.follows == "skin":
            positions[run], normals[run] = turned[piece.surface.source], skin_normals[piece.surface.source]
        elif piece.follows in ("right eye", "left eye"):
            iris = 1.0 if identity.complexion is None else identity.complexion.iris_scale
            positions[run], normals[run], uv[run] = _pose_eye(piece, base, gaze, iris)
        elif piece.follows == "glasses":
            positions[run] = figure.glasses_positions
            _own_normals(piece, positions[run], normals[run])
        elif piece.worn is not None:
            positions[run] = _pose_worn(piece.worn, identity.neutral, base, trunk, down)
            if piece.worn.shading is not None:
                normals[run] = piece.worn.shading
            else:
                vertex_normals(positions[run], piece.surface.faces, normals[run])
        else:
            positions[run] = _pose_item(model, piece, base, trunk)
            if piece.item is identity.teeth:
                positions[run, 1] -= np.float32(teeth_drop)
            elif piece.item is model.items["tongue"][0]:
                positions[run, 2] -= np.float32(2 * teeth_drop)
            _own_normals(piece, positions[run], normals[run])
    folds = folds_of(identity.complexion, weights) if identity.complexion is not None else None
    return PosedFigure(positions, normals, uv, turned, skin_normals, folds)


def _turn_trunk(positions: FloatArray, headness: FloatArray, trunk: Matrix) -> FloatArray:
    turned = (positions - NECK_PIVOT) @ trunk.T.astype(np.float32) + NECK_PIVOT
    return positions * headness[:, None] + turned * (1 - headness[:, None])


def _pose_worn(worn: Worn, neutral: FloatArray, base: FloatArray, trunk: Matrix, down: FloatArray | None) -> FloatArray:
    if worn.rigid:
        return worn.positions
    if worn.sway is not None:
        moved = worn.hang(down) if down is not None else np.float32(0)
    else:
        moved = (base[worn.anchor] - neutral[worn.anchor]) * worn.follow[:, None]
    return _turn_trunk(worn.positions + moved, worn.headness, trunk)


def _pose_item(model: HeadModel, piece: Piece, base: FloatArray, trunk: Matrix) -> FloatArray:
    assert piece.item is not None
    fitted = piece.item.fit.apply(base).astype(np.float32)
    if piece.offsets is not None:
        fitted += piece.offsets
    headness = np.clip(piece.item.fit.blend(model.headness), 0, 1).astype(np.float32)
    return _turn_trunk(fitted, headness, trunk)[piece.surface.source]


def _own_normals(piece: Piece, positions: FloatArray, normals: FloatArray) -> None:
    vertex_normals(positions, piece.surface.faces, normals)
    if piece.item is not None and piece.item.name[:4] in ("shor", "long", "bob0", "brai", "pony", "afro"):
        outward = positions - np.asarray([0, 7.4, 0.5], np.float32)
        outward /= np.linalg.norm(outward, axis=1, keepdims=True) + np.float32(1e-6)
        facing = np.sign((outward * normals).sum(1, keepdims=True))
        normals[:] = 0.65 * outward + 0.35 * normals * np.where(facing == 0, 1, facing)


def _pose_eye(
    piece: Piece, base: FloatArray, gaze: FloatArray, iris_scale: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Eyeball: texture coordinates by the angle from the gaze, so that turning the eye moves the iris."""
    positions = base[piece.surface.source]
    front = base[RIGHT_EYEBALL_FRONT if piece.follows == "right eye" else LEFT_EYEBALL_FRONT]
    centre = (positions.min(0) + positions.max(0)) / 2
    radial = positions - centre
    radial /= np.linalg.norm(radial, axis=1, keepdims=True) + np.float32(1e-6)
    axis = (front - centre) / np.linalg.norm(front - centre) + gaze - (0, 0, 1)
    axis = (axis / np.linalg.norm(axis)).astype(np.float32)
    right = np.cross(np.asarray([0, 1, 0], np.float32), axis)
    right /= np.linalg.norm(right)
    up = np.cross(axis, right)
    angle = np.arccos(np.clip(radial @ axis, -1, 1))
    around = np.stack([radial @ right, radial @ up], 1)
    around /= np.linalg.norm(around, axis=1, keepdims=True) + np.float32(1e-6)
    uv = np.asarray(_EYE_UV_CENTRE) + around * np.minimum(angle / iris_scale, 1.25)[:, None] * _EYE_UV_PER_RADIAN
    return positions, radial, uv.astype(np.float32)


def as_drawable(figure: Figure, posed: PosedFigure, camera: Camera) -> Drawable:
    """The posed figure as the camera sees it; its first material is the skin."""
    materials = figure.materials
    if posed.folds is not None:
        materials = np.concatenate([posed_row(materials[0], posed.folds, camera.to_camera)[None], materials[1:]])
    return Drawable(
        positions=camera.see(posed.positions),
        normals=np.ascontiguousarray(posed.normals @ camera.to_camera.T.astype(np.float32)),
        uv=posed.uv,
        paint=figure.paint,
        occlusion=figure.occlusion,
        faces=figure.faces,
        face_material=figure.face_material,
        materials=materials,
    )
