"""Hair and things worn: they fit the head, leave the face free, and change nothing where they are left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hpe_edge.training.synthetic.body.dome import COLUMNS, ROWS, Dome, bind_dome, dome_of, grid_angles
from hpe_edge.training.synthetic.body.head_model import HeadModel
from hpe_edge.training.synthetic.features import ALL_FEATURES
from hpe_edge.training.synthetic.hair.cards import grow_locks
from hpe_edge.training.synthetic.hair.cut import Cut, Dye
from hpe_edge.training.synthetic.hair.mass import Reshape, bald_share
from hpe_edge.training.synthetic.hair.style import STYLES, make_hair, sample_colour, sample_style
from hpe_edge.training.synthetic.people.figure import build_figure
from hpe_edge.training.synthetic.people.identity import sample_identity
from hpe_edge.training.synthetic.raster.materials import SRGB_TO_LINEAR, Texture, material
from hpe_edge.training.synthetic.streams import Dice
from hpe_edge.training.synthetic.worn import outfit as outfits
from hpe_edge.training.synthetic.worn.cloth import surface
from hpe_edge.training.synthetic.worn.headwear import Colours
from hpe_edge.training.synthetic.worn.panes import blend_panes, is_pane, pane
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
WHITE = Texture(0, 1, np.ones(3, np.float32))
RADIUS = 0.9
GREY = np.full(3, 0.2, np.float32)


def _ball() -> Dome:
    """A head that is a ball of 0.9 dm."""
    radius = np.full((ROWS, COLUMNS), RADIUS, np.float32)
    return Dome(np.asarray([0, 7.35, 0.45], np.float32), radius, radius)


def _scalp() -> FloatArray:
    """Hair grows above the brow in front and above the neck behind."""
    polar, azimuth = grid_angles()
    return (polar < np.radians(75 - 25 * np.cos(azimuth))).astype(np.float32)


def _rows(pattern: str, rgb: FloatArray) -> FloatArray:
    return material(WHITE, (float(rgb[0]), float(rgb[1]), float(rgb[2])))


def test_the_grid_finds_the_skin_of_a_ball() -> None:
    vertices, _, faces = surface(_ball().place(*grid_angles(), 0.0), closed=True)
    dome = dome_of(bind_dome(vertices, faces, np.zeros(len(vertices), np.float32)), vertices * np.float32(1))
    np.testing.assert_allclose(dome.radius[2:-2], RADIUS, atol=0.01)
    np.testing.assert_allclose(dome.at(np.float32([1.0]), np.float32([-7.0])), RADIUS, atol=0.01)


@pytest.mark.parametrize("limit", [0.3, 0.6])
def test_locks_stay_outside_the_head_and_off_the_middle_of_the_face(limit: float) -> None:
    cut = Cut(length=2.0, cheek_limit=(limit, limit), back=(-0.2, -0.2), width=0.02)
    dye = Dye(GREY, GREY, 1.0, GREY, 0.0, 0.1)
    made = grow_locks(cut, dye, _ball(), _scalp(), _rows("", GREY), np.random.default_rng(4))
    around = made.positions - _ball().centre
    assert np.isfinite(made.positions).all()
    assert made.faces.max() < len(made.positions)
    above_neck = around[:, 1] > -0.5
    assert np.linalg.norm(around[above_neck], axis=1).min() > RADIUS - 0.05
    face = (around[:, 2] > 0.5) & (around[:, 1] < 0.1) & (around[:, 1] > -0.8)
    assert np.abs(around[face, 0]).min(initial=9.0) > limit - 0.15
    assert made.positions[:, 1].min() < 6.2  # long hair reaches below the chin


def test_wind_blows_hair_aside() -> None:
    def middle(wind: tuple[float, float]) -> float:
        cut = Cut(length=2.0, wind=wind)
        dye = Dye(GREY, GREY, 1.0, GREY, 0.0, 0.1)
        made = grow_locks(cut, dye, _ball(), _scalp(), _rows("", GREY), np.random.default_rng(4))
        return float(made.positions[:, 0].mean())

    assert middle((0.8, 0.0)) > middle((0.0, 0.0)) + 0.05


def test_loose_hair_falls_to_the_side_the_head_leans_to() -> None:
    cut = Cut(length=2.0)
    dye = Dye(GREY, GREY, 1.0, GREY, 0.0, 0.1)
    made = grow_locks(cut, dye, _ball(), _scalp(), _rows("", GREY), np.random.default_rng(4))
    assert not made.hang(np.asarray((0, -1, 0), np.float32)).any()
    aside = made.hang(np.asarray((0.5, -0.87, 0), np.float32))
    assert aside[:, 0].max() > 0.2
    assert aside[:, 0].min() >= 0
    assert not aside[made.positions[:, 1] > 7.4].any()


@pytest.mark.parametrize("name", sorted(outfits._MAKERS))
def test_headgear_sits_on_the_head(name: str) -> None:
    maker: Callable[..., list[outfits.Worn]] = outfits._MAKERS[name]
    for seed in range(4):
        for thing in maker(_ball(), Colours(GREY, GREY, "cloth"), _rows, np.random.default_rng(seed)):
            around = thing.positions - _ball().centre
            assert np.isfinite(around).all()
            assert len(thing.paint) == len(thing.uv) == len(thing.positions)
            assert sum(count for count, _ in thing.rows) == len(thing.faces)
            assert thing.faces.max() < len(thing.positions)
            assert np.linalg.norm(around[thing.positions[:, 1] > 6.7], axis=1).min() > RADIUS - 0.02
            # the face from brow to chin stays free
            eyes = (np.abs(around[:, 0]) < 0.4) & (around[:, 2] > 0.5) & (np.abs(around[:, 1] + 0.25) < 0.2)
            assert not eyes.any()


def test_a_lens_dims_what_lies_behind_it_and_nothing_before_it() -> None:
    screen = np.asarray([(0, 0), (0, 8), (8, 0)], np.float32)
    away = np.full(3, 0.2, np.float32)
    positions = np.asarray([(-1, 1, -5), (-1, -1, -5), (1, 1, -5)], np.float32)
    normals = np.tile(np.asarray([0, 0, 1], np.float32), (3, 1))
    paint = np.ones((3, 5), np.float32)
    rows = pane(WHITE, np.full(3, 0.5, np.float32), 0.0, 50.0)[None]
    best = np.full((8, 8), 0.1, np.float32)
    best[0, 0] = 0.5  # something nearer than the lens
    image, coverage = np.ones((8, 8, 3), np.float32), np.zeros((8, 8), np.float32)
    faces = np.asarray([[0, 1, 2]], np.int32)
    assert is_pane(rows, np.zeros(1, np.int32)).all()
    dark = np.zeros((1, 3), np.float32)
    blend_panes(
        np.asarray([0]), faces, np.zeros(1, np.int32), rows, paint, screen, away, positions, normals,
        np.zeros((1, 4), np.uint8), SRGB_TO_LINEAR, np.zeros(3, np.float32), np.asarray([[0, 0, 1]], np.float32), dark,
        best, image, coverage,
    )  # fmt: skip
    assert image[0, 0, 0] == 1
    assert image[1, 1, 0] == pytest.approx(0.5, abs=0.02)
    assert coverage[1, 1] == pytest.approx(0.5, abs=0.02)
    assert image[7, 7, 0] == 1


def test_mirrored_and_lengthened_hair() -> None:
    points = np.asarray([(0.3, 8.0, 0.4), (0.6, 6.5, 0.2)], np.float32)
    mirrored = points + Reshape(True, 1.0, 1.0, (0.0, 0.0)).offsets(points)
    np.testing.assert_allclose(mirrored, points * (-1, 1, 1), atol=1e-6)
    longer = points + Reshape(False, 1.5, 1.0, (0.0, 0.0)).offsets(points)
    assert longer[1, 1] < points[1, 1] - 0.2
    assert longer[0, 1] == pytest.approx(points[0, 1])


def test_balding_spares_the_wreath() -> None:
    places = np.asarray([(0, 8.35, 0.45), (0, 7.4, -0.5), (0, 8.0, 1.2)], np.float32)  # crown, nape, forehead
    crown, nape, forehead = bald_share(places, 0.9)
    assert (crown, forehead) > (0.8, 0.8)
    assert nape < 0.05
    assert bald_share(places, 0.0).max() == 0


def test_how_often_things_are_worn() -> None:
    dice = Dice((1,))
    drawn = [outfits.sample_outfit("female" if i % 2 else "male", 0.5, dice.child(i)("outfit")) for i in range(3000)]
    gear = Counter(outfit.headgear for outfit in drawn)
    hats = sum(gear[name] for name in ("cap", "cap backwards", "sun hat", "bucket hat", "fedora", "beanie"))
    glasses = [outfit.spectacles for outfit in drawn if outfit.spectacles is not None]
    assert hats / 3000 == pytest.approx(0.125, abs=0.03)
    assert gear["head scarf"] / 3000 == pytest.approx(0.028, abs=0.012)
    assert sum(outfit.mask != "" for outfit in drawn) / 3000 == pytest.approx(0.02, abs=0.01)
    assert sum(not pair.dark for pair in glasses) / 3000 == pytest.approx(0.2, abs=0.04)
    assert sum(pair.dark for pair in glasses) / 3000 == pytest.approx(0.08, abs=0.03)


def test_hair_colours_are_loosely_tied_to_skin() -> None:
    for tone in (1.0, 8.0):
        names = Counter(sample_colour(0.5, tone, Dice((2, i))("colour"))[0] for i in range(1500))
        assert min(names[name] for name in ("black", "darkbrown", "brown", "blond", "red")) > 15, (tone, names)


def test_every_style_fits_children_and_grown_ups(model: HeadModel) -> None:
    seen: set[str] = set()
    for number in range(60):
        dice = Dice((9, number))
        identity = sample_identity(model, ALL_FEATURES - {"hair", "wear"}, dice)
        dome = dome_of(model.dome, identity.neutral)
        _, dye = sample_colour(identity.age, identity.monk_tone, dice("a"))
        style = sample_style(identity.sex, identity.age, dye, dice("b"))
        seen.add(style.name)
        for thing in make_hair(model, style, dome, dice("c")):
            assert np.isfinite(thing.positions).all()
            assert np.abs(thing.positions - dome.centre).max() < 6
    assert len(seen) > len(STYLES) // 2


def test_left_out_features_leave_a_person_as_before(model: HeadModel) -> None:
    for number in range(12):
        dice = Dice((5, number))
        plain = sample_identity(model, frozenset(), dice)
        dressed = sample_identity(model, frozenset({"hair", "wear"}), dice)
        assert plain.style is None
        assert plain.outfit is None
        assert dressed.style is not None
        assert dressed.outfit is not None
        np.testing.assert_array_equal(plain.neutral, dressed.neutral)
        assert plain.skin is dressed.skin
        first, second = (build_figure(model, dressed, dice) for _ in range(2))
        assert all(
            a.worn is None or np.array_equal(a.worn.positions, b.worn.positions)  # type: ignore[union-attr]
            for a, b in zip(first.pieces, second.pieces, strict=True)
        )
