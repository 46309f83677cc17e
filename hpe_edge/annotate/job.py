"""The whole job: a plan, workers, shards that are there whole or not at all, and a manifest.

``_manifest.json`` says from what the shards were made, and at the end what is in each. A shard is finished when its
record is in ``_progress``, which is written after it; a job that goes on makes the others. Both names begin with an
underscore, which readers of folders of Parquet leave out.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from hpe_edge._files import locked, write_whole
from hpe_edge._workers import Job, share
from hpe_edge.annotate.inputs import Piece, digest, plan
from hpe_edge.annotate.table import Estimation, Shard, check_installed, make_shard
from hpe_edge.cardfiles import sha256_hex
from hpe_edge.errors import DatasetError, HpeEdgeError

FORMAT: Final = "hpe-edge-annotations/1"
MANIFEST: Final = "_manifest.json"
PROGRESS: Final = "_progress"
LOCK: Final = "_lock"


@dataclass(frozen=True)
class Summary:
    """What a job has made, together with the calls before that it went on from.

    Attributes:
        shards, pictures, faces, errors: how many; a picture that could not be read is an error.
        resumed: shards that were there already.
        elapsed_s: seconds of this call.
    """

    shards: int
    pictures: int
    faces: int
    errors: int
    resumed: int
    elapsed_s: float

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self)


OnShard = Callable[[int, int], None]
"""Called with the shards that are finished and those there will be: at the start, and after each."""


def annotate(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    estimation: Estimation | None = None,
    *,
    form: str = "parquet",
    pictures_per_shard: int = 1000,
    column: str | None = None,
    key_column: str | None = None,
    workers: int | None = None,
    engine: str = "local",
    ray_address: str | None = None,
    on_shard: OnShard | None = None,
) -> Summary:
    """Estimate the heads in many pictures and write a table of them, in shards.

    A job that was interrupted, killed even, goes on when the same call is made again. Its files are the same, byte by
    byte, as those of one that was not, whatever the workers.

    Args:
        source: a folder of images, webdataset shards or Parquet files (:func:`hpe_edge.annotate.inputs.plan`).
        out: a folder that is new, empty, or of the same job.
        estimation: how; what :class:`Estimation` says when left out.
        form: ``"parquet"`` (needs pyarrow) or ``"jsonl"``.
        pictures_per_shard: of a folder of images. A tar becomes one shard, and so does a row group of Parquet.
        column, key_column: of Parquet input.
        workers, engine, ray_address: processes here, one a core when left out, or actors of a Ray cluster.
        on_shard: called as the shards get ready.

    Raises:
        DatasetError: no pictures, an ``out`` of something else or in use, a full disk, or a worker died.
        InvalidArgumentError, MissingDependencyError: an argument that makes no sense, or needs what is not installed.
        ModelNotFoundError, CorruptModelError, BackendError: as :class:`hpe_edge.HeadPose`.
    """
    begin_s = time.perf_counter()
    estimation = estimation or Estimation()
    check_installed(form)
    pieces = plan(os.fspath(source), pictures_per_shard=pictures_per_shard, column=column, key_column=key_column)
    names = [f"part-{number:06d}.{form}" for number in range(len(pieces))]
    folder = Path(out)
    job = Job(
        estimation.open,
        partial(make_shard, estimation.is_crop, form),
        purpose="hpe-edge annotate",
        footprint="about 0.1 GB each and the pictures",
    )
    made_from = _made_from(pieces, estimation, form)
    with _claimed(folder, made_from):
        todo = {name: piece for name, piece in zip(names, pieces, strict=True) if not _is_finished(folder, name)}
        done = len(names) - len(todo)
        _tell(on_shard, done, len(names))
        if todo:
            order = list(todo)
            run = share(job, list(todo.values()), engine=engine, workers=workers, ray_address=ray_address)
            with closing(run):
                for finished, (place, shard) in enumerate(run, start=done + 1):
                    name = order[place]
                    _keep(folder, name, todo[name], shard)
                    _tell(on_shard, finished, len(names))
        records = _complete(folder, made_from, names)
    sums = {key: sum(record[key] for record in records) for key in ("pictures", "faces", "errors")}
    return Summary(shards=len(names), **sums, resumed=done, elapsed_s=time.perf_counter() - begin_s)


def _made_from(pieces: list[Piece], estimation: Estimation, form: str) -> dict[str, Any]:
    """What the bytes of the shards follow from."""
    return {
        "format": FORMAT,
        "form": form,
        "shards": len(pieces),
        "input_sha256": digest(pieces),
        "estimation": estimation.identity(),
    }


def _tell(on_shard: OnShard | None, finished: int, total: int) -> None:
    if on_shard is not None:
        on_shard(finished, total)


@contextmanager
def _claimed(folder: Path, made_from: dict[str, Any]) -> Iterator[None]:
    """Hold the folder, which is new, empty, or of the same job."""
    _refuse_foreign(folder)
    try:
        with locked(folder / LOCK, wait=False):
            _refuse_another(folder, made_from)
            (folder / PROGRESS).mkdir(exist_ok=True)
            yield
    except BlockingIOError as error:
        raise DatasetError(f"{folder}: another process is writing to it; wait for it or choose another OUT") from error
    except HpeEdgeError:
        raise
    except OSError as error:
        raise _cannot_write(folder, error) from error


def _refuse_foreign(folder: Path) -> None:
    try:
        there = {path.name for path in folder.iterdir()}
    except FileNotFoundError:
        return
    except OSError as error:
        raise _cannot_write(folder, error) from error
    if there - {LOCK} and MANIFEST not in there:
        raise DatasetError(
            f"{folder}: expected a new or empty folder, or one of this command, found {sorted(there)[:3]}"
        )


def _refuse_another(folder: Path, made_from: dict[str, Any]) -> None:
    """Write the manifest of an unfinished job, or find it there."""
    path = folder / MANIFEST
    if not path.exists():
        write_whole(path, _as_json(made_from | {"complete": False}))
        return
    try:
        found = json.loads(path.read_bytes())
        told = [
            f"{key} {found.get(key)!r} (asked: {asked!r})"
            for key, asked in made_from.items()
            if found.get(key) != asked
        ]
    except (ValueError, AttributeError) as error:
        raise DatasetError(f"{path}: expected a manifest of hpe-edge annotate, got {error}") from error
    if told:
        raise DatasetError(f"{folder} holds the result of another job: {', '.join(told)}. Choose another OUT.")


def _is_finished(folder: Path, name: str) -> bool:
    """Whether a shard has its record, and is as long as that says."""
    try:
        record = _record(folder, name)
        return bool((folder / name).stat().st_size == record["bytes"])
    except FileNotFoundError:
        return False


def _record(folder: Path, name: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / PROGRESS / f"{name}.json").read_bytes())
    return record


def _keep(folder: Path, name: str, piece: Piece, shard: Shard) -> None:
    """Write a shard, then its record."""
    record = {
        "name": name,
        "source": piece.source,
        "bytes": len(shard.content),
        "sha256": sha256_hex(shard.content),
        "pictures": shard.pictures,
        "faces": shard.faces,
        "errors": shard.errors,
    }
    write_whole(folder / name, shard.content)
    write_whole(folder / PROGRESS / f"{name}.json", _as_json(record))


def _complete(folder: Path, made_from: dict[str, Any], names: list[str]) -> list[dict[str, Any]]:
    """The final manifest, with a record of every shard; the records stay, so that a finished job can be asked again."""
    records = [_record(folder, name) for name in names]
    write_whole(folder / MANIFEST, _as_json(made_from | {"complete": True, "parts": records}))
    return records


def _as_json(data: dict[str, Any]) -> bytes:
    return (json.dumps(data, indent=1) + "\n").encode()


def _cannot_write(folder: Path, error: OSError) -> DatasetError:
    return DatasetError(
        f"cannot write to {folder}: {error.strerror or error}. Finished shards are kept: free some space and run the "
        "same command again to go on."
    )
