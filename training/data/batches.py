"""Batches of augmented heads for the training loop, and the fixed batches of validation.

A loader item is a whole batch: one transfer for each batch between processes. What is in it
depends on (seed, epoch, batch number) only, so the number of loader processes changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt
import torch
from hpe_edge.training.augment import Augmenter, InputSpec, Pose, box_of, cut, sample_rng
from hpe_edge.training.data.shards import Heads
from hpe_edge.training.losses import PoseTarget
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from hpe_edge.errors import DatasetError

Batch = tuple[Tensor, PoseTarget]


class EpochBatches(Dataset[Batch]):
    """The batches of one epoch: item b is (inputs (B, 3, 64, 64) float32, labels)."""

    def __init__(
        self, heads: Heads, indices: npt.NDArray[np.int64], augmenter: Augmenter, batch_size: int, seed: int,
        epoch: int,
    ) -> None:  # fmt: skip
        if len(indices) < batch_size:
            raise DatasetError(f"training set: expected at least one batch of {batch_size}, got {len(indices)}")
        self.heads = heads
        self.augmenter = augmenter
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = epoch
        order = np.random.default_rng((seed, epoch)).permutation(len(indices))
        self.order = indices[order]

    def __len__(self) -> int:
        return len(self.order) // self.batch_size

    def __getitem__(self, number: int) -> Batch:
        heads = self.heads
        chosen = self.order[number * self.batch_size : (number + 1) * self.batch_size]
        size = self.augmenter.spec.size
        inputs = np.empty((len(chosen), 3, size, size), np.float32)
        euler = np.empty((len(chosen), 3), np.float32)
        rotation = np.empty((len(chosen), 3, 3), np.float32)
        for row, index in enumerate(chosen):
            rng = sample_rng(self.seed, self.epoch, int(index))
            donor = heads.images[int(rng.integers(0, len(heads)))]
            pose = Pose(heads.euler_deg[index], heads.rotation[index])
            image = np.asarray(heads.images[index])
            inputs[row], pose = self.augmenter(image, pose, heads.landmarks[index], donor, rng)
            euler[row], rotation[row] = pose.euler_deg, pose.rotation
        target = PoseTarget(torch.from_numpy(euler), torch.from_numpy(rotation))
        return torch.from_numpy(inputs), target


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
        crops = [cut(np.asarray(heads.images[i]), box_of(heads.landmarks[i]), spec.margin, spec) for i in part]
        target = PoseTarget(torch.from_numpy(heads.euler_deg[part]), torch.from_numpy(heads.rotation[part]))
        batches.append((torch.from_numpy(np.stack(crops)), target))
    return batches
