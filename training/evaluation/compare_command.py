"""``hpe-edge compare``: several evaluations as one table and one figure. Heavy imports wait until it runs."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hpe_edge.errors import InvalidArgumentError, missing_dependency

if TYPE_CHECKING:
    from hpe_edge.training.evaluation.reports.comparison import Row

_EPILOG = """\
examples:
  hpe-edge compare fsanet/aflw2000 fsanet/pointing04 hopenet/aflw2000 hopenet/pointing04
  hpe-edge compare */*/report.json --notes papers.toml --out comparison

papers.toml, in the order of the table; model is its name in report.json, or the start of its sha256:
  [[method]]
  model = "fsanet-paper"
  name = "FSA-Net, 1x1"
  paper = "5.25"
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "compare",
        help="put several evaluations into one table",
        description="Put several report.json of hpe-edge evaluate into one table: a row for each method (the same "
        "weights, crop and averaging), a group of columns for each data set.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("reports", nargs="+", type=Path, metavar="REPORT", help="report.json, or the folder it is in")
    parser.add_argument("--notes", type=Path, metavar="FILE", help="names and the papers' own figures, TOML or JSON")
    parser.add_argument("--spread", action="store_true", help="also the coverage of the spread at 1 and 2 sigma")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write compare.md, compare.json and yaw_bins.png")
    parser.add_argument("--json", action="store_true", help="print one JSON list")
    parser.set_defaults(func=run)


def run(options: argparse.Namespace) -> int:
    """Read, sort into rows, print, write."""
    from hpe_edge.training.evaluation.reports.comparison import as_json, collect, read_notes, read_report, table

    if options.out is not None and options.out.exists() and not options.out.is_dir():
        raise InvalidArgumentError(f"--out: expected a folder, got the file {options.out}")
    notes = [] if options.notes is None else read_notes(options.notes)
    rows = collect([read_report(path) for path in options.reports], notes)
    for note in notes:
        if not any(note.fits(row) for row in rows):
            print(f"{options.notes}: no report of {note.model!r}; left out", file=sys.stderr)
    if options.out is not None:
        _write(options, rows)
    print(json.dumps(as_json(rows), indent=2) if options.json else table(rows, spread=options.spread))
    return 0


def _write(options: argparse.Namespace, rows: list[Row]) -> None:
    from hpe_edge.training.evaluation.reports.comparison import as_json, table, yaw_figure

    try:
        figure = yaw_figure(rows)
    except ModuleNotFoundError as error:
        raise missing_dependency(str(error.name), "training", "hpe-edge compare --out") from error
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "compare.md").write_text(table(rows, spread=options.spread) + "\n", encoding="utf-8")
    (options.out / "compare.json").write_text(json.dumps(as_json(rows), indent=2) + "\n", encoding="utf-8")
    figure.savefig(options.out / "yaw_bins.png", dpi=110)
