"""The mean 3D face that landmark methods lean on: 68 points of the head studio's mean head (CC0)."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpe_edge.errors import InvalidArgumentError

LANDMARKS = 68


def read_mean_face(path: Path | None = None) -> NDArray[np.float64]:
    """(68, 3) millimetres, label frame; ``path`` is a CSV of the same form, the bundled face without one.

    Raises InvalidArgumentError for a file that cannot be read, another shape, and points without extent.

    >>> read_mean_face().shape
    (68, 3)
    """
    where = path or files("hpe_edge.training") / "studies" / "mean_face.csv"
    try:
        lines = [line for line in where.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
        points = np.array([line.split(",") for line in lines], np.float64)
    except (OSError, ValueError) as error:
        raise InvalidArgumentError(f"mean face {where}: expected a CSV of 68 lines x,y,z, got: {error}") from error
    if points.shape != (LANDMARKS, 3) or not np.isfinite(points).all():
        raise InvalidArgumentError(f"mean face {where}: expected 68 finite points x,y,z, got shape {points.shape}")
    if float(np.ptp(points, axis=0).min()) <= 0:
        raise InvalidArgumentError(f"mean face {where}: expected points with an extent in x, y and z, got a flat face")
    return np.asarray(points, np.float64)


def stretched(face: NDArray[np.float64], width: float, height: float) -> NDArray[np.float64]:
    """The face (68, 3) made wider and higher by these factors. Raises InvalidArgumentError for one not above 0.

    >>> float(np.ptp(stretched(read_mean_face(), 2.0, 1.0)[:, 0]) / np.ptp(read_mean_face()[:, 0]))
    2.0
    """
    if not (width > 0 and height > 0):
        raise InvalidArgumentError(f"stretch: expected factors above 0, got {width} and {height}")
    changed: NDArray[np.float64] = face * np.array([width, height, 1.0])
    return changed
