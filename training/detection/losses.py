"""The detector's loss: quality of the box as the score, overlap of the boxes, distance of the landmarks."""

from __future__ import annotations

from typing import NamedTuple

import torch
from hpe_edge.training.detection.config import FaceTraining
from hpe_edge.training.detection.network import decode_boxes, decode_landmarks
from hpe_edge.training.detection.targets import LEFT_OUT
from torch import Tensor, nn


class FaceTarget(NamedTuple):
    """cells: (N, cells), as `targets.assign`, faces counted from the ``first`` (N,) of their picture.

    boxes: (F, 4) and landmarks: (F, 5, 2) of all pictures, in pixels.
    """

    cells: Tensor
    boxes: Tensor
    landmarks: Tensor
    first: Tensor


def overlaps(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and generalised IoU (Rezatofighi et al., CVPR 2019) of boxes (N, 4), pair by pair.

    >>> overlaps(torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[1.0, 0, 3, 2]]))[0].item()
    0.3333333432674408
    """

    def area(low: Tensor, high: Tensor) -> Tensor:
        return (high - low).clamp(min=0).prod(-1)

    low, high = torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])
    common = area(low, high)
    union = area(a[:, :2], a[:, 2:]) + area(b[:, :2], b[:, 2:]) - common
    hull = area(torch.minimum(a[:, :2], b[:, :2]), torch.maximum(a[:, 2:], b[:, 2:]))
    iou = common / union.clamp(min=1e-6)
    return iou, iou - (hull - union) / hull.clamp(min=1e-6)


def quality_focal(logits: Tensor, quality: Tensor) -> Tensor:
    """Quality focal loss, summed: Li et al., "Generalized Focal Loss" (NeurIPS 2020), eq. 1 with beta 2."""
    weight = (torch.sigmoid(logits) - quality).abs().square()
    return (weight * nn.functional.binary_cross_entropy_with_logits(logits, quality, reduction="none")).sum()


def face_loss(values: Tensor, places: Tensor, target: FaceTarget, config: FaceTraining) -> dict[str, Tensor]:
    """The weighted terms ``score``, ``box``, ``landmarks`` of raw values (N, cells, 15), per cell with a face."""
    image, cell = torch.nonzero(target.cells >= 0, as_tuple=True)
    face = target.cells[image, cell] + target.first[image]
    chosen, here = values[image, cell], places[cell]
    boxes, wanted = decode_boxes(chosen, here), target.boxes[face]
    iou, giou = overlaps(boxes, wanted)
    quality = torch.zeros_like(values[..., 0])
    quality[image, cell] = iou.detach().clamp(0, 1)
    counted = target.cells != LEFT_OUT
    size = (wanted[:, 2:] - wanted[:, :2]).mean(-1)[:, None, None]
    apart = (decode_landmarks(chosen, here) - target.landmarks[face]) / size
    many = max(1, len(face))
    return {
        "score": quality_focal(values[..., 0][counted], quality[counted]) / many,
        "box": config.box_weight * (1.0 - giou).sum() / many,
        "landmarks": config.landmark_weight * nn.functional.smooth_l1_loss(
            apart, torch.zeros_like(apart), beta=0.05, reduction="sum"
        ) / (5 * many),
    }  # fmt: skip
