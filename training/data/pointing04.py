"""Pointing'04 (Prima): 15 people looking at 93 marks on a wall, twice; coarse yaw and pitch, no roll.

Source: Gourier, Hall, Crowley, "Estimating Face Orientation from Robust Detection of Salient Facial
Features", Pointing 2004. Published layout: ``PersonNN/personNNsii±T±P.jpg`` (384x288; person, series, number,
tilt, pan) beside a ``.txt`` of the same name: the image's name, an empty line, ``Face``, then the face's centre
x, centre y, width and height. One ``labels.csv`` on top, with the columns path, person, series, tilt, pan, cx,
cy, w, h and the same content, is read instead where there is one. Our signs: pan is yaw, tilt is pitch. People
were told where to look: 15-degree steps with no measured truth behind them, so differences of a few degrees
between methods mean little.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpe_edge import _core
from hpe_edge.camera import MEAN_FACE_M
from hpe_edge.errors import DatasetError

from .archive import FileTree
from .samples import Sample, spread

COLUMNS = ("path", "person", "series", "tilt", "pan", "cx", "cy", "w", "h")
_IMAGE = re.compile(r"(?:^|/)Person(\d\d)/person\1(\d)\d\d([+-]\d+)([+-]\d+)\.jpg$")

# The annotated face reaches from the forehead to below the mouth. Chosen by eye on a contact sheet of 40 poses: the
# tight box of a frontal face is so much higher, and the annotated centre so far above its middle, in its heights.
FACE_HEIGHT = 1.10
CENTRE_ABOVE = 0.19
_MARKED = slice(27, 48)  # nose and eyes of the 68 points


def pointing04(
    path: Path | str, *, max_yaw_deg: float = 60.0, max_pitch_deg: float = 30.0, limit: int | None = None
) -> list[Sample]:
    """Read Pointing'04 from its folder or zip, in the order of labels.csv or of the names.

    The defaults keep the 1,350 usual test images, abs(pan) <= 60 and abs(tilt) <= 30; pass
    ``float("inf")`` for all 2,790. ``euler_deg`` holds pan, tilt and NaN: the data set has no roll, and a
    NaN label is left out of the roll and rotation metrics. Box: see `box_from_face`. ``limit`` takes that
    many, spread over people and poses. ``Sample.group`` is the person.
    Raises DatasetError for another layout, wrong columns, a bad number, a missing image or text file.

    >>> samples = pointing04("pointing04")  # doctest: +SKIP
    """
    tree = FileTree(Path(path))
    names = set(tree.names())
    rows = _csv_rows(tree) if "labels.csv" in names else _text_rows(tree, names)
    samples = [_sample(tree, names, row, where) for row, where in rows]
    if not samples:
        raise DatasetError(
            f"{path}: expected the Pointing'04 layout, PersonNN/personNNsii+T+P.jpg beside .txt or a labels.csv "
            "on top, got no such image"
        )
    kept = [s for s in samples if abs(s.euler_deg[0]) <= max_yaw_deg and abs(s.euler_deg[1]) <= max_pitch_deg]
    return spread(kept, limit)


def _csv_rows(tree: FileTree) -> Iterator[tuple[dict[str, str], str]]:
    rows = csv.DictReader(io.StringIO(tree.read("labels.csv").decode("utf-8", errors="replace")))
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise DatasetError(f"{tree.path}: labels.csv: expected the columns {COLUMNS}, got {rows.fieldnames}")
    for number, row in enumerate(rows, start=2):
        yield row, f"{tree.path}: labels.csv line {number}"


def _text_rows(tree: FileTree, names: set[str]) -> Iterator[tuple[dict[str, str], str]]:
    """The columns of labels.csv from the names and the text files."""
    for name in sorted(names):
        found = _IMAGE.search(name)
        if found is None:
            continue
        text_name = name.removesuffix(".jpg") + ".txt"
        if text_name not in names:
            raise DatasetError(f"{tree.path}: expected {text_name} beside {name}, got no such file")
        face = tree.read(text_name).decode("ascii", errors="replace").split()[-4:]
        yield dict(zip(COLUMNS, (name, *found.groups(), *face), strict=False)), f"{tree.path}: {text_name}"


def box_from_face(cx: float, cy: float, height: float, yaw_deg: float, pitch_deg: float) -> NDArray[np.float32]:
    """Annotated face (centre and height, pixels) of a head turned so -> (4,) its tight 68-point box.

    The average face is turned and laid with what the annotation marks, eyes and nose, on the annotated centre. The
    annotated width is left out: it is that of what is seen of the face, which ends before the jaw does.

    >>> box_from_face(100.0, 100.0, 100.0, 0.0, 0.0).round().tolist()
    [38.0, 64.0, 162.0, 174.0]
    >>> box_from_face(100.0, 100.0, 100.0, 90.0, 0.0).round().tolist()
    [78.0, 64.0, 170.0, 174.0]
    """
    low, high = MEAN_FACE_M[:, :2].min(0), MEAN_FACE_M[:, :2].max(0)
    pixels_a_metre = FACE_HEIGHT * height / (high[1] - low[1])
    middle = (low + high) / 2 - (0.0, CENTRE_ABOVE * height / pixels_a_metre)
    marked = np.array([*middle, MEAN_FACE_M[_MARKED, 2].mean()])
    rotation = _core.euler_to_rotation(np.array([[yaw_deg, pitch_deg, 0.0]]))[0]
    seen = ((MEAN_FACE_M - marked) @ rotation.T)[:, :2] * pixels_a_metre + (cx, cy)
    return np.concatenate([seen.min(0), seen.max(0)]).astype(np.float32)


def _sample(tree: FileTree, names: set[str], row: dict[str, str], where: str) -> Sample:
    try:
        tilt, pan, cx, cy, width, height = (float(row[key]) for key in COLUMNS[3:])
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{where}: expected numbers in {COLUMNS[3:]}, got: {error}") from error
    if not (np.isfinite([tilt, pan, cx, cy]).all() and width > 0 and height > 0):
        raise DatasetError(f"{where}: expected finite angles and a face with an area, got {row}")
    if row["path"] not in names:
        raise DatasetError(f"{where}: expected the image {row['path']}, got no such file")
    euler_deg = np.array([pan, tilt, np.nan], np.float32)
    box = box_from_face(cx, cy, height, pan, tilt)
    name = row["path"].rsplit("/", 1)[-1].removesuffix(".jpg")
    return Sample(name, tree.source(row["path"]), box, euler_deg, group=f"Person{row['person']}")
