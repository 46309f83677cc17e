"""Pictures and the faces in them, from rendered scenes, single heads and views without anybody.

A face counts as one where a detector should find it: turned to the camera up to the profile and visible for a good
part. Faces turned farther away or hidden are nothing, and those between the two are left out of the loss.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from hpe_edge.training.data.head_cache import Arrays, new_pictures, open_cache
from hpe_edge.training.data.shards import Heads, iterate_shard, read_description, shard_paths
from tqdm import tqdm

from hpe_edge.errors import DatasetError

Floats = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]

NOTHING, UNSURE, FACE = 0, 1, 2
FACING_FACE, FACING_UNSURE = -0.10, -0.35  # cosine between the face's forward axis and the way to the camera
VISIBLE_FACE, VISIBLE_UNSURE = 0.30, 0.12  # share of the face's vertices turned to the camera that are visible
_EYES, _NOSE, _MOUTH = (slice(36, 42), slice(42, 48)), 30, (48, 54)


@dataclass(frozen=True)
class Pictures:
    """Pictures of one size with their faces.

    images: uint8 (P, S, S, 3) BGR. first: int64 (P + 1,), the faces of picture p are first[p] to first[p + 1].
    boxes_xyxy: (F, 4) tight face boxes. landmarks_xy: (F, 5, 2). kinds: (F,) FACE, UNSURE or NOTHING. complete: whether
    every face is labelled; else only what lies about a labelled face is known.
    """

    images: Image
    first: npt.NDArray[np.int64]
    boxes_xyxy: Floats
    landmarks_xy: Floats
    kinds: npt.NDArray[np.int8]
    complete: bool

    def __len__(self) -> int:
        return len(self.images)

    def faces(self, picture: int) -> tuple[Floats, Floats, npt.NDArray[np.int8]]:
        """Boxes (K, 4), landmarks (K, 5, 2) and kinds (K,) of one picture."""
        part = slice(int(self.first[picture]), int(self.first[picture + 1]))
        return self.boxes_xyxy[part], self.landmarks_xy[part], self.kinds[part]

    def part(self, low: int, high: int) -> Pictures:
        """Pictures low to high (without high)."""
        faces = slice(int(self.first[low]), int(self.first[high]))
        return Pictures(
            self.images[low:high], self.first[low : high + 1] - self.first[low], self.boxes_xyxy[faces],
            self.landmarks_xy[faces], self.kinds[faces], self.complete,
        )  # fmt: skip


def five_landmarks(landmarks_68: Floats) -> Floats:
    """Eyes (the subject's right one first), tip of the nose, corners of the mouth, (..., 5, 2), of the 68 points."""
    eyes = [landmarks_68[..., eye, :].mean(-2) for eye in _EYES]
    return np.stack([*eyes, landmarks_68[..., _NOSE, :], *(landmarks_68[..., corner, :] for corner in _MOUTH)], -2)


def kinds_of(rotation: Floats, visible_fraction: Floats) -> npt.NDArray[np.int8]:
    """FACE, UNSURE or NOTHING of heads with these matrices (N, 3, 3), label frame, and visible shares (N,).

    >>> kinds_of(np.eye(3, dtype=np.float32)[None], np.ones(1, np.float32)).tolist()
    [2]
    """
    facing = rotation[:, 2, 2]
    unsure = (facing > FACING_UNSURE) & (visible_fraction > VISIBLE_UNSURE)
    face = (facing > FACING_FACE) & (visible_fraction > VISIBLE_FACE)
    return np.where(face, FACE, np.where(unsure, UNSURE, NOTHING)).astype(np.int8)


def of_heads(heads: Heads) -> Pictures:
    """Single heads; a companion in the picture has no label."""
    return Pictures(
        heads.images,
        np.arange(len(heads) + 1),
        heads.box_xyxy,
        five_landmarks(heads.landmarks),
        kinds_of(heads.rotation, heads.visible_fraction),
        complete=False,
    )


def of_scenes(folders: Sequence[Path], cache_dir: Path, *, quiet: bool = False) -> Pictures:
    """Scenes of ``hpe-edge render-scenes``, decoded once into ``cache_dir``.

    Raises:
        DatasetError: no folder, not scenes, pictures of several sizes, a damaged or unfinished set.
    """
    digest, size, total = _fingerprint(folders)
    target = cache_dir / f"scenes-{digest[:16]}"
    images, labels = open_cache(target, lambda cache: _decode_scenes(folders, cache, size, total, quiet))
    return Pictures(images, labels["first"], labels["boxes"], labels["landmarks"], labels["kinds"], complete=True)


def without_faces(images: Image) -> Pictures:
    """Pictures (P, S, S, 3) that show nobody."""
    none = np.zeros((0,), np.float32)
    first = np.zeros(len(images) + 1, np.int64)
    return Pictures(images, first, none.reshape(0, 4), none.reshape(0, 5, 2), none.astype(np.int8), complete=True)


def _fingerprint(folders: Sequence[Path]) -> tuple[str, int, int]:
    """(sha256 of the descriptions and shards, image size, count)."""
    if not folders:
        raise DatasetError("scenes: expected at least one folder of hpe-edge render-scenes, got none")
    digest, sizes, total = hashlib.sha256(b"scenes 1"), set(), 0
    for folder in folders:
        description = read_description(folder)
        if not str(description.get("format", "")).startswith("hpe-edge-scenes/"):
            raise DatasetError(
                f"{folder}: expected scenes of hpe-edge render-scenes, got {description.get('format')!r}"
            )
        sizes.add(int(description["image_size"]))
        total += int(description["count"])
        digest.update(json.dumps(description, sort_keys=True).encode())
        for path in shard_paths(folder):
            digest.update(f"{path.name} {path.stat().st_size}".encode())
    if len(sizes) != 1:
        raise DatasetError(f"scenes: expected one image_size for all folders, got {sorted(sizes)}")
    return digest.hexdigest(), sizes.pop(), total


def _samples(folders: Sequence[Path]) -> Iterator[tuple[Path, str, bytes, dict[str, Any]]]:
    for folder in folders:
        for path in shard_paths(folder):
            for key, content, label in iterate_shard(path):
                yield path, key, content, label


def _decode_scenes(folders: Sequence[Path], cache: Path, size: int, total: int, quiet: bool) -> Arrays:
    images = new_pictures(cache, total, size)
    counts, rows = np.zeros(total + 1, np.int64), []
    for number, (path, key, content, label) in enumerate(tqdm(_samples(folders), "decode", total, disable=quiet)):
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        if number >= total or image is None or image.shape != (size, size, 3):
            raise DatasetError(f"{path}: {key}: expected {total} pictures of {size} x {size} pixels")
        images[number] = image
        heads = _head_rows(path, key, label)
        counts[number + 1] = len(heads)
        rows += heads
    if number + 1 != total:
        raise DatasetError(f"{folders[0]}: expected {total} scenes, found {number + 1}")
    matrices, fractions, boxes, points = (
        np.asarray([row[k] for row in rows], np.float32).reshape(-1, *shape)
        for k, shape in enumerate(((3, 3), (), (4,), (68, 2)))
    )
    kinds = kinds_of(matrices, fractions)
    return {"first": counts.cumsum(), "boxes": boxes, "landmarks": five_landmarks(points), "kinds": kinds}


def _head_rows(path: Path, key: str, label: dict[str, Any]) -> list[tuple[Any, Any, Any, Any]]:
    names = ("rotation", "visible_face_fraction", "box_xyxy", "landmarks_68")
    try:
        return [tuple(head[name] for name in names) for head in label["heads"]]  # type: ignore[misc]
    except (KeyError, TypeError) as error:
        raise DatasetError(f"{path}: {key}: expected heads with {names}, got {error!r}") from error
