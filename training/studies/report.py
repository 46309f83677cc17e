"""What every study leaves behind: tables for people, the same numbers for programs, one figure."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from hpe_edge.errors import InvalidArgumentError

Cell = str | int | float | None
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#7f7f7f")


@dataclass(frozen=True)
class Table:
    """Rows of cells under ``columns``; numbers are written with two decimals, None and NaN as nothing.

    >>> print(Table("MAE", ("model", "yaw"), [("a", 1.0)]).markdown())
    **MAE**
    <BLANKLINE>
    | model | yaw |
    |---|---|
    | a | 1.00 |
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    def markdown(self) -> str:
        """A markdown table that also reads as plain text."""
        lines = [f"| {' | '.join(self.columns)} |", "|" + "---|" * len(self.columns)]
        lines += [f"| {' | '.join(_text(cell) for cell in row)} |" for row in self.rows]
        return f"**{self.title}**\n\n" + "\n".join(lines)


@dataclass(frozen=True)
class Report:
    """One study's result. ``results`` is ready for JSON; ``draw`` writes the figure to a path."""

    tables: Sequence[Table]
    notes: Sequence[str]
    results: dict[str, Any]
    draw: Callable[[Path], None]

    def markdown(self) -> str:
        """All tables, and the notes below them."""
        return "\n\n".join([*(table.markdown() for table in self.tables), *self.notes]) + "\n"


def check_out(out: Path) -> None:
    """Refuse a file in the place of the folder, before hours are spent. Raises InvalidArgumentError."""
    if out.exists() and not out.is_dir():
        raise InvalidArgumentError(f"--out: expected a folder, got the file {out}")


def write_report(report: Report, out: Path) -> None:
    """``table.md``, ``results.json`` and ``figure.png`` into the folder ``out``."""
    check_out(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "table.md").write_text(report.markdown(), encoding="utf-8")
    (out / "results.json").write_text(json.dumps(report.results, indent=1) + "\n", encoding="utf-8")
    report.draw(out / "figure.png")


def saver(figure: Figure) -> Callable[[Path], None]:
    """``Report.draw`` of a matplotlib figure."""
    return lambda path: figure.savefig(path, dpi=120)


def _text(cell: Cell) -> str:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    return f"{cell:.2f}" if isinstance(cell, float) else str(cell)
