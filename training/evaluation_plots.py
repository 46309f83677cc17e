"""Pictures of an evaluation: predicted against true angles, error by yaw bin, photographs with axes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hpe_edge import HeadPoses, _core, draw_axes
from hpe_edge.errors import DatasetError

from .data.samples import Sample
from .evaluate import Evaluation
from .metrics import difference_deg, geodesic_deg

ANGLES = ("yaw", "pitch", "roll")
TILE_PX = 176
COLUMNS = 8
SHEET_SIZE = 32
WHITE = (255, 255, 255)


def write_pictures(samples: Sequence[Sample], evaluation: Evaluation, folder: Path, *, seed: int = 0) -> list[Path]:
    """Write all pictures of an evaluation as PNG into ``folder``; return their paths.

    ``seed`` chooses the photographs of the random sheet. Raises DatasetError when a file cannot be written.
    """
    order = np.argsort(-error_deg(evaluation), kind="stable")
    chosen = np.random.default_rng(seed).permutation(len(samples))
    pictures = [folder / name for name in ("scatter.png", "yaw_bins.png", "worst.png", "random.png")]
    scatter(evaluation).savefig(pictures[0], dpi=110)
    yaw_bins(evaluation).savefig(pictures[1], dpi=110)
    for path, indices in ((pictures[2], order), (pictures[3], chosen)):
        if not cv2.imwrite(str(path), contact_sheet(samples, evaluation, indices[:SHEET_SIZE])):
            raise DatasetError(f"{path}: expected a writable PNG file, got a failure of the image writer")
    return pictures


def error_deg(evaluation: Evaluation) -> NDArray[np.float64]:
    """(N,) what "worst" means: the geodesic error, or without roll labels the mean error of the others.

    The errors of the three angles would rank profiles first, whose pitch and roll nearly cancel.
    """
    geodesic = geodesic_deg(evaluation.truth_deg, evaluation.predicted_deg)
    if np.isfinite(geodesic).all():
        return geodesic
    signed = np.abs(difference_deg(evaluation.truth_deg, evaluation.predicted_deg))
    error: NDArray[np.float64] = np.nanmean(signed, axis=1)
    return error


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


def yaw_bins(evaluation: Evaluation) -> Figure:
    """The error of each angle, and the geodesic error, in each bin of the true |yaw|."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axis = figure.subplots()
    bins = evaluation.metrics.by_yaw
    names = ("yaw_deg", "pitch_deg", "roll_deg", "geodesic_deg")
    for offset, name in enumerate(names):
        places = np.arange(len(bins)) + (offset - 1.5) * 0.2
        axis.bar(places, [getattr(b, name) for b in bins], width=0.18, label=name.removesuffix("_deg"))
    labels = [f"{b.low_deg:g}-{b.high_deg:g}\n{b.count} images" for b in bins]
    axis.set_xticks(range(len(bins)), labels)
    axis.set(xlabel="true |yaw| (degrees)", ylabel="mean error (degrees)")
    axis.legend()
    axis.grid(axis="y", alpha=0.3)
    return figure


def contact_sheet(samples: Sequence[Sample], evaluation: Evaluation, indices: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Photographs with the predicted axes in colour and the true axes in thin white, uint8 BGR."""
    tiles = [_tile(samples[i], evaluation.truth_deg[i], evaluation.predicted_deg[i]) for i in indices]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % COLUMNS)
    rows = [np.hstack(tiles[start : start + COLUMNS]) for start in range(0, len(tiles), COLUMNS)]
    return np.vstack(rows)


def _tile(sample: Sample, truth_deg: NDArray[np.float32], predicted_deg: NDArray[np.float32]) -> NDArray[np.uint8]:
    x0, y0, x1, y1 = (float(v) for v in sample.box_xyxy)
    zoom = TILE_PX / (2.0 * max(x1 - x0, y1 - y0))
    middle = TILE_PX / 2
    window = np.array([[zoom, 0, middle - zoom * (x0 + x1) / 2], [0, zoom, middle - zoom * (y0 + y1) / 2]])
    tile = np.asarray(cv2.warpAffine(sample.image_bgr(), window, (TILE_PX, TILE_PX)), np.uint8)
    box = sample.box_xyxy.reshape(2, 2) * zoom + window[:, 2]
    tile = draw_axes(tile, HeadPoses.from_euler(predicted_deg[None], box.reshape(1, 4)))
    _draw_truth(tile, np.nan_to_num(truth_deg), 0.3 * TILE_PX)
    numbers = " ".join(f"{p:.0f}/{t:.0f}" for p, t in zip(predicted_deg, truth_deg, strict=True))
    for text, place in ((sample.name[:24], (3, 11)), (numbers, (3, TILE_PX - 5))):
        for colour, thickness in (((0, 0, 0), 3), (WHITE, 1)):
            cv2.putText(tile, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.36, colour, thickness, cv2.LINE_AA)
    return tile


def _draw_truth(tile: NDArray[np.uint8], euler_deg: NDArray[np.float32], length_px: float) -> None:
    """The true side, down and forward axes as thin white lines from the centre."""
    rotation = _core.euler_to_rotation(np.ascontiguousarray(euler_deg[None], np.float64))[0]
    middle = TILE_PX // 2
    for axis in (rotation[:, 0], rotation[:, 1], -rotation[:, 2]):
        end = (round(middle + length_px * float(axis[0])), round(middle + length_px * float(axis[1])))
        cv2.line(tile, (middle, middle), end, WHITE, 1, cv2.LINE_AA)
