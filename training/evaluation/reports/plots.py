"""Figures of an evaluation: predicted against true angles, errors, margins, and what the spread is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
from hpe_edge.training.evaluation.calibration import (
    ANGLES,
    LEVELS,
    SIGMAS,
    Calibration,
    Doubles,
    floored,
    nominal_coverage,
    sparsification,
)
from hpe_edge.training.evaluation.evaluate import Evaluation
from hpe_edge.training.evaluation.metrics import YawBin, difference_deg, geodesic_deg
from matplotlib.figure import Figure

HALF = (4.9, 4.4)  # inches: two side by side on the page
COLOURS = {"yaw": "tab:blue", "pitch": "tab:orange", "roll": "tab:green"}


def figures(evaluation: Evaluation, report: Mapping[str, Any]) -> dict[str, Figure]:
    """Every figure that the evaluation has something for, by file name without its suffix."""
    found = {
        "scatter": scatter(evaluation),
        "yaw_bins": yaw_bins(evaluation.metrics.by_yaw),
        "errors": errors(evaluation),
    }
    if "margin_curve" in report:
        found["margin_curve"] = margin_curve(report["margin_curve"])
    if evaluation.std_deg is not None and evaluation.calibration is not None:
        found["reliability"] = reliability(evaluation.calibration)
        error = np.abs(difference_deg(evaluation.truth_deg, evaluation.predicted_deg))
        found["sparsification"] = sparsified(error, floored(evaluation.std_deg))
    return found


def png(figure: Figure) -> bytes:
    """The figure as an encoded PNG."""
    buffer = BytesIO()
    figure.savefig(buffer, dpi=110, format="png")
    return buffer.getvalue()


def scatter(evaluation: Evaluation) -> Figure:
    """Predicted against true yaw, pitch, roll, with the diagonal."""
    figure = Figure(figsize=(13, 4.4), layout="constrained")
    metrics = evaluation.metrics
    values = (metrics.yaw_deg, metrics.pitch_deg, metrics.roll_deg)
    for axis, name, column, value in zip(figure.subplots(1, 3), ANGLES, range(3), values, strict=True):
        axis.plot([-100, 100], [-100, 100], color="0.6", linewidth=0.8)
        axis.scatter(evaluation.truth_deg[:, column], evaluation.predicted_deg[:, column], s=5, alpha=0.5)
        axis.set(xlabel=f"true {name} (degrees)", ylabel=f"predicted {name} (degrees)", aspect="equal")
        axis.set_title(f"{name}: no labels" if np.isnan(value) else f"{name}: MAE {value:.2f} degrees")
        axis.grid(alpha=0.3)
    return figure


def yaw_bins(bins: Sequence[YawBin]) -> Figure:
    """The error of each angle, and the geodesic error, in each bin of the true |yaw|."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axis = figure.subplots()
    names = ("yaw_deg", "pitch_deg", "roll_deg", "geodesic_deg")
    for offset, name in enumerate(names):
        if all(np.isnan(getattr(b, name)) for b in bins):
            continue  # an angle without labels
        places = np.arange(len(bins)) + (offset - 1.5) * 0.2
        axis.bar(places, [getattr(b, name) for b in bins], width=0.18, label=name.removesuffix("_deg"))
    labels = [f"{b.low_deg:g}-{b.high_deg:g}\n{b.count} images" for b in bins]
    axis.set_xticks(range(len(bins)), labels)
    axis.set(xlabel="true |yaw| (degrees)", ylabel="mean error (degrees)")
    axis.legend()
    axis.grid(axis="y", alpha=0.3)
    axis.set_axisbelow(True)
    return figure


def errors(evaluation: Evaluation) -> Figure:
    """Histograms of the signed errors and of the geodesic error; errors beyond an edge count in its bin."""
    figure = Figure(figsize=(13, 3.4), layout="constrained")
    signed = difference_deg(evaluation.truth_deg, evaluation.predicted_deg)
    geodesic = geodesic_deg(evaluation.truth_deg, evaluation.predicted_deg)
    panels = [(name, signed[:, i], -30.0) for i, name in enumerate(ANGLES)] + [("geodesic", geodesic, 0.0)]
    for axis, (name, values, low) in zip(figure.subplots(1, 4), panels, strict=True):
        if np.isnan(values).any():
            axis.set_title(f"{name}: no labels")
            axis.set_axis_off()
            continue
        axis.hist(np.clip(values, low, 30.0), bins=np.arange(low, 31.0, 2.0))
        axis.axvline(float(np.median(values)), color="0.2", linewidth=1)
        axis.set(xlabel=f"{name} error (degrees)", xlim=(low, 30.0))
        axis.set_title(f"{name}: median {np.median(values):+.2f}" if low else f"{name}: median {np.median(values):.2f}")
        axis.grid(axis="y", alpha=0.3)
    figure.axes[0].set_ylabel("images")
    return figure


def margin_curve(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """MAE of each angle and their mean over the crop margin."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axis = figure.subplots()
    margins = [row["margin"] for row in rows]
    for name, style in (("yaw_deg", "--"), ("pitch_deg", "--"), ("roll_deg", "--"), ("mae_deg", "-")):
        if rows[0][name] is None:
            continue
        label = "mean" if name == "mae_deg" else name.removesuffix("_deg")
        axis.plot(margins, [row[name] for row in rows], style, marker="o", markersize=4, label=label)
    axis.set(xlabel="margin on each side (box sizes)", ylabel="MAE (degrees)", ylim=(0, None))
    axis.legend()
    axis.grid(alpha=0.3)
    return figure


def reliability(calibration: Calibration) -> Figure:
    """Observed against expected coverage of central intervals; above the diagonal the spread is too wide."""
    figure = Figure(figsize=HALF, layout="constrained")
    axis = figure.subplots()
    axis.plot([0, 1], [0, 1], color="0.6", linewidth=0.8)
    for name, part in calibration.by_angle.items():
        axis.plot(LEVELS, part.observed, "--", color=COLOURS[name], label=f"{name} (ECE {part.ece:.3f})")
    whole = calibration.overall
    axis.plot(LEVELS, whole.observed, "o-", color="0.1", markersize=4, label=f"all (ECE {whole.ece:.3f})")
    for sigma in SIGMAS:
        axis.axvline(nominal_coverage(sigma), color="0.8", linewidth=0.8)
        axis.text(nominal_coverage(sigma), 0.01, f" {sigma:g}σ", ha="right", fontsize=9, color="0.4")
    axis.set(xlabel="expected coverage", ylabel="observed coverage", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axis.set_title("above the line, the spread is too wide", fontsize=10)
    axis.legend(loc="upper left")
    axis.grid(alpha=0.3)
    return figure


def sparsified(error_deg: Doubles, std_deg: Doubles) -> Figure:
    """Mean error of what stays when the least certain samples are dropped, beside the best order and chance.

    (N, 3) absolute errors, NaN where an angle has no labels, and (N, 3) spreads.
    """
    figure = Figure(figsize=HALF, layout="constrained")
    axis = figure.subplots()
    labelled = np.isfinite(error_deg).all(axis=0)
    curves = sparsification(error_deg[:, labelled].mean(axis=1), std_deg[:, labelled].mean(axis=1))
    styles = (("by predicted spread", "o-"), ("by true error (best)", "--"), ("at random", ":"))
    for curve, (label, style) in zip(curves, styles, strict=True):
        axis.plot(np.arange(20) * 5, curve, style, markersize=4, label=label)
    axis.set(xlabel="samples dropped (%)", ylabel="MAE of the rest (degrees)", ylim=(0, None))
    axis.set_title("the least certain dropped first", fontsize=10)
    axis.legend()
    axis.grid(alpha=0.3)
    return figure
