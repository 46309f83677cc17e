"""The histograms of a data card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from hpe_edge.training.synthetic.sets.card_statistics import BINS, joint
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_COLUMNS = 4
_MOST_WORDS = 14
_FIRST = ("yaw_deg", "pitch_deg", "roll_deg", "azimuth_deg", "elevation_deg", "tilt_deg")


def plot_histograms(numbers: Mapping[str, list[float]], words: Mapping[str, Counter[str]], path: Path) -> None:
    """One panel for each number and each attribute, and yaw against pitch and roll, as PNG."""
    names = [name for name in _FIRST if name in numbers] + sorted(set(numbers) - set(_FIRST))
    pairs = [("yaw_deg", other) for other in ("pitch_deg", "roll_deg") if {"yaw_deg", other} <= set(numbers)]
    panels = len(names) + len(words) + len(pairs)
    rows = max(1, -(-panels // _COLUMNS))
    figure = Figure(figsize=(3.6 * _COLUMNS, 2.6 * rows), layout="constrained")
    axes = iter(figure.subplots(rows, _COLUMNS, squeeze=False).ravel())
    for name in names:
        _histogram(next(axes), name, numbers[name])
    for x, y in pairs:
        _joint(next(axes), numbers, x, y)
    for name in sorted(words):
        _bars(next(axes), name, words[name])
    for axis in axes:
        axis.set_axis_off()
    figure.savefig(path, dpi=80)


def _histogram(axis: Axes, name: str, values: list[float]) -> None:
    counts, edges = np.histogram(values, BINS)
    axis.bar(edges[:-1], counts, np.diff(edges), align="edge", color="0.45")
    axis.set_title(name, fontsize=9)
    axis.tick_params(labelsize=7)


def _joint(axis: Axes, numbers: Mapping[str, list[float]], x: str, y: str) -> None:
    reach = max(max(map(abs, numbers[x])), max(map(abs, numbers[y])), 1.0)
    edges = np.linspace(-reach, reach, 49)
    counts = joint(numbers[x], numbers[y], edges)
    axis.imshow(np.log1p(counts), origin="lower", extent=(-reach, reach, -reach, reach), cmap="Greys", aspect="auto")
    axis.set_title(f"{y} against {x} (log)", fontsize=9)
    axis.tick_params(labelsize=7)


def _bars(axis: Axes, name: str, counts: Counter[str]) -> None:
    common = counts.most_common(_MOST_WORDS)
    rest = sum(counts.values()) - sum(count for _, count in common)
    if rest:
        common.append((f"{len(counts) - _MOST_WORDS} others", rest))
    axis.barh([word[:22] for word, _ in common], [count for _, count in common], color="0.45")
    axis.invert_yaxis()
    axis.set_title(name, fontsize=9)
    axis.tick_params(labelsize=7)
