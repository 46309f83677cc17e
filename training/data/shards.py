"""Rendered heads: webdataset tar shards read once into a flat uint8 cache.

A dataset folder holds ``dataset.json`` and ``shard-000000.tar`` ...; a sample is ``KEY.jpg`` and
``KEY.json``. Decoding takes longer than augmenting, so all images are decoded once into one
memory-mapped file that loader processes share and that a second run reopens.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from hpe_edge.training.data.head_cache import Arrays, new_pictures, open_cache
from hpe_edge.training.euler import EULER_LIMIT_DEG
from tqdm import tqdm

from hpe_edge.errors import DatasetError

CACHE_VERSION = 2
LABELS = {  # name in the cache: (key in the sample's JSON, shape, dtype)
    "rotation": ("rotation", (3, 3), np.float32),
    "box_xyxy": ("box_xyxy", (4,), np.float32),
    "landmarks": ("landmarks_68", (68, 2), np.float32),
    "landmarks_visible": ("landmarks_68_visible", (68,), np.uint8),
    "identity": ("identity", (), np.int64),
    "visible_fraction": ("visible_face_fraction", (), np.float32),
}
ANGLE_KEYS = ("yaw_deg", "pitch_deg", "roll_deg")


@dataclass(frozen=True)
class Heads:
    """All heads of one or more datasets; arrays of one length N.

    images: uint8 (N, S, S, 3) BGR. euler_deg: float32 (N, 3) yaw, pitch, roll. rotation: float32
    (N, 3, 3), label frame. box_xyxy: float32 (N, 4), the tight face box in pixels of the image.
    landmarks: float32 (N, 68, 2) pixels. landmarks_visible: uint8 (N, 68), 0 or 1. identity: int64 (N,).
    visible_fraction: float32 (N,).
    fingerprint: sha256 of the datasets' descriptions. datasets: those descriptions, for the card.
    """

    images: npt.NDArray[np.uint8]
    euler_deg: npt.NDArray[np.float32]
    rotation: npt.NDArray[np.float32]
    box_xyxy: npt.NDArray[np.float32]
    landmarks: npt.NDArray[np.float32]
    landmarks_visible: npt.NDArray[np.uint8]
    identity: npt.NDArray[np.int64]
    visible_fraction: npt.NDArray[np.float32]
    fingerprint: str
    datasets: tuple[dict[str, Any], ...] = ()

    def __len__(self) -> int:
        return len(self.images)


def read_description(folder: Path) -> dict[str, Any]:
    """``dataset.json`` of a dataset folder.

    Raises:
        DatasetError: it is missing or says that rendering did not finish, or lacks ``count`` or ``image_size``.
    """
    path = folder / "dataset.json"
    if not path.is_file():
        raise DatasetError(f"{folder}: expected a dataset.json (written when rendering ends), found none")
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DatasetError(f"{path}: expected JSON, got {error}") from error
    if not isinstance(description, dict):
        raise DatasetError(f"{path}: expected a JSON object, got {type(description).__name__}")
    for key in ("count", "image_size"):
        if not isinstance(description.get(key), int) or description[key] < 1:
            raise DatasetError(f"{path}: expected a positive integer {key!r}, got {description.get(key)!r}")
    if description.get("complete") is False:
        raise DatasetError(f"{path}: rendering did not finish; run the same hpe-edge render command again to go on")
    return description


def iterate_shard(path: Path) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
    """(key, JPEG bytes, label) of each sample of one tar shard.

    Raises:
        DatasetError: the tar is cut short, a sample lacks one of its files, or a JSON is not one.
    """
    pending: dict[str, dict[str, bytes]] = {}
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                stream = tar.extractfile(member)
                if stream is None:
                    continue
                key, _, extension = member.name.partition(".")
                content = stream.read()
                if len(content) != member.size:
                    raise DatasetError(f"{path}: {member.name} is cut short; render this shard again")
                files = pending.setdefault(key, {})
                files[extension] = content
                if "jpg" in files and "json" in files:
                    del pending[key]
                    yield key, files["jpg"], _parse_label(path, key, files["json"])
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DatasetError(f"{path}: expected a whole tar shard, got {error!r}; render it again") from error
    if pending:
        key, files = next(iter(pending.items()))
        raise DatasetError(f"{path}: sample {key} has {sorted(files)}, expected jpg and json")


def _parse_label(path: Path, key: str, content: bytes) -> dict[str, Any]:
    try:
        label = json.loads(content)
    except ValueError as error:
        raise DatasetError(f"{path}: {key}.json: expected JSON, got {error}") from error
    if not isinstance(label, dict):
        raise DatasetError(f"{path}: {key}.json: expected an object, got {type(label).__name__}")
    return label


def _label_arrays(path: Path, key: str, label: dict[str, Any]) -> dict[str, npt.NDArray[Any]]:
    """The label's numbers in the shapes of `Heads`."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    try:
        arrays["euler_deg"] = np.array([label[name] for name in ANGLE_KEYS], np.float32)
        for name, (json_key, shape, dtype) in LABELS.items():
            arrays[name] = np.asarray(label[json_key], dtype).reshape(shape)
    except KeyError as error:
        raise DatasetError(f"{path}: {key}.json: expected the key {error}, got {sorted(label)}") from error
    except (TypeError, ValueError) as error:
        raise DatasetError(f"{path}: {key}.json: a value has a wrong type or length: {error}") from error
    if not all(np.isfinite(value).all() for value in arrays.values()):
        raise DatasetError(f"{path}: {key}.json: expected finite numbers, got NaN or infinity")
    return arrays


def _decode(path: Path, key: str, content: bytes, size: int) -> npt.NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if image is None or image.shape != (size, size, 3):
        got = "no image" if image is None else f"shape {image.shape}"
        raise DatasetError(f"{path}: {key}.jpg: expected {size}x{size} pixels as dataset.json says, got {got}")
    return np.asarray(image, np.uint8)


def shard_paths(folder: Path) -> list[Path]:
    """The folder's tar shards in order; `DatasetError` where there are none."""
    paths = sorted(folder.glob("shard-*.tar"))
    if not paths:
        raise DatasetError(f"{folder}: expected files shard-*.tar, found none")
    return paths


def _fill(folders: Sequence[Path], size: int, arrays: dict[str, npt.NDArray[Any]], quiet: bool) -> None:
    total = len(arrays["images"])
    position = 0
    with tqdm(total=total, desc="decode", unit="img", disable=quiet) as bar:
        for folder in folders:
            start = position
            expected = int(read_description(folder)["count"])
            for path in shard_paths(folder):
                for key, jpeg, label in iterate_shard(path):
                    if position - start >= expected:
                        raise DatasetError(f"{folder}: expected {expected} samples, found more in {path.name}")
                    arrays["images"][position] = _decode(path, key, jpeg, size)
                    for name, value in _label_arrays(path, key, label).items():
                        arrays[name][position] = value
                    position += 1
                    bar.update()
            if position - start != expected:
                raise DatasetError(f"{folder}: expected {expected} samples, found {position - start}")


def _fingerprint(folders: Sequence[Path]) -> tuple[str, int, int]:
    """(sha256 over descriptions and shard sizes, image size, total count)."""
    digest = hashlib.sha256(f"cache {CACHE_VERSION}".encode())
    sizes = set()
    total = 0
    for folder in folders:
        description = read_description(folder)
        sizes.add(int(description["image_size"]))
        total += int(description["count"])
        digest.update(json.dumps(description, sort_keys=True).encode())
        for path in shard_paths(folder):
            stat = path.stat()
            digest.update(f"{path.name} {stat.st_size} {stat.st_mtime_ns}".encode())
    if len(sizes) != 1:
        raise DatasetError(f"datasets: expected one image_size for all folders, got {sorted(sizes)}")
    return digest.hexdigest(), sizes.pop(), total


def open_heads(folders: Sequence[Path], cache_dir: Path, *, all_round: bool = False, quiet: bool = False) -> Heads:
    """All heads of the dataset folders, decoded once into ``cache_dir`` and memory-mapped.

    Args:
        folders: dataset folders, each with ``dataset.json`` and its shards.
        cache_dir: where the cache lies; about 38 kB for each 112 x 112 image.
        all_round: whether heads beyond +-99 degrees are welcome. Only their ``rotation`` is a training label.
        quiet: no progress bar.

    Raises:
        DatasetError: a half-written shard, a missing key or file, a wrong count or image size, a set of heads all
            round without ``all_round``.
    """
    if not folders:
        raise DatasetError("data: expected at least one dataset folder, got none")
    for folder in folders:
        if str(read_description(folder).get("format", "")).startswith("hpe-edge-scenes/"):
            raise DatasetError(f"{folder}: expected single heads, got scenes of hpe-edge render-scenes")
        reach = read_description(folder).get("yaw_range_deg", EULER_LIMIT_DEG)
        if reach > EULER_LIMIT_DEG and not all_round:
            raise DatasetError(
                f"{folder}: expected heads within +-{EULER_LIMIT_DEG:g} degrees, got a yaw range of {reach:g}: their "
                f"Euler angles are no labels. Render with --yaw-range {EULER_LIMIT_DEG:g}, or train by matrix on "
                "open_heads(..., all_round=True)"
            )
    fingerprint, size, total = _fingerprint(folders)
    target = cache_dir / fingerprint[:16]
    images, labels = open_cache(target, lambda folder: _decode_all(folders, folder, size, total, quiet))
    return Heads(
        images=images,
        fingerprint=fingerprint,
        datasets=tuple(read_description(folder) for folder in folders),
        **labels,
    )


def _decode_all(folders: Sequence[Path], target: Path, size: int, total: int, quiet: bool) -> Arrays:
    """Decode every picture into the cache ``target``; the labels."""
    images = new_pictures(target, total, size)
    labels: Arrays = {"euler_deg": np.zeros((total, 3), np.float32)}
    for name, (_, shape, dtype) in LABELS.items():
        labels[name] = np.zeros((total, *shape), dtype)
    _fill(folders, size, {"images": images, **labels}, quiet)
    return labels


def split_by_identity(
    identity: npt.NDArray[np.int64], fraction: float, seed: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Indices (train, validation); no identity is in both.

    An identity's side depends on its number and the seed only, so adding heads moves none.

    >>> train, held_out = split_by_identity(np.arange(1000) // 4, 0.1, 0)
    >>> len(train) + len(held_out)
    1000
    """
    unique, inverse = np.unique(identity, return_inverse=True)
    chance = np.array([np.random.default_rng((seed, abs(int(i)))).random() for i in unique])
    held_out = (chance < fraction)[inverse]
    train = np.flatnonzero(~held_out)
    if len(train) == 0 or (fraction > 0 and not held_out.any()):
        raise DatasetError(f"validation split: {len(unique)} identities are too few for a fraction of {fraction}")
    return train, np.flatnonzero(held_out)
