"""Drawn poses: direction and colour of each style, in perspective too, on any size of image."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hpe_edge.camera import MEAN_FACE_M, Camera, place_heads
from hpe_edge.draw import STYLES, draw_axes, draw_poses
from hpe_edge.draw.shapes import cube, head, skull_m
from hpe_edge.draw.view import views
from hpe_edge.errors import InvalidArgumentError, InvalidImageError, MissingDependencyError
from hpe_edge.results import HeadPoses

Image = NDArray[np.uint8]
CENTRE = 100.0


def _poses(*euler: float) -> HeadPoses:
    return HeadPoses.from_euler(np.float32([euler]), np.float32([[50, 50, 150, 150]]))


def _drawn(*euler: float) -> Image:
    return draw_axes(np.zeros((200, 200, 3), np.uint8), _poses(*euler))


def _reach(image: Image, channel: int) -> NDArray[np.float64]:
    """Mean offset (x, y) from the box's centre of the pixels in which one channel clearly dominates."""
    others = [c for c in range(3) if c != channel]
    mask = image[..., channel].astype(int) - image[..., others].max(axis=2) > 60
    assert mask.sum() > 20, "the axis is not to be seen"
    y, x = np.nonzero(mask)
    return np.array([x.mean() + 0.5 - CENTRE, y.mean() + 0.5 - CENTRE])


BLUE, GREEN, RED = 0, 1, 2


def test_frontal_red_goes_right_and_green_down() -> None:
    image = _drawn(0, 0, 0)
    right, down = _reach(image, RED), _reach(image, GREEN)
    assert right[0] > 20 and abs(right[1]) < 1
    assert down[1] > 20 and abs(down[0]) < 1


@pytest.mark.parametrize(
    ("euler", "direction"),
    [((40, 0, 0), (-1, 0)), ((-40, 0, 0), (1, 0)), ((0, 40, 0), (0, -1)), ((0, -40, 0), (0, 1))],
)
def test_blue_points_where_the_face_looks(euler: tuple[float, ...], direction: tuple[float, ...]) -> None:
    reach = _reach(_drawn(*euler), BLUE)
    assert reach @ np.array(direction) > 10
    assert abs(reach @ np.array(direction)[::-1]) < 1.5


def test_roll_turns_red_clockwise() -> None:
    right = _reach(_drawn(0, 0, 30), RED)
    assert right[0] > 10 and right[1] > 5


@pytest.mark.parametrize("shape", [(12, 16, 3), (2160, 3840, 3), (64, 64), (1, 1, 3)])
@pytest.mark.parametrize("labels", [False, True])
@pytest.mark.parametrize("style", list(STYLES))
def test_any_size_and_grey(shape: tuple[int, ...], labels: bool, style: str) -> None:
    image = np.full(shape, 90, np.uint8)
    height, width = shape[:2]
    poses = HeadPoses.from_euler(
        np.float32([[20, 10, 5], [0, 0, 0], [80, -20, 9]]),
        np.float32(
            [
                [0.2 * width, 0.2 * height, 0.7 * width, 0.7 * height],
                [-30, -9, 1, 1],
                [0.5 * width, -2.0 * height, 9.0 * width, 3.0 * height],
            ]
        ),
    )
    drawn = draw_poses(image, poses, style=style, labels=labels, boxes=True)
    assert drawn.shape == (height, width, 3) and drawn.dtype == np.uint8
    assert (image == 90).all(), "the caller's image is not touched"
    assert (drawn != 90).any()


@pytest.mark.parametrize("background", [0, 90, 160, 255])
@pytest.mark.parametrize("style", list(STYLES))
@pytest.mark.parametrize("size", [40, 400])
def test_a_drawing_stands_out_from_any_background(background: int, style: str, size: int) -> None:
    image = np.full((2 * size, 2 * size, 3), background, np.uint8)
    box = np.float32([[size // 2, size // 2, 3 * size // 2, 3 * size // 2]])
    drawn = draw_poses(image, HeadPoses.from_euler(np.float32([[25, -10, 5]]), box), style=style)
    strong = np.abs(drawn.astype(int) - background).max(axis=2) > 60
    assert strong.mean() > 0.004


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What OpenCV is asked to write."""
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
    texts: list[str] = []
    put_text = cv2.putText
    monkeypatch.setattr(cv2, "putText", lambda image, text, *rest: (texts.append(text), put_text(image, text, *rest)))
    return texts


def test_labels_say_the_spread_where_there_is_one(written: list[str]) -> None:
    image, angles, box = (
        np.zeros((200, 600, 3), np.uint8),
        np.float32([[12.3, -4, 0]]),
        np.float32([[50, 50, 150, 150]]),
    )
    for std_deg in ([[3.4, 2.6, np.nan]], [[np.nan] * 3]):
        draw_axes(image, HeadPoses.from_euler(angles, box, np.float32(std_deg)), labels=True)
    assert written == ["yaw +12 +/-3  pitch -4 +/-3  roll +0", "yaw +12  pitch -4  roll +0"]


def test_labels_say_who_and_how_far_and_break_for_neighbours(written: list[str]) -> None:
    poses = HeadPoses.from_euler(np.float32([[12.3, -4, 0]] * 2), np.float32([[50, 50, 90, 90]] * 2))
    poses = replace(poses, ids=np.array([7, -1]), translation_m=np.float32([[0.3, 0.4, 1.2], [np.nan] * 3]))
    draw_poses(np.zeros((200, 400, 3), np.uint8), poses, labels=True)
    assert written == ["#7  1.30 m", "yaw +12", "pitch -4", "roll +0", "yaw +12", "pitch -4", "roll +0"]


def test_a_label_without_room_below_stands_above() -> None:
    image = np.full((400, 400, 3), 90, np.uint8)
    poses = HeadPoses.from_euler(np.float32([[0, 0, 0]]), np.float32([[150, 250, 250, 395]]))
    changed = (draw_poses(image, poses, labels=True) != draw_poses(image, poses)).any(axis=2)
    rows = np.nonzero(changed)[0]
    assert rows.min() > 180 and rows.max() < 250


def test_the_label_of_a_thumb_leaves_the_face_to_be_seen(written: list[str]) -> None:
    image = np.full((64, 64, 3), 90, np.uint8)
    poses = HeadPoses.from_euler(np.float32([[12.3, -4, 0]]), np.float32([[16, 16, 48, 48]]))
    drawn = draw_poses(image, poses, labels=True)
    assert written == ["+12 -4 +0"]
    np.testing.assert_array_equal(drawn[:40], draw_poses(image, poses)[:40])


def test_the_cubes_blue_side_is_the_face() -> None:
    for yaw_deg, side in ((60.0, -1), (-60.0, 1)):
        drawn = draw_poses(np.zeros((300, 300, 3), np.uint8), _poses(yaw_deg, 0, 0), style="cube")
        blue = (drawn[..., BLUE].astype(int) - drawn[..., RED]) > 100
        yellow = (drawn[..., RED].astype(int) - drawn[..., BLUE]) > 100
        assert side * (np.nonzero(blue)[1].mean() - np.nonzero(yellow)[1].mean()) > 30
    behind = draw_poses(np.zeros((300, 300, 3), np.uint8), _poses(0, 180, 0), style="cube")
    assert not ((behind[..., BLUE].astype(int) - behind[..., RED]) > 100).any(), "seen from behind there is no face"


def test_the_head_fills_the_box_and_its_parts_fit_each_other() -> None:
    (view,) = views(_poses(35, -10, 20), "head", None)
    pixels = view.pixels(MEAN_FACE_M)
    middle, size = (pixels.max(axis=0) + pixels.min(axis=0)) / 2, np.ptp(pixels, axis=0)
    np.testing.assert_allclose(middle, [CENTRE, CENTRE])
    assert np.hypot(*size) == pytest.approx(np.hypot(100, 100))
    jaw, shell = MEAN_FACE_M[:17], skull_m().reshape(-1, 3)
    assert (np.abs(jaw[:, 0]) <= np.abs(shell[:, 0]).max()).all() and jaw[:, 1].max() <= shell[:, 1].max()
    for part in (*head(), *cube()):
        mirrored = part.ends_m * [-1, 1, 1]
        lines = {frozenset(map(tuple, ends.round(6) + 0.0)) for ends in part.ends_m}
        assert {frozenset(map(tuple, ends.round(6) + 0.0)) for ends in mirrored} == lines, "left is as right"


def _in_camera(camera: Camera, middle_m: NDArray[np.float64]) -> HeadPoses:
    """A head of the mean face, turned to the camera's own axes, at a place in the optical frame."""
    pixels = camera.project(MEAN_FACE_M + middle_m)
    box = np.array([[*pixels.min(axis=0), *pixels.max(axis=0)]])
    euler_deg = np.zeros((1, 3))
    poses = HeadPoses.from_euler(euler_deg, box)
    turned = place_heads(camera, euler_deg, euler_deg, box)
    assert np.abs(turned.translation_m @ camera.mount - middle_m).max() < 0.2
    return replace(poses, translation_m=np.float32([camera.mount @ middle_m]))


def test_with_a_camera_heads_are_drawn_in_perspective() -> None:
    camera = Camera.from_fov(640, 480, horizontal_fov_deg=80.0)
    middle_m = np.array([0.3, -0.2, 0.6])
    poses = _in_camera(camera, middle_m)
    (view,) = views(poses, "head", camera)
    np.testing.assert_allclose(view.pixels(MEAN_FACE_M), camera.project(MEAN_FACE_M + middle_m), atol=1e-3)
    (flat,) = views(poses, "head", None)
    assert np.abs(flat.pixels(MEAN_FACE_M) - view.pixels(MEAN_FACE_M)).max() > 5
    image = np.zeros((480, 640, 3), np.uint8)
    for style in STYLES:
        assert (draw_poses(image, poses, style=style, camera=camera) != 0).any()


def test_a_mount_does_not_move_the_drawing() -> None:
    camera = Camera.from_fov(640, 480, horizontal_fov_deg=80.0)
    tilted = camera.mounted(pitch_deg=-40.0, roll_deg=10.0, yaw_deg=5.0)
    box = np.array([[400.0, 100, 480, 190]])
    drawn = []
    for each in (camera, tilted):
        places = place_heads(each, np.array([[20.0, 5, 0]]), np.ones((1, 3)), box)
        poses = replace(HeadPoses.from_euler(places.euler_deg, box), translation_m=places.translation_m)
        drawn.append(views(poses, "head", each)[0].pixels(MEAN_FACE_M))
    np.testing.assert_allclose(*drawn, atol=0.01)


def test_what_is_behind_the_camera_is_left_out() -> None:
    camera = Camera.from_fov(640, 480, horizontal_fov_deg=80.0)
    poses = replace(_poses(0, 0, 0), translation_m=np.float32([[0, 0, -1]]))
    image = np.zeros((480, 640, 3), np.uint8)
    for style in ("cube", "head"):
        assert not draw_poses(image, poses, style=style, camera=camera).any()


def test_landmarks_are_dots_and_missing_ones_are_none() -> None:
    image = np.zeros((200, 200, 3), np.uint8)
    landmarks = np.full((1, 5, 2), np.nan)
    plain = draw_poses(image, _poses(0, 0, 0), landmarks_xy=landmarks)
    np.testing.assert_array_equal(plain, draw_poses(image, _poses(0, 0, 0)))
    landmarks[0, 1] = (20.0, 30.0)
    marked = draw_poses(image, _poses(0, 0, 0), landmarks_xy=landmarks)
    y, x = np.nonzero((marked != plain).any(axis=2))
    assert x.mean() + 0.5 == pytest.approx(20.0, abs=0.3) and y.mean() + 0.5 == pytest.approx(30.0, abs=0.3)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"style": "pyramid"}, r"style: expected one of \('axes', 'cube', 'head'\), got 'pyramid'"),
        ({"landmarks_xy": np.zeros((2, 5, 2))}, r"landmarks_xy: expected shape \(1, 5, 2\), got \(2, 5, 2\)"),
        ({"camera": Camera(1, 1, 0, 0)}, "camera: expected poses with translation_m"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidArgumentError, match=words):
        draw_poses(np.zeros((200, 200, 3), np.uint8), _poses(0, 0, 0), **options)


def test_no_heads_no_change() -> None:
    image = np.full((20, 20, 3), 7, np.uint8)
    none = HeadPoses.from_euler(np.zeros((0, 3)), np.zeros((0, 4)))
    np.testing.assert_array_equal(draw_axes(image, none), image)


def test_wrong_images_are_refused() -> None:
    with pytest.raises(InvalidImageError, match="image: expected a uint8 array"):
        draw_axes(np.zeros((4, 4, 3), np.float32), _poses(0, 0, 0))  # type: ignore[arg-type]


def test_without_opencv_the_message_names_the_pip_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'hpe-edge\[video\]'"):
        _drawn(0, 0, 0)
