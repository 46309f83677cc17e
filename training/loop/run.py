"""The objects of a training run: network, optimizer, data, clock; made fresh or from a checkpoint."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from hpe_edge.training.augment import Augmenter, harder
from hpe_edge.training.data.batches import EpochBatches, validation_batches
from hpe_edge.training.data.shards import Heads, split_by_identity
from hpe_edge.training.loop.checkpoint import (
    Progress,
    checkpoint_exists,
    read_checkpoint,
    restore,
    save_checkpoint,
)
from hpe_edge.training.loop.distributed import Group, local_device
from hpe_edge.training.loop.optim import WeightAverage, make_optimizer
from hpe_edge.training.loop.start import Start
from hpe_edge.training.loop.teacher import Teacher
from hpe_edge.training.losses import PoseLoss
from hpe_edge.training.models.network import build_network
from hpe_edge.training.provenance import source_commit
from hpe_edge.training.recipe import Recipe

from hpe_edge.errors import InvalidArgumentError

VALIDATION_BATCH = 250
VALIDATION_EPOCH = 1_000_000
"""Augments the validation heads as no training epoch does, and always alike."""


@dataclass(frozen=True)
class RunOptions:
    """What does not change the result (much): machine, time, reporting.

    threads: of torch. workers: loader processes. device: ``auto``, ``cpu`` or ``cuda``.
    max_minutes: stretches the schedule over the time that there is, 0 for no limit. stop_after_minutes: leave
    early after writing a checkpoint, the schedule unchanged, to go on later with ``resume``.
    checkpoint_minutes: between checkpoints inside an epoch. stop_after_steps: leave early, as if
    killed, after writing a checkpoint; 0 for no stop. piece_mb: write checkpoints in files of at most this size.
    """

    threads: int = 2
    workers: int = 2
    device: str = "auto"
    max_minutes: float = 0.0
    stop_after_minutes: float = 0.0
    checkpoint_minutes: float = 5.0
    resume: bool = False
    tensorboard: bool = False
    quiet: bool = False
    stop_after_steps: int = 0
    piece_mb: float = 0.0


def pick_device(name: str) -> torch.device:
    """``auto`` is CUDA where there is one; a named device that is absent is an error."""
    if name not in ("auto", "cpu", "cuda"):
        raise InvalidArgumentError(f"device: expected auto, cpu or cuda, got {name!r}")
    if name == "cuda" and not torch.cuda.is_available():
        raise InvalidArgumentError("device: expected a CUDA device for 'cuda', torch finds none")
    return torch.device("cuda" if name == "cuda" or (name == "auto" and torch.cuda.is_available()) else "cpu")


class Run:
    """A recipe on heads, in this process of the group."""

    def __init__(
        self, recipe: Recipe, heads: Heads, out: Path, options: RunOptions, group: Group,
        teacher: Teacher | None, start: Start | None,
    ) -> None:  # fmt: skip
        torch.set_num_threads(options.threads)
        torch.set_flush_denormal(True)
        torch.manual_seed(recipe.data.seed)  # of the initial weights; data has its own generators
        self.recipe, self.heads, self.options, self.out, self.group = recipe, heads, options, out, group
        self.device = local_device(pick_device(options.device))
        network = build_network(recipe.trunk, recipe.head, recipe.input.size)
        self.start = start
        if start is not None:
            start.into(network)
        self.network = network.to(self.device, memory_format=torch.channels_last)
        self.criterion = PoseLoss(recipe.loss)
        self.teacher = None if teacher is None else teacher.to(self.device)
        self.optimizer = make_optimizer(self.network, recipe.optim)
        self.average = WeightAverage(self.network, recipe.optim.ema_decay)
        self.augmenter = Augmenter(recipe.augment, recipe.input, None if teacher is None else teacher.input)
        self.train_indices, held_out = split_by_identity(
            heads.identity, recipe.data.validation_fraction, recipe.data.seed
        )
        self.validation = validation_batches(heads, held_out, recipe.input, recipe.data.validation_limit)
        self.steps = recipe.optim.epochs * (len(self.train_indices) // recipe.optim.batch_size)
        self.progress = Progress()
        self.spread_scale: list[float] = []
        self.stopped = False
        out.mkdir(parents=True, exist_ok=True)
        self.last = out / "last.pt"
        self._begin()
        self.model = group.wrap(self.network)
        self._started = time.monotonic() - self.progress.seconds
        self._entered = time.monotonic()

    def _begin(self) -> None:
        """Go on from the last checkpoint, or see that there is none to overwrite."""
        if self.options.resume:
            state = read_checkpoint(self.last)
            self.progress = restore(
                state, self.last, self.recipe, self.network, self.average, self.optimizer, self._origin()
            )
            self.spread_scale = list(state["data"].get("spread_scale", []))
        elif checkpoint_exists(self.last):
            raise InvalidArgumentError(f"{self.last} exists: resume that run or choose another folder")

    def _origin(self) -> dict[str, Any]:
        """What a resumed run must share with its beginning."""
        return {
            "fingerprint": self.heads.fingerprint,
            "teacher": None if self.teacher is None else self.teacher.sha256,
            "start": None if self.start is None else self.start.sha256,
        }

    def epoch_batches(self) -> EpochBatches:
        """This process's share of the current epoch's batches."""
        epoch = self.progress.epoch + (0 if self.start is None else self.start.epochs)
        return EpochBatches(
            self.heads, self.train_indices, self.augmenter, self.recipe.optim.batch_size, self.recipe.data.seed,
            epoch, part=(self.group.rank, self.group.size),
        )  # fmt: skip

    def seconds(self) -> float:
        """Training time of all sittings."""
        return time.monotonic() - self._started

    def fraction(self) -> float:
        """Progress of the schedule: by steps, or by time where that runs out first."""
        by_steps = self.progress.step / max(1, self.steps)
        limit = 60.0 * self.options.max_minutes
        return max(by_steps, self.group.agree(self.seconds()) / limit) if limit > 0 else by_steps

    def must_leave(self) -> bool:
        """Whether this sitting ends here, the run unfinished."""
        options = self.options
        if options.stop_after_steps and self.progress.step >= options.stop_after_steps:
            return True
        here = time.monotonic() - self._entered
        limit = 60.0 * options.stop_after_minutes
        return limit > 0 and self.group.agree(here) >= limit

    def save(self, path: Path) -> None:
        """A checkpoint, by the process that leads."""
        if not self.group.leads:
            return
        self.progress.seconds = self.seconds()
        data = self._origin() | {
            "count": len(self.train_indices),
            "datasets": list(self.heads.datasets),
            "commit": source_commit(),
            "spread_scale": self.spread_scale,
        }
        save_checkpoint(
            path, self.recipe, self.network, self.average, self.optimizer, self.progress, data, self.options.piece_mb
        )


def spread_batches(heads: Heads, recipe: Recipe) -> EpochBatches:
    """Held-out heads on which the spread is calibrated: the training's crops, corrupted twice as often.

    A network is surer on held-out renders than on photographs, which differ from the training in more than the person;
    a perturbed validation set stands in for what is not at hand (Tomani et al., "Post-hoc Uncertainty Calibration for
    Domain Drift Scenarios", CVPR 2021).
    """
    _, held_out = split_by_identity(heads.identity, recipe.data.validation_fraction, recipe.data.seed)
    chosen = held_out[: recipe.data.validation_limit]
    augmenter = Augmenter(harder(recipe.augment), recipe.input)
    return EpochBatches(
        heads, chosen, augmenter, min(VALIDATION_BATCH, len(chosen)), recipe.data.seed, VALIDATION_EPOCH
    )
