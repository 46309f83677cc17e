"""Rendered datasets: whole, reproducible, resumable, and true to their labels."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hpe_edge.training.synthetic.people.pose import rotation_x, rotation_y, rotation_z
from hpe_edge.training.synthetic.sets.contact_sheet import contact_sheet
from hpe_edge.training.synthetic.sets.generate import DatasetSpec, generate

from hpe_edge.errors import AssetError, DatasetError, InvalidArgumentError

SPEC = DatasetSpec(seed=3, count=20, image_size=64, poses_per_identity=2, heads_per_shard=8)


@pytest.fixture(scope="module")
def dataset(assets_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("heads")
    generate(SPEC, out, assets_folder, workers=2, quiet=True)
    return out


def _samples(folder: Path) -> list[tuple[bytes, dict]]:  # type: ignore[type-arg]
    found = []
    for shard in sorted(folder.glob("shard-*.tar")):
        with tarfile.open(shard) as tar:
            files = {name: tar.extractfile(name).read() for name in tar.getnames()}  # type: ignore[union-attr]
        found += [(files[f"{name[:-5]}.jpg"], json.loads(files[name])) for name in files if name.endswith(".json")]
    return found


def test_every_head_is_there_once_with_a_matching_image(dataset: Path) -> None:
    samples = _samples(dataset)
    assert [label["key"] for _, label in samples] == [f"{index:08d}" for index in range(20)]
    assert [label["identity"] for _, label in samples] == [index // 2 for index in range(20)]
    for jpeg, _ in samples:
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert image.shape == (64, 64, 3)
        assert image.std() > 5
    description = json.loads((dataset / "dataset.json").read_text())
    assert description["complete"] is True
    assert len(description["shards_sha256"]) == 64


def test_labels_agree_with_each_other(dataset: Path) -> None:
    for _, label in _samples(dataset):
        rotation = rotation_x(label["pitch_deg"]) @ rotation_y(label["yaw_deg"]) @ rotation_z(label["roll_deg"])
        np.testing.assert_allclose(rotation.reshape(-1), label["rotation"], atol=1e-4)
        points = np.asarray(label["landmarks_68"])
        np.testing.assert_allclose([*points.min(0), *points.max(0)], label["box_xyxy"], atol=0.01)
        assert len(label["landmarks_68_visible"]) == 68
        assert len(label["landmarks_21"]) == len(label["landmarks_21_visible"]) == 21
        assert len(label["landmarks_68_xyz_mm"]) == 68
        assert label["euler_in_range"] is True
        assert "skinned" in label["skin"]
        # with the face looking image-left, the nose tip lies image-left of the middle of the eyes, and so on
        if abs(label["yaw_deg"]) > 25 and abs(label["roll_deg"]) < 30 and abs(label["pitch_deg"]) < 30:
            assert np.sign(points[36:48, 0].mean() - points[30, 0]) == np.sign(label["yaw_deg"])


def test_landmarks_in_millimetres_project_to_those_in_pixels(dataset: Path) -> None:
    for _, label in _samples(dataset):
        camera, distances = label["camera"], []
        for name in ("landmarks_68", "landmarks_21"):
            xyz, pixels = np.asarray(label[f"{name}_xyz_mm"]), np.asarray(label[name])
            u = camera["cx"] - camera["fx"] * xyz[:, 0] / xyz[:, 2]
            v = camera["cy"] + camera["fy"] * xyz[:, 1] / xyz[:, 2]
            np.testing.assert_allclose(np.stack([u, v], 1), pixels, atol=0.05)
            distances.append(np.linalg.norm(xyz[36] - xyz[45]) if len(xyz) == 68 else 0.0)
        assert 65 < distances[0] < 120  # between the outer corners of the eyes, millimetres


def test_one_worker_gives_the_same_bytes_as_two(dataset: Path, assets_folder: Path, tmp_path: Path) -> None:
    generate(SPEC, tmp_path, assets_folder, workers=1, quiet=True)
    for shard in sorted(dataset.glob("shard-*.tar")):
        assert (tmp_path / shard.name).read_bytes() == shard.read_bytes()


def test_a_missing_and_a_damaged_shard_are_rendered_again(dataset: Path, assets_folder: Path) -> None:
    first, second = dataset / "shard-000000.tar", dataset / "shard-000001.tar"
    wanted = first.read_bytes(), second.read_bytes()
    first.unlink()
    second.write_bytes(wanted[1][: len(wanted[1]) // 2])
    generate(SPEC, dataset, assets_folder, workers=1, quiet=True)
    assert (first.read_bytes(), second.read_bytes()) == wanted


def test_another_dataset_in_the_folder_is_refused(dataset: Path, assets_folder: Path) -> None:
    other = DatasetSpec(seed=4, count=20, image_size=64, poses_per_identity=2, heads_per_shard=8)
    with pytest.raises(DatasetError, match=r"already holds another dataset: seed 3 \(asked: 4\)"):
        generate(other, dataset, assets_folder, quiet=True)


def test_the_webdataset_library_reads_the_shards(dataset: Path) -> None:
    webdataset = pytest.importorskip("webdataset", reason="webdataset is a development extra")
    urls = [str(path) for path in sorted(dataset.glob("shard-*.tar"))]
    samples = list(webdataset.WebDataset(urls, shardshuffle=False).decode("rgb8"))
    assert len(samples) == 20
    assert samples[0]["jpg"].shape == (64, 64, 3)
    assert samples[0]["json"]["key"] == samples[0]["__key__"]


def test_contact_sheet_of_all_sortings(dataset: Path) -> None:
    assert contact_sheet(dataset, 5, 4).shape == (256, 320, 3)
    assert contact_sheet(dataset, 5, 4, sort="yaw", labels=True).shape == (512, 640, 3)
    with pytest.raises(DatasetError, match="expected shards"):
        contact_sheet(dataset / "nothing", 5, 4)


def test_unreadable_description_is_refused(assets_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text("{")
    with pytest.raises(DatasetError, match=r"dataset\.json: expected a dataset description"):
        generate(SPEC, tmp_path, assets_folder, quiet=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": 0}, "expected at least 1"),
        ({"heads_per_shard": 7}, "expected a multiple of 2, got 7"),
        ({"yaw_range_deg": 190.0}, "expected 10 to 180 degrees, got 190"),
        ({"yaw_range_deg": 120.0, "features": ()}, "at most 99 without the feature 'pose', got 120"),
        ({"seed": -1}, "seed: expected 0 or more, got -1"),
        ({"image_size": 8}, "expected 32 to 1024 pixels, got 8"),
    ],
)
def test_impossible_settings(changes: dict[str, Any], message: str) -> None:
    settings: dict[str, Any] = {
        "seed": 0,
        "count": 4,
        "image_size": 64,
        "poses_per_identity": 2,
        "heads_per_shard": 8,
        **changes,
    }
    with pytest.raises(InvalidArgumentError, match=message):
        DatasetSpec(**settings)


def test_missing_assets_leave_no_dataset_behind(tmp_path: Path) -> None:
    with pytest.raises(AssetError):
        generate(SPEC, tmp_path / "out", tmp_path, quiet=True)
    assert not (tmp_path / "out").exists()
