"""Rendered sequences as a study sees them: frames with real times, true poses, and boxes as detectors give them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from hpe_edge.training.data.shards import ANGLE_KEYS, iterate_shard, read_description, shard_paths
from numpy.typing import NDArray

from hpe_edge import rotation
from hpe_edge.errors import DatasetError, InvalidArgumentError

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Film:
    """A rendered sequence: N frames (H, W, 3) BGR, the middle of each exposure in seconds, and what is true of it.

    boxes_xyxy: (N, 4) tight face boxes. rotation: (N, 3, 3) as ``HeadPoses.rotation``.
    """

    name: str
    trajectory: str
    fps: float
    images_bgr: Sequence[NDArray[np.uint8]]
    time_s: F64
    boxes_xyxy: F64
    rotation: F64


def read_film(folder: Path) -> Film:
    """A folder of ``hpe-edge render-sequence``. Raises DatasetError where it is none, is cut short or holds one frame.

    >>> read_film(Path("walk")).trajectory  # doctest: +SKIP
    'mixed'
    """
    description = read_description(folder)
    if "trajectory" not in description:
        raise DatasetError(f"{folder}: expected a sequence of hpe-edge render-sequence, got other rendered pictures")
    samples = [sample for path in shard_paths(folder) for sample in iterate_shard(path)]
    if len(samples) < 2:
        raise DatasetError(f"{folder}: expected at least 2 frames, got {len(samples)}")
    labels = [label for _, _, label in samples]
    return Film(
        folder.name,
        str(description["trajectory"]),
        float(description["fps"]),
        [_decoded(folder, key, jpeg) for key, jpeg, _ in samples],
        np.array([label["timestamp_s"] for label in labels]),
        np.array([label["box_xyxy"] for label in labels], np.float64),
        rotation.euler_to_rotation([[label[key] for key in ANGLE_KEYS] for label in labels]),
    )


def shaken(boxes_xyxy: F64, sigma: float, correlation: float, rng: np.random.Generator) -> F64:
    """Boxes (N, 4) as from a detector: centre and log size off by ``sigma`` box sides, from frame to frame correlated.

    The noise is a first-order autoregressive process of standard deviation ``sigma``. Raises InvalidArgumentError for
    a negative ``sigma`` or a correlation outside 0 to below 1.

    >>> shaken(np.array([[0.0, 0.0, 10.0, 20.0]]), 0.0, 0.0, np.random.default_rng(0)).tolist()
    [[0.0, 0.0, 10.0, 20.0]]
    """
    if not (sigma >= 0 and 0 <= correlation < 1):
        raise InvalidArgumentError(
            f"boxes: expected sigma >= 0 and a correlation from 0 to below 1, got {sigma:g} and {correlation:g}"
        )
    noise = rng.standard_normal((len(boxes_xyxy), 4))
    for frame in range(1, len(noise)):
        noise[frame] = correlation * noise[frame - 1] + np.sqrt(1 - correlation**2) * noise[frame]
    centre = 0.5 * (boxes_xyxy[:, :2] + boxes_xyxy[:, 2:])
    size = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
    centre = centre + sigma * noise[:, :2] * size
    half = 0.5 * size * np.exp(sigma * noise[:, 2:])
    return np.concatenate([centre - half, centre + half], axis=1)


def _decoded(folder: Path, key: str, jpeg: bytes) -> NDArray[Any]:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise DatasetError(f"{folder}: {key}.jpg: expected a JPEG picture; render this sequence again")
    return np.asarray(image, np.uint8)
