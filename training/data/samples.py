"""One labelled face of a real-photograph dataset: where its image is, its box, its angles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from hpe_edge.errors import DatasetError

MAX_ABS_DEG = 99.0
"""The published protocol drops images with any angle beyond this (AFLW2000: 1,969 of 2,000 stay)."""

Item = TypeVar("Item")


@dataclass(frozen=True, eq=False)
class Sample:
    """A face in a photograph and its labels.

    Attributes
    ----------
    name:
        Identifies the sample inside its dataset, e.g. ``"image00006"``.
    source:
        The image file, or a function that returns its encoded bytes (a member of a zip).
    box_xyxy:
        (4,) float32, pixels, half-open: the tight face box (bounding box of the 68 landmarks).
    euler_deg:
        (3,) float32: yaw, pitch, roll in degrees, signs of docs/CONVENTIONS.md.
    landmarks_xy:
        (68, 2) float32, pixels, in iBUG's order; None in a data set without them.
    group:
        What has to stay on one side of a split, unique inside its dataset: the person, or else the photograph.

    >>> sample = Sample("a", lambda: b"", np.zeros(4, np.float32), np.zeros(3, np.float32))
    >>> sample.name
    'a'
    """

    name: str
    source: Path | Callable[[], bytes]
    box_xyxy: NDArray[np.float32]
    euler_deg: NDArray[np.float32]
    landmarks_xy: NDArray[np.float32] | None = None
    group: str = ""

    def image_bgr(self) -> NDArray[np.uint8]:
        """Decode the photograph: uint8 BGR (H, W, 3). Raises DatasetError when it cannot be read."""
        where = self.source if isinstance(self.source, Path) else f"{self.name} (in the archive)"
        try:
            encoded = self.source.read_bytes() if isinstance(self.source, Path) else self.source()
        except OSError as error:
            raise DatasetError(f"{where}: expected a readable image file, got: {error}") from error
        image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR) if encoded else None
        if image is None:
            raise DatasetError(f"{where}: expected a jpg or png image, got {len(encoded)} bytes that do not decode")
        return np.asarray(image, np.uint8)


def tight_box(points_xy: NDArray[np.floating]) -> NDArray[np.float32]:
    """Bounding box of landmarks, (N, 2) pixels -> (4,) float32 ``x0, y0, x1, y1``.

    >>> tight_box(np.array([[1.0, 5.0], [3.0, 2.0]])).tolist()
    [1.0, 2.0, 3.0, 5.0]
    """
    return np.concatenate([points_xy.min(axis=0), points_xy.max(axis=0)]).astype(np.float32)


def within_range(samples: Iterable[Sample], max_abs_deg: float = MAX_ABS_DEG) -> list[Sample]:
    """Keep the samples whose three angles all lie within +-``max_abs_deg``.

    Source: the evaluation protocol of Hopenet (Ruiz et al. 2018) and FSA-Net (Yang et al. 2019).

    >>> within_range([])
    []
    """
    return [s for s in samples if float(np.nanmax(np.abs(s.euler_deg))) <= max_abs_deg]


def spread(items: Sequence[Item], limit: int | None) -> list[Item]:
    """``limit`` items spread evenly over the sequence (all of them for ``None``).

    Evenly, and not the first ones: a folder sorted by name starts with one person.

    >>> spread(range(10), 3)
    [0, 3, 6]
    """
    if limit is None or limit >= len(items):
        return list(items)
    return [items[index * len(items) // limit] for index in range(limit)]
