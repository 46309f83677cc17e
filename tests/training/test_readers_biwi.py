"""The BIWI reader: signs of known rotations, boxes from the calibration, and damaged files."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("cv2")

import fake_photos
from hpe_edge.training.data.biwi import (
    FOLDS,
    PERSONS,
    TEST_SEQUENCES,
    TRAIN_SEQUENCES,
    biwi,
    face_box,
    parse_camera,
    parse_pose,
)
from hypothesis import given
from hypothesis import strategies as st

from hpe_edge.errors import DatasetError, InvalidArgumentError
from hpe_edge.rotation import euler_to_rotation

Matrix = NDArray[np.float64]
angle = st.floats(-80, 80)


def turn(axis: str, degrees: float) -> Matrix:
    """A right-handed turn about an axis of the camera: x right, y down, z forward."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = c
    matrix[j, i], matrix[i, j] = s, -s
    return matrix


def fsanet_angles(rotation: Matrix) -> list[float]:
    """FSA-Net's data/TYY_create_db_biwi.py, line by line: yaw, pitch, roll."""
    r = np.transpose(rotation)
    roll = -np.arctan2(r[1][0], r[0][0]) * 180 / np.pi
    yaw = -np.arctan2(-r[2][0], np.sqrt(r[2][1] ** 2 + r[2][2] ** 2)) * 180 / np.pi
    pitch = np.arctan2(r[2][1], r[2][2]) * 180 / np.pi
    return [yaw, pitch, roll]


def test_known_turns_have_the_signs_of_the_conventions(tmp_path: Path) -> None:
    """The nose is at -z of a head; what moves it to image-left, up, and the head clockwise is positive."""
    turns = [turn("y", 30), turn("x", 20), turn("z", 10), np.eye(3)]
    nose = np.array([0, 0, -1.0])
    crown = np.array([0, -1.0, 0])
    assert (turns[0] @ nose)[0] < 0
    assert (turns[1] @ np.array([0, 0, -1.0]))[1] > 0  # down: so this turn is a negative pitch
    assert (turns[2] @ crown)[0] > 0  # the crown goes to image-right: clockwise
    samples = biwi(fake_photos.write_biwi(tmp_path, {"01": turns}))
    expected = [[30, 0, 0], [0, -20, 0], [0, 0, 10], [0, 0, 0]]
    np.testing.assert_allclose([s.euler_deg for s in samples], expected, atol=1e-3)


@given(angle, angle, angle)
def test_angles_are_fsanets_and_round_trip(yaw: float, pitch: float, roll: float) -> None:
    rotation = euler_to_rotation([[yaw, pitch, roll]])[0]
    np.testing.assert_allclose(fsanet_angles(rotation), [yaw, pitch, roll], atol=1e-4)
    read, centre = parse_pose(fake_photos.pose_text(rotation), "pose.txt")
    np.testing.assert_allclose(read, rotation, atol=1e-5)
    np.testing.assert_allclose(centre, (40, -30, 900))


def test_reads_names_persons_images_and_sequences(tmp_path: Path) -> None:
    root = fake_photos.write_biwi(tmp_path, {"03": [np.eye(3)] * 2, "15": [np.eye(3)], "24": [np.eye(3)]})
    samples = biwi(root)
    assert [s.name for s in samples] == ["03/frame_00003", "03/frame_00004", "15/frame_00003", "24/frame_00003"]
    assert [s.group for s in samples] == ["F03", "F03", "F03", "M14"]  # one woman was recorded twice
    assert samples[0].image_bgr().shape == (480, 640, 3)
    assert len(biwi(root, sequences=("03", "24"))) == 3
    assert len(biwi(root / "03")) == 2
    assert [s.name for s in biwi(root, limit=2)] == ["03/frame_00003", "15/frame_00003"]
    archive = Path(shutil.make_archive(str(tmp_path / "biwi"), "zip", root.parent, "hpdb"))
    packed = biwi(archive)
    np.testing.assert_array_equal([s.euler_deg for s in packed], [s.euler_deg for s in samples])
    np.testing.assert_array_equal([s.box_xyxy for s in packed], [s.box_xyxy for s in samples])
    assert packed[0].image_bgr().shape == (480, 640, 3)


def test_box_is_the_face_around_the_projected_centre(tmp_path: Path) -> None:
    camera = parse_camera(fake_photos.RGB_CAL, "rgb.cal")
    centre = np.array([40.0, -30.0, 900.0])
    x, y, z = camera.rotation @ centre + camera.shift_mm
    u, v = 517.679 * x / z + 320, 517.679 * y / z + 240.5
    box = biwi(fake_photos.write_biwi(tmp_path, {"01": [np.eye(3)]}))[0].box_xyxy
    assert box[0] < u < box[2] and box[1] < v < box[3]
    np.testing.assert_allclose(box, face_box(centre, camera), atol=1e-4)
    np.testing.assert_allclose((box[2] - box[0]) * z / 517.679, 136, atol=1e-3)
    np.testing.assert_allclose((box[3] - box[1]) * z / 517.679, 137, atol=1e-3)
    near = face_box(np.array([0.0, 0.0, 500.0]), camera)
    assert near[2] - near[0] > 1.5 * (box[2] - box[0])


def test_boxes_of_a_detector_replace_the_own_and_drop_the_rest(tmp_path: Path) -> None:
    root = fake_photos.write_biwi(tmp_path, {"01": [np.eye(3)] * 3, "02": [np.eye(3)]})
    table = tmp_path / "boxes.csv"
    table.write_text("path,x0,y0,x1,y1\n01/frame_00004_rgb.png,1,2,3,4\nhpdb/02/frame_00003_rgb.png,5,6,7,8\n")
    samples = biwi(root, boxes_csv=table)
    assert [s.name for s in samples] == ["01/frame_00004", "02/frame_00003"]
    np.testing.assert_array_equal([s.box_xyxy for s in samples], [[1, 2, 3, 4], [5, 6, 7, 8]])
    assert len(biwi(root, boxes_csv=table, sequences=("02",))) == 1
    (root / "01" / "rgb.cal").unlink()  # not needed then
    assert len(biwi(root, boxes_csv=table)) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("file,x\n", "expected the columns path,x0,y0,x1,y1"),
        ("path,x0,y0,x1,y1\n", "expected boxes of the sequences 01, 02.*got none"),
        ("path,x0,y0,x1,y1\na.png,1,2,3,4\n", "line 2: expected a path as 01/frame_00003_rgb.png, got a.png"),
        ("path,x0,y0,x1,y1\n01/frame_00099_rgb.png,1,2,3,4\n", "line 2: expected a frame of .*frame_00099"),
        ("path,x0,y0,x1,y1\n01/frame_00003_rgb.png,1,2,3\n", "line 2: expected numbers"),
        ("path,x0,y0,x1,y1\n01/frame_00003_rgb.png,1,2,1,4\n", "line 2: expected a box with an area"),
        ("path,x0,y0,x1,y1\n01/frame_00003_rgb.png,nan,2,1,4\n", "line 2: expected a box with an area"),
    ],
)
def test_wrong_boxes(tmp_path: Path, content: str, message: str) -> None:
    root = fake_photos.write_biwi(tmp_path, {"01": [np.eye(3)]})
    (tmp_path / "boxes.csv").write_text(content)
    with pytest.raises(DatasetError, match=message):
        biwi(root, boxes_csv=tmp_path / "boxes.csv")
    with pytest.raises(DatasetError, match=r"absent\.csv: expected a CSV of boxes"):
        biwi(root, boxes_csv=tmp_path / "absent.csv")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("frame_00003_pose.txt", None, r"expected 01/frame_00003_pose\.txt for 01/frame_00003_rgb\.png, got no such"),
        ("frame_00003_pose.txt", "", "12 finite numbers, got 0: is it cut short"),
        ("frame_00003_pose.txt", "1 0 0\n0 1 0\n0 0 1\n\n40 -30", "12 finite numbers, got 11"),
        ("frame_00003_pose.txt", "1 0 0\n0 1 0\n0 0 nan\n\n40 -30 900", "12 finite numbers"),
        ("frame_00003_pose.txt", "a b c", "expected a 3x3 rotation and the head's centre, got: could not convert"),
        ("frame_00003_pose.txt", "1 0 0\n0 1 0\n0 0 2\n\n0 0 900", "expected a rotation matrix"),
        ("frame_00003_pose.txt", "1 0 0\n0 1 0\n0 0 -1\n\n0 0 900", "expected a rotation matrix"),
        ("frame_00003_pose.txt", "1 0 0\n0 1 0\n0 0 1\n\n0 0 -900", "expected a head before the camera"),
        ("rgb.cal", None, r"expected 01/rgb\.cal for 01/frame_00003_rgb\.png, got no such file"),
        ("rgb.cal", "517 0 320\n0 517 240\n0 0 1\n", "25 finite numbers, got 9"),
        ("rgb.cal", fake_photos.RGB_CAL.replace("517.679", "-517.679"), "expected focal lengths above 0"),
    ],
)
def test_damaged_files(tmp_path: Path, name: str, content: str | None, message: str) -> None:
    root = fake_photos.write_biwi(tmp_path, {"01": [np.eye(3)]})
    if content is None:
        (root / "01" / name).unlink()
    else:
        (root / "01" / name).write_text(content, encoding="ascii")
    with pytest.raises(DatasetError, match=message):
        biwi(root)


def test_wrong_layout_and_sequences(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"expected the BIWI layout, folders 01 \.\.\. 24.*got no such frame"):
        biwi(tmp_path)
    root = fake_photos.write_biwi(tmp_path, {"01": [np.eye(3)]})
    with pytest.raises(DatasetError, match="got no such frame of the sequences 02"):
        biwi(root, sequences=("02",))
    for wrong in (("25",), ()):
        with pytest.raises(InvalidArgumentError, match=r"sequences: expected some of 01 \.\.\. 24"):
            biwi(root, sequences=wrong)


def test_the_splits_keep_a_person_on_one_side() -> None:
    assert len(TRAIN_SEQUENCES) == 16 and len(TEST_SEQUENCES) == 8
    assert not {PERSONS[s] for s in TRAIN_SEQUENCES} & {PERSONS[s] for s in TEST_SEQUENCES}
    assert sorted(sum(FOLDS, ())) == sorted(PERSONS)
    assert len(set(PERSONS.values())) == 20
    persons = [{PERSONS[s] for s in fold} for fold in FOLDS]
    assert sum(map(len, persons)) == 20  # nobody is in two folds
