"""OpenCV's distortion of a lens ("plumb bob" and its rational form) on the plane z = 1, there and back."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]

COUNTS: Final = (0, 4, 5, 8)
"""How many coefficients there may be: none, k1 k2 p1 p2, with k3, with k4 k5 k6."""

_NEWTON_STEPS: Final = 30
_TOLERANCE: Final = 1e-9  # on the plane z = 1: a millionth of a pixel


def distort(plane_xy: NDArray[np.floating[Any]], coefficients: tuple[float, ...]) -> Array:
    """Where the lens puts points of the plane z = 1, (N, 2) each.

    OpenCV's documentation of the module calib3d, section "Detailed Description".

    >>> distort(np.array([[1.0, 0.0]]), (0.1, 0.0, 0.0, 0.0)).round(6).tolist()
    [[1.1, 0.0]]
    """
    return _distort(np.asarray(plane_xy, dtype=np.float64), _eight(coefficients))[0]


def undistort(lens_xy: NDArray[np.floating[Any]], coefficients: tuple[float, ...]) -> Array:
    """The inverse of :func:`distort`, by Newton's method; NaN where the lens has no inverse.

    >>> undistort(np.array([[1.1, 0.0]]), (0.1, 0.0, 0.0, 0.0)).round(6).tolist()
    [[1.0, 0.0]]
    """
    goal = np.asarray(lens_xy, dtype=np.float64)
    eight = _eight(coefficients)
    plane = goal.copy()
    # A lens folds the plane where it no longer grows; steps from there may run away, which the last lines catch.
    with np.errstate(all="ignore"):
        for _ in range(_NEWTON_STEPS):
            seen, (xx, xy, yy) = _distort(plane, eight)
            rest = goal - seen
            if not np.abs(rest).max(initial=0.0) > _TOLERANCE:
                break
            turned = np.stack([yy * rest[:, 0] - xy * rest[:, 1], xx * rest[:, 1] - xy * rest[:, 0]], axis=1)
            plane += turned / (xx * yy - xy * xy)[:, None]
        seen, (xx, xy, yy) = _distort(plane, eight)
        inverted = (np.abs(goal - seen).max(axis=1, initial=0.0) < 1e-6) & (xx * yy > xy * xy) & (xx + yy > 0)
    plane[~inverted] = np.nan
    return np.asarray(plane)


def _eight(coefficients: tuple[float, ...]) -> tuple[float, ...]:
    return coefficients + (0.0,) * (8 - len(coefficients))


def _distort(plane: Array, eight: tuple[float, ...]) -> tuple[Array, tuple[Array, Array, Array]]:
    """The distorted points, and dx'/dx, dx'/dy = dy'/dx, dy'/dy."""
    k1, k2, p1, p2, k3, k4, k5, k6 = eight
    x, y = plane[:, 0], plane[:, 1]
    r2 = x * x + y * y
    above, below = 1 + r2 * (k1 + r2 * (k2 + r2 * k3)), 1 + r2 * (k4 + r2 * (k5 + r2 * k6))
    radial = above / below
    slope = (k1 + r2 * (2 * k2 + 3 * r2 * k3) - radial * (k4 + r2 * (2 * k5 + 3 * r2 * k6))) / below
    seen = np.stack(
        [
            x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
            y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
        ],
        axis=1,
    )
    xx = radial + 2 * slope * x * x + 2 * p1 * y + 6 * p2 * x
    xy = 2 * slope * x * y + 2 * p1 * x + 2 * p2 * y
    yy = radial + 2 * slope * y * y + 6 * p1 * y + 2 * p2 * x
    return seen, (xx, xy, yy)
