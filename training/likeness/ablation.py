"""What each feature of the renderer buys: the same small training on each dataset, scored on photographs.

A row is rendered, trained with one recipe and one number of steps, and scored on real photographs it has
never seen. Everything that is finished is kept: a run that was interrupted goes on with the same call.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from hpe_edge.training.data.samples import Sample
from hpe_edge.training.data.shards import open_heads, read_description
from hpe_edge.training.engine import RunOptions, train
from hpe_edge.training.evaluate import Evaluation, Progress, evaluate, fit_pitch_zero
from hpe_edge.training.likeness.ablation_rows import Row
from hpe_edge.training.metrics import difference_deg, measure
from hpe_edge.training.predictors import choose_crop, open_checkpoint
from hpe_edge.training.provenance import source_commit
from hpe_edge.training.recipe import Recipe
from hpe_edge.training.synthetic.sets.generate import DatasetSpec, generate
from numpy.typing import NDArray

from hpe_edge import _core
from hpe_edge.errors import DatasetError, InvalidArgumentError

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What is the same for all rows. ``threads`` and ``workers`` change the time, not the result."""

    recipe: Recipe
    seeds: tuple[int, ...]
    photographs: Mapping[str, Sequence[Sample]]
    count: int
    render_seed: int = 1
    image_size: int = 112
    heads_per_shard: int = 900
    assets: Path | None = None
    head_data: Path | None = None
    threads: int = 2
    workers: int = 2
    keep_cache: bool = False
    quiet: bool = False
    say: Say = field(default=lambda _: None)
    progress: Progress = iter


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
        "recipe": replace(plan.recipe, data=replace(plan.recipe.data, seed=0)).digest(),
        "seeds": list(plan.seeds),
        "photographs": {name: len(samples) for name, samples in plan.photographs.items()},
        "dataset": description,
    }
    path = folder / "result.json"
    if path.exists():
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if all(found.get(key) == value for key, value in wanted.items()):
            plan.say(f"{row.name}: kept from {path}")
            return found
    folder.mkdir(parents=True, exist_ok=True)
    runs = [_run(row, plan, data, folder, number) for number in range(len(plan.seeds))]
    if not plan.keep_cache:
        shutil.rmtree(folder / "cache", ignore_errors=True)
    result = {**wanted, "features": _features(row, description), "commit": source_commit(), "runs": runs}
    partial = path.with_suffix(".json.partial")
    partial.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)
    return result


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
    checkpoint = row.checkpoints[number] if row.checkpoints else _train(row, plan, data, folder, seed)
    plan.say(f"{row.name}: scoring seed {seed}")
    network = open_checkpoint(checkpoint)
    predictor = network.predictor(choose_crop(network))
    scores = {}
    for name, samples in plan.photographs.items():
        evaluation = evaluate(predictor, samples, progress=plan.progress)
        scores[name] = score(evaluation)
        np.savez(folder / f"{name}-seed{seed}.npz", truth=evaluation.truth_deg, predicted=evaluation.predicted_deg)
    return {"seed": seed, "scores": scores}


def _train(row: Row, plan: Plan, data: Path, folder: Path, seed: int) -> Path:
    """Train, or go on with an interrupted training; the last checkpoint."""
    out = folder / f"seed{seed}"
    heads = open_heads([data], folder / "cache", quiet=plan.quiet)
    recipe = replace(plan.recipe, data=replace(plan.recipe.data, seed=seed))
    resume = (out / "last.pt").exists()
    plan.say(f"{row.name}: {'going on with' if resume else 'training'} seed {seed}")
    options = RunOptions(threads=plan.threads, workers=plan.workers, resume=resume, quiet=plan.quiet)
    return train(recipe, heads, out, options)


def score(evaluation: Evaluation) -> dict[str, Any]:
    """Metrics as they come, and with the pitch-zero rotation that suits these photographs best.

    The fit takes out what one constant of the model card takes out, so that rows are compared by the
    rest. ``image_deg`` is each photograph's mean error after the fit, for paired comparisons.
    """
    zero = fit_pitch_zero(evaluation).rotation_deg
    shifted = _core.offset_pitch_zero(evaluation.predicted_deg, zero)
    return {
        "plain": evaluation.metrics.as_dict(),
        "pitch_zero_deg": zero,
        "fitted": measure(evaluation.truth_deg, shifted).as_dict(),
        "image_deg": np.round(_image_error(evaluation.truth_deg, shifted), 3).tolist(),
    }


def _image_error(truth_deg: NDArray[np.float32], predicted_deg: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N,) mean over the labelled angles of the absolute error."""
    error: NDArray[np.float64] = np.nanmean(np.abs(difference_deg(truth_deg, predicted_deg)), axis=1)
    return error
