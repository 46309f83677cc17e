"""What all cards share: their JSON, and the network files that they name, each with its size and sha256."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from hpe_edge._fields import Fields
from hpe_edge._onnx_weights import with_weights
from hpe_edge.errors import CorruptModelError, ModelNotFoundError


@dataclass(frozen=True)
class FileEntry:
    """One file of a model.

    Attributes:
        path: a plain name beside the card.
        sha256: in hexadecimal.
        bytes: its size.
        weights: the kind of the card's file in which its tensors lie, where an ONNX file has them outside.
    """

    path: str
    sha256: str
    bytes: int
    weights: str | None = None

    @classmethod
    def of(cls, path: str | os.PathLike[str], weights: str | None = None) -> FileEntry:
        """The entry that describes an existing file.

        Raises:
            ModelNotFoundError: there is no such file.
        """
        data = _read_bytes(Path(path))
        return cls(path=Path(path).name, sha256=sha256_hex(data), bytes=len(data), weights=weights)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values, as in a card."""
        return {key: value for key, value in asdict(self).items() if value is not None}


class FileCard(Protocol):
    """A card that names files: a model's, a detector's."""

    @property
    def name(self) -> str:
        """For messages."""

    @property
    def files(self) -> Mapping[str, FileEntry]:
        """By kind."""


def read_card_json(path: str | os.PathLike[str], what: str) -> object:
    """The parsed JSON of a card file; messages call it ``what``.

    Raises:
        ModelNotFoundError: there is no such file. CorruptModelError: it is not JSON in UTF-8.
    """
    source = Path(path)
    try:
        data = source.read_bytes()
    except OSError as error:
        raise ModelNotFoundError(f"cannot read {what} {source}: {error.strerror or error}") from error
    return parse_card_json(data, f"{what} {source}")


def parse_card_json(data: bytes, source: str) -> object:
    """The parsed JSON of a card; messages call it ``source``.

    Raises:
        CorruptModelError: it is not JSON in UTF-8.
    """
    try:
        return json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # also a number of thousands of digits, lists in lists without end
        raise CorruptModelError(f"{source}: expected JSON in UTF-8, got {error}") from error


def write_card_json(data: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a checked card as indented JSON.

    Raises:
        CorruptModelError: a value that JSON cannot hold.
    """
    try:
        text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise CorruptModelError(
            f"card for {path}: fields 'training' and 'metrics': expected finite JSON values, got {error}"
        ) from error
    Path(path).write_text(text + "\n", encoding="utf-8")


def sha256_hex(data: bytes) -> str:
    """The sha256 of some bytes, in lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def read_verified(card: FileCard, kind: str, folder: str | os.PathLike[str]) -> bytes:
    """The bytes of one of the card's files, after their size and sha256 were checked.

    The bytes that were checked are those that are returned, so nothing can change in between.

    Raises:
        ModelNotFoundError: the card has no file of this kind, or the file is not there.
        CorruptModelError: size or sha256 differ from the card's.
    """
    if kind not in card.files:
        raise ModelNotFoundError(
            f"model {card.name!r} has no file of kind {kind!r}; its card lists {sorted(card.files)}"
        )
    entry = card.files[kind]
    path = Path(folder) / entry.path
    data = _read_bytes(path)
    digest = sha256_hex(data)
    if digest != entry.sha256:
        raise CorruptModelError(
            f"{path}: expected sha256 {entry.sha256} ({entry.bytes} bytes) as the card of model "
            f"{card.name!r} says, got {digest} ({len(data)} bytes); the file is damaged or another one, "
            "install it again"
        )
    if len(data) != entry.bytes:
        raise CorruptModelError(
            f"{path}: expected {entry.bytes} bytes as the card of model {card.name!r} says, got {len(data)}"
        )
    return data


def read_network(card: FileCard, kind: str, folder: str | os.PathLike[str]) -> bytes:
    """The bytes of a network that need no other file: those of :func:`read_verified`, with all tensors inside.

    Raises:
        ModelNotFoundError: the card has no file of this kind, or it or that of its tensors is not there.
        CorruptModelError: size or sha256 of one differ from the card's, or tensors are not where the file says.
    """
    data = read_verified(card, kind, folder)
    weights = card.files[kind].weights
    if weights is None:
        return data
    tensors = read_verified(card, weights, folder)
    try:
        return with_weights(data, tensors, card.files[weights].path)
    except CorruptModelError as error:
        raise CorruptModelError(f"model {card.name!r} ({card.files[kind].path}): {error}") from error


def size_bytes(card: FileCard, kind: str) -> int:
    """The size of a network: of its file, and of the one with its tensors where they lie in another."""
    entry = card.files[kind]
    return entry.bytes + (0 if entry.weights is None else card.files[entry.weights].bytes)


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelNotFoundError(f"cannot read model file {path}: {error.strerror or error}") from error


def read_files(fields: Fields) -> dict[str, FileEntry]:
    """The entries of a card's ``files``, by kind.

    Raises:
        CorruptModelError: there is none, or one is not a plain name with a sha256 and a size.
    """
    files = {kind: _read_file_entry(fields.child(kind)) for kind in fields.names()}
    if not files:
        raise fields.error("", "at least one file", "none")
    for kind, entry in files.items():
        if entry.weights is not None and (entry.weights not in files or files[entry.weights].weights is not None):
            whole = [name for name, other in files.items() if other.weights is None]
            raise fields.child(kind).error("weights", f"one of the kinds {whole}", repr(entry.weights))
    return files


def _read_file_entry(fields: Fields) -> FileEntry:
    entry = FileEntry(
        path=fields.text("path"),
        sha256=fields.text("sha256"),
        bytes=fields.integer("bytes", low=1),
        weights=fields.text("weights") if fields.has("weights") else None,
    )
    fields.done()
    # A card may come from anywhere: it names files beside itself and nothing else on the disk.
    if "/" in entry.path or "\\" in entry.path or entry.path in {".", ".."}:
        raise fields.error("path", "a plain file name beside the card", repr(entry.path))
    if not re.fullmatch(r"[0-9a-f]{64}", entry.sha256):
        raise fields.error("sha256", "64 lower-case hexadecimal digits", repr(entry.sha256))
    return entry
