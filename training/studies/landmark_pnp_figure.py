"""The figure of the landmark-to-pose study: one panel for each thing that is varied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Lines = Mapping[int, Sequence[tuple[float, float]]]

_PANELS = {
    "focal": ("Camera", "assumed focal length (image sides)"),
    "jitter": ("Landmark noise", "sigma of the jitter (fraction of the box)"),
    "width": ("Mean face: width", "width of the mean face"),
    "height": ("Mean face: height", "height of the mean face"),
}
_DASHES = ("--", "-.", ":", (0, (1, 3)))


def pnp_figure(sweeps: Mapping[str, Lines], networks: Mapping[str, float]) -> Figure:
    """A line for each number of points over what is varied; horizontal lines are the networks' MAE."""
    figure = Figure(figsize=(11.5, 8.2), layout="constrained")
    for axis, (name, lines) in zip(figure.subplots(2, 2, sharey=True).ravel(), sweeps.items(), strict=True):
        title, label = _PANELS[name]
        _panel(axis, lines, networks)
        axis.set(title=title, xlabel=label)
        axis.tick_params(labelleft=True)
        if name == "focal":
            values = [value for value, _ in next(iter(lines.values()))]
            axis.set_xscale("log", base=2)
            axis.set_xticks(values, [f"{value:g}" for value in values])
    figure.axes[0].set_ylim(bottom=0)  # all panels share it
    figure.supylabel("MAE (degrees)", fontsize="medium")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 6), frameon=False)
    return figure


def _panel(axis: Axes, lines: Lines, networks: Mapping[str, float]) -> None:
    shades = colormaps["viridis"]
    for number, (points, line) in enumerate(lines.items()):
        values, maes = zip(*line, strict=True)
        colour = shades(0.92 * number / max(1, len(lines) - 1))
        axis.plot(values, maes, marker="o", markersize=4, color=colour, label=f"{points} points")
    for number, (label, mae) in enumerate(networks.items()):
        axis.axhline(mae, color="black", linewidth=1.2, linestyle=_DASHES[number % len(_DASHES)], label=label)
    axis.grid(alpha=0.3)
