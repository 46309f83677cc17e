"""The papers' studies: what they compute, what they refuse, and that each command leaves its three files."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from fake_heads import label_rotation
from fake_photos import write_mat, write_pointing04
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="studies need the training extra")

import torch
from hpe_edge.training.data.aflw2000 import aflw2000
from hpe_edge.training.data.shards import Heads
from hpe_edge.training.evaluation.metrics import measure
from hpe_edge.training.loop.checkpoint import load_trained
from hpe_edge.training.loop.engine import train
from hpe_edge.training.loop.run import RunOptions
from hpe_edge.training.models.trunks.fsanet import FSANet, FSANetConfig
from hpe_edge.training.recipe import load_recipe
from hpe_edge.training.studies.correlation import correlation, rank_correlation
from hpe_edge.training.studies.landmark_pnp import Plan, study_landmark_pnp
from hpe_edge.training.studies.low_resolution import check_factors, degrade
from hpe_edge.training.studies.margins import check_margins, growth
from hpe_edge.training.studies.mean_face import read_mean_face, stretched
from hpe_edge.training.studies.models import open_contenders
from hpe_edge.training.studies.pnp import ORDER, chosen, pinhole, pose_from_points
from hpe_edge.training.studies.report import Report, Table, write_report
from hpe_edge.training.studies.structure_maps import (
    find_mapping,
    folded,
    map_statistics,
    spread_over_yaw,
    structure_maps,
)
from hpe_edge.training.synthetic.body.head_model import HeadModel
from hpe_edge.training.synthetic.body.landmarks import LANDMARKS_68

from hpe_edge.cli import main
from hpe_edge.errors import HpeEdgeError, InvalidArgumentError

SIDE_PX = 300
POSES = [(-60.0, 5.0, -4.0), (-20.0, -12.0, 8.0), (0.0, 0.0, 0.0), (35.0, 10.0, -15.0), (70.0, -5.0, 3.0)]


def project(euler_deg: tuple[float, ...], focal: float = 1.0, distance_mm: float = 700.0) -> np.ndarray:
    """(68, 2) pixels of the mean face before a pinhole camera, written out from docs/CONVENTIONS.md."""
    seen = read_mean_face() @ label_rotation(euler_deg).T  # x right, y up, z toward the viewer
    depth = focal * distance_mm - seen[:, 2]
    length = focal * SIDE_PX
    return np.stack([length * seen[:, 0] / depth, -length * seen[:, 1] / depth], axis=1) + SIDE_PX / 2


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """AFLW2000's layout: noise with landmarks that are the mean face in known poses."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for number, euler_deg in enumerate(POSES, start=2):
        image = cv2.resize(rng.integers(0, 256, (12, 12, 3), np.uint8), (SIDE_PX, SIDE_PX))
        path = folder / f"image{number:05d}.jpg"
        assert cv2.imwrite(str(path), image)
        points = np.vstack([project(euler_deg).T, np.zeros((1, 68))])
        write_mat(path.with_suffix(".mat"), euler_deg, "pt3d_68", pt3d_68=points)
    return folder


@pytest.fixture(scope="module")
def checkpoint(heads: Heads, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few steps of FSA-Net."""
    options = RunOptions(threads=1, workers=0, device="cpu", quiet=True, stop_after_steps=3)
    return train(load_recipe("smoke"), heads, tmp_path_factory.mktemp("studies") / "run", options)


def written(out: Path) -> dict[str, Any]:
    """``results.json`` of a study that left a table and a picture too."""
    assert (out / "table.md").read_text(encoding="utf-8").startswith("**")
    picture = cv2.imread(str(out / "figure.png"))
    assert picture is not None and float(picture.std()) > 5
    found: dict[str, Any] = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert found["study"] and found["commit"] and found["command"].startswith("hpe-edge")
    return found


# --- reports and models -----------------------------------------------------------------------------------


def test_a_report_is_three_files(tmp_path: Path) -> None:
    table = Table("t", ("a", "b", "c"), [("x", 1.234, None), ("y", 3, math.nan)])
    report = Report((table,), ("note",), {"n": 1}, lambda path: path.write_bytes(b"png") and None)
    write_report(report, tmp_path / "new" / "out")
    text = (tmp_path / "new" / "out" / "table.md").read_text(encoding="utf-8")
    assert "| x | 1.23 |  |" in text and "| y | 3 |  |" in text and text.endswith("note\n")
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidArgumentError, match="--out: expected a folder"):
        write_report(report, tmp_path / "file")


def test_contenders_have_labels_and_crops(checkpoint: Path) -> None:
    shipped, trained = open_contenders(["fsanet", f"mine={checkpoint}"], "card")
    assert (shipped.label, trained.label) == ("fsanet", "mine")
    assert open_contenders([str(checkpoint)], "card")[0].label == "run/last"
    assert shipped.crop(0.2).margin == 0.2 and shipped.crop().margin == shipped.network.card.input.margin
    assert len(trained.describe()["weights_sha256"]) == 64
    with pytest.raises(InvalidArgumentError, match="labels that differ"):
        open_contenders(["fsanet", "fsanet"], "card")
    with pytest.raises(InvalidArgumentError, match=r"LABEL=\]MODEL"):
        open_contenders(["mine="], "card")


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [([1, 2, 3], [9, 7, 1], -1.0), ([1, 1, 2, 3], [1, 1, 5, 4], 0.777778), ([1, 1], [1, 2], None)],
)
def test_rank_correlation(a: list[float], b: list[float], expected: float | None) -> None:
    found = rank_correlation(a, b)
    assert found == (None if expected is None else pytest.approx(expected))
    assert correlation([1, 2, 4], [2, 4, 8]) == 1.0


# --- margins ----------------------------------------------------------------------------------------------


def test_growth_is_told_within_the_usual_margins() -> None:
    curve = [(m, measure(np.zeros((1, 3)), np.full((1, 3), e))) for m, e in [(0.0, 9.0), (0.1, 4.0), (0.6, 2.5)]]
    assert growth(curve) == pytest.approx(1.5)
    with pytest.raises(InvalidArgumentError, match="at least two"):
        growth(curve[:2])


@pytest.mark.parametrize("margins", [[0.0, 0.1], [-0.1, 0.2, 0.3], [0.2, 0.4, 9.0], [math.nan, 0.2, 0.3]])
def test_impossible_margins(margins: list[float]) -> None:
    with pytest.raises(InvalidArgumentError, match="--margins"):
        check_margins(margins)


def test_the_margins_command(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["study", "margins", "--path", str(photos), "--model", "a=fsanet", "--model", "b=fsanet"]
    assert main([*arguments, "--margins", "0.2", "0.4", "--limit", "3", "--out", str(tmp_path), "--quiet"]) == 0
    assert "| a |" in capsys.readouterr().out
    first, second = written(tmp_path)["models"]
    assert [point["margin"] for point in first["curve"]] == [0.2, 0.4]
    assert first["curve"] == second["curve"] and first["curve"][0]["count"] == 3


# --- low resolution ---------------------------------------------------------------------------------------


def test_nearest_takes_the_middle_of_each_cell() -> None:
    image = np.random.default_rng(0).integers(0, 256, (45, 60, 3), np.uint8)
    cell = np.minimum(np.arange(60) // 5 * 5 + 2, 59)
    np.testing.assert_array_equal(degrade(image, 5), image[cell[:45]][:, cell])
    assert degrade(image, 1) is image


def test_area_takes_the_mean_of_each_cell() -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 60, 3), np.uint8)
    means = image.reshape(12, 5, 12, 5, 3).mean(axis=(1, 3))
    middle = degrade(image, 5, "area")[2::5, 2::5]
    np.testing.assert_allclose(middle, means, atol=1.0)


@pytest.mark.parametrize(
    ("factor", "interpolation", "message"),
    [
        (0.5, "nearest", "at least 1"),
        (math.nan, "nearest", "at least 1"),
        (30, "nearest", "leaves 2x2"),
        (2, "cubic", "one of"),
    ],
)
def test_impossible_factors(factor: float, interpolation: str, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        degrade(np.zeros((60, 60, 3), np.uint8), factor, interpolation)
    with pytest.raises(InvalidArgumentError, match="--factors"):
        check_factors([])


def test_the_low_resolution_command(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["study", "low-resolution", "--path", str(photos), "--factors", "15", "1", "--out", str(tmp_path)]
    assert main([*arguments, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    found = written(tmp_path)
    assert printed == found
    assert found["factors"] == [1.0, 15.0] and found["count"] == len(POSES)
    coarse, plain = (found["models"][0]["curve"][i]["mae_deg"] for i in (1, 0))
    assert coarse != plain
    assert main([*arguments, "--interpolation", "cubic", "--quiet"]) == 2
    assert "interpolation: expected one of" in capsys.readouterr().err


# --- landmarks to pose ------------------------------------------------------------------------------------


def test_the_mean_face_is_the_head_studios(model: HeadModel) -> None:
    points = model.mean[LANDMARKS_68] * 100.0
    np.testing.assert_allclose(read_mean_face(), points - points.mean(axis=0), atol=0.01)


@pytest.mark.parametrize("text", ["", "1,2\n" * 68, "1,2,3\n" * 68, "a,b,c\n" * 68, "0,nan,1\n" * 68])
def test_impossible_mean_faces(tmp_path: Path, text: str) -> None:
    path = tmp_path / "face.csv"
    path.write_text(text)
    with pytest.raises(InvalidArgumentError, match="mean face"):
        read_mean_face(path)
    with pytest.raises(InvalidArgumentError, match="mean face"):
        read_mean_face(tmp_path / "none.csv")
    with pytest.raises(InvalidArgumentError, match="above 0"):
        stretched(read_mean_face(), 0.0, 1.0)


@settings(deadline=None, max_examples=40)
@given(
    yaw=st.floats(-85, 85), pitch=st.floats(-40, 40), roll=st.floats(-40, 40), count=st.sampled_from([4, 5, 6, 14, 68])
)
def test_solving_finds_the_pose_that_was_projected(yaw: float, pitch: float, roll: float, count: int) -> None:
    index, camera = chosen(count), pinhole((SIDE_PX, SIDE_PX), 1.0)
    points = project((yaw, pitch, roll))[index]
    found = pose_from_points(points, read_mean_face()[index], camera, "orthographic")
    np.testing.assert_allclose(found, (yaw, pitch, roll), atol=0.05)


def test_opencvs_own_start_agrees_on_easy_points() -> None:
    points, camera = project(POSES[3]), pinhole((SIDE_PX, SIDE_PX), 1.0)
    found = pose_from_points(points, read_mean_face(), camera, "dlt")
    np.testing.assert_allclose(found, POSES[3], atol=0.05)


def test_points_that_determine_no_pose() -> None:
    camera = pinhole((SIDE_PX, SIDE_PX), 1.0)
    with pytest.raises(HpeEdgeError, match="expected 6 points that determine a pose"):
        pose_from_points(np.full((6, 2), 9.0), read_mean_face()[:6], camera, "orthographic")
    with pytest.raises(InvalidArgumentError, match="--focal"):
        pinhole((SIDE_PX, SIDE_PX), 0.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"points": (3,)}, "expected 4 to 68 landmarks"),
        ({"points": (69,)}, "expected 4 to 68 landmarks"),
        ({"points": (5,), "start": "dlt"}, "expected 6 to 68 landmarks"),
        ({"points": ()}, "expected points"),
        ({"start": "posit"}, "--start: expected one of"),
        ({"jitters": (-0.1,)}, "--jitter"),
        ({"stretches": (0.0,)}, "--stretch"),
        ({"repeats": 0}, "at least one repeat"),
    ],
)
def test_impossible_plans(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        Plan(**changes)


def test_sets_of_points_are_nested_and_whole() -> None:
    assert sorted(ORDER) == list(range(68))
    assert all(i >= 17 or i == 8 for i in ORDER[:52])  # the jaw comes last


def test_every_deviation_from_the_truth_costs(photos: Path) -> None:
    plan = Plan(points=(6, 68), jitters=(0.03,), stretches=(0.7,), focals=(0.5,), repeats=2)
    report = study_landmark_pnp(aflw2000(photos), read_mean_face(), plan)
    found = {
        (s["points"], s["focal"], s["jitter"], s["width"], s["height"], s["start"]): s["mae_deg"]
        for s in report.results["settings"]
    }
    start = "orthographic"
    exact = found[68, 1.0, 0.0, 1.0, 1.0, start]
    assert exact < 0.01
    for changed in [(0.5, 0.0, 1.0, 1.0), (1.0, 0.03, 1.0, 1.0), (1.0, 0.0, 0.7, 1.0), (1.0, 0.0, 1.0, 0.7)]:
        assert found[(68, *changed, start)] > exact + 0.2
    assert found[6, 1.0, 0.03, 1.0, 1.0, start] > found[68, 1.0, 0.03, 1.0, 1.0, start]
    again = study_landmark_pnp(aflw2000(photos), read_mean_face(), plan)
    assert again.results["settings"] == report.results["settings"]


def test_the_landmark_command(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["study", "landmark-pnp", "--path", str(photos), "--points", "5", "10", "--jitter", "0.01"]
    arguments += ["--stretch", "0.9", "--focals", "2", "--repeats", "1", "--out", str(tmp_path / "out"), "--quiet"]
    assert main([*arguments, "--limit", "4"]) == 0
    found = written(tmp_path / "out")
    assert found["models"][0]["label"] == "fsanet" and found["models"][0]["metrics"]["count"] == 4
    assert "| 5 | " in (tmp_path / "out" / "table.md").read_text(encoding="utf-8")
    assert main([*arguments, "--points", "3"]) == 2
    pointing = write_pointing04(tmp_path / "pointing")
    assert main([*arguments, "--dataset", "pointing04", "--path", str(pointing)]) == 2
    assert "expected 68 landmarks" in capsys.readouterr().err


# --- structure maps ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("scoring", ["1x1", "variance"])
def test_the_maps_are_those_that_the_network_uses(scoring: str) -> None:
    torch.manual_seed(0)
    trunk = FSANet(FSANetConfig(scoring=scoring)).eval()
    mapping = find_mapping(trunk)
    u = torch.randn(2, 192, 64)
    with torch.no_grad():
        maps = structure_maps(mapping, u)
        wanted = mapping(u)
    assert maps.m.shape == (2, 3, 5, 192) and maps.s.shape == (2, 3, 7, 192)
    assert torch.allclose(maps.s.flatten(1, 2) @ u, wanted, atol=1e-5)  # eq. 3
    heat = folded(maps.s, 3)
    assert heat.shape == (2, 3, 7, 8, 8)
    np.testing.assert_allclose(heat.sum(axis=(-2, -1)), 1.0, rtol=1e-5)


def test_a_fold_has_its_cells_in_rows() -> None:
    row = torch.zeros(1, 1, 1, 12)
    row[..., 1] = row[..., 4 + 1] = 1.0  # the second cell of the first row, in two of three source stages
    assert folded(row, 3)[0, 0, 0].tolist() == [[0.0, 2.0], [0.0, 0.0]]


def test_a_network_without_mapping_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="one structure mapping"):
        find_mapping(FSANet(FSANetConfig(scoring="none")))


def test_statistics_of_maps() -> None:
    yaw = np.linspace(-60, 60, 8).astype(np.float32)
    heat = np.full((8, 1, 2, 8, 8), 0.1, np.float32)
    heat[:, 0, 0, 3, 3] = 1.0
    heat[np.arange(8), 0, 1, 3, np.arange(8)] = 1.0
    fixed, moving = map_statistics(heat, yaw)
    assert fixed["same_for_all"] == pytest.approx(1.0) and fixed["x_follows_yaw"] is None
    assert moving["x_follows_yaw"] == pytest.approx(1.0) and moving["same_for_all"] < 0.2
    same = map_statistics(np.concatenate([heat, heat], axis=1), yaw)
    assert same[0]["like_other_stage"] == 1.0 and same[0]["like_other_row"] < 0.5
    assert (fixed["centre_x"], fixed["centre_y"]) == pytest.approx((3.5 / 8, 3.5 / 8))


def test_shown_faces_are_spread_over_yaw() -> None:
    yaw = np.array([0.0, -80.0, 5.0, 74.0, -76.0], np.float32)
    assert spread_over_yaw(yaw, 3) == [4, 0, 3]
    assert sorted(spread_over_yaw(yaw, 9)) == [0, 1, 2, 3, 4]
    with pytest.raises(InvalidArgumentError, match="--faces"):
        spread_over_yaw(yaw, 0)


def test_the_structure_maps_command(
    checkpoint: Path, dataset: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["study", "structure-maps", "--checkpoint", str(checkpoint), "--out", str(tmp_path), "--quiet"]
    assert main([*arguments, "--heads", str(dataset), "--limit", "20", "--faces", "4"]) == 0
    found = written(tmp_path)
    assert found["count"] == 20 and len(found["maps"]) == 21 and len(found["shown_yaw_deg"]) == 4
    assert main([*arguments, "--path", str(photos), "--rows", "m"]) == 0
    assert len(written(tmp_path)["maps"]) == 15
    assert main([*arguments, "--path", str(photos), "--rows", "q"]) == 2
    assert "--rows: expected one of" in capsys.readouterr().err
    assert main([*arguments, "--heads", str(dataset), "--limit", "0"]) == 2
    assert "limit: expected at least 1" in capsys.readouterr().err
    network, _, _ = load_trained(checkpoint)
    assert not any(module._forward_pre_hooks for module in network.modules())


# --- bad input --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["margins", "--path", "nowhere"], "nowhere: expected a dataset folder"),
        (["low-resolution", "--path", "nowhere", "--factors", "0"], "--factors: expected numbers of at least 1"),
        (["landmark-pnp", "--path", "nowhere", "--mean-face", "none.csv"], "mean face none.csv"),
        (["structure-maps", "--path", "nowhere", "--checkpoint", "none.pt"], "none.pt: expected a checkpoint"),
        (["loss-weights", "--grid", "hopenet", "--data", "nowhere"], "expected --aflw2000 DIR or --pointing04 DIR"),
        (["loss-weights", "--grid", "x", "--data", "nowhere", "--aflw2000", "y"], "--grid"),
    ],
)
def test_bad_input_is_said(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["study", *arguments, "--out", "out", "--quiet"]) == 2
    assert message in capsys.readouterr().err
    assert not Path("out").exists()
    Path("out").write_text("")
    assert main(["study", *arguments, "--out", "out", "--quiet"]) == 2
    assert "--out: expected a folder" in capsys.readouterr().err
