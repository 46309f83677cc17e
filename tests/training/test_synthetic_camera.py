"""The camera and the light of rendered heads: labels off the axis, the sensor's chain, borders, infrared, rigs."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hpe_edge.training.synthetic.body.landmarks import LANDMARKS_68, LEFT_EYEBALL_FRONT, RIGHT_EYEBALL_FRONT
from hpe_edge.training.synthetic.camera import film, optics
from hpe_edge.training.synthetic.camera.frames import Frame, sample_frame
from hpe_edge.training.synthetic.camera.infrared import active_light, in_infrared, show_pupils
from hpe_edge.training.synthetic.camera.pinhole import (
    BOX_MARGIN,
    HEAD_CENTRE,
    Camera,
    aim_at_face,
    off_axis,
    on_axis,
    sample_view,
)
from hpe_edge.training.synthetic.camera.sensor import Taken, photograph
from hpe_edge.training.synthetic.labels import Labels, make_labels
from hpe_edge.training.synthetic.light.gobos import GOBO_SIDE, sample_gobo
from hpe_edge.training.synthetic.light.lights import Environment, Lighting
from hpe_edge.training.synthetic.light.rigs import sample_rig, turn_to_viewer
from hpe_edge.training.synthetic.light.scenery import paint_scenery
from hpe_edge.training.synthetic.people.pose import Matrix, rotation_x, rotation_y, rotation_z
from hpe_edge.training.synthetic.raster.draw import Drawn, draw
from hpe_edge.training.synthetic.raster.drawable import Drawable, join, plain
from hpe_edge.training.synthetic.raster.materials import TexelStore, material
from hpe_edge.training.synthetic.streams import Dice
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

SIDE = 96
POSE = rotation_x(12) @ rotation_y(-31) @ rotation_z(7)


def _points() -> FloatArray:
    """A base mesh of head size; no more is needed to project it."""
    spread = np.random.default_rng(0).normal(0, 0.7, (15_000, 3))
    return (HEAD_CENTRE + np.clip(spread, -1.2, 1.2)).astype(np.float32)


def _label(camera: Camera, nearest: FloatArray | None = None) -> Labels:
    base = _points()
    model = SimpleNamespace(skull=np.arange(500), face_index=np.arange(500, 900))
    normals = np.tile(np.asarray([0, 0, 1], np.float32), (len(base), 1))
    nothing = np.zeros((2 * SIDE, 2 * SIDE), np.float32) if nearest is None else nearest
    return make_labels(model, base, normals, camera, nothing, 2)  # type: ignore[arg-type]


def _camera(right: float, up: float, rotation: Matrix = POSE) -> Camera:
    return aim_at_face(_points()[LANDMARKS_68], rotation, off_axis(9.0, right, up, 65.0), SIDE)


@pytest.mark.parametrize(("right", "up"), [(0.0, 0.0), (0.5, -0.3), (-0.62, 0.41)])
def test_stored_intrinsics_project_the_stored_landmarks(right: float, up: float) -> None:
    label = _label(_camera(right, up)).as_dict()
    stored = label["camera"]
    assert stored["field_of_view_deg"] == 65.0
    np.testing.assert_allclose(
        np.tan(np.radians([stored["ray_right_deg"], stored["ray_up_deg"]])), [right, up], atol=1e-5
    )
    # by hand, from the stored numbers alone: the ray, the smallest turn that leads to it, the pinhole
    ray = np.asarray([right, up, -1.0]) / np.linalg.norm([right, up, -1.0])
    axis = np.cross([0.0, 0.0, -1.0], ray)
    to_ray = cv2.Rodrigues(axis / max(np.linalg.norm(axis), 1e-9) * np.arccos(-ray[2]))[0]
    rotation = np.asarray(label["rotation"]).reshape(3, 3)
    seen = (_points()[LANDMARKS_68] - HEAD_CENTRE) @ (to_ray @ rotation).T + ray * stored["distance_dm"]
    u = stored["cx"] - stored["fx"] * seen[:, 0] / seen[:, 2]
    v = stored["cy"] + stored["fy"] * seen[:, 1] / seen[:, 2]
    np.testing.assert_allclose(np.stack([u, v], 1), label["landmarks_68"], atol=0.02)


def test_the_label_off_the_axis_is_the_pose_that_was_set() -> None:
    label = _label(_camera(0.6, 0.35))
    np.testing.assert_allclose(label.euler_deg, (-31, 12, 7), atol=1e-4)
    np.testing.assert_allclose(label.rotation, POSE, atol=1e-12)


def test_a_head_that_faces_the_camera_from_the_corner_has_zero_angles() -> None:
    view = off_axis(9.0, 0.6, 0.35, 70.0)
    camera = aim_at_face(_points()[LANDMARKS_68], np.eye(3), view, SIDE)
    np.testing.assert_allclose(_label(camera).euler_deg, (0, 0, 0), atol=1e-6)
    nose = camera.see(HEAD_CENTRE[None] + np.asarray([[0, 0, 1]], np.float32)) - camera.head_centre
    np.testing.assert_allclose(nose[0], -camera.head_centre / 9.0, atol=1e-5)


def test_the_tight_box_is_framed_wherever_the_head_is() -> None:
    for right, up in ((0.0, 0.0), (0.6, -0.4)):
        x0, y0, x1, y1 = _label(_camera(right, up)).box_xyxy
        np.testing.assert_allclose([(x0 + x1) / 2, (y0 + y1) / 2], SIDE / 2, atol=0.01)
        np.testing.assert_allclose(max(x1 - x0, y1 - y0), SIDE / (1 + 2 * BOX_MARGIN), rtol=1e-4)


def test_views_span_lenses_and_places() -> None:
    views = [sample_view(np.random.default_rng(seed)) for seed in range(800)]
    degrees = np.asarray([view.field_of_view_deg for view in views])
    assert 8 <= degrees.min() < 10 < 60 < degrees.max() <= 70
    off = np.degrees(np.arccos([view.ray[2, 2] for view in views]))
    assert np.percentile(off, 90) > 10
    assert off.max() < 45
    assert min(view.distance_dm for view in views) >= 3.2
    for view in views[:20]:
        np.testing.assert_allclose(view.ray @ view.ray.T, np.eye(3), atol=1e-12)
    assert on_axis(8.0).ray.tolist() == np.eye(3).tolist()


def _plate(middle: FloatArray, half: float, row: FloatArray) -> Drawable:
    corners = np.asarray([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], np.float32) * half + middle
    faces = np.asarray([[0, 1, 2], [0, 2, 3]], np.int32)
    return plain(corners, np.tile(np.asarray([0, 0, 1], np.float32), (4, 1)), faces, row)


def _white() -> tuple[FloatArray, NDArray[np.uint8]]:
    store = TexelStore()
    return material(store.add(np.full((4, 4, 4), 255, np.uint8))), store.texels()


def _lit_by(direction: tuple[float, float, float], gobo: NDArray[np.bool_] | None = None) -> Lighting:
    towards = np.asarray([direction], np.float32)
    return Lighting(
        "one lamp", np.zeros((9, 3), np.float32), np.eye(3, dtype=np.float32),
        towards / np.linalg.norm(towards), np.ones((1, 3), np.float32), gobo,
    )  # fmt: skip


@pytest.mark.parametrize("right", [0.0, 0.6])
def test_shadows_fall_round_the_head_wherever_it_is(right: float) -> None:
    row, texels = _white()
    camera = Camera(260.0, SIDE / 2 - 260.0 * right, SIDE / 2, np.eye(3), off_axis(12.0, right, 0.0, 65.0))
    middle = camera.head_centre
    wall = _plate(middle, 1.6, row)
    both = join([wall, _plate(middle + np.asarray([0, 0.5, 0.5], np.float32), 0.3, row)])
    light = _lit_by((0.0, 1.0, 1.0))  # the small plate's shadow falls on the wall's middle
    at = SIDE // 2
    lit, shadowed = (draw(thing, texels, camera, light, SIDE).radiance for thing in (wall, both))
    assert lit[at, at].mean() > 0.5
    assert shadowed[at, at].mean() < 0.1
    assert shadowed[at + SIDE // 3, at].mean() > 0.5


def test_a_gobo_cuts_its_shape_out_of_the_first_lamp() -> None:
    row, texels = _white()
    camera = Camera(260.0, SIDE / 2, SIDE / 2, np.eye(3), on_axis(12.0))
    upper = np.zeros((GOBO_SIDE, GOBO_SIDE), np.bool_)
    upper[GOBO_SIDE // 2 :] = True
    wall = _plate(camera.head_centre, 2.4, row)
    seen = draw(wall, texels, camera, _lit_by((0.0, 0.0, 1.0), upper), SIDE).radiance.mean(2)
    upper_rows, lower_rows = seen[10 : SIDE // 3, 10:-10], seen[-SIDE // 3 : -10, 10:-10]
    assert upper_rows.max() < 0.05 < 0.9 < lower_rows.min()
    shares = [sample_gobo(np.random.default_rng(seed)).mean() for seed in range(60)]
    assert 0.2 < np.mean(shares) < 0.7


def _scene() -> Taken:
    rng = np.random.default_rng(1)
    coverage = np.zeros((SIDE, SIDE), np.float32)
    cv2.ellipse(coverage, (SIDE // 2, SIDE // 2), (22, 30), 0, 0, 360, 1.0, -1)
    texture = cv2.GaussianBlur(rng.random((SIDE, SIDE, 3), np.float32), (0, 0), 1.0)
    radiance = texture * np.asarray([0.5, 0.35, 0.25], np.float32) * coverage[..., None]
    return Taken(radiance, coverage, texture * np.float32(0.3))


def test_the_same_dice_take_the_same_picture() -> None:
    first, again, other = (photograph(_scene(), "colour", Dice((key,))) for key in (1, 1, 2))
    assert first.shape == (SIDE, SIDE, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.5


def test_grey_films_are_exactly_grey_and_tinted_ones_are_not() -> None:
    for key in range(12):
        for kind in ("grey", "near infrared"):
            picture = photograph(_scene(), kind, Dice((key,)))
            assert (picture == picture[..., :1]).all()
    tinted = [photograph(_scene(), "tinted", Dice((key,))).astype(int) for key in range(12)]
    assert np.mean([(np.ptp(picture, axis=2) > 3).mean() for picture in tinted]) > 0.3
    kinds = [film.sample_film(np.random.default_rng(seed)) for seed in range(2000)]
    assert kinds.count("grey") / 2000 == pytest.approx(0.15, abs=0.03)
    assert kinds.count("near infrared") / 2000 == pytest.approx(0.05, abs=0.02)


def test_pictures_vary_in_brightness_contrast_and_sharpness() -> None:
    grey = [cv2.cvtColor(photograph(_scene(), "colour", Dice((key,))), cv2.COLOR_BGR2GRAY) for key in range(80)]
    means = [picture[30:66, 30:66].mean() for picture in grey]
    assert np.percentile(means, 90) - np.percentile(means, 10) > 45
    detail = [cv2.Laplacian(picture, cv2.CV_64F).var() / picture.var() for picture in grey]
    assert np.percentile(detail, 90) > 4 * np.percentile(detail, 5)


def test_shot_noise_grows_with_light_and_with_sensitivity() -> None:
    straight = np.linspace(0, 1, 2048, dtype=np.float32)
    steps = np.repeat(np.asarray([0.02, 0.5], np.float32), 64)[None, :, None] * np.ones((128, 1, 3), np.float32)

    def spread(electrons: float) -> tuple[float, float]:
        noise = film.Noise(electrons, 0.0, 0.0)
        square = film.expose(steps, noise, 1.0, straight, np.random.default_rng(0)) ** 2  # back to linear light
        return float(square[:, :64].std()), float(square[:, 64:].std())

    dark, bright = spread(200.0)
    assert bright == pytest.approx(dark * 5, rel=0.15)  # the root of 25 times the light
    assert spread(20_000.0)[1] == pytest.approx(bright / 10, rel=0.15)


def test_movement_blurs_along_its_direction_alone() -> None:
    dot = np.zeros((SIDE, SIDE, 3), np.float32)
    dot[SIDE // 2, SIDE // 2] = 1.0
    moved = optics.blur(dot, optics.Blur(0.0, 0.2, 0.0))[..., 0]
    assert moved.sum() == pytest.approx(1.0, abs=1e-4)
    rows, columns = np.nonzero(moved > 1e-4)
    assert np.ptp(rows) <= 2
    assert np.ptp(columns) == pytest.approx(0.2 * SIDE, abs=2)


def test_the_photograph_ends_in_about_a_third_of_the_pictures_and_never_in_the_face() -> None:
    frames = [sample_frame(SIDE, np.random.default_rng(seed)) for seed in range(1500)]
    found = [frame for frame in frames if frame is not None]
    assert len(found) / 1500 == pytest.approx(0.3, abs=0.04)
    picture = np.random.default_rng(0).integers(1, 250, (SIDE, SIDE, 3), np.uint8)
    third = slice(round(SIDE * 0.37), round(SIDE * 0.63))
    for frame in found[:200]:
        filled = frame.fill(picture)
        assert min(frame.right - frame.left, frame.bottom - frame.top) >= 0.5 * SIDE - 1
        np.testing.assert_array_equal(filled[third, third], picture[third, third])
        hidden = frame.outside(2 * SIDE, SIDE)[::2, ::2]
        np.testing.assert_array_equal(filled[~hidden], picture[~hidden])
        if frame.kind in ("black", "white"):
            assert (filled[hidden] == (0 if frame.kind == "black" else 255)).all()


def test_landmarks_beyond_the_border_are_not_visible() -> None:
    camera = _camera(0.0, 0.0, np.eye(3))
    frame = Frame("black", 0, 0, SIDE // 2, SIDE)
    nearest = np.zeros((2 * SIDE, 2 * SIDE), np.float32)
    nearest[frame.outside(2 * SIDE, SIDE)] = np.inf
    label = _label(camera, nearest)
    beyond = label.landmarks_68[:, 0] >= SIDE // 2
    assert 0 < beyond.sum() < 68
    np.testing.assert_array_equal(label.landmarks_68_visible, ~beyond)


def test_skins_come_near_each_other_in_infrared() -> None:
    row, texels = _white()
    light, dark = row.copy(), row.copy()
    light[2:5], dark[2:5] = (0.6, 0.45, 0.35), (0.05, 0.03, 0.02)
    gains = []
    for skin in (light, dark):
        seen = in_infrared(_plate(np.zeros(3, np.float32), 1.0, skin), texels, np.random.default_rng(0))
        assert np.ptp(seen.materials[0, 2:5]) < 1e-4
        assert (seen.paint[:, 3] > 0.25).all()
        gains.append(float(seen.materials[0, 2]))
    assert 0.25 < gains[1] < gains[0] < 0.7
    assert active_light(np.random.default_rng(0)).key_directions[0, 2] > 0.8


def test_pupils_show_in_infrared_where_nothing_hides_them() -> None:
    camera, base = _camera(0.0, 0.0, np.eye(3)), _points()
    fronts = camera.project(camera.see(base[[RIGHT_EYEBALL_FRONT, LEFT_EYEBALL_FRONT]]))[0].astype(int)
    radiance = np.full((SIDE, SIDE, 3), 0.4, np.float32)
    found = set()
    for hidden in (0.0, np.inf):
        depth = np.full((2 * SIDE, 2 * SIDE), hidden, np.float32)
        drawn = Drawn(depth, np.zeros((2 * SIDE, 2 * SIDE), np.int32), radiance, np.ones((SIDE, SIDE), np.float32))
        for seed in range(12):
            seen = show_pupils(drawn, camera, base, np.random.default_rng(seed)).radiance
            at = seen[fronts[:, 1], fronts[:, 0]].mean()
            found.add("none" if hidden else "dark" if at < 0.3 else "bright" if at > 0.42 else "faint")
            np.testing.assert_allclose(seen[:4], 0.4, atol=1e-3)
            assert np.allclose(seen, 0.4) == bool(hidden)
    assert {"none", "dark", "bright"} <= found


def _environment() -> Environment:
    rng = np.random.default_rng(0)
    harmonics = np.zeros((9, 3), np.float32)
    harmonics[0] = 1.0
    directions = np.asarray([[0, 1, 0], [1, 0, 0]], np.float32)
    radiance = rng.random((32, 64, 3), np.float32)
    return Environment("plain", radiance, harmonics, directions, np.ones((2, 3), np.float32))


def test_rigs_light_heads_from_everywhere_and_follow_the_viewer() -> None:
    ray = off_axis(9.0, 0.6, 0.0, 70.0).ray
    names, contrasts = set(), []
    for seed in range(300):
        lighting, _ = sample_rig((_environment(),), np.random.default_rng(seed))
        names.add(lighting.name)
        lengths = np.linalg.norm(lighting.key_directions, axis=1)
        np.testing.assert_allclose(lengths, 1.0, atol=1e-5)
        assert np.isfinite(lighting.harmonics).all()
        assert (lighting.key_rgb >= 0).all()
        assert lighting.level() > 0
        turned = turn_to_viewer(lighting, ray)
        np.testing.assert_allclose(turned.key_directions @ ray, lighting.key_directions, atol=1e-5)
        np.testing.assert_allclose(turned.to_environment @ ray, lighting.to_environment, atol=1e-5)
        left, right = (_facing(lighting, (side, 0.0, 0.0)) for side in (-1.0, 1.0))
        contrasts.append(max(left, right) / max(min(left, right), 1e-3))
    assert len(names) == 10
    assert np.mean(np.asarray(contrasts) > 5) > 0.15  # half the face black
    assert np.mean(np.asarray(contrasts) < 1.5) > 0.15


def _facing(lighting: Lighting, normal: tuple[float, float, float]) -> float:
    x, y, z = lighting.to_environment @ np.asarray(normal, np.float32)
    basis = np.asarray([1, y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y])
    keys = np.maximum(lighting.key_directions @ np.asarray(normal, np.float32), 0)
    return float(max((basis @ lighting.harmonics).mean(), 0) + (keys @ lighting.key_rgb).mean())


def test_backgrounds_are_muted_and_of_many_kinds() -> None:
    view = np.random.default_rng(0).random((SIDE, SIDE, 3), np.float32)
    painted = [paint_scenery(lambda: view, SIDE, "daylight", np.random.default_rng(seed)) for seed in range(120)]
    assert all(picture.dtype == np.float32 and (picture >= 0).all() for picture in painted)
    chroma = [np.ptp(picture, axis=2).mean() / max(picture.mean(), 1e-3) for picture in painted]
    assert np.median(chroma) < 0.5
    flat = [picture.std() / max(picture.mean(), 1e-3) for picture in painted]
    assert min(flat) < 0.15 < 0.5 < max(flat)
