"""The readers of real-photograph data sets, on fixtures in the published layouts and on the real ones."""

from __future__ import annotations

import math
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cv2")
scipy_io = pytest.importorskip("scipy.io")

import fake_photos  # noqa: E402
from hpe_edge.training.data.aflw2000 import aflw2000  # noqa: E402
from hpe_edge.training.data.catalog import select  # noqa: E402
from hpe_edge.training.data.matfile import load_mat  # noqa: E402
from hpe_edge.training.data.pointing04 import pointing04  # noqa: E402
from hpe_edge.training.data.samples import spread  # noqa: E402
from hpe_edge.training.data.w300lp import w300lp  # noqa: E402

from hpe_edge.errors import DatasetError, InvalidArgumentError  # noqa: E402

ANGLES = [(50.0, -10.0, -13.0), (-20.0, 5.0, 8.0), (10.0, -100.0, 0.0)]


def test_aflw2000_reads_angles_boxes_and_images(tmp_path: Path) -> None:
    samples = aflw2000(fake_photos.write_aflw2000(tmp_path, ANGLES))
    assert [s.name for s in samples] == ["image00002", "image00003"]  # the third is beyond 99 degrees
    np.testing.assert_allclose(samples[0].euler_deg, ANGLES[0], atol=1e-4)
    np.testing.assert_allclose(samples[0].box_xyxy, fake_photos.BOX, atol=1e-4)
    assert samples[0].euler_deg.dtype == samples[0].box_xyxy.dtype == np.float32
    image = samples[0].image_bgr()
    assert image.shape == (60, 60, 3)
    assert image.dtype == np.uint8
    np.testing.assert_allclose(image.mean(axis=(0, 1)), (10, 20, 30), atol=1.5)


def test_the_range_rule_can_be_lifted_and_is_counted(tmp_path: Path) -> None:
    folder = fake_photos.write_aflw2000(tmp_path, ANGLES)
    assert len(aflw2000(folder, max_abs_deg=math.inf)) == 3
    chosen = select("aflw2000", folder)
    assert (len(chosen.samples), chosen.dropped) == (2, 1)
    assert len(select("aflw2000", folder, all_poses=True).samples) == 3


@pytest.mark.parametrize("part", ["", "300W_LP", "300W_LP/AFW"])
def test_300wlp_reads_its_parts(tmp_path: Path, part: str) -> None:
    fake_photos.write_300wlp(tmp_path)
    samples = w300lp(tmp_path / part)
    # LFPW's one image has 120 degrees of roll; Code and landmarks are no parts.
    assert [s.name for s in samples] == (["AFW_1_0"] if part.endswith("AFW") else ["AFW_1_0", "AFW_Flip_1_0"])
    np.testing.assert_allclose(samples[0].euler_deg, (30, -5, 2), atol=1e-4)
    np.testing.assert_allclose(samples[0].box_xyxy, fake_photos.BOX, atol=1e-4)


def test_a_zip_reads_like_its_folder(tmp_path: Path) -> None:
    root = fake_photos.write_300wlp(tmp_path / "data")
    archive = Path(shutil.make_archive(str(tmp_path / "300W_LP"), "zip", root.parent))
    unpacked, packed = w300lp(root), w300lp(archive)
    assert [s.name for s in packed] == [s.name for s in unpacked]
    for one, other in zip(packed, unpacked, strict=True):
        np.testing.assert_array_equal(one.euler_deg, other.euler_deg)
        np.testing.assert_array_equal(one.image_bgr(), other.image_bgr())


def test_pointing04_keeps_the_usual_range_and_has_no_roll(tmp_path: Path) -> None:
    samples = pointing04(fake_photos.write_pointing04(tmp_path))
    assert len(samples) == 3
    np.testing.assert_array_equal(samples[1].euler_deg, (45, -15, np.nan))
    np.testing.assert_allclose(samples[0].box_xyxy, (17.603, 22.8, 42.397, 44.8), atol=1e-3)
    assert len(select("pointing04", tmp_path, all_poses=True).samples) == 5


def test_a_limit_is_spread_over_the_set(tmp_path: Path) -> None:
    folder = fake_photos.write_aflw2000(tmp_path, [(float(i), 0.0, 0.0) for i in range(10)])
    assert [round(float(s.euler_deg[0])) for s in aflw2000(folder, limit=3)] == [0, 3, 6]
    assert spread([1, 2], 5) == [1, 2]
    with pytest.raises(InvalidArgumentError, match="limit: expected at least 1, got 0"):
        select("aflw2000", folder, limit=0)


def test_unknown_dataset_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match=r"expected one of \('aflw2000'.*got 'bivi'"):
        select("bivi", tmp_path)


@pytest.mark.parametrize("reader", [aflw2000, w300lp, pointing04])
def test_wrong_folder(tmp_path: Path, reader: type[object]) -> None:
    with pytest.raises(DatasetError, match=r"layout.*got no"):
        reader(tmp_path)
    with pytest.raises(DatasetError, match="got no such path"):
        reader(tmp_path / "absent")
    not_a_zip = tmp_path / "a.zip"
    not_a_zip.write_bytes(b"not a zip")
    with pytest.raises(DatasetError, match=r"a\.zip: expected a dataset folder or a zip"):
        reader(not_a_zip)


def test_missing_mat(tmp_path: Path) -> None:
    folder = fake_photos.write_aflw2000(tmp_path, ANGLES)
    (folder / "image00003.mat").unlink()
    with pytest.raises(DatasetError, match=r"expected labels image00003\.mat beside image00003\.jpg"):
        aflw2000(folder)


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_damaged_mat(tmp_path: Path, damage: bytes | None) -> None:
    folder = fake_photos.write_aflw2000(tmp_path, ANGLES)
    mat = folder / "image00003.mat"
    mat.write_bytes(mat.read_bytes()[:200] if damage is None else damage)
    with pytest.raises(DatasetError, match=r"image00003\.mat: expected"):
        aflw2000(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Pose_Para": None}, "expected the variable Pose_Para, got"),
        ({"Pose_Para": np.zeros((1, 3))}, r"Pose_Para of shape 1x7, finite, got shape \(1, 3\)"),
        ({"Pose_Para": np.full((1, 7), np.nan)}, "Pose_Para of shape 1x7, finite"),
        ({"Pose_Para": np.array(["a"])}, "expected numbers in Pose_Para"),
        ({"pt3d_68": np.zeros((3, 21))}, r"pt3d_68 of shape 2x68 or 3x68, got \(3, 21\)"),
        ({"pt3d_68": np.zeros((3, 68))}, "68 finite, distinct points"),
        ({"pt3d_68": np.full((3, 68), np.nan)}, "68 finite, distinct points"),
    ],
)
def test_wrong_labels(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    folder = fake_photos.write_aflw2000(tmp_path, ANGLES)
    fake_photos.write_mat(folder / "image00003.mat", ANGLES[0], "pt3d_68", **changes)
    with pytest.raises(DatasetError, match=rf"image00003\.mat: expected .*{message.removeprefix('expected ')}"):
        aflw2000(folder)


@pytest.mark.parametrize("content", [b"", b"not a jpg"])
def test_unreadable_image(tmp_path: Path, content: bytes) -> None:
    folder = fake_photos.write_aflw2000(tmp_path, ANGLES)
    (folder / "image00002.jpg").write_bytes(content)
    with pytest.raises(DatasetError, match=r"image00002\.jpg: expected a jpg or png image, got \d+ bytes"):
        aflw2000(folder)[0].image_bgr()


def test_image_gone_after_reading(tmp_path: Path) -> None:
    folder = fake_photos.write_aflw2000(tmp_path, ANGLES)
    samples = aflw2000(folder)
    (folder / "image00002.jpg").unlink()
    with pytest.raises(DatasetError, match=r"image00002\.jpg: expected a readable image file"):
        samples[0].image_bgr()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("path,person", "file,person", "expected the columns"),
        (",0,0,30,30,20,20", ",0,0,30,x,20,20", r"labels\.csv line 2: expected numbers"),
        (",0,0,30,30,20,20", ",0,0,30,30,0,20", "a face with an area"),
        (",0,0,30,30,20,20", ",0,0,30", r"labels\.csv line 2: expected numbers"),
        ("person01100+0+0", "person01199+0+0", r"expected the image Person01/person01199\+0\+0\.jpg"),
    ],
)
def test_wrong_labels_csv(tmp_path: Path, old: str, new: str, message: str) -> None:
    labels = fake_photos.write_pointing04(tmp_path) / "labels.csv"
    labels.write_text(labels.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DatasetError, match=message):
        pointing04(tmp_path)


@pytest.fixture
def real_data() -> Path:
    """The folder of real photographs, from HPE_EDGE_DATA or beside the checkout."""
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    folder = Path(os.environ.get("HPE_EDGE_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no real photographs: set HPE_EDGE_DATA to their folder (looked in {folder})")
    return folder


def test_real_aflw2000(real_data: Path) -> None:
    folder = real_data / "aflw2000_dev"
    samples = aflw2000(folder)
    assert len(samples) == 394
    first = samples[0]
    labels = scipy_io.loadmat(folder / f"{first.name}.mat")
    expected = np.rad2deg(labels["Pose_Para"][0, [1, 0, 2]])
    np.testing.assert_allclose(first.euler_deg, expected, atol=1e-3)
    assert first.image_bgr().shape == (450, 450, 3)


def test_real_aflw2000_signs_agree_with_the_landmarks(real_data: Path) -> None:
    """+yaw: the nose points to image-left; +roll: the chin moves to image-left of the eyes."""
    folder = real_data / "aflw2000_dev"
    yaw, nose, roll, lean = [], [], [], []
    for sample in aflw2000(folder):
        points = scipy_io.loadmat(folder / f"{sample.name}.mat")["pt3d_68"][:2].T
        x0, _, x1, _ = sample.box_xyxy
        yaw.append(sample.euler_deg[0])
        nose.append((points[30, 0] - x0) / (x1 - x0) - 0.5)
        if abs(sample.euler_deg[0]) < 30:
            eyes = points[36:48].mean(axis=0)
            roll.append(sample.euler_deg[2])
            lean.append(eyes[0] - points[8, 0])
    assert np.corrcoef(yaw, nose)[0, 1] < -0.9
    assert np.corrcoef(roll, lean)[0, 1] > 0.8


def test_real_300wlp_fixture(real_data: Path) -> None:
    samples = w300lp(real_data / "300wlp_mini.zip")
    assert [s.name for s in samples] == ["AFW_1051618982_1_0", "AFW_56054945_1_0"]
    assert all(s.image_bgr().shape == (450, 450, 3) for s in samples)


def test_real_pointing04(real_data: Path) -> None:
    assert len(pointing04(real_data / "pointing04")) == 1350
    everything = select("pointing04", real_data / "pointing04", all_poses=True).samples
    assert len(everything) == 2790
    assert everything[0].image_bgr().shape == (288, 384, 3)


def test_a_matlab_7_3_file_is_told_by_name() -> None:
    header = b"MATLAB 7.3 MAT-file".ljust(124) + bytes([0, 2]) + b"IM"
    with pytest.raises(DatasetError, match=r"a\.mat: .* up to version 7, got 7\.3; save it with -v7"):
        load_mat(header + bytes(512), "a.mat")
