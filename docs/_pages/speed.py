"""Speed, from what ``hpe-edge bench --json`` printed: ``benchmarks/results/DATE_COMMIT_MACHINE.json``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from _pages.markdown import ABSENT, code, number, table

Result = Mapping[str, Any]
Row = Mapping[str, Any]

NAME = re.compile(r"(?P<date>\d{4}-\d{2}-\d{2})_(?P<commit>[0-9a-f]{7,40})_(?P<machine>[\w.-]+)")
INKS = {"light": "#20262e", "dark": "#d5dbe3"}
COLOURS = {"fp32": "#4c86c6", "int8": "#e0893a"}
MOST_TAIL = 3.0
PARTS = {"network": "the network alone", "estimate": "estimate: a frame with one face"}


def read_results(folder: Path) -> dict[str, Result]:
    """The files by name, the newest first.

    Raises:
        ValueError: a name does not say date, commit and machine, or nothing was measured.
    """
    paths = sorted(folder.glob("*.json"), reverse=True)
    for path in paths:
        if not NAME.fullmatch(path.stem):
            raise ValueError(f"{path}: expected a name as 2026-11-21_b73dbc1_board.json: date, commit, machine")
    results = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}
    for name, result in results.items():
        if not _measured(result):
            raise ValueError(
                f"{name}: expected a row that was measured, got {[row['problem'] for row in result['rows']]}"
            )
    return results


def speed_page(folder: Path) -> str:
    """A section for each file of results."""
    return "\n".join(_section(name, result) for name, result in read_results(folder).items())


def _section(name: str, result: Result) -> str:
    what = NAME.fullmatch(name)
    assert what is not None  # checked when it was read
    machine, settings = result["machine"], result["settings"]
    libraries = ", ".join(f"{library} {version}" for library, version in machine["libraries"].items() if version)
    width, height = settings["frame_size"]
    load = machine.get("load_average")
    rows = _measured(result)
    absent = [f"{row['backend']} {row['precision']}: {row['problem']}" for row in result["rows"] if row["problem"]]
    return "\n".join(
        [
            f"## {what['machine']}, {what['date']}\n",
            f"{machine['cpu']}, {machine['cores']} cores, instruction set {code(machine['instruction_set'])}; "
            f"{machine['os']}; {machine['python']}; {libraries}. Commit {code(what['commit'])}, "
            f"{settings['rounds']} rounds, {settings['threads']} thread(s), frame {width} x {height}"
            + (f", load average {load[0]:.1f} when it began.\n" if load else ".\n"),
            *(
                f"```{{image}} /generated/{name}-{ink}.svg\n:class: only-{ink}\n:alt: {_alt(rows)}\n```\n"
                for ink in INKS
            ),
            table(["", "network", "p99", "again", "estimate", "p99", "again", "start", "peak"], _cells(rows)),
            "Microseconds, medians but for p99; start in seconds, peak in MB.",
            *(f"- not measured: {problem}" for problem in absent),
            "",
        ]
    )


def _measured(result: Result) -> list[Row]:
    """The fastest first."""
    rows = [row for row in result["rows"] if row["problem"] is None and row["network"] and row["estimate"]]
    return sorted(rows, key=lambda row: float(row["estimate"]["p50_us"]))


def _alt(rows: Sequence[Row]) -> str:
    return "Medians in microseconds: " + "; ".join(f"{_label(row)} {row['estimate']['p50_us']:.0f}" for row in rows)


def _label(row: Row) -> str:
    return f"{row['backend']},\u00a0{row['precision']}"


def _cells(rows: Sequence[Row]) -> list[list[str]]:
    table_rows = []
    for row in rows:
        times = [number(row[part][name], 0) for part in PARTS for name in ("p50_us", "p99_us", "again_us")]
        start = row.get("start") or {}
        seconds = number(start.get("cold_start_s"))
        peak = number(start["peak_bytes"] / 1e6, 0) if start.get("peak_bytes") else ABSENT
        table_rows.append([_label(row), *times, seconds, peak])
    return table_rows


def draw_speed(folder: Path, out: Path) -> None:
    """``NAME-light.svg`` and ``NAME-dark.svg``: medians as bars, a line to the 99th percentile."""
    for name, result in read_results(folder).items():
        rows = _measured(result)
        for ink, colour in INKS.items():
            _draw(rows, out / f"{name}-{ink}.svg", colour)


def _draw(rows: Sequence[Row], path: Path, ink: str) -> None:
    names = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
    with rc_context(dict.fromkeys(names, ink) | {"svg.hashsalt": path.stem, "svg.fonttype": "none", "font.size": 11}):
        figure = Figure(figsize=(9, 1.1 + 0.36 * len(rows)), layout="constrained")
        for axes, (part, title) in zip(figure.subplots(1, len(PARTS), sharey=True), PARTS.items(), strict=True):
            medians = [row[part]["p50_us"] for row in rows]
            tails = [max(0.0, row[part]["p99_us"] - row[part]["p50_us"]) for row in rows]
            axes.barh(
                [_label(row) for row in rows],
                medians,
                xerr=[[0.0] * len(rows), tails],
                color=[COLOURS.get(row["precision"], "#888888") for row in rows],
                error_kw={"ecolor": ink, "elinewidth": 1.0, "capsize": 2.0, "alpha": 0.6},
            )
            # A tail beyond this says that the machine was busy; its number is in the table.
            axes.set_xlim(0, min(max(map(sum, zip(medians, tails, strict=True))), MOST_TAIL * max(medians)) * 1.03)
            axes.set_title(title, fontsize=11)
            axes.set_xlabel("µs: bar median, line to p99")
            axes.spines[["top", "right"]].set_visible(False)
            axes.patch.set_alpha(0.0)
        figure.axes[0].invert_yaxis()
        figure.savefig(path, transparent=True, metadata={"Date": None})
