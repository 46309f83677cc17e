"""Things between the viewer and the person: bars, twigs and leaves, other heads' blur, hands before the lens.

Described in the viewer's axes round the head: x right and y up in the picture, z to the viewer, decimetres
at the head's distance; what is nearer is drawn smaller by as much, so that the lens makes it the same again.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hpe_edge.training.synthetic.occlusion.arms import Owner
from hpe_edge.training.synthetic.occlusion.props import any_colour
from hpe_edge.training.synthetic.occlusion.shapes import Shape, tube
from hpe_edge.training.synthetic.occlusion.stage import Stage
from hpe_edge.training.synthetic.raster.drawable import Drawable
from hpe_edge.training.synthetic.raster.materials import M_RED, material
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
View = Callable[[Stage], tuple[str, list[Drawable]]]


def bars(stage: Stage) -> tuple[str, list[Drawable]]:
    """A fence, a cage, a wire."""
    rng = stage.rng
    row = material(stage.model.white, any_colour(rng), specular=0.2)
    radius, step = rng.uniform(0.03, 0.14), rng.uniform(0.8, 1.8)
    lean = rng.normal(0, 0.12) + (np.pi / 2 if rng.random() < 0.2 else 0.0)
    along, across = np.asarray((np.sin(lean), np.cos(lean))), np.asarray((np.cos(lean), -np.sin(lean)))
    shift = rng.uniform(-0.5, 0.5)
    shapes = []
    for number in range(-3, 4):
        middle = across * (number + shift) * step
        ends = [(*(middle + along * reach), 0.0) for reach in (-5.0, 0.0, 5.0)]
        shapes.append(tube(np.asarray(ends), radius, row, 6))
    return "bars", _between(stage, shapes, rng.uniform(0.12, 0.45))


def twigs(stage: Stage) -> tuple[str, list[Drawable]]:
    """A branch with leaves reaching in from a side."""
    rng = stage.rng
    green = np.asarray((0.06, 0.16, 0.02)) * np.exp(rng.normal(0, 0.4)) + (rng.uniform(0, 0.2), 0, 0)
    leaf_row = material(stage.model.white, tuple(green.tolist()), specular=0.08, wrap=0.4)
    wood = material(stage.model.white, (0.05, 0.035, 0.025))
    shapes = []
    for _ in range(int(rng.integers(1, 4))):
        side = rng.uniform(0, 2 * np.pi)
        start = 3.2 * np.asarray((np.cos(side), np.sin(side), 0.0))
        end = rng.normal(0, 0.55, 3) * (1, 1, 0.3) + start * 0.2
        curve = np.linspace(0, 1, 8)[:, None]
        bend = rng.normal(0, 0.5, 3) * (1, 1, 0.3)
        line = start * (1 - curve) + end * curve + bend * np.sin(np.pi * curve)
        shapes.append(tube(line, np.linspace(0.07, 0.02, 8), wood, 5))
        shapes.append(_leaves(line, int(rng.integers(8, 22)), leaf_row, rng))
    return "leaves", _between(stage, shapes, rng.uniform(0.08, 0.4))


def _leaves(line: FloatArray, count: int, row: FloatArray, rng: np.random.Generator) -> Shape:
    """Lozenges folded along the middle, at random places of a twig."""
    at = line[rng.integers(1, len(line), count)] + rng.normal(0, 0.06, (count, 3))
    way = rng.normal(0, 1, (count, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    side = np.cross(way, rng.normal(0, 1, (count, 3)))
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    long = rng.uniform(0.35, 0.75, (count, 1))
    tip, waist = at + way * long, at + way * long * 0.45
    corners = np.stack([at, waist + side * long * 0.26, tip, waist - side * long * 0.26], 1)
    first = 4 * np.arange(count)[:, None]
    faces = np.concatenate([first + np.asarray((0, 1, 2)), first + np.asarray((0, 2, 3))])
    return Shape(corners.reshape(-1, 3).astype(np.float32), faces.astype(np.int32), row)


def blob(stage: Stage) -> tuple[str, list[Drawable]]:
    """Somebody's shoulder, a lamp, a door's edge: far out of focus, at the picture's side."""
    rng = stage.rng
    row = material(stage.model.white, any_colour(rng), wrap=0.3)
    angle = rng.uniform(0, 2 * np.pi)
    size = rng.uniform(0.5, 2.4, 2)
    reach = rng.uniform(0.75, 1.35) + size.mean() * 0.75
    place = np.asarray((np.cos(angle) * reach, np.sin(angle) * reach, 0.0))
    round_ = np.linspace(0, 2 * np.pi, 17)[:-1]
    power = 2.0 / rng.uniform(1.6, 6.0)
    x = np.sign(np.cos(round_)) * np.abs(np.cos(round_)) ** power * size[0]
    y = np.sign(np.sin(round_)) * np.abs(np.sin(round_)) ** power * size[1]
    lean = rng.uniform(0, np.pi)
    outline = np.stack([x * np.cos(lean) - y * np.sin(lean), x * np.sin(lean) + y * np.cos(lean), 0 * x], 1)
    dome = np.concatenate([outline, [[0.0, 0.0, 0.5]]]) + place
    ring = np.arange(16)
    faces = np.stack([ring, (ring + 1) % 16, np.full(16, 16)], 1)
    return "blur", _between(stage, [Shape(dome.astype(np.float32), faces.astype(np.int32), row)], rng.uniform(0.3, 0.7))


def _between(stage: Stage, shapes: list[Shape], share: float) -> list[Drawable]:
    """Put shapes at this share of the way from the head to the viewer."""
    axes = stage.viewer_axes()
    if stage.right:  # the picture's right must be its right in mirrored axes too
        axes[:, 0] = -axes[:, 0]
    distance = stage.camera.distance_dm
    centre = stage.point(27, 30, 33) + axes[:, 2] * distance * share
    scaled = [Shape(shape.positions * np.float32(1 - share), shape.faces, shape.row) for shape in shapes]
    return stage.put(scaled, axes, centre)


def _at(stage: Stage, sideways: float, up: float, near: float) -> FloatArray:
    """A place seen ``sideways`` (to the stage's side) and ``up`` (dm at the head's distance) of the nose, nearer."""
    view = stage.viewer_axes()
    view[:, 0] *= -1 if stage.right else 1
    shrink = 1 - near / stage.camera.distance_dm
    return np.asarray(stage.point(30) + view @ np.asarray((sideways * shrink, up * shrink, near)))


def wave(stage: Stage) -> tuple[str, list[Drawable]]:
    """A raised hand beside or before the face: waving, victory, counting."""
    rng = stage.rng
    view = stage.viewer_axes()
    pose = str(
        rng.choice(["spread", "flat", "victory", "relaxed", "point", "fist"], p=(0.3, 0.25, 0.2, 0.1, 0.1, 0.05))
    )
    near = rng.uniform(0.2, min(2.5, stage.camera.distance_dm * 0.4))
    sideways = view[:, 0] * (-1 if stage.right else 1)
    at = _at(stage, rng.uniform(0.25, 1.5), rng.uniform(-1.3, 0.2), near)
    fingers = view[:, 1] + sideways * rng.normal(0, 0.3)
    palm = view[:, 2] * (1 if rng.random() < 0.75 else -1) + sideways * rng.normal(0, 0.35)
    elbow = tuple((at - view[:, 1] * 2.6 + sideways * 0.6).tolist())
    return "raised hand", [stage.hold(at, fingers, palm, elbow, pose, (0.0, 0.9, 0.0))]


def pointing(stage: Stage) -> tuple[str, list[Drawable]]:
    """A finger or an open hand towards the lens."""
    rng = stage.rng
    view = stage.viewer_axes()
    pose = str(rng.choice(["point", "spread", "flat"], p=(0.6, 0.25, 0.15)))
    near = rng.uniform(0.8, min(3.5, stage.camera.distance_dm * 0.45))
    sideways = view[:, 0] * (-1 if stage.right else 1)
    at = _at(stage, rng.uniform(-0.2, 1.2), rng.uniform(-1.4, -0.2), near)
    if pose == "point":
        fingers, palm = view[:, 2] + view[:, 1] * rng.uniform(-0.2, 0.5), -view[:, 1] - sideways * rng.uniform(0, 1)
    else:
        fingers, palm = view[:, 1] + sideways * rng.normal(0, 0.3), view[:, 2] + view[:, 1] * rng.normal(0, 0.2)
    elbow = tuple((at - view[:, 2] * 2.2 - view[:, 1] * 1.4 + sideways * 0.8).tolist())
    return "hand to the lens", [stage.hold(at, fingers, palm, elbow, pose, (0.0, 0.8, 0.0))]


def another_hand(stage: Stage) -> tuple[str, list[Drawable]]:
    """Somebody else's: on the cheek, the head or the shoulder, brushing make-up on, reaching in."""
    rng = stage.rng
    out = np.asarray((rng.uniform(0.5, 1.0), rng.uniform(-0.9, 0.5), rng.uniform(0.0, 0.9)))
    out = out / np.linalg.norm(out)
    target = stage.point(*((13, 46), (16,), (12,), (25,), (14,))[int(rng.integers(5))])
    at = target + out * rng.uniform(0.15, 0.5)
    pose = str(rng.choice(["relaxed", "flat", "pinch", "curl"]))
    reach = rng.uniform(1.0, 1.6) if pose == "pinch" else 0.9
    palm = (stage.point(30) - target) + rng.normal(0, 0.3, 3) + (-0.8, 0.0, -0.3)
    elbow = tuple((at + out * 4.0).tolist())
    hand = stage.hold(at, -out, palm, elbow, pose, (-0.1, reach, 0.1), owner=_somebody(stage))
    return "another's hand", [hand]


def _somebody(stage: Stage) -> Owner:
    """A hand of another tone and size, mostly in a sleeve."""
    rng = stage.rng
    skin = stage.owner.skin.copy()
    skin[M_RED : M_RED + 3] *= np.clip(np.exp(rng.normal(0, 0.5)), 0.35, 1.8) * np.exp(rng.normal(0, 0.06, 3))
    sleeve = material(stage.model.white, any_colour(rng), wrap=0.1) if rng.random() < 0.7 else None
    return Owner(stage.owner.neutral, skin, sleeve, float(rng.uniform(0.1, 1.2)), float(rng.uniform(0.85, 1.15)))


VIEWS: tuple[tuple[float, View], ...] = (
    (0.6, bars),
    (0.9, twigs),
    (0.9, blob),
    (1.5, wave),
    (0.8, pointing),
    (1.4, another_hand),
)
