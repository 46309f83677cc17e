"""The loop: resumes exactly, refuses what does not belong, and stops at NaN."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hpe_edge.training.data.shards import Heads
from hpe_edge.training.loop.checkpoint import load_trained, read_checkpoint
from hpe_edge.training.loop.engine import train
from hpe_edge.training.loop.optim import lr_factor
from hpe_edge.training.loop.run import RunOptions, pick_device
from hpe_edge.training.models.network import Part
from hpe_edge.training.models.trunks.fsanet import FSANetConfig
from hpe_edge.training.recipe import Recipe, bundled_recipes, load_recipe, recipe_from_dict

from hpe_edge.errors import CheckpointError, InvalidArgumentError, TrainingError

FAST = RunOptions(threads=1, workers=0, device="cpu", quiet=True)


@pytest.fixture(scope="module")
def smoke() -> Recipe:
    return load_recipe("smoke")


@pytest.fixture(scope="module")
def finished(smoke: Recipe, heads: Heads, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(smoke, heads, tmp_path_factory.mktemp("run"), FAST)


def test_writes_checkpoints_and_log(finished: Path) -> None:
    assert (finished.parent / "best.pt").is_file()
    with (finished.parent / "log.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert all(np.isfinite(float(row["val_mae_deg"])) for row in rows)


@pytest.mark.parametrize("stop", [3, 8])
def test_resumed_run_equals_an_uninterrupted_one(
    smoke: Recipe, heads: Heads, tmp_path: Path, finished: Path, stop: int
) -> None:
    train(smoke, heads, tmp_path, replace(FAST, stop_after_steps=stop))
    last = train(smoke, heads, tmp_path, replace(FAST, resume=True))
    resumed, whole = read_checkpoint(last), read_checkpoint(finished)
    assert resumed["progress"]["step"] == whole["progress"]["step"]
    for part in ("model", "average"):
        for name, tensor in whole[part].items():
            assert torch.equal(tensor, resumed[part][name]), f"{part}.{name}"


def test_does_not_overwrite_a_run(smoke: Recipe, heads: Heads, finished: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="resume"):
        train(smoke, heads, finished.parent, FAST)


def test_refuses_a_checkpoint_of_another_recipe(smoke: Recipe, heads: Heads, finished: Path) -> None:
    other = replace(smoke, optim=replace(smoke.optim, lr=5e-4))
    with pytest.raises(CheckpointError, match=r"optim\.lr"):
        train(other, heads, finished.parent, replace(FAST, resume=True))
    other = replace(smoke, trunk=Part("fsanet", FSANetConfig(scoring="variance")))
    with pytest.raises(CheckpointError, match=r"trunk\.scoring"):
        train(other, heads, finished.parent, replace(FAST, resume=True))


def test_refuses_a_checkpoint_of_other_data(smoke: Recipe, heads: Heads, finished: Path) -> None:
    with pytest.raises(CheckpointError, match="another dataset"):
        train(smoke, replace(heads, fingerprint="0"), finished.parent, replace(FAST, resume=True))


def test_damaged_and_missing_checkpoints(finished: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="found no file"):
        read_checkpoint(tmp_path / "none.pt")
    damaged = tmp_path / "damaged.pt"
    damaged.write_bytes(finished.read_bytes()[:-2000])
    with pytest.raises(CheckpointError, match="damaged"):
        read_checkpoint(damaged)
    torch.save({"a": 1}, damaged)
    with pytest.raises(CheckpointError, match="format"):
        read_checkpoint(damaged)


def test_nan_in_the_labels_stops_the_run_before_the_weights(smoke: Recipe, heads: Heads, tmp_path: Path) -> None:
    poisoned = replace(heads, euler_deg=np.full_like(heads.euler_deg, np.nan))
    plain = replace(smoke, augment=replace(smoke.augment, rotate_p=0.0))
    with pytest.raises(TrainingError, match="finite"):
        train(plain, poisoned, tmp_path, FAST)


def test_time_limit_ends_the_run_on_a_finished_schedule(smoke: Recipe, heads: Heads, tmp_path: Path) -> None:
    long = replace(smoke, optim=replace(smoke.optim, epochs=10_000))
    last = train(long, heads, tmp_path, replace(FAST, max_minutes=0.02))
    _, _, note = load_trained(last)
    assert note["progress"]["step"] < 10_000
    with (tmp_path / "log.csv").open() as stream:
        assert float(list(csv.DictReader(stream))[-1]["lr"]) == pytest.approx(long.optim.lr * 0.01)


def test_schedules() -> None:
    assert [round(lr_factor("steps", p), 4) for p in (0, 0.34, 0.67, 1)] == [1, 0.1, 0.01, 0.01]
    for schedule in ("cosine", "onecycle"):
        assert lr_factor(schedule, 1.0) == pytest.approx(0.0)
        assert max(lr_factor(schedule, p / 50) for p in range(51)) == pytest.approx(1.0)


def test_a_recipe_takes_the_rest_of_its_augmentation_from_another(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\n[augment]\nlike = "fsanet"\nblur_p = 0.5\n')
    assert load_recipe(str(path)).augment == replace(load_recipe("fsanet").augment, blur_p=0.5)
    path.write_text('name = "mine"\n[augment]\nlike = "nobody"\n')
    with pytest.raises(InvalidArgumentError, match=r"augment.like: expected one of \[.*'fsanet'.*got 'nobody'"):
        load_recipe(str(path))


def test_recipes_are_strict() -> None:
    assert {"fsanet", "fsanet-paper", "hopenet", "smoke"} <= set(bundled_recipes())
    for name in bundled_recipes():
        recipe = load_recipe(name)
        assert recipe_from_dict(recipe.as_dict()) == recipe
    with pytest.raises(InvalidArgumentError, match=r"optim\.learning_rate"):
        recipe_from_dict({"name": "x", "optim": {"learning_rate": 1.0}})
    with pytest.raises(InvalidArgumentError, match=r"optim\.epochs"):
        recipe_from_dict({"name": "x", "optim": {"epochs": 1.5}})
    with pytest.raises(InvalidArgumentError, match="unknown sections"):
        recipe_from_dict({"name": "x", "optimiser": {}})
    with pytest.raises(InvalidArgumentError, match="no-such-recipe"):
        load_recipe("no-such-recipe")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_named_device_that_is_absent_is_an_error() -> None:
    with pytest.raises(InvalidArgumentError, match="cuda"):
        pick_device("cuda")
