"""The report as one page of HTML that needs nothing else: pictures inlined, no script, no request."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

import cv2
import numpy as np
from hpe_edge.training.data.samples import Sample
from hpe_edge.training.evaluation.calibration import ANGLES
from hpe_edge.training.evaluation.evaluate import Evaluation
from hpe_edge.training.evaluation.reports import cases
from numpy.typing import NDArray

CASES = 24
CASE_PX = 320
JPEG_QUALITY = 88


@dataclass(frozen=True)
class Material:
    """What a page is made of: the samples and what was predicted, the numbers, the plots as PNG by name."""

    samples: Sequence[Sample]
    evaluation: Evaluation
    report: Mapping[str, Any]
    plots: Mapping[str, bytes]
    seed: int


def page(material: Material) -> str:
    """The whole page. It contains photographs of the data set: it is for reading, not for publishing."""
    report, evaluation = material.report, material.evaluation
    metrics = evaluation.metrics
    without_roll = np.isnan(metrics.geodesic_deg)
    return Template(files(__package__).joinpath("page.html").read_text(encoding="utf-8")).substitute(
        title=escape(f"{report['model']} on {report['dataset']}"),
        score=f"{metrics.mae_deg:.2f}°",
        score_note=f"mean absolute error of {'yaw and pitch' if without_roll else 'yaw, pitch and roll'}",
        facts="".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in _facts(report)),
        accuracy=table(metrics.table()),
        accuracy_plots=_plots(material, "yaw_bins", "scatter", "errors"),
        extras=_extras(material),
        spread=_spread(material),
        ranking="the mean error of the labelled angles" if without_roll else "geodesic error",
        worst=_cases(material, cases.worst(evaluation, CASES)),
        random=_cases(material, cases.at_random(evaluation, material.seed, CASES)),
        seed=material.seed,
    )


def table(markdown: str) -> str:
    """An HTML table from a markdown one whose second line is the rule.

    >>> table("| a | b |\\n|---|---|\\n| 1 | 2 |")
    '<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>'
    """
    head, _, *body = markdown.splitlines()

    def row(line: str, tag: str) -> str:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    return "<table>" + row(head, "th") + "".join(row(line, "td") for line in body) + "</table>"


def _facts(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a number must be shown with."""
    dropped = f"; {report['dropped']} dropped" if report["dropped"] else ""
    facts = [("data", f"{report['dataset']}: {report['count']} images ({report['protocol']}{dropped})")]
    for member in report["members"]:
        runtime = member["runtime"]
        size = "" if member["parameters"] is None else f", {member['parameters']:,} parameters"
        facts += [
            ("model", f"{member['model']}, {member['input_px'][0]}x{member['input_px'][1]} pixels{size}"),
            ("weights", f"sha256 {member['weights_sha256']}"),
            ("crop", member["crop"]),
            ("pitch zero", f"{member['pitch_zero_deg']:+g} degrees"),
            (
                "runtime",
                ", ".join(str(runtime[key]) for key in ("backend", "provider", "precision") if runtime.get(key)),
            ),
        ]
    if report.get("flip"):
        facts.append(("averaging", "with the mirrored photograph"))
    return [*facts, ("command", report["command"])]


def _extras(material: Material) -> str:
    """The margin curve and the pitch fit, where they were asked for."""
    parts = []
    fit = material.report.get("pitch_zero_fit")
    if "margin_curve" in material.plots:
        parts.append(f'<h2>Crop margin</h2><div class="plots">{_plots(material, "margin_curve")}</div>')
    if fit is not None:
        parts.append(
            f"<h2>Pitch zero</h2><p>Rotating by {fit['rotation_deg']:+.2f} degrees more would give a MAE of "
            f"{fit['rotation_mae_deg']:.2f}; adding {fit['additive_deg']:+.2f} to pitch, "
            f"{fit['additive_mae_deg']:.2f}. Fitted on these very labels, so optimistic.</p>"
        )
    return "\n".join(parts)


def _spread(material: Material) -> str:
    calibration = material.evaluation.calibration
    if calibration is None:
        return "<p>This model gives no spread with its angles, so there is nothing to calibrate.</p>"
    return (
        f'<div class="scroll">{table(calibration.table())}</div>'
        f'<div class="plots">{_plots(material, "reliability", "sparsification")}</div>'
    )


def _plots(material: Material, *names: str) -> str:
    return "".join(_image(material.plots[name], "png", name.replace("_", " ")) for name in names)


def _cases(material: Material, indices: NDArray[np.intp]) -> str:
    return "\n".join(_case(material, int(index)) for index in indices)


def _case(material: Material, index: int) -> str:
    """One photograph with its axes and its numbers."""
    evaluation, sample = material.evaluation, material.samples[index]
    truth, predicted = evaluation.truth_deg[index], evaluation.predicted_deg[index]
    encoded = cv2.imencode(
        ".jpg", cases.picture(sample, truth, predicted, CASE_PX), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    )[1]
    numbers = {"predicted": predicted, "label": truth}
    if evaluation.std_deg is not None:
        numbers["spread"] = evaluation.std_deg[index]
    rows = ["| " + " | ".join(["degrees", *ANGLES]) + " |", ""]
    rows += [f"| {name} | {' | '.join(_number(value) for value in values)} |" for name, values in numbers.items()]
    caption = f"<b>{escape(sample.name)}</b>: error {cases.error_deg(evaluation)[index]:.1f}{table(chr(10).join(rows))}"
    return f"<figure>{_image(encoded.tobytes(), 'jpeg', sample.name)}<figcaption>{caption}</figcaption></figure>"


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.1f}"


def _image(data: bytes, kind: str, alt: str) -> str:
    encoded = base64.b64encode(data).decode("ascii")
    return f'<img alt="{escape(alt)}" src="data:image/{kind};base64,{encoded}">'
