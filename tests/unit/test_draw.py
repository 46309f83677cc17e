"""Drawn axes: direction and colour, on any size of image."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from hpe_edge.draw import draw_axes
from hpe_edge.errors import InvalidImageError, MissingDependencyError
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
def test_any_size_and_grey(shape: tuple[int, ...], labels: bool) -> None:
    image = np.full(shape, 90, np.uint8)
    height, width = shape[:2]
    poses = HeadPoses.from_euler(
        np.float32([[20, 10, 5], [0, 0, 0]]),
        np.float32([[0.2 * width, 0.2 * height, 0.7 * width, 0.7 * height], [-30, -9, 1, 1]]),
    )
    drawn = draw_axes(image, poses, labels=labels, boxes=True)
    assert drawn.shape == (height, width, 3) and drawn.dtype == np.uint8
    assert (image == 90).all(), "the caller's image is not touched"
    assert (drawn != 90).any()


def test_labels_say_the_spread_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
    written: list[str] = []
    put_text = cv2.putText
    monkeypatch.setattr(cv2, "putText", lambda image, text, *rest: (written.append(text), put_text(image, text, *rest)))
    std_deg = np.float32([[3.4, 2.6, np.nan], [np.nan] * 3])
    poses = HeadPoses.from_euler(np.float32([[12.3, -4, 0]] * 2), np.float32([[50, 50, 150, 150]] * 2), std_deg)
    draw_axes(np.zeros((200, 200, 3), np.uint8), poses, labels=True)
    assert written == ["yaw +12 +/-3  pitch -4 +/-3  roll +0", "yaw +12  pitch -4  roll +0"]


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
