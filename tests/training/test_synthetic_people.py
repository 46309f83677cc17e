"""People: a balanced population, skin that shows its tone, expressions in life's proportions, gaze, beards."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hpe_edge.training.synthetic.body.head_model import HeadModel
from hpe_edge.training.synthetic.people.acting import sample_act, sample_gaze
from hpe_edge.training.synthetic.people.beard import BEARD_STYLES, beard_region
from hpe_edge.training.synthetic.people.complexion import folds_of, sample_complexion
from hpe_edge.training.synthetic.people.folds import FOLD_NAMES, fold_maps
from hpe_edge.training.synthetic.people.identity import sample_identity
from hpe_edge.training.synthetic.people.population import AGE_GROUPS, age_group, age_years, person, population_table
from hpe_edge.training.synthetic.people.pose import rotation_x, rotation_y
from hpe_edge.training.synthetic.people.skin import Skin
from hpe_edge.training.synthetic.raster.materials import (
    M_DETAIL,
    M_FOLDS,
    M_LIPS,
    MATERIAL_COLUMNS,
    SRGB_TO_LINEAR,
    Texture,
)
from hpe_edge.training.synthetic.raster.skin import FOLDS, MAP_LEFT, MAP_SIDE, MAP_SPAN, MAP_TOP, skin_detail
from hpe_edge.training.synthetic.streams import Dice

PLAIN = Texture(16, 4, np.ones(3, np.float32))
SKIN = Skin(0, 4, np.full(3, 0.5, np.float32), np.asarray((0.9, 0.6, 0.6), np.float32))


def _people(seed: int, count: int) -> list[dict[str, str | float]]:
    people = [person(seed, number, np.random.default_rng(number)) for number in range(count)]
    return [{"sex": one.sex, "age": round(one.age, 3), "monk_tone": round(one.monk_tone, 2)} for one in people]


@pytest.mark.parametrize("seed", [0, 1, 77])
def test_every_eighty_people_fill_every_cell_once(seed: int) -> None:
    assert set(population_table(_people(seed, 80)).counts.values()) == {1}


@pytest.mark.parametrize("count", [40, 120, 500, 1234])
def test_a_small_set_is_balanced_within_a_factor_of_one_and_a_half(count: int) -> None:
    assert population_table(_people(3, count)).largest_over_smallest <= 1.5


def test_population_table_counts_and_prints() -> None:
    table = population_table([{"sex": "male", "age": 0.1, "monk_tone": 8.6}] * 3)
    assert table.counts[9, "male", "child"] == 3
    assert sum(table.counts.values()) == 3
    assert table.largest_over_smallest == float("inf")
    assert "| 10 | 0 | 0 | 0 | 0 | 3 | 0 | 0 | 0 | 3 |" in table.as_markdown()


def test_orders_differ_between_seeds_but_not_between_calls() -> None:
    assert _people(1, 20) == _people(1, 20)
    assert [one["sex"] for one in _people(1, 20)] != [one["sex"] for one in _people(2, 20)]


def test_ages() -> None:
    assert [age_years(age) for age in (0.0, 0.1875, 0.5, 1.0)] == [1.0, 10.0, 25.0, 90.0]
    assert [age_group(np.mean(span)) for span in AGE_GROUPS.values()] == list(AGE_GROUPS)
    assert age_group(1.0) == "old"


def test_expressions_come_in_lifes_proportions() -> None:
    rng = np.random.default_rng(1)
    names = Counter(sample_act(np.eye(3), rng).name for _ in range(3000))
    assert 0.30 < names["neutral"] / 3000 < 0.37
    assert 0.22 < names["smile"] / 3000 < 0.28
    assert 0.21 < names["toothy smile"] / 3000 < 0.27
    assert names["surprise"] and names["anger"] and names["kiss"]


def test_weights_stay_within_what_the_face_can_do() -> None:
    rng = np.random.default_rng(2)
    shut = 0
    for _ in range(1000):
        weights = sample_act(rotation_y(20), rng).weights
        assert all(-0.3 <= weight <= 2.0 for weight in weights.values())
        assert all(0 <= weights[f"eye-{side}-closure"] <= 1 for side in ("left", "right"))
        shut += weights["eye-left-closure"] > 0.7
    assert 20 < shut < 110


def test_eyes_look_into_the_camera_while_the_head_turns() -> None:
    for yaw in (-25, 0, 25):
        rotation = rotation_x(8) @ rotation_y(yaw)
        rng = np.random.default_rng(3)
        gazes = np.stack([sample_gaze(rotation, rng) for _ in range(400)])
        seen = gazes / np.linalg.norm(gazes, axis=1, keepdims=True) @ rotation.T
        off_axis = np.degrees(np.arccos(np.clip(seen[:, 2], -1, 1)))
        assert (off_axis < 6).mean() > 0.5


def test_eyes_turn_no_farther_than_eyes_do() -> None:
    rng = np.random.default_rng(4)
    gazes = np.stack([sample_gaze(rotation_y(60), rng) for _ in range(300)])
    assert np.degrees(np.arctan(np.abs(gazes[:, 0]))).max() < 37
    assert np.median(np.abs(gazes[:, 0])) > 0.5


def _complexion(age: float, tone: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return sample_complexion(PLAIN, SKIN, np.full(3, 0.3), "male", age, tone, 0.0, rng).folds


def test_folds_deepen_with_age_and_with_smiles() -> None:
    child, young, old = (np.mean([_complexion(age, 3, seed) for seed in range(20)]) for age in (0.15, 0.45, 0.9))
    assert child == 0
    assert young < 0.15 < 0.6 < old
    rng = np.random.default_rng(5)
    complexion = sample_complexion(PLAIN, SKIN, np.full(3, 0.3), "female", 0.6, 3, 0.0, rng)
    smiling = folds_of(complexion, {"mouth-corner-puller": 0.8, "eye-left-slit": 0.5, "eye-right-slit": 0.5})
    nasolabial, feet = FOLD_NAMES.index("nasolabial"), FOLD_NAMES.index("crow's feet")
    assert smiling[nasolabial] > complexion.folds[nasolabial] + 0.1
    assert smiling[feet] > complexion.folds[feet] + 0.1
    assert smiling[FOLD_NAMES.index("frown")] < complexion.folds[FOLD_NAMES.index("frown")] + 0.1


def test_folds_lie_where_faces_fold() -> None:
    y, x = np.mgrid[6.2:8.1:0.01, -0.7:0.7:0.01]
    z = 1.5 - 0.9 * x**2
    darkest = {
        name: (abs(x.flat[dark.argmax()]), y.flat[dark.argmax()])
        for name, (_, dark) in zip(FOLD_NAMES, fold_maps(x, y, z), strict=True)
    }
    assert darkest["forehead"][1] > 7.58
    assert darkest["frown"][0] < 0.1 and 7.35 < darkest["frown"][1] < 7.6
    assert 0.15 < darkest["nasolabial"][0] < 0.34 and 6.6 < darkest["nasolabial"][1] < 7.05
    assert darkest["marionette"][1] < 6.7


@pytest.mark.parametrize("style", BEARD_STYLES)
def test_beards_leave_lips_eyes_and_forehead_bare(style: str) -> None:
    bare = np.asarray([[0.0, 6.66, 1.5], [0.3, 7.33, 1.3], [0.0, 7.8, 1.4], [0.0, 7.05, 1.58], [0.3, 7.0, 1.4]])
    assert beard_region(style, *bare.T).max() < 0.05
    y, x = np.mgrid[6.2:7.2:0.02, -0.7:0.7:0.02]
    grown = beard_region(style, x, y, 1.5 - 0.9 * x**2)
    assert grown.max() > 0.9
    np.testing.assert_allclose(grown, beard_region(style, -x, y, 1.5 - 0.9 * x**2), atol=1e-9)


def test_a_fold_darkens_and_tilts_and_lips_take_their_colour() -> None:
    layer = MAP_SIDE * MAP_SIDE
    texels = np.zeros(((FOLDS + 3) * layer + 16, 4), np.uint8)
    texels[:, :3][16 : 16 + FOLDS * layer] = 128
    texels[16 + FOLDS * layer :][layer : 2 * layer] = (0, 128, 0, 128)
    texel = 16 + 100 * MAP_SIDE + 200
    u, v = MAP_LEFT + MAP_SPAN * 200.5 / MAP_SIDE, 1 - MAP_TOP - MAP_SPAN * 100.5 / MAP_SIDE
    texels[texel] = (178, 128, 128, 255)
    texels[texel + FOLDS * layer, 0] = 255
    row = np.zeros(MATERIAL_COLUMNS, np.float32)
    row[M_DETAIL] = 16
    row[M_LIPS : M_LIPS + 3] = 1, 0.5, 0.5

    def look(row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        albedo, slope = np.full(3, 0.4, np.float32), np.zeros(3, np.float32)
        skin_detail(texels, row, np.float32(u), np.float32(v), albedo, slope)
        return albedo, slope

    albedo, slope = look(row)
    np.testing.assert_allclose(albedo, (0.4, 0.2, 0.2), rtol=0.01)
    np.testing.assert_array_equal(slope, 0)
    row[M_FOLDS] = 1
    folded, slope = look(row)
    np.testing.assert_allclose(slope, (0.5, 0, 0), atol=1e-6)
    assert (folded < albedo).all() and folded[0] / albedo[0] > folded[2] / albedo[2]  # red light comes through


@pytest.mark.parametrize("sex", ["female", "male"])
def test_skin_has_its_tone_at_every_age(model: HeadModel, sex: str) -> None:
    """Albedo on the face by tone: falling from light to dark, whoever's texture was taken."""
    bare = frozenset[str]()
    levels: dict[int, list[float]] = {tone: [] for tone in range(10)}
    for number in range(160):
        one = sample_identity(model, bare, Dice((9, number)))
        if one.sex == sex:
            levels[min(9, int(one.monk_tone + 0.5))].append(float((one.skin_gain * one.skin.mean).mean()))
    means = np.asarray([np.exp(np.mean(np.log(levels[tone]))) for tone in range(10)])
    assert all(len(found) == 8 for found in levels.values())
    assert (means[[0, 3, 5, 6, 7, 8]] > means[[3, 5, 6, 7, 8, 9]]).all()
    assert means[0] / means[9] > 8
    assert SRGB_TO_LINEAR[170] < means[0] < SRGB_TO_LINEAR[245]


def test_skin_detail_is_the_feature_skin_alone(model: HeadModel) -> None:
    without = [sample_identity(model, frozenset(), Dice((4, number))) for number in range(12)]
    with_skin = [sample_identity(model, frozenset({"skin"}), Dice((4, number))) for number in range(12)]
    for plain, rich in zip(without, with_skin, strict=True):
        assert plain.complexion is None and plain.facial_hair is None
        assert rich.complexion is not None
        assert replace(rich, complexion=None, facial_hair=None, eye=plain.eye).attributes() == plain.attributes()
        np.testing.assert_array_equal(rich.neutral, plain.neutral)
        grows = max(plain.beard, plain.moustache) > 0
        assert (rich.facial_hair is not None) == grows
