"""Moving a figure: expression, trunk, gaze, and everything that follows them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hpe_edge.training.synthetic.body.head_model import HeadModel
from hpe_edge.training.synthetic.body.landmarks import LEFT_EYEBALL_FRONT, RIGHT_EYEBALL_FRONT
from hpe_edge.training.synthetic.camera.pinhole import Camera
from hpe_edge.training.synthetic.people.complexion import folds_of, posed_row
from hpe_edge.training.synthetic.people.figure import Figure, Piece
from hpe_edge.training.synthetic.people.pose import Matrix
from hpe_edge.training.synthetic.raster.drawable import Drawable
from hpe_edge.training.synthetic.raster.visibility import vertex_normals
from hpe_edge.training.synthetic.worn.worn import Worn
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

NECK_PIVOT = np.asarray([0.0, 6.1, 0.25], np.float32)  # dm: where the skull turns on the neck
_EYE_UV_PER_RADIAN = 0.229  # MakeHuman's eye textures: iris of 0.51 rad drawn 0.117 wide
_EYE_UV_CENTRE = (0.293, 0.30)


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
