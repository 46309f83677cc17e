"""``hpe-edge bench compare``: benchmarks of several machines side by side."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from hpe_edge.errors import InvalidArgumentError

if TYPE_CHECKING:
    from hpe_edge.bench.compare import Comparison

_EPILOG = """\
A JSON file is what hpe-edge bench --report, --out or --json wrote. In brackets stands how many times better
than the first machine another one is. Versions, weights or settings that differ, a machine that was slowed
and one that was busy are told on stderr.

Exit codes: 0 done, 2 bad input.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command below ``bench``."""
    parser = commands.add_parser(
        "compare",
        help="benchmarks of several machines side by side",
        description="Put the JSON files of two or more benchmarks side by side.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", metavar="JSON", help="benchmarks; the first is compared with")
    parser.add_argument("--html", metavar="HTML", help="also write a page that needs no network")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(func=run)


def run(options: argparse.Namespace) -> int:
    """Read, compare, print, write."""
    from hpe_edge.bench.compare import compare
    from hpe_edge.bench.document import read_document
    from hpe_edge.bench.page.comparison import comparison_page

    documents = [read_document(name) for name in options.files]
    found = compare(documents)
    if options.json:
        values = {" ".join(row): numbers for row, numbers in found.values.items()}
        print(json.dumps(asdict(found) | {"values": values}, indent=2))
    else:
        print(_as_text(found))
        for warning in found.warnings:
            print(f"hpe-edge: warning: {warning}", file=sys.stderr)
    if options.html is not None:
        try:
            Path(options.html).write_text(comparison_page(found, documents), encoding="utf-8")
        except OSError as error:
            raise InvalidArgumentError(f"--html: cannot write {options.html}: {error.strerror or error}") from error
    return 0


def _as_text(found: Comparison) -> str:
    """A table a row of the benchmarks, a column a machine."""
    from hpe_edge.bench.page.comparison import comparison_cells

    cells = comparison_cells(found)
    left = max(len(line[0]) for line in cells) if cells else 0
    widths = [max(len(line[k + 1]) for line in [["", *found.names], *cells]) for k in range(len(found.names))]
    return "\n".join(
        f"{line[0]:<{left}}  " + "  ".join(f"{cell:>{width}}" for cell, width in zip(line[1:], widths, strict=True))
        for line in [["", *found.names], *cells]
    )
