"""Calibration of the predicted spread: does one standard deviation hold what it promises?

Errors and spreads are (N, 3) yaw, pitch, roll in degrees; an error is `metrics.difference_deg`. A NaN
error (a label that the data set does not have) is left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpe_edge.errors import InvalidArgumentError

ANGLES = ("yaw", "pitch", "roll")
SIGMAS = (1.0, 2.0)
LEVELS = tuple(round(0.05 * step, 2) for step in range(1, 20))
"""Shares of a normal distribution, 0.05 to 0.95, at which the reliability curve is read."""
MIN_STD_DEG = 0.01
"""Spreads below this count as this: a softmax that saturates in float32 claims a spread of zero."""

Floats = NDArray[np.floating[Any]]
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class SpreadQuality:
    """How well the spread of one angle, or of all together, describes the errors.

    ``coverage``: share of the errors within one and two standard deviations. ``nll``: mean negative logarithm
    of the normal density, in nats. ``z_rms``: root mean square of error / spread, 1 when both agree.
    ``ece``: mean distance of the reliability curve ``observed`` (the coverage at `LEVELS`) from the diagonal,
    0 to 0.5 (calibration of regressions: Kuleshov et al., ICML 2018). ``best_scale``: `fit_spread_scale`
    of these very errors. ``ause_deg`` and ``gain_deg``: see `sparsification`.
    """

    coverage: tuple[float, ...]
    mean_std_deg: float
    nll: float
    z_rms: float
    ece: float
    best_scale: float
    ause_deg: float
    gain_deg: float
    observed: tuple[float, ...]


@dataclass(frozen=True)
class Calibration:
    """The quality of the spread by angle (those with labels), and ``overall``: their errors pooled."""

    by_angle: Mapping[str, SpreadQuality]
    overall: SpreadQuality

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers and lists, ready for JSON; None for an angle without labels.

        >>> calibrate(np.ones((2, 3)), np.ones((2, 3))).as_dict()["yaw"]["coverage"]
        [1.0, 1.0]
        """
        parts = {name: self.by_angle.get(name) for name in ANGLES} | {"overall": self.overall}
        plain = {name: _plain(part) for name, part in parts.items()}
        return {"levels": list(LEVELS), "nominal": [nominal_coverage(s) for s in SIGMAS], **plain}

    def table(self) -> str:
        """A table for people, markdown that also reads as plain text.

        >>> "within 1 sigma" in calibrate(np.ones((2, 3)), np.ones((2, 3))).table()
        True
        """
        parts = [self.by_angle.get(name) for name in ANGLES] + [self.overall]
        lines = ["| spread | yaw | pitch | roll | all |", "|---|---|---|---|---|"]
        for index, sigma in enumerate(SIGMAS):
            label = f"within {sigma:g} sigma (nominal {100 * nominal_coverage(sigma):.1f} %)"
            lines.append(_row(label, [None if p is None else 100 * p.coverage[index] for p in parts], 1))
        rows = (
            ("mean spread, degrees", "mean_std_deg"), ("rms of error / spread", "z_rms"), ("NLL, nats", "nll"),
            ("calibration error (ECE)", "ece"), ("scale that would cover best", "best_scale"),
            ("AUSE, degrees", "ause_deg"), ("gain over chance, degrees", "gain_deg"),
        )  # fmt: skip
        lines += [_row(label, [None if p is None else getattr(p, key) for p in parts], 3) for label, key in rows]
        return "\n".join(lines)


def calibrate(error_deg: Floats, std_deg: Floats) -> Calibration:
    """Every measure of the spread. Raises InvalidArgumentError as `coverage` does.

    >>> rng = np.random.default_rng(0)
    >>> found = calibrate(rng.normal(size=(20_000, 3)), np.ones((20_000, 3))).overall
    >>> [round(share, 2) for share in found.coverage], round(found.z_rms, 2), round(found.ece, 2)
    ([0.68, 0.95], 1.0, 0.0)
    """
    z = z_score(error_deg, std_deg)
    labelled = np.asarray(np.isfinite(z).all(axis=0))
    if not labelled.any():
        raise InvalidArgumentError("error_deg: expected labels of at least one angle, got none")
    error, std = np.abs(np.asarray(error_deg, np.float64)), floored(std_deg)
    by_angle = {
        name: _quality(z[:, i], std[:, i], sparsification(error[:, i], std[:, i]))
        for i, name in enumerate(ANGLES)
        if labelled[i]
    }
    ranking = sparsification(error[:, labelled].mean(axis=1), std[:, labelled].mean(axis=1))
    return Calibration(by_angle, _quality(z[:, labelled].ravel(), std[:, labelled].ravel(), ranking))


def nominal_coverage(sigma: float) -> float:
    """The share of a normal distribution within ``sigma`` standard deviations of its mean.

    >>> round(nominal_coverage(1), 3), round(nominal_coverage(2), 3)
    (0.683, 0.954)
    """
    return math.erf(sigma / math.sqrt(2.0))


def coverage(error_deg: Floats, std_deg: Floats, sigmas: Sequence[float] = SIGMAS) -> Doubles:
    """(len(sigmas), 3) share of the errors within each number of standard deviations, for each angle.

    NaN for an angle without labels. Raises InvalidArgumentError for other shapes, no row, and a spread that is
    negative or not finite.

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
    scale = _best_scale(np.abs(z_score(error_deg, std_deg)), sigmas)
    if (scale == 0.0).any():
        raise InvalidArgumentError(
            "error_deg: expected errors to fit a scale to, got zeros in most rows of one angle; "
            "fit on samples that the model was not trained on"
        )
    return scale


def z_score(error_deg: Floats, std_deg: Floats) -> Doubles:
    """(N, 3) error / spread (at least `MIN_STD_DEG`), NaN where the error is.

    Raises InvalidArgumentError as `coverage` does.

    >>> z_score(np.array([[1.0, -4.0, np.nan]]), np.full((1, 3), 2.0)).tolist()
    [[0.5, -2.0, nan]]
    """
    error, std = np.asarray(error_deg, np.float64), np.asarray(std_deg, np.float64)
    if error.ndim != 2 or error.shape[1] != 3 or len(error) == 0 or std.shape != error.shape:
        raise InvalidArgumentError(
            f"error_deg and std_deg: expected two arrays of one shape (N, 3), N >= 1, got {error.shape}, {std.shape}"
        )
    good = np.asarray(np.isfinite(std) & (std >= 0.0))
    if not good.all():
        row = int(np.flatnonzero(~good.all(axis=1))[0])
        raise InvalidArgumentError(f"std_deg: expected finite spreads, 0 or more, got {std[row]} in row {row}")
    labelled = np.isfinite(error)
    if (labelled.any(axis=0) != labelled.all(axis=0)).any():
        raise InvalidArgumentError("error_deg: expected each angle to be labelled in all rows or in none, got a mix")
    score: Doubles = error / floored(std)
    return score


def floored(std_deg: Floats) -> Doubles:
    """The spreads, at least `MIN_STD_DEG`.

    >>> floored(np.array([0.0, 2.0])).tolist()
    [0.01, 2.0]
    """
    return np.maximum(np.asarray(std_deg, np.float64), MIN_STD_DEG)


def sparsification(error_deg: Doubles, std_deg: Doubles) -> Doubles:
    """(3, 20) degrees: mean error of what stays when 0, 5, ... 95 % of the samples are dropped.

    Rows: dropped by largest spread first; by largest error first (the best order there is); at random. The mean
    distance of the first from the second is AUSE, 0 when the spread ranks the errors perfectly; that of the
    third from the first is the gain over chance, 0 or less when it does not rank them. Source: Ilg et al.,
    "Uncertainty Estimates and Multi-hypotheses Networks for Optical Flow", ECCV 2018; Poggi et al., "On the
    Uncertainty of Self-supervised Monocular Depth Estimation", CVPR 2020. (N,) errors >= 0 and (N,) spreads.

    >>> sparsification(np.array([1.0, 3.0]), np.array([2.0, 1.0]))[:, [0, 19]].tolist()
    [[2.0, 3.0], [2.0, 1.0], [2.0, 2.0]]
    """
    count = len(error_deg)
    kept = -(-count * np.arange(20, 0, -1) // 20)  # rounded up, at least one

    def curve(order: NDArray[np.intp]) -> Doubles:
        mean: Doubles = (np.cumsum(error_deg[order]) / np.arange(1, count + 1))[kept - 1]
        return mean

    by_spread, by_error = (curve(np.argsort(key, kind="stable")) for key in (std_deg, error_deg))
    return np.stack([by_spread, by_error, np.full(20, error_deg.mean())])


def reliability(z: Doubles) -> Doubles:
    """(19,) share of abs(z) within the central interval that holds each of `LEVELS` of a normal distribution.

    >>> float(reliability(np.array([0.0, 9.0]))[0])
    0.5
    """
    reach = np.array([NormalDist().inv_cdf(0.5 + level / 2) for level in LEVELS])
    share: Doubles = (np.abs(z)[None] <= reach[:, None]).mean(axis=1)
    return share


def _quality(z: Doubles, std_deg: Doubles, ranking: Doubles) -> SpreadQuality:
    """From (M,) scores, (M,) spreads and the (3, 20) curves of `sparsification`."""
    observed = reliability(z)
    by_spread, by_error, by_chance = ranking
    return SpreadQuality(
        coverage=tuple(float((np.abs(z) <= sigma).mean()) for sigma in SIGMAS),
        mean_std_deg=float(std_deg.mean()),
        nll=float((0.5 * z**2 + np.log(std_deg)).mean() + 0.5 * math.log(2.0 * math.pi)),
        z_rms=float(np.sqrt((z**2).mean())),
        ece=float(np.abs(observed - LEVELS).mean()),
        best_scale=float(_best_scale(np.abs(z), SIGMAS)),
        ause_deg=float((by_spread - by_error).mean()),
        gain_deg=float((by_chance - by_spread).mean()),
        observed=tuple(float(share) for share in observed),
    )


def _best_scale(score: Doubles, sigmas: Sequence[float]) -> Doubles:
    """The quantile of `fit_spread_scale` along the first axis of abs(z); NaN where any is."""
    pooled = np.concatenate([score / sigma for sigma in sigmas])
    share = float(np.mean([nominal_coverage(sigma) for sigma in sigmas]))
    return np.asarray(np.quantile(pooled, share, axis=0), np.float64)


def _plain(part: SpreadQuality | None) -> dict[str, Any] | None:
    if part is None:
        return None
    return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(part).items()}


def _row(label: str, values: Sequence[float | None], digits: int) -> str:
    return f"| {label} | {' | '.join('' if v is None else f'{v:.{digits}f}' for v in values)} |"
