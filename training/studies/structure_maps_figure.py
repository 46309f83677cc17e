"""The sheet of structure maps: a row for each face, a column for each map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from hpe_edge.training.augment import InputSpec, cut
from numpy.typing import NDArray

from hpe_edge import HeadPoses, draw_axes
from hpe_edge.errors import DatasetError

if TYPE_CHECKING:
    from hpe_edge.training.studies.structure_maps import Face

TILE_PX = 84
GAP_PX = 10
LABEL_PX = 44
HEADER_PX = 22
_PLAIN = InputSpec()


def write_map_sheet(
    path: Path,
    faces: Sequence[Face],
    heat: NDArray[np.float32],
    euler_deg: NDArray[np.float32],
    spec: InputSpec,
) -> None:
    """Write the sheet of faces with their heatmaps (N, K, r, w, h) and predicted angles (N, 3).

    A column's colours run from its smallest to its largest value over all faces shown. Raises DatasetError
    where the file cannot be written.
    """
    low, high = heat.min(axis=(0, -2, -1), keepdims=True), heat.max(axis=(0, -2, -1), keepdims=True)
    scaled = (heat - low) / np.maximum(high - low, 1e-12)
    rows = [_row(face, maps, euler, spec) for face, maps, euler in zip(faces, scaled, euler_deg, strict=True)]
    sheet = np.vstack([_header(heat.shape[1], heat.shape[2]), *rows])
    if not cv2.imwrite(str(path), sheet):
        raise DatasetError(f"{path}: expected a writable PNG file, got a failure of the image writer")


def _row(face: Face, maps: NDArray[np.float32], euler_deg: NDArray[np.float32], spec: InputSpec) -> NDArray[np.uint8]:
    crop = _crop(face, spec)
    centre = np.array([[0.25, 0.25, 0.75, 0.75]], np.float32) * TILE_PX
    label = np.full((TILE_PX, LABEL_PX, 3), 255, np.uint8)
    _text(label, f"{round(face.yaw_deg):+d}", (5, TILE_PX // 2 + 5))
    grey = cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    parts = [label, draw_axes(crop, HeadPoses.from_euler(euler_deg[None], centre))]
    for stage in maps:
        parts.append(np.full((TILE_PX, GAP_PX, 3), 255, np.uint8))
        parts += [_overlay(grey, values) for values in stage]
    return np.hstack(parts)


def _crop(face: Face, spec: InputSpec) -> NDArray[np.uint8]:
    """What the network sees, in more pixels than it sees."""
    large = replace(_PLAIN, size=TILE_PX)
    pixels = cut(face.image_bgr, face.box_xyxy, spec.margin, large) * 128.0 + 127.5
    return np.ascontiguousarray(np.clip(pixels, 0, 255).astype(np.uint8).transpose(1, 2, 0))


def _overlay(grey: NDArray[np.uint8], values: NDArray[np.float32]) -> NDArray[np.uint8]:
    smooth = cv2.resize(values, (TILE_PX, TILE_PX), interpolation=cv2.INTER_CUBIC)
    heat = cv2.applyColorMap((np.clip(smooth, 0, 1) * 255).astype(np.uint8), cv2.COLORMAP_JET)
    return np.asarray(cv2.addWeighted(grey, 0.5, heat, 0.5, 0.0), np.uint8)


def _header(stages: int, rows: int) -> NDArray[np.uint8]:
    left = LABEL_PX + TILE_PX
    header = np.full((HEADER_PX, left + (TILE_PX * rows + GAP_PX) * stages, 3), 255, np.uint8)
    _text(header, "yaw  pose", (5, 15))
    for stage in range(stages):
        start = left + GAP_PX + (TILE_PX * rows + GAP_PX) * stage
        for row in range(rows):
            _text(header, str(row + 1) if row else f"stage {stage + 1}: 1", (start + TILE_PX * row + 3, 15))
    return header


def _text(image: NDArray[np.uint8], text: str, place: tuple[int, int]) -> None:
    cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
