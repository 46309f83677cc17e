"""Rendered heads a second and core, by size of picture and number of workers, and where the time goes.

Every worker is a process of its own, as in `hpe-edge render`: it loads the material, renders some identities to
warm up, waits for the others, then renders and packs identities of six poses each. A first run, which compiles, is
not counted. The rate by the clock suffers from whatever else the machine does; the rate by CPU time does so less.
Needs the rendering material (docs/SYNTHETIC.md).

    python benchmarks/render.py [--assets ASSETS] [--sizes 64 112 128] [--workers 1 2] [--identities 30] [--json]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Empty
from typing import Any

from hpe_edge.training.synthetic import scene
from hpe_edge.training.synthetic.assets import AssetLibrary, open_assets
from hpe_edge.training.synthetic.features import ALL_FEATURES, FEATURES, features_without
from hpe_edge.training.synthetic.sets import generate, shard_files
from hpe_edge.training.synthetic.studio import Studio
from tqdm import tqdm

POSES = 6
WARM_UP_IDENTITIES = 4
STARTING_S = 600
STAGES: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
    ("identity", generate, ("sample_identity", "build_figure", "sample_companion")),
    ("pose", scene, ("act_of", "pose_figure")),
    ("light, background", scene, ("light_and_background",)),
    ("occluders, company", scene, ("sample_occlusion", "sample_company", "defocus_from")),
    ("draw", scene, ("draw",)),
    ("sensor", scene, ("photograph", "develop")),
    ("labels", scene, ("make_labels",)),
    ("jpeg, pack", shard_files, ("_encode", "_add")),
)


@dataclass(frozen=True)
class Measured:
    """What one worker saw: seconds by the clock and of CPU for ``heads``, stages in CPU seconds, peak memory."""

    heads: int
    clock_s: float
    cpu_s: float
    stages_s: dict[str, float]
    peak_rss_mb: float


def timed(stages_s: dict[str, float], name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, its CPU time added to a stage."""

    def run(*args: Any, **keywords: Any) -> Any:
        start = time.process_time()
        try:
            return function(*args, **keywords)
        finally:
            stages_s[name] += time.process_time() - start

    return run


def work(
    assets: AssetLibrary, size: int, features: tuple[str, ...], first: int, identities: int, barrier: Any, answers: Any
) -> None:
    """A worker: warm up, wait for the others, render ``identities`` from number ``first`` on."""
    studio = Studio(assets)
    spec = generate.DatasetSpec(seed=1, count=10**6, image_size=size, poses_per_identity=POSES, features=features)
    stages_s = {name: 0.0 for name, _, _ in STAGES}
    for name, module, functions in STAGES:
        for function in functions:
            setattr(module, function, timed(stages_s, name, getattr(module, function)))

    def render(number: int) -> None:
        heads = range(number * POSES, (number + 1) * POSES)
        shard_files.pack_shard(generate.paint_heads(studio, spec, heads), POSES)

    for number in range(WARM_UP_IDENTITIES):
        render(first + identities + number)
    stages_s.update(dict.fromkeys(stages_s, 0.0))
    barrier.wait(STARTING_S)
    clock, cpu = time.perf_counter(), time.process_time()
    for number in range(first, first + identities):
        render(number)
    clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    answers.put(Measured(identities * POSES, clock, cpu, dict(stages_s), peak))


def measure(
    assets: AssetLibrary, size: int, features: tuple[str, ...], workers: int, identities: int
) -> list[Measured]:
    """All workers side by side."""
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(workers), context.Queue()
    crew = [
        context.Process(target=work, args=(assets, size, features, n * 1000, identities, barrier, answers))
        for n in range(workers)
    ]
    for process in crew:
        process.start()
    found = []
    while len(found) < workers:
        try:
            found.append(answers.get(timeout=2))
        except Empty as nothing:
            if any(process.exitcode for process in crew):
                barrier.abort()
                raise SystemExit("a worker failed; its error stands above") from nothing
    for process in crew:
        process.join()
    return found


def row_of(size: int, found: list[Measured]) -> dict[str, Any]:
    """One line of the table."""
    heads = sum(one.heads for one in found)
    stages = {name: 1000 * sum(one.stages_s[name] for one in found) / heads for name in found[0].stages_s}
    per_head = 1000 * sum(one.cpu_s for one in found) / heads
    return {
        "size_px": size,
        "workers": len(found),
        "heads_per_s": sum(one.heads / one.clock_s for one in found),
        "heads_per_s_core": sum(one.heads / one.clock_s for one in found) / len(found),
        "heads_per_cpu_s": heads / sum(one.cpu_s for one in found),
        "cpu_ms_per_head": per_head,
        "stages_ms": stages | {"other": per_head - sum(stages.values())},
        "peak_rss_mb": max(one.peak_rss_mb for one in found),
        "runs": [asdict(one) for one in found],
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown: rates, then CPU milliseconds a head by stage."""
    lines = ["| px | workers | heads/s | heads/s/core | heads/CPU s | peak MB/worker |", "|---|---|---|---|---|---|"]
    for row in rows:
        rates = (row["heads_per_s"], row["heads_per_s_core"], row["heads_per_cpu_s"])
        told = " | ".join(f"{rate:.1f}" for rate in rates)
        lines.append(f"| {row['size_px']} | {row['workers']} | {told} | {row['peak_rss_mb']:.0f} |")
    names = list(rows[0]["stages_ms"])
    lines += ["", "| CPU ms a head: px | workers | " + " | ".join(names) + " | all |", "|---" * (len(names) + 3) + "|"]
    for row in rows:
        cells = " | ".join(f"{row['stages_ms'][name]:.2f}" for name in names)
        lines.append(f"| {row['size_px']} | {row['workers']} | {cells} | {row['cpu_ms_per_head']:.2f} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", type=Path, help="folder with MANIFEST.json (default: $HPE_EDGE_ASSETS)")
    parser.add_argument("--head-data", type=Path, help="MakeHuman data (default: as hpe-edge render)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 112, 128], help="pixels (default 64 112 128)")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="numbers of processes (default 1 2)")
    parser.add_argument("--identities", type=int, default=30, help="of six poses, each worker (default 30)")
    parser.add_argument("--without", nargs="+", default=(), metavar="FEATURE", help=f"of {', '.join(FEATURES)}")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    options = parser.parse_args()
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):  # as hpe-edge render does
        os.environ.setdefault(variable, "1")
    kept = features_without(options.without) if options.without else ALL_FEATURES
    features = tuple(name for name in FEATURES if name in kept)
    assets = open_assets(options.assets, options.head_data)
    cases = [(size, workers) for size in options.sizes for workers in options.workers]
    measure(assets, options.sizes[0], features, 1, options.identities)  # compiles what the disk cache lacks
    rows = [
        row_of(size, measure(assets, size, features, workers, options.identities))
        for size, workers in tqdm(cases, desc="render", disable=options.quiet or options.json)
    ]
    print(json.dumps({"features": features, "rows": rows}) if options.json else table(rows))


if __name__ == "__main__":
    main()
