"""Whether the files of a model are those of its card, and load."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hpe_edge import _core
from hpe_edge.cardfiles import read_network
from hpe_edge.errors import CorruptModelError
from hpe_edge.hub.entries import AnyCard, find
from hpe_edge.modelcard import ModelCard


@dataclass(frozen=True)
class FileCheck:
    """A file of a model whose size and sha256 are those of its card.

    Attributes:
        kind, path, sha256, bytes: as in the card.
        loaded: the native network reader has loaded it; False for files of other runtimes, which are not opened.
    """

    kind: str
    path: str
    sha256: str
    bytes: int
    loaded: bool

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self)


def verify_model(name: str | os.PathLike[str]) -> list[FileCheck]:
    """Check the size and sha256 of every file of a model or detector, and load those of the native network.

    Args:
        name: as for :func:`hpe_edge.hub.find`.

    Raises:
        ModelNotFoundError: there is no such model, or a file of it is missing.
        CorruptModelError: the card is damaged, a file is not the card's, or it does not load; the message names it.

    >>> from hpe_edge.hub import verify_model
    >>> [check.loaded for check in verify_model("fsanet") if check.kind == "safetensors"]
    [True]
    """
    entry = find(name)
    return check_files(entry.card, entry.card_path.parent)


def check_files(card: AnyCard, folder: Path) -> list[FileCheck]:
    """As :func:`verify_model`, for a card whose files lie in ``folder``."""
    return [check_file(card, kind, folder) for kind in card.files]


def check_file(card: AnyCard, kind: str, folder: Path) -> FileCheck:
    """As :func:`verify_model`, for one of the card's files."""
    data = read_network(card, kind, folder)
    entry = card.files[kind]
    native = kind in ("safetensors", "safetensors-int8")
    if native:
        _load(card, folder / entry.path, data)
    return FileCheck(kind=kind, path=entry.path, sha256=entry.sha256, bytes=entry.bytes, loaded=native)


def _load(card: AnyCard, path: Path, data: bytes) -> None:
    text = json.dumps(card.as_dict())
    try:
        if isinstance(card, ModelCard):
            _core.Model(text, data)
        else:
            _core.FaceDetector(text, data)
    except CorruptModelError as error:
        raise CorruptModelError(f"{path}: {error}") from error
