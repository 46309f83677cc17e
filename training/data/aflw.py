"""AFLW: 24,386 faces on photographs from Flickr, 21 landmarks and a pose fitted to them.

Source: Koestinger et al., "Annotated Facial Landmarks in the Wild", BeFIT workshop at ICCV 2011. Published layout:
``aflw/data/aflw.sqlite`` and the photographs in ``aflw/data/flickr/{0,2,3}``. TU Graz gives it out for
non-commercial research after an agreement.

Angles. ``FacePose`` has roll, pitch, yaw in radians, by POSIT on a mean 3D face. Its frame follows from the published
annotation tool (``MainWindow::calculatePose``): X toward the viewer, Y to image-left, Z down, and
``R = Rz(yaw) Ry(pitch) Rx(roll)``, right-handed. So +yaw turns the nose to image-left and +pitch looks up, as in
docs/CONVENTIONS.md, and roll has the other sign. Papers take the three numbers with the sign of roll turned
(Hopenet, ``code/datasets.py``: "Fix the roll in AFLW"), although the factors are multiplied in another order than
those of 300W-LP; the same rotation in our order differs from that by many degrees where the head is turned. Checked
on 19 faces that AFLW2000-3D labels too: in our order the rotation is nearer to AFLW2000-3D's than the plain numbers
on 12 of them and farther on none, and AFLW's faces look about 9 degrees farther down than AFLW2000-3D says.

Boxes. ``FaceRect`` is a square from the forehead to the chin about the middle of the eyes, and is half beside a
turned face. The tight box is cut out of it by four constants, see `box_from_rect`.
"""

from __future__ import annotations

import hashlib
import math
import sqlite3
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpe_edge.errors import DatasetError, InvalidArgumentError
from hpe_edge.rotation import rotation_to_euler

from .archive import FileTree
from .samples import Sample, spread

LANDMARKS = 21
TEST_PHOTOGRAPHS = 0.05
"""Share of the photographs in the test part: about 1,000 faces, as KEPLER's protocol and its followers have."""

# The tight box of 68 points in fractions of FaceRect; SHIFT times sin(yaw) moves it. Median over 19 faces of
# AFLW2000-3D, whose points were brought back into AFLW's photographs: overlap 0.84, 0.56 for FaceRect itself.
TOP, BOTTOM, WIDTH, SHIFT = 0.17, 0.95, 0.80, 0.23

_UNDEFINED = -2 * math.pi + 1e-3  # the annotation tool writes -2 pi where it has no pose
_FACES = """
SELECT Faces.face_id, FaceImages.filepath, FacePose.yaw, FacePose.pitch, FacePose.roll,
       FaceRect.x, FaceRect.y, FaceRect.w, FaceRect.h
FROM Faces JOIN FaceImages ON Faces.file_id = FaceImages.file_id
JOIN FacePose ON FacePose.face_id = Faces.face_id JOIN FaceRect ON FaceRect.face_id = Faces.face_id
ORDER BY FaceImages.filepath, Faces.face_id
"""
_POINTS = "SELECT face_id, feature_id, x, y FROM FeatureCoords"
_TO_OPTICAL = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]])
"""From AFLW's axes to x right, y down, z forward."""


class _Row(NamedTuple):
    face_id: int
    filepath: str
    yaw: float
    pitch: float
    roll: float
    x: float
    y: float
    w: float
    h: float


def aflw(
    path: Path | str, *, part: str = "all", published_angles: bool = True, limit: int | None = None
) -> list[Sample]:
    """Read AFLW from the folder or zip that holds ``aflw.sqlite`` and the photographs, in the order of the files.

    ``part`` is all, train or test; all faces of a photograph are in one part, see `in_test_part`.
    ``published_angles`` keeps the three numbers as papers score them; False gives the angles of the same rotation in
    the order of docs/CONVENTIONS.md. Faces without a pose or a rectangle are left out. ``limit`` takes that
    many, spread over the set. ``Sample.group`` is the photograph.
    Raises DatasetError for another layout, a damaged database, a label that is not a number, missing photographs.

    >>> samples = aflw("aflw/data", part="test")  # doctest: +SKIP
    """
    if part not in ("all", "train", "test"):
        raise InvalidArgumentError(f"part: expected all, train or test, got {part!r}")
    tree = FileTree(Path(path))
    photographs = {_short(name): name for name in tree.names() if name.lower().endswith((".jpg", ".png"))}
    where = f"{tree.path}: {_database(tree)}"
    rows = [_Row(*row) for row in _query(tree, _FACES)]
    for row in rows:
        _check(row, where)
    rows = [row for row in rows if min(row.yaw, row.pitch, row.roll) > _UNDEFINED]
    rows = [row for row in rows if part == "all" or in_test_part(row.filepath) == (part == "test")]
    if not rows:
        raise DatasetError(f"{where}: expected faces with a pose and a rectangle (part {part}), got none")
    missing = sorted({row.filepath for row in rows} - set(photographs))
    if missing:
        raise DatasetError(
            f"{tree.path}: expected the photographs of flickr/0, 2 and 3, got no {missing[0]} and "
            f"{len(missing) - 1} others that aflw.sqlite names: unpack all three archives beside it"
        )
    return [_sample(tree, photographs[row.filepath], row, published_angles) for row in spread(rows, limit)]


def landmarks_21(path: Path | str) -> dict[str, NDArray[np.float32]]:
    """{sample name: (21, 2) float32 pixels} in AFLW's order; NaN where a point was hidden and not annotated.

    The order is FeatureCoordTypes': brows (1-6), eyes (7-12), ear, nose (14-16), ear, mouth (18-20), chin.
    Raises DatasetError as `aflw` does, and for a point that AFLW does not have.
    """
    tree = FileTree(Path(path))
    names = {row.face_id: _name(row) for row in (_Row(*row) for row in _query(tree, _FACES))}
    points = {name: np.full((LANDMARKS, 2), np.nan, np.float32) for name in names.values()}
    for face_id, feature_id, x, y in _query(tree, _POINTS):
        if not 1 <= feature_id <= LANDMARKS:
            raise DatasetError(f"{tree.path}: {_database(tree)}: expected points 1 to 21, got {feature_id}")
        if face_id in names:
            points[names[face_id]][feature_id - 1] = x, y
    return points


def in_test_part(filepath: str) -> bool:
    """Whether a photograph is in the test part: chance by its name, the same on every machine.

    KEPLER's own list of test faces, which later papers use or redraw, is not published with AFLW.

    >>> in_test_part("0/image00013.jpg")
    False
    """
    return int(hashlib.sha256(filepath.encode()).hexdigest()[:8], 16) / 2**32 < TEST_PHOTOGRAPHS


def published_angles_deg(yaw: float, pitch: float, roll: float) -> NDArray[np.float32]:
    """AFLW's radians -> (3,) yaw, pitch, roll in degrees as papers take them: the sign of roll turned.

    >>> published_angles_deg(0.1, 0.2, 0.3).round(1).tolist()
    [5.699999809265137, 11.5, -17.200000762939453]
    """
    degrees = np.rad2deg([yaw, pitch, -roll])
    wrapped: NDArray[np.float32] = ((degrees + 180.0) % 360.0 - 180.0).astype(np.float32)
    return wrapped


def rotation_of(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    """AFLW's radians -> (3, 3) rotation in the optical frame: ``Rz(yaw) Ry(pitch) Rx(roll)`` with its axes renamed.

    >>> rotation_of(0.0, 0.0, 0.0).round(6).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    (cy, cp, cr), (sy, sp, sr) = np.cos([yaw, pitch, roll]), np.sin([yaw, pitch, roll])
    about_z = np.array([[cy, -sy, 0.0], [sy, cy, 0.0], [0.0, 0.0, 1.0]])
    about_y = np.array([[cp, 0.0, sp], [0.0, 1.0, 0.0], [-sp, 0.0, cp]])
    about_x = np.array([[1.0, 0.0, 0.0], [0.0, cr, -sr], [0.0, sr, cr]])
    rotation: NDArray[np.float64] = _TO_OPTICAL @ about_z @ about_y @ about_x @ _TO_OPTICAL.T
    return rotation + 0.0  # no negative zeros


def box_from_rect(x: float, y: float, width: float, height: float, yaw: float) -> NDArray[np.float32]:
    """FaceRect (pixels) and yaw (radians) -> (4,) the closest fixed guess at a tight 68-point box.

    >>> box_from_rect(0.0, 0.0, 100.0, 100.0, 0.0).tolist()
    [10.0, 17.0, 90.0, 95.0]
    """
    middle = x + width * (0.5 + SHIFT * math.sin(yaw))
    half = 0.5 * WIDTH * width
    return np.array([middle - half, y + TOP * height, middle + half, y + BOTTOM * height], np.float32)


def _sample(tree: FileTree, image_name: str, row: _Row, published: bool) -> Sample:
    if published:
        euler_deg = published_angles_deg(row.yaw, row.pitch, row.roll)
    else:
        euler_deg = rotation_to_euler(rotation_of(row.yaw, row.pitch, row.roll)[None])[0].astype(np.float32)
    box = box_from_rect(row.x, row.y, row.w, row.h, row.yaw)
    return Sample(_name(row), tree.source(image_name), box, euler_deg, group=row.filepath)


def _name(row: _Row) -> str:
    return f"{row.filepath.rpartition('.')[0]}_{row.face_id}"


def _short(name: str) -> str:
    """``aflw/data/flickr/0/image00013.jpg`` -> ``0/image00013.jpg``, as the database has it."""
    return "/".join(name.split("/")[-2:])


def _check(row: _Row, where: str) -> None:
    try:
        finite = bool(np.isfinite(np.array(row[2:], np.float64)).all())
    except (TypeError, ValueError):
        finite = False
    if not finite or not row.filepath or row.w <= 0 or row.h <= 0:
        raise DatasetError(f"{where}: expected a finite pose and a rectangle with an area, got {row}")


def _database(tree: FileTree) -> str:
    found = [name for name in tree.names() if name.rsplit("/", 1)[-1] == "aflw.sqlite"]
    if len(found) != 1:
        raise DatasetError(
            f"{tree.path}: expected the AFLW layout, one aflw.sqlite with flickr/0, 2 and 3 beside it, "
            f"got {found or 'no aflw.sqlite'}"
        )
    return found[0]


def _query(tree: FileTree, statement: str) -> list[tuple[Any, ...]]:
    name = _database(tree)
    with tree.on_disk(name) as file:
        connection = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)
        try:
            return connection.execute(statement).fetchall()
        except sqlite3.DatabaseError as error:
            raise DatasetError(
                f"{tree.path}: {name}: expected AFLW's tables Faces, FaceImages, FacePose, FaceRect and "
                f"FeatureCoords, got: {error}; download aflw-db.tar.gz again"
            ) from error
        finally:
            connection.close()
