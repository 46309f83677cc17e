"""What a detector finds in a set of pictures, and the figures of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from hpe_edge.training.detection.evaluation.detectors import Candidate
from hpe_edge.training.detection.evaluation.matching import centre_hits, match
from hpe_edge.training.detection.evaluation.sets import FacePicture, PictureSet
from hpe_edge.training.likeness.detector import HitRate, hit_rate, wilson
from numpy.typing import NDArray

from hpe_edge.errors import DatasetError, HpeEdgeError
from hpe_edge.results import Detections
from hpe_edge.tracking.association import iou

Floats = NDArray[np.float64]
Progress = Callable[[Sequence[FacePicture]], Iterable[FacePicture]]

TIGHT_IOU, LOOSE_IOU = 0.5, 0.3
RULES = ("tight", "loose", "centre")
"""IoU of at least 0.5; of at least 0.3; or the centre in the face's box and a size within a factor of two."""


@dataclass(frozen=True, eq=False)
class Faces:
    """The labelled faces of a set, and which were found.

    yaw_deg: (F,). iou: (F,) of the box that matched loosely, NaN without. landmark_error: (F,) mean distance of the
    five points as a share of the root of the face box's area, NaN without. scores: by rule (F,) the matching box's
    score, -inf for a face that was missed at any threshold.
    """

    yaw_deg: Floats
    iou: Floats
    landmark_error: Floats
    scores: dict[str, Floats]


@dataclass(frozen=True, eq=False)
class Findings:
    """What one detector found in one set: every box, the faces, and the median CPU time of a picture."""

    candidate: Candidate
    pictures: PictureSet
    found: list[Detections]
    faces: Faces
    median_ms: float

    def extra_scores(self) -> Floats:
        """Scores of the boxes that match no labelled face loosely: false alarms in a faceless set."""
        scores = []
        for picture, found in zip(self.pictures.pictures, self.found, strict=True):
            free = np.ones(len(found), bool)
            taken = _matches(picture, found)["loose"]
            free[taken[taken >= 0]] = False
            scores.append(certain(found)[free])
        return np.concatenate(scores) if scores else np.zeros(0)


@dataclass(frozen=True)
class Rates:
    """The figures of one detector on one set at its own threshold; shares have their 95 % Wilson interval."""

    count: int
    faces: int
    recall: dict[str, float]
    recall_95: dict[str, tuple[float, float]]
    mean_iou: float | None
    landmark_error: float | None
    extra_a_picture: float
    median_ms: float
    by_yaw: HitRate | None

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON, what is NaN as null."""
        cleaned: dict[str, Any] = _without_nan(asdict(self))
        return cleaned


def run_detector(candidate: Candidate, pictures: PictureSet, *, progress: Progress = iter) -> Findings:
    """Detect in every picture, one after another, in CPU time: that of one idle core, whatever else the machine does.

    Raises DatasetError naming the picture that cannot be read or used, and for a set without pictures.
    """
    found, times_s = [], []
    for picture in progress(pictures.pictures):
        image = picture.read()
        start = time.process_time()
        try:
            found.append(candidate.detector.detect(image, "bgr8"))
        except HpeEdgeError as error:
            raise DatasetError(f"picture {picture.name}: {error}") from error
        times_s.append(time.process_time() - start)
    if not found:
        raise DatasetError(f"{pictures.name}: expected at least one picture, got none")
    return Findings(candidate, pictures, found, _faces(pictures, found), 1e3 * float(np.median(times_s)))


def certain(found: Detections) -> Floats:
    """(D,) scores; 1 where the detector gives none."""
    return np.nan_to_num(found.scores.astype(np.float64), nan=1.0)


def _matches(picture: FacePicture, found: Detections) -> dict[str, NDArray[np.int64]]:
    """The box of each face (T,) by rule, -1 for none."""
    boxes, scores = found.boxes_xyxy.astype(np.float64), certain(found)
    overlap = iou(boxes, picture.faces_xyxy)
    # A centre in the box implies some overlap; the offset keeps a hit apart from a miss of IoU 0.
    hits = np.where(centre_hits(boxes, picture.faces_xyxy), 1.0 + overlap, 0.0)
    return {
        "tight": match(overlap, scores, TIGHT_IOU),
        "loose": match(overlap, scores, LOOSE_IOU),
        "centre": match(hits, scores, 1.0),
    }


def _faces(pictures: PictureSet, found: Sequence[Detections]) -> Faces:
    rows: list[tuple[float, float, float, list[float]]] = []
    for picture, boxes in zip(pictures.pictures, found, strict=True):
        taken, scores = _matches(picture, boxes), certain(boxes)
        overlap = iou(boxes.boxes_xyxy.astype(np.float64), picture.faces_xyxy)
        for face, box in enumerate(taken["loose"]):
            shared = math.nan if box < 0 else float(overlap[box, face])
            error = math.nan if box < 0 else _landmark_error(picture, face, boxes.landmarks_xy[box])
            of_rule = [float(scores[taken[rule][face]]) if taken[rule][face] >= 0 else -math.inf for rule in RULES]
            rows.append((float(picture.yaw_deg[face]), shared, error, of_rule))
    table = np.array([(yaw, iou, error, *scores) for yaw, iou, error, scores in rows], np.float64).reshape(-1, 6)
    return Faces(table[:, 0], table[:, 1], table[:, 2], {rule: table[:, 3 + i] for i, rule in enumerate(RULES)})


def _landmark_error(picture: FacePicture, face: int, points_xy: NDArray[np.float32]) -> float:
    size = math.sqrt(float((picture.faces_xyxy[face, 2:] - picture.faces_xyxy[face, :2]).prod()))
    return float(np.linalg.norm(points_xy - picture.landmarks_xy[face], axis=-1).mean()) / size


def rates(findings: Findings) -> Rates:
    """The figures at the detector's own threshold."""
    faces, threshold = findings.faces, findings.candidate.threshold
    hits = {rule: faces.scores[rule] >= max(threshold, -1e9) for rule in RULES}
    count = len(faces.yaw_deg)
    used = hits["loose"]
    labelled = bool(np.isfinite(faces.yaw_deg).all()) and count > 0
    return Rates(
        count=len(findings.found),
        faces=count,
        recall={rule: float(hit.mean()) for rule, hit in hits.items()} if count else {},
        recall_95={rule: wilson(int(hit.sum()), count) for rule, hit in hits.items()} if count else {},
        mean_iou=_mean(faces.iou[used]),
        landmark_error=_mean(faces.landmark_error[used]),
        extra_a_picture=float((findings.extra_scores() >= threshold).sum()) / len(findings.found),
        median_ms=findings.median_ms,
        by_yaw=hit_rate(faces.yaw_deg, hits["tight"]) if labelled else None,
    )


def curve(faces: Findings, faceless: Sequence[Findings], rule: str = "tight") -> list[list[float]]:
    """Threshold, false alarms a picture, recall: from the surest boxes down in steps of 0.01 to all that there are."""
    alarms = np.concatenate([findings.extra_scores() for findings in faceless])
    count = sum(len(findings.found) for findings in faceless)
    scores = faces.faces.scores[rule]
    given = np.concatenate([scores[np.isfinite(scores)], alarms])
    if not len(given):
        return []
    steps = np.arange(math.floor(100 * given.max()), math.floor(100 * given.min()) - 1, -1) / 100
    return [[float(s), float((alarms >= s).sum()) / count, float((scores >= s).mean())] for s in steps]


def _mean(values: Floats) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
