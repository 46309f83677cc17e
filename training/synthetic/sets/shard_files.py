"""Tar shards of rendered samples: the same bytes wherever they are made, whole or not there at all."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hpe_edge import _files
from hpe_edge.errors import DatasetError

JPEG_QUALITY = 95


@dataclass(frozen=True)
class Sample:
    """One picture (H, W, 3) uint8 BGR and its label, to be stored as ``KEY.jpg`` and ``KEY.json``."""

    key: str
    image_bgr: NDArray[np.uint8]
    label: dict[str, Any]


def pack_shard(samples: Iterable[Sample], expected: int) -> bytes:
    """The tar of a shard. Raises ``DatasetError`` unless there are ``expected`` samples."""
    stream = io.BytesIO()
    count = 0
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for sample in samples:
            label = json.dumps({"key": sample.key, **sample.label}, separators=(",", ":"))
            _add(tar, f"{sample.key}.jpg", _encode(sample))
            _add(tar, f"{sample.key}.json", label.encode())
            count += 1
    if count != expected:
        raise DatasetError(f"a shard: expected {expected} samples, the renderer made {count}")
    return stream.getvalue()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that appears under its name only when complete.

    Raises ``DatasetError`` where the disk is full or the folder cannot be written; nothing is left of the file.
    """
    try:
        _files.write_whole(path, content)
    except OSError as error:
        raise DatasetError(
            f"cannot write {path}: {error}. Finished shards are kept: free some space and run the same command "
            "again to go on."
        ) from error


def is_whole(path: Path, expected: int) -> bool:
    """Whether a shard is there, uncut and with all its samples."""
    try:
        if path.stat().st_size % tarfile.RECORDSIZE:  # tars end on a whole record
            return False
        with tarfile.open(path) as tar:
            return len(tar.getnames()) == 2 * expected
    except (tarfile.TarError, OSError, EOFError):
        return False


def _encode(sample: Sample) -> bytes:
    encoded, jpeg = cv2.imencode(".jpg", sample.image_bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not encoded:
        raise DatasetError(f"{sample.key}: OpenCV could not encode a JPEG of shape {sample.image_bgr.shape}")
    return bytes(jpeg.tobytes())


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)  # time 0, no owner: the same bytes wherever it is made
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))
