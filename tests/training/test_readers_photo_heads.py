"""Photographs as training heads: geometry, labels, identities, the cache, and a loop's batch made of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("scipy")
pytest.importorskip("tqdm")

import fake_photos
from hpe_edge.training.data import photo_heads
from hpe_edge.training.data.photo_heads import FACE_SHARE, open_photo_heads, photo_set
from hpe_edge.training.data.shards import split_by_identity

from hpe_edge.errors import DatasetError, InvalidArgumentError
from hpe_edge.rotation import euler_to_rotation

SIZE = 64


def heads_of(root: Path, cache: Path, name: str = "300wlp", **options: object) -> photo_heads.Heads:
    return open_photo_heads(name, root, cache, SIZE, quiet=True, **options)  # type: ignore[arg-type]


def test_name_and_path_in_one_word() -> None:
    assert photo_set("biwi-train:/data/hpdb") == ("biwi-train", Path("/data/hpdb"))
    assert photo_set("heads") is photo_set("/data/a:b") is photo_set("nothing:/x") is None


def test_labels_of_300wlp_are_carried_over(tmp_path: Path) -> None:
    root = fake_photos.write_300wlp_views(tmp_path, faces=3, views=2)
    heads = heads_of(root, tmp_path / "cache")
    assert len(heads) == 12 and heads.images.shape == (12, SIZE, SIZE, 3) and heads.images.dtype == np.uint8
    np.testing.assert_allclose(heads.euler_deg[0], (0, 5, 3), atol=1e-4)
    flip = np.diag([1.0, -1.0, -1.0])
    expected = flip @ euler_to_rotation(heads.euler_deg) @ flip
    np.testing.assert_allclose(heads.rotation, expected, atol=1e-5)
    boxes = np.concatenate([heads.landmarks.min(axis=1), heads.landmarks.max(axis=1)], axis=1)
    np.testing.assert_allclose(boxes, heads.box_xyxy, atol=1e-3)
    longer = (heads.box_xyxy[:, 2:] - heads.box_xyxy[:, :2]).max(axis=1)
    np.testing.assert_allclose(longer, FACE_SHARE * SIZE, atol=1e-3)
    np.testing.assert_allclose(heads.box_xyxy[:, :2] + heads.box_xyxy[:, 2:], SIZE, atol=1e-3)  # centred
    assert heads.landmarks_visible.min() == 1 and heads.visible_fraction.tolist() == [1.0] * 12
    described = heads.datasets[0]
    assert (described["name"], described["count"], described["identities"]) == ("300wlp", 12, 3)
    assert "research" in described["terms"]


def test_the_label_frame_is_that_of_the_training_losses(tmp_path: Path) -> None:
    from hpe_edge.training.euler import euler_of_rotation_deg

    root = fake_photos.write_300wlp_views(tmp_path, faces=2, views=2)
    heads = heads_of(root, tmp_path / "cache")
    back = [euler_of_rotation_deg(matrix) for matrix in heads.rotation]
    np.testing.assert_allclose(back, heads.euler_deg, atol=1e-3)


def test_views_and_mirror_images_stay_on_one_side(tmp_path: Path) -> None:
    root = fake_photos.write_300wlp_views(tmp_path, faces=6, views=3)
    heads = heads_of(root, tmp_path / "cache")
    assert len(np.unique(heads.identity)) == 6 and heads.identity.min() > 0
    train, held_out = split_by_identity(heads.identity, 0.5, 1)
    assert len(train) + len(held_out) == 36 and not set(heads.identity[train]) & set(heads.identity[held_out])
    unflipped = heads_of(root, tmp_path / "cache", "300wlp-unflipped")
    assert set(unflipped.identity) == set(heads.identity)


def test_pixels_are_those_of_the_photograph(tmp_path: Path) -> None:
    """A white square exactly on the tight box has to fill the box of the picture, and nothing else."""
    root = fake_photos.write_300wlp_views(tmp_path, faces=1, views=1)
    x0, y0, x1, y1 = map(int, fake_photos.BOX)
    image = np.zeros((60, 60, 3), np.uint8)
    image[y0:y1, x0:x1] = (255, 128, 0)
    for photo in root.rglob("*.jpg"):
        cv2.imwrite(str(photo), image, [cv2.IMWRITE_JPEG_QUALITY, 100])
    heads = heads_of(root, tmp_path / "cache")
    a, b, c, d = heads.box_xyxy[0]
    inside = heads.images[0, int(b) + 2 : int(d) - 2, int(a) + 2 : int(c) - 2]
    np.testing.assert_allclose(inside.mean(axis=(0, 1)), (255, 128, 0), atol=12)
    outside = heads.images[0].copy()
    outside[int(b) - 2 : int(d) + 3, int(a) - 2 : int(c) + 3] = 0
    assert outside.max() < 40


def test_a_set_without_points_has_the_boxs_corners(tmp_path: Path) -> None:
    poses = list(euler_to_rotation([[30.0, -10.0, 5.0], [0.0, 0.0, 0.0], [-20.0, 5.0, 0.0]]))
    root = fake_photos.write_biwi(tmp_path, {"02": poses, "21": poses[:1], "06": poses})
    heads = heads_of(root, tmp_path / "cache", "biwi")
    np.testing.assert_allclose(heads.euler_deg[0], (30, -10, 5), atol=1e-3)
    boxes = np.concatenate([heads.landmarks.min(axis=1), heads.landmarks.max(axis=1)], axis=1)
    np.testing.assert_allclose(boxes, heads.box_xyxy, atol=1e-3)
    assert heads.landmarks_visible.max() == 0
    assert len(np.unique(heads.identity)) == 2  # the woman of 02 is in 21 again
    train = heads_of(root, tmp_path / "cache", "biwi-train")
    assert len(train) == 4 and set(train.identity) < set(heads.identity)
    aflw = fake_photos.write_aflw(tmp_path / "aflw", [(0.2, 0.0, 0.1), (1.9, 0.0, 0.0)])
    assert len(heads_of(aflw, tmp_path / "cache", "aflw")) == 1  # the other is beyond 99 degrees


def test_the_cache_is_reopened_and_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = fake_photos.write_300wlp_views(tmp_path, faces=2, views=2)
    first = heads_of(root, tmp_path / "cache")
    with monkeypatch.context() as patch:
        patch.setattr(photo_heads, "_cut_all", None)  # would fail if it were called
        again = heads_of(root, tmp_path / "cache")
        assert again.fingerprint == first.fingerprint
        np.testing.assert_array_equal(again.images, first.images)
        np.testing.assert_array_equal(again.identity, first.identity)
    assert heads_of(root, tmp_path / "cache", limit=3).images.shape[0] == 3
    fake_photos.write_photo(root / "HELEN" / "HELEN_009_1_0.jpg")
    fake_photos.write_mat(root / "HELEN" / "HELEN_009_1_0.mat", (1.0, 2.0, 3.0), "pt2d")
    renewed = heads_of(root, tmp_path / "cache")
    assert len(renewed) == len(first) + 1 and renewed.fingerprint != first.fingerprint


def test_a_build_that_was_cut_short_starts_again(tmp_path: Path) -> None:
    root = fake_photos.write_300wlp_views(tmp_path, faces=2, views=2)
    broken = root / "HELEN_Flip" / "HELEN_001_1_1.jpg"
    whole = broken.read_bytes()
    broken.write_bytes(b"no photograph".ljust(len(whole)))  # the same size: the same cache
    with pytest.raises(DatasetError, match=r"HELEN_001_1_1.*expected a jpg or png image"):
        heads_of(root, tmp_path / "cache")
    broken.write_bytes(whole)
    assert len(heads_of(root, tmp_path / "cache")) == 8


def test_a_zip_trains_as_its_folder_does(tmp_path: Path) -> None:
    root = fake_photos.write_300wlp_views(tmp_path / "data", faces=2, views=2)
    archive = Path(shutil.make_archive(str(tmp_path / "300W_LP"), "zip", root.parent))
    packed, unpacked = heads_of(archive, tmp_path / "cache"), heads_of(root, tmp_path / "cache")
    np.testing.assert_array_equal(packed.images, unpacked.images)
    np.testing.assert_array_equal(packed.landmarks, unpacked.landmarks)


def test_what_cannot_be_trained_on(tmp_path: Path) -> None:
    for name in ("aflw2000", "pointing04", "afw", "biwi-test", "nothing"):
        with pytest.raises(InvalidArgumentError, match=rf"data: expected one of .*to train on, got '{name}'"):
            heads_of(tmp_path, tmp_path / "cache", name)
    with pytest.raises(InvalidArgumentError, match="size: expected 32 to 1024 pixels, got 8"):
        open_photo_heads("300wlp", tmp_path, tmp_path / "cache", 8)
    with pytest.raises(DatasetError, match="expected the 300W-LP layout"):
        heads_of(tmp_path, tmp_path / "cache")
    with pytest.raises(DatasetError, match=r"boxes\.csv: expected a CSV of boxes, got no such file"):
        heads_of(tmp_path, tmp_path / "cache", "biwi", boxes=tmp_path / "boxes.csv")


def test_the_training_loop_takes_them(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from hpe_edge.training.augment import AugmentConfig, Augmenter, InputSpec
    from hpe_edge.training.data.batches import EpochBatches

    root = fake_photos.write_300wlp_views(tmp_path, faces=4, views=2)
    heads = heads_of(root, tmp_path / "cache")
    batches = EpochBatches(heads, np.arange(len(heads)), Augmenter(AugmentConfig(), InputSpec()), 8, 0, 0)
    inputs, target = batches[0][:2]
    assert tuple(inputs.shape) == (8, 3, 64, 64)
    assert bool(np.isfinite(inputs.numpy()).all()) and tuple(target.euler_deg.shape) == (8, 3)


def test_real_300wlp_fixture(tmp_path: Path) -> None:
    """Published files: the nose's tip of the picture has to lie where the label's yaw turns it to."""
    import os

    beside = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    archive = Path(os.environ.get("HPE_EDGE_DATA", beside)) / "300wlp_mini.zip"
    if not archive.is_file():
        pytest.skip(f"no {archive}: set HPE_EDGE_DATA to the folder of real photographs")
    heads = heads_of(archive, tmp_path / "cache")
    assert len(heads) == 2 and heads.landmarks_visible.min() == 1
    middle = 0.5 * (heads.landmarks[:, :17, 0].min(axis=1) + heads.landmarks[:, :17, 0].max(axis=1))
    nose = heads.landmarks[:, 30, 0] - middle
    np.testing.assert_array_equal(np.sign(nose), -np.sign(heads.euler_deg[:, 0]))
    assert heads.images.std() > 20
