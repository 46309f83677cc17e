"""Checkpoints: all that a run needs to go on as if it had never stopped."""

from __future__ import annotations

import pickle
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from hpe_edge.training.models.fsanet import FSANet
from hpe_edge.training.optim import WeightAverage
from hpe_edge.training.recipe import Recipe, recipe_from_dict
from torch import nn

from hpe_edge.errors import CheckpointError, InvalidArgumentError

FORMAT = "hpe-edge-checkpoint/1"


@dataclass
class Progress:
    """Where a run stands. batch: the next batch of the epoch; step: optimizer steps done; seconds:
    training time spent, over all sessions; best_mae_deg: of validation so far."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    seconds: float = 0.0
    best_mae_deg: float = float("inf")


def save_checkpoint(
    path: Path, recipe: Recipe, model: nn.Module, average: WeightAverage, optimizer: torch.optim.Optimizer,
    progress: Progress, data: dict[str, Any],
) -> None:  # fmt: skip
    """Write by rename, so a run killed at any moment leaves a whole checkpoint.

    data: what the weights were trained on (``fingerprint``, ``count``, ``datasets``, ``commit``), for the model card.
    """
    state = {
        "format": FORMAT,
        "recipe": recipe.as_dict(),
        "model": model.state_dict(),
        "average": average.model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "progress": vars(progress),
        "data": data,
        "torch_rng": torch.get_rng_state(),
    }
    partial = path.with_suffix(".part")
    torch.save(state, partial)
    partial.replace(path)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The checkpoint's values; only tensors and plain values are ever unpickled.

    Raises:
        CheckpointError: no such file, damaged, or not a checkpoint of this library.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: expected a checkpoint, found no file")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path}: damaged checkpoint: {error}") from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise CheckpointError(f"{path}: expected a checkpoint of format {FORMAT!r}")
    return state


def restore(
    state: dict[str, Any], source: Path, recipe: Recipe, model: nn.Module, average: WeightAverage,
    optimizer: torch.optim.Optimizer, fingerprint: str,
) -> Progress:  # fmt: skip
    """Load everything into the run's objects.

    Raises:
        CheckpointError: the checkpoint is of another recipe, model or dataset.
    """
    differing = _differences(state["recipe"], recipe.as_dict())
    if differing:
        raise CheckpointError(f"{source}: belongs to another recipe; differing: {', '.join(differing)}")
    if state["data"].get("fingerprint") != fingerprint:
        raise CheckpointError(f"{source}: was trained on another dataset (or it was rendered again)")
    try:
        model.load_state_dict(state["model"])
        average.model.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        progress = Progress(**state["progress"])
    except (RuntimeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{source}: does not fit this model: {error}") from error
    torch.set_rng_state(state["torch_rng"])
    return progress


def _differences(a: dict[str, Any], b: dict[str, Any], where: str = "") -> list[str]:
    """Dotted keys at which two nested dicts differ, with both values."""
    found: list[str] = []
    for key in sorted({*a, *b}):
        left, right = a.get(key), b.get(key)
        if isinstance(left, dict) and isinstance(right, dict):
            found += _differences(left, right, f"{where}{key}.")
        elif left != right:
            found.append(f"{where}{key} ({left!r} there, {right!r} here)")
    return found


def load_trained(path: Path) -> tuple[FSANet, Recipe, dict[str, Any]]:
    """The averaged weights of a checkpoint as a float32 network in eval mode, its recipe and its data note.

    Raises:
        CheckpointError: damaged, or its recipe or weights are not of this version.
    """
    state = read_checkpoint(path)
    try:
        recipe = recipe_from_dict(state["recipe"])
        model = FSANet(recipe.model)
        model.load_state_dict(state["average"])
    except (InvalidArgumentError, RuntimeError, KeyError) as error:
        raise CheckpointError(f"{path}: not a checkpoint of this version: {error}") from error
    return model.eval(), recipe, dict(state["data"]) | {"progress": state["progress"]}
