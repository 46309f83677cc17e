"""The AFLW and AFW readers: signs against the annotation tool's own frame, splits, and damaged files."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cv2")

import fake_photos
from hpe_edge.training.data.aflw import (
    aflw,
    box_from_rect,
    in_test_part,
    landmarks_21,
    published_angles_deg,
    rotation_of,
)
from hpe_edge.training.data.afw import afw, yaw_within_15
from hypothesis import given
from hypothesis import strategies as st

from hpe_edge.errors import DatasetError, InvalidArgumentError
from hpe_edge.rotation import rotation_to_euler

angle = st.floats(-1.4, 1.4)
POSES = [(0.5, 0.1, -0.2), (-0.5, -0.1, 0.3), (1.0, 0.4, 0.5)]  # yaw, pitch, roll in radians


def split(rotation: np.ndarray) -> list[float]:
    """The annotation tool's splitRotationMatrixToRollPitchYaw, in its frame: yaw, pitch, roll."""
    a = rotation
    return [float(np.arctan2(a[1, 0], a[0, 0])), float(np.arcsin(-a[2, 0])), float(np.arctan2(a[2, 1], a[2, 2]))]


@given(angle, angle, angle)
def test_rotation_is_the_annotation_tools(yaw: float, pitch: float, roll: float) -> None:
    """X toward the viewer, Y to image-left, Z down, as the tool builds its points from the mean face."""
    to_tool = np.array([[0, 0, -1.0], [-1, 0, 0], [0, 1, 0]])
    in_tool = to_tool @ rotation_of(yaw, pitch, roll) @ to_tool.T
    np.testing.assert_allclose(split(in_tool), [yaw, pitch, roll], atol=1e-6)
    assert np.linalg.det(in_tool) == pytest.approx(1)


@pytest.mark.parametrize("index", [0, 1, 2])
@pytest.mark.parametrize("size", [-0.6, 0.4])
def test_signs_of_single_turns(index: int, size: float) -> None:
    """Nose to image-left and up for +yaw and +pitch; +roll of AFLW is counter-clockwise."""
    radians = [0.0, 0.0, 0.0]
    radians[index] = size
    rotation = rotation_of(*radians)
    nose, crown = rotation @ [0, 0, -1], rotation @ [0, -1, 0]
    sideways = {0: nose[0], 1: nose[1], 2: crown[0]}[index]
    assert np.sign(sideways) == -np.sign(size)
    expected = np.rad2deg(radians) * [1, 1, -1]
    np.testing.assert_allclose(published_angles_deg(*radians), expected, atol=1e-4)
    np.testing.assert_allclose(rotation_to_euler(rotation[None])[0], expected, atol=1e-4)  # one turn: one answer


@given(angle, angle, angle)
def test_published_angles_round_trip(yaw: float, pitch: float, roll: float) -> None:
    back = np.deg2rad(published_angles_deg(yaw, pitch, roll).astype(float)) * [1, 1, -1]
    np.testing.assert_allclose(back, [yaw, pitch, roll], atol=1e-5)
    np.testing.assert_allclose(published_angles_deg(yaw, pitch, roll + 2 * np.pi)[2], np.rad2deg(-roll), atol=1e-3)


def test_aflw_reads_faces_boxes_and_groups(tmp_path: Path) -> None:
    data = fake_photos.write_aflw(tmp_path, POSES)
    samples = aflw(data)
    assert [s.name for s in samples] == ["0/image00000_39341", "0/image00001_39342", "0/image00002_39343"]
    assert [s.group for s in samples] == ["0/image00000.jpg", "0/image00001.jpg", "0/image00002.jpg"]
    np.testing.assert_allclose(samples[0].euler_deg, np.rad2deg([0.5, 0.1, 0.2]), atol=1e-3)
    np.testing.assert_allclose(samples[0].box_xyxy, box_from_rect(20, 15, 20, 20, 0.5))
    assert samples[0].image_bgr().shape == (60, 60, 3)
    ours = aflw(data, published_angles=False)
    expected = rotation_to_euler(np.stack([rotation_of(*pose) for pose in POSES]))
    np.testing.assert_allclose([s.euler_deg for s in ours], expected, atol=1e-4)
    assert np.abs(ours[2].euler_deg - samples[2].euler_deg).max() > 5  # another order of the factors
    assert len(aflw(data, limit=2)) == 2


def test_the_box_moves_to_the_visible_cheek() -> None:
    """+yaw: the nose points to image-left, the cheek and jaw that are seen are to image-right of the eyes."""
    front, turned = box_from_rect(0, 0, 100, 100, 0.0), box_from_rect(0, 0, 100, 100, 1.0)
    assert turned[0] > front[0] and turned[2] > front[2]
    np.testing.assert_allclose(turned[2] - turned[0], front[2] - front[0], rtol=1e-6)


def test_aflw_parts_are_disjoint_and_by_photograph(tmp_path: Path) -> None:
    data = fake_photos.write_aflw(tmp_path, [(0.0, 0.0, 0.01 * n) for n in range(60)])
    train, test = ({s.name for s in aflw(data, part=part)} for part in ("train", "test"))
    assert not train & test and len(train | test) == 60 and test
    share = np.mean([in_test_part(f"{folder}/image{n:05d}.jpg") for folder in (0, 2, 3) for n in range(3000)])
    assert share == pytest.approx(0.05, abs=0.01)
    with pytest.raises(InvalidArgumentError, match="part: expected all, train or test, got 'dev'"):
        aflw(data, part="dev")


def test_aflw_from_a_zip_and_its_21_points(tmp_path: Path) -> None:
    data = fake_photos.write_aflw(tmp_path / "aflw", POSES)
    archive = Path(shutil.make_archive(str(tmp_path / "aflw"), "zip", data.parent))
    assert [s.name for s in aflw(archive)] == [s.name for s in aflw(data)]
    points = landmarks_21(data)
    assert set(points) == {s.name for s in aflw(data)}
    one = points["0/image00000_39341"]
    np.testing.assert_array_equal(one[[7, 14]], [[28, 25], [35, 25]])
    assert one.shape == (21, 2) and np.isnan(one).all(axis=1).sum() == 19


def change(data: Path, *statements: str) -> None:
    connection = sqlite3.connect(data / "aflw.sqlite")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_face_without_a_pose_is_left_out(tmp_path: Path) -> None:
    data = fake_photos.write_aflw(tmp_path, POSES)
    change(data, "UPDATE FacePose SET yaw = -6.283185307, pitch = -6.283185307, roll = -6.283185307 WHERE roll > 0.4")
    assert len(aflw(data)) == 2


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("DROP TABLE FacePose", r"expected AFLW's tables .*no such table: FacePose; download aflw-db\.tar\.gz again"),
        ("UPDATE FacePose SET yaw = NULL WHERE face_id = 39342", r"expected a finite pose.*face_id=39342"),
        ("UPDATE FacePose SET yaw = 'left' WHERE face_id = 39342", r"expected a finite pose.*face_id=39342"),
        ("UPDATE FaceRect SET w = 0 WHERE face_id = 39342", "a rectangle with an area"),
        ("DELETE FROM Faces", r"expected faces with a pose and a rectangle \(part all\), got none"),
    ],
)
def test_wrong_database(tmp_path: Path, statement: str, message: str) -> None:
    data = fake_photos.write_aflw(tmp_path, POSES)
    change(data, statement)
    with pytest.raises(DatasetError, match=message):
        aflw(data)


def test_damaged_or_missing_aflw(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"expected the AFLW layout, one aflw\.sqlite.*got no aflw\.sqlite"):
        aflw(tmp_path)
    data = fake_photos.write_aflw(tmp_path, POSES)
    (data / "flickr" / "0" / "image00001.jpg").unlink()
    with pytest.raises(DatasetError, match=r"flickr/0, 2 and 3, got no 0/image00001\.jpg and 0 others"):
        aflw(data)
    (data / "aflw.sqlite").write_bytes(b"SQLite format 3\0" + b"damaged" * 300)
    with pytest.raises(DatasetError, match=r"aflw\.sqlite: expected AFLW's tables"):
        aflw(data)
    (data / "flickr" / "aflw.sqlite").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"one aflw\.sqlite.*got \["):
        aflw(data)


def test_an_unknown_point_of_aflw(tmp_path: Path) -> None:
    data = fake_photos.write_aflw(tmp_path, POSES)
    change(data, "UPDATE FeatureCoords SET feature_id = 22 WHERE face_id = 39342")
    with pytest.raises(DatasetError, match="expected points 1 to 21, got 22"):
        landmarks_21(data)


FACES = {
    "1004109301.jpg": [((20, 15, 40, 45), (-45, 0, 15)), ((1, 2, 11, 22), (30, 15, 0))],
    "1051618982.jpg": [((5, 5, 25, 30), (0, 0, 0))],
}


def test_afw_reads_boxes_and_turns_yaw(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    root = fake_photos.write_afw(tmp_path, FACES)
    samples = afw(root)
    assert [s.name for s in samples] == ["1004109301_0", "1004109301_1", "1051618982_0"]
    assert [s.group for s in samples] == ["1004109301.jpg", "1004109301.jpg", "1051618982.jpg"]
    np.testing.assert_array_equal([s.box_xyxy for s in samples], [[20, 15, 40, 45], [1, 2, 11, 22], [5, 5, 25, 30]])
    np.testing.assert_array_equal([s.euler_deg[0] for s in samples], [45, -30, 0])
    assert np.isnan([s.euler_deg[1:] for s in samples]).all()
    assert samples[0].image_bgr().shape == (60, 60, 3)
    assert len(afw(tmp_path, limit=1)) == 1


def test_wrong_afw(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    with pytest.raises(DatasetError, match=r"expected the AFW layout, anno\.mat beside the photographs, got no anno"):
        afw(tmp_path)
    root = fake_photos.write_afw(tmp_path, FACES)
    whole = (root / "anno.mat").read_bytes()
    for damaged in (b"", whole[:400], b"x" * 2000):
        (root / "anno.mat").write_bytes(damaged)
        with pytest.raises(DatasetError, match=rf"expected a MATLAB 7\.3 file, got {len(damaged)} bytes"):
            afw(root)
    (root / "anno.mat").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match="expected cells of names, boxes and poses in anno, got"):
        afw(root)
    (root / "anno.mat").write_bytes(whole)
    (root / "1051618982.jpg").unlink()
    with pytest.raises(DatasetError, match=r"expected the photograph 1051618982\.jpg, got no such file"):
        afw(root)


@pytest.mark.parametrize(
    ("box", "pose", "message"),
    [
        ((20, 15, 20, 45), (0, 0, 0), r"face 0: expected a box with an area, got \[20\.0, 15\.0, 20\.0, 45\.0\]"),
        ((20, 15, 40, 45), (np.nan, 0, 0), "face 0: expected a 2x2 box and a pose of finite numbers"),
    ],
)
def test_wrong_faces_of_afw(tmp_path: Path, box: tuple[float, ...], pose: tuple[float, ...], message: str) -> None:
    pytest.importorskip("h5py")
    with pytest.raises(DatasetError, match=message):
        afw(fake_photos.write_afw(tmp_path, {"a.jpg": [(box, pose)]}))


def test_afw_accuracy_rounds_to_15_degrees() -> None:
    truth = np.array([[0.0, 0, 0], [45, 0, 0], [-90, 0, 0], [90, 0, 0]])
    predicted = np.array([[22.4, 0, 0], [67.6, 0, 0], [-67.6, 0, 0], [104.0, 0, 0]])
    assert yaw_within_15(truth, predicted) == 0.75
