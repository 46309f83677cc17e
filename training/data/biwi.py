"""BIWI Kinect Head Pose: 24 sequences of 20 people turning their heads before a Kinect, 15,678 colour frames.

Source: Fanelli et al., "Random Forests for Real Time 3D Face Analysis", IJCV 2013. Published layout: folders
``01`` ... ``24`` with ``frame_NNNNN_rgb.png`` (640x480), ``frame_NNNNN_pose.txt`` and the calibrations
``rgb.cal`` and ``depth.cal`` (fastai's copy has ``.jpg``; both are read). For non-commercial research only.

Labels. ``pose.txt`` holds a 3x3 rotation and, in millimetres, the head's centre, head to camera, in the axes of the
depth camera: x right, y down, z forward. That is the optical frame of docs/CONVENTIONS.md, so
`hpe_edge.rotation.rotation_to_euler` reads the rotation as it stands: yaw = asin(R02), pitch = atan2(R12, R22),
roll = atan2(-R01, R00). FSA-Net (``data/TYY_create_db_biwi.py``) and Hopenet (``code/datasets.py``) transpose R
first and then write the same three expressions with other signs: -asin(-Rt20) is asin(R02), and so on. Neither
turns the label from the depth camera to the colour camera (by less than a degree), so neither do we.

Boxes. The published evaluations take a detector's (MTCNN; Hopenet: a Faster R-CNN) and drop frames where it finds
no face: give such boxes with ``boxes_csv``. Without one, the head's centre goes through ``rgb.cal`` to the picture
(x_rgb = R x_depth + t, as the public code of PerspNet and OpNet has it) and the tight box is a fixed size in
millimetres around it, see `face_box`.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpe_edge.errors import DatasetError, InvalidArgumentError
from hpe_edge.rotation import rotation_to_euler

from .archive import FileTree
from .samples import Sample, spread

PERSONS = {
    "01": "F01", "02": "F02", "03": "F03", "04": "F04", "05": "F05", "06": "F06", "07": "M01", "08": "M02",
    "09": "M03", "10": "M04", "11": "M05", "12": "M06", "13": "M07", "14": "M08", "15": "F03", "16": "M09",
    "17": "M10", "18": "F05", "19": "M11", "20": "M12", "21": "F02", "22": "M01", "23": "M13", "24": "M14",
}  # fmt: skip
"""Who is in which sequence, from the data set's own readme: four people were recorded twice."""

TEST_SEQUENCES = ("04", "06", "09", "11", "13", "16", "19", "23")
"""Protocol 2 tests on 8 of the 24 sequences. FSA-Net drew them without a seed, so its own 8 are unknown; these are
every second person who was recorded once, so that no one is in both parts."""
TRAIN_SEQUENCES = tuple(name for name in PERSONS if name not in TEST_SEQUENCES)

FOLDS = (
    ("02", "21", "01"), ("03", "15", "04"), ("05", "18", "06"), ("07", "22", "08"),
    ("09", "10", "11"), ("12", "13", "14"), ("16", "17", "19"), ("20", "23", "24"),
)  # fmt: skip
"""Eight test parts for the 8-fold cross-validation of the hybrid coarse-fine paper, which does not say which; here a
person's two sequences are in one fold."""

# From the annotated centre, which lies behind the tip of the nose, to the cheeks, the brows and the chin. An
# estimate from body measurements: brows 62 mm above and chin 75 mm below the nose's tip, jaws 136 mm apart.
HALF_WIDTH_MM = 68.0
ABOVE_MM = 62.0
BELOW_MM = 75.0

CSV_COLUMNS = ("path", "x0", "y0", "x1", "y1")
_FRAME = re.compile(r"(?:^|/)(\d\d)/(frame_\d{5})_rgb\.(?:png|jpg)$")


@dataclass(frozen=True, eq=False)
class ColourCamera:
    """``rgb.cal``: intrinsics (3, 3) in pixels, and rotation (3, 3) and shift (3,) in mm from depth to colour."""

    intrinsics: NDArray[np.float64]
    rotation: NDArray[np.float64]
    shift_mm: NDArray[np.float64]


def biwi(
    path: Path | str,
    *,
    sequences: tuple[str, ...] = tuple(PERSONS),
    boxes_csv: Path | None = None,
    limit: int | None = None,
) -> list[Sample]:
    """Read the frames of ``sequences`` from the folder or zip, in the order of the names.

    ``boxes_csv`` has the columns path, x0, y0, x1, y1: the frame (``01/frame_00003_rgb.png``) and a tight face box
    in pixels; frames that it does not list are left out. ``limit`` takes that many, spread over the sequences.
    ``Sample.group`` is the person. Raises DatasetError for another layout, a missing or damaged pose or calibration,
    and boxes of frames that do not exist; InvalidArgumentError for a sequence that is not one.

    >>> samples = biwi("hpdb", sequences=TEST_SEQUENCES)  # doctest: +SKIP
    """
    unknown = sorted(set(sequences) - set(PERSONS))
    if unknown or not sequences:
        raise InvalidArgumentError(f"sequences: expected some of 01 ... 24, got {unknown or 'none'}")
    tree = FileTree(Path(path))
    frames = {f"{m[1]}/{m[2]}": n for n in tree.names() if (m := _FRAME.search(_below(tree.path, n)))}
    frames = {key: name for key, name in frames.items() if key[:2] in sequences}
    if not frames:
        raise DatasetError(
            f"{path}: expected the BIWI layout, folders 01 ... 24 with frame_NNNNN_rgb.png beside "
            f"frame_NNNNN_pose.txt, got no such frame of the sequences {', '.join(sequences)}"
        )
    boxes = None if boxes_csv is None else read_boxes(boxes_csv, tree.path, frames, sequences)
    keys = spread(sorted(frames if boxes is None else boxes), limit)
    names = set(tree.names())
    cameras: dict[str, ColourCamera] = {}
    return [_sample(tree, names, key, frames[key], boxes, cameras) for key in keys]


def _below(root: Path, name: str) -> str:
    """A name with the folder that was given in front: ``path`` itself may be one sequence."""
    return f"{root.name}/{name}"


def _sample(
    tree: FileTree, names: set[str], key: str, image_name: str,
    boxes: dict[str, NDArray[np.float32]] | None, cameras: dict[str, ColourCamera],
) -> Sample:  # fmt: skip
    pose_name = image_name.rpartition("_rgb.")[0] + "_pose.txt"
    rotation, centre_mm = parse_pose(_text(tree, names, pose_name, image_name), f"{tree.path}: {pose_name}")
    if boxes is None:
        folder = image_name.rpartition("/")[0]
        if folder not in cameras:
            cal_name = f"{folder}/rgb.cal".removeprefix("/")
            cameras[folder] = parse_camera(_text(tree, names, cal_name, image_name), f"{tree.path}: {cal_name}")
        box = face_box(centre_mm, cameras[folder])
    else:
        box = boxes[key]
    euler_deg = rotation_to_euler(rotation[None])[0].astype(np.float32)
    return Sample(key, tree.source(image_name), box, euler_deg, group=PERSONS[key[:2]])


def _text(tree: FileTree, names: set[str], name: str, image_name: str) -> str:
    if name not in names:
        raise DatasetError(f"{tree.path}: expected {name} for {image_name}, got no such file")
    return tree.read(name).decode("ascii", errors="replace")


def _numbers(text: str, where: str, what: str, count: int) -> NDArray[np.float64]:
    try:
        values = np.array([float(word) for word in text.split()])
    except ValueError as error:
        raise DatasetError(f"{where}: expected {what}, got: {error}") from error
    if len(values) < count or not np.isfinite(values).all():
        raise DatasetError(f"{where}: expected {what}, {count} finite numbers, got {len(values)}: is it cut short?")
    return values


def _rotation(values: NDArray[np.float64], where: str) -> NDArray[np.float64]:
    matrix = values.reshape(3, 3)
    if np.abs(matrix @ matrix.T - np.eye(3)).max() > 1e-3 or np.linalg.det(matrix) < 0:
        raise DatasetError(f"{where}: expected a rotation matrix in its first nine numbers, got {matrix.tolist()}")
    return matrix


def parse_pose(text: str, where: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """``pose.txt`` -> rotation (3, 3) and centre (3,) in mm, both in the axes of the depth camera.

    >>> parse_pose("1 0 0\\n0 1 0\\n0 0 1\\n\\n10 20 900\\n", "pose.txt")[1].tolist()
    [10.0, 20.0, 900.0]
    """
    values = _numbers(text, where, "a 3x3 rotation and the head's centre", 12)
    if values[11] <= 0:
        raise DatasetError(f"{where}: expected a head before the camera, got a depth of {values[11]:g} mm")
    return _rotation(values[:9], where), values[9:12]


def parse_camera(text: str, where: str) -> ColourCamera:
    """``rgb.cal``: 3x3 intrinsics, 4 distortion numbers (all zero), 3x3 rotation, shift, picture size."""
    values = _numbers(text, where, "intrinsics, distortion, rotation and shift", 25)
    intrinsics = values[:9].reshape(3, 3)
    if intrinsics[0, 0] <= 0 or intrinsics[1, 1] <= 0:
        raise DatasetError(f"{where}: expected focal lengths above 0, got {np.diag(intrinsics)[:2].tolist()}")
    return ColourCamera(intrinsics, _rotation(values[13:22], where), values[22:25])


def face_box(centre_mm: NDArray[np.float64], camera: ColourCamera) -> NDArray[np.float32]:
    """Head centre (3,) in mm, depth camera -> (4,) tight face box in pixels of the colour picture.

    >>> camera = ColourCamera(np.diag([500.0, 500.0, 1.0]), np.eye(3), np.zeros(3))
    >>> face_box(np.array([0.0, 0.0, 1000.0]), camera).tolist()
    [-34.0, -31.0, 34.0, 37.5]
    """
    centre = camera.rotation @ centre_mm + camera.shift_mm
    around = np.array([[-HALF_WIDTH_MM, -ABOVE_MM, 0.0], [HALF_WIDTH_MM, BELOW_MM, 0.0]])
    projected = (centre + around) @ camera.intrinsics.T
    box: NDArray[np.float32] = (projected[:, :2] / projected[:, 2:]).ravel().astype(np.float32)
    return box


def read_boxes(
    path: Path, root: Path, frames: dict[str, str], sequences: tuple[str, ...]
) -> dict[str, NDArray[np.float32]]:
    """The rows of ``sequences`` in a CSV of boxes: {``01/frame_00003``: (4,) float32}.

    Raises DatasetError for a missing file, other columns, a bad number, a box without area, a frame that
    ``root`` does not have, and a file without any row of these sequences.
    """
    try:
        rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: expected a CSV of boxes, got: {error}") from error
    if tuple(rows.fieldnames or ()) != CSV_COLUMNS:
        raise DatasetError(f"{path}: expected the columns {','.join(CSV_COLUMNS)}, got {rows.fieldnames}")
    boxes = {}
    for line, row in enumerate(rows, start=2):
        found = _FRAME.search(row["path"] or "")
        if found is None:
            raise DatasetError(f"{path} line {line}: expected a path as 01/frame_00003_rgb.png, got {row['path']}")
        key = f"{found[1]}/{found[2]}"
        if found[1] not in sequences:
            continue
        if key not in frames:
            raise DatasetError(f"{path} line {line}: expected a frame of {root}, got {row['path']}, which is not there")
        boxes[key] = _box(row, f"{path} line {line}")
    if not boxes:
        raise DatasetError(f"{path}: expected boxes of the sequences {', '.join(sequences)}, got none")
    return boxes


def _box(row: dict[str, str], where: str) -> NDArray[np.float32]:
    try:
        box = np.array([float(row[name]) for name in CSV_COLUMNS[1:]], np.float32)
    except (TypeError, ValueError) as error:
        raise DatasetError(f"{where}: expected numbers in {CSV_COLUMNS[1:]}, got: {error}") from error
    if not np.isfinite(box).all() or (box[2:] <= box[:2]).any():
        raise DatasetError(f"{where}: expected a box with an area, got {box.tolist()}")
    return box
