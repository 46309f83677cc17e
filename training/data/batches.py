"""Batches of augmented heads for the training loop, and the fixed batches of validation.

A loader item is a whole batch: one transfer for each batch between processes. What is in it
depends on (seed, epoch, batch number) only, so the number of loader processes changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import torch
from hpe_edge.training.augment import Augmenter, Drawn, InputSpec, Pose, box_of, cut, in_crop, sample_rng
from hpe_edge.training.data.shards import Heads
from hpe_edge.training.losses import PoseTarget
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from hpe_edge.errors import DatasetError


class Batch(NamedTuple):
    """inputs: (B, 3, S, S) float32. target: labels. teacher_inputs: (B, 3, T, T) of a teacher, or None."""

    inputs: Tensor
    target: PoseTarget
    teacher_inputs: Tensor | None = None


class EpochBatches(Dataset[Batch]):
    """The batches of one epoch, or a process's part (rank, size) of each: together they are the whole batch."""

    def __init__(
        self, heads: Heads, indices: npt.NDArray[np.int64], augmenter: Augmenter, batch_size: int, seed: int,
        epoch: int, part: tuple[int, int] = (0, 1),
    ) -> None:  # fmt: skip
        if len(indices) < batch_size:
            raise DatasetError(f"training set: expected at least one batch of {batch_size}, got {len(indices)}")
        if batch_size % part[1]:
            raise DatasetError(f"optim.batch_size: expected a multiple of the {part[1]} processes, got {batch_size}")
        self.heads = heads
        self.augmenter = augmenter
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = epoch
        self.part = part
        order = np.random.default_rng((seed, epoch)).permutation(len(indices))
        self.order = indices[order]

    def __len__(self) -> int:
        return len(self.order) // self.batch_size

    def __getitem__(self, number: int) -> Batch:
        chosen = self.order[number * self.batch_size : (number + 1) * self.batch_size]
        chosen = chosen[self.part[0] :: self.part[1]]
        drawn = [self._draw(int(index)) for index in chosen]
        visible = [self.heads.landmarks_visible[index][one.order] for index, one in zip(chosen, drawn, strict=True)]
        target = PoseTarget(
            euler_deg=_stack([one.pose.euler_deg for one in drawn]),
            rotation=_stack([one.pose.rotation for one in drawn]),
            landmarks=_stack([one.landmarks for one in drawn]),
            landmarks_visible=_stack(visible),
        )
        views = [one.teacher_inputs for one in drawn if one.teacher_inputs is not None]
        return Batch(_stack([one.inputs for one in drawn]), target, _stack(views) if views else None)

    def _draw(self, index: int) -> Drawn:
        heads, rng = self.heads, sample_rng(self.seed, self.epoch, index)
        donor = heads.images[int(rng.integers(0, len(heads)))]
        pose = Pose(heads.euler_deg[index], heads.rotation[index])
        return self.augmenter(np.asarray(heads.images[index]), pose, heads.landmarks[index], donor, rng)


def _stack(rows: Sequence[npt.NDArray[Any]]) -> Tensor:
    """Rows of one shape as a float32 tensor."""
    return torch.from_numpy(np.stack(rows).astype(np.float32, copy=False))


def _worker_init(_: int) -> None:
    cv2.setNumThreads(0)
    torch.set_num_threads(1)


def stream(batches: EpochBatches, start: int, workers: int, pin_memory: bool = False) -> Iterator[Batch]:
    """Batches ``start`` ... of an epoch in order, from ``workers`` loader processes (0: in this one)."""
    loader = DataLoader(
        batches, batch_size=None, sampler=range(start, len(batches)), num_workers=workers,
        prefetch_factor=4 if workers else None, worker_init_fn=_worker_init, pin_memory=pin_memory,
    )  # fmt: skip
    return iter(loader)


def validation_batches(
    heads: Heads, indices: npt.NDArray[np.int64], spec: InputSpec, limit: int, batch_size: int = 250
) -> list[Batch]:
    """The card's plain crop of up to ``limit`` heads, spread evenly over ``indices``."""
    if len(indices) > limit:
        indices = indices[np.linspace(0, len(indices) - 1, limit).round().astype(np.int64)]
    batches = []
    for start in range(0, len(indices), batch_size):
        part = indices[start : start + batch_size]
        boxes = [box_of(heads.landmarks[i]) for i in part]
        crops = [cut(np.asarray(heads.images[i]), box, spec.margin, spec) for i, box in zip(part, boxes, strict=True)]
        points = [in_crop(heads.landmarks[i], box, spec.margin) for i, box in zip(part, boxes, strict=True)]
        target = PoseTarget(
            euler_deg=_stack(heads.euler_deg[part]),
            rotation=_stack(heads.rotation[part]),
            landmarks=_stack(points),
            landmarks_visible=_stack(heads.landmarks_visible[part]),
        )
        batches.append(Batch(_stack(crops), target))
    return batches
