"""Hands, things and other people before a rendered face, and what the labels say of them."""

from __future__ import annotations

import numpy as np
import pytest
from hpe_edge.training.synthetic.body.hands import POSES, pose_hand
from hpe_edge.training.synthetic.body.landmarks import LANDMARKS_68
from hpe_edge.training.synthetic.camera.pinhole import Camera, aim_at_face, off_axis
from hpe_edge.training.synthetic.features import ALL_FEATURES
from hpe_edge.training.synthetic.labels import Labels, make_labels
from hpe_edge.training.synthetic.light.lights import Lighting
from hpe_edge.training.synthetic.occlusion.arms import FacedSurface, lay_hand
from hpe_edge.training.synthetic.occlusion.company import (
    _MANNERS,
    Companion,
    camera_at,
    sample_companion,
    sample_company,
    within_picture,
)
from hpe_edge.training.synthetic.occlusion.contact import height_field, way_to_touch
from hpe_edge.training.synthetic.occlusion.defocus import defocus_from
from hpe_edge.training.synthetic.occlusion.foreground import VIEWS
from hpe_edge.training.synthetic.occlusion.gestures import GESTURES, MIRROR_68, Gesture
from hpe_edge.training.synthetic.occlusion.holding import ACTS, Act
from hpe_edge.training.synthetic.occlusion.occluders import (
    KINDS,
    SHARE,
    Occlusion,
    occlusion_of,
    own_hand,
    own_hands,
    sample_occlusion,
)
from hpe_edge.training.synthetic.occlusion.shapes import box, tube, turned
from hpe_edge.training.synthetic.occlusion.stage import Stage
from hpe_edge.training.synthetic.people.figure import Figure, build_figure
from hpe_edge.training.synthetic.people.identity import sample_identity
from hpe_edge.training.synthetic.people.posing import PosedFigure, as_drawable, pose_figure
from hpe_edge.training.synthetic.raster.draw import Drawn, draw
from hpe_edge.training.synthetic.raster.drawable import join
from hpe_edge.training.synthetic.streams import Dice
from hpe_edge.training.synthetic.studio import Studio

SIDE = 64
PLAIN = ALL_FEATURES - {"hair", "wear", "expression"}


@pytest.fixture(scope="module")
def figure(studio: Studio) -> Figure:
    """Somebody whose face neither hair nor mask hides."""
    for number in range(40):
        dice = Dice((5, number))
        identity = sample_identity(studio.model, PLAIN, dice)
        if (
            identity.age > 0.4
            and identity.hair is None
            and not identity.cover
            and identity.hat is None
            and identity.glasses is None
        ):
            return build_figure(studio.model, identity, dice)
    raise AssertionError("nobody with a free face among 40")


@pytest.fixture(scope="module")
def posed(studio: Studio, figure: Figure) -> PosedFigure:
    return pose_figure(studio.model, figure, {}, np.eye(3), np.asarray((0, 0, 1), np.float32))


@pytest.fixture(scope="module")
def camera(posed: PosedFigure) -> Camera:
    return aim_at_face(posed.base[LANDMARKS_68], np.eye(3), off_axis(12.0, 0.1, 0.05, 40.0), SIDE)


def _labels(studio: Studio, figure: Figure, posed: PosedFigure, camera: Camera, occlusion: Occlusion) -> Labels:
    dark = Lighting("", np.zeros((9, 3), np.float32), np.eye(3, dtype=np.float32),
                    np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32))  # fmt: skip
    thing = join([occlusion.over(as_drawable(figure, posed, camera)), *occlusion.parts])
    drawn = draw(thing, studio.model.texels, camera, dark, SIDE)
    return make_labels(
        studio.model, posed.base, posed.base_normals, camera, drawn.nearest_round(len(figure.faces), 12.0), 2
    )


def _gesture(name: str) -> Gesture:
    return next(gesture for gesture in GESTURES if gesture.name == name)


def test_a_thing_comes_to_rest_on_a_surface() -> None:
    floor = np.asarray([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)], np.float32)
    faces = np.asarray([(0, 1, 2), (0, 2, 3)], np.int32)
    field = height_field(floor, faces, np.zeros(3, np.float32), np.asarray((0, 0, 1), np.float32))
    thing = np.asarray([(0, 0, 0.5), (0.2, 0.1, 0.3)], np.float32)
    assert way_to_touch(field, thing, 0.0) == pytest.approx(-0.3)
    assert way_to_touch(field, thing - np.asarray((0, 0, 2)), 0.0) == pytest.approx(1.7)
    assert way_to_touch(field, thing + np.asarray((1.5, 0, 0)), 0.0) == 0.0  # nothing below


def test_turned_boxed_and_drawn_shapes_look_outwards() -> None:
    row = np.zeros(12, np.float32)
    ball = turned([(np.cos(a), np.sin(a)) for a in np.linspace(-np.pi / 2, np.pi / 2, 9)], row)
    rod = tube(np.asarray([(0, 0, -1), (0, 0, 0), (0, 0, 1)]), 0.2, row)
    for shape in (ball, box((1, 2, 3), row), rod):
        corners = shape.positions[shape.faces]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        outwards = (normals * corners.mean(1)).sum(1)[np.linalg.norm(normals, axis=1) > 1e-6]
        assert (outwards > 0).mean() > 0.95


def test_mirroring_landmarks_twice_is_nothing(studio: Studio) -> None:
    assert (MIRROR_68[MIRROR_68] == np.arange(68)).all()
    points = studio.model.mean[LANDMARKS_68]
    np.testing.assert_allclose(points[MIRROR_68] * (-1, 1, 1), points, atol=0.06)


def test_fingers_bend_where_the_pose_says(studio: Studio) -> None:
    rig, down = studio.model.hand, np.asarray((-0.05, -0.97, 0.24))
    posed = {name: pose_hand(rig, studio.model.mean, pose, down) for name, pose in POSES.items()}
    fingers = rig.weights[:, 5:].sum(1) > 0.9
    assert posed["flat"][fingers, 1].max() > 1.6
    assert posed["fist"][fingers, 1].max() < 1.35
    index, middle = rig.weights[:, 7] > 0.9, rig.weights[:, 10] > 0.9
    assert posed["point"][index, 1].mean() > posed["point"][middle, 1].mean() + 0.4
    palm = rig.weights[:, 0] > 0.999
    np.testing.assert_allclose(posed["fist"][palm], posed["flat"][palm], atol=1e-5)
    tip = rig.weights[:, 7] > 0.999  # a bone stays as long as it was
    spread = [np.ptp(np.linalg.norm(posed[name][tip] - posed[name][tip][0], axis=1)) for name in ("flat", "fist")]
    assert spread[0] == pytest.approx(spread[1], abs=1e-4)


@pytest.mark.parametrize("name", ["hand on cheek", "chin on fist", "hand over the mouth", "hand in the hair"])
def test_hands_touch_the_face_without_sinking_in(studio: Studio, figure: Figure, posed: PosedFigure, name: str) -> None:
    rng, model = np.random.default_rng(1), studio.model
    surface = FacedSurface.of(posed.base, model)
    skin = posed.base[model.skull]
    for _ in range(5):
        laid = lay_hand(model.hand, own_hand(model, figure, rng), _gesture(name), surface, 0.02, rng)
        hand = laid.points[model.hand.weights[:, 1] < 0.1]
        nearest = np.linalg.norm(hand[:, None] - skin[None], axis=2).min()
        assert nearest < 0.2
        assert 0.3 < laid.left_open.min() < 0.75
        assert laid.left_open[model.skull].mean() > 0.6


def test_labels_know_what_a_hand_hides(studio: Studio, figure: Figure, posed: PosedFigure, camera: Camera) -> None:
    free = _labels(studio, figure, posed, camera, Occlusion("", ()))
    mouth, gesture = slice(48, 60), _gesture("hand over the mouth")
    hands = [own_hands(studio.model, figure, posed, camera, gesture, np.random.default_rng(seed)) for seed in range(6)]
    hidden = [_labels(studio, figure, posed, camera, hand) for hand in hands]
    for labels in hidden:
        np.testing.assert_array_equal(free.box_xyxy, labels.box_xyxy)
    assert free.landmarks_68_visible[mouth].mean() > 0.9
    assert np.mean([labels.landmarks_68_visible[mouth] for labels in hidden]) < 0.4
    assert np.mean([labels.landmarks_68_visible[17:27] for labels in hidden]) > 0.8
    assert np.mean([labels.visible_face_fraction for labels in hidden]) < free.visible_face_fraction - 0.1


@pytest.mark.parametrize("act", [act for _, act in (*ACTS, *VIEWS)], ids=lambda act: act.__name__)
def test_every_act_is_near_the_face_on_either_side(
    studio: Studio, figure: Figure, posed: PosedFigure, camera: Camera, act: Act
) -> None:
    rng = np.random.default_rng(7)
    surface = FacedSurface.of(posed.base, studio.model)
    seen_beside = []
    for right in (False, True) * 6:
        owner = own_hand(studio.model, figure, rng)
        stage = Stage(studio.model, owner, surface.mirrored() if right else surface, right, camera, rng)
        name, parts = act(stage)
        thing = join(parts)
        pixels, inverse_depth = camera.project(thing.positions)
        assert name
        assert np.isfinite(thing.positions).all() and np.isfinite(thing.normals).all()
        seen_beside.append(((pixels > 0) & (pixels < SIDE)).all(1)[inverse_depth > 0].any())
    assert np.mean(seen_beside) > 0.7


def test_how_often_and_the_same_again(studio: Studio, figure: Figure, posed: PosedFigure, camera: Camera) -> None:
    found = [sample_occlusion(studio.model, figure, posed, camera, Dice((9, number))) for number in range(150)]
    assert np.mean([bool(occlusion.name) for occlusion in found]) == pytest.approx(SHARE, abs=0.08)
    again = sample_occlusion(studio.model, figure, posed, camera, Dice((9, 3)))
    assert [part.positions.tobytes() for part in again.parts] == [part.positions.tobytes() for part in found[3].parts]
    for kind in KINDS:
        assert occlusion_of(kind, studio.model, figure, posed, camera, np.random.default_rng(0)).faces > 0


def test_blur_keeps_even_light_and_what_is_farther() -> None:
    triangle_of = np.zeros((20, 20), np.int32)
    triangle_of[:, 10:] = 7
    even = Drawn(np.ones((20, 20)), triangle_of, np.ones((10, 10, 3), np.float32), np.ones((10, 10), np.float32))
    np.testing.assert_allclose(defocus_from(even, 5, 1.5).radiance, 1.0, atol=1e-5)
    edge = np.repeat(np.where(np.arange(10) < 5, 0.0, 1.0)[None, :, None], 10, 0).repeat(3, 2).astype(np.float32)
    soft = defocus_from(Drawn(even.inverse_depth, triangle_of, edge, even.coverage), 5, 1.0).radiance[5, :, 0]
    assert (np.diff(soft) >= -1e-6).all() and 0.05 < soft[4] < 0.95
    sharp = Drawn(even.inverse_depth, triangle_of, edge, even.coverage)
    assert defocus_from(sharp, 5, 0.0) is sharp


def test_companions_follow_from_the_dice_alone(studio: Studio) -> None:
    numbers = [number for number in range(60) if Dice((2, number))("company").random() < 0.25]
    assert sample_companion(studio.model, {}, ALL_FEATURES - {"company"}, Dice((2, numbers[0]))) is None
    known: dict[tuple[int, ...], Companion] = {}
    first = sample_companion(studio.model, known, ALL_FEATURES, Dice((2, numbers[0])))
    for number in numbers[1:5]:
        sample_companion(studio.model, known, ALL_FEATURES, Dice((2, number)))
    assert 1 <= len(known) <= 3
    alone = sample_companion(studio.model, {}, ALL_FEATURES, Dice((2, numbers[0])))
    assert first is not None and alone is not None
    np.testing.assert_array_equal(first.poses[1].positions, alone.poses[1].positions)


@pytest.mark.parametrize("manner", _MANNERS)
def test_no_other_face_in_the_middle_of_the_labelled_box(posed: PosedFigure, camera: Camera, manner: str) -> None:
    from hpe_edge.training.synthetic.occlusion.company import _free_spot

    rng = np.random.default_rng(4)
    points = camera.project(camera.see(posed.base[LANDMARKS_68]))[0]
    box_xyxy = np.concatenate([points.min(0), points.max(0)])
    middles = []
    for _ in range(40):
        spot = _free_spot(manner, camera, box_xyxy, ALL_FEATURES, rng)
        if spot is not None:
            there = camera_at(camera, spot)
            np.testing.assert_allclose(there.head_centre, spot.centre, atol=1e-3)
            middle = there.project(there.see(posed.base[LANDMARKS_68].mean(0, keepdims=True)))[0][0]
            middles.append(np.abs(middle - (box_xyxy[:2] + box_xyxy[2:]) / 2) / (box_xyxy[2:] - box_xyxy[:2]))
    assert len(middles) > 20
    assert (np.asarray(middles).max(1) > 0.24).all()


def test_what_lies_beside_the_picture_is_cut_away(
    studio: Studio, figure: Figure, posed: PosedFigure, camera: Camera
) -> None:
    whole = as_drawable(figure, posed, camera)
    part = within_picture(whole, camera, SIDE)
    assert len(part.faces) < len(whole.faces)
    dark = Lighting("", np.zeros((9, 3), np.float32), np.eye(3, dtype=np.float32),
                    np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32))  # fmt: skip
    depths = [draw(thing, studio.model.texels, camera, dark, SIDE).inverse_depth for thing in (whole, part)]
    assert np.mean(depths[0] != depths[1]) < 0.02  # hashed hair may differ: its grain follows the triangles' numbers


def test_company_is_drawn_beside(studio: Studio, figure: Figure, posed: PosedFigure, camera: Camera) -> None:
    companion = Companion(figure, (posed,))
    counts = [
        len(sample_company(companion, camera, posed.base[LANDMARKS_68], SIDE, ALL_FEATURES, Dice((1, number))))
        for number in range(40)
    ]
    assert 0.25 < np.mean(np.asarray(counts) > 0) < 0.75
    assert set(counts) <= {0, 1, 2}
    assert sample_company(None, camera, posed.base[LANDMARKS_68], SIDE, ALL_FEATURES, Dice((1, 2))) == []
