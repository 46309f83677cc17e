"""Export: the ONNX file says what torch says, and its card can be loaded."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from hpe_edge.training.data.shards import Heads
from hpe_edge.training.export import _description, _licence, export_checkpoints, parity_deg
from hpe_edge.training.loop.checkpoint import load_mean, load_trained, read_checkpoint
from hpe_edge.training.loop.engine import spread_scale, train
from hpe_edge.training.loop.run import RunOptions
from hpe_edge.training.native.command import convert_card
from hpe_edge.training.native.onnx_runtime import run_model
from hpe_edge.training.onnx_graph import OPSET
from hpe_edge.training.provenance import source_commit
from hpe_edge.training.recipe import Recipe, load_recipe, recipe_from_dict

from hpe_edge import HeadPose
from hpe_edge.cardfiles import read_network
from hpe_edge.errors import CheckpointError, CorruptModelError
from hpe_edge.heads import BinsHead, SsrHead
from hpe_edge.modelcard import load_card

pytest.importorskip("onnxruntime", reason="the onnx extra is not installed")
onnx = pytest.importorskip("onnx", reason="the training extra is not installed")


METHODS = {
    "fsanet": {"trunk": {"kind": "fsanet"}, "head": {"kind": "ssr"}, "loss": {"spread_weight": 1.0}},
    "variance": {"trunk": {"kind": "fsanet", "scoring": "variance"}, "head": {"kind": "ssr", "spread": False}},
    "edge": {"trunk": {"kind": "edge"}, "head": {"kind": "ssr"}, "loss": {"spread_weight": 1.0}},
    "bins": {"trunk": {"kind": "edge"}, "head": {"kind": "bins", "bins": [66, 6]}},
}


def method(name: str) -> Recipe:
    optim = {"epochs": 1, "batch_size": 8, "ema_decay": 0.0}
    return recipe_from_dict({"name": name, "optim": optim, "data": asdict(load_recipe("smoke").data)} | METHODS[name])


@pytest.fixture(scope="module", params=METHODS)
def checkpoint(request: pytest.FixtureRequest, heads: Heads, tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = RunOptions(threads=1, workers=0, device="cpu", quiet=True)
    return train(method(request.param), heads, tmp_path_factory.mktemp("run"), options)


def test_parity_card_and_graph(checkpoint: Path, heads: Heads, tmp_path: Path) -> None:
    done = export_checkpoints([checkpoint], tmp_path, "fsanet-test", pitch_zero_deg=1.5)
    assert done.parity_deg <= 1e-3
    card = load_card(done.card_path)
    assert card.name == "fsanet-test" and card.pitch_zero_deg == 1.5
    assert card.training["datasets"] == [dict(dataset) for dataset in heads.datasets]
    assert card.training["data_seed"] == [dataset["seed"] for dataset in heads.datasets]
    assert card.training["commit"] == source_commit()
    assert recipe_from_dict(dict(card.training["recipe"])).name in METHODS
    whole = onnx.load_from_string(read_network(card, "onnx", tmp_path))
    assert card.files["onnx"].weights == "safetensors"
    graph = onnx.load(str(done.onnx_path))
    assert graph.opset_import[0].version == OPSET
    assert tuple(output.name for output in graph.graph.output) == card.head.output_names
    kinds = {node.op_type for node in graph.graph.node}
    assert not kinds & {"BatchNormalization", "Shape", "If", "Loop"}
    assert [d.dim_value for d in graph.graph.input[0].type.tensor_type.shape.dim] == [1, 3, 64, 64]
    assert done.onnx_path.stat().st_size < 0.4 * done.native_path.stat().st_size, "what is stored transposed stays"
    assert [tensor.name for tensor in whole.graph.initializer] == [tensor.name for tensor in graph.graph.initializer]


def test_the_spread_is_calibrated_anew_on_held_out_heads(checkpoint: Path, heads: Heads, tmp_path: Path) -> None:
    network, recipe, data = load_trained(checkpoint)
    state = read_checkpoint(checkpoint)
    state["data"]["spread_scale"] = [9.0, 9.0, 9.0] if data["spread_scale"] else []
    other = tmp_path / "other.pt"
    torch.save(state, other)
    kept = load_card(export_checkpoints([other], tmp_path, "x").card_path).head.spread
    fitted = load_card(export_checkpoints([other], tmp_path, "x", calibration=heads).card_path).head.spread
    if not data["spread_scale"]:
        assert kept is None and fitted is None
        return
    assert kept is not None and fitted is not None and kept.scale == (9.0, 9.0, 9.0)
    assert list(fitted.scale) == pytest.approx(spread_scale(network, heads, recipe, torch.device("cpu")))


def test_a_network_converted_anew_keeps_its_onnx_file(checkpoint: Path, tmp_path: Path) -> None:
    done = export_checkpoints([checkpoint], tmp_path, "x")
    inputs = np.random.default_rng(0).uniform(-1, 1, (2, 3, 64, 64)).astype(np.float32)
    expected = run_model(onnx.load(str(done.onnx_path)), inputs)
    done.native_path.write_bytes(b"damaged")
    with pytest.raises(CorruptModelError, match=r"x\.safetensors: expected sha256"):
        convert_card(done.card_path, overwrite=True)
    export_checkpoints([checkpoint], tmp_path, "x")
    convert_card(done.card_path, overwrite=True)
    card = load_card(done.card_path)
    found = run_model(onnx.load_from_string(read_network(card, "onnx", tmp_path)), inputs)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)


def test_head_and_spread_are_those_of_the_recipe(checkpoint: Path, heads: Heads, tmp_path: Path) -> None:
    head = load_card(export_checkpoints([checkpoint], tmp_path, "x").card_path).head
    _, recipe, data = load_trained(checkpoint)
    if recipe.head.kind == "ssr":
        assert isinstance(head, SsrHead) and head.stages == (3, 3, 3)
        assert (head.spread is not None) == recipe.head.config.spread
    else:
        assert isinstance(head, BinsHead) and (head.bins, head.first_deg, head.step_deg) == (66, -97.5, 3.0)
        assert head.spread is not None and head.spread.output is None
    if head.spread is not None:
        assert list(head.spread.scale) == data["spread_scale"]
        pose = HeadPose(tmp_path / "x.json")
        assert np.isfinite(pose.estimate(np.asarray(heads.images[0]), is_crop=True).std_deg).all()


def test_parity_on_heads(checkpoint: Path, heads: Heads, tmp_path: Path) -> None:
    done = export_checkpoints([checkpoint], tmp_path, "fsanet-test")
    head = load_card(done.card_path).head
    network, _, _ = load_trained(checkpoint)
    pixels = (heads.images[:8, :64, :64].transpose(0, 3, 1, 2).astype(np.float32) - 127.5) / 128.0
    inputs = np.ascontiguousarray(pixels)
    outputs = run_model(onnx.load(str(done.onnx_path)), inputs)
    assert parity_deg(network, head, inputs, outputs) <= 1e-3
    assert {output.shape[0] for output in outputs.values()} == {8}


def test_of_several_runs_the_mean_of_their_weights_is_exported(checkpoint: Path, tmp_path: Path) -> None:
    state = torch.load(checkpoint, weights_only=True)
    state["average"] = {key: 3 * v if v.is_floating_point() else v for key, v in state["average"].items()}
    torch.save(state, tmp_path / "other.pt")
    network, recipe, note = load_mean([checkpoint, tmp_path / "other.pt"])
    alone, _, _ = load_mean([checkpoint])
    for mean, first in zip(network.parameters(), alone.parameters(), strict=True):
        torch.testing.assert_close(mean, 2 * first)
    assert [run["recipe"] for run in note["mean_of"]] == [recipe.as_dict()] * 2
    state["recipe"] = recipe.as_dict() | {"input": {**recipe.as_dict()["input"], "margin": 0.7}}
    torch.save(state, tmp_path / "wider.pt")
    with pytest.raises(CheckpointError, match="one network"):
        load_mean([checkpoint, tmp_path / "wider.pt"])


def test_a_missing_checkpoint_is_a_typed_error(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="found no file"):
        export_checkpoints([tmp_path / "none.pt"], tmp_path, "x")


def test_weights_from_photographs_carry_their_terms() -> None:
    photographs = {"name": "300wlp", "terms": "research only", "count": 2}
    rendered = {"seed": 4, "count": 2}
    assert _licence([rendered]) == "Apache-2.0"
    assert "research only" in _licence([photographs, rendered])
    trunk = {"kind": "resnet", "pretrained": "/a/mine.safetensors"}
    recipe = recipe_from_dict({"name": "x", "trunk": trunk, "head": {"kind": "bins"}})
    said = _description(recipe, [photographs])
    assert said.endswith("trained on photographs of 300wlp, starting from the weights mine.safetensors")
    assert _description(load_recipe("smoke"), [rendered]).endswith("trained on rendered CC0 heads")
