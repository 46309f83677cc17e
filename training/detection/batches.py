"""Batches of canvases for the loop; what is in one depends on (seed, number) only."""

from __future__ import annotations

import numpy as np
import torch
from hpe_edge.training.detection.canvas import Canvas, Composer
from hpe_edge.training.detection.losses import FaceTarget
from hpe_edge.training.detection.pictures import Image
from hpe_edge.training.detection.targets import assign
from torch import Tensor
from torch.utils.data import Dataset

MEAN, SCALE = 127.5, 1.0 / 128.0


class CanvasBatches(Dataset[tuple[Tensor, FaceTarget]]):
    """Batches ``first`` to ``last`` (without it) of ``size`` canvases each."""

    def __init__(self, composer: Composer, size: int, seed: int, first: int, last: int) -> None:
        self.composer, self.size, self.seed, self.first, self.last = composer, size, seed, first, last

    def __len__(self) -> int:
        return self.last - self.first

    def __getitem__(self, number: int) -> tuple[Tensor, FaceTarget]:
        rngs = (np.random.default_rng((self.seed, self.first + number, k)) for k in range(self.size))
        canvases = [self.composer(rng) for rng in rngs]
        return inputs_of(np.stack([canvas.image for canvas in canvases])), target_of(canvases)


def inputs_of(images: Image) -> Tensor:
    """Pictures (N, H, W, 3) as the network's input (N, 3, H, W)."""
    values = (images.astype(np.float32) - np.float32(MEAN)) * np.float32(SCALE)
    return torch.from_numpy(values).permute(0, 3, 1, 2)  # channels last in memory


def target_of(canvases: list[Canvas]) -> FaceTarget:
    """Labels of a batch."""
    boxes = [canvas.boxes_xyxy for canvas in canvases]
    cells = [assign(canvas.boxes_xyxy, canvas.sure, canvas.unknown) for canvas in canvases]
    first = np.cumsum([0, *map(len, boxes)])[:-1]
    return FaceTarget(
        cells=torch.from_numpy(np.stack(cells)),
        boxes=torch.from_numpy(np.concatenate(boxes)),
        landmarks=torch.from_numpy(np.concatenate([canvas.landmarks_xy for canvas in canvases])),
        first=torch.from_numpy(first),
    )
