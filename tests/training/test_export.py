"""Export: the ONNX file says what torch says, and its card can be loaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hpe_edge.training.checkpoint import load_trained
from hpe_edge.training.data.shards import Heads
from hpe_edge.training.engine import RunOptions, train
from hpe_edge.training.export import OPSET, OUTPUTS, export_checkpoint, parity_deg, run_onnx
from hpe_edge.training.provenance import source_commit
from hpe_edge.training.recipe import load_recipe

from hpe_edge.errors import CheckpointError
from hpe_edge.heads import SsrHead
from hpe_edge.modelcard import load_card, read_verified

pytest.importorskip("onnxruntime", reason="the onnx extra is not installed")
onnx = pytest.importorskip("onnx", reason="the training extra is not installed")


@pytest.fixture(scope="module", params=["1x1", "variance"])
def checkpoint(
    request: pytest.FixtureRequest, heads: Heads, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    smoke = load_recipe("smoke")
    recipe = replace(
        smoke,
        model=replace(smoke.model, scoring=request.param),
        optim=replace(smoke.optim, epochs=1, ema_decay=0.0),
    )
    options = RunOptions(threads=1, workers=0, device="cpu", quiet=True)
    return train(recipe, heads, tmp_path_factory.mktemp("run"), options)


def test_parity_card_and_graph(checkpoint: Path, heads: Heads, tmp_path: Path) -> None:
    done = export_checkpoint(checkpoint, tmp_path, "fsanet-test", pitch_zero_deg=1.5)
    assert done.parity_deg <= 1e-3
    card = load_card(done.card_path)
    assert card.name == "fsanet-test" and card.pitch_zero_deg == 1.5
    assert isinstance(card.head, SsrHead) and card.head.stages == (3, 3, 3)
    assert card.training["datasets"] == [dict(dataset) for dataset in heads.datasets]
    assert card.training["data_seed"] == [dataset["seed"] for dataset in heads.datasets]
    assert card.training["commit"] == source_commit()
    read_verified(card, "onnx", tmp_path)
    graph = onnx.load(str(done.onnx_path))
    assert graph.opset_import[0].version == OPSET
    assert [output.name for output in graph.graph.output] == OUTPUTS
    kinds = {node.op_type for node in graph.graph.node}
    assert not kinds & {"BatchNormalization", "Shape", "If", "Loop"}
    assert [d.dim_value for d in graph.graph.input[0].type.tensor_type.shape.dim] == [1, 3, 64, 64]
    assert done.onnx_path.stat().st_size < 1.3e6


def test_parity_on_heads(checkpoint: Path, heads: Heads, tmp_path: Path) -> None:
    done = export_checkpoint(checkpoint, tmp_path, "fsanet-test")
    model, _, _ = load_trained(checkpoint)
    inputs = (heads.images[:8, :64, :64].transpose(0, 3, 1, 2).astype(np.float32) - 127.5) / 128.0
    assert parity_deg(model, done.onnx_path, np.ascontiguousarray(inputs)) <= 1e-3
    assert [output.shape[0] for output in run_onnx(done.onnx_path, np.ascontiguousarray(inputs))] == [8] * 9


def test_a_missing_checkpoint_is_a_typed_error(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="found no file"):
        export_checkpoint(tmp_path / "none.pt", tmp_path, "x")
