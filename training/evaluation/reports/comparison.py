"""Several ``report.json`` side by side: one row a method, one group of columns a data set."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from hpe_edge.errors import DatasetError, InvalidArgumentError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHORTEST_SHA = 8
Column: TypeAlias = tuple[str, list[str]]
_COLUMNS = {"yaw_deg": "yaw", "pitch_deg": "pitch", "roll_deg": "roll", "mae_deg": "mean", "geodesic_deg": "geodesic"}


@dataclass(frozen=True)
class Row:
    """One method: the same weights, crop and averaging on one or more data sets.

    ``scores`` holds ``{"metrics": ..., "calibration": ...}`` of each report by the name of its data set.
    """

    method: str
    model: str
    weights_sha256: tuple[str, ...]
    parameters: int | None
    input_px: tuple[int, int] | None
    crop: str
    flip: bool
    paper: str = ""
    scores: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Note:
    """What a reader is told of a method: ``model`` is its name in the report, or the start of its sha256."""

    model: str
    name: str = ""
    paper: str = ""

    def fits(self, row: Row) -> bool:
        """Whether it speaks of this row."""
        sha = row.weights_sha256[0] if len(row.weights_sha256) == 1 else ""
        return self.model == row.model or (len(self.model) >= SHORTEST_SHA and sha.startswith(self.model))


def read_report(path: Path) -> dict[str, Any]:
    """The ``report.json`` of an evaluation, given as the file or its folder. Raises DatasetError."""
    path = path / "report.json" if path.is_dir() else path
    wanted = ("model", "members", "flip", "dataset", "protocol", "count", "metrics", "calibration")
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        missing = [key for key in wanted if key not in report]
        if not missing:
            missing = [f"metrics.{key}" for key in (*_COLUMNS, "by_yaw") if key not in report["metrics"]]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DatasetError(f"{path}: expected a report.json of hpe-edge evaluate, got: {error}") from error
    if missing:
        raise DatasetError(f"{path}: expected a report.json of this version of hpe-edge evaluate, it lacks {missing}")
    found: dict[str, Any] = report
    return found


def read_notes(path: Path) -> list[Note]:
    """The ``[[method]]`` tables of a TOML file, or the list ``method`` of a JSON one. Raises InvalidArgumentError."""
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
        tables = found["method"]
        return [Note(**{key: _text(value) for key, value in table.items()}) for table in tables]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidArgumentError(
            f"{path}: expected [[method]] tables with model, name and paper, got: {error}"
        ) from error


def collect(reports: Iterable[Mapping[str, Any]], notes: Sequence[Note] = ()) -> list[Row]:
    """The rows of the table: those that the notes name in the notes' order, then the others as they came.

    Raises InvalidArgumentError when two reports are of the same method on the same data.
    """
    reports = list(reports)
    titles = _titles(reports)
    rows: dict[tuple[object, ...], Row] = {}
    for report in reports:
        row = _row(report)
        key = (row.model, row.weights_sha256, row.crop, row.flip)
        row = rows.setdefault(key, row)
        title = titles[_data(report)]
        if title in row.scores:
            raise InvalidArgumentError(f"reports: expected one of {row.model!r} ({row.crop}) on {title}, got two")
        row.scores[title] = {"metrics": report["metrics"], "calibration": report["calibration"]}
    named = _told_apart(list(rows.values()))
    ranked = [(_rank(row, notes), row) for row in named]
    ranked.sort(key=lambda pair: pair[0])
    return [row if rank == len(notes) else _noted(row, notes[rank]) for rank, row in ranked]


def groups(rows: Sequence[Row]) -> list[str]:
    """The names of the data sets, in the order of their first appearance.

    >>> groups([])
    []
    """
    return list(dict.fromkeys(title for row in rows for title in row.scores))


def table(rows: Sequence[Row], *, spread: bool = False) -> str:
    """Markdown: method, parameters, input side, then each data set's errors in degrees, then the paper's figure.

    ``spread`` adds the shares of the errors within one and two standard deviations, in percent.
    """
    columns: list[Column] = [
        ("method", [row.method for row in rows]),
        ("parameters", ["" if row.parameters is None else f"{row.parameters:,}" for row in rows]),
        ("input", ["" if row.input_px is None else f"{row.input_px[0]}x{row.input_px[1]}" for row in rows]),
    ]
    for title in groups(rows):
        columns += _data_columns([row.scores.get(title) for row in rows], title, spread)
    if any(row.paper for row in rows):
        columns.append(("paper", [row.paper for row in rows]))
    lines = zip(*([head, "---", *cells] for head, cells in columns), strict=True)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def as_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows as plain values."""
    return [asdict(row) for row in rows]


def yaw_figure(rows: Sequence[Row]) -> Figure:
    """MAE by bin of the true |yaw|, a panel for each data set and a bar for each method."""
    import matplotlib
    import numpy as np
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    titles, colours = groups(rows), matplotlib.colormaps["tab20"]
    figure = Figure(figsize=(max(7.0, 1.5 + 0.25 * len(rows) * 3), 3.6 * len(titles)), layout="constrained")
    width = 0.8 / len(rows)
    for axis, title in zip(np.atleast_1d(figure.subplots(len(titles), 1)), titles, strict=True):
        for index, row in enumerate(rows):
            bins = row.scores[title]["metrics"]["by_yaw"] if title in row.scores else []
            known = [(place, b["mae_deg"]) for place, b in enumerate(bins) if b["mae_deg"] is not None]
            places = [place + (index + 0.5) * width - 0.4 for place, _ in known]
            axis.bar(places, [v for _, v in known], width=0.92 * width, color=colours(index % 20))
        bins = next(row.scores[title]["metrics"]["by_yaw"] for row in rows if title in row.scores)
        axis.set_xticks(range(len(bins)), [f"{b['low_deg']:g}-{b['high_deg']:g}\n{b['count']} images" for b in bins])
        axis.set(title=title, xlabel="true |yaw| (degrees)", ylabel="MAE (degrees)")
        axis.set_axisbelow(True)
        axis.grid(axis="y", alpha=0.3)
    handles = [Patch(color=colours(index % 20), label=row.method) for index, row in enumerate(rows)]
    figure.legend(handles=handles, loc="outside right upper", fontsize=8)
    return figure


def _row(report: Mapping[str, Any]) -> Row:
    members = report["members"]
    counts, sides = [m["parameters"] for m in members], {tuple(m["input_px"]) for m in members}
    return Row(
        method=report["model"],
        model=report["model"],
        weights_sha256=tuple(m["weights_sha256"] for m in members),
        parameters=None if None in counts or not counts else sum(counts),
        input_px=sides.pop() if len(sides) == 1 else None,
        crop="; ".join(dict.fromkeys(m["crop"] for m in members)),
        flip=report["flip"],
    )


def _data(report: Mapping[str, Any]) -> tuple[str, str, int]:
    return report["dataset"], report["protocol"], report["count"]


def _titles(reports: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str, int], str]:
    """A name for each set of photographs: the protocol only where the rest does not tell them apart."""
    found = dict.fromkeys(_data(report) for report in reports)
    short = [f"{dataset} ({count})" for dataset, _, count in found]
    return {
        data: title if short.count(title) == 1 else f"{data[0]} ({data[2]}, {data[1]})"
        for data, title in zip(found, short, strict=True)
    }


def _told_apart(rows: Sequence[Row]) -> list[Row]:
    """Rows of one model name get behind it what differs between them: weights, crop, mirror image."""
    named = []
    for row in rows:
        same = [other for other in rows if other.model == row.model]
        differs = [
            (" + ".join(sha[:SHORTEST_SHA] for sha in row.weights_sha256), len({r.weights_sha256 for r in same}) > 1),
            (row.crop, len({r.crop for r in same}) > 1),
            ("flip averaged", row.flip),
        ]
        named.append(replace(row, method=", ".join([row.method, *(text for text, told in differs if told)])))
    return named


def _rank(row: Row, notes: Sequence[Note]) -> int:
    return next((index for index, note in enumerate(notes) if note.fits(row)), len(notes))


def _noted(row: Row, note: Note) -> Row:
    method = row.method.replace(row.model, note.name, 1) if note.name else row.method
    return replace(row, method=method, paper=note.paper)


def _text(value: object) -> str:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise TypeError(f"a text or a number, not {value!r}")
    return str(value)


def _data_columns(scores: Sequence[Mapping[str, Any] | None], title: str, spread: bool) -> list[Column]:
    """The columns of one data set, without those that no row has; the first says the data set's name."""
    values = [(label, [None if s is None else s["metrics"][key] for s in scores], 2) for key, label in _COLUMNS.items()]
    if spread:
        values += [(f"within {k + 1} sigma, %", [_coverage(s, k) for s in scores], 1) for k in range(2)]
    known = [column for column in values if any(value is not None for value in column[1])]
    heads = [f"{title}: {known[0][0]}", *(label for label, _, _ in known[1:])]
    return [
        (head, ["" if value is None else f"{value:.{digits}f}" for value in cells])
        for head, (_, cells, digits) in zip(heads, known, strict=True)
    ]


def _coverage(score: Mapping[str, Any] | None, index: int) -> float | None:
    if score is None or score["calibration"] is None:
        return None
    return 100.0 * float(score["calibration"]["overall"]["coverage"][index])
