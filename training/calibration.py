"""Calibration of the predicted spread: does one standard deviation hold what it promises?

Errors and spreads are (N, 3) yaw, pitch, roll in degrees; an error is `training.metrics.difference_deg`. A NaN
error (a label that the data set does not have) is left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpe_edge.errors import InvalidArgumentError

SIGMAS = (1.0, 2.0)
Floats = NDArray[np.floating[Any]]
Doubles = NDArray[np.float64]


def nominal_coverage(sigma: float) -> float:
    """The share of a normal distribution within ``sigma`` standard deviations of its mean.

    >>> round(nominal_coverage(1), 3), round(nominal_coverage(2), 3)
    (0.683, 0.954)
    """
    return math.erf(sigma / math.sqrt(2.0))


def coverage(error_deg: Floats, std_deg: Floats, sigmas: Sequence[float] = SIGMAS) -> Doubles:
    """(len(sigmas), 3) share of the errors within each number of standard deviations, for each angle.

    NaN for an angle without labels. Raises InvalidArgumentError for other shapes, no row, and a spread that is
    not positive and finite.

    >>> coverage(np.array([[0.5, 1.5, 0.0]]), np.ones((1, 3))).tolist()
    [[1.0, 0.0, 1.0], [1.0, 1.0, 1.0]]
    """
    score = np.abs(z_score(error_deg, std_deg))
    inside = score[None] <= np.asarray(sigmas, np.float64)[:, None, None]
    share: Doubles = np.where(np.isnan(score).any(axis=0), np.nan, inside.mean(axis=1))
    return share


def fit_spread_scale(error_deg: Floats, std_deg: Floats, sigmas: Sequence[float] = SIGMAS) -> Doubles:
    """(3,) the factor on each angle's spread that brings its coverage closest to nominal; NaN without labels.

    One temperature an angle, after Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, and Laves
    et al., "Well-calibrated Regression Uncertainty in Medical Imaging", MIDL 2020. Their factor of greatest
    likelihood is the root mean square of z = error / spread: pose errors have heavy tails, so a few gross
    failures widen every spread. The 68 % quantile of abs(z) ignores them, and leaves too few errors within two
    sigmas. Here the misses at ``sigmas`` cancel: mean over k of P(abs(z) <= k s) = mean over k of the nominal
    share. For one and two sigmas that is the scale whose larger miss is smallest, since both shares grow with
    s; for normal errors all three choices agree. It is one quantile of the pooled abs(z) / k.

    Raises InvalidArgumentError as `coverage` does, and when the quantile is zero: such a spread has no scale.

    >>> rng = np.random.default_rng(0)
    >>> error = rng.normal(size=(20_000, 3)) * (2.0, 4.0, 6.0)
    >>> fit_spread_scale(error, np.full((20_000, 3), 2.0)).round(1).tolist()
    [1.0, 2.0, 3.0]
    """
    score = np.abs(z_score(error_deg, std_deg))
    pooled = np.concatenate([score / sigma for sigma in sigmas])
    share = float(np.mean([nominal_coverage(sigma) for sigma in sigmas]))
    scale: Doubles = np.quantile(pooled, share, axis=0)  # NaN where any is
    if (scale == 0.0).any():
        raise InvalidArgumentError(
            "error_deg: expected errors to fit a scale to, got zeros in most rows of one angle; "
            "fit on samples that the model was not trained on"
        )
    return scale


def z_score(error_deg: Floats, std_deg: Floats) -> Doubles:
    """(N, 3) error / spread, NaN where the error is; checks both. Raises InvalidArgumentError."""
    error, std = np.asarray(error_deg, np.float64), np.asarray(std_deg, np.float64)
    if error.ndim != 2 or error.shape[1] != 3 or len(error) == 0 or std.shape != error.shape:
        raise InvalidArgumentError(
            f"error_deg and std_deg: expected two arrays of one shape (N, 3), N >= 1, got {error.shape}, {std.shape}"
        )
    good = np.isfinite(std) & (std > 0.0)
    if not good.all():
        row = int(np.flatnonzero(~good.all(axis=1))[0])
        raise InvalidArgumentError(f"std_deg: expected positive, finite spreads, got {std[row]} in row {row}")
    labelled = np.isfinite(error)
    if (labelled.any(axis=0) != labelled.all(axis=0)).any():
        raise InvalidArgumentError("error_deg: expected each angle to be labelled in all rows or in none, got a mix")
    score: Doubles = error / std
    return score
