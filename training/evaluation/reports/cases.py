"""Photographs with predicted and true axes: which cases to show, one picture each, and sheets of them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from hpe_edge.training.data.samples import Sample
from hpe_edge.training.evaluation.evaluate import Evaluation
from hpe_edge.training.evaluation.metrics import difference_deg, geodesic_deg
from numpy.typing import NDArray

from hpe_edge import HeadPoses, _core, draw_axes

TILE_PX = 176
COLUMNS = 8
SHEET_SIZE = 32
WHITE = (255, 255, 255)


def worst(evaluation: Evaluation, count: int = SHEET_SIZE) -> NDArray[np.intp]:
    """Indices of the ``count`` largest errors, the largest first."""
    return np.asarray(np.argsort(-error_deg(evaluation), kind="stable")[:count])


def at_random(evaluation: Evaluation, seed: int, count: int = SHEET_SIZE) -> NDArray[np.intp]:
    """Indices of ``count`` samples drawn without repetition."""
    return np.random.default_rng(seed).permutation(len(evaluation.names))[:count]


def error_deg(evaluation: Evaluation) -> NDArray[np.float64]:
    """(N,) what "worst" means: the geodesic error, or without roll labels the mean error of the others.

    The errors of the three angles would rank profiles first, whose pitch and roll nearly cancel.
    """
    geodesic: NDArray[np.float64] = geodesic_deg(evaluation.truth_deg, evaluation.predicted_deg)
    if not np.isnan(geodesic).any():
        return geodesic
    signed = np.abs(difference_deg(evaluation.truth_deg, evaluation.predicted_deg))
    error: NDArray[np.float64] = np.nanmean(signed, axis=1)
    return error


def contact_sheet(samples: Sequence[Sample], evaluation: Evaluation, indices: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Pictures of some cases in rows, with their names and predicted/true angles, uint8 BGR."""
    tiles = [_captioned(samples[i], evaluation.truth_deg[i], evaluation.predicted_deg[i]) for i in indices]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % COLUMNS)
    rows = [np.hstack(tiles[start : start + COLUMNS]) for start in range(0, len(tiles), COLUMNS)]
    return np.vstack(rows)


def picture(
    sample: Sample, truth_deg: NDArray[np.float32], predicted_deg: NDArray[np.float32], side_px: int = TILE_PX
) -> NDArray[np.uint8]:
    """The head and as much around it, the predicted axes in colour, the true ones in thin white.

    (3,) angles each; a true angle without label is drawn as 0. Returns (side_px, side_px, 3) uint8 BGR.
    """
    x0, y0, x1, y1 = (float(v) for v in sample.box_xyxy)
    zoom = side_px / (2.0 * max(x1 - x0, y1 - y0))
    middle = side_px / 2
    window = np.array([[zoom, 0, middle - zoom * (x0 + x1) / 2], [0, zoom, middle - zoom * (y0 + y1) / 2]])
    tile = np.asarray(cv2.warpAffine(sample.image_bgr(), window, (side_px, side_px)), np.uint8)
    box = sample.box_xyxy.reshape(2, 2) * zoom + window[:, 2]
    tile = draw_axes(tile, HeadPoses.from_euler(predicted_deg[None], box.reshape(1, 4)))
    _draw_truth(tile, np.nan_to_num(truth_deg), 0.3 * side_px)
    return tile


def _captioned(sample: Sample, truth_deg: NDArray[np.float32], predicted_deg: NDArray[np.float32]) -> NDArray[np.uint8]:
    tile = picture(sample, truth_deg, predicted_deg)
    numbers = " ".join(f"{p:.0f}/{t:.0f}" for p, t in zip(predicted_deg, truth_deg, strict=True))
    for text, place in ((sample.name[:24], (3, 11)), (numbers, (3, TILE_PX - 5))):
        for colour, thickness in (((0, 0, 0), 3), (WHITE, 1)):
            cv2.putText(tile, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.36, colour, thickness, cv2.LINE_AA)
    return tile


def _draw_truth(tile: NDArray[np.uint8], euler_deg: NDArray[np.float32], length_px: float) -> None:
    """The true side, down and forward axes as thin white lines from the centre, edged in black."""
    rotation = _core.euler_to_rotation(np.ascontiguousarray(euler_deg[None], np.float64))[0]
    middle, width = len(tile) // 2, max(1, len(tile) // 160)
    for axis in (rotation[:, 0], rotation[:, 1], -rotation[:, 2]):
        end = (round(middle + length_px * float(axis[0])), round(middle + length_px * float(axis[1])))
        for colour, thickness in (((0, 0, 0), width + 2), (WHITE, width)):
            cv2.line(tile, (middle, middle), end, colour, thickness, cv2.LINE_AA)
