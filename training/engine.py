"""The training loop."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from hpe_edge.training.augment import Augmenter
from hpe_edge.training.checkpoint import (
    Progress,
    read_checkpoint,
    restore,
    save_checkpoint,
)
from hpe_edge.training.data.batches import Batch, EpochBatches, stream, validation_batches
from hpe_edge.training.data.shards import Heads, split_by_identity
from hpe_edge.training.losses import PoseLoss, PoseTarget, chordal_deg, euler_to_rotation
from hpe_edge.training.models.fsanet import FSANet
from hpe_edge.training.models.ssr import decode_ssr
from hpe_edge.training.optim import WeightAverage, lr_factor, make_optimizer
from hpe_edge.training.provenance import source_commit
from hpe_edge.training.recipe import Recipe
from hpe_edge.training.runlog import RunLog
from torch import Tensor, nn
from tqdm import tqdm

from hpe_edge.errors import InvalidArgumentError, TrainingError


@dataclass(frozen=True)
class RunOptions:
    """What does not change the result (much): machine, time, reporting.

    threads: of torch. workers: loader processes. device: ``auto``, ``cpu`` or ``cuda``.
    max_minutes: stretches the schedule over the time that there is, 0 for no limit.
    checkpoint_minutes: between checkpoints inside an epoch. stop_after_steps: leave early, as if
    killed, after writing a checkpoint; 0 for no stop.
    """

    threads: int = 2
    workers: int = 2
    device: str = "auto"
    max_minutes: float = 0.0
    checkpoint_minutes: float = 5.0
    resume: bool = False
    tensorboard: bool = False
    quiet: bool = False
    stop_after_steps: int = 0


def pick_device(name: str) -> torch.device:
    """``auto`` is CUDA where there is one; a named device that is absent is an error."""
    if name not in ("auto", "cpu", "cuda"):
        raise InvalidArgumentError(f"device: expected auto, cpu or cuda, got {name!r}")
    if name == "cuda" and not torch.cuda.is_available():
        raise InvalidArgumentError("device: expected a CUDA device for 'cuda', torch finds none")
    return torch.device("cuda" if name == "cuda" or (name == "auto" and torch.cuda.is_available()) else "cpu")


def train(recipe: Recipe, heads: Heads, out: Path, options: RunOptions) -> Path:
    """Train a recipe on rendered heads; returns the path of the last checkpoint.

    Writes ``last.pt`` (to resume and to export), ``best.pt`` (lowest validation MAE), ``log.csv``.

    Raises:
        TrainingError: the loss became NaN or infinite. CheckpointError: nothing to resume, or a
        checkpoint of another recipe, model or dataset. DatasetError: too few heads.
    """
    run = _Run(recipe, heads, out, options)
    with RunLog(out, options.tensorboard) as log:
        while run.progress.epoch < recipe.optim.epochs and run.fraction() < 1.0:
            row = _train_epoch(run)
            if run.stopped:
                break
            row |= {f"val_{k}": v for k, v in validate(run.average.model, run.validation, run.device).items()}
            _end_epoch(run, row)
            log.row(run.progress.step, row)
            if not options.quiet:
                tqdm.write(f"epoch {run.progress.epoch}: " + "  ".join(f"{k} {v:.4g}" for k, v in row.items()))
    return run.last


class _Run:
    """The objects of a run and its clock."""

    def __init__(self, recipe: Recipe, heads: Heads, out: Path, options: RunOptions) -> None:
        torch.set_num_threads(options.threads)
        torch.set_flush_denormal(True)
        torch.manual_seed(recipe.data.seed)  # of the initial weights; data has its own generators
        self.recipe, self.heads, self.options, self.out = recipe, heads, options, out
        self.device = pick_device(options.device)
        self.model = FSANet(recipe.model).to(self.device, memory_format=torch.channels_last)
        self.criterion = PoseLoss(recipe.loss)
        self.optimizer = make_optimizer(self.model, recipe.optim)
        self.average = WeightAverage(self.model, recipe.optim.ema_decay)
        self.augmenter = Augmenter(recipe.augment, recipe.input)
        self.train_indices, held_out = split_by_identity(
            heads.identity, recipe.data.validation_fraction, recipe.data.seed
        )
        self.validation = validation_batches(heads, held_out, recipe.input, recipe.data.validation_limit)
        self.steps = recipe.optim.epochs * (len(self.train_indices) // recipe.optim.batch_size)
        self.progress = Progress()
        self.stopped = False
        out.mkdir(parents=True, exist_ok=True)
        self.last = out / "last.pt"
        if options.resume:
            state = read_checkpoint(self.last)
            self.progress = restore(
                state, self.last, recipe, self.model, self.average, self.optimizer, heads.fingerprint
            )
        elif self.last.exists():
            raise InvalidArgumentError(f"{self.last} exists: resume that run or choose another folder")
        self._started = time.monotonic() - self.progress.seconds

    def seconds(self) -> float:
        return time.monotonic() - self._started

    def fraction(self) -> float:
        """Progress of the schedule: by steps, or by time where that runs out first."""
        by_steps = self.progress.step / max(1, self.steps)
        limit = 60.0 * self.options.max_minutes
        return max(by_steps, self.seconds() / limit) if limit > 0 else by_steps

    def save(self, path: Path) -> None:
        self.progress.seconds = self.seconds()
        data: dict[str, Any] = {
            "fingerprint": self.heads.fingerprint,
            "count": len(self.train_indices),
            "datasets": list(self.heads.datasets),
            "commit": source_commit(),
        }
        save_checkpoint(path, self.recipe, self.model, self.average, self.optimizer, self.progress, data)


def _train_epoch(run: _Run) -> dict[str, float]:
    """One pass, or the rest of one after a resume; the epoch's means for the log."""
    recipe, progress, model, criterion = run.recipe, run.progress, run.model.train(), run.criterion
    source = EpochBatches(
        run.heads, run.train_indices, run.augmenter, recipe.optim.batch_size, recipe.data.seed, progress.epoch
    )
    first, began, saved, total, lr = progress.batch, time.monotonic(), time.monotonic(), 0.0, 0.0
    batches = stream(source, first, run.options.workers, pin_memory=run.device.type == "cuda")
    with tqdm(
        batches, total=len(source), initial=first, desc=f"epoch {progress.epoch + 1}",
        disable=run.options.quiet, mininterval=1.0,
    ) as bar:  # fmt: skip
        for batch in bar:
            x, y = to_device(batch, run.device)
            lr = set_lr(run.optimizer, recipe, progress.step, run.fraction())
            with torch.autocast(run.device.type, torch.bfloat16, enabled=recipe.optim.precision == "bf16"):
                loss = criterion(model(x), y)
            total += finite(loss, progress.step)
            run.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            if recipe.optim.grad_clip > 0:
                nn.utils.clip_grad_norm_(model.parameters(), recipe.optim.grad_clip)
            run.optimizer.step()
            run.average.update(model, progress.step)
            progress.step += 1
            progress.batch += 1
            if bar.n % 50 == 0:
                bar.set_postfix(loss=total / (progress.batch - first), lr=lr)
            if time.monotonic() - saved > 60.0 * run.options.checkpoint_minutes:
                run.save(run.last)
                saved = time.monotonic()
            if run.options.stop_after_steps and progress.step >= run.options.stop_after_steps:
                run.save(run.last)
                run.stopped = True
                break
            if run.fraction() >= 1.0:
                break
    done = max(1, progress.batch - first)
    speed = done * recipe.optim.batch_size / (time.monotonic() - began)
    return {"epoch": progress.epoch + 1, "lr": lr, "loss": total / done, "images_per_s": speed}


def _end_epoch(run: _Run, row: dict[str, float]) -> None:
    """Count the epoch and keep its checkpoint, and another copy where it is the best so far."""
    progress = run.progress
    progress.epoch += 1
    progress.batch = 0
    if row["val_mae_deg"] < progress.best_mae_deg:
        progress.best_mae_deg = row["val_mae_deg"]
        run.save(run.out / "best.pt")
    run.save(run.last)
    row["minutes"] = run.seconds() / 60.0


def to_device(batch: Batch, device: torch.device) -> tuple[Tensor, PoseTarget]:
    """Inputs channels-last and labels, on the device."""
    x, y = batch
    x = x.to(device, non_blocking=True).contiguous(memory_format=torch.channels_last)
    return x, PoseTarget(*(t.to(device, non_blocking=True) for t in y))


def set_lr(optimizer: torch.optim.Optimizer, recipe: Recipe, step: int, fraction: float) -> float:
    """Set and return the learning rate for this step."""
    warmup = recipe.optim.warmup_steps
    rise = min(1.0, (step + 1) / warmup) if warmup > 0 else 1.0
    lr = recipe.optim.lr * rise * lr_factor(recipe.optim.schedule, fraction)
    for group in optimizer.param_groups:
        group["lr"] = lr
    return lr


def finite(loss: Tensor, step: int) -> float:
    """The loss as a number; `TrainingError` where it is NaN or infinite."""
    value = float(loss.detach())
    if not math.isfinite(value):
        raise TrainingError(
            f"step {step}: expected a finite loss, got {value}. Lower optim.lr, set optim.grad_clip, "
            "or train in float32; the last checkpoint is from before it"
        )
    return value


@torch.no_grad()
def validate(model: nn.Module, batches: list[Batch], device: torch.device) -> dict[str, float]:
    """Errors in degrees on plain crops: MAE of the three angles, each of them, and the rotation's."""
    model.eval()
    errors, angles = [], []
    for batch in batches:
        x, y = to_device(batch, device)
        predicted = decode_ssr(model(x))
        errors.append((predicted - y.euler_deg).abs())
        chord = chordal_deg(euler_to_rotation(predicted), y.rotation) * (math.pi / 360.0)
        angles.append(2.0 * torch.rad2deg(torch.asin(chord.clamp(max=1.0))))
    yaw, pitch, roll = torch.cat(errors).mean(0).tolist()
    geodesic = float(torch.cat(angles).mean())
    return {
        "mae_deg": (yaw + pitch + roll) / 3.0,
        "yaw_deg": yaw,
        "pitch_deg": pitch,
        "roll_deg": roll,
        "geodesic_deg": geodesic,
    }
