"""A dataset as it was downloaded: a folder, or the zip it came in, behind one small interface."""

from __future__ import annotations

import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from hpe_edge.errors import DatasetError


class FileTree:
    """Names and bytes of the files below a folder or inside a zip, without unpacking it.

    Names are relative, with ``/``. Raises DatasetError when the path is neither.

    >>> import tempfile
    >>> FileTree(Path(tempfile.mkdtemp())).names()
    []
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._zip: zipfile.ZipFile | None = None
        self._lock = threading.Lock()
        if path.is_dir():
            return
        if not path.exists():
            raise DatasetError(f"{path}: expected a dataset folder or a zip, got no such path")
        try:
            self._zip = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise DatasetError(f"{path}: expected a dataset folder or a zip, got: {error}") from error

    def names(self) -> list[str]:
        """All file names, sorted."""
        if self._zip is not None:
            return sorted(n for n in self._zip.namelist() if not n.endswith("/"))
        found = (p for p in self.path.rglob("*") if p.is_file())
        return sorted(p.relative_to(self.path).as_posix() for p in found)

    def sizes(self) -> list[tuple[str, int]]:
        """(name, bytes) of all files, sorted: tells whether a dataset is still the one it was."""
        if self._zip is not None:
            return sorted((i.filename, i.file_size) for i in self._zip.infolist() if not i.is_dir())
        return [(name, (self.path / name).stat().st_size) for name in self.names()]

    @contextmanager
    def on_disk(self, name: str) -> Iterator[Path]:
        """A file for a library that wants a path: the plain file, or a temporary copy of the zip member."""
        if self._zip is None:
            yield self.path / name
            return
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder, PurePosixPath(name).name)
            copy.write_bytes(self.read(name))
            yield copy

    def read(self, name: str) -> bytes:
        """The bytes of one file; DatasetError when it is missing or damaged."""
        try:
            if self._zip is None:
                return (self.path / name).read_bytes()
            with self._lock:  # one file handle under all readers
                return self._zip.read(name)
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise DatasetError(f"{self.path}: expected to read {name}, got: {error}") from error

    def source(self, name: str) -> Path | Callable[[], bytes]:
        """What a Sample keeps: the path of a plain file, or a function that reads the zip member."""
        return self.path / name if self._zip is None else lambda: self.read(name)


def stem(name: str) -> str:
    """``"300W_LP/AFW/a_0.jpg"`` -> ``"300W_LP/AFW/a_0"``: what a picture and its labels share.

    >>> stem("x/a.b.jpg")
    'x/a.b'
    """
    path = PurePosixPath(name)
    return str(path.with_suffix(""))
