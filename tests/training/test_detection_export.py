"""A trained detector's files: the card, both precisions, the same faces as torch finds, and the commands."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from hpe_edge.training.detection.batches import inputs_of  # noqa: E402
from hpe_edge.training.detection.config import FaceNetConfig, FaceTraining  # noqa: E402
from hpe_edge.training.detection.export import KINDS, Thresholds, export_faces, mean_face_net  # noqa: E402
from hpe_edge.training.detection.mining import hardest  # noqa: E402
from hpe_edge.training.detection.network import FaceNet, cell_places, cells, decode_boxes  # noqa: E402
from hpe_edge.training.detection.pictures import Pictures, without_faces  # noqa: E402
from hpe_edge.training.detection.train import FORMAT  # noqa: E402

from hpe_edge.cli import main  # noqa: E402
from hpe_edge.detectors.card import load_detector_card  # noqa: E402
from hpe_edge.detectors.face import FaceDetector  # noqa: E402
from hpe_edge.errors import CheckpointError  # noqa: E402

CONFIG = replace(FaceTraining(), network=FaceNetConfig(8, 8, 16, 16, 16, 1, 1, 1))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of noise, whose statistics are those of noise."""
    torch.manual_seed(3)
    network = FaceNet(CONFIG.network)
    network.train()(torch.randn(8, 3, 96, 96))
    for head in network.heads:
        torch.nn.init.normal_(head.weight, std=0.3)
    weights = network.eval().state_dict()
    path = tmp_path_factory.mktemp("faces") / "last.pt"
    state = {
        "format": FORMAT,
        "config": CONFIG.as_dict(),
        "average": weights,
        "origin": {"commit": "c", "datasets": []},
    }
    torch.save(state | {"model": weights, "step": 7, "seconds": 60.0}, path)
    return path


def _pictures(count: int = 6, side: int = 160) -> Pictures:
    rng = np.random.default_rng(0)
    return without_faces(rng.integers(0, 256, (count, side, side, 3), dtype=np.uint8))


@pytest.fixture(scope="module")
def card(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("card")
    return export_faces([checkpoint], out, "face", "0.0.1", Thresholds(0.3, 0.5, 320), _pictures(), KINDS)


def test_the_card_says_where_it_comes_from(card: Path) -> None:
    loaded = load_detector_card(card)
    assert set(loaded.files) == set(KINDS) and loaded.licence == "Apache-2.0"
    assert (loaded.score_threshold, loaded.nms_iou, loaded.input.longest_side) == (0.3, 0.5, 320)
    assert loaded.training["steps"] == 7 and loaded.training["commit"] == "c"
    assert loaded.training["config"] == json.loads(json.dumps(CONFIG.as_dict()))
    assert all(entry.bytes == (card.parent / entry.path).stat().st_size for entry in loaded.files.values())


def test_the_core_finds_the_surest_box_of_torch(card: Path, checkpoint: Path) -> None:
    image = np.asarray(_pictures(1, 320).images[0])
    network = FaceNet(CONFIG.network).eval()
    network.load_state_dict(torch.load(checkpoint, weights_only=True)["average"])
    with torch.no_grad():
        values = cells(network(inputs_of(image[None])))
    best = int(values[0, :, 0].argmax())
    box = decode_boxes(values, cell_places(320, 320))[0, best].numpy()
    found = FaceDetector(card, precision="fp32", score_threshold=1e-6).detect(image)
    assert found.scores[0] == pytest.approx(float(values[0, best, 0].sigmoid()), abs=1e-3)
    np.testing.assert_allclose(found.boxes_xyxy[0], box, atol=0.05)


def test_eight_bits_stay_near(card: Path) -> None:
    image = np.asarray(_pictures(1, 320).images[0])
    exact, rounded = (FaceDetector(card, precision=p, score_threshold=1e-6) for p in ("fp32", "int8"))
    assert abs(float(exact.detect(image).scores[0]) - float(rounded.detect(image).scores[0])) < 0.1


def test_a_card_may_name_the_eight_bits_alone(checkpoint: Path, tmp_path: Path) -> None:
    card = export_faces([checkpoint], tmp_path, "small", "1", Thresholds(), _pictures(), ["safetensors-int8"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small-int8.safetensors", "small.json"]
    assert FaceDetector(card).precision == "int8"


def test_the_mean_of_two_runs_lies_between_them(checkpoint: Path, tmp_path: Path) -> None:
    state = torch.load(checkpoint, weights_only=True)
    state["average"] = {k: v + 1 if v.is_floating_point() else v for k, v in state["average"].items()}
    torch.save(state, tmp_path / "other.pt")
    network, _, note = mean_face_net([checkpoint, tmp_path / "other.pt"])
    first, _, _ = mean_face_net([checkpoint])
    torch.testing.assert_close(network.heads[0].bias, first.heads[0].bias + 0.5)
    assert [run["steps"] for run in note["mean_of"]] == [7, 7]
    torch.save(
        state | {"config": FaceTraining().as_dict(), "average": FaceNet(FaceNetConfig()).state_dict()},
        tmp_path / "big.pt",
    )
    with pytest.raises(CheckpointError, match="one network"):
        mean_face_net([checkpoint, tmp_path / "big.pt"])


def test_the_hardest_views_have_the_highest_scores(checkpoint: Path) -> None:
    network = FaceNet(CONFIG.network).eval()
    network.load_state_dict(torch.load(checkpoint, weights_only=True)["average"])
    images = np.asarray(_pictures(30, 64).images)
    with torch.no_grad():
        best = cells(network(inputs_of(images)))[..., 0].amax(1).numpy()
    chosen = hardest(network, images, 4, quiet=True)
    np.testing.assert_array_equal(chosen, images[np.argsort(-best)[:4]])


def test_commands_say_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CheckpointError, match="found no file"):
        export_faces([tmp_path / "none.pt"], tmp_path, "face", "1", Thresholds(), _pictures(), KINDS)
    assert main(["export-faces", "x.pt", "--scenes", str(tmp_path), "--out", str(tmp_path / "o"), "--quiet"]) == 2
    assert "expected a dataset.json" in capsys.readouterr().err
    heads, out = str(tmp_path), str(tmp_path / "run")
    assert main(["train-faces", "--heads", heads, "--scenes", heads, "--out", out, "--side", "100", "--quiet"]) == 2
    assert "--side a multiple of 32" in capsys.readouterr().err
