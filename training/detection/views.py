"""Views of environment maps: sharp pictures that show nobody."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hpe_edge.training.detection.pictures import Image
from hpe_edge.training.synthetic.light.lights import Environment, backdrop_crop
from hpe_edge.training.synthetic.people.pose import rotation_x, rotation_y
from tqdm import tqdm

from hpe_edge.errors import DatasetError

HELD_OUT = 5


def held_out_maps(names: Sequence[str]) -> list[str]:
    """The maps that no detector learns from: the last five by name. False alarms are counted on them.

    >>> held_out_maps(["f", "e", "d", "c", "b", "a"])
    ['b', 'c', 'd', 'e', 'f']
    """
    return sorted(names)[-HELD_OUT:]


def paint_views(environments: Sequence[Environment], count: int, side: int, seed: int, *, quiet: bool = False) -> Image:
    """``count`` perspective views (count, side, side, 3) in any direction, at any field of view and exposure.

    Raises:
        DatasetError: no environments.
    """
    if not environments:
        raise DatasetError("views: expected at least one environment map, got none")
    images = np.zeros((count, side, side, 3), np.uint8)
    for number in tqdm(range(count), "views", disable=quiet):
        images[number] = _view(environments, side, np.random.default_rng((seed, number)))
    return images


def _view(environments: Sequence[Environment], side: int, rng: np.random.Generator) -> Image:
    chosen = environments[int(rng.integers(len(environments)))]
    turn = rotation_y(rng.uniform(0, 360)) @ rotation_x(rng.normal(0, 22))
    focal_px = side / 2 / np.tan(np.radians(rng.uniform(12, 48)))
    linear = backdrop_crop(chosen.radiance, turn, float(focal_px), side)
    level = np.percentile(linear, rng.uniform(60, 97))
    shown = np.clip(linear / max(float(level), 1e-4) * rng.uniform(0.5, 1.0), 0, 1) ** (1 / 2.2)
    return np.asarray(shown[..., ::-1] * 255, np.uint8)
