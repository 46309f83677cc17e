"""Rendered and real heads cut alike, so that a measure compares pictures and not ways of cutting them."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from hpe_edge.training.data.samples import Sample
from hpe_edge.training.data.shards import iterate_shard, read_description, shard_paths
from numpy.typing import NDArray

from hpe_edge import _core
from hpe_edge.errors import DatasetError

Image = NDArray[np.uint8]
SAME_JPEG_QUALITY = 90


@dataclass(frozen=True, eq=False)
class Head:
    """One head: ``image_bgr`` (H, W, 3) uint8, its tight ``box_xyxy`` in pixels, yaw, person.

    ``traits``: what a rendered label says besides, as words ("none" for nothing); ``visible`` share of the face.
    """

    image_bgr: Image
    box_xyxy: NDArray[np.float32]
    yaw_deg: float
    identity: int
    visible: float = 1.0
    traits: Mapping[str, str] = field(default_factory=dict)


def rendered_heads(folder: Path, limit: int | None = None, only: Container[int] | None = None) -> Iterator[Head]:
    """Heads of a rendered dataset: ``limit`` of them spread evenly over it, or those whose number is in ``only``.

    No others are decoded.
    """
    count = int(read_description(folder)["count"])
    wanted = count if limit is None else min(limit, count)
    for position, (path, key, jpeg, label) in enumerate(_samples(folder)):
        spread_out = (position + 1) * wanted // count > position * wanted // count
        if spread_out if only is None else position in only:
            image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
            if image is None:
                raise DatasetError(f"{path}: {key}.jpg is not an image that OpenCV reads")
            yield _head(np.asarray(image, np.uint8), label)


def _head(image_bgr: Image, label: dict[str, Any]) -> Head:
    attributes = label.get("attributes", {})
    return Head(
        image_bgr=image_bgr,
        box_xyxy=np.asarray(label["box_xyxy"], np.float32),
        yaw_deg=float(label["yaw_deg"]),
        identity=int(label["identity"]),
        visible=float(label.get("visible_face_fraction", 1.0)),
        traits={name: "none" if value in ("", None) else str(value) for name, value in attributes.items()},
    )


def _samples(folder: Path) -> Iterator[tuple[Path, str, bytes, dict[str, Any]]]:
    for path in shard_paths(folder):
        for key, jpeg, label in iterate_shard(path):
            yield path, key, jpeg, label


def rendered_yaws(folder: Path) -> NDArray[np.float64]:
    """(N,) yaw of every head of a rendered dataset, in its order."""
    return np.array([label["yaw_deg"] for _, _, _, label in _samples(folder)], np.float64)


def real_heads(samples: Iterable[Sample]) -> Iterator[Head]:
    """Labelled photographs in the same form; each counts as another person."""
    for number, sample in enumerate(samples):
        yield Head(sample.image_bgr(), sample.box_xyxy, float(sample.euler_deg[0]), number)


def crop(head: Head, side: int, margin: float) -> Image:
    """(side, side, 3) uint8 BGR: the squared box grown by ``margin``, cut by the library's own preprocess."""
    planes = _core.preprocess(
        np.ascontiguousarray(head.image_bgr), head.box_xyxy[None], pixel_format="bgr8", width=side, height=side,
        margin=margin, square=True, channel_order="bgr", mean=(0.0, 0.0, 0.0), scale=(1.0, 1.0, 1.0),
    )  # fmt: skip
    return np.ascontiguousarray(np.clip(np.rint(planes[0]), 0, 255).astype(np.uint8).transpose(1, 2, 0))


def box_in_crop(head: Head, side: int, margin: float) -> NDArray[np.float64]:
    """(4,) the tight box in the pixels of `crop`."""
    x0, y0, x1, y1 = head.box_xyxy.astype(np.float64)
    window = max(x1 - x0, y1 - y0) * (1.0 + 2.0 * margin)
    half = np.array([x1 - x0, y1 - y0]) / window / 2.0
    return side * np.concatenate([0.5 - half, 0.5 + half])


def recompressed(image: Image) -> Image:
    """The image after one JPEG of the same quality for all: whatever compression it had before, it has this."""
    _, code = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, SAME_JPEG_QUALITY])
    return np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), np.uint8)
