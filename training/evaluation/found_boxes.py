"""Photographs with the box that a detector found in place of the labelled one: the whole pipeline, scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from hpe_edge.training.data.samples import Sample
from hpe_edge.training.detection.evaluation.detectors import Candidate
from hpe_edge.training.detection.evaluation.measure import LOOSE_IOU, Progress, certain, run_detector
from hpe_edge.training.detection.evaluation.sets import PictureSet, of_sample

from hpe_edge.errors import DatasetError
from hpe_edge.tracking.association import iou


@dataclass(frozen=True)
class FoundBoxes:
    """The samples whose face was found, with the found box and with their own; the names of the others."""

    samples: list[Sample]
    labelled: list[Sample]
    missed: tuple[str, ...]
    mean_iou: float


def find_boxes(candidate: Candidate, samples: Sequence[Sample], *, progress: Progress = iter) -> FoundBoxes:
    """Detect in every photograph and take the box that overlaps the labelled one best.

    A photograph may show more people than its label, so the best score may be another person's. A box below the
    detector's own threshold, or with an IoU below `LOOSE_IOU` with the labelled one, is no find: such images are left
    out of ``samples`` and named in ``missed``. Raises DatasetError as `run_detector`, and where no face is found.
    """
    pictures = PictureSet("samples", [of_sample(sample) for sample in samples])
    found, labelled, missed, ious = [], [], [], []
    results = run_detector(candidate, pictures, progress=progress).found
    for sample, detections in zip(samples, results, strict=True):
        boxes = detections.boxes_xyxy[certain(detections) >= candidate.threshold]
        overlap = iou(boxes.astype(np.float64), sample.box_xyxy[None].astype(np.float64))[:, 0]
        if len(overlap) and overlap.max() >= LOOSE_IOU:
            found.append(replace(sample, box_xyxy=boxes[int(overlap.argmax())]))
            labelled.append(sample)
            ious.append(float(overlap.max()))
        else:
            missed.append(sample.name)
    if not found:
        raise DatasetError(f"detector {candidate.name}: expected a face in one of {len(samples)} images, got none")
    return FoundBoxes(found, labelled, tuple(missed), float(np.mean(ious)))
