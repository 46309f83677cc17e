"""From a name or a path to a model: its checked card and, on demand, its verified files.

Nothing is downloaded. A name is a card bundled in ``hpe_edge/models``; anything else is a path.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import hpe_edge.models
from hpe_edge.errors import CorruptModelError, InvalidArgumentError, ModelNotFoundError
from hpe_edge.modelcard import ModelCard, load_card, read_network


@dataclass(frozen=True)
class Model:
    """A card and the folder that holds its files.

    Attributes:
        card: the checked card.
        card_path: the card's file.
    """

    card: ModelCard
    card_path: Path

    def read(self, kind: str) -> bytes:
        """The network of one kind (``"onnx"``), whole, after the sha256 of its file or files was checked.

        Raises:
            ModelNotFoundError: the card lists no such kind, or a file is missing.
            CorruptModelError: a file is not the one that the card describes.
        """
        return read_network(self.card, kind, self.card_path.parent)


def models_folder() -> Path:
    """The folder of the bundled models."""
    return Path(next(iter(hpe_edge.models.__path__)))


def list_models() -> list[str]:
    """The names of the bundled models, sorted.

    >>> from hpe_edge.hub import list_models
    >>> all(isinstance(name, str) for name in list_models())
    True
    """
    return sorted(path.stem for path in models_folder().glob("*.json"))


def resolve(model: str | os.PathLike[str]) -> Model:
    """Find a model and check its card; its network files are not read yet.

    Args:
        model: the name of a bundled model (``"fsanet"``), or the path of a card (``"my/card.json"``).

    Raises:
        InvalidArgumentError: neither a string nor a path.
        ModelNotFoundError: no bundled model has the name, or there is no such card.
        CorruptModelError: the card is damaged; the message names the field.
    """
    if not isinstance(model, str | os.PathLike):
        raise InvalidArgumentError(f"model: expected a name or a path of a card, got {type(model).__name__}")
    text = os.fspath(model)
    if text in list_models():
        return _open(models_folder() / f"{text}.json", named=text)
    if text.endswith(".json"):
        path = Path(text)
        return Model(card=load_card(path), card_path=path)
    hint = ""
    if text.endswith((".onnx", ".safetensors", ".pt", ".pth")):
        hint = "; a network file needs a card that says how to feed and decode it: pass the card's path"
    raise ModelNotFoundError(
        f"model: expected one of {list_models()} or the path of a card (*.json), got {text!r}{hint}"
    )


def _open(path: Path, named: str) -> Model:
    card = load_card(path)
    if card.name != named:
        raise CorruptModelError(f"{path}: field 'name': expected {named!r} as the file is called, got {card.name!r}")
    return Model(card=card, card_path=path)
