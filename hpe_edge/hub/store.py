"""Adding models to the user's folder, and taking them out."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hpe_edge._files import locked
from hpe_edge.cardfiles import FileEntry, parse_card_json, sha256_hex
from hpe_edge.errors import CorruptModelError, HpeEdgeError, InvalidArgumentError, ModelNotFoundError
from hpe_edge.hub.check import check_files
from hpe_edge.hub.entries import CARD_NAME, FOLDERS, AnyCard, Entry, find, kind_of, open_card, read_card, user_folder

if TYPE_CHECKING:
    from hpe_edge.hub.download import Progress

_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")


def add_model(
    card: str | os.PathLike[str],
    *,
    files: str | os.PathLike[str] | None = None,
    force: bool = False,
    offline: bool = False,
    timeout_s: float = 30.0,
    progress: Progress | None = None,
) -> Entry:
    """Add a model or detector to the user's folder: its card and every file that the card lists, verified and loaded.

    The model is there when all is right, and not at all before. Two processes that add one model wait for each other.

    Args:
        card: path or https address of a card.
        files: folder or https address with the files, under the names that the card gives them or under their sha256;
            that of the card when left out.
        force: replace a model of this name and version whose card is another one.
        offline: open no address; so does the environment's ``HPE_EDGE_OFFLINE=1``.
        timeout_s: seconds without an answer after which a connection is given up.
        progress: called with a file's name, the bytes of it that are there, and those it has.

    Returns:
        What was added; what was there already, when it is the same and whole.

    Raises:
        HubError: offline, no connection, an address that may not be opened, or a full disk. A download that ended
            early goes on when the same call is made again.
        ModelNotFoundError: no such card or file.
        CorruptModelError: card or file is damaged, or does not load.
        InvalidArgumentError: another model of this name and version is there, or a bundled one has the name and
            version; or the card's name, version or a file's name is not plain.

    >>> from hpe_edge.hub import add_model, models_folder
    >>> add_model(models_folder() / "fsanet.json").bundled  # it is there already
    True
    """
    # urllib and ssl are slow to import, and every program that makes a HeadPose comes by here
    from hpe_edge.hub import download

    offline = offline or download.is_offline()
    data = _card_bytes(card, offline, timeout_s)
    checked = read_card(parse_card_json(data, f"card {os.fspath(card)}"), os.fspath(card))
    _check_names(checked)
    where = _folder_of(card) if files is None else os.fspath(files)
    if download.is_address(where):
        download.check_address(where, offline)
    bundled = _bundled(checked)
    if bundled is not None:
        return bundled
    target = _target(checked)
    with _alone(target):
        if not force:
            _refuse_another(checked, target)
        if not _is_whole(target, data):
            staging = _stage(checked, data, target)
            _fill(staging, checked, where, timeout_s, progress or _silent)
            _publish(staging, target)
    return Entry(checked, target / CARD_NAME, bundled=False)


def remove_model(name: str) -> Path:
    """Take a model or detector out of the user's folder, and what an interrupted :func:`add_model` left of it.

    Args:
        name: ``"name@version"``, or ``"name"`` where there is one version of it.

    Returns:
        The folder that was removed.

    Raises:
        ModelNotFoundError: no such model was added. InvalidArgumentError: there are several versions of it.
    """
    wanted, at, _ = name.partition("@")
    pattern = name if at else f"{wanted}@*"
    if not all(_PLAIN.fullmatch(part) for part in name.split("@", 1)):
        raise ModelNotFoundError(f"model: expected a name or name@version of an added model, got {name!r}")
    found = [path for folder in FOLDERS.values() for path in (user_folder() / folder).glob(pattern)]
    if len(found) > 1:
        raise InvalidArgumentError(f"model: expected one of {sorted(path.name for path in found)}, got {name!r}")
    if not found:
        raise ModelNotFoundError(f"model: {name!r} was not added to {user_folder()}; bundled models cannot be removed")
    with _alone(found[0]):
        for path in (found[0], *_left(found[0])):
            shutil.rmtree(path)
    return found[0]


def _silent(*_: object) -> None:
    """No progress."""


def _card_bytes(card: str | os.PathLike[str], offline: bool, timeout_s: float) -> bytes:
    from hpe_edge.hub import download

    if download.is_address(card):
        download.check_address(os.fspath(card), offline)
        return download.download_card(os.fspath(card), timeout_s)
    try:
        return Path(card).read_bytes()
    except OSError as error:
        raise ModelNotFoundError(f"cannot read card {Path(card)}: {error.strerror or error}") from error


def _check_names(card: AnyCard) -> None:
    """They become names of folders and files, here and on other systems."""
    names = {"name": card.name, "version": card.version}
    names |= {f"files.{kind}.path": entry.path for kind, entry in card.files.items()}
    for field, value in names.items():
        if not _PLAIN.fullmatch(value) or value == CARD_NAME:
            raise InvalidArgumentError(f"card: field {field!r}: expected letters, digits and ._+-, got {value!r}")


def _folder_of(card: str | os.PathLike[str]) -> str:
    from hpe_edge.hub import download

    if not download.is_address(card):
        return str(Path(card).parent)
    return os.fspath(card).partition("?")[0].rpartition("/")[0]


def _target(card: AnyCard) -> Path:
    return user_folder() / FOLDERS[kind_of(card)] / f"{card.name}@{card.version}"


def _bundled(card: AnyCard) -> Entry | None:
    """The bundled model, if it is this one; it may not be hidden by another of its name and version."""
    try:
        found = find(f"{card.name}@{card.version}", kind_of(card))
    except (ModelNotFoundError, CorruptModelError):
        return None
    if not found.bundled:
        return None
    if found.card == card:
        return found
    raise InvalidArgumentError(f"{found.label}: a bundled {found.kind} has this name and version; give it another one")


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """No other process changes this model meanwhile."""
    from hpe_edge.hub.download import cannot_write

    try:
        with locked(user_folder() / "locks" / f"{target.parent.name}-{target.name}"):
            old = _aside(target, "old")
            if old.exists() and not target.exists():  # killed while it was replaced
                old.rename(target)
            yield
    except HpeEdgeError:
        raise
    except OSError as error:
        raise cannot_write(Path(error.filename or target), error) from error


def _refuse_another(card: AnyCard, target: Path) -> None:
    try:
        present = open_card(target / CARD_NAME)
    except (ModelNotFoundError, CorruptModelError):
        return
    if present != card:
        raise InvalidArgumentError(
            f"{target.name}: another {kind_of(card)} of this name and version is there ({target}); give the new one "
            "another version, or replace it with force=True (--force)"
        )


def _is_whole(target: Path, data: bytes) -> bool:
    """Whether a model with this card is there and all its files are right; one that is damaged is made anew."""
    try:
        check_files(open_card(target / CARD_NAME), target)
    except (ModelNotFoundError, CorruptModelError):
        return False
    return (target / CARD_NAME).read_bytes() == data


def _aside(target: Path, what: str) -> Path:
    """A folder that the catalog does not see."""
    return target.with_name(f".{target.name}~{what}")


def _left(target: Path) -> list[Path]:
    """What interrupted calls left."""
    return list(target.parent.glob(f".{target.name}~*"))


def _stage(card: AnyCard, data: bytes, target: Path) -> Path:
    """The folder where the model is put together; that of an interrupted call for the same card is used on."""
    from hpe_edge.hub.download import check_space

    staging = _aside(target, sha256_hex(data)[:16])
    staging.mkdir(parents=True, exist_ok=True)
    there = sum(path.stat().st_size for path in staging.iterdir())
    check_space(staging, sum(entry.bytes for entry in card.files.values()) - there)
    (staging / CARD_NAME).write_bytes(data)
    return staging


def _fill(staging: Path, card: AnyCard, where: str, timeout_s: float, progress: Progress) -> None:
    """Bring the card's files. What is wrong is thrown away, what is only incomplete is kept for the next call."""
    try:
        for entry in card.files.values():
            if not (staging / entry.path).exists():
                _bring(entry, where, staging, timeout_s, progress)
        check_files(card, staging)
    except (CorruptModelError, ModelNotFoundError):
        shutil.rmtree(staging)
        raise


def _bring(entry: FileEntry, where: str, staging: Path, timeout_s: float, progress: Progress) -> None:
    from hpe_edge.hub import download

    def bring(name: str) -> None:
        if download.is_address(where):
            download.download(download.address_of(where, name), staging / entry.path, entry, timeout_s, progress)
        else:
            download.copy(Path(where) / name, staging / entry.path, entry, progress)

    try:
        bring(entry.path)
    except ModelNotFoundError as error:
        try:
            bring(entry.sha256)  # a mirror that names files by what is in them
        except ModelNotFoundError:
            raise error from None


def _publish(staging: Path, target: Path) -> None:
    if target.exists():
        target.rename(_aside(target, "old"))
    staging.rename(target)
    for path in _left(target):
        shutil.rmtree(path)
