"""The comparison as a table, and its figures: recall against false alarms, misses and false alarms as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from hpe_edge.training.detection.evaluation.measure import Findings, certain
from hpe_edge.training.detection.evaluation.sets import FacePicture
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hpe_edge.results import Detections

Image = NDArray[np.uint8]
Row = dict[str, Any]

_TILE_PX, _COLUMNS, _MOST_TILES = 160, 10, 80
_FACE_BGR, _FOUND_BGR = (80, 220, 80), (60, 60, 255)


def table(rows: Sequence[Row]) -> str:
    """Markdown: a row for each detector on each set. A faceless set has false alarms, a face set has recall.

    >>> print(table([]).splitlines()[0][:10])
    | detector
    """
    head = (
        "detector", "set", "pictures", "recall, IoU 0.5", "IoU 0.3", "by centre", "mean IoU", "landmarks",
        "false alarms a picture", "ms",
    )  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(_cells(row)) + " |" for row in rows])


def _cells(row: Row) -> list[str]:
    rates = row["rates"]
    recall = [_number(rates["recall"].get(rule)) for rule in ("tight", "loose", "centre")]
    alarms = _number(rates["extra_a_picture"]) if row["faceless"] else "-"
    return [
        row["detector"], row["set"], f"{rates['count']:,}", *recall, _number(rates["mean_iou"]),
        _number(rates["landmark_error"]), alarms, f"{rates['median_ms']:.1f}",
    ]  # fmt: skip


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def yaw_table(rows: Sequence[Row]) -> str:
    """Markdown: recall at IoU 0.5 by abs(yaw), for the sets that have one; found of how many in brackets."""
    shown = [row for row in rows if row["rates"]["by_yaw"]]
    if not shown:
        return ""
    bins = shown[0]["rates"]["by_yaw"]["bins"]
    head = ["detector", "set", *(f"{part['low_deg']:g}-{part['high_deg']:g}" for part in bins)]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in shown:
        parts = row["rates"]["by_yaw"]["bins"]
        cells = [f"{part['share']:.3f} ({part['count']})" if part["count"] else "-" for part in parts]
        lines.append("| " + " | ".join([row["detector"], row["set"], *cells]) + " |")
    return "\n".join(lines)


def plot_curves(rows: Sequence[Row], path: Path) -> None:
    """Recall at IoU 0.5 (solid) and by centre (dotted) against false alarms a picture; a dot at the own threshold."""
    shown = [row for row in rows if row["curve"]]
    names = list(dict.fromkeys(row["set"] for row in shown))
    colours = {name: f"C{i}" for i, name in enumerate(dict.fromkeys(row["detector"] for row in shown))}
    figure = Figure(figsize=(4.2 * max(1, len(names)), 4), layout="constrained")
    axes = figure.subplots(1, max(1, len(names)), squeeze=False, sharey=True)[0]
    for axis, name in zip(axes, names, strict=False):
        for row in (row for row in shown if row["set"] == name):
            for rule, style in (("tight", "-"), ("centre", ":")):
                part = np.array(row["curve"][rule])
                label = row["detector"] if rule == "tight" else None
                axis.plot(part[:, 1], part[:, 2], style, color=colours[row["detector"]], label=label)
            axis.plot(row["alarms"], row["rates"]["recall"]["tight"], "o", color=colours[row["detector"]])
        axis.axvline(0.02, color="0.6", linestyle="--", linewidth=1)
        axis.set(title=name, xlabel="false alarms a faceless picture", ylim=(0, 1.02))
        axis.set_xscale("symlog", linthresh=0.01)
        axis.set_xlim(left=0)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("recall (solid: IoU 0.5, dotted: centre)")
    axes[0].legend(loc="lower right", fontsize=8)
    figure.savefig(path, dpi=110)


def misses(findings: Findings) -> Image:
    """Pictures whose face was not found at IoU 0.5: the label green, what was found red; spread over the misses."""
    threshold, tiles, face = findings.candidate.threshold, [], 0
    for picture, found in zip(findings.pictures.pictures, findings.found, strict=True):
        scores = findings.faces.scores["tight"][face : face + len(picture.faces_xyxy)]
        face += len(picture.faces_xyxy)
        if (~(scores >= max(threshold, -1e9))).any():
            tiles.append((picture, found))
    chosen = tiles[:: max(1, -(-len(tiles) // _MOST_TILES))]
    return _sheet([_whole(picture, found, threshold) for picture, found in chosen])


def false_alarms(findings: Findings) -> Image:
    """What the detector took for a face in faceless pictures, the surest first, twice as wide as its box."""
    boxes = [
        (float(score), picture, box)
        for picture, found in zip(findings.pictures.pictures, findings.found, strict=True)
        for score, box in zip(certain(found), found.boxes_xyxy, strict=True)
        if score >= findings.candidate.threshold
    ]
    boxes.sort(key=lambda alarm: -alarm[0])
    return _sheet([_around(picture, box, score) for score, picture, box in boxes[:_MOST_TILES]])


def _whole(picture: FacePicture, found: Detections, threshold: float) -> Image:
    image = picture.read().copy()
    scale = _TILE_PX / max(image.shape[:2])
    width = max(1, round(1 / scale))
    for box in picture.faces_xyxy:
        _draw(image, box, _FACE_BGR, width)
    for score, box in zip(certain(found), found.boxes_xyxy, strict=True):
        if score >= threshold:
            _draw(image, box, _FOUND_BGR, width)
    size = max(1, int(image.shape[1] * scale)), max(1, int(image.shape[0] * scale))
    tile = np.zeros((_TILE_PX, _TILE_PX, 3), np.uint8)
    tile[: size[1], : size[0]] = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return tile


def _draw(image: Image, box_xyxy: NDArray[np.floating], colour: tuple[int, int, int], width: int) -> None:
    x0, y0, x1, y1 = (round(float(value)) for value in box_xyxy)
    cv2.rectangle(image, (x0, y0), (x1, y1), colour, width)


def _around(picture: FacePicture, box_xyxy: NDArray[np.float32], score: float) -> Image:
    image = picture.read()
    centre = 0.5 * (box_xyxy[:2] + box_xyxy[2:]).astype(np.float64)
    scale = _TILE_PX / (2.0 * max(float((box_xyxy[2:] - box_xyxy[:2]).max()), 1.0))
    shift = 0.5 * _TILE_PX - scale * centre
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    tile = cv2.warpAffine(image, matrix, (_TILE_PX, _TILE_PX), flags=cv2.INTER_LINEAR)
    _draw(tile, scale * box_xyxy + np.tile(shift, 2), _FOUND_BGR, 1)
    cv2.putText(tile, f"{score:.2f}", (3, _TILE_PX - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 255, 255), 1)
    return np.asarray(tile, np.uint8)


def _sheet(tiles: list[Image]) -> Image:
    """Rows of `_COLUMNS` tiles; one black tile where there is nothing to show."""
    black = np.zeros((_TILE_PX, _TILE_PX, 3), np.uint8)
    if not tiles:
        return black
    columns = min(_COLUMNS, len(tiles))
    tiles = tiles + [black] * (-len(tiles) % columns)
    return np.vstack([np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)])
