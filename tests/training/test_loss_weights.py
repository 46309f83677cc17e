"""Grids of loss weights: the papers' tables as recipes, trained side by side, kept when finished."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_photos import write_aflw2000

pytest.importorskip("torch", reason="studies need the training extra")

from hpe_edge.training import trials
from hpe_edge.training.recipe import load_recipe
from hpe_edge.training.studies import loss_weights
from hpe_edge.training.studies.weight_grids import bundled_grids, read_grid

from hpe_edge.cli import main
from hpe_edge.errors import InvalidArgumentError

GRID = """
[tiny]
title = "t"
source = "s"
recipe = "smoke"
against = "a"
loss = { angle_weight = 1.0 }
[[tiny.variant]]
name = "a"
paper = { mean = 5.0 }
[[tiny.variant]]
name = "b, more"
loss = { rotation_weight = 1.0 }
paper = { mean = 6.0 }
"""


@pytest.mark.parametrize("name", sorted(bundled_grids()))
def test_bundled_grids_become_recipes(name: str) -> None:
    grid = read_grid(name, epochs=2)
    assert {variant.recipe.optim.epochs for variant in grid.variants} == {2}
    assert len({variant.recipe.digest() for variant in grid.variants}) == len(grid.variants)
    small = read_grid(name, "smoke").variants[0].recipe
    assert small.optim == load_recipe("smoke").optim and small.head == grid.variants[0].recipe.head
    if name != "methods":
        assert small.trunk == load_recipe("smoke").trunk
    for variant in grid.variants:
        paper = dict(variant.paper)
        mean = paper.pop("mean", None)
        if paper:  # the papers round
            assert mean == pytest.approx(sum(paper.values()) / 3, abs=0.035)


def test_every_method_of_the_papers_is_in_the_table() -> None:
    recipes = [variant.recipe for variant in read_grid("methods").variants]
    assert {r.trunk.kind for r in recipes} == {"ssrnet", "fsanet", "edge", "alexnet", "resnet", "cascade"}
    fsanets = {(r.trunk.config.scoring, r.trunk.config.aggregation) for r in recipes if r.trunk.kind == "fsanet"}
    assert len(fsanets) == 9
    assert len({(r.input, r.augment, r.optim.epochs) for r in recipes}) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace('title = "t"', ""), "title: expected some text"),
        (lambda text: text.replace('against = "a"', 'against = "c"'), "against: expected one of"),
        (lambda text: text.replace("rotation_weight", "rotten_weight"), "rotten_weight"),
        (lambda text: text.replace('name = "b, more"', 'name = "a"'), "names that differ"),
        (lambda text: text.replace('name = "b, more"', "name = 3"), "a name for every variant"),
        (lambda text: text.replace("mean = 6.0", "total = 6.0"), "unknown keys"),
        (lambda text: text.replace('recipe = "smoke"', 'recipe = "nonesuch"'), "recipe: expected a .toml"),
        (lambda text: text.split("[[")[0], "at least one"),
        (lambda text: text + "\n[other]\n", "expected one table"),
        (lambda _: "[tiny", "readable TOML"),
    ],
)
def test_impossible_grids(tmp_path: Path, change: Callable[[str], str], message: str) -> None:
    path = tmp_path / "grid.toml"
    path.write_text(change(GRID))
    with pytest.raises(InvalidArgumentError, match=message):
        read_grid(str(path))
    with pytest.raises(InvalidArgumentError, match="--grid: expected a"):
        read_grid("nonesuch")


def test_variants_are_trained_side_by_side_and_kept(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "grid.toml").write_text(GRID)
    photos = write_aflw2000(tmp_path, [(float(yaw), 5.0, 0.0) for yaw in range(-60, 61, 30)])
    out = tmp_path / "out"
    arguments = ["study", "loss-weights", "--grid", str(tmp_path / "grid.toml"), "--data", str(dataset)]
    arguments += ["--aflw2000", str(photos), "--out", str(out), "--epochs", "1", "--threads", "1", "--workers", "0"]
    arguments += ["--device", "cpu", "--quiet"]
    assert main([*arguments, "--jobs", "2"]) == 0
    found = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert (out / "figure.png").stat().st_size > 5000
    assert "paper: yaw" in (out / "table.md").read_text(encoding="utf-8")
    assert [variant["name"] for variant in found["variants"]] == ["a", "b, more"]
    first, second = ((out / name / "result.json").stat().st_mtime_ns for name in ("a", "b--more"))
    capsys.readouterr()

    def refuse(*_: Any) -> Path:
        raise AssertionError("a finished variant was trained again")

    monkeypatch.setattr(loss_weights, "train_seed", refuse)
    assert main(arguments) == 0
    assert "| a |" in capsys.readouterr().out
    assert [(out / name / "result.json").stat().st_mtime_ns for name in ("a", "b--more")] == [first, second]
    again = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert again["variants"] == found["variants"]
    assert main([*arguments, "--jobs", "0"]) == 2
    assert "--jobs" in capsys.readouterr().err


def test_a_result_of_something_else_is_not_kept(tmp_path: Path) -> None:
    assert trials.kept(tmp_path, {"name": "a"}) is None
    trials.keep(tmp_path, {"name": "a", "recipe": "x"})
    assert trials.kept(tmp_path, {"name": "a", "recipe": "x"}) is not None
    assert trials.kept(tmp_path, {"name": "a", "recipe": "y"}) is None
    recipe = load_recipe("smoke")
    seeded = replace(recipe, data=replace(recipe.data, seed=5))
    assert trials.seedless(recipe) == trials.seedless(seeded) != trials.seedless(load_recipe("likeness"))
