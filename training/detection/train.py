"""The training loop of the detector."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from hpe_edge.training.detection.batches import CanvasBatches
from hpe_edge.training.detection.canvas import Composer
from hpe_edge.training.detection.config import FaceTraining
from hpe_edge.training.detection.losses import FaceTarget, face_loss
from hpe_edge.training.detection.network import FaceNet, cell_places, cells
from hpe_edge.training.detection.pictures import Pictures
from hpe_edge.training.detection.validate import validate
from hpe_edge.training.loop.checkpoint import read_checkpoint
from hpe_edge.training.loop.engine import finite
from hpe_edge.training.loop.optim import WeightAverage, lr_factor
from hpe_edge.training.loop.runlog import RunLog
from hpe_edge.training.provenance import source_commit
from torch import Tensor, nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from hpe_edge.errors import CheckpointError, InvalidArgumentError

FORMAT = "hpe-edge-face-checkpoint/1"


@dataclass(frozen=True)
class FaceRunOptions:
    """As `loop.run.RunOptions`. origin: what the card says of the data. start: averaged weights to begin with."""

    threads: int = 2
    workers: int = 1
    max_minutes: float = 0.0
    validate_every: int = 1000
    resume: bool = False
    quiet: bool = False
    start: dict[str, Tensor] | None = None
    origin: dict[str, Any] = field(default_factory=dict)


class FaceRun:
    """Network, optimizer, average and clock of one run."""

    def __init__(self, config: FaceTraining, out: Path, options: FaceRunOptions) -> None:
        torch.set_num_threads(options.threads)
        torch.set_flush_denormal(True)
        torch.manual_seed(config.seed)
        self.config, self.options, self.last = config, options, out / "last.pt"
        self.network = FaceNet(config.network).to(memory_format=torch.channels_last)
        if options.start is not None:
            self.network.load_state_dict(options.start)
        self.average = WeightAverage(self.network, config.ema_decay)
        self.optimizer = _optimizer(self.network, config)
        self.step, spent = 0, 0.0
        out.mkdir(parents=True, exist_ok=True)
        if options.resume:
            spent = self._restore(read_face_checkpoint(self.last))
        elif self.last.exists():
            raise InvalidArgumentError(f"{self.last} exists: resume that run or choose another folder")
        self._began = time.monotonic() - spent

    def seconds(self) -> float:
        """Of training, over all sessions."""
        return time.monotonic() - self._began

    def fraction(self) -> float:
        """Progress of the schedule, 0 to 1, by steps or by time."""
        by_time = self.seconds() / (60.0 * self.options.max_minutes) if self.options.max_minutes else 0.0
        return min(1.0, max(self.step / self.config.steps, by_time))

    def save(self) -> None:
        """Write by rename."""
        state = {
            "format": FORMAT, "config": self.config.as_dict(), "model": self.network.state_dict(),
            "average": self.average.model.state_dict(), "optimizer": self.optimizer.state_dict(), "step": self.step,
            "seconds": self.seconds(), "origin": {"commit": source_commit()} | self.options.origin,
        }  # fmt: skip
        partial = self.last.with_suffix(".part")
        torch.save(state, partial)
        partial.replace(self.last)

    def _restore(self, state: dict[str, Any]) -> float:
        if state["config"] != self.config.as_dict():
            raise CheckpointError(f"{self.last}: belongs to another configuration: {state['config']}")
        self.network.load_state_dict(state["model"])
        self.average.model.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = int(state["step"])
        return float(state["seconds"])


def read_face_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint's values; only tensors and plain values are ever unpickled.

    Raises:
        CheckpointError: no file, damaged, or not a face detector's.
    """
    return read_checkpoint(path, FORMAT)


def train_faces(
    config: FaceTraining, composer: Composer, held_out: Pictures, out: Path, options: FaceRunOptions
) -> Path:
    """Train a detector; returns its checkpoint. ``held_out``: scenes to validate on."""
    run = FaceRun(config, out, options)
    batches = DataLoader(
        CanvasBatches(composer, config.batch_size, config.seed, run.step, config.steps),
        batch_size=None, num_workers=options.workers, prefetch_factor=4 if options.workers else None,
    )  # fmt: skip
    places = cell_places(config.canvas.side, config.canvas.side)
    terms: dict[str, float] = {}
    with RunLog(out) as log, tqdm(total=config.steps, initial=run.step, disable=options.quiet, mininterval=2.0) as bar:
        for x, target in batches:
            for name, value in _step(run, x, target, places).items():
                terms[name] = value if name not in terms else 0.99 * terms[name] + 0.01 * value
            bar.update()
            done = run.fraction() >= 1.0
            if run.step % 50 == 0:
                bar.set_postfix({name: f"{value:.3f}" for name, value in terms.items()})
            if run.step % options.validate_every == 0 or done:
                row = terms | validate(run.average.model, held_out) | {"minutes": run.seconds() / 60.0}
                log.row(run.step, row)
                run.save()
                if not options.quiet:
                    tqdm.write(f"step {run.step}: " + "  ".join(f"{name} {value:.4g}" for name, value in row.items()))
            if done:
                break
    run.save()
    return run.last


def _step(run: FaceRun, x: Tensor, target: FaceTarget, places: Tensor) -> dict[str, float]:
    """One step of the optimizer; the loss's terms."""
    config = run.config
    lr = config.lr * lr_factor("onecycle", run.fraction())
    for group in run.optimizer.param_groups:
        group["lr"] = lr
    run.network.train()
    with torch.autocast("cpu", torch.bfloat16, enabled=config.precision == "bf16"):
        maps = run.network(x)
    terms = face_loss(cells(maps), places, target, config)
    loss = torch.stack(list(terms.values())).sum()
    finite(loss, run.step)
    run.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(run.network.parameters(), config.grad_clip)
    run.optimizer.step()
    run.average.update(run.network, run.step)
    run.step += 1
    return {name: float(value.detach()) for name, value in terms.items()}


def _optimizer(network: nn.Module, config: FaceTraining) -> torch.optim.Optimizer:
    """AdamW, with decay on kernels only."""
    kernels = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    groups = [{"params": kernels, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.lr, fused=True)


def load_face_net(path: Path) -> tuple[FaceNet, FaceTraining, dict[str, Any]]:
    """The averaged weights of a checkpoint in eval mode, their configuration, and what was noted of the run."""
    state = read_face_checkpoint(path)
    config = FaceTraining.from_dict(state["config"])
    network = FaceNet(config.network)
    network.load_state_dict(state["average"])
    note = dict(state["origin"]) | {"steps": state["step"], "minutes": round(float(state["seconds"]) / 60.0, 1)}
    return network.eval(), config, note
