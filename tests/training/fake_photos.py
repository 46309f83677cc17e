"""Tiny data sets in the published layouts, of photographs that carry their angles as their colour."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import cv2
import numpy as np
import scipy.io
from numpy.typing import NDArray

SIZE_PX = 60
BOX = (20.0, 15.0, 40.0, 45.0)  # of the 68 points


def points_68() -> NDArray[np.float32]:
    """(68, 2) points whose bounding box is BOX."""
    x0, y0, x1, y1 = BOX
    inner = np.random.default_rng(0).uniform((x0, y0), (x1, y1), (66, 2))
    return np.concatenate([[[x0, y0], [x1, y1]], inner]).astype(np.float32)


def write_photo(path: Path, bgr: tuple[int, int, int] = (10, 20, 30)) -> None:
    """One flat colour, so that any crop of it has that mean."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.full((SIZE_PX, SIZE_PX, 3), bgr, np.uint8)
    assert cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, 100])


def write_mat(path: Path, euler_deg: tuple[float, float, float], key: str, **changes: object) -> None:
    """Labels as published; a change to None leaves that variable out."""
    yaw, pitch, roll = np.deg2rad(euler_deg)
    pose = np.array([[pitch, yaw, roll, 1.0, 2.0, 3.0, 1e-3]], np.float32)
    points = points_68().T if key == "pt2d" else np.vstack([points_68().T, np.zeros((1, 68), np.float32)])
    content: dict[str, object] = {"Pose_Para": pose, key: points, "roi": np.zeros((1, 4), np.int16)}
    if key == "pt3d_68":
        content["pt2d"] = np.full((2, 21), -1.0)  # AFLW's own, partly unlabelled
    content |= changes
    scipy.io.savemat(path, {name: value for name, value in content.items() if value is not None})


def write_aflw2000(folder: Path, angles: list[tuple[float, float, float]]) -> Path:
    """``folder/AFLW2000/imageNNNNN.jpg`` and ``.mat``, colours (blue, green, red) = (10, 20, 30)."""
    for number, euler_deg in enumerate(angles, start=2):
        photo = folder / "AFLW2000" / f"image{number:05d}.jpg"
        write_photo(photo)
        write_mat(photo.with_suffix(".mat"), euler_deg, "pt3d_68")
    return folder / "AFLW2000"


def write_300wlp_views(folder: Path, faces: int = 6, views: int = 3) -> Path:
    """``folder/300W_LP/{HELEN,HELEN_Flip}``: ``views`` of each of ``faces`` faces, and their mirror images."""
    root = folder / "300W_LP"
    for face in range(faces):
        for view in range(views):
            yaw, pitch, roll = 20.0 * view - 10.0 * face, 5.0, 3.0 - face
            for part, euler_deg in (("HELEN", (yaw, pitch, roll)), ("HELEN_Flip", (-yaw, pitch, -roll))):
                photo = root / part / f"HELEN_{face:03d}_1_{view}.jpg"
                write_photo(photo)
                write_mat(photo.with_suffix(".mat"), euler_deg, "pt2d")
    return root


def write_300wlp(folder: Path) -> Path:
    """``folder/300W_LP/{AFW,AFW_Flip,LFPW}/NAME.jpg`` and the other things the zip has."""
    root = folder / "300W_LP"
    angles = {"AFW": (30.0, -5.0, 2.0), "AFW_Flip": (-30.0, -5.0, -2.0), "LFPW": (10.0, 0.0, 120.0)}
    for part, euler_deg in angles.items():
        photo = root / part / f"{part}_1_0.jpg"
        write_photo(photo)
        write_mat(photo.with_suffix(".mat"), euler_deg, "pt2d")
    (root / "Code").mkdir()
    write_photo(root / "Code" / "figure.jpg")
    (root / "landmarks" / "AFW").mkdir(parents=True)
    scipy.io.savemat(root / "landmarks" / "AFW" / "AFW_1_0_pts.mat", {"pts_2d": points_68()})
    return root


def write_pointing04(folder: Path) -> Path:
    """``folder/Person01/...jpg`` and ``labels.csv``: frontal, turned, and beyond the usual range."""
    lines = ["path,person,series,tilt,pan,cx,cy,w,h"]
    for number, (tilt, pan) in enumerate([(0, 0), (-15, 45), (30, -60), (60, 0), (0, 90)]):
        name = f"Person01/person011{number:02d}{tilt:+d}{pan:+d}.jpg"
        write_photo(folder / name)
        lines.append(f"{name},01,1,{tilt},{pan},30,30,20,20")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def write_pointing04_texts(folder: Path) -> Path:
    """The same as published: ``folder/PersonNN/personNNsii±T±P.jpg`` beside ``.txt``, and what else is there."""
    for number, (tilt, pan) in enumerate([(0, 0), (-15, 45), (30, -60), (60, 0), (0, 90)]):
        photo = folder / "Person01" / f"person011{number:02d}{tilt:+d}{pan:+d}.jpg"
        write_photo(photo)
        photo.with_suffix(".txt").write_text(f"{photo.name}\n\nFace\n30\n30\n20\n20\n", encoding="ascii")
    write_photo(folder / "Front" / "personne01146+0+0.jpg")
    return folder


RGB_CAL = """\
517.679 0 320
0 517.679 240.5
0 0 1

0 0 0 0

0.999947 0.00432361 0.00929419
-0.00446314 0.999877 0.0150443
-0.009228 -0.015085 0.999844

-24.0198 5.8896 -13.2308

640 480
"""
"""As a published file reads: intrinsics, distortion, rotation and shift from the depth camera, size."""


def pose_text(rotation: NDArray[np.float64], centre_mm: tuple[float, float, float] = (40.0, -30.0, 900.0)) -> str:
    """``pose.txt`` with the blank line and the trailing blanks that the published files have."""
    rows = "\n".join(" ".join(f"{value:.6g}" for value in row) + " " for row in rotation)
    return f"{rows}\n\n" + " ".join(f"{value:.6g}" for value in centre_mm) + " \n"


def write_biwi(folder: Path, poses: dict[str, list[NDArray[np.float64]]]) -> Path:
    """``folder/hpdb/NN/frame_NNNNN_{rgb.png,pose.txt,depth.bin}`` and calibrations, of rotations a sequence."""
    root = folder / "hpdb"
    for sequence, rotations in poses.items():
        for number, rotation in enumerate(rotations, start=3):
            stem = root / sequence / f"frame_{number:05d}"
            stem.parent.mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(f"{stem}_rgb.png", np.full((480, 640, 3), (10, 20, 30), np.uint8))
            Path(f"{stem}_pose.txt").write_text(pose_text(rotation), encoding="ascii")
            Path(f"{stem}_depth.bin").write_bytes(b"\0" * 8)
        (root / sequence / "rgb.cal").write_text(RGB_CAL, encoding="ascii")
        (root / sequence / "depth.cal").write_text(RGB_CAL, encoding="ascii")
        (root / f"{sequence}.obj").write_text("v 0 0 0\n", encoding="ascii")
    return root


AFLW_SCHEMA = """
CREATE TABLE Faces (face_id INTEGER PRIMARY KEY, file_id TEXT, db_id TEXT);
CREATE TABLE FaceImages (image_id INTEGER, db_id TEXT, file_id TEXT, filepath TEXT, bw INTEGER, width INTEGER,
    height INTEGER);
CREATE TABLE FacePose (face_id INTEGER, roll REAL, pitch REAL, yaw REAL, annot_type_id INTEGER);
CREATE TABLE FaceRect (face_id INTEGER, x INTEGER, y INTEGER, w INTEGER, h INTEGER, annot_type_id INTEGER);
CREATE TABLE FeatureCoords (face_id INTEGER, feature_id INTEGER, x REAL, y REAL, annot_type_id INTEGER);
CREATE TABLE FeatureCoordTypes (feature_id INTEGER, descr TEXT, code TEXT, x REAL, y REAL, z REAL);
"""


def write_aflw(folder: Path, poses: list[tuple[float, float, float]]) -> Path:
    """``folder/data/aflw.sqlite`` and ``flickr/0/imageNNNNN.jpg``: a face a photograph, (yaw, pitch, roll) in radians.

    A last photograph has a face without a rectangle, which the joins of papers leave out.
    """
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(data / "aflw.sqlite")
    connection.executescript(AFLW_SCHEMA)
    for number, (yaw, pitch, roll) in enumerate([*poses, (0.0, 0.0, 0.0)]):
        face, file = 39341 + number, f"image{number:05d}.jpg"
        write_photo(data / "flickr" / "0" / file)
        connection.execute("INSERT INTO Faces VALUES (?, ?, 'AFLW')", (face, file))
        connection.execute("INSERT INTO FaceImages VALUES (?, 'AFLW', ?, ?, 0, 60, 60)", (face, file, f"0/{file}"))
        connection.execute("INSERT INTO FacePose VALUES (?, ?, ?, ?, 1)", (face, roll, pitch, yaw))
        connection.executemany(
            "INSERT INTO FeatureCoords VALUES (?, ?, ?, ?, 0)", [(face, point, 20.0 + point, 25.0) for point in (8, 15)]
        )
        if number < len(poses):
            connection.execute("INSERT INTO FaceRect VALUES (?, 20, 15, 20, 20, 1)", (face,))
    connection.commit()
    connection.close()
    return data


def write_afw(folder: Path, faces: dict[str, list[tuple[tuple[float, ...], tuple[float, ...]]]]) -> Path:
    """``folder/testimages`` with photographs and ``anno.mat`` in MATLAB 7.3: {name: [(box x0 y0 x1 y1, pose), ...]}."""
    import h5py

    root = folder / "testimages"
    for name in faces:
        write_photo(root / name)
    with h5py.File(root / "anno.mat", "w", userblock_size=512) as file:
        cells = file.create_group("#refs#")
        anno = file.create_dataset("anno", (3, len(faces)), dtype=h5py.ref_dtype)

        def cell(content: NDArray[np.generic], dtype: object = None) -> object:
            return cells.create_dataset(f"{len(cells)}", data=content, dtype=dtype).ref

        for column, (name, found) in enumerate(faces.items()):
            boxes = [cell(np.reshape(box, (2, 2)).T.astype(float)) for box, _ in found]  # MATLAB's [x1 y1; x2 y2]
            poses = [cell(np.reshape(pose, (3, 1)).astype(float)) for _, pose in found]
            anno[0, column] = cell(np.array([[ord(letter)] for letter in name], np.uint16))
            anno[1, column] = cell(np.array(boxes, object)[:, None], h5py.ref_dtype)
            anno[2, column] = cell(np.array(poses, object)[:, None], h5py.ref_dtype)
    content = bytearray((root / "anno.mat").read_bytes())
    content[:128] = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + bytes([0, 2]) + b"IM"
    (root / "anno.mat").write_bytes(bytes(content))
    return root
