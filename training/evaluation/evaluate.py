"""Score a predictor on labelled photographs.

A predictor is any function of a photograph and face boxes that returns poses, so the SDK's HeadPose, a network
still in training, several networks together and a constant guess are scored by the same lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from hpe_edge.training.data.samples import Sample
from hpe_edge.training.evaluation.calibration import Calibration, calibrate
from hpe_edge.training.evaluation.fusion import Predict, average
from hpe_edge.training.evaluation.metrics import Metrics, difference_deg, mae, mean_of_labelled, measure
from numpy.typing import NDArray

from hpe_edge import HeadPoses, _core
from hpe_edge.errors import DatasetError, HpeEdgeError, InvalidArgumentError

Progress = Callable[[Sequence[Sample]], Iterable[Sample]]
MARGINS = tuple(round(0.1 * step, 1) for step in range(9))  # 0 to 0.8, the curve of docs/CONVENTIONS.md


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Labels and predictions side by side, (N, 3) float32 degrees, in the order of ``names``.

    ``std_deg`` is the predicted spread, None for a model that gives none.
    """

    names: tuple[str, ...]
    truth_deg: NDArray[np.float32]
    predicted_deg: NDArray[np.float32]
    std_deg: NDArray[np.float32] | None = None

    @cached_property
    def metrics(self) -> Metrics:
        """Every metric of the predictions."""
        return measure(self.truth_deg, self.predicted_deg)

    @cached_property
    def calibration(self) -> Calibration | None:
        """How well the spread describes the errors, None without a spread."""
        if self.std_deg is None:
            return None
        return calibrate(difference_deg(self.truth_deg, self.predicted_deg), self.std_deg)


@dataclass(frozen=True)
class PitchZero:
    """The pitch constant that fits the labels best, as a rotation and as a plain sum.

    ``rotation_deg`` is the card's ``pitch_zero_deg``: R' = R Rx(c). ``additive_deg`` is added to pitch alone.
    Fitted on the labels it is scored on, so its MAE is optimistic.
    """

    rotation_deg: float
    rotation_mae_deg: float
    additive_deg: float
    additive_mae_deg: float


def evaluate(
    predict: Predict, samples: Sequence[Sample], *, flip: bool = False, progress: Progress = iter
) -> Evaluation:
    """Predict every sample, one photograph at a time.

    ``flip`` also predicts the mirrored photograph and averages (yaw and roll change sign). ``progress``
    wraps the samples, e.g. in tqdm. Raises DatasetError naming the sample that cannot be read or predicted.

    >>> def zeros(image_bgr, boxes_xyxy):
    ...     return HeadPoses.from_euler(np.zeros((len(boxes_xyxy), 3)), boxes_xyxy)
    >>> evaluate(zeros, samples).metrics.mae_deg  # doctest: +SKIP
    """
    if not samples:
        raise DatasetError("samples: expected at least one sample to score, got none")
    poses = [_predict_one(predict, sample, flip) for sample in progress(samples)]
    predicted, std = (np.concatenate([getattr(p, name) for p in poses]) for name in ("euler_deg", "std_deg"))
    names = tuple(sample.name for sample in samples)
    return Evaluation(names, truth_of(samples), predicted, None if np.isnan(std).all() else std)


def _predict_one(predict: Predict, sample: Sample, flip: bool) -> HeadPoses:
    image_bgr, boxes_xyxy = sample.image_bgr(), sample.box_xyxy[None]
    try:
        poses = predict(image_bgr, boxes_xyxy)
        if flip:
            poses = average([poses, predict_mirrored(predict, image_bgr, boxes_xyxy)])
        if len(poses) != 1 or not np.isfinite(poses.euler_deg).all():
            raise InvalidArgumentError(f"predictor: expected one pose of finite angles for one box, got {poses}")
    except HpeEdgeError as error:
        raise DatasetError(f"sample {sample.name}: {error}") from error
    return poses


def predict_mirrored(predict: Predict, image_bgr: NDArray[np.uint8], boxes_xyxy: NDArray[np.float32]) -> HeadPoses:
    """Predict on the mirror image and mirror the poses back."""
    width = image_bgr.shape[1]
    mirrored_boxes = np.stack(
        [width - boxes_xyxy[:, 2], boxes_xyxy[:, 1], width - boxes_xyxy[:, 0], boxes_xyxy[:, 3]], axis=1
    )
    mirrored = predict(np.ascontiguousarray(image_bgr[:, ::-1]), mirrored_boxes)
    euler_deg = mirrored.euler_deg * np.array([-1, 1, -1], np.float32)
    return HeadPoses.from_euler(euler_deg, boxes_xyxy, mirrored.std_deg)


def constant_baseline(samples: Sequence[Sample]) -> Evaluation:
    """The best constant guess, the mean label: what a model must beat to have learned anything."""
    truth = truth_of(samples)
    guess = np.nan_to_num(truth).mean(axis=0).astype(np.float32)  # 0 for an angle without labels
    return Evaluation(tuple(s.name for s in samples), truth, np.tile(guess, (len(truth), 1)))


def margin_curve(
    predict_at: Callable[[float], Predict],
    samples: Sequence[Sample],
    *,
    flip: bool = False,
    progress: Progress = iter,
    margins: Sequence[float] = MARGINS,
) -> list[tuple[float, Metrics]]:
    """The metrics at each crop margin; ``predict_at(margin)`` makes the predictor of one."""
    return [(m, evaluate(predict_at(m), samples, flip=flip, progress=progress).metrics) for m in margins]


def fit_pitch_zero(evaluation: Evaluation, *, reach_deg: float = 20.0) -> PitchZero:
    """Fit the pitch-zero constant within +-``reach_deg`` by a coarse and a fine scan (to 0.05 degrees).

    Rendered heads and 300W-LP labels disagree on the head that looks straight ahead; the difference is a
    fixed rotation of the head frame about its x axis, hence `_core.offset_pitch_zero`. A NaN roll label
    leaves roll out of the sum. Raises InvalidArgumentError where the labels have no pitch.
    """
    if not np.isfinite(evaluation.truth_deg[:, 1]).all():
        raise InvalidArgumentError("pitch zero: expected labels with pitch to fit it on, got a data set without")

    def mae_at(offset_deg: float) -> float:
        shifted = _core.offset_pitch_zero(evaluation.predicted_deg, offset_deg)
        return mean_of_labelled(mae(evaluation.truth_deg, shifted))

    coarse = min(np.arange(-reach_deg, reach_deg + 0.5), key=lambda c: mae_at(float(c)))
    fine = min(coarse + np.arange(-20, 21) * 0.05, key=lambda c: mae_at(float(c)))
    # The median of the residuals minimises the mean absolute error of a sum.
    additive = float(np.median(evaluation.truth_deg[:, 1] - evaluation.predicted_deg[:, 1]))
    added = evaluation.predicted_deg + np.array([0, additive, 0], np.float32)
    return PitchZero(
        rotation_deg=round(float(fine), 2),
        rotation_mae_deg=mae_at(float(fine)),
        additive_deg=round(additive, 2),
        additive_mae_deg=mean_of_labelled(mae(evaluation.truth_deg, added)),
    )


def truth_of(samples: Sequence[Sample]) -> NDArray[np.float32]:
    """(N, 3) the labels of the samples."""
    return np.stack([sample.euler_deg for sample in samples])
