"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from pathlib import Path

import torch
from hpe_edge.training.data.batches import Batch, stream
from hpe_edge.training.data.shards import Heads
from hpe_edge.training.evaluation.calibration import fit_spread_scale
from hpe_edge.training.loop.distributed import joined_group
from hpe_edge.training.loop.optim import lr_factor
from hpe_edge.training.loop.run import Run, RunOptions, pick_device, spread_batches
from hpe_edge.training.loop.runlog import RunLog
from hpe_edge.training.loop.start import Start
from hpe_edge.training.loop.teacher import Teacher
from hpe_edge.training.loss_terms import chordal_deg, euler_to_rotation, expected_points, normalised_mean_error
from hpe_edge.training.losses import PoseTarget, mirrored
from hpe_edge.training.models.outputs import CascadeOutput, Output, decode, std_deg
from hpe_edge.training.recipe import Recipe
from torch import Tensor, nn
from tqdm import tqdm

from hpe_edge.errors import TrainingError


def train(
    recipe: Recipe, heads: Heads, out: Path, options: RunOptions,
    teacher: Teacher | None = None, start: Start | None = None,
) -> Path:  # fmt: skip
    """Train a recipe on heads; returns the path of the last checkpoint.

    Writes ``last.pt`` (to resume and to export), ``best.pt`` (lowest validation MAE), ``log.csv``. Under
    ``torchrun`` every process takes its share of each batch and the first one writes.

    Raises:
        TrainingError: the loss became NaN or infinite. CheckpointError: nothing to resume, or a
        checkpoint of another recipe, model or dataset. DatasetError: too few heads.
    """
    with joined_group(pick_device(options.device)) as group, RunLog(out, group.leads, options.tensorboard) as log:
        run = Run(recipe, heads, out, options, group, teacher, start)
        while run.progress.epoch < recipe.optim.epochs and run.fraction() < 1.0:
            row = _train_epoch(run)
            if run.stopped:
                break
            row |= _validate_epoch(run)
            log.row(run.progress.step, row)
            if group.leads and not options.quiet:
                tqdm.write(f"epoch {run.progress.epoch}: " + "  ".join(f"{k} {v:.4g}" for k, v in row.items()))
    return run.last


def _train_epoch(run: Run) -> dict[str, float]:
    """One pass, or the rest of one after a resume; the epoch's means for the log."""
    recipe, progress, model = run.recipe, run.progress, run.model.train()
    source = run.epoch_batches()
    first, began, saved, total, lr = progress.batch, time.monotonic(), time.monotonic(), 0.0, 0.0
    batches = stream(source, first, run.options.workers, pin_memory=run.device.type == "cuda")
    with tqdm(
        batches, total=len(source), initial=first, desc=f"epoch {progress.epoch + 1}",
        disable=run.options.quiet or not run.group.leads, mininterval=1.0,
    ) as bar:  # fmt: skip
        for batch in bar:
            x, y = _views(run, batch)
            lr = set_lr(run.optimizer, recipe, progress.step, run.fraction())
            with torch.autocast(run.device.type, torch.bfloat16, enabled=recipe.optim.precision == "bf16"):
                output = model(x)
                loss = run.criterion(output, y) + _mirror_loss(run, output, len(batch.inputs))
            total += finite(loss, progress.step)
            run.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            if recipe.optim.grad_clip > 0:
                nn.utils.clip_grad_norm_(model.parameters(), recipe.optim.grad_clip)
            run.optimizer.step()
            run.average.update(run.network, progress.step)
            progress.step += 1
            progress.batch += 1
            if bar.n % 50 == 0:
                bar.set_postfix(loss=total / (progress.batch - first), lr=lr)
            if time.monotonic() - saved > 60.0 * run.options.checkpoint_minutes:
                run.save(run.last)
                saved = time.monotonic()
            if run.must_leave():
                run.save(run.last)
                run.stopped = True
                break
            if run.fraction() >= 1.0:
                break
    done = max(1, progress.batch - first)
    speed = done * recipe.optim.batch_size / (time.monotonic() - began)
    return {"epoch": progress.epoch + 1, "lr": lr, "loss": total / done, "images_per_s": speed}


def _views(run: Run, batch: Batch) -> tuple[Tensor, PoseTarget]:
    """Inputs and labels; a teacher's angles among them, and mirror images after them, where the loss wants them."""
    x, y = to_device(batch, run.device)
    if run.teacher is not None and batch.teacher_inputs is not None:
        y = y._replace(teacher_deg=run.teacher(batch.teacher_inputs.to(run.device)))
    if run.recipe.loss.mirror_weight > 0:
        half = len(x) // 2
        x = torch.cat([x, x[:half].flip(-1)]).contiguous(memory_format=torch.channels_last)
        y = PoseTarget(*(None if t is None else torch.cat([t, m]) for t, m in zip(y, mirrored(y, half), strict=True)))
    return x, y


def _mirror_loss(run: Run, output: Output, plain: int) -> Tensor | float:
    """The weighted difference between pictures and their mirror images, which follow after ``plain`` pictures."""
    if run.recipe.loss.mirror_weight == 0:
        return 0.0
    angles = decode(output)
    return run.criterion.mirror(angles[: len(angles) - plain], angles[plain:])


def _validate_epoch(run: Run) -> dict[str, float]:
    """Validate the averaged weights, calibrate their spread, count the epoch and keep its checkpoint."""
    progress, model = run.progress, run.average.model
    row = validate(model, run.validation, run.device)
    run.spread_scale = spread_scale(model, run.heads, run.recipe, run.device)
    progress.epoch += 1
    progress.batch = 0
    if row["mae_deg"] < progress.best_mae_deg:
        progress.best_mae_deg = row["mae_deg"]
        run.save(run.out / "best.pt")
    run.save(run.last)
    return {f"val_{name}": value for name, value in row.items()} | {"minutes": run.seconds() / 60.0}


def to_device(batch: Batch, device: torch.device) -> tuple[Tensor, PoseTarget]:
    """Inputs channels-last and labels, on the device."""
    x = batch.inputs.to(device, non_blocking=True).contiguous(memory_format=torch.channels_last)
    return x, PoseTarget(*(None if t is None else t.to(device, non_blocking=True) for t in batch.target))


def set_lr(optimizer: torch.optim.Optimizer, recipe: Recipe, step: int, fraction: float) -> float:
    """Set the learning rates for this step; returns the head's."""
    warmup = recipe.optim.warmup_steps
    rise = min(1.0, (step + 1) / warmup) if warmup > 0 else 1.0
    lr = recipe.optim.lr * rise * lr_factor(recipe.optim.schedule, fraction)
    for group in optimizer.param_groups:
        group["lr"] = lr * group["factor"]
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
def validate(model: nn.Module, batches: Iterable[Batch], device: torch.device) -> dict[str, float]:
    """Errors in degrees on plain crops: MAE of the three angles, each of them, and the rotation's.

    A network with landmarks adds ``nme``, their error in sides of the face box.
    """
    model.eval()
    errors, angles, landmarks = [], [], []
    for batch in batches:
        x, y = to_device(batch, device)
        output = model(x)
        predicted = decode(output)
        errors.append((predicted - y.euler_deg).abs())
        chord = chordal_deg(euler_to_rotation(predicted), y.rotation) * (math.pi / 360.0)
        angles.append(2.0 * torch.rad2deg(torch.asin(chord.clamp(max=1.0))))
        if isinstance(output, CascadeOutput) and y.landmarks is not None and y.landmarks_visible is not None:
            points = expected_points(output.heatmaps[-1])
            landmarks.append(normalised_mean_error(points, y.landmarks, y.landmarks_visible))
    yaw, pitch, roll = torch.cat(errors).mean(0).tolist()
    found = {
        "mae_deg": (yaw + pitch + roll) / 3.0, "yaw_deg": yaw, "pitch_deg": pitch, "roll_deg": roll,
        "geodesic_deg": float(torch.cat(angles).mean()),
    }  # fmt: skip
    return found | ({"nme": float(torch.cat(landmarks).mean())} if landmarks else {})


@torch.no_grad()
def spread_scale(model: nn.Module, heads: Heads, recipe: Recipe, device: torch.device) -> list[float]:
    """Factors of the spread of yaw, pitch and roll, fitted on what the recipe holds out; empty without a spread."""
    model.eval()
    errors, spreads = [], []
    for batch in stream(spread_batches(heads, recipe), 0, 0):
        x, y = to_device(batch, device)
        output = model(x)
        std = std_deg(output)
        if std is None:
            return []
        errors.append(decode(output) - y.euler_deg)
        spreads.append(std)
    return [
        float(scale) for scale in fit_spread_scale(torch.cat(errors).cpu().numpy(), torch.cat(spreads).cpu().numpy())
    ]
