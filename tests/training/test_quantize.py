"""``hpe-edge quantize``: the bundled network in 8 bits, the gate, the files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from reference.network import run_network

from hpe_edge import _core, heads
from hpe_edge.cardfiles import FileEntry, read_verified
from hpe_edge.errors import DatasetError, InvalidArgumentError, ModelNotFoundError
from hpe_edge.modelcard import load_card, save_card

onnx = pytest.importorskip("onnx", reason="the training extra is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="the onnx extra is not installed")
pytest.importorskip("torch", reason="the training extra is not installed")

from hpe_edge.training.native import int8  # noqa: E402
from hpe_edge.training.native.int8 import Measured, head_inputs  # noqa: E402
from hpe_edge.training.native.observe import METHODS  # noqa: E402
from hpe_edge.training.native.onnx_runtime import run_model  # noqa: E402
from quantize_cases import MODELS, bundled_images  # noqa: E402

from hpe_edge.cli import main  # noqa: E402

Floats = NDArray[np.float32]


# ---- the bundled network


@pytest.mark.parametrize("method", METHODS)
def test_the_bundled_network(method: str) -> None:
    """Float32, the twin of 8 bits, ONNX Runtime on QDQ and the core: angles."""
    card, images = load_card(MODELS / "fsanet.json"), bundled_images(24)
    file = read_verified(card, "safetensors", MODELS)
    made = int8.make_int8(file, images, int8.Options(method=method, percentile=99.9))
    assert len(made.layers) == 9 and made.kept == ()
    assert len(made.native) < 0.45 * len(file)
    names = card.head.output_names
    images = images[:6]
    rows = [run_network(made.native, image) for image in images]
    twin = heads.decode(card.head, {name: np.stack([row[name] for row in rows]) for name in names})[0]
    exact = heads.decode(card.head, _core.Network(file).run(images))[0]
    other = heads.decode(card.head, run_model(made.onnx, images))[0]
    assert np.abs(twin - exact).mean() < 1.0
    assert np.abs(twin - other).mean() < 0.05  # a level may fall halfway, which every runtime rounds its way
    assert np.abs(twin - heads.decode(card.head, _core.Network(made.native).run(images))[0]).mean() < 0.05


def test_a_network_whose_convolutions_all_stay_is_refused() -> None:
    file = read_verified(load_card(MODELS / "fsanet.json"), "safetensors", MODELS)
    layers = int8.make_int8(file, bundled_images(4), int8.Options()).layers
    with pytest.raises(InvalidArgumentError, match=r"got none besides \['v1', .*'v40.conv'"):
        int8.make_int8(file, bundled_images(4), int8.Options(keep_float=layers))


# ---- the command


@pytest.fixture
def card_path(tmp_path: Path) -> Path:
    """A copy of the bundled model."""
    card = load_card(MODELS / "fsanet.json")
    for entry in card.files.values():
        (tmp_path / entry.path).write_bytes((MODELS / entry.path).read_bytes())
    path = tmp_path / "fsanet.json"
    save_card(card, path)
    return path


def set_latencies(monkeypatch: pytest.MonkeyPatch, float_us: float, int8_us: float) -> None:
    monkeypatch.setattr(int8, "latencies_us", lambda *_: [float_us, int8_us])


def quantize(card_path: Path, dataset: Path, *options: str) -> int:
    return main(
        ["quantize", str(card_path), "--heads", str(dataset), "--images", "40", "--held-out", "8", "--quiet", *options]
    )


def test_the_command_writes_both_files(
    card_path: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    set_latencies(monkeypatch, 200.0, 100.0)
    assert quantize(card_path, dataset, "--max-shift-deg", "5", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    card = load_card(card_path)
    assert set(card.files) == {"onnx", "safetensors", "safetensors-int8", "onnx-int8"}
    assert card.files["safetensors-int8"].path == "fsanet-int8.safetensors"
    assert card.files["onnx-int8"].path == "fsanet-int8.onnx"
    onnx.checker.check_model(str(card_path.parent / card.files["onnx-int8"].path))
    network = _core.Network(read_verified(card, "safetensors-int8", card_path.parent))
    assert set(network.outputs) == set(card.head.output_names)
    assert report["refused"] == [] and len(report["int8_layers"]) == 9
    assert 0 < np.mean(report["shift_deg"]) < 5 and report["int8_us"] == 100.0
    assert set(report["files"]) == {"safetensors-int8", "onnx-int8"}


def test_the_command_writes_into_another_folder(
    card_path: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_latencies(monkeypatch, 200.0, 100.0)
    before = card_path.read_bytes()
    out = tmp_path / "new" / "folder"
    assert quantize(card_path, dataset, "--max-shift-deg", "5", "--out", str(out), "--force-float", "v1") == 0
    card = load_card(out / "fsanet.json")
    for kind in card.files:
        read_verified(card, kind, out)
    assert len(card.files) == 4 and card_path.read_bytes() == before


@pytest.mark.parametrize(
    ("most", "int8_us", "reasons"),
    [("0.0001", 100.0, ["loses too much", "loses too much"]), ("5", 300.0, ["is not faster: 300.0 us against 200.0"])],
)
def test_the_gate_refuses(
    most: str, int8_us: float, reasons: list[str], card_path: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    set_latencies(monkeypatch, 200.0, int8_us)
    before = sorted((path.name, path.read_bytes()) for path in card_path.parent.iterdir())
    assert quantize(card_path, dataset, "--max-shift-deg", most) == 1
    assert sorted((path.name, path.read_bytes()) for path in card_path.parent.iterdir()) == before
    out = capsys.readouterr().out
    refused = [line for line in out.splitlines() if line.startswith("refused: ")]
    assert len(refused) == len(reasons)
    assert all(f"refused: {reason}" in line for line, reason in zip(refused, reasons, strict=True))
    assert "shift to float32, native: " in out and f"latency: {int8_us:.1f} us, float32 200.0 us" in out


def test_the_gate_refuses_what_is_not_a_number() -> None:
    measured = Measured((np.nan,) * 3, (0.1,) * 3, 200.0, np.nan)
    assert [reason.split(":")[0] for reason in measured.refusals(1.0)] == ["loses too much", "is not faster"]
    assert Measured((0.4,) * 3, (0.4,) * 3, 2.0, 1.0).refusals(0.4000001) == []


def test_the_core_is_measured_in_turns(card_path: Path) -> None:
    networks = [_core.Network(read_verified(load_card(card_path), "safetensors", card_path.parent))] * 2
    first, second = int8.latencies_us(networks, bundled_images(1), 20)
    assert 0 < first < 1e6 and 0.2 < first / second < 5


def test_cards_without_a_native_file_are_refused(card_path: Path, dataset: Path) -> None:
    card = load_card(card_path)
    save_card(replace(card, files={"onnx": FileEntry.of(card_path.with_suffix(".onnx"))}), card_path)
    arguments = ["quantize", str(card_path), "--heads", str(dataset)]
    assert main(arguments) != 0


def test_missing_native_file_says_what_to_run(card_path: Path, dataset: Path) -> None:
    from hpe_edge.training.native.quantize_command import run

    card = load_card(card_path)
    save_card(replace(card, files={"onnx": FileEntry.of(card_path.with_suffix(".onnx"))}), card_path)
    with pytest.raises(ModelNotFoundError, match="run hpe-edge convert"):
        run(type("Arguments", (), {"card": card_path})())


def test_heads_to_judge_by_are_other_people(heads: Any) -> None:
    spec = load_card(MODELS / "fsanet.json").input
    first, second = head_inputs(spec, heads, 1000, 1000)
    assert len(first) + len(second) == len(heads) and 0 < len(second) < len(first)
    assert first.shape[1:] == (3, 64, 64) and first.dtype == np.float32 and -1 <= first.min() < first.max() <= 1
    few, one = head_inputs(spec, heads, 5, 1)
    assert (len(few), len(one)) == (5, 1) and (few[0] == first[0]).all()
    with pytest.raises(DatasetError, match="got 5, 0"):
        head_inputs(spec, heads, 5, 0)
