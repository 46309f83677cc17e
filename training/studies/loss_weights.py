"""Loss weights: a small training for each row of a paper's table, with the paper's figures beside it.

Hopenet (Ruiz et al. 2018, table IV), hybrid coarse-fine (Wang et al., tables 4 and 5), Gaussian label
distributions (Liu et al., table 1). The papers trained ResNet50 on 300W-LP; what can be compared is the order of
the rows, not their level. Finished rows are kept: the same call goes on where it was interrupted.
"""

from __future__ import annotations

import math
import multiprocessing
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from hpe_edge.training.data.catalog import select
from hpe_edge.training.data.shards import open_heads
from hpe_edge.training.studies.correlation import rank_correlation
from hpe_edge.training.studies.report import COLOURS, Cell, Report, Table, saver
from hpe_edge.training.studies.weight_grids import Grid, Variant
from hpe_edge.training.trials import (
    Bench,
    change,
    keep,
    kept,
    mean_over_seeds,
    score_seed,
    seedless,
    silent,
    train_seed,
)
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hpe_edge.errors import InvalidArgumentError

ANGLES = ("yaw", "pitch", "roll")
PAPERS_SET = "aflw2000"


@dataclass(frozen=True)
class Places:
    """Where everything is. photographs: folder of each data set, by name; limit: of their samples."""

    data: tuple[Path, ...]
    photographs: Mapping[str, Path]
    out: Path
    limit: int | None = None

    def __post_init__(self) -> None:
        if not self.photographs:
            raise InvalidArgumentError("photographs: expected --aflw2000 DIR or --pointing04 DIR or both, got neither")


def open_bench(places: Places, bench: Bench) -> Bench:
    """The bench with its photographs read. Raises what the readers raise."""
    samples = {name: select(name, path, limit=places.limit).samples for name, path in places.photographs.items()}
    return replace(bench, photographs=samples)


def train_variants(grid: Grid, places: Places, bench: Bench, jobs: int = 1) -> dict[str, dict[str, Any]]:
    """Train and score every variant, ``jobs`` at a time; the results by name, in the grid's order.

    ``bench`` comes without photographs: every process reads its own. Raises InvalidArgumentError for fewer
    than one job; errors of reading, training and scoring pass through.
    """
    if jobs < 1:
        raise InvalidArgumentError(f"--jobs: expected at least 1, got {jobs}")
    heads = open_heads(places.data, places.out / "cache", quiet=bench.quiet)  # decoded once, before the jobs
    fingerprint = heads.fingerprint
    if jobs == 1:
        ready = open_bench(places, bench)
        return {v.name: run_variant(v, places, ready, fingerprint) for v in grid.variants}
    context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
    quiet = replace(bench, photographs={}, quiet=True, say=silent, progress=iter)  # what another process can be given
    results: dict[str, dict[str, Any]] = {}
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        waiting = {pool.submit(_job, v, places, quiet, fingerprint): v.name for v in grid.variants}
        for done in as_completed(waiting):
            results[waiting[done]] = done.result()
            bench.say(f"{waiting[done]}: finished")
    return {variant.name: results[variant.name] for variant in grid.variants}


def _job(variant: Variant, places: Places, bench: Bench, fingerprint: str) -> dict[str, Any]:
    return run_variant(variant, places, open_bench(places, bench), fingerprint)


def run_variant(variant: Variant, places: Places, bench: Bench, fingerprint: str) -> dict[str, Any]:
    """Train a variant with each seed and score it; its ``result.json`` as a dictionary, kept where it is finished."""
    folder = places.out / variant.folder
    wanted = {
        "name": variant.name,
        "recipe": seedless(variant.recipe),
        "seeds": list(bench.seeds),
        "photographs": {name: len(samples) for name, samples in bench.photographs.items()},
        "heads": fingerprint,
    }
    found: dict[str, Any] | None = kept(folder, wanted, bench.say)
    if found is not None:
        return found
    folder.mkdir(parents=True, exist_ok=True)
    runs = []
    for seed in bench.seeds:
        cache = places.out / "cache"
        last = train_seed(variant.name, variant.recipe, places.data, folder, seed, bench, cache)
        runs.append(score_seed(variant.name, last, folder, seed, bench))
    result: dict[str, Any] = keep(folder, {**wanted, "runs": runs})
    return result


def report_of(grid: Grid, results: Mapping[str, dict[str, Any]]) -> Report:
    """Our MAEs beside the paper's, for each set of photographs."""
    datasets = list(next(iter(results.values()))["photographs"])
    tables = [_table(grid, results, dataset) for dataset in datasets]
    agreement = _agreement(grid, results) if PAPERS_SET in datasets else None
    notes = [f"Source: {grid.source}; the papers' MAE is on AFLW2000, 1,969 images, trained on 300W-LP."]
    if agreement is not None:
        notes.append(f"Rank correlation of our rows (fitted MAE, {PAPERS_SET}) with the paper's: {agreement:+.2f}.")
    numbers = {
        "grid": grid.name,
        "source": grid.source,
        "rank_correlation": agreement,
        "variants": [
            {"name": v.name, "recipe": v.recipe.as_dict(), "paper_deg": v.paper, "runs": _brief(results[v.name])}
            for v in grid.variants
        ],
    }
    return Report(tables, notes, numbers, saver(_figure(grid, results, datasets)))


def _brief(result: dict[str, Any]) -> list[dict[str, Any]]:
    """The runs without each photograph's error, which stays in the variant's own file."""
    return [
        {
            "seed": run["seed"],
            "scores": {
                dataset: {key: value for key, value in scores.items() if key != "image_deg"}
                for dataset, scores in run["scores"].items()
            },
        }
        for run in result["runs"]
    ]


def _table(grid: Grid, results: Mapping[str, dict[str, Any]], dataset: str) -> Table:
    papers = dataset == PAPERS_SET and any(variant.paper for variant in grid.variants)
    rows: list[Sequence[Cell]] = []
    for variant in grid.variants:
        result = results[variant.name]
        ours = [mean_over_seeds(result, dataset, "fitted", f"{angle}_deg") for angle in (*ANGLES, "mae")]
        plain = mean_over_seeds(result, dataset, "plain", "mae_deg")
        paper = [variant.paper.get(key) for key in (*ANGLES, "mean")] if papers else []
        rows.append((variant.name, *ours, plain, _against(grid, variant, results, dataset), *paper))
    count = results[grid.variants[0].name]["photographs"][dataset]
    columns = ["variant", *ANGLES, "mean", "as trained", f"against {grid.against!r}"]
    return Table(
        f"{grid.title}: {dataset}, {count} photographs (MAE in degrees after the fit of one pitch-zero rotation)",
        [*columns, "paper: yaw", "pitch", "roll", "mean"] if papers else columns,
        rows,
    )


def _against(grid: Grid, variant: Variant, results: Mapping[str, dict[str, Any]], dataset: str) -> str | None:
    if variant.name == grid.against:
        return None
    difference, (low, high) = change(results[variant.name], results[grid.against], dataset)
    return f"{difference:+.2f} ({low:+.2f} to {high:+.2f})"


def _agreement(grid: Grid, results: Mapping[str, dict[str, Any]]) -> float | None:
    """Spearman's correlation of our fitted MAEs with the paper's, None with fewer than three rows of the paper."""
    pairs = [
        (mean_over_seeds(results[v.name], PAPERS_SET, "fitted", "mae_deg"), v.paper["mean"])
        for v in grid.variants
        if "mean" in v.paper
    ]
    if len(pairs) < 3:
        return None
    ours, theirs = zip(*pairs, strict=True)
    value: float | None = rank_correlation(ours, theirs)
    return value


def _figure(grid: Grid, results: Mapping[str, dict[str, Any]], datasets: Sequence[str]) -> Figure:
    """MAE of every variant, a panel for each set of photographs; the paper's on an axis of its own.

    All axes show as many degrees, so that slopes can be compared.
    """
    figure = Figure(figsize=(1.5 + 5.0 * len(datasets), 4.8), layout="constrained")
    names = [variant.name for variant in grid.variants]
    maes = {d: [mean_over_seeds(results[n], d, "fitted", "mae_deg") or math.nan for n in names] for d in datasets}
    paper = [variant.paper.get("mean", math.nan) for variant in grid.variants]
    known = not all(math.isnan(value) for value in paper)
    lines = [*maes.values(), *([paper] if known else [])]
    span = max(0.5, 1.3 * max(float(np.nanmax(line) - np.nanmin(line)) for line in lines))
    for axis, dataset in zip(figure.subplots(1, len(datasets), squeeze=False)[0], datasets, strict=True):
        _line(axis, names, maes[dataset], span, COLOURS[0], "MAE here (degrees)")
        axis.set_title(dataset)
        axis.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
        axis.grid(alpha=0.3)
        if dataset == PAPERS_SET and known:
            _line(axis.twinx(), names, paper, span, COLOURS[1], "MAE in the paper (degrees)")
    return figure


def _line(axis: Axes, names: Sequence[str], maes: Sequence[float], span: float, colour: str, label: str) -> None:
    middle = 0.5 * float(np.nanmax(maes) + np.nanmin(maes))
    axis.plot(range(len(names)), maes, "o-", color=colour)
    axis.set_ylabel(label, color=colour)
    axis.set_ylim(middle - span / 2, middle + span / 2)
