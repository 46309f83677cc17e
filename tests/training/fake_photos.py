"""Tiny data sets in the published layouts, of photographs that carry their angles as their colour."""

from __future__ import annotations

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
