"""How a detector in training does on rendered scenes that it has not seen."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import torch
from hpe_edge.training.detection.batches import inputs_of
from hpe_edge.training.detection.network import cell_places, cells, decode_boxes
from hpe_edge.training.detection.pictures import FACE, NOTHING, Floats, Pictures
from torch import nn

from hpe_edge.tracking.association import iou

SCORE, NMS_IOU, MATCH_IOU = 0.4, 0.4, 0.5
SMALLEST_PX = 10.0
_BATCH = 20


@torch.no_grad()
def found_boxes(model: nn.Module, images: npt.NDArray[np.uint8]) -> list[Floats]:
    """Boxes (K, 4) of each picture (N, S, S, 3), after the suppression of overlapping ones."""
    side = images.shape[1]
    values = cells(model(inputs_of(images)))
    boxes, scores = decode_boxes(values, cell_places(side, side)).numpy(), values[..., 0].sigmoid().numpy()
    kept = []
    for mine, score in zip(boxes, scores, strict=True):
        corners = np.concatenate([mine[:, :2], mine[:, 2:] - mine[:, :2]], 1)
        chosen = cv2.dnn.NMSBoxes(corners.tolist(), score.tolist(), SCORE, NMS_IOU)
        kept.append(mine[np.asarray(chosen, int).ravel()])
    return kept


def validate(model: nn.Module, scenes: Pictures) -> dict[str, float]:
    """``recall`` of faces of 10 pixels and more at IoU 0.5, and ``false_alarms`` a picture."""
    model.eval()
    found, wanted, wrong = 0, 0, 0
    for start in range(0, len(scenes), _BATCH):
        numbers = range(start, min(start + _BATCH, len(scenes)))
        for number, boxes in zip(numbers, found_boxes(model, np.asarray(scenes.images[numbers[0] : numbers[-1] + 1])),
                                 strict=True):  # fmt: skip
            labels, _, kinds = scenes.faces(number)
            sides = np.sqrt(np.prod(np.maximum(labels[:, 2:] - labels[:, :2], 0), -1))
            sure = (kinds == FACE) & (sides >= SMALLEST_PX) & _inside(labels, scenes.images.shape[1])
            overlap = iou(boxes, labels) >= MATCH_IOU
            found += int(overlap[:, sure].any(0).sum())
            wanted += int(sure.sum())
            wrong += int((~(iou(boxes, labels[kinds != NOTHING]) >= 0.3).any(1)).sum())
    return {"recall": found / max(wanted, 1), "false_alarms": wrong / len(scenes)}


def _inside(boxes: Floats, side: int) -> npt.NDArray[np.bool_]:
    """Whose middle lies in the picture."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.asarray(((middle > 0) & (middle < side)).all(1), bool)
