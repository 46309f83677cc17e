"""How much a model depends on how the face is framed: its error over the margin around the box.

A detector's boxes are never the ones a model was trained on. docs/EVALUATION.md has the curve of one model;
here several share a figure, and one number tells each one's growth over the margins that occur.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hpe_edge.training.data.samples import Sample
from hpe_edge.training.evaluation.evaluate import MARGINS, Progress, margin_curve
from hpe_edge.training.evaluation.metrics import Metrics
from hpe_edge.training.evaluation.predictors import MAX_MARGIN
from hpe_edge.training.studies.models import Contender
from hpe_edge.training.studies.report import COLOURS, Report, Table, saver
from matplotlib.figure import Figure

from hpe_edge.errors import InvalidArgumentError

USUAL = (0.1, 0.6)
Curve = list[tuple[float, Metrics]]


def growth(curve: Curve, low: float = USUAL[0], high: float = USUAL[1]) -> float:
    """Largest minus smallest MAE within the margins ``low`` to ``high``, degrees.

    Raises InvalidArgumentError for a curve with fewer than two margins there.
    """
    inside = [float(metrics.mae_deg) for margin, metrics in curve if low - 1e-9 <= margin <= high + 1e-9]
    if len(inside) < 2:
        raise InvalidArgumentError(f"margins: expected at least two within {low:g} to {high:g}, got {len(inside)}")
    return max(inside) - min(inside)


def check_margins(margins: Sequence[float]) -> tuple[float, ...]:
    """Sorted margins, each in 0 to 4 and at least two between 0.1 and 0.6. Raises InvalidArgumentError."""
    kept = tuple(sorted(set(margins)))
    if not all(0.0 <= margin <= MAX_MARGIN for margin in kept):
        raise InvalidArgumentError(f"--margins: expected 0 to {MAX_MARGIN:g} box sizes each, got {list(margins)}")
    if sum(USUAL[0] - 1e-9 <= margin <= USUAL[1] + 1e-9 for margin in kept) < 2:
        raise InvalidArgumentError(f"--margins: expected at least two between 0.1 and 0.6, got {list(margins)}")
    return kept


def study_margins(
    contenders: Sequence[Contender],
    samples: Sequence[Sample],
    *,
    margins: Sequence[float] = MARGINS,
    bar: Callable[[str], Progress] = lambda _: iter,
) -> Report:
    """Score every model at every margin; ``bar(label)`` makes the progress bar of one model.

    Raises InvalidArgumentError for impossible margins and what `evaluate` raises.
    """
    margins = check_margins(margins)
    curves = {c.label: margin_curve(c.predictor, samples, progress=bar(c.label), margins=margins) for c in contenders}
    rows = [_row(contender, curves[contender.label]) for contender in contenders]
    table = Table(
        f"MAE (degrees) by margin, {len(samples)} photographs; growth: largest minus smallest, 0.1 to 0.6",
        ("model", *(f"{margin:g}" for margin in margins), "best at", "growth"),
        rows,
    )
    models = [contender.describe() for contender in contenders]
    results: dict[str, Any] = {
        "models": [
            model | {"growth_deg": growth(curve), "curve": [{"margin": m, **metrics.as_dict()} for m, metrics in curve]}
            for model, curve in zip(models, curves.values(), strict=True)
        ]
    }
    notes = [f"{m['label']}: {m['crop']} at its own margin, sha256 {m['weights_sha256'][:12]}" for m in models]
    return Report((table,), ["\n".join(notes)], results, saver(_figure(contenders, curves)))


def _row(contender: Contender, curve: Curve) -> tuple[str | float, ...]:
    best = min(curve, key=lambda point: point[1].mae_deg)[0]
    return (contender.label, *(metrics.mae_deg for _, metrics in curve), f"{best:g}", growth(curve))


def _figure(contenders: Sequence[Contender], curves: dict[str, Curve]) -> Figure:
    """All curves in one panel; a ring marks the margin that each model's own crop has."""
    figure = Figure(figsize=(7.5, 4.6), layout="constrained")
    axis = figure.subplots()
    axis.axvspan(*USUAL, color="0.93", zorder=0)
    for number, (contender, (label, curve)) in enumerate(zip(contenders, curves.items(), strict=True)):
        colour = COLOURS[number % len(COLOURS)]
        margins, maes = zip(*((margin, metrics.mae_deg) for margin, metrics in curve), strict=True)
        name = f"{label}: grows by {growth(curve):.2f} over {USUAL[0]:g} to {USUAL[1]:g}"
        axis.plot(margins, maes, marker="o", markersize=4, color=colour, label=name)
        for margin, metrics in curve:
            if abs(margin - contender.crop().margin) < 1e-6:
                axis.plot(margin, metrics.mae_deg, "o", markersize=11, markerfacecolor="none", color=colour)
    axis.set(xlabel="margin (box sizes on each side; ring: the model's own)", ylabel="MAE (degrees)")
    axis.set_ylim(bottom=0)
    axis.legend(frameon=False)
    axis.grid(alpha=0.3)
    return figure
