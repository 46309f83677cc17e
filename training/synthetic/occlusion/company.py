"""Other people in a picture: beside, behind, before, cheek to cheek, kissing.

Places are in the viewer's axes round the labelled head: x right and y up in the picture, z to the viewer, decimetres.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from hpe_edge.training.synthetic.body.head_model import HeadModel
from hpe_edge.training.synthetic.camera.pinhole import HEAD_CENTRE, Camera, off_axis
from hpe_edge.training.synthetic.people.acting import act_of
from hpe_edge.training.synthetic.people.figure import Figure, build_figure
from hpe_edge.training.synthetic.people.identity import sample_identity
from hpe_edge.training.synthetic.people.pose import (
    Matrix,
    rotation_x,
    rotation_y,
    rotation_z,
    sample_pose,
    sample_trunk,
)
from hpe_edge.training.synthetic.people.posing import PosedFigure, as_drawable, pose_figure
from hpe_edge.training.synthetic.raster.drawable import Drawable
from hpe_edge.training.synthetic.streams import Dice
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

SHARE_OF_IDENTITIES = 0.25
_SHARE_OF_PICTURES = 0.5  # of those identities
_SHARE_OF_THIRDS = 0.2  # of the pictures with company
_NEIGHBOURS, _COMPANIONS, _POSES = 60, 3, 2  # identities that share so many companions, in so many poses
_DICE = 1_000_003  # child number, out of the way of the pictures'
_INNER = 0.6  # of the labelled box, where no other face may have its middle
_TRIES = 6
_FACE_MIDDLE = HEAD_CENTRE + np.asarray((0.0, -0.2, 0.75), np.float32)
_MANNERS = ("beside", "behind", "before", "cheek to cheek", "kiss", "kissed")
_MANNER_SHARES = (0.34, 0.27, 0.1, 0.17, 0.06, 0.06)


@dataclass(frozen=True)
class Spot:
    """``centre`` (3,) of a head in camera axes, ``rotation`` (3, 3) relative to the viewing ray through it."""

    centre: FloatArray
    rotation: Matrix


@dataclass(frozen=True)
class Companion:
    """Somebody who keeps others company: posed once or twice, for posing costs a third of a picture."""

    figure: Figure
    poses: tuple[PosedFigure, ...]


def sample_companion(
    model: HeadModel, known: dict[tuple[int, ...], Companion], features: frozenset[str], dice: Dice
) -> Companion | None:
    """Who keeps an identity company in some pictures; mostly nobody.

    Neighbouring identities share few companions, since building one costs as much as three pictures; ``known``
    keeps the latest. Who it is follows from the dice alone.
    """
    rng = dice("company")
    if "company" not in features or rng.random() > SHARE_OF_IDENTITIES:
        return None
    part = Dice((dice.key[0], dice.key[-1] // _NEIGHBOURS, _DICE + int(rng.integers(_COMPANIONS))))
    if part.key not in known:
        while len(known) >= _COMPANIONS:
            known.pop(next(iter(known)))
        figure = build_figure(model, sample_identity(model, features, part), part)
        poses = tuple(_act_out(model, figure, features, part.child(number)) for number in range(_POSES))
        known[part.key] = Companion(figure, poses)
    return known[part.key]


def place_figure(figure: Figure, posed: PosedFigure, camera: Camera, spot: Spot) -> Drawable:
    """A posed figure somewhere else in the same camera's picture."""
    return as_drawable(figure, posed, camera_at(camera, spot))


def camera_at(camera: Camera, spot: Spot) -> Camera:
    """The same lens and picture, as seen from the head at ``spot``: labels of that head follow from it."""
    right, up, ahead = spot.centre
    view = off_axis(float(np.linalg.norm(spot.centre)), float(-right / ahead), float(-up / ahead),
                    camera.view.field_of_view_deg)  # fmt: skip
    return replace(camera, rotation=spot.rotation, view=view)


def sample_company(
    companion: Companion | None,
    camera: Camera,
    landmarks: FloatArray,
    side: int,
    features: frozenset[str],
    dice: Dice,
) -> list[Drawable]:
    """Other people to draw with the labelled head of ``landmarks`` (68, 3; head axes); mostly nobody."""
    rng = dice("company")
    if companion is None or rng.random() > _SHARE_OF_PICTURES:
        return []
    points = camera.project(camera.see(landmarks))[0]
    box = np.concatenate([points.min(0), points.max(0)])
    manner = str(rng.choice(_MANNERS, p=_MANNER_SHARES))
    found = []
    for how in [manner, "behind"] if rng.random() < _SHARE_OF_THIRDS else [manner]:
        spot = _free_spot(how, camera, box, features, rng)
        posed = companion.poses[int(rng.integers(len(companion.poses)))]
        if spot is not None:
            found.append(within_picture(place_figure(companion.figure, posed, camera, spot), camera, side))
    return found


def within_picture(thing: Drawable, camera: Camera, side: int) -> Drawable:
    """A thing without the triangles that lie wholly beside a picture of ``side`` x ``side`` pixels."""
    pixels, inverse_depth = camera.project(thing.positions)
    kept = _reaches_in(pixels, inverse_depth, thing.faces, np.float32(side))
    return replace(thing, faces=thing.faces[kept], face_material=thing.face_material[kept])


@njit(cache=True, boundscheck=False)
def _reaches_in(
    pixels: FloatArray, inverse_depth: FloatArray, faces: NDArray[np.int32], side: np.float32
) -> NDArray[np.bool_]:
    kept = np.empty(len(faces), np.bool_)
    for face in range(len(faces)):
        a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
        kept[face] = (
            min(inverse_depth[a], inverse_depth[b], inverse_depth[c]) > 0
            and max(pixels[a, 0], pixels[b, 0], pixels[c, 0]) > 0
            and min(pixels[a, 0], pixels[b, 0], pixels[c, 0]) < side
            and max(pixels[a, 1], pixels[b, 1], pixels[c, 1]) > 0
            and min(pixels[a, 1], pixels[b, 1], pixels[c, 1]) < side
        )
    return kept


def _act_out(model: HeadModel, figure: Figure, features: frozenset[str], dice: Dice) -> PosedFigure:
    rotation = sample_pose(dice("pose"), features)
    act = act_of(rotation, features, dice)
    return pose_figure(model, figure, act.weights, sample_trunk(rotation, dice("trunk")), act.gaze, act.teeth_drop)


def _free_spot(
    manner: str, camera: Camera, box: FloatArray, features: frozenset[str], rng: np.random.Generator
) -> Spot | None:
    """A spot whose face leaves the middle of the labelled box alone, or None after some tries."""
    for _ in range(_TRIES):
        spot = _spot(manner, camera, features, rng)
        if spot.centre[2] < -2.2 and not _in_the_way(spot, camera, box):
            return spot
    return None


def _in_the_way(spot: Spot, camera: Camera, box: FloatArray) -> bool:
    there = camera_at(camera, spot)
    middle = there.project(there.see(_FACE_MIDDLE[None]))[0][0]
    reach = np.abs(middle - (box[:2] + box[2:]) / 2) / (box[2:] - box[:2])
    return bool((reach < _INNER / 2).all())


def _spot(manner: str, camera: Camera, features: frozenset[str], rng: np.random.Generator) -> Spot:
    axes = _viewer_axes(camera)
    side = 1.0 if rng.random() < 0.5 else -1.0
    distance = camera.distance_dm
    if manner in ("cheek to cheek", "kiss", "kissed"):
        if camera.rotation[2, 0] * side > 0.3:  # not between the face and the lens
            side = -side
        if manner == "kissed" and abs(camera.rotation[0, 2]) < 0.75:  # it would hide a frontal face
            manner = "cheek to cheek"
        return _touching(manner, side, camera, rng)
    turn = sample_pose(rng, features)
    if manner == "beside":
        offset = np.asarray((side * rng.uniform(1.75, 3.0), rng.normal(0, 0.4), rng.normal(-0.3, 0.8)))
        if rng.random() < 0.5:  # the same camera draws both
            turn = _nudge(rng, 12.0) @ camera.rotation
    elif manner == "behind":
        deep = rng.uniform(1.5, min(12.0, 2.0 * distance))
        offset = np.asarray((side * rng.uniform(0.9, 2.6), rng.normal(0.1, 0.5), 0.0)) * (1 + deep / distance)
        offset[2] = -deep
    else:
        near = rng.uniform(0.8, min(3.5, 0.45 * distance))
        offset = np.asarray((side * rng.uniform(1.7, 2.9), rng.normal(-0.7, 0.5), 0.0)) * (1 - near / distance)
        offset[2] = near
        if rng.random() < 0.5:  # over a shoulder: the back of a head
            turn = rotation_y(180.0 + rng.normal(0, 35)) @ rotation_x(rng.normal(0, 8))
    return Spot(np.asarray(camera.head_centre + axes @ offset, np.float32), turn)


def _touching(manner: str, side: float, camera: Camera, rng: np.random.Generator) -> Spot:
    """Heads together: alike, or one with its nose at the other's cheek."""
    own = camera.to_camera
    if manner == "cheek to cheek":
        offset = np.asarray((side * rng.uniform(1.45, 1.75), rng.normal(0, 0.2), rng.normal(0, 0.3)))
        rotation = rotation_z(-side * rng.uniform(-4, 16)) @ _nudge(rng, 8.0) @ camera.rotation
        return Spot(np.asarray(camera.head_centre + own @ offset, np.float32), rotation)
    # a kiss on the labelled cheek: the nose of the other, 0.95 dm before its head's centre, at the cheek
    across = np.asarray((side * rng.uniform(1.65, 1.95), rng.normal(-0.15, 0.12), rng.uniform(0.15, 0.6)))
    towards = rotation_y(side * rng.uniform(70, 95))  # + turns the nose to image-left, to the head's own right
    if manner == "kissed":  # the labelled one kisses
        across = np.asarray((side * rng.uniform(0.1, 0.5), rng.normal(0.1, 0.12), rng.uniform(1.7, 1.95)))
        towards = rotation_y(180.0 - side * rng.uniform(20, 110))
    rotation = camera.rotation @ towards @ rotation_z(rng.normal(0, 8))
    return Spot(np.asarray(camera.head_centre + own @ across, np.float32), rotation)


def _nudge(rng: np.random.Generator, degrees: float) -> Matrix:
    yaw, pitch, roll = rng.normal(0, degrees, 3)
    return rotation_y(float(yaw)) @ rotation_x(float(pitch)) @ rotation_z(float(roll))


def _viewer_axes(camera: Camera) -> FloatArray:
    """(3, 3) columns in camera axes: right, up and back along the ray to the labelled head."""
    return np.asarray(camera.view.ray, np.float32)
