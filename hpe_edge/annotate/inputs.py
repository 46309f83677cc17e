"""What is annotated: pictures of a folder, of webdataset shards (tar) or of Parquet files, cut into pieces.

A piece is what becomes one output shard: so many files of a folder, one tar, one row group of a Parquet file. It is
sent to a worker, which reads its pictures there.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from hpe_edge.errors import DatasetError, InvalidArgumentError, missing_dependency
from hpe_edge.sources.pictures import IMAGE_SUFFIXES


@dataclass(frozen=True)
class Picture:
    """A picture as it is stored, or why it could not be read.

    Attributes:
        key: what it is called in its source; ``None`` for the rest of a source that cannot be read on.
        data: the bytes of an image file, or the message of what went wrong.
    """

    key: str | None
    data: bytes | str


class Piece(Protocol):
    """The pictures of one output shard."""

    @property
    def source(self) -> str:
        """The tar or Parquet file, by its name; empty for a folder."""

    @property
    def identity(self) -> str:
        """Changes when the piece does."""

    def pictures(self) -> Iterator[Picture]:
        """All pictures, in order; one that cannot be read is given with the reason."""


@dataclass(frozen=True)
class FilePiece:
    """Files of a folder; ``names`` are relative to it, ``sizes`` in bytes, -1 of one that cannot be read."""

    folder: Path
    names: tuple[str, ...]
    sizes: tuple[int, ...]

    @property
    def source(self) -> str:
        """No file."""
        return ""

    @property
    def identity(self) -> str:
        """Names and sizes."""
        return repr((self.names, self.sizes))

    def pictures(self) -> Iterator[Picture]:
        """See :class:`Piece`."""
        return (_read(self.folder / name, _printable(name)) for name in self.names)


@dataclass(frozen=True)
class TarPiece:
    """A webdataset shard; its pictures are the members whose names end as those of images do."""

    path: Path
    size: int

    @property
    def source(self) -> str:
        """The tar."""
        return self.path.name

    @property
    def identity(self) -> str:
        """Name and size."""
        return repr((self.path.name, self.size))

    def pictures(self) -> Iterator[Picture]:
        """See :class:`Piece`."""
        try:
            with tarfile.open(self.path) as tar:
                for member in tar:
                    if member.isfile() and _is_image(member.name):
                        yield _member(tar, member)
        except (tarfile.TarError, OSError, EOFError) as error:
            yield Picture(None, f"{self.path.name}: expected a tar, read until: {error}")


@dataclass(frozen=True)
class ParquetPiece:
    """A row group of a Parquet file.

    ``column`` holds the bytes of image files, or paths, which are relative to the Parquet file, or a struct with both
    (``{"bytes": ..., "path": ...}``). ``key_column`` says what pictures are called; else it is the row's number.
    """

    path: Path
    size: int
    group: int
    first_row: int
    column: str
    key_column: str | None

    @property
    def source(self) -> str:
        """The Parquet file."""
        return self.path.name

    @property
    def identity(self) -> str:
        """Name, size and columns."""
        return repr((self.path.name, self.size, self.group, self.column, self.key_column))

    def pictures(self) -> Iterator[Picture]:
        """See :class:`Piece`."""
        parquet = import_parquet("reading Parquet")
        columns = [self.column] if self.key_column is None else [self.column, self.key_column]
        try:
            with parquet.ParquetFile(self.path) as file:
                table = file.read_row_group(self.group, columns=columns)
        except (OSError, ValueError) as error:  # pyarrow's errors are among them
            yield Picture(None, f"{self.path.name}: row group {self.group} cannot be read: {error}")
            return
        for number in range(table.num_rows):
            key = self.first_row + number if self.key_column is None else table[self.key_column][number].as_py()
            yield self._picture(str(key), table[self.column][number].as_py())

    def _picture(self, key: str, value: Any) -> Picture:
        if isinstance(value, dict):
            value = value.get("bytes") or value.get("path")
        if isinstance(value, bytes):
            return Picture(key, value)
        if isinstance(value, str):
            return _read(self.path.parent / value, key)
        return Picture(key, f"{key}: expected the bytes or the path of an image, got {type(value).__name__}")


def plan(source: str, *, pictures_per_shard: int, column: str | None, key_column: str | None) -> list[Piece]:
    """The pieces of an input.

    Args:
        source: a folder of images (and folders of them), of tars, or of Parquet files; one tar or Parquet file; or a
            pattern with braces, ``"shards/{000000..000009}.tar"``.
        pictures_per_shard: of a folder of images.
        column, key_column: of Parquet files; the first column that can hold images when ``column`` is left out.

    Raises:
        DatasetError: there is nothing, or not what was expected.
        MissingDependencyError: pyarrow or braceexpand is not installed.
    """
    if pictures_per_shard < 1:
        raise InvalidArgumentError(f"pictures_per_shard: expected at least 1, got {pictures_per_shard}")
    pieces: list[Piece] = []
    files = _expand(source)
    for path in files:
        if path.suffix == ".tar":
            pieces.append(TarPiece(path, _size(path)))
        elif path.suffix == ".parquet":
            pieces += _row_groups(path, column, key_column)
        elif path.is_dir() and len(files) == 1:
            pieces += _files_of(path, pictures_per_shard)
        else:
            raise DatasetError(f"{path}: expected a folder of images, a tar or a Parquet file")
    if not pieces:
        raise DatasetError(
            f"{source}: expected pictures ({', '.join(sorted(IMAGE_SUFFIXES))}), tars or Parquet, none found"
        )
    return pieces


def digest(pieces: Sequence[Piece]) -> str:
    """One sha256 for a plan: going on with another one would mix two inputs."""
    return hashlib.sha256("\n".join(piece.identity for piece in pieces).encode()).hexdigest()


def import_parquet(purpose: str) -> Any:
    """``pyarrow.parquet``. Raises ``MissingDependencyError`` where it is not installed."""
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise missing_dependency("pyarrow", "annotate", purpose) from error
    return parquet


def _expand(source: str) -> list[Path]:
    """The files of a pattern or of a folder of shards; else the one path."""
    if "{" in source and not Path(source).exists():
        try:
            from braceexpand import braceexpand
        except ImportError as error:
            raise missing_dependency("braceexpand", "annotate", "a pattern with braces") from error
        return [Path(name) for name in braceexpand(source)]
    path = Path(source)
    if not path.is_dir():
        return [path]
    tars, tables = sorted(path.glob("*.tar")), sorted(path.glob("*.parquet"))
    if tars and tables:
        raise DatasetError(f"{path}: expected tars or Parquet files, found both; name those that are meant")
    return tars or tables or [path]


def _files_of(folder: Path, pictures_per_shard: int) -> Iterator[FilePiece]:
    names = []
    for at, folders, files in os.walk(folder):
        folders.sort()
        names += [(Path(at) / name).relative_to(folder).as_posix() for name in files if _is_image(name)]
    names.sort()
    for first in range(0, len(names), pictures_per_shard):
        some = tuple(names[first : first + pictures_per_shard])
        yield FilePiece(folder, some, tuple(_size_or_minus_one(folder / name) for name in some))


def _size_or_minus_one(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # such as a link to nothing: its row says why
        return -1


def _row_groups(path: Path, column: str | None, key_column: str | None) -> Iterator[ParquetPiece]:
    parquet = import_parquet("reading Parquet")
    size = _size(path)
    try:
        with parquet.ParquetFile(path) as file:
            schema, metadata = file.schema_arrow, file.metadata
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: expected a Parquet file: {error}") from error
    for wanted in (column, key_column):
        if wanted is not None and wanted not in schema.names:
            raise DatasetError(f"{path}: expected a column {wanted!r}, found {schema.names}")
    chosen = column or _image_column(path, schema)
    first_row = 0
    for group in range(metadata.num_row_groups):
        yield ParquetPiece(path, size, group, first_row, chosen, key_column)
        first_row += metadata.row_group(group).num_rows


_USUAL_COLUMNS: Final = ("image", "jpg", "jpeg", "png", "bytes", "img", "path")


def _image_column(path: Path, schema: Any) -> str:
    for name in _USUAL_COLUMNS:
        if name in schema.names:
            return name
    raise DatasetError(f"{path}: expected a column with images, found {schema.names}; name it with column (--column)")


def _member(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Picture:
    key = _printable(member.name)
    file = tar.extractfile(member)
    assert file is not None  # members that are no files are left out
    try:
        return Picture(key, file.read())
    except tarfile.ReadError as error:
        return Picture(key, f"{key}: the tar ends within it ({error})")


def _printable(name: str) -> str:
    """A file's name as text that every format can hold: bytes that are no UTF-8 become ``\\xff``."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _read(path: Path, key: str) -> Picture:
    try:
        return Picture(key, path.read_bytes())
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        return Picture(key, f"{key}: cannot be read: {getattr(error, 'strerror', None) or error}")


def _is_image(name: str) -> bool:
    return Path(name).suffix.lower() in IMAGE_SUFFIXES and not Path(name).name.startswith(".")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror or error}") from error
