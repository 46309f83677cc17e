"""``hpe-edge datasets``: the data sets of photographs that hpe-edge reads, and whether one is whole."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

_EPILOG = """\
examples:
  hpe-edge datasets
  hpe-edge datasets --check biwi hpdb
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command; the heavy imports wait until it runs."""
    parser = subparsers.add_parser(
        "datasets",
        help="list the data sets of photographs that can be read",
        description="List the data sets of photographs, their layouts, published counts and terms; or check one.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--check", nargs=2, metavar=("NAME", "PATH"), help="read all labels of a folder or zip and count them"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(func=run)


def run(options: argparse.Namespace) -> int:
    """List, or check; 1 where a set is not as large as published."""
    if options.check is None:
        _print_list(_listed(), options.json)
        return 0
    report = check(options.check[0], Path(options.check[1]))
    if options.json:
        print(json.dumps(report, indent=2))
    else:
        wanted = " or ".join(f"{count:,}" for count in report["published"]) or "no published count"
        print(f"{report['dataset']}: {report['found']:,} samples found ({wanted} expected)")
        print(f"scored: {report['scored']:,} ({report['protocol']})")
        for angle, (low, high) in report["range_deg"].items():
            print(f"{angle}: {low:+.1f} to {high:+.1f} degrees" if low is not None else f"{angle}: not labelled")
    return 0 if report["whole"] is not False else 1


def check(dataset: str, path: Path) -> dict[str, Any]:
    """What is in a data set: counts, whether that is the whole (None without a published count), ranges of the angles.

    Raises as `hpe_edge.training.data.catalog.select`. Only labels are read, no photograph is opened.
    """
    import numpy as np

    from .catalog import DATASETS, select

    everything = select(dataset, path, all_poses=True).samples
    kept = DATASETS[dataset].keep(everything)
    angles = np.stack([sample.euler_deg for sample in everything])
    counts = DATASETS[dataset].counts
    ranges: dict[str, tuple[float | None, float | None]] = {}
    for name, column in zip(("yaw", "pitch", "roll"), angles.T, strict=True):
        labelled = bool(np.isfinite(column).all())
        ranges[name] = (float(column.min()), float(column.max())) if labelled else (None, None)
    return {
        "dataset": dataset,
        "found": len(everything),
        "published": list(counts),
        "whole": len(everything) in counts if counts else None,
        "scored": len(kept),
        "protocol": DATASETS[dataset].scored,
        "range_deg": ranges,
    }


def _listed() -> list[dict[str, Any]]:
    from .catalog import DATASETS

    return [
        {"name": name, "layout": data.layout, "published": list(data.counts), "scored": data.scored,
         "source": data.source, "terms": data.terms}
        for name, data in DATASETS.items()
    ]  # fmt: skip


def _print_list(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    for row in rows:
        counts = " or ".join(f"{count:,}" for count in row["published"]) or "a part"
        print(f"{row['name']}: {counts}; {row['scored']}\n  layout: {row['layout']}")
        print(f"  source: {row['source']}\n  terms: {row['terms']}")
