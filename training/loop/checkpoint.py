"""Checkpoints: all that a run needs to go on as if it had never stopped."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from hpe_edge.training.loop.optim import WeightAverage, mean_state
from hpe_edge.training.loop.pieces import index_path, read_pieces, write_pieces
from hpe_edge.training.models.network import Network, build_network
from hpe_edge.training.models.pretrained import without_weights
from hpe_edge.training.recipe import Recipe, recipe_from_dict
from torch import nn

from hpe_edge.errors import CheckpointError, InvalidArgumentError

FORMAT = "hpe-edge-checkpoint/2"


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
    progress: Progress, data: dict[str, Any], piece_mb: float = 0.0,
) -> None:  # fmt: skip
    """Write by rename, so a run killed at any moment leaves a whole checkpoint.

    data: what the weights were trained on (``fingerprint``, ``count``, ``datasets``, ``commit``) and the spread's
    ``spread_scale``, for the model card. piece_mb: largest size of a file, 0 for one file.
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
    if piece_mb > 0:
        content = io.BytesIO()
        torch.save(state, content)
        write_pieces(path, content.getvalue(), max(1, int(piece_mb * 1e6)))
        return
    partial = path.with_suffix(".part")
    torch.save(state, partial)
    partial.replace(path)


def checkpoint_exists(path: Path) -> bool:
    """Whether a checkpoint lies at ``path``, whole or in pieces."""
    return path.exists() or index_path(path).exists()


def read_bytes(path: Path) -> bytes:
    """A checkpoint's bytes, joined where it lies in pieces."""
    try:
        return path.read_bytes() if path.exists() else read_pieces(path)
    except OSError as error:
        raise CheckpointError(f"{path}: expected a readable checkpoint: {error}") from error


def read_checkpoint(path: Path, expected: str = FORMAT) -> dict[str, Any]:
    """The checkpoint's values, also from pieces; only tensors and plain values are ever unpickled.

    Raises:
        CheckpointError: no such file, damaged, or not a checkpoint of this library.
    """
    if not checkpoint_exists(path):
        raise CheckpointError(f"{path}: expected a checkpoint, found no file")
    content = io.BytesIO(read_bytes(path))
    try:
        state = torch.load(content, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path}: damaged checkpoint: {error}") from error
    if not isinstance(state, dict) or state.get("format") != expected:
        raise CheckpointError(f"{path}: expected a checkpoint of format {expected!r}")
    return state


def restore(
    state: dict[str, Any], source: Path, recipe: Recipe, model: nn.Module, average: WeightAverage,
    optimizer: torch.optim.Optimizer, origin: dict[str, Any],
) -> Progress:  # fmt: skip
    """Load everything into the run's objects. origin: the ``fingerprint`` of the data, and the sha256 of the
    ``teacher`` and of the checkpoint whose weights were the ``start``.

    Raises:
        CheckpointError: the checkpoint is of another recipe, model or dataset.
    """
    differing = _differences(state["recipe"], recipe.as_dict())
    if differing:
        raise CheckpointError(f"{source}: belongs to another recipe; differing: {', '.join(differing)}")
    if state["data"].get("fingerprint") != origin["fingerprint"]:
        raise CheckpointError(f"{source}: was trained on another dataset (or it was rendered again)")
    if state["data"].get("teacher") != origin["teacher"]:
        raise CheckpointError(f"{source}: was taught by another --teacher (or by none); give the same one again")
    if state["data"].get("start") != origin["start"]:
        raise CheckpointError(f"{source}: began with the weights of another --start-from (or none); give the same one")
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


def load_trained(path: Path) -> tuple[Network, Recipe, dict[str, Any]]:
    """The averaged weights of a checkpoint as a float32 network in eval mode, its recipe and its data note.

    Raises:
        CheckpointError: damaged, or its recipe or weights are not of this version.
    """
    state = read_checkpoint(path)
    try:
        recipe = recipe_from_dict(state["recipe"])
        trunk = replace(recipe.trunk, config=without_weights(recipe.trunk.config))  # the checkpoint holds them all
        model = build_network(trunk, recipe.head, recipe.input.size)
        model.load_state_dict(state["average"])
    except (InvalidArgumentError, RuntimeError, KeyError) as error:
        raise CheckpointError(f"{path}: not a checkpoint of this version: {error}") from error
    return model.eval(), recipe, dict(state["data"]) | {"progress": state["progress"]}


def load_mean(paths: Sequence[Path]) -> tuple[Network, Recipe, dict[str, Any]]:
    """As `load_trained`, with the mean of several checkpoints' weights; recipe and note are the last one's.

    Runs that begin with the weights of one another lie near enough for a mean to be better than each (Wortsman et al.,
    "Robust fine-tuning of zero-shot models", CVPR 2022).

    Raises:
        CheckpointError: one is damaged, or they are of different networks.
    """
    loaded = [load_trained(path) for path in paths]
    network, recipe, note = loaded[-1]
    parts = recipe.trunk, recipe.head, recipe.input
    if any((other.trunk, other.head, other.input) != parts for _, other, _ in loaded):
        raise CheckpointError(f"expected checkpoints of one network, got {[str(path) for path in paths]}")
    if len(loaded) == 1:
        return loaded[0]
    network.load_state_dict(mean_state([each.state_dict() for each, _, _ in loaded]))
    keys = ("commit", "start", "progress")
    runs = [{"recipe": other.as_dict()} | {key: data.get(key) for key in keys} for _, other, data in loaded]
    return network, recipe, note | {"mean_of": runs}
