"""Photographs with labelled faces, and pictures without any, for the detectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hpe_edge.training.data.catalog import DATASETS, select
from hpe_edge.training.data.pointing04 import pointing04
from hpe_edge.training.data.samples import Sample, spread, tight_box
from hpe_edge.training.detection.pictures import five_landmarks
from numpy.typing import NDArray

from hpe_edge.errors import DatasetError, InvalidArgumentError

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]

_POINTS = 68


@dataclass(frozen=True, eq=False)
class FacePicture:
    """One picture and its labelled faces.

    read: its pixels, uint8 BGR (H, W, 3). faces_xyxy: (T, 4) tight boxes in pixels. landmarks_xy: (T, 5, 2) in the
    order of `hpe_edge.results.LANDMARKS`, NaN without. yaw_deg: (T,), NaN without.
    """

    name: str
    read: Callable[[], Image]
    faces_xyxy: Floats
    landmarks_xy: Floats
    yaw_deg: Floats


@dataclass(frozen=True)
class PictureSet:
    """Pictures under one name; without any face where ``faceless``. Only there is every other box a false alarm."""

    name: str
    pictures: Sequence[FacePicture]
    faceless: bool = False


def face_set(name: str, path: Path, limit: int | None = None) -> PictureSet:
    """The labelled faces of a data set: ``helen_test``, ``pointing04-profile`` or one of `DATASETS`.

    ``limit`` takes that many, spread over the set. Raises InvalidArgumentError for another name, DatasetError as the
    readers do.

    >>> len(face_set("helen_test", Path("helen_test")).pictures)  # doctest: +SKIP
    330
    """
    if name == "helen_test":
        return PictureSet(name, [of_sample(sample) for sample in spread(helen(path), limit)])
    if name == "pointing04-profile":
        turned = [s for s in pointing04(path, max_yaw_deg=90, max_pitch_deg=90) if abs(s.euler_deg[0]) == 90]
        return PictureSet(name, [of_sample(sample) for sample in spread(turned, limit)])
    if name not in DATASETS:
        raise InvalidArgumentError(f"faces: expected one of {face_set_names()}, got {name!r}")
    return PictureSet(name, [of_sample(sample) for sample in select(name, path, limit=limit).samples])


def face_set_names() -> tuple[str, ...]:
    """The names that `face_set` takes."""
    return "helen_test", "pointing04-profile", *DATASETS


def helen(path: Path) -> list[Sample]:
    """HELEN's test photographs: ``NAME.jpg`` beside ``NAME.pts68.txt``, 68 lines of x and y in pixels.

    Source: Le et al., "Interactive Facial Feature Localization", ECCV 2012, in the annotation of 300-W. Angles are
    NaN: it has none. Raises DatasetError for a folder without such photographs or a file with other points.
    """
    texts = sorted(path.glob("*.pts68.txt"))
    if not texts:
        raise DatasetError(f"{path}: expected NAME.jpg beside NAME.pts68.txt, got no such text file")
    return [_helen_sample(text) for text in texts]


def _helen_sample(text: Path) -> Sample:
    try:
        points = np.loadtxt(text, dtype=np.float32)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{text}: expected {_POINTS} lines of two numbers, got: {error}") from error
    if points.shape != (_POINTS, 2) or not np.isfinite(points).all():
        raise DatasetError(f"{text}: expected {_POINTS} finite points, got shape {points.shape}")
    name = text.name.removesuffix(".pts68.txt")
    return Sample(name, text.with_name(f"{name}.jpg"), tight_box(points), np.full(3, np.nan, np.float32), points)


def of_sample(sample: Sample) -> FacePicture:
    """A photograph and its one labelled face."""
    points = np.full((5, 2), np.nan) if sample.landmarks_xy is None else five_landmarks(sample.landmarks_xy)
    return FacePicture(
        sample.name, sample.image_bgr, sample.box_xyxy[None].astype(np.float64),
        points[None].astype(np.float64), sample.euler_deg[:1].astype(np.float64),
    )  # fmt: skip


def faceless_picture(name: str, read: Callable[[], Image]) -> FacePicture:
    """A picture that shows no face."""
    return FacePicture(name, read, np.zeros((0, 4)), np.zeros((0, 5, 2)), np.zeros(0))
