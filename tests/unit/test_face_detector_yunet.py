"""OpenCV's detector with a user's file: boxes become tight ones. YuNet itself is not at hand, a stand-in answers."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hpe_edge.detectors import Detector, open_detector
from hpe_edge.detectors.yunet import YuNet, tight_boxes
from hpe_edge.errors import BackendError, CorruptModelError, MissingDependencyError, ModelNotFoundError
from hpe_edge.modelcard import InputSpec

SPEC = InputSpec("input", 64, 64, 0.4, True, "bgr", (127.5,) * 3, (1 / 128,) * 3)
FACE = np.array([[40, 40], [60, 40], [50, 50], [42, 60], [58, 60]], np.float32)  # brows at 40 - 0.35 * 20 = 33
BOX = np.array([30, 20, 70, 75], np.float32)


def turned(points: NDArray[np.float32], quarters: int) -> NDArray[np.float32]:
    """Points (N, 2) turned clockwise in the image, about (50, 50)."""
    turn = np.linalg.matrix_power(np.array([[0, -1], [1, 0]]), quarters)
    return np.asarray((points - 50) @ turn.T + 50, np.float32)


def turned_box(box: NDArray[np.float32], quarters: int) -> NDArray[np.float32]:
    corners = turned(box.reshape(2, 2), quarters)
    return np.concatenate([corners.min(axis=0), corners.max(axis=0)])


@pytest.mark.parametrize("quarters", range(4))
def test_the_forehead_goes_whichever_way_is_up(quarters: int) -> None:
    found = tight_boxes(turned_box(BOX, quarters)[None], turned(FACE, quarters)[None])
    np.testing.assert_allclose(found[0], turned_box(np.array([30, 33, 70, 75], np.float32), quarters), atol=1e-4)


@given(st.integers(0, 2**32 - 1))
def test_tight_boxes_lie_in_the_boxes_and_keep_half_of_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(-50, 50, (9, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(1, 90, (9, 2))], axis=1).astype(np.float32)
    tight = tight_boxes(boxes, rng.normal(size=(9, 5, 2)).astype(np.float32) * 60)
    assert (tight[:, :2] >= boxes[:, :2]).all() and (tight[:, 2:] <= boxes[:, 2:]).all()
    assert (np.prod(tight[:, 2:] - tight[:, :2], 1) >= 0.499 * np.prod(boxes[:, 2:] - boxes[:, :2], 1)).all()
    assert ((tight != boxes).sum(axis=1) <= 1).all()


class FakeNet:
    """Answers with one row for an image of the size it was told, or fails."""

    def __init__(self, rows: NDArray[np.float32] | None) -> None:
        self.rows = rows
        self.size = (0, 0)
        self.seen: NDArray[np.uint8] | None = None

    def setInputSize(self, size: tuple[int, int]) -> None:  # noqa: N802
        self.size = size

    def detect(self, image: NDArray[np.uint8]) -> tuple[int, NDArray[np.float32] | None]:
        assert image.shape == (self.size[1], self.size[0], 3) and image.flags.c_contiguous
        self.seen = image
        return 1, self.rows


def row(box: NDArray[np.float32], face: NDArray[np.float32], score: float) -> NDArray[np.float32]:
    return np.concatenate([box[:2], box[2:] - box[:2], face.ravel(), [score]]).astype(np.float32)


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    cv2 = pytest.importorskip("cv2")

    def make(rows: NDArray[np.float32] | None) -> tuple[YuNet, FakeNet]:
        net = FakeNet(rows)
        monkeypatch.setattr(cv2, "FaceDetectorYN", SimpleNamespace(create=lambda *_: net))
        (tmp_path / "yunet.onnx").write_bytes(b"stands in")
        detector = open_detector(f"yunet:{tmp_path / 'yunet.onnx'}", SPEC)
        assert isinstance(detector, YuNet) and isinstance(detector, Detector) and detector.name == "yunet"
        return detector, net

    return make


def test_boxes_landmarks_and_scores(make: Any) -> None:
    outside = row(BOX + 500, FACE + 500, 0.99)
    detector, _ = make(np.stack([row(BOX, FACE, 0.9), outside]))
    found = detector.detect(np.zeros((100, 200, 3), np.uint8))
    np.testing.assert_allclose(found.boxes_xyxy, [[30, 33, 70, 75]], atol=1e-4)
    np.testing.assert_allclose(found.landmarks_xy[0], FACE)
    assert found.scores.tolist() == [pytest.approx(0.9)]


def test_large_images_are_scaled_down_and_the_answer_up(make: Any) -> None:
    detector, net = make(np.stack([row(BOX, FACE, 0.9)]))
    found = detector.detect(np.zeros((1000, 1280, 3), np.uint8))
    assert net.size == (640, 500)
    np.testing.assert_allclose(found.boxes_xyxy, [[60, 66, 140, 150]], atol=1e-3)
    detector.detect(np.zeros((1, 5000, 3), np.uint8))
    assert net.size == (640, 1)


@pytest.mark.parametrize(("pixel_format", "seen"), [("bgr8", (1, 2, 3)), ("rgb8", (3, 2, 1)), ("mono8", (1, 1, 1))])
def test_pixel_formats_and_no_faces(make: Any, pixel_format: str, seen: tuple[int, int, int]) -> None:
    detector, net = make(None)
    image = np.zeros((8, 9, 3), np.uint8) + np.array([1, 2, 3], np.uint8)
    found = detector.detect(image[..., 0] if pixel_format == "mono8" else image, pixel_format)
    assert found.boxes_xyxy.shape == (0, 4) and found.landmarks_xy.shape == (0, 5, 2)
    assert net.seen is not None and net.seen[0, 0].tolist() == list(seen)


def test_yunet_sees_the_other_formats_in_colour(make: Any) -> None:
    detector, net = make(None)
    y, uv = np.full((8, 10), 81, np.uint8), np.zeros((4, 5, 2), np.uint8) + np.array([90, 240], np.uint8)
    yuyv = np.stack([y, np.tile(np.array([90, 240], np.uint8), (8, 5))], axis=2)
    rgba = np.zeros((8, 10, 4), np.uint8) + np.array([254, 0, 0, 7], np.uint8)
    images: list[tuple[Any, str]] = [((y, uv), "nv12"), (np.concatenate([y, uv.reshape(4, 10)]), "nv12"),
                                     (yuyv, "yuyv"), (rgba, "rgba8"), (rgba[..., [2, 1, 0, 3]], "bgra8")]  # fmt: skip
    for image, pixel_format in images:
        detector.detect(image, pixel_format)
        assert net.seen is not None and net.seen.shape == (8, 10, 3)
        assert net.seen[3, 4].tolist() == [0, 0, 254], pixel_format


def test_files_that_are_not_yunet(tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    with pytest.raises(ModelNotFoundError, match="found no file"):
        open_detector(f"yunet:{tmp_path / 'none.onnx'}", SPEC)
    (tmp_path / "text.onnx").write_bytes(b"not a network")
    with pytest.raises(CorruptModelError, match="OpenCV cannot read"):
        open_detector(f"yunet:{tmp_path / 'text.onnx'}", SPEC)


def test_a_failure_inside_opencv_is_typed(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cv2 = pytest.importorskip("cv2")
    detector, net = make(None)

    def fail(image: NDArray[np.uint8]) -> None:
        raise cv2.error("no layer")

    monkeypatch.setattr(net, "detect", fail)
    with pytest.raises(BackendError, match="OpenCV failed on an image of 9 x 8"):
        detector.detect(np.zeros((8, 9, 3), np.uint8))


def test_without_opencv_the_message_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'hpe-edge\[video\]'"):
        YuNet(SPEC, tmp_path / "yunet.onnx")
