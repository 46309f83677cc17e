"""Hands: MakeHuman's own left hand and forearm, posed finger by finger; the right one is its mirror image.

Hand axes, decimetres: origin in the wrist, y along the fingers, z out of the palm, x towards the little finger
of a left hand (y cross z). The skin's texture covers the whole body, so a hand wears its owner's skin.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hpe_edge.training.synthetic.body.mesh import Mesh
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int32]

FINGERS = 5  # thumb first
_BONES = 2 + 3 * FINGERS  # palm, forearm, three to a finger
_FOREARM_STRETCH = 1.2  # below the middle of the forearm: an elbow lies mostly out of the picture
_STRETCH_FROM = -0.9  # dm


@dataclass(frozen=True)
class HandRig:
    """``index`` (H,) base vertices of the left arm below the elbow; ``source`` (V,) picks drawn vertices of
    them, ``uv`` (V, 2), ``faces`` (F, 3) of drawn ones; ``weights`` (H, 17) of palm, forearm and finger bones;
    ``joints`` (6, 4, 8) base vertices round the joints: five fingers' chains, then the wrist four times."""

    index: IntArray
    source: IntArray
    uv: FloatArray
    faces: IntArray
    weights: FloatArray
    joints: IntArray


@dataclass(frozen=True)
class HandPose:
    """Degrees. ``flex`` (5, 3): bend of each finger joint from straight; ``spread`` (5,): fan, + to the thumb's
    side; ``thumb_in``: turn of the thumb across the palm."""

    flex: FloatArray
    spread: FloatArray
    thumb_in: float


def build_hand_rig(mesh: Mesh, weights_path: Path) -> HandRig:
    """Cut the left hand and forearm out of MakeHuman's base mesh; weights from its rig."""
    table = json.loads(weights_path.read_text())["weights"]
    weights = np.zeros((len(mesh.positions), _BONES + 1), np.float32)
    for bone, pairs in table.items():
        column = _column(bone)
        rows = np.asarray([pair[0] for pair in pairs], int)
        weights[rows, column] += np.asarray([pair[1] for pair in pairs], np.float32)
    on_arm = weights[:, :_BONES].sum(1) > 0.5 * np.maximum(weights.sum(1), 1e-6)
    keep = (mesh.face_group == mesh.groups.index("body")) & on_arm[mesh.faces].all(1)
    pairs = np.stack([mesh.faces[keep].reshape(-1), mesh.face_uv[keep].reshape(-1)], 1)
    drawn, faces = np.unique(pairs, axis=0, return_inverse=True)
    index, source = np.unique(drawn[:, 0], return_inverse=True)
    shares = weights[index, :_BONES]
    return HandRig(
        index.astype(np.int32),
        source.reshape(-1).astype(np.int32),
        np.ascontiguousarray(mesh.uv[drawn[:, 1]]),
        np.ascontiguousarray(faces.reshape(-1, 3), np.int32),
        shares / shares.sum(1, keepdims=True),
        _joints(mesh),
    )


def _column(bone: str) -> int:
    """Palm 0, forearm 1, then finger bones; the last column takes all that is no left arm."""
    if bone.endswith(".L"):
        if bone.startswith("finger"):
            return 2 + 3 * (int(bone[6]) - 1) + int(bone[8]) - 1
        if bone.startswith(("wrist", "metacarpal")):
            return 0
        if bone.startswith("lowerarm"):
            return 1
    return _BONES


def _joints(mesh: Mesh) -> IntArray:
    def cube(name: str) -> IntArray:
        return np.unique(mesh.faces[mesh.face_group == mesh.groups.index(name)])

    chains = [[cube(f"joint-l-finger-{finger}-{joint}") for joint in (1, 2, 3, 4)] for finger in range(1, 6)]
    return np.asarray([*chains, [cube("joint-l-hand")] * 4], np.int32)


def pose_hand(rig: HandRig, neutral: FloatArray, pose: HandPose, forearm: FloatArray) -> FloatArray:
    """Positions (H, 3) of a person's left hand in hand axes.

    ``neutral`` (B, 3) the person's base mesh; ``forearm`` (3,) the direction from the wrist to the elbow.
    """
    joints = neutral[rig.joints].mean(2)
    wrist = joints[5, 0]
    axes = _hand_axes(joints, wrist)
    rest = (neutral[rig.index] - wrist) @ axes.T
    chains = (joints[:5] - wrist) @ axes.T
    below = np.minimum(rest[:, 1] - _STRETCH_FROM, 0)
    rest[:, 1] += below * (_FOREARM_STRETCH - 1)
    transforms = np.zeros((_BONES, 3, 4))
    transforms[0, :, :3] = np.eye(3)
    straight = np.asarray((-0.05, -0.97, 0.24))  # the forearm of the mesh, in hand axes
    transforms[1, :, :3] = _turn_between(straight / np.linalg.norm(straight), forearm)
    _bend_fingers(
        chains.astype(np.float64), pose.flex.astype(np.float64), pose.spread.astype(np.float64),
        float(pose.thumb_in), transforms,
    )  # fmt: skip
    blended = (rig.weights @ transforms.reshape(_BONES, 12).astype(np.float32)).reshape(-1, 3, 4)
    return np.einsum("hij,hj->hi", blended[:, :, :3], rest) + blended[:, :, 3]


def _hand_axes(joints: FloatArray, wrist: FloatArray) -> FloatArray:
    y = joints[2, 0] - wrist
    z = np.cross(y, joints[1, 0] - joints[4, 0])
    y, z = y / np.linalg.norm(y), z / np.linalg.norm(z)
    return np.stack([np.cross(y, z), y, z]).astype(np.float32)


@njit(cache=True)
def _bend_fingers(
    chains: FloatArray, flex: FloatArray, spread: FloatArray, thumb_in: float, transforms: FloatArray
) -> None:
    """Transforms (17, 3, 4) of the finger bones, from the third on; ``chains`` (5, 4, 3) joints at rest."""
    for finger in range(FINGERS):
        chain = chains[finger]
        bones = np.zeros((3, 3))
        for bone in range(3):
            bones[bone] = chain[bone + 1] - chain[bone]
            bones[bone] /= np.sqrt((bones[bone] ** 2).sum())
        before = bones[0].copy()
        opening = _about(np.array([0.0, 0.0, 1.0]), np.radians(spread[finger]))
        if finger == 0:  # the thumb bends towards the index finger, not into the palm
            axis = _cross(bones[0], np.array([0.8, 0.1, 0.55]))
            opening = _about(np.array([0.0, 1.0, 0.0]), np.radians(thumb_in)) @ opening
        else:
            axis = np.array([bones[:, 1].sum(), -bones[:, 0].sum(), 0.0])
            before[2] = 0.0
        axis /= np.sqrt((axis**2).sum())
        rotation = opening
        moved = chain[0].copy()
        for bone in range(3):
            had = np.arctan2((_cross(before, bones[bone]) * axis).sum(), (before * bones[bone]).sum())
            rotation = rotation @ _about(axis, np.radians(flex[finger, bone]) - had)
            row = transforms[2 + 3 * finger + bone]
            row[:, :3] = rotation
            row[:, 3] = moved - rotation @ chain[bone]
            moved = moved + rotation @ (chain[bone + 1] - chain[bone])
            before = bones[bone]


@njit(cache=True)
def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


@njit(cache=True)
def _about(axis: FloatArray, radians: float) -> FloatArray:
    """Right-handed rotation (3, 3) about a unit axis (Rodrigues)."""
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + np.sin(radians) * cross + (1 - np.cos(radians)) * cross @ cross


def _turn_between(start: FloatArray, end: FloatArray) -> FloatArray:
    """The smallest rotation that takes one unit vector to another."""
    axis = _cross(np.asarray(start, float), np.asarray(end, float))
    length = np.linalg.norm(axis)
    return np.eye(3) if length < 1e-6 else _about(axis / length, float(np.arctan2(length, start @ end)))


def _pose(flex: list[tuple[float, float, float]], spread: tuple[float, ...], thumb_in: float) -> HandPose:
    return HandPose(np.asarray(flex, np.float32), np.asarray(spread, np.float32), thumb_in)


POSES = {
    "flat": _pose([(0, 5, 5), *[(2, 5, 4)] * 4], (0, 2, 0, -2, -4), 0),
    "spread": _pose([(-12, 0, 0), *[(0, 8, 4)] * 4], (14, 12, 2, -9, -20), -5),
    "relaxed": _pose([(8, 15, 15), (20, 28, 15), (26, 34, 18), (30, 38, 20), (32, 38, 20)], (4, 3, 0, -3, -7), 10),
    "curl": _pose([(15, 20, 20), (45, 45, 25), (50, 50, 28), (52, 52, 30), (52, 50, 30)], (0, 2, 0, -2, -4), 20),
    "fist": _pose([(20, 35, 50), (84, 98, 62), (86, 98, 64), (88, 98, 64), (88, 96, 62)], (-6, 0, 0, 0, 0), 38),
    "point": _pose([(18, 40, 45), (6, 6, 4), (80, 95, 60), (84, 96, 62), (84, 95, 60)], (-4, 0, 0, 0, 0), 35),
    "pinch": _pose([(18, 22, 32), (52, 50, 28), (30, 32, 18), (22, 25, 14), (14, 20, 12)], (2, 3, 0, -6, -12), 35),
    "hold": _pose([(5, 15, 22), (48, 48, 28), (52, 50, 30), (54, 52, 30), (55, 52, 30)], (14, 2, 0, -2, -5), 40),
    "victory": _pose([(20, 42, 45), (2, 5, 4), (2, 5, 4), (82, 95, 60), (82, 95, 60)], (-6, 10, -10, 0, 0), 38),
}
