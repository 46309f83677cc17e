"""Two processes of torchrun train as one does, and checkpoints travel in pieces."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hpe_edge.training.data.batches import validation_batches
from hpe_edge.training.data.shards import Heads
from hpe_edge.training.loop.checkpoint import load_trained, read_checkpoint
from hpe_edge.training.loop.distributed import Group
from hpe_edge.training.loop.engine import _mirror_loss, _views, train
from hpe_edge.training.loop.pieces import index_path, read_pieces, write_pieces
from hpe_edge.training.loop.run import Run, RunOptions
from hpe_edge.training.loop.start import Start
from hpe_edge.training.loop.teacher import Teacher
from hpe_edge.training.models.outputs import decode
from hpe_edge.training.recipe import Recipe, load_recipe

from hpe_edge.errors import CheckpointError

FAST = RunOptions(threads=1, workers=0, device="cpu", quiet=True)
SGD_LIKE = """
name = "group"
[trunk]
kind = "edge"
stem = 4
width1 = 4
width2 = 4
width3 = 4
[loss]
spread_weight = 1.0
[optim]
epochs = 1
batch_size = 8
ema_decay = 0.0
[data]
validation_fraction = 0.25
validation_limit = 16
"""


@pytest.fixture(scope="module")
def recipe_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "group.toml"
    path.write_text(SGD_LIKE)
    return path


@pytest.fixture(scope="module")
def recipe(recipe_file: Path) -> Recipe:
    return load_recipe(str(recipe_file))


@pytest.fixture(scope="module")
def trained(recipe: Recipe, heads: Heads, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(recipe, heads, tmp_path_factory.mktemp("run"), FAST)


def test_two_processes_train_one_network(recipe_file: Path, dataset: Path, trained: Path, tmp_path: Path) -> None:
    """One run of two processes over gloo: one log, one checkpoint, the same steps as alone."""
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
        "-m", "hpe_edge", "train", "--recipe", str(recipe_file), "--data", str(dataset), "--out", str(tmp_path),
        "--cache", str(tmp_path / "cache"), "--threads", "1", "--workers", "0", "--device", "cpu", "--quiet",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 2
    together, alone = read_checkpoint(tmp_path / "last.pt"), read_checkpoint(trained)
    assert together["progress"]["step"] == alone["progress"]["step"] > 0
    weights = {name: tensor for name, tensor in together["model"].items() if name.endswith("weight")}
    far = [name for name, tensor in weights.items() if (tensor - alone["model"][name]).abs().max() > 0.1]
    assert not far  # only the BatchNorm statistics are of half batches


def test_a_checkpoint_in_pieces_is_the_checkpoint(recipe: Recipe, heads: Heads, trained: Path, tmp_path: Path) -> None:
    in_pieces = replace(FAST, piece_mb=0.05, stop_after_steps=3)
    last = train(recipe, heads, tmp_path, in_pieces)
    assert not last.exists()
    pieces = [path for path in tmp_path.iterdir() if path.name.startswith("last.pt.") and path != index_path(last)]
    assert len(pieces) > 1 and max(path.stat().st_size for path in pieces) <= 50_000
    train(recipe, heads, tmp_path, replace(in_pieces, stop_after_steps=0, resume=True))
    joined, whole = read_checkpoint(last), read_checkpoint(trained)
    for name, tensor in whole["model"].items():
        assert torch.equal(tensor, joined["model"][name]), name


def test_a_missing_or_altered_piece_is_told(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    content = np.random.default_rng(0).bytes(1000)
    write_pieces(path, content[:500], 300)
    write_pieces(path, content, 300)
    pieces = sorted(tmp_path.glob("last.pt.????????.*"))
    assert [piece.stat().st_size for piece in pieces] == [300, 300, 300, 100]
    assert read_pieces(path) == content
    pieces[1].write_bytes(b"x" * 300)
    with pytest.raises(CheckpointError, match="copy them again"):
        read_pieces(path)
    pieces[1].unlink()
    with pytest.raises(CheckpointError, match="lie beside it"):
        read_pieces(path)


def test_a_teacher_says_what_its_network_says(trained: Path, heads: Heads) -> None:
    teacher = Teacher.open(trained)
    network, _, _ = load_trained(trained)
    x = torch.rand(4, 3, 64, 64)
    with torch.no_grad():
        assert (teacher(x) - decode(network(x))).abs().max() < 1.5  # it computes in bf16


def test_a_student_is_drawn_to_its_teacher(recipe: Recipe, heads: Heads, trained: Path, tmp_path: Path) -> None:
    teacher = Teacher.open(trained)
    taught = replace(recipe, loss=replace(recipe.loss, angle_weight=1e-6, teacher_weight=1.0))
    taught = replace(taught, optim=replace(taught.optim, epochs=12, lr=5e-3))

    def distance(checkpoint: Path) -> float:
        network, _, _ = load_trained(checkpoint)
        x = torch.cat([batch.inputs for batch in validation_batches(heads, np.arange(32), recipe.input, 32)])
        with torch.no_grad():
            return float((decode(network(x)) - teacher(x)).abs().mean())

    before = train(taught, heads, tmp_path / "a", replace(FAST, stop_after_steps=1), teacher)
    far = distance(before)
    assert read_checkpoint(before)["data"]["teacher"] == teacher.sha256
    with pytest.raises(CheckpointError, match="--teacher"):
        train(taught, heads, tmp_path / "a", replace(FAST, resume=True))
    assert distance(train(taught, heads, tmp_path / "b", FAST, teacher)) < 0.7 * far


def test_a_run_begins_with_the_weights_of_another(recipe: Recipe, heads: Heads, trained: Path, tmp_path: Path) -> None:
    start = Start.open(trained)
    run = Run(recipe, heads, tmp_path / "a", FAST, Group(), None, start)
    weights = load_trained(trained)[0].state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in run.network.state_dict().items())
    assert all(torch.equal(value, weights[name]) for name, value in run.average.model.state_dict().items())
    fresh = Run(recipe, heads, tmp_path / "b", FAST, Group(), None, None)
    assert start.epochs > 0 and run.progress.epoch == 0
    assert not torch.equal(run.epoch_batches()[0].inputs, fresh.epoch_batches()[0].inputs)  # other augmentations
    last = train(recipe, heads, tmp_path / "a", replace(FAST, stop_after_steps=1), None, start)
    assert read_checkpoint(last)["data"]["start"] == start.sha256
    with pytest.raises(CheckpointError, match="--start-from"):
        train(recipe, heads, tmp_path / "a", replace(FAST, resume=True))


def test_a_start_of_another_shape_is_refused(recipe: Recipe, heads: Heads, trained: Path, tmp_path: Path) -> None:
    wider = replace(recipe, trunk=replace(recipe.trunk, config=replace(recipe.trunk.config, width=24)))
    with pytest.raises(CheckpointError, match="expected the layers of the recipe's network"):
        train(wider, heads, tmp_path, FAST, None, Start.open(trained))


def test_mirror_images_are_trained_on_too(recipe: Recipe, heads: Heads, tmp_path: Path) -> None:
    both = replace(recipe, loss=replace(recipe.loss, mirror_weight=0.5))
    run = Run(both, heads, tmp_path, FAST, Group(), None, None)
    batch = run.epoch_batches()[0]
    x, y = _views(run, batch)
    assert len(x) == len(y.euler_deg) == 12
    assert torch.equal(x[8:], batch.inputs[:4].flip(-1))
    assert torch.equal(y.euler_deg[8:], batch.target.euler_deg[:4] * torch.tensor([-1.0, 1.0, -1.0]))
    with torch.no_grad():
        assert float(_mirror_loss(run, run.network.eval()(x), 8)) > 0.0
    assert read_checkpoint(train(both, heads, tmp_path, FAST))["progress"]["step"] > 0


def test_a_sitting_ends_on_time_and_the_next_goes_on(
    recipe: Recipe, heads: Heads, tmp_path: Path, trained: Path
) -> None:
    last = train(recipe, heads, tmp_path, replace(FAST, stop_after_minutes=1e-6))
    assert read_checkpoint(last)["progress"]["step"] == 1
    train(recipe, heads, tmp_path, replace(FAST, resume=True))
    assert read_checkpoint(last)["progress"]["step"] == read_checkpoint(trained)["progress"]["step"]
