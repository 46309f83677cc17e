"""Everything that ``hpe-edge evaluate --out`` writes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from hpe_edge.training.data.samples import Sample
from hpe_edge.training.evaluation.calibration import ANGLES
from hpe_edge.training.evaluation.evaluate import Evaluation
from hpe_edge.training.evaluation.reports import cases
from hpe_edge.training.evaluation.reports.page import Material, page
from hpe_edge.training.evaluation.reports.plots import figures, png


def write_report(
    folder: Path, samples: Sequence[Sample], evaluation: Evaluation, report: Mapping[str, Any], *, seed: int = 0
) -> None:
    """``report.json``, ``report.html``, ``predictions.csv``, a PNG of each plot and two sheets of photographs.

    ``seed`` chooses the random photographs. Raises OSError when a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    (folder / "predictions.csv").write_text(predictions_csv(evaluation), encoding="utf-8")
    plots = {name: png(figure) for name, figure in figures(evaluation, report).items()}
    sheets = {"worst": cases.worst(evaluation), "random": cases.at_random(evaluation, seed)}
    pictures = plots | {
        name: cv2.imencode(".png", cases.contact_sheet(samples, evaluation, indices))[1].tobytes()
        for name, indices in sheets.items()
    }
    for name, data in pictures.items():
        (folder / f"{name}.png").write_bytes(data)
    html = page(Material(samples, evaluation, report, plots, seed))
    (folder / "report.html").write_text(html, encoding="utf-8")


def predictions_csv(evaluation: Evaluation) -> str:
    """One line a sample: labels and predictions, and the spread where there is one; empty where it is NaN."""
    columns = [evaluation.truth_deg, evaluation.predicted_deg]
    kinds = ["true", "predicted"]
    if evaluation.std_deg is not None:
        columns.append(evaluation.std_deg)
        kinds.append("std")
    lines = [",".join(["name", *(f"{kind}_{angle}" for kind in kinds for angle in ANGLES)])]
    for name, row in zip(evaluation.names, np.hstack(columns), strict=True):
        lines.append(",".join([name, *("" if np.isnan(value) else f"{value:.3f}" for value in row)]))
    return "\n".join(lines) + "\n"
