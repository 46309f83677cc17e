"""Acts with things: phoning, drinking, speaking into a microphone, reading, photographing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hpe_edge.training.synthetic.occlusion import props
from hpe_edge.training.synthetic.occlusion.contact import height_field, way_to_touch
from hpe_edge.training.synthetic.occlusion.stage import Stage, axes_of
from hpe_edge.training.synthetic.raster.drawable import Drawable
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Act = Callable[[Stage], tuple[str, list[Drawable]]]

_BELOW = (1.9, 3.4, 2.0)  # an elbow


def phone_at_the_ear(stage: Stage) -> tuple[str, list[Drawable]]:
    """Top at the ear, bottom towards the mouth, palm on its back."""
    rng = stage.rng
    shapes = props.phone(stage.model.white, rng)
    axes = axes_of(np.asarray((-0.05, 0.85, -0.5)) + rng.normal(0, 0.12, 3), (-1.0, 0.0, 0.2))
    at = stage.point(16, 15) + np.asarray((0.3, -0.35, 0.2)) + rng.normal(0, 0.08, 3)
    outward = -axes[:, 2]
    field = height_field(stage.surface.positions, stage.surface.faces, at, outward)
    body = shapes[0].positions @ axes.T + at
    at = at + outward * (way_to_touch(field, body, 0.0) + 0.03)
    fingers = axes @ np.asarray((-0.75, 0.65, 0.0))
    hand = stage.hold(at + outward * 0.06, fingers, axes[:, 2], (2.3, 3.8, 1.2), "relaxed", (-0.1, 0.8, 0.16))
    return "phone at the ear", [*stage.put(shapes, axes, at), hand]


def phone_before_the_face(stage: Stage) -> tuple[str, list[Drawable]]:
    """A picture of oneself in a mirror, or of whoever looks: the phone's back to the viewer."""
    rng = stage.rng
    view = stage.viewer_axes()
    across = bool(rng.random() < 0.25)
    turn = axes_of(view[:, 0] if across else view[:, 1] + rng.normal(0, 0.12, 3), -view[:, 2])
    low = rng.uniform(-1.1, 0.3)
    at = stage.point(30, 8) + view @ np.asarray((rng.uniform(-0.2, 0.9), low, rng.uniform(1.2, 2.6)))
    shapes = props.phone(stage.model.white, rng)
    held = at + turn @ np.asarray((0.0, -0.45, -0.06))
    fingers = view @ np.asarray((-0.85 if not stage.right else 0.85, 0.5, 0.0))
    hand = stage.hold(held, fingers, -view[:, 2], (2.2, 3.0, 2.5), "relaxed", (0.0, 0.85, 0.15))
    return "phone before the face", [*stage.put(shapes, turn, at), hand]


def hand_microphone(stage: Stage) -> tuple[str, list[Drawable]]:
    """Singing or answering."""
    rng = stage.rng
    up = np.asarray((rng.uniform(-0.7, 0.1), rng.uniform(0.35, 0.9), rng.uniform(-0.9, -0.3)))
    axes = axes_of(up, (0.0, 0.3, 1.0))
    at = stage.point(51, 57) + np.asarray((0.0, -0.1, 0.3)) + np.asarray((0.1, -0.2, 0.35)) * rng.uniform(0, 1.5)
    grip = at - axes[:, 1] * rng.uniform(0.8, 1.2)
    drawn = stage.put(props.hand_microphone(stage.model.white, rng), axes, at)
    return "hand microphone", [*drawn, _fist_round(stage, grip, axes[:, 1], (-0.7, 0.2, -0.6), 0.16, _BELOW)]


def _fist_round(
    stage: Stage, at: FloatArray, along: FloatArray, fingers: tuple[float, float, float], radius: float,
    elbow: tuple[float, float, float],
) -> Drawable:  # fmt: skip
    """A hand closed round a stick or vessel that runs ``along`` through ``at``, thumb uppermost."""
    x = -along / np.linalg.norm(along)
    way = at - np.asarray(elbow)  # a hand goes on as its forearm comes, or the wrist would break
    wanted = 0.6 * np.asarray(fingers) + way / np.linalg.norm(way)
    y = wanted - (wanted @ x) * x
    return stage.hold(at, y, np.cross(x, y), elbow, "hold", (0.0, 0.82, 0.2 + radius))


def studio_microphone(stage: Stage) -> tuple[str, list[Drawable]]:
    """On an arm before the mouth."""
    rng = stage.rng
    shapes = props.studio_microphone(stage.model.white, rng)
    towards = np.asarray((rng.uniform(-0.5, 0.5), 0.0, 1.0))
    axes = axes_of(np.asarray((0.0, 1.0, 0.0)) + rng.normal(0, 0.15, 3), towards)
    at = stage.point(51, 57) + axes[:, 2] * rng.uniform(1.0, 1.9) + np.asarray((0, rng.uniform(-0.6, 0.15), 0))
    return "studio microphone", stage.put(shapes, axes, at)


def drinking(stage: Stage) -> tuple[str, list[Drawable]]:
    """The rim at the lips, or on its way."""
    rng = stage.rng
    shapes, radius, kind = props.vessel(stage.model.white, rng)
    tilt = rng.uniform(0.1, 1.25) if kind != "bottle" else rng.uniform(0.7, 1.5)
    axes = axes_of((0.0, np.cos(tilt), -np.sin(tilt)), (0.6, 0.3, 1.0))
    lips = stage.point(62, 66)
    forward = np.asarray((0.0, np.sin(tilt), np.cos(tilt)))
    near = forward * radius + np.asarray((0.0, -0.1, 0.1)) if kind != "bottle" else np.asarray((0.0, 0.0, 0.05))
    at = lips + near + np.asarray((0.05, -0.3, 0.35)) * (rng.uniform(0, 1.5) if rng.random() < 0.35 else 0.0)
    wide = 0.32 if kind == "bottle" else radius * 0.9
    grip = at - axes[:, 1] * (1.4 if kind == "bottle" else 0.5)
    hand = _fist_round(stage, grip, axes[:, 1], (-0.75, 0.1, 0.65), wide, (2.2, 3.8, 2.0))
    return f"drinking from a {kind}", [*stage.put(shapes, axes, at), hand]


def eating(stage: Stage) -> tuple[str, list[Drawable]]:
    """Before the bite."""
    rng = stage.rng
    shapes, reach, kind = props.food(stage.model.white, rng)
    lean = rng.uniform(-0.1, 0.5)
    axes = axes_of((0.0, np.cos(lean), -np.sin(lean)), (0.3, 0.2, 1.0))
    at = (
        stage.point(62, 66) + np.asarray((0.0, -0.12, 0.02 + reach)) + np.asarray((0.05, -0.2, 0.3)) * rng.uniform(0, 1)
    )
    low = at - axes[:, 1] * (0.7 if kind == "ice cream" else 0.05)
    wide = 0.1 if kind == "ice cream" else reach * 0.9
    hands = [_fist_round(stage, low, axes[:, 1], (-0.8, 0.1, 0.5), wide, _BELOW)]
    if kind == "burger":
        hands.append(
            _fist_round(stage.other_side(), low * (-1, 1, 1), axes[:, 1] * (-1, 1, 1), (-0.8, 0.1, 0.5), wide, _BELOW)
        )
    return f"eating: {kind}", [*stage.put(shapes, axes, at), *hands]


def between_the_lips(stage: Stage) -> tuple[str, list[Drawable]]:
    """A cigarette, pen, lollipop or straw."""
    shapes, kind = props.stick(stage.model.white, stage.rng)
    way = np.asarray((stage.rng.uniform(-0.2, 0.9), stage.rng.uniform(-0.5, 0.25), 1.0))
    at = stage.point(62, 66) + np.asarray((0.05, 0.0, 0.02))
    return kind, stage.put(shapes, axes_of(np.cross(way, (1.0, 0.0, 0.0)), way), at)


def reading(stage: Stage) -> tuple[str, list[Drawable]]:
    """A book or a paper held up before the lower face."""
    rng = stage.rng
    is_book = bool(rng.random() < 0.5)
    build = props.book if is_book else props.paper
    shapes = build(stage.model.white, rng)
    tall = float(np.ptp(shapes[0].positions[:, 1]))
    half = float(max(np.abs(shape.positions[:, 0]).max() for shape in shapes))
    axes = axes_of(
        np.asarray((0.0, 1.0, rng.uniform(0.0, 0.5))) + rng.normal(0, 0.06, 3), (rng.normal(0, 0.15), 0.0, 1.0)
    )
    edge = stage.point(*((30,), (51,), (8,), (33,))[int(rng.integers(4))])
    at = edge + np.asarray((rng.normal(0, 0.2), 0.0, rng.uniform(0.5, 1.6))) - axes[:, 1] * tall / 2
    drawn = stage.put(shapes, axes, at)
    if rng.random() < 0.7:
        for side in (stage, stage.other_side()):
            flip = np.asarray((1.0 if side is stage else -1.0, 1.0, 1.0))
            corner = (at + axes @ np.asarray((half * 0.95 * flip[0], -tall * rng.uniform(0.1, 0.4), 0.03))) * flip
            drawn.append(
                side.hold(corner, (-0.75, 0.55, -0.1), (-0.2, -0.1, -0.95), (2.6, 3.0, 2.0), "relaxed", (0, 1.0, 0.1))
            )
    return "book" if is_book else "paper", drawn


def photographing(stage: Stage) -> tuple[str, list[Drawable]]:
    """A camera at the eye, a hand at its side, the other one below the lens."""
    rng = stage.rng
    eye = stage.point(42, 45)
    axes = axes_of(
        np.asarray((0.0, 1.0, 0.0)) + rng.normal(0, 0.05, 3), (rng.normal(0, 0.08), rng.normal(0, 0.08), 1.0)
    )
    at = eye + np.asarray((0.0, 0.0, 0.12))
    drawn = stage.put(props.photo_camera(stage.model.white, rng), axes, at)
    side = at + axes @ np.asarray((0.7, -0.3, 0.45))
    drawn.append(stage.hold(side, (-0.15, 0.75, 0.6), (-1.0, 0.0, 0.1), (2.2, 4.4, 1.2), "relaxed", (-0.1, 0.75, 0.12)))
    if rng.random() < 0.7:
        below = (at + axes @ np.asarray((0.0, -0.75, 1.0))) * (-1, 1, 1)
        drawn.append(
            stage.other_side().hold(
                below, (-0.3, 0.2, 0.9), (0.1, 1.0, -0.2), (1.2, 3.8, 1.2), "relaxed", (0.0, 0.9, 0.1)
            )
        )
    return "camera", drawn


ACTS: tuple[tuple[float, Act], ...] = (
    (1.3, phone_at_the_ear),
    (0.9, phone_before_the_face),
    (1.8, hand_microphone),
    (0.9, studio_microphone),
    (1.4, drinking),
    (0.8, eating),
    (0.8, between_the_lips),
    (0.8, reading),
    (0.3, photographing),
)
