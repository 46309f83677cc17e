"""Accuracy of head pose: MAE, geodesic error, MAEV, the error by |yaw| bin.

Angles are (N, 3) yaw, pitch, roll in degrees with the signs of docs/CONVENTIONS.md. A NaN label (a data set
without roll) leaves that angle out, and with it the two metrics that need a whole rotation.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpe_edge import _core
from hpe_edge.errors import InvalidArgumentError

YAW_BINS_DEG = ((0.0, 30.0), (30.0, 60.0), (60.0, 99.0))
Angles = NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True)
class YawBin:
    """Errors of the samples with ``low_deg <= |yaw| < high_deg`` (the last bin includes its end)."""

    low_deg: float
    high_deg: float
    count: int
    mae_deg: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    geodesic_deg: float


@dataclass(frozen=True)
class Metrics:
    """All accuracy figures of one evaluation, in degrees; NaN where the labels do not carry them.

    ``mae_deg`` is the mean of the three MAEs ``yaw_deg``, ``pitch_deg``, ``roll_deg``; ``bias`` is the mean
    of prediction minus truth.

    >>> measure(np.zeros((1, 3)), np.array([[3.0, 0.0, 0.0]])).mae_deg
    1.0
    """

    count: int
    mae_deg: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    geodesic_deg: float
    geodesic_median_deg: float
    maev_deg: float
    median_deg: tuple[float, float, float]
    bias_deg: tuple[float, float, float]
    by_yaw: tuple[YawBin, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, lists and None (for NaN), ready for JSON.

        >>> measure(np.zeros((1, 3)), np.zeros((1, 3))).as_dict()["mae_deg"]
        0.0
        """
        return {key: _without_nan(value) for key, value in asdict(self).items()}

    def table(self) -> str:
        """A table for people, markdown that also reads as plain text.

        >>> "geodesic" in measure(np.zeros((1, 3)), np.zeros((1, 3))).table()
        True
        """
        lines = [
            "| degrees | yaw | pitch | roll | mean | geodesic | MAEV |",
            "|---|---|---|---|---|---|---|",
            _row(
                f"MAE ({self.count})",
                (self.yaw_deg, self.pitch_deg, self.roll_deg, self.mae_deg, self.geodesic_deg, self.maev_deg),
            ),
            _row("median", (*self.median_deg, math.nan, self.geodesic_median_deg, math.nan)),
            _row("bias", (*self.bias_deg, math.nan, math.nan, math.nan)),
        ]
        for part in self.by_yaw:
            label = f"abs(yaw) {part.low_deg:g}-{part.high_deg:g} ({part.count})"
            values = (part.yaw_deg, part.pitch_deg, part.roll_deg, part.mae_deg, part.geodesic_deg, math.nan)
            lines.append(_row(label, values))
        return "\n".join(lines)


def measure(truth_deg: Angles, predicted_deg: Angles) -> Metrics:
    """All metrics of (N, 3) predictions against (N, 3) labels.

    Raises InvalidArgumentError for other shapes, no sample, a prediction that is not finite, and an angle
    that only some of the labels have.

    >>> round(measure(np.zeros((2, 3)), np.full((2, 3), 4.0)).yaw_deg, 3)
    4.0
    """
    truth, predicted = _checked(truth_deg, predicted_deg)
    per_angle = mae(truth, predicted)
    signed = difference_deg(truth, predicted)
    geodesic = geodesic_deg(truth, predicted)
    return Metrics(
        count=len(truth),
        mae_deg=mean_of_labelled(per_angle),
        yaw_deg=per_angle[0],
        pitch_deg=per_angle[1],
        roll_deg=per_angle[2],
        geodesic_deg=float(geodesic.mean()),
        geodesic_median_deg=float(np.median(geodesic)),
        maev_deg=float(maev_deg(truth, predicted).mean()),
        median_deg=_triple(np.median(np.abs(signed), axis=0)),
        bias_deg=_triple(signed.mean(axis=0)),
        by_yaw=by_yaw_bin(truth, predicted),
    )


def difference_deg(truth_deg: Angles, predicted_deg: Angles) -> NDArray[np.float64]:
    """Prediction minus truth, brought into [-180, 180): the plain difference unless that is beyond 180.

    >>> difference_deg(np.array([170.0]), np.array([-170.0])).tolist()
    [20.0]
    """
    plain = np.asarray(predicted_deg, np.float64) - np.asarray(truth_deg, np.float64)
    wrapped: NDArray[np.float64] = np.where(np.abs(plain) <= 180.0, plain, (plain + 180.0) % 360.0 - 180.0)
    return wrapped


def mae(truth_deg: Angles, predicted_deg: Angles) -> tuple[float, float, float]:
    """Mean absolute error of yaw, pitch, roll (NaN for an angle without labels).

    Source: the evaluation protocol of Hopenet (Ruiz et al., CVPRW 2018) and FSA-Net (Yang et al., CVPR 2019).

    >>> mae(np.zeros((1, 3)), np.array([[1.0, -2.0, 3.0]]))
    (1.0, 2.0, 3.0)
    """
    return _triple(np.abs(difference_deg(truth_deg, predicted_deg)).mean(axis=0))


def mean_of_labelled(per_angle: tuple[float, float, float]) -> float:
    """The mean over the angles that have labels: "MAE" without further words.

    >>> mean_of_labelled((2.0, 4.0, math.nan))
    3.0
    """
    return float(np.nanmean(per_angle))


def geodesic_deg(truth_deg: Angles, predicted_deg: Angles) -> NDArray[np.float64]:
    """(N,) angle of the rotation between prediction and truth, ``arccos((tr(R1^T R2) - 1) / 2)``.

    Source: the geodesic loss of Hempel et al., "6D Rotation Representation for Unconstrained Head Pose
    Estimation", ICIP 2022. Computed from the chord, ``|R1 - R2| = 2 sqrt(2) sin(angle / 2)``, which stays
    exact near zero.

    >>> geodesic_deg(np.zeros((1, 3)), np.array([[30.0, 0.0, 0.0]])).round(3).tolist()
    [30.0]
    """
    chord = np.linalg.norm(_rotation(truth_deg) - _rotation(predicted_deg), axis=(1, 2))
    angle: NDArray[np.float64] = np.rad2deg(2.0 * np.arcsin(np.clip(chord / math.sqrt(8.0), 0.0, 1.0)))
    return angle


def maev_deg(truth_deg: Angles, predicted_deg: Angles) -> NDArray[np.float64]:
    """(N,) mean angle between the three rotated head axes (the columns of R): MAEV.

    Source: Cao et al., "A Vector-based Representation to Enhance Head Pose Estimation", WACV 2021
    (mean absolute error of vectors).

    >>> maev_deg(np.zeros((1, 3)), np.array([[30.0, 0.0, 0.0]])).round(3).tolist()
    [20.0]
    """
    chord = np.linalg.norm(_rotation(truth_deg) - _rotation(predicted_deg), axis=1)  # (N, 3) columns
    angle: NDArray[np.float64] = np.rad2deg(2.0 * np.arcsin(np.clip(chord / 2.0, 0.0, 1.0))).mean(axis=1)
    return angle


def by_yaw_bin(truth_deg: Angles, predicted_deg: Angles) -> tuple[YawBin, ...]:
    """The errors of each bin of the true |yaw|; a bin without samples holds NaN.

    >>> [b.count for b in by_yaw_bin(np.array([[45.0, 0.0, 0.0]]), np.zeros((1, 3)))]
    [0, 1, 0]
    """
    truth, predicted = np.asarray(truth_deg, np.float64), np.asarray(predicted_deg, np.float64)
    yaw = np.abs(truth[:, 0])
    bins = []
    for low, high in YAW_BINS_DEG:
        inside = (yaw >= low) & ((yaw <= high) if high == YAW_BINS_DEG[-1][1] else (yaw < high))
        if not inside.any():
            bins.append(YawBin(low, high, 0, *[math.nan] * 5))
            continue
        errors = mae(truth[inside], predicted[inside])
        geodesic = float(geodesic_deg(truth[inside], predicted[inside]).mean())
        bins.append(YawBin(low, high, int(inside.sum()), mean_of_labelled(errors), *errors, geodesic))
    return tuple(bins)


def _rotation(euler_deg: Angles) -> NDArray[np.float64]:
    # A NaN angle gives a NaN matrix, and so a NaN metric; the core refuses NaN.
    euler = np.asarray(euler_deg, np.float64)
    rotation = np.full((len(euler), 3, 3), np.nan)
    known = np.isfinite(euler).all(axis=1)
    if known.any():
        rotation[known] = _core.euler_to_rotation(np.ascontiguousarray(euler[known]))
    return rotation


def _checked(truth_deg: Angles, predicted_deg: Angles) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    truth, predicted = np.asarray(truth_deg, np.float64), np.asarray(predicted_deg, np.float64)
    if truth.ndim != 2 or truth.shape[1] != 3 or len(truth) == 0 or predicted.shape != truth.shape:
        raise InvalidArgumentError(
            "truth_deg and predicted_deg: expected two arrays of one shape (N, 3), N >= 1, "
            f"got {truth.shape} and {predicted.shape}"
        )
    if not np.isfinite(predicted).all():
        first = int(np.flatnonzero(~np.isfinite(predicted).all(axis=1))[0])
        raise InvalidArgumentError(f"predicted_deg: expected finite angles, got {predicted[first]} in row {first}")
    labelled = np.isfinite(truth)
    if (labelled.any(axis=0) != labelled.all(axis=0)).any() or not labelled.any():
        raise InvalidArgumentError("truth_deg: expected each angle to be labelled in all rows or in none, got a mix")
    return truth, predicted


def _triple(values: NDArray[np.float64]) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])


def _row(label: str, values: tuple[float, ...]) -> str:
    cells = " | ".join("" if math.isnan(value) else f"{value:.2f}" for value in values)
    return f"| {label} | {cells} |"


def _without_nan(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
