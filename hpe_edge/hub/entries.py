"""Which models and detectors there are: bundled ones, and those of the user's folder.

The user's folder has one folder for each: ``models/NAME@VERSION/card.json`` or ``detectors/NAME@VERSION/card.json``,
with the files that the card lists beside it.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

import hpe_edge.models
from hpe_edge.cardfiles import read_card_json, read_network
from hpe_edge.detectors.card import DETECTOR_FORMAT, DetectorCard, load_detector_card
from hpe_edge.errors import CorruptModelError, InvalidArgumentError, ModelNotFoundError
from hpe_edge.modelcard import ModelCard, load_card

Kind: TypeAlias = Literal["model", "detector"]
AnyCard: TypeAlias = ModelCard | DetectorCard

CARD_NAME: Final = "card.json"
FOLDERS: Final[dict[Kind, str]] = {"model": "models", "detector": "detectors"}


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


@dataclass(frozen=True)
class Entry:
    """A model or a detector that is there.

    Attributes:
        card: the checked card, of either kind.
        card_path: the card's file.
        bundled: it came with the library; else it was added.
    """

    card: AnyCard
    card_path: Path
    bundled: bool

    @property
    def kind(self) -> Kind:
        """``"model"`` or ``"detector"``."""
        return kind_of(self.card)

    @property
    def label(self) -> str:
        """``"name@version"``."""
        return f"{self.card.name}@{self.card.version}"


def kind_of(card: AnyCard) -> Kind:
    """Of which kind a card is."""
    return "model" if isinstance(card, ModelCard) else "detector"


def read_card(data: object, source: str) -> AnyCard:
    """Check the parsed JSON of a card of either kind; its field ``format`` says which.

    Raises:
        CorruptModelError: a field is missing, unknown or wrong; the message names it.
    """
    if isinstance(data, dict) and data.get("format") == DETECTOR_FORMAT:
        return DetectorCard.from_dict(data, source)
    return ModelCard.from_dict(data, source)


def open_card(path: str | os.PathLike[str]) -> AnyCard:
    """Read and check a card file of either kind.

    Raises:
        ModelNotFoundError: there is no such file.
        CorruptModelError: it is not JSON, or a field is wrong; the message names the field.
    """
    return read_card(read_card_json(path, "card"), str(Path(path)))


def models_folder() -> Path:
    """The folder of the bundled models."""
    return Path(next(iter(hpe_edge.models.__path__)))


def user_folder() -> Path:
    """The folder of the models that were added; it may not exist yet.

    ``HPE_EDGE_HOME`` names it. Else it is ``hpe-edge`` in the user's data folder: ``$XDG_DATA_HOME`` or
    ``~/.local/share``, on macOS ``~/Library/Application Support``, on Windows ``%LOCALAPPDATA%``.
    """
    named = os.environ.get("HPE_EDGE_HOME")
    return Path(named).expanduser() if named else _data_folder(sys.platform) / "hpe-edge"


def _data_folder(platform: str) -> Path:
    if platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")


def list_models() -> list[str]:
    """The names of all models, bundled and added, sorted; :class:`hpe_edge.HeadPose` takes each.

    >>> from hpe_edge.hub import list_models
    >>> "fsanet" in list_models()
    True
    """
    return _names("model")


def catalog() -> list[Entry]:
    """All models and detectors: bundled ones first, then those that were added, by name and version.

    Raises:
        CorruptModelError, ModelNotFoundError: a card is damaged.

    >>> from hpe_edge.hub import catalog
    >>> sorted(entry.card.name for entry in catalog() if entry.bundled)
    ['face', 'fsanet']
    """
    return [entry for kind in FOLDERS for entry in _entries(kind)]


def card_paths() -> list[Path]:
    """Where the cards of :func:`catalog` lie; none is opened."""
    return [
        path
        for kind in FOLDERS
        for path in (
            *sorted(_bundled_folder(kind).glob("*.json")),
            *(folder / CARD_NAME for folder in _added_folders(kind)),
        )
    ]


def find(name: str | os.PathLike[str], kind: Kind | None = None) -> Entry:
    """One model or detector.

    Args:
        name: ``"name"``, ``"name@version"``, or the path of a card (``"my/card.json"``).
        kind: where to look; models first, then detectors, when left out.

    Returns:
        Of several of one name, the bundled one, else the one with the highest version.

    Raises:
        InvalidArgumentError: neither a string nor a path.
        ModelNotFoundError: none of this name, or no card at this path.
        CorruptModelError: the card is damaged, or of the other kind.
    """
    if not isinstance(name, str | os.PathLike):
        raise InvalidArgumentError(f"model: expected a name or a path of a card, got {type(name).__name__}")
    text = os.fspath(name)
    kinds: tuple[Kind, ...] = tuple(FOLDERS) if kind is None else (kind,)
    wanted, at, version = text.partition("@")
    for each in kinds:
        for path, bundled in _named(wanted, each):
            entry = _open(each, path, wanted, bundled)
            if not at or entry.card.version == version:
                return entry
    if text.endswith(".json"):
        entry = Entry(open_card(text), Path(text), bundled=False)
        if entry.kind not in kinds:
            raise CorruptModelError(f"{text}: expected the card of a {kinds[0]}, got that of a {entry.kind}")
        return entry
    raise _nothing_of(text, kinds)


def resolve(model: str | os.PathLike[str]) -> Model:
    """Find a model and check its card; its network files are not read yet.

    Args:
        model: the name of a bundled or added model (``"fsanet"``, ``"fsanet@0.4.0"``), or the path of a card
            (``"my/card.json"``). A bundled model comes before an added one, of those the highest version.

    Raises:
        InvalidArgumentError: neither a string nor a path.
        ModelNotFoundError: no model has the name, or there is no such card.
        CorruptModelError: the card is damaged; the message names the field.
    """
    entry = find(model, "model")
    assert isinstance(entry.card, ModelCard)  # models have no other
    return Model(card=entry.card, card_path=entry.card_path)


def version_key(version: str) -> tuple[tuple[int, str], ...]:
    """Sorts versions by the value of their numbers.

    >>> max(["0.9.0", "0.10.0"], key=version_key)
    '0.10.0'
    """
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"([0-9]+)", version))


def _nothing_of(text: str, kinds: tuple[Kind, ...]) -> ModelNotFoundError:
    known = [name for kind in kinds for name in _names(kind)]
    hint = ""
    if text.endswith((".onnx", ".safetensors", ".pt", ".pth")):
        hint = "; a network file needs a card that says how to feed and decode it: pass the card's path"
    if text.partition("@")[0] in known:
        hint = "; hpe-edge models list shows which versions there are"
    return ModelNotFoundError(f"{kinds[0]}: expected one of {known} or the path of a card (*.json), got {text!r}{hint}")


def _bundled_folder(kind: Kind) -> Path:
    return models_folder() if kind == "model" else models_folder() / FOLDERS[kind]


def _added_folders(kind: Kind) -> list[Path]:
    """Folders ``NAME@VERSION``, by name, the highest version first; what is still being added has another name."""
    found = (user_folder() / FOLDERS[kind]).glob("[!.]*@*/" + CARD_NAME)
    highest_first = sorted((path.parent for path in found), key=_version_of, reverse=True)
    return sorted(highest_first, key=lambda path: path.name.rpartition("@")[0])


def _version_of(folder: Path) -> tuple[tuple[int, str], ...]:
    return version_key(folder.name.rpartition("@")[2])


def _names(kind: Kind) -> list[str]:
    added = (folder.name.rpartition("@")[0] for folder in _added_folders(kind))
    return sorted({*(path.stem for path in _bundled_folder(kind).glob("*.json")), *added})


def _named(name: str, kind: Kind) -> Iterator[tuple[Path, bool]]:
    """Paths of the cards of one name, and whether they are bundled, the preferred one first."""
    bundled = {path.stem: path for path in _bundled_folder(kind).glob("*.json")}
    if name in bundled:
        yield bundled[name], True
    for folder in _added_folders(kind):
        if folder.name.rpartition("@")[0] == name:
            yield folder / CARD_NAME, False


def _entries(kind: Kind) -> Iterator[Entry]:
    for path in sorted(_bundled_folder(kind).glob("*.json")):
        yield _open(kind, path, path.stem, bundled=True)
    for folder in _added_folders(kind):
        yield _open(kind, folder / CARD_NAME, folder.name.rpartition("@")[0], bundled=False)


def _open(kind: Kind, path: Path, named: str, bundled: bool) -> Entry:
    card = load_card(path) if kind == "model" else load_detector_card(path)
    if card.name != named:
        raise CorruptModelError(f"{path}: field 'name': expected {named!r} as the file is called, got {card.name!r}")
    return Entry(card, path, bundled)
