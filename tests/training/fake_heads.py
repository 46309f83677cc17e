"""A tiny dataset in the renderer's layout: a ball with features, enough to learn a pose from."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

SIZE = 112


def label_rotation(euler_deg: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """CONVENTIONS' ``R = Rx(pitch) Ry(yaw) Rz(roll)``, written out once more for the tests."""
    yaw, pitch, roll = np.radians(np.asarray(euler_deg, np.float64))
    c, s = np.cos, np.sin
    rx = np.array([[1, 0, 0], [0, c(pitch), s(pitch)], [0, -s(pitch), c(pitch)]])
    ry = np.array([[c(yaw), 0, -s(yaw)], [0, 1, 0], [s(yaw), 0, c(yaw)]])
    rz = np.array([[c(roll), s(roll), 0], [-s(roll), c(roll), 0], [0, 0, 1]])
    return np.asarray(rx @ ry @ rz)


def face_points() -> npt.NDArray[np.float64]:
    """68 points in the head frame: jaw, brows, eyes, nose, mouth on a unit ball's front."""
    jaw = [(np.sin(a), -0.5 * np.cos(a) ** 0.5 - 0.1, 0.3 + 0.5 * np.cos(a)) for a in np.linspace(-1.5, 1.5, 17)]
    brows = [(x, 0.55, 0.7) for x in np.r_[np.linspace(-0.7, -0.15, 5), np.linspace(0.15, 0.7, 5)]]
    nose = [(0, y, 1.05 - abs(y)) for y in np.linspace(0.3, 0, 4)] + [(x, -0.1, 0.9) for x in np.linspace(-0.2, 0.2, 5)]
    eyes = [(x, 0.33, 0.75) for x in np.r_[np.linspace(-0.55, -0.25, 6), np.linspace(0.25, 0.55, 6)]]
    mouth = [(0.3 * np.cos(a), -0.35 + 0.1 * np.sin(a), 0.8) for a in np.linspace(0, 6.28, 20)]
    return np.array([*jaw, *brows, *nose, *eyes, *mouth])


def fake_head(rng: np.random.Generator, identity: int) -> tuple[npt.NDArray[np.uint8], dict[str, Any]]:
    """One image (112, 112, 3) and its label."""
    euler = np.array([rng.uniform(-80, 80), rng.normal(0, 20), rng.normal(0, 15)])
    rotation = label_rotation(euler)
    camera = face_points() @ rotation.T
    pixels = camera[:, :2] * [24, -24] + SIZE / 2
    image = np.full((SIZE, SIZE, 3), rng.integers(40, 200, 3), np.uint8)
    image = cv2.add(image, rng.integers(0, 30, image.shape).astype(np.uint8))
    skin = tuple(int(v) for v in rng.integers(90, 220, 3))
    cv2.circle(image, (SIZE // 2, SIZE // 2), 30, skin, -1)
    for point, depth in zip(pixels[17:], camera[17:, 2], strict=True):
        if depth > 0:
            cv2.circle(image, (round(point[0]), round(point[1])), 2, (30, 30, 60), -1)
    box = [*pixels.min(0), *pixels.max(0)]
    label = {
        "yaw_deg": euler[0], "pitch_deg": euler[1], "roll_deg": euler[2],
        "rotation": rotation.ravel().tolist(), "box_xyxy": box, "head_box_xyxy": box,
        "landmarks_68": pixels.tolist(), "landmarks_68_visible": [1] * 68,
        "camera": {"fx": 500.0, "fy": 500.0, "cx": SIZE / 2, "cy": SIZE / 2},
        "identity": identity, "visible_face_fraction": 1.0, "attributes": {},
    }  # fmt: skip
    return image, label


def add_file(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """One member of a shard."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def write_dataset(folder: Path, count: int, heads_per_shard: int = 64, seed: int = 0) -> Path:
    """Shards and ``dataset.json`` of ``count`` heads, four to an identity."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for shard, start in enumerate(range(0, count, heads_per_shard)):
        with tarfile.open(folder / f"shard-{shard:06d}.tar", "w") as tar:
            for number in range(start, min(count, start + heads_per_shard)):
                image, label = fake_head(rng, number // 4)
                _, code = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 92])
                add_file(tar, f"{number:08d}.jpg", code.tobytes())
                add_file(tar, f"{number:08d}.json", json.dumps(label).encode())
    description = {"format": "hpe-edge-heads/1", "seed": seed, "count": count, "image_size": SIZE}
    (folder / "dataset.json").write_text(json.dumps(description), encoding="utf-8")
    return folder
