"""The models that a study sets side by side: by name, card, bare ONNX file or checkpoint, each with its crop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpe_edge.training.evaluation.predictors import Crop, Network, Predictor, choose_crop, open_any

from hpe_edge.errors import InvalidArgumentError


@dataclass(frozen=True)
class Contender:
    """A model under a label. ``recipe`` is the crop recipe of a bare file; a card says its own."""

    label: str
    source: str
    network: Network
    recipe: str
    backend: str = "auto"

    def crop(self, margin: float | None = None) -> Crop:
        """The crop at another margin, or the model's own."""
        return choose_crop(self.network, self.recipe, margin)

    def predictor(self, margin: float | None = None) -> Predictor:
        """The model through HeadPose."""
        return self.network.predictor(self.crop(margin), self.backend)

    def describe(self) -> dict[str, Any]:
        """What a number must be shown with: weights, crop, what ran."""
        predictor = self.predictor()
        info = predictor.pose.info
        return {
            "label": self.label,
            "model": self.source,
            "weights_sha256": info.sha256,
            "crop": predictor.crop.describe(),
            "pitch_zero_deg": predictor.pitch_zero_deg,
            "runtime": info.as_dict(),
        }


def open_contenders(models: Sequence[str], crop_recipe: str, backend: str = "auto") -> list[Contender]:
    """Open ``[LABEL=]MODEL`` each: a bundled name, a card, a bare ``.onnx`` file, a checkpoint ``.pt``.

    ``crop_recipe`` is for bare ONNX files, whose crop nothing else tells. Raises InvalidArgumentError for a
    label used twice and a bare file without a recipe, and what opening a model raises.

    >>> open_contenders(["fsanet"], "card")[0].label  # doctest: +SKIP
    'fsanet'
    """
    contenders = [_open(text, crop_recipe, backend) for text in models]
    labels = [contender.label for contender in contenders]
    if len(set(labels)) < len(labels):
        raise InvalidArgumentError(f"--model: expected labels that differ, got {labels}; write LABEL=MODEL")
    for contender in contenders:
        contender.crop()  # a bare file without a recipe is refused now and not after the first model's hour
    return contenders


def _open(text: str, crop_recipe: str, backend: str) -> Contender:
    label, equals, source = text.partition("=")
    if not equals or Path(text).exists():
        label, source = "", text
    if not source:
        raise InvalidArgumentError(f"--model: expected [LABEL=]MODEL, got {text!r}")
    path = Path(source)
    network = open_any(source)
    name = f"{path.parent.name}/{path.stem}".strip("/") if path.suffix == ".pt" else network.card.name
    return Contender(label or name, source, network, crop_recipe if network.bare else "card", backend)
