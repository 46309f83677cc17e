"""Train several rows alike, score each on photographs, keep what is finished: the work behind every ablation table.

A row is trained once for each seed in its own folder. ``result.json`` is written last and by rename, so that a
call that was interrupted goes on where it stopped when it is given again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from hpe_edge.training.data.samples import Sample
from hpe_edge.training.data.shards import open_heads
from hpe_edge.training.evaluation.evaluate import Evaluation, Progress, evaluate, fit_pitch_zero
from hpe_edge.training.evaluation.metrics import difference_deg, measure
from hpe_edge.training.evaluation.predictors import choose_crop, open_checkpoint
from hpe_edge.training.loop.checkpoint import checkpoint_exists
from hpe_edge.training.loop.engine import train
from hpe_edge.training.loop.run import RunOptions
from hpe_edge.training.provenance import source_commit
from hpe_edge.training.recipe import Recipe
from numpy.typing import NDArray

from hpe_edge import _core
from hpe_edge._files import write_whole

Say = Callable[[str], None]
_RESAMPLES = 2000


def silent(_: str) -> None:
    """Says nothing."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What is the same for all rows. ``threads`` and ``workers`` change the time, not the result."""

    seeds: tuple[int, ...]
    photographs: Mapping[str, Sequence[Sample]]
    threads: int = 2
    workers: int = 2
    device: str = "auto"
    quiet: bool = False
    say: Say = silent
    progress: Progress = iter


def kept(folder: Path, wanted: Mapping[str, Any], say: Say = silent) -> dict[str, Any] | None:
    """The result of a finished row, if it is of ``wanted``; None where there is none or one of something else."""
    path = folder / "result.json"
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if any(found.get(key) != value for key, value in wanted.items()):
        return None
    say(f"{wanted['name']}: kept from {path}")
    return found


def keep(folder: Path, result: dict[str, Any]) -> dict[str, Any]:
    """Write a finished row with the commit that made it, and return it."""
    result = result | {"commit": source_commit()}
    write_whole(folder / "result.json", (json.dumps(result, indent=1) + "\n").encode())
    return result


def seedless(recipe: Recipe) -> str:
    """The digest that recipes share which differ by their seed alone."""
    return str(replace(recipe, data=replace(recipe.data, seed=0)).digest())


def train_seed(
    name: str, recipe: Recipe, data: Sequence[Path], folder: Path, seed: int, bench: Bench, cache: Path
) -> Path:
    """Train a row with one seed, or go on with an interrupted training; the last checkpoint."""
    out = folder / f"seed{seed}"
    heads = open_heads(data, cache, quiet=bench.quiet)
    seeded = replace(recipe, data=replace(recipe.data, seed=seed))
    resume = checkpoint_exists(out / "last.pt")
    bench.say(f"{name}: {'going on with' if resume else 'training'} seed {seed}")
    options = RunOptions(
        threads=bench.threads, workers=bench.workers, device=bench.device, resume=resume, quiet=bench.quiet
    )
    last: Path = train(seeded, heads, out, options)
    return last


def score_seed(name: str, checkpoint: Path, folder: Path, seed: int, bench: Bench) -> dict[str, Any]:
    """Score a checkpoint on every set of photographs; the predictions stay beside the result."""
    bench.say(f"{name}: scoring seed {seed}")
    network = open_checkpoint(checkpoint)
    predictor = network.predictor(choose_crop(network))
    scores = {}
    for dataset, samples in bench.photographs.items():
        evaluation = evaluate(predictor, samples, progress=bench.progress)
        scores[dataset] = score(evaluation)
        np.savez(folder / f"{dataset}-seed{seed}.npz", truth=evaluation.truth_deg, predicted=evaluation.predicted_deg)
    return {"seed": seed, "scores": scores}


def score(evaluation: Evaluation) -> dict[str, Any]:
    """Metrics as they come, and with the pitch-zero rotation that suits these photographs best.

    The fit takes out what one constant of the model card takes out, so that rows are compared by the
    rest. ``image_deg`` is each photograph's mean error after the fit, for paired comparisons.
    """
    zero = fit_pitch_zero(evaluation).rotation_deg
    shifted = _core.offset_pitch_zero(evaluation.predicted_deg, zero)
    errors = np.nanmean(np.abs(difference_deg(evaluation.truth_deg, shifted)), axis=1)
    return {
        "plain": evaluation.metrics.as_dict(),
        "pitch_zero_deg": zero,
        "fitted": measure(evaluation.truth_deg, shifted).as_dict(),
        "image_deg": np.round(errors, 3).tolist(),
    }


def mean_over_seeds(result: Mapping[str, Any], dataset: str, which: str, key: str) -> float | None:
    """A metric of a row, e.g. ``"fitted", "mae_deg"``, over its seeds; None where labels do not carry it."""
    return mean([run["scores"][dataset][which][key] for run in result["runs"]])


def mean(values: Sequence[float | None]) -> float | None:
    """Of what is known; None where nothing is.

    >>> mean([1.0, None, 2.0])
    1.5
    """
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def change(ours: Mapping[str, Any], theirs: Mapping[str, Any], dataset: str) -> tuple[float, tuple[float, float]]:
    """Fitted MAE of a row minus that of another, and the 95 % interval of a paired bootstrap over photographs."""
    difference = _image_error(ours, dataset) - _image_error(theirs, dataset)
    return _fitted_mae(ours, dataset) - _fitted_mae(theirs, dataset), _interval(difference)


def _fitted_mae(result: Mapping[str, Any], dataset: str) -> float:
    return float(np.mean([run["scores"][dataset]["fitted"]["mae_deg"] for run in result["runs"]]))


def _image_error(result: Mapping[str, Any], dataset: str) -> NDArray[np.float64]:
    errors: NDArray[np.float64] = np.mean([run["scores"][dataset]["image_deg"] for run in result["runs"]], axis=0)
    return errors


def _interval(difference: NDArray[np.float64]) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    picks = rng.integers(0, len(difference), (_RESAMPLES, len(difference)))
    low, high = np.percentile(difference[picks].mean(axis=1), (2.5, 97.5))
    return float(low), float(high)
