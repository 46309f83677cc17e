"""The figure of a benchmark."""

from __future__ import annotations

import os
from typing import Final

from hpe_edge.bench.rows import Report
from hpe_edge.errors import missing_dependency

_PANELS: Final = (("network", "the network alone"), ("estimate", "HeadPose.estimate, one face"))
_COLOURS: Final = {"fp32": "#3b6ea5", "int8": "#d98032"}


def draw_report(report: Report, path: str | os.PathLike[str]) -> None:
    """Write the medians as bars, with a line to the 99th percentile, as an image file.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise missing_dependency("matplotlib", "training", "drawing bench.png") from error
    rows = [row for row in report.rows if row.network is not None and row.estimate is not None]
    figure = Figure(figsize=(10, 1.4 + 0.42 * len(rows)), layout="constrained")
    for axes, (name, title) in zip(figure.subplots(1, len(_PANELS), sharey=True), _PANELS, strict=True):
        timings = [getattr(row, name) for row in rows]
        medians = [timing.p50_us for timing in timings]
        tails = [max(0.0, timing.p99_us - timing.p50_us) for timing in timings]
        bars = axes.barh(
            [f"{row.backend} {row.precision}" for row in rows],
            medians,
            xerr=[[0.0] * len(rows), tails],
            color=[_COLOURS.get(row.precision, "#777777") for row in rows],
            error_kw={"ecolor": "#555555", "elinewidth": 1.0, "capsize": 2.0},
        )
        axes.bar_label(bars, [f" {value:.0f}" for value in medians], label_type="center", color="white")
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("microseconds: bar median, line to p99")
        axes.spines[["top", "right"]].set_visible(False)
    if rows:
        figure.axes[0].invert_yaxis()
    figure.savefig(path, dpi=120)
