"""What each feature of the renderer buys: the same small training on each dataset, scored on photographs.

A row is rendered, trained with one recipe and one number of steps, and scored on real photographs it has
never seen. Everything that is finished is kept: a run that was interrupted goes on with the same call.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpe_edge.training.data.shards import read_description
from hpe_edge.training.likeness.ablation_rows import Row
from hpe_edge.training.recipe import Recipe
from hpe_edge.training.synthetic.sets.generate import DatasetSpec, generate
from hpe_edge.training.trials import Bench, keep, kept, score_seed, seedless, train_seed

from hpe_edge.errors import DatasetError, InvalidArgumentError


@dataclass(frozen=True, kw_only=True)
class Plan(Bench):
    """What is the same for all rows, and how their datasets are rendered."""

    recipe: Recipe
    count: int
    render_seed: int = 1
    image_size: int = 112
    heads_per_shard: int = 900
    assets: Path | None = None
    head_data: Path | None = None
    keep_cache: bool = False


def run_row(row: Row, plan: Plan, out: Path) -> dict[str, Any]:
    """Render, train with each seed and score; the row's ``result.json`` as a dictionary.

    Raises ``DatasetError`` where the dataset has another number of heads than the plan: rows are only
    comparable at equal training. Errors of rendering, training and scoring pass through.
    """
    folder = out / row.folder
    if row.checkpoints and len(row.checkpoints) != len(plan.seeds):
        raise InvalidArgumentError(
            f"row {row.name!r}: expected a checkpoint for each of {len(plan.seeds)} seeds, got {len(row.checkpoints)}"
        )
    data = row.dataset or _render(row, plan, folder / "data")
    description = read_description(data)
    if description["count"] != plan.count:
        raise DatasetError(
            f"row {row.name!r}: expected {plan.count} heads as in the other rows, {data} has {description['count']}"
        )
    wanted = {
        "name": row.name,
        "recipe": seedless(plan.recipe),
        "seeds": list(plan.seeds),
        "photographs": {name: len(samples) for name, samples in plan.photographs.items()},
        "dataset": description,
    }
    found = kept(folder, wanted, plan.say)
    if found is not None:
        return found
    folder.mkdir(parents=True, exist_ok=True)
    runs = [_run(row, plan, data, folder, number) for number in range(len(plan.seeds))]
    if not plan.keep_cache:
        shutil.rmtree(folder / "cache", ignore_errors=True)
    return keep(folder, {**wanted, "features": _features(row, description), "runs": runs})


def _features(row: Row, description: dict[str, Any]) -> list[str]:
    return list(row.features) if row.dataset is None else list(description.get("features", []))


def _render(row: Row, plan: Plan, out: Path) -> Path:
    spec = DatasetSpec(
        seed=plan.render_seed, count=plan.count, image_size=plan.image_size,
        heads_per_shard=plan.heads_per_shard, features=row.features,
    )  # fmt: skip
    plan.say(f"{row.name}: rendering {plan.count} heads into {out}")
    generate(spec, out, plan.assets, plan.head_data, workers=plan.workers, quiet=plan.quiet)
    return out


def _run(row: Row, plan: Plan, data: Path, folder: Path, number: int) -> dict[str, Any]:
    """Train with one seed, or take the given checkpoint, and score on every set of photographs."""
    seed = plan.seeds[number]
    if row.checkpoints:
        checkpoint = row.checkpoints[number]
    else:
        checkpoint = train_seed(row.name, plan.recipe, [data], folder, seed, plan, folder / "cache")
    return score_seed(row.name, checkpoint, folder, seed, plan)
