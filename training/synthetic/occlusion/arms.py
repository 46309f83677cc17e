"""A posed hand put somewhere, with its forearm and perhaps a sleeve, ready to draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hpe_edge.training.synthetic.body.hands import POSES, HandPose, HandRig, pose_hand
from hpe_edge.training.synthetic.body.head_model import HeadModel
from hpe_edge.training.synthetic.body.landmarks import LANDMARKS_68
from hpe_edge.training.synthetic.camera.pinhole import Camera
from hpe_edge.training.synthetic.occlusion.contact import height_field, way_to_touch
from hpe_edge.training.synthetic.occlusion.gestures import MIRROR_68, Gesture
from hpe_edge.training.synthetic.occlusion.shapes import tube
from hpe_edge.training.synthetic.raster.drawable import PAINT_COLUMNS, Drawable, join, plain
from hpe_edge.training.synthetic.raster.materials import M_CULL
from hpe_edge.training.synthetic.raster.visibility import vertex_normals
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int32]

_STRAIGHT = np.asarray((-0.05, -0.97, 0.24))  # hand axes: wrist to elbow when the wrist is not bent
_MOST_BENT = np.cos(np.radians(58))  # of a wrist
_OPEN_SKY = 0.92
_SHOULDER = (1.85, 5.15)  # dm: x and y on the mean body
_LONGEST_UPPER_ARM = 4.0  # dm
_KNUCKLE_DM = 0.98  # wrist to middle knuckle of a grown-up
_NECK = 0.15  # headness of the lowest vertices that a hand may lie on


@dataclass(frozen=True)
class Owner:
    """Whose hand it is: ``neutral`` (B, 3) base mesh, material row of the skin; sleeve's row and where it
    begins along the forearm (dm from the wrist), None for a bare arm; ``size`` of the hand; ``upper``: row of
    the upper arm, None where it is out of the picture."""

    neutral: FloatArray
    skin: FloatArray
    sleeve: FloatArray | None
    sleeve_from: float
    size: float = 1.0
    upper: FloatArray | None = None

    def reach(self, rig: HandRig) -> float:
        """Of this hand against that which anchors and grips are given for: children's are small."""
        knuckle, wrist = self.neutral[rig.joints[[2, 5], 0]].mean(1)
        return self.size * float(np.linalg.norm(knuckle - wrist)) / _KNUCKLE_DM


@dataclass(frozen=True)
class Place:
    """Of a left hand before it is mirrored. ``axes`` (3, 3) columns: the hand's x, y, z; ``wrist`` and
    ``elbow`` (3,) in the same axes."""

    axes: FloatArray
    wrist: FloatArray
    elbow: FloatArray


def hand_axes(fingers: FloatArray, palm: FloatArray) -> FloatArray:
    """(3, 3) columns x, y, z of a hand whose fingers point and whose palm faces so; the palm yields."""
    y = fingers / np.linalg.norm(fingers)
    z = palm - (palm @ y) * y
    z = z / np.linalg.norm(z)
    return np.stack([np.cross(y, z), y, z], 1).astype(np.float32)


def vary(pose: HandPose, rng: np.random.Generator) -> HandPose:
    """Nobody holds a hand twice alike."""
    flex = pose.flex * rng.uniform(0.85, 1.12) + rng.normal(0, 3, pose.flex.shape)
    return HandPose(flex, pose.spread + rng.normal(0, 2, 5), pose.thumb_in + float(rng.normal(0, 5)))


def shape_hand(rig: HandRig, owner: Owner, pose: HandPose, place: Place) -> FloatArray:
    """Positions (H, 3) in the axes of the place."""
    forearm = place.axes.T @ (place.elbow - place.wrist)
    forearm = _bent_at_most(forearm / np.linalg.norm(forearm))
    return pose_hand(rig, owner.neutral, pose, forearm) * np.float32(owner.size) @ place.axes.T + place.wrist


def _bent_at_most(forearm: FloatArray) -> FloatArray:
    straight = _STRAIGHT / np.linalg.norm(_STRAIGHT)
    cosine = forearm @ straight
    if cosine >= _MOST_BENT:
        return forearm
    across = forearm - cosine * straight
    across = across / (np.linalg.norm(across) + 1e-9)
    return _MOST_BENT * straight + np.sqrt(1 - _MOST_BENT**2) * across


def gesture_place(gesture: Gesture, points_68: FloatArray, reach: float, rng: np.random.Generator) -> Place:
    """Where a gesture would have the left hand; ``points_68`` (68, 3) in head axes."""
    fingers = np.asarray(gesture.fingers) + rng.normal(0, 0.14, 3)
    axes = hand_axes(fingers, np.asarray(gesture.palm) + rng.normal(0, 0.12, 3))
    target = points_68[list(gesture.points)].mean(0) + gesture.offset + rng.normal(0, 0.07, 3)
    wrist = target - axes @ np.asarray(gesture.anchor) * reach
    elbow = np.asarray(gesture.elbow) + rng.normal(0, 0.5, 3)
    return Place(axes, wrist.astype(np.float32), elbow.astype(np.float32))


@dataclass(frozen=True)
class FacedSurface:
    """A person's head to lay hands on: positions (V, 3) in head axes, ``faces`` (F, 3), landmarks (68, 3),
    left and right ``shoulders`` (2, 3)."""

    positions: FloatArray
    faces: IntArray
    points_68: FloatArray
    shoulders: FloatArray

    @classmethod
    def of(cls, base: FloatArray, model: HeadModel) -> FacedSurface:
        """Head and neck of a posed base mesh; from below, the chest would be in the way."""
        faces = model.bust_faces
        at = np.abs(model.mean[faces[:, 0]] * (1, 1, 0) - (0, _SHOULDER[1], 0))
        round_ = faces[(np.abs(at[:, 0] - _SHOULDER[0]) < 0.3) & (at[:, 1] < 0.25), 0]
        left = model.mean[round_, 0] > 0
        shoulders = np.stack([base[round_[left]].mean(0), base[round_[~left]].mean(0)])
        return cls(base, faces[model.headness[faces[:, 0]] > _NECK], base[LANDMARKS_68], shoulders)

    def mirrored(self) -> FacedSurface:
        """As if the right side were the left one."""
        flip = np.asarray((-1, 1, 1), np.float32)
        return FacedSurface(
            self.positions * flip, self.faces, self.points_68[MIRROR_68] * flip, self.shoulders[::-1] * flip
        )


@dataclass(frozen=True)
class LaidHand:
    """``points`` (H, 3); how open to the sky each of them (H,) and each point of the surface (V,) is left."""

    points: FloatArray
    open_sky: FloatArray
    left_open: FloatArray


def lay_hand(
    rig: HandRig, owner: Owner, gesture: Gesture, surface: FacedSurface, gap: float, rng: np.random.Generator
) -> LaidHand:
    """A left hand that touches the surface."""
    place = gesture_place(gesture, surface.points_68, owner.reach(rig), rng)
    pose = vary(POSES[str(rng.choice(gesture.poses))], rng)
    points = shape_hand(rig, owner, pose, place)
    outward = -np.asarray(gesture.approach, np.float32)
    outward /= np.linalg.norm(outward)
    centre = place.wrist + place.axes[:, 1] * 1.1
    field = height_field(surface.positions, surface.faces, centre, outward)
    points = points + outward * np.float32(way_to_touch(field, points[rig.weights[:, 1] < 0.5]) + gap)
    points = points.astype(np.float32)
    below = height_field(points, rig.source[rig.faces], centre, -outward).over(surface.positions)
    covered = np.where(below < -0.15, 1.0, np.clip(below / 0.55, 0, 1))
    return LaidHand(
        points,
        (_OPEN_SKY * (0.5 + 0.5 * np.clip(field.over(points) / 0.45, 0, 1))).astype(np.float32),
        (0.4 + 0.6 * covered).astype(np.float32),
    )


def draw_hand(
    rig: HandRig,
    owner: Owner,
    points: FloatArray,
    open_sky: FloatArray,
    right: bool,
    camera: Camera,
    shoulder: FloatArray,
) -> Drawable:
    """A hand (H, 3) in head axes as the camera sees it, mirrored for the right one, and its upper arm."""
    faces = rig.faces
    flip = np.asarray((-1 if right else 1, 1, 1), np.float32)
    if right:
        points, faces = points * flip, faces[:, ::-1]
    seen = camera.see(points)
    normals = np.zeros_like(seen)
    vertex_normals(seen, np.ascontiguousarray(rig.source[faces]), normals)
    source = rig.source
    row = owner.skin.copy()
    row[M_CULL] = 1.0
    hand = Drawable(
        positions=seen[source],
        normals=normals[source],
        uv=rig.uv,
        paint=np.zeros((len(source), PAINT_COLUMNS), np.float32),
        occlusion=open_sky[source],
        faces=np.ascontiguousarray(faces),
        face_material=np.zeros(len(faces), np.int32),
        materials=row[None],
    )
    parts = [hand]
    if owner.sleeve is not None:
        parts.append(_sleeve(rig, owner, seen, normals, faces))
    if owner.upper is not None:
        parts += _upper_arm(rig, owner.upper, seen, camera.see((shoulder * flip)[None])[0])
    return join(parts)


def _upper_arm(rig: HandRig, row: FloatArray, seen: FloatArray, shoulder: FloatArray) -> list[Drawable]:
    """A plain limb from the elbow to the shoulder; camera axes."""
    wrist = seen[rig.weights[:, 0] > 0.5].mean(0)
    reach = np.linalg.norm(seen - wrist, axis=1) * (rig.weights[:, 1] > 0.5)
    end = seen[reach > 0.9 * reach.max()]
    elbow, wide = end.mean(0), float(np.linalg.norm(end - end.mean(0), axis=1).mean())
    if np.linalg.norm(shoulder - elbow) > _LONGEST_UPPER_ARM:
        return []
    line = elbow + np.linspace(-0.05, 1, 5)[:, None] * (shoulder - elbow)
    limb = tube(line, np.asarray((0.5, 0.95, 1.05, 1.15, 1.2)) * wide, row, 12)
    normals = np.zeros_like(limb.positions)
    vertex_normals(limb.positions, limb.faces, normals)
    return [plain(limb.positions, normals, limb.faces, limb.row)]


def _sleeve(rig: HandRig, owner: Owner, seen: FloatArray, normals: FloatArray, faces: IntArray) -> Drawable:
    """The forearm once more, a finger's breadth wider, from ``sleeve_from`` on."""
    assert owner.sleeve is not None
    on_forearm = rig.weights[:, 1] > 0.5
    wrist = seen[(rig.weights[:, 1] > 0.3) & (rig.weights[:, 1] < 0.7)].mean(0)
    far = seen[on_forearm] - wrist
    along = (seen - wrist) @ (far.mean(0) / np.linalg.norm(far.mean(0)))
    inside = on_forearm & (along > owner.sleeve_from)
    kept = rig.source[faces]
    kept = kept[inside[kept].all(1)]
    lift = np.float32(0.07) + np.float32(0.05) * np.exp(-np.maximum(along - owner.sleeve_from, 0) / 0.4)
    return plain(seen + normals * lift[:, None], normals, kept, owner.sleeve)
