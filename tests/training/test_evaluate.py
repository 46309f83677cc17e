"""The evaluation: its arithmetic with plain functions, and the command end to end with a tiny network.

The tiny network gives the mean of each colour channel as yaw, pitch, roll, and the photographs of the
fixtures have the colour (10, 20, 30), so every prediction is known.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("cv2")
pytest.importorskip("onnxruntime")

import fake_photos
from hpe_edge.training.data.aflw2000 import aflw2000
from hpe_edge.training.data.samples import Sample
from hpe_edge.training.evaluation.crops import Crop
from hpe_edge.training.evaluation.evaluate import (
    MARGINS,
    Evaluation,
    constant_baseline,
    evaluate,
    fit_pitch_zero,
    margin_curve,
)
from hpe_edge.training.evaluation.fusion import Fused, Predict, average
from hpe_edge.training.evaluation.predictors import choose_crop, open_network
from tiny_models import card_dict, mean_network

from hpe_edge import HeadPoses, _core
from hpe_edge.cli import main
from hpe_edge.errors import DatasetError, InvalidArgumentError, InvalidBoxError

Image = NDArray[np.uint8]
Angles = NDArray[np.float32]
MakeModel = Callable[..., Path]
ANGLES = [(10.0, 20.0, 30.0), (16.0, 20.0, 27.0), (-50.0, 20.0, 30.0)]  # errors 0, (6, 0, 3), (60, 0, 0)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return fake_photos.write_aflw2000(tmp_path, ANGLES)


def constant(yaw: float, pitch: float, roll: float, std_deg: float = np.nan) -> Predict:
    def predict(_: Image, boxes_xyxy: Angles) -> HeadPoses:
        count = len(boxes_xyxy)
        euler_deg = np.tile([yaw, pitch, roll], (count, 1))
        return HeadPoses.from_euler(euler_deg, boxes_xyxy, np.full((count, 3), std_deg))

    return predict


def test_evaluate_keeps_order_and_measures(photos: Path) -> None:
    evaluation = evaluate(constant(10, 20, 30), aflw2000(photos))
    assert evaluation.names == ("image00002", "image00003", "image00004")
    np.testing.assert_allclose(evaluation.truth_deg, ANGLES, atol=1e-4)
    assert evaluation.metrics.yaw_deg == pytest.approx(22, abs=1e-4)
    assert evaluation.metrics.mae_deg == pytest.approx(23 / 3, abs=1e-4)


def test_flip_mirrors_image_box_and_angles(tmp_path: Path) -> None:
    """A predictor that reports where the box lies and how bright the left edge is shows what it was given."""
    seen: list[tuple[list[float], int]] = []

    def predict(image_bgr: Image, boxes_xyxy: Angles) -> HeadPoses:
        seen.append((boxes_xyxy[0].tolist(), int(image_bgr[0, 0, 0])))
        euler_deg = np.array([[4.0, 6.0, 8.0]] if len(seen) == 1 else [[-2.0, 8.0, 0.0]])
        return HeadPoses.from_euler(euler_deg, boxes_xyxy)

    import cv2

    image = np.zeros((20, 100, 3), np.uint8)
    image[:, 50:] = 200
    cv2.imwrite(str(tmp_path / "a.png"), image)
    box = np.array([10, 2, 30, 18], np.float32)
    sample = Sample("a", tmp_path / "a.png", box, np.zeros(3, np.float32))
    evaluation = evaluate(predict, [sample], flip=True)
    assert seen == [([10, 2, 30, 18], 0), ([70, 2, 90, 18], 200)]
    np.testing.assert_allclose(evaluation.predicted_deg, [[3.0, 7.0, 4.0]])


def test_an_error_names_its_sample(photos: Path) -> None:
    def refuse(*_: object) -> HeadPoses:
        raise InvalidBoxError("boxes: outside")

    with pytest.raises(DatasetError, match="sample image00002: boxes: outside"):
        evaluate(refuse, aflw2000(photos))
    with pytest.raises(DatasetError, match="at least one sample"):
        evaluate(refuse, [])


@pytest.mark.parametrize("euler_deg", [np.zeros((0, 3)), np.zeros((2, 3)), np.array([[0.0, np.nan, 0.0]])])
def test_truncated_predictions_name_their_sample(photos: Path, euler_deg: Angles) -> None:
    def predict(*_: object) -> HeadPoses:
        return HeadPoses.from_euler(euler_deg, np.ones((len(euler_deg), 4)))

    with pytest.raises(DatasetError, match="sample image00002: predictor: expected one pose of finite angles"):
        evaluate(predict, aflw2000(photos))


def test_evaluate_keeps_the_spread(photos: Path) -> None:
    samples = aflw2000(photos)
    with_spread = evaluate(constant(10, 20, 30, std_deg=6.0), samples)
    assert with_spread.std_deg is not None
    np.testing.assert_array_equal(with_spread.std_deg, np.full((3, 3), 6.0))
    calibration = with_spread.calibration
    assert calibration is not None
    # Errors of yaw: 0, 6, 60; of pitch: 0; of roll: 0, 3, 0.
    assert calibration.by_angle["yaw"].coverage == pytest.approx((2 / 3, 2 / 3))
    assert calibration.overall.coverage == pytest.approx((8 / 9, 8 / 9))
    without = evaluate(constant(10, 20, 30), samples)
    assert without.std_deg is None and without.calibration is None


def test_fused_models_are_averaged(photos: Path) -> None:
    fused = Fused((constant(4, 0, 0, 3.0), constant(-4, 6, 0, 3.0), constant(0, 0, 9, 3.0)))
    evaluation = evaluate(fused, aflw2000(photos)[:1])
    np.testing.assert_allclose(evaluation.predicted_deg, [[0, 2, 3]], atol=1e-6)
    # The variance of the mixture: 9 within the members, and 32/3, 8, 18 between them.
    assert evaluation.std_deg is not None
    np.testing.assert_allclose(evaluation.std_deg, np.sqrt([[9 + 32 / 3, 9 + 8, 9 + 18]]), rtol=1e-6)
    mixed = evaluate(Fused((constant(4, 0, 0, 3.0), constant(0, 0, 0))), aflw2000(photos))
    assert mixed.std_deg is None


def test_average_goes_the_short_way_round_and_refuses_unequal_members() -> None:
    boxes = np.ones((1, 4))
    near, far = (HeadPoses.from_euler(np.array([[0.0, 0.0, roll]]), boxes) for roll in (170.0, -170.0))
    assert average([near, far])[0].roll_deg == pytest.approx(180)
    for members in ([], [near, near[:0]]):
        with pytest.raises(InvalidArgumentError, match="members: expected at least one, all with as many poses"):
            average(members)


def test_constant_baseline_is_the_mean_label(photos: Path) -> None:
    evaluation = constant_baseline(aflw2000(photos))
    np.testing.assert_allclose(evaluation.predicted_deg, np.tile(np.mean(ANGLES, axis=0), (3, 1)), atol=1e-4)


def test_constant_baseline_without_roll(tmp_path: Path) -> None:
    from hpe_edge.training.data.pointing04 import pointing04

    evaluation = constant_baseline(pointing04(fake_photos.write_pointing04(tmp_path)))
    assert np.isfinite(evaluation.predicted_deg).all()
    assert np.isnan(evaluation.metrics.roll_deg)


@pytest.mark.parametrize("offset_deg", [-7.3, 0.0, 4.55])
def test_fit_pitch_zero_finds_the_constant(offset_deg: float) -> None:
    rng = np.random.default_rng(3)
    truth = (rng.uniform(-1, 1, (60, 3)) * (70, 35, 35)).astype(np.float32)
    predicted = np.asarray(_core.offset_pitch_zero(truth, -offset_deg), np.float32)
    fit = fit_pitch_zero(Evaluation(("a",) * 60, truth, predicted))
    assert fit.rotation_deg == pytest.approx(offset_deg, abs=0.03)
    assert fit.rotation_mae_deg < 0.05
    assert fit.additive_mae_deg >= fit.rotation_mae_deg - 1e-3


def test_margin_curve_asks_for_each_margin(photos: Path) -> None:
    asked: list[float] = []

    def predict_at(margin: float) -> Predict:
        asked.append(margin)
        return constant(10 + margin, 20, 30)

    curve = margin_curve(predict_at, aflw2000(photos)[:1])
    assert tuple(asked) == MARGINS == (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
    assert [round(metrics.yaw_deg, 3) for _, metrics in curve] == list(MARGINS)


def test_clipped_window_stays_in_the_image() -> None:
    boxes = np.array([[10, 10, 30, 50], [0, 0, 100, 60]], np.float32)
    expected = [[0, 0, 42, 60], [0, 0, 100, 60]]
    windows = Crop(0.6, square=False, clip=True).windows(boxes, (60, 100, 3))
    np.testing.assert_allclose(windows, expected, atol=1e-4)


def test_crop_recipes(make_model: MakeModel) -> None:
    network = open_network(str(make_model()))
    assert choose_crop(network) == Crop(0.25, square=False)
    assert choose_crop(network, margin=0.1, square=True) == Crop(0.1, square=True)
    assert choose_crop(network, "fsanet") == Crop(0.6, square=False)
    assert choose_crop(network, "fsanet-clipped").describe() == "margin 0.6, not squared, clipped to the image"


def command(*arguments: object) -> int:
    return main(["evaluate", *map(str, arguments)])


def test_command_prints_a_table(photos: Path, make_model: MakeModel, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("--dataset", "aflw2000", "--path", photos, "--model", make_model(), "--fit-pitch-zero") == 0
    out = capsys.readouterr().out
    assert "aflw2000: 3 images (every angle within +-99; 0 dropped)" in out
    for part in ("model: tiny", "crop: margin 0.25, not squared, border replicated", "pitch zero: rotate by"):
        assert part in out


def test_command_json_records_what_a_number_needs(
    photos: Path, make_model: MakeModel, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    card = make_model()
    arguments = ("--dataset", "aflw2000", "--path", photos, "--model", card, "--json", "--flip")
    monkeypatch.setattr(sys, "argv", ["hpe-edge", "evaluate", *map(str, arguments)])
    assert command(*arguments, "--margin-curve", "--margin", 0.1) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["metrics"]["pitch_deg"] == pytest.approx(0, abs=1)
    assert report["metrics"]["yaw_deg"] == pytest.approx((10 + 16 + 50) / 3, abs=1)  # the mirror cancels yaw
    assert (report["count"], report["dropped"], report["flip"]) == (3, 0, True)
    (member,) = report["members"]
    assert member["crop"] == "margin 0.1, not squared, border replicated"
    assert (member["parameters"], member["input_px"]) == (0, [8, 6])  # a mean has no weights
    assert report["calibration"] is None
    assert member["weights_sha256"] == json.loads(card.read_text())["files"]["onnx"]["sha256"]
    assert report["command"].startswith("hpe-edge ")
    assert [row["margin"] for row in report["margin_curve"]] == list(MARGINS)


def test_command_fuses_models(
    photos: Path, make_model: MakeModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The shifted copy says one degree more for every angle: the pair says half a degree more."""
    onnx = pytest.importorskip("onnx")
    card = make_model()
    network = onnx.load(card.with_suffix(".onnx"))
    network.graph.node[0].output[0] = "mean"
    network.graph.initializer.append(onnx.numpy_helper.from_array(np.ones(3, np.float32), "one"))
    network.graph.node.append(onnx.helper.make_node("Add", ["mean", "one"], ["angles"]))
    other = tmp_path / "other.onnx"
    onnx.save(network, other)
    arguments = ("--dataset", "aflw2000", "--path", photos, "--model", card, "--json", "--margin", 0)

    def report(*more: object) -> dict[str, Any]:
        assert command(*arguments, *more) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    single, fused = report(), report("--fuse", card, card)
    assert fused["metrics"] == single["metrics"]
    assert fused["model"] == "tiny + tiny + tiny" and len(fused["members"]) == 3
    # A bare file is fed (x - 127.5) / 128, its card's copy is fed x.
    pair = report("--fuse", other)
    assert [m["parameters"] for m in pair["members"]] == [0, 3]
    assert pair["members"][0]["weights_sha256"] != pair["members"][1]["weights_sha256"]
    colour = np.array([10, 20, 30])
    expected = 0.5 * (colour + (colour - 127.5) / 128 + 1) - np.mean(ANGLES, axis=0)
    assert pair["metrics"]["bias_deg"] == pytest.approx(expected, abs=0.1)


def test_command_scores_a_bare_onnx_and_the_other_data_sets(
    make_model: MakeModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    onnx = make_model().with_suffix(".onnx")
    fake_photos.write_pointing04(tmp_path / "p")
    fake_photos.write_300wlp(tmp_path / "w")
    bare = ("--model", onnx, "--crop-recipe", "fsanet-clipped", "--json")
    assert command("--dataset", "pointing04", "--path", tmp_path / "p", "--all-poses", *bare) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["count"], report["metrics"]["roll_deg"]) == (5, None)
    # A bare file is fed (x - 127.5) / 128.
    assert report["metrics"]["bias_deg"][0] == pytest.approx((10 - 127.5) / 128 - np.mean([0, 45, -60, 0, 90]), abs=0.1)
    assert command("--dataset", "300wlp", "--path", tmp_path / "w", *bare) == 0
    assert json.loads(capsys.readouterr().out)["count"] == 2


def test_command_records_into_the_card(photos: Path, make_model: MakeModel) -> None:
    card = make_model(metrics=[{"dataset": "aflw2000", "mae_deg": 1.0}])
    arguments = ("--dataset", "aflw2000", "--path", photos, "--model", card, "--quiet", "--record")
    assert command(*arguments) == command(*arguments) == 0
    earlier, recorded = json.loads(card.read_text())["metrics"]  # the second run replaced the first
    assert earlier["mae_deg"] == 1.0
    assert recorded["command"] == "hpe-edge evaluate --dataset aflw2000 --path AFLW2000"
    assert (recorded["count"], recorded["split"]) == (3, "AFLW2000")
    assert recorded["pitch_deg"] == pytest.approx(0, abs=1)


def test_command_measures_and_records_the_spread(
    photos: Path, make_model: MakeModel, capsys: pytest.CaptureFixture[str]
) -> None:
    """Inputs of almost zero give the uniform distribution: 0 degrees, a deviation of 57.1, here a tenth of it."""
    head = {
        "kind": "bins", "bins": 66, "first_deg": -97.5, "step_deg": 3.0, "outputs": ["yaw", "pitch", "roll"],
        "spread": {"output": None, "scale": [0.1, 0.1, 0.1]},
    }  # fmt: skip
    network_input = card_dict()["input"] | {"scale": [1e-9] * 3}
    card = make_model(mean_network(8, 6, bins=66), head=head, input=network_input)
    arguments = ("--dataset", "aflw2000", "--path", photos, "--model", card)
    assert command(*arguments, "--record") == 0
    assert "| within 2 sigma (nominal 95.4 %) | 33.3 | 0.0 | 0.0 | 11.1 |" in capsys.readouterr().out
    assert json.loads(card.read_text())["metrics"][0]["spread_coverage"] == pytest.approx([0, 1 / 9])
    assert command(*arguments, "--json") == 0
    calibration = json.loads(capsys.readouterr().out)["calibration"]
    assert calibration["yaw"]["mean_std_deg"] == pytest.approx(0.3 * np.sqrt((66**2 - 1) / 12), rel=1e-4)


def test_command_scores_a_checkpoint(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Random weights; the numbers must be those of the exported card, whatever they are."""
    torch = pytest.importorskip("torch")
    from hpe_edge.training.export import export_checkpoints
    from hpe_edge.training.loop.checkpoint import Progress, save_checkpoint
    from hpe_edge.training.loop.optim import WeightAverage
    from hpe_edge.training.models.network import build_network
    from hpe_edge.training.recipe import load_recipe

    recipe = load_recipe("smoke")
    model = build_network(recipe.trunk, recipe.head, recipe.input.size)
    optimizer = torch.optim.Adam(model.parameters())
    data = {"fingerprint": "0" * 64, "count": 1, "datasets": [], "commit": "unknown"}
    path = tmp_path / "last.pt"
    save_checkpoint(path, recipe, model, WeightAverage(model, 0.5), optimizer, Progress(), data)
    arguments = ("--dataset", "aflw2000", "--path", photos, "--json")
    assert command(*arguments, "--checkpoint", path) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["model"] == str(path)
    card = export_checkpoints([path], tmp_path / "out", "random").card_path
    assert command(*arguments, "--model", card) == 0
    assert json.loads(capsys.readouterr().out)["metrics"] == report["metrics"]


def test_command_constant_and_limit(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--dataset", "aflw2000", "--path", photos, "--constant", "--quiet")
    assert command(*arguments) == 0
    assert float(capsys.readouterr().out) == pytest.approx((np.abs([18, 24, -42]).mean() + 4 / 3) / 3, abs=1e-3)
    assert command(*arguments, "--limit", 1) == 0
    assert float(capsys.readouterr().out) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--path", "absent", "--constant"], "absent: expected a dataset folder or a zip, got no such path"),
        (["--dataset", "nowhere", "--constant"], "dataset: expected one of"),
        (["--constant", "--flip"], "--constant: expected no crop, flip"),
        (["--constant", "--margin", "0.2"], "--constant: expected no crop, flip"),
        (["--constant", "--limit", "0"], "limit: expected at least 1, got 0"),
        (["--constant", "--out", "FILE"], "--out: expected a folder, got the file"),
        (["--model", "nowhere"], "model: expected one of"),
        (["--model", "nowhere.onnx"], "expected an ONNX file, got nowhere.onnx, which does not exist"),
        (["--model", "FILE"], "expected an ONNX network"),
        (["--model", "BARE"], "a bare ONNX file has no card that says its crop"),
        (["--model", "CARD", "--crop-recipe", "mine"], "crop recipe: expected one of ('card'"),
        (["--model", "CARD", "--margin", "-0.1"], "margin: expected 0 to 4 box sizes, got -0.1"),
        (["--model", "CARD", "--margin", "nan"], "margin: expected 0 to 4 box sizes, got nan"),
        (["--model", "CARD", "--crop-recipe", "fsanet-clipped", "--square"], "an unsquared box"),
        (["--constant", "--fuse", "CARD"], "--constant: expected no crop, flip, fusion"),
        (["--model", "CARD", "--fuse", "CARD", "--record"], "--record: expected a model with its own crop"),
        (["--model", "CARD", "--fuse", "nowhere"], "model: expected one of"),
        (["--model", "CARD", "--fuse", "absent.pt"], "expected a checkpoint"),
        (["--constant", "--record"], "--record: expected a model with its own crop on the whole data set"),
        (["--model", "CARD", "--limit", "1", "--record"], "--record: expected a model with its own crop"),
        (["--model", "BARE", "--margin", "0", "--record"], "--record: expected a model with its own crop"),
        (["--model", "BARE", "--record"], "--record: expected a model with a card"),
        (["--model", "last.pt", "--record"], "--record: expected a model with a card"),
        (["--checkpoint", "FILE"], "checkpoint"),
        (["--checkpoint", "absent.pt"], "expected a checkpoint"),
    ],
)
def test_command_errors(
    photos: Path, make_model: MakeModel, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    arguments: list[str], message: str,
) -> None:  # fmt: skip
    if "--checkpoint" in arguments or "absent.pt" in arguments:
        pytest.importorskip("torch")
    card = make_model()
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(b"damaged")
    names = {"FILE": damaged, "BARE": card.with_suffix(".onnx"), "CARD": card}
    given = [str(names.get(argument, argument)) for argument in arguments]
    preset = {"--dataset": "aflw2000", "--path": str(photos)}
    for option, value in preset.items():
        if option not in given:
            given += [option, value]
    assert command(*given) == 2
    assert message in capsys.readouterr().err


def test_bare_onnx_with_other_outputs_is_refused(
    photos: Path, make_model: MakeModel, capsys: pytest.CaptureFixture[str]
) -> None:
    onnx = pytest.importorskip("onnx")
    path = make_model().with_suffix(".onnx")
    network = onnx.load(path)
    network.graph.output.append(network.graph.input[0])
    onnx.save(network, path)
    assert command("--dataset", "aflw2000", "--path", photos, "--model", path, "--margin", 0.5) == 2
    assert "expected one input (N, 3, H, W) and one output of angles" in capsys.readouterr().err
