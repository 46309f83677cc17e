"""Labelled photographs as training heads: the same cache that rendered sets give, so one loop trains on both.

Each face becomes a square picture in which the tight box is centred and its longer side is `FACE_SHARE` of the
picture's, as the renderer frames heads: room for every margin and shift of the augmentation. What lies outside the
photograph is its replicated border. Research data sets: weights trained on them carry their terms.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from hpe_edge.training.data.archive import FileTree
from hpe_edge.training.data.catalog import DATASETS, Selection, select
from hpe_edge.training.data.head_cache import Arrays, new_pictures, open_cache
from hpe_edge.training.data.samples import Sample
from hpe_edge.training.data.shards import LABELS, Heads
from tqdm import tqdm

from hpe_edge import _core
from hpe_edge.errors import DatasetError, HpeEdgeError, InvalidArgumentError
from hpe_edge.rotation import euler_to_rotation

CACHE_VERSION = 1
FACE_SHARE = 0.4
"""Longer side of the tight box in sides of the picture, as in the rendered sets."""

TRAINING_SETS = ("300wlp", "300wlp-unflipped", "biwi", "biwi-train", "aflw", "aflw-train")
"""What the papers train on; the other names are their test sets."""

_LANDMARKS = 68
_TO_LABEL_FRAME = np.outer([1.0, -1.0, -1.0], [1.0, -1.0, -1.0])


def photo_set(text: str) -> tuple[str, Path] | None:
    """``NAME:PATH`` of a known data set -> its name and path; None for anything else, such as a rendered folder.

    >>> photo_set("300wlp:/data/300W_LP.zip")
    ('300wlp', PosixPath('/data/300W_LP.zip'))
    >>> photo_set("heads") is None
    True
    """
    name, colon, path = text.partition(":")
    return (name, Path(path)) if colon and name in DATASETS else None


def open_photo_heads(
    name: str,
    path: Path,
    cache_dir: Path,
    size: int = 112,
    *,
    boxes: Path | None = None,
    limit: int | None = None,
    quiet: bool = False,
) -> Heads:
    """All faces of a data set within +-99 degrees, cut once into ``cache_dir`` and memory-mapped.

    Args:
        name: one of `TRAINING_SETS`.
        path: its folder or zip.
        cache_dir: where the cache lies; about 38 kB for each 112 x 112 picture (4.6 GB for 300W-LP).
        size: side of the pictures in pixels.
        boxes: a CSV of a detector's boxes (BIWI).
        limit: only that many, spread over the set.
        quiet: no progress bar.

    ``landmarks`` are the 68 points where the set has them, with ``landmarks_visible`` 1; elsewhere the box's four
    corners in turn, so that the box of the landmarks is the box, with ``landmarks_visible`` 0. ``identity`` numbers the
    sample's group (person, or photograph with its views and mirror images), so `split_by_identity` keeps it on one
    side. ``rotation`` is made of the angles. ``visible_fraction`` is 1: nobody has labelled it.

    Raises:
        DatasetError: as the reader; an unreadable photograph, no sample.
        InvalidArgumentError: another name, a size outside 32 to 1024, a limit below 1.

    >>> heads = open_photo_heads("300wlp", Path("300W_LP.zip"), Path("cache"))  # doctest: +SKIP
    """
    if name not in TRAINING_SETS:
        raise InvalidArgumentError(f"data: expected one of {TRAINING_SETS} to train on, got {name!r}")
    if not 32 <= size <= 1024:
        raise InvalidArgumentError(f"size: expected 32 to 1024 pixels, got {size}")
    fingerprint = _fingerprint(name, path, size, boxes, limit)
    target = cache_dir / f"{name}-{fingerprint[:16]}"

    def make(folder: Path) -> Arrays:
        return _cut_all(name, select(name, path, limit=limit, boxes=boxes), folder, size, quiet)

    images, labels = open_cache(target, make)
    description = json.loads((target / "dataset.json").read_text(encoding="utf-8"))
    return Heads(images=images, fingerprint=fingerprint, datasets=(description,), **labels)


def _fingerprint(name: str, path: Path, size: int, boxes: Path | None, limit: int | None) -> str:
    """sha256 over everything that the cache depends on; the photographs by their names and sizes."""
    if boxes is not None and not boxes.is_file():
        raise DatasetError(f"{boxes}: expected a CSV of boxes, got no such file")
    given = "" if boxes is None else hashlib.sha256(boxes.read_bytes()).hexdigest()
    parts = [CACHE_VERSION, name, size, FACE_SHARE, limit, given, FileTree(path).sizes()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _cut_all(name: str, selection: Selection, target: Path, size: int, quiet: bool) -> Arrays:
    """Cut every face into the cache ``target`` and describe the set there; the labels."""
    samples = selection.samples
    images = new_pictures(target, len(samples), size)
    labels = _labels(name, samples, size)
    for index, sample in enumerate(tqdm(samples, desc=name, unit="photo", disable=quiet)):
        images[index] = _picture(sample, size)
    description = json.dumps(_description(name, selection, size), indent=2)
    (target / "dataset.json").write_text(description + "\n", encoding="utf-8")
    return labels


def _picture(sample: Sample, size: int) -> npt.NDArray[np.uint8]:
    """(size, size, 3) BGR: the photograph around the face, by the resize that the networks' input has too."""
    margin = 0.5 * (1 / FACE_SHARE - 1)
    try:
        planes = _core.preprocess(
            sample.image_bgr(), sample.box_xyxy[None], pixel_format="bgr8", width=size, height=size, margin=margin,
            square=True, channel_order="bgr", mean=(0.0,) * 3, scale=(1.0,) * 3,
        )[0]  # fmt: skip
    except HpeEdgeError as error:
        raise DatasetError(f"sample {sample.name}: {error}") from error
    picture: npt.NDArray[np.uint8] = np.clip(np.rint(planes), 0, 255).astype(np.uint8).transpose(1, 2, 0)
    return picture


def _labels(name: str, samples: Sequence[Sample], size: int) -> Arrays:
    """The arrays of `Heads` beside the pictures, in pixels of the pictures."""
    boxes = np.stack([sample.box_xyxy for sample in samples]).astype(np.float64)  # (N, 4)
    side = (boxes[:, 2:] - boxes[:, :2]).max(axis=1) / FACE_SHARE
    origin = 0.5 * (boxes[:, :2] + boxes[:, 2:]) - 0.5 * side[:, None]
    scale = (size / side)[:, None, None]
    points = np.stack([_points(sample) for sample in samples])  # (N, 68, 2)
    corners = (boxes.reshape(-1, 2, 2) - origin[:, None]) * scale
    euler_deg = np.stack([sample.euler_deg for sample in samples])
    known = np.array([sample.landmarks_xy is not None for sample in samples], np.uint8)
    arrays: Arrays = {
        "rotation": euler_to_rotation(euler_deg) * _TO_LABEL_FRAME,
        "box_xyxy": corners.reshape(-1, 4),
        "landmarks": (points - origin[:, None]) * scale,
        "landmarks_visible": np.tile(known[:, None], _LANDMARKS),
        "identity": np.array([_identity(name, sample) for sample in samples]),
        "visible_fraction": np.ones(len(samples)),
    }
    typed = {key: np.asarray(arrays[key], dtype) for key, (_, _, dtype) in LABELS.items()}
    return typed | {"euler_deg": euler_deg.astype(np.float32)}


def _points(sample: Sample) -> npt.NDArray[np.float64]:
    """(68, 2) pixels of the photograph: the landmarks, or the corners of the box over and over."""
    if sample.landmarks_xy is not None:
        return np.asarray(sample.landmarks_xy, np.float64)
    x0, y0, x1, y1 = (float(value) for value in sample.box_xyxy)
    corners: npt.NDArray[np.float64] = np.tile([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], (_LANDMARKS // 4, 1))
    return corners


def _identity(name: str, sample: Sample) -> int:
    """A positive number of the sample's group, another one in another data set."""
    key = f"{name.partition('-')[0]}/{sample.group or sample.name}"
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:7], "big")


def _description(name: str, selection: Selection, size: int) -> dict[str, Any]:
    """What the model card says of the data."""
    data = DATASETS[name]
    return {
        "format": "hpe-edge-photographs/1", "name": name, "source": data.source, "terms": data.terms,
        "count": len(selection.samples), "dropped": selection.dropped, "protocol": selection.protocol,
        "image_size": size, "identities": len({sample.group or sample.name for sample in selection.samples}),
    }  # fmt: skip
