"""Pictures without faces, to count false alarms on: views of environment maps, and crops of a user's photographs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from pathlib import Path

import cv2
import numpy as np
from hpe_edge.training.detection.evaluation.sets import FacePicture, Image, PictureSet, faceless_picture
from hpe_edge.training.detection.views import held_out_maps, paint_views
from hpe_edge.training.synthetic.assets import open_assets
from hpe_edge.training.synthetic.light.lights import load_environments

from hpe_edge.errors import DatasetError

VIEW_PX = 320
LONGEST_PX = 640
"""Photographs are reduced to this, the size of what a webcam gives; crops are not enlarged beyond it."""
SHOW_PEOPLE = ("sunset",)
"""Maps with people in them, seen on a contact sheet of all 26: no views of them are counted on."""
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
_CROP_SIDES = (0.2, 0.8)  # of the photograph's shorter side


def map_views(assets: Path | None, count: int = 500, seed: int = 0) -> PictureSet:
    """Views (320, 320) of the environment maps that the detector's training leaves out, see `held_out_maps`.

    As many of each map as of the others, without those that `SHOW_PEOPLE`.

    Args:
        assets: folder of the rendering material; None takes the environment variable's.
        count, seed: how many, and which.

    Raises:
        AssetError: material that is missing or altered.
        DatasetError: no environment maps.

    >>> len(map_views(None).pictures)  # doctest: +SKIP
    500
    """
    environments = load_environments(open_assets(assets))
    tested = held_out_maps([environment.name for environment in environments])
    kept = [e for e in environments if e.name in tested and e.name not in SHOW_PEOPLE]
    if not kept:
        raise DatasetError(f"maps: expected some of {tested} without people, got none")
    pictures = []
    for place, environment in enumerate(kept):
        share = (count + len(kept) - 1 - place) // len(kept)
        views = paint_views([environment], share, VIEW_PX, seed + place, quiet=True)
        pictures += [faceless_picture(f"{environment.name}-{i:03d}", partial(_of, views, i)) for i in range(share)]
    return PictureSet("maps", pictures, True)


def _of(views: Image, index: int) -> Image:
    return views[index]


def folder_pictures(folder: Path, count: int = 500, seed: int = 0) -> PictureSet:
    """``count`` pictures of a folder of photographs, read with its subfolders: each whole, then random square crops.

    The user vouches that none shows a face. Raises DatasetError for a folder without photographs; reading a picture
    raises it for a file that does not decode.

    >>> folder_pictures(Path("wallpapers")).name  # doctest: +SKIP
    'wallpapers'
    """
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())
    if not files:
        raise DatasetError(f"{folder}: expected photographs ({', '.join(_SUFFIXES)}), got none")
    by_file = sorted(range(count), key=lambda index: index % len(files))  # each photograph is decoded once
    pictures = [_picture(files, index, seed) for index in by_file]
    return PictureSet(folder.resolve().name, pictures, True)


def _picture(files: Sequence[Path], index: int, seed: int) -> FacePicture:
    path, number = files[index % len(files)], index // len(files)
    read: Callable[[], Image] = partial(_crop, path, seed, index) if number else partial(_whole, path)
    return faceless_picture(f"{path.stem}-{number}", read)


@lru_cache(maxsize=1)
def _decode(path: Path) -> Image:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise DatasetError(f"{path}: expected a photograph, got a file that does not decode")
    return np.asarray(image, np.uint8)


def _whole(path: Path) -> Image:
    return _at_most(_decode(path), LONGEST_PX)


def _crop(path: Path, seed: int, index: int) -> Image:
    """A square at a random place, of a random size."""
    image, rng = _decode(path), np.random.default_rng((seed, index))
    height, width = image.shape[:2]
    side = max(1, int(rng.uniform(*_CROP_SIDES) * min(height, width)))
    left, top = int(rng.integers(width - side + 1)), int(rng.integers(height - side + 1))
    return _at_most(image[top : top + side, left : left + side], LONGEST_PX)


def _at_most(image: Image, longest_px: int) -> Image:
    scale = longest_px / max(image.shape[:2])
    if scale >= 1:
        return np.ascontiguousarray(image)
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
