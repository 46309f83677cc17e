"""Bytes from an address or a folder, into a file of a known size and sha256; an interrupted download goes on.

https only, but for this machine itself; redirections are held to the same.
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import quote, urlsplit

from hpe_edge.cardfiles import FileEntry
from hpe_edge.errors import CorruptModelError, HubError, ModelNotFoundError

Progress = Callable[[str, int, int], None]
"""Called with a file's name, the bytes of it that are there, and those it has."""

CARD_LIMIT: Final = 4 << 20
"""Bytes; a card is a page of text."""
_CHUNK: Final = 1 << 18
_HERE: Final = ("localhost", "127.0.0.1", "::1")


def is_address(where: str | os.PathLike[str]) -> bool:
    """Whether it is an address rather than a path; ``C:\\card.json`` is a path."""
    return bool(re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", os.fspath(where)))


def is_offline() -> bool:
    """Whether ``HPE_EDGE_OFFLINE`` forbids the network: set, and neither empty nor 0."""
    return os.environ.get("HPE_EDGE_OFFLINE", "") not in ("", "0")


def check_address(address: str, offline: bool) -> None:
    """Refuse an address that may not be opened.

    Raises:
        HubError: offline, or neither https nor this machine.
    """
    if offline:
        raise HubError(f"offline: {address} is not opened; give a folder, or unset HPE_EDGE_OFFLINE (--offline)")
    try:
        scheme, host = urlsplit(address).scheme, urlsplit(address).hostname
    except ValueError:  # such as half an IPv6 address
        scheme, host = "", None
    if not host or not (scheme == "https" or (scheme == "http" and host in _HERE)):
        raise HubError(f"expected an address with https:// (http:// for this machine alone), got {address}")


def download_card(address: str, timeout_s: float) -> bytes:
    """The bytes of a card.

    Raises:
        ModelNotFoundError: the server has no such file.
        HubError: it cannot be reached, or gives more than a card can have.
    """
    with _open(address, {}, timeout_s) as answer:
        data = _read(answer, address, CARD_LIMIT + 1)
    if len(data) > CARD_LIMIT:
        raise HubError(f"{address}: expected a card of at most {CARD_LIMIT} bytes, got more")
    return data


def download(address: str, target: Path, entry: FileEntry, timeout_s: float, progress: Progress) -> None:
    """Fetch a file into ``target``, going on with what an earlier call left in ``SHA256.part`` beside it.

    Raises:
        ModelNotFoundError: the server has no such file.
        CorruptModelError: it has another one: larger, or of another sha256.
        HubError: no connection, or it ended early; what came is kept for the next call. Or the disk is full.
    """
    part = target.with_name(entry.sha256 + ".part")
    try:
        resumed = _fetch(address, part, entry, timeout_s, progress)
    except _NoSuchRangeError:
        part.unlink()
        resumed = _fetch(address, part, entry, timeout_s, progress)
    if resumed and _digest(part) != entry.sha256:
        part.unlink()  # what lay there may have been the beginning of another file
        _fetch(address, part, entry, timeout_s, progress)
    _accept(part, target, entry, address)


def copy(source: Path, target: Path, entry: FileEntry, progress: Progress) -> None:
    """Copy a file into ``target``.

    Raises:
        ModelNotFoundError: it cannot be read. CorruptModelError: it is not the card's. HubError: the disk is full.
    """
    part = target.with_name(entry.sha256 + ".part")
    try:
        reader = source.open("rb")
    except OSError as error:
        raise ModelNotFoundError(f"cannot read model file {source}: {error.strerror or error}") from error
    with reader, part.open("wb") as writer:
        _pour(reader.read, writer, 0, entry, str(source), progress)
    _accept(part, target, entry, str(source))


def address_of(base: str, name: str) -> str:
    """The address of a file in a folder of a server.

    >>> address_of("https://example.org/models", "a b.onnx")
    'https://example.org/models/a%20b.onnx'
    """
    return f"{base.rstrip('/')}/{quote(name)}"


def check_space(folder: Path, needed: int) -> None:
    """Refuse early what the disk cannot hold.

    Raises:
        HubError: fewer than ``needed`` bytes are free.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise HubError(f"{folder}: expected {needed} free bytes for the model's files, got {free}; free some space")


def _fetch(address: str, part: Path, entry: FileEntry, timeout_s: float, progress: Progress) -> bool:
    """Get what ``part`` lacks; whether anything was there before and the server went on from it."""
    have = part.stat().st_size if part.exists() else 0
    if have > entry.bytes:
        part.unlink()
        have = 0
    if have == entry.bytes:
        return True
    headers = {"Range": f"bytes={have}-"} if have else {}
    with _open(address, headers, timeout_s) as answer:
        goes_on = have > 0 and answer.status == 206 and _first_byte(answer) == have
        start = have if goes_on else 0
        with part.open("ab" if goes_on else "wb") as writer:
            _pour(partial(_read, answer, address), writer, start, entry, address, progress)
    have = part.stat().st_size
    if have < entry.bytes:
        raise HubError(
            f"{address}: the connection ended after {have} of {entry.bytes} bytes; they are kept, run the same "
            "command again to go on"
        )
    return goes_on


def _first_byte(answer: Any) -> int | None:
    found = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _pour(
    read: Callable[[int], bytes], writer: IO[bytes], start: int, entry: FileEntry, source: str, progress: Progress
) -> None:
    """Copy until the end; a byte more than the card says is one too many."""
    have = start
    progress(entry.path, have, entry.bytes)
    while chunk := read(min(_CHUNK, entry.bytes + 1 - have)):
        have += len(chunk)
        if have > entry.bytes:
            raise CorruptModelError(f"{source}: expected {entry.bytes} bytes as the card says, got more")
        try:
            writer.write(chunk)
            writer.flush()
        except OSError as error:
            raise cannot_write(Path(writer.name), error) from error
        progress(entry.path, have, entry.bytes)


def _read(answer: Any, address: str, size: int) -> bytes:
    try:
        data: bytes = answer.read(size)
    except (OSError, http.client.HTTPException) as error:
        raise HubError(f"{address}: the connection was lost ({error or type(error).__name__}); try again") from error
    return data


def _accept(part: Path, target: Path, entry: FileEntry, source: str) -> None:
    digest = _digest(part)
    if digest != entry.sha256:
        size = part.stat().st_size
        part.unlink()
        raise CorruptModelError(
            f"{source}: expected sha256 {entry.sha256} ({entry.bytes} bytes) as the card says, got {digest} "
            f"({size} bytes); it is damaged or another file"
        )
    part.replace(target)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        found = hashlib.sha256()
        while chunk := file.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


def cannot_write(path: Path, error: OSError) -> HubError:
    """The error for a file or folder that cannot be written."""
    told = "the disk is full, free some space" if error.errno == errno.ENOSPC else error.strerror or str(error)
    return HubError(f"cannot write {path}: {told}")


class _NoSuchRangeError(HubError):
    """The server's file ends before the byte that was asked for."""


class _SameRules(urllib.request.HTTPRedirectHandler):
    """A redirection may lead only where a user could have gone."""

    def redirect_request(self, req: urllib.request.Request, *where: Any) -> urllib.request.Request | None:
        check_address(where[-1], offline=False)
        return super().redirect_request(req, *where)


def _open(address: str, headers: dict[str, str], timeout_s: float) -> Any:
    request = urllib.request.Request(address, headers={"User-Agent": "hpe-edge", **headers})
    try:
        return urllib.request.build_opener(_SameRules).open(request, timeout=timeout_s)
    except urllib.error.HTTPError as error:
        with error:
            if error.code in (404, 410):
                raise ModelNotFoundError(f"{address}: the server has no such file ({error.code})") from error
            kind = _NoSuchRangeError if error.code == 416 else HubError
            raise kind(f"{address}: the server answered {error.code} {error.reason}") from error
    except HubError:
        raise
    except (OSError, http.client.HTTPException) as error:
        raise HubError(f"{address}: no connection ({getattr(error, 'reason', error)}); try again later") from error
