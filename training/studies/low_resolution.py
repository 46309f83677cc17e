"""Faces far away: the error on photographs made coarse and large again.

Ruiz et al., "Fine-Grained Head Pose Estimation Without Keypoints" (CVPRW 2018), section IV-E and fig. 8: the
whole photograph is made smaller by x1, x5, x10, x15 and enlarged again, both by the nearest neighbour, so
that a 450 px image of AFLW2000 becomes one of 30 px. Networks trained with low-resolution augmentation hold,
others do not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from hpe_edge.training.data.samples import Sample
from hpe_edge.training.evaluation.evaluate import Predict, Progress, evaluate
from hpe_edge.training.evaluation.metrics import Metrics
from hpe_edge.training.studies.models import Contender
from hpe_edge.training.studies.report import COLOURS, Report, Table, saver
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hpe_edge.errors import InvalidArgumentError

FACTORS = (1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 12.0, 15.0)
LEAST_PX = 4
# The "exact" nearest neighbour takes the middle of a cell; OpenCV's older one takes its corner, which shifts
# the picture by half a cell.
INTERPOLATIONS = {
    "nearest": (cv2.INTER_NEAREST_EXACT, cv2.INTER_NEAREST_EXACT),
    "area": (cv2.INTER_AREA, cv2.INTER_LINEAR),
}
"""Down and up. ``nearest`` is the paper's; ``area`` is what a distant camera does: mean of a cell, then linear."""


def degrade(image_bgr: NDArray[np.uint8], factor: float, interpolation: str = "nearest") -> NDArray[np.uint8]:
    """The photograph (H, W, 3) made ``factor`` times smaller and enlarged to its size again.

    Raises InvalidArgumentError for a factor below 1, one that leaves less than 4 pixels, and an
    interpolation that is not known.

    >>> degrade(np.zeros((60, 60, 3), np.uint8), 15).shape
    (60, 60, 3)
    """
    if interpolation not in INTERPOLATIONS:
        raise InvalidArgumentError(f"interpolation: expected one of {tuple(INTERPOLATIONS)}, got {interpolation!r}")
    check_factors([factor])
    height, width = image_bgr.shape[:2]
    size = (round(width / factor), round(height / factor))
    if min(size) < LEAST_PX:
        raise InvalidArgumentError(
            f"factor {factor:g}: expected at least {LEAST_PX} pixels a side, "
            f"{width}x{height} leaves {size[0]}x{size[1]}"
        )
    if factor == 1.0:
        return image_bgr
    down, up = INTERPOLATIONS[interpolation]
    small = cv2.resize(image_bgr, size, interpolation=down)
    return np.asarray(cv2.resize(small, (width, height), interpolation=up), np.uint8)


def check_factors(factors: Sequence[float]) -> tuple[float, ...]:
    """Sorted factors, each finite and at least 1. Raises InvalidArgumentError."""
    if not factors or not all(math.isfinite(factor) and factor >= 1.0 for factor in factors):
        raise InvalidArgumentError(f"--factors: expected numbers of at least 1, got {list(factors)}")
    return tuple(sorted(set(factors)))


def study_low_resolution(
    contenders: Sequence[Contender],
    samples: Sequence[Sample],
    *,
    factors: Sequence[float] = FACTORS,
    interpolation: str = "nearest",
    bar: Callable[[str], Progress] = lambda _: iter,
) -> Report:
    """Score every model at every factor; ``bar(label)`` makes the progress bar of one pass.

    Raises InvalidArgumentError for an impossible factor and what `evaluate` raises.
    """
    factors = check_factors(factors)
    curves = {c.label: _curve(c, samples, factors, interpolation, bar) for c in contenders}
    sides = np.array([math.sqrt(float(np.prod(s.box_xyxy[2:] - s.box_xyxy[:2]))) for s in samples])
    face_px = float(np.median(sides))
    models = [contender.describe() for contender in contenders]
    results: dict[str, Any] = {
        "factors": list(factors),
        "interpolation": interpolation,
        "median_face_px": face_px,
        "models": [
            model | {"curve": [metrics.as_dict() for metrics in curve]}
            for model, curve in zip(models, curves.values(), strict=True)
        ],
    }
    notes = [f"{m['label']}: {m['crop']}, sha256 {m['weights_sha256'][:12]}" for m in models]
    figure = _figure(factors, curves, face_px, interpolation)
    return Report(_tables(factors, curves, face_px, len(samples)), ["\n".join(notes)], results, saver(figure))


def _curve(
    contender: Contender,
    samples: Sequence[Sample],
    factors: Sequence[float],
    interpolation: str,
    bar: Callable[[str], Progress],
) -> list[Metrics]:
    predict = contender.predictor()

    def at(factor: float) -> Predict:
        return lambda image_bgr, boxes_xyxy: predict(degrade(image_bgr, factor, interpolation), boxes_xyxy)

    return [evaluate(at(f), samples, progress=bar(f"{contender.label} x{f:g}")).metrics for f in factors]


def _tables(
    factors: Sequence[float], curves: dict[str, list[Metrics]], face_px: float, count: int
) -> tuple[Table, Table]:
    overview = Table(
        f"MAE (degrees) of {count} photographs made coarse",
        ("factor", "median face, px", *curves),
        [
            (f"x{factor:g}", f"{face_px / factor:.0f}", *(curve[row].mae_deg for curve in curves.values()))
            for row, factor in enumerate(factors)
        ],
    )
    rows = [
        (label, f"x{factor:g}", m.yaw_deg, m.pitch_deg, m.roll_deg, m.mae_deg, m.geodesic_deg)
        for label, curve in curves.items()
        for factor, m in zip(factors, curve, strict=True)
    ]
    return overview, Table(
        "Each angle (degrees)", ("model", "factor", "yaw", "pitch", "roll", "mean", "geodesic"), rows
    )


def _figure(factors: Sequence[float], curves: dict[str, list[Metrics]], face_px: float, interpolation: str) -> Figure:
    """MAE over the factor, one line a model; above, how many pixels a face still has."""
    figure = Figure(figsize=(7.5, 4.8), layout="constrained")
    axis = figure.subplots()
    for number, (label, curve) in enumerate(curves.items()):
        maes = [metrics.mae_deg for metrics in curve]
        axis.plot(factors, maes, marker="o", markersize=4, color=COLOURS[number % len(COLOURS)], label=label)
    axis.set_xticks(list(factors), [f"x{factor:g}" for factor in factors])
    axis.set(xlabel=f"photograph made smaller and enlarged again ({interpolation})", ylabel="MAE (degrees)")
    axis.set_ylim(bottom=0)
    above = axis.secondary_xaxis("top")
    above.set_xticks(list(factors), [f"{face_px / factor:.0f}" for factor in factors])
    above.set_xlabel("median face, pixels a side")
    axis.legend(frameon=False)
    axis.grid(alpha=0.3)
    return figure
