"""The bindings: what the core takes, what it refuses, and that a refusal names argument, expected and got."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from hpe_edge import _core
from hpe_edge.errors import HpeEdgeError, InvalidArgumentError, InvalidBoxError, InvalidImageError

FRAME = np.zeros((8, 10, 3), np.uint8)
Y, UV = np.zeros((8, 10), np.uint8), np.zeros((4, 5, 2), np.uint8)
BOX = np.array([[1, 1, 6, 6]], np.float32)
SPEC: dict[str, Any] = {
    "pixel_format": "bgr8",
    "width": 4,
    "height": 5,
    "margin": 0.4,
    "square": True,
    "channel_order": "bgr",
    "mean": (127.5, 127.5, 127.5),
    "scale": (1 / 128, 1 / 128, 1 / 128),
}


def preprocess(image: Any = FRAME, boxes: Any = BOX, **changes: Any) -> Any:
    return _core.preprocess(image, boxes, **(SPEC | changes))


def boxes(*rows: tuple[float, float, float, float]) -> Any:
    return np.array(rows, np.float32).reshape(-1, 4)


@pytest.mark.parametrize(
    ("image", "changes", "words"),
    [
        (FRAME.astype(np.float32), {}, ["image", "uint8", "float32 array of shape (8, 10, 3)"]),
        (FRAME.astype(np.int8), {}, ["image", "uint8", "int8"]),
        (FRAME[..., 0], {}, ["image", "(H, W, 3)", "(8, 10)"]),
        (FRAME, {"pixel_format": "mono8"}, ["image", "(H, W)", "(8, 10, 3)"]),
        (np.zeros((8, 10, 4), np.uint8), {}, ["image", "(H, W, 3)", "(8, 10, 4)"]),
        (np.zeros((0, 10, 3), np.uint8), {}, ["image", "height 0"]),
        (np.zeros((8, 0, 3), np.uint8), {}, ["image", "width 0"]),
        (FRAME[..., ::-1], {}, ["image", "side by side", "ascontiguousarray"]),
        ([[1, 2, 3]], {}, ["image", "uint8", "list"]),
        (None, {}, ["image", "uint8", "NoneType"]),
        (FRAME, {"pixel_format": "bgr16"}, ["pixel_format", "'bgr8'", "'nv12'", "'bgr16'"]),
        (FRAME, {"pixel_format": "rgba8"}, ["image", "(H, W, 4)", "(8, 10, 3)"]),
        (FRAME[:, :9, :2].copy(), {"pixel_format": "yuyv"}, ["image", "even width for yuyv", "width 9"]),
        (np.zeros((8, 10, 4), np.uint8)[..., ::2], {"pixel_format": "yuyv"}, ["image", "side by side", "stride of 2"]),
        (FRAME, {"pixel_format": "nv12"}, ["image", "(H * 3 / 2, W)", "(8, 10, 3)"]),
        (np.zeros((8, 10), np.uint8), {"pixel_format": "nv12"}, ["image", "(H * 3 / 2, W)", "(8, 10)"]),
        (np.zeros((9, 9), np.uint8), {"pixel_format": "nv12"}, ["image", "even width and height", "9 and height 6"]),
        (np.zeros((12, 20), np.uint8)[:, ::2], {"pixel_format": "nv12"}, ["image", "side by side"]),
        (np.zeros((0, 10), np.uint8), {"pixel_format": "nv12"}, ["image", "height 0"]),
        ((Y,), {"pixel_format": "nv12"}, ["image", "pair (y, uv)", "tuple of 1"]),
        ((None, UV), {"pixel_format": "nv12"}, ["image[0]", "(H, W)", "NoneType"]),
        ((Y, None), {"pixel_format": "nv12"}, ["image[1]", "(4, 5, 2)", "NoneType"]),
        ((Y, Y), {"pixel_format": "nv12"}, ["image[1]", "(4, 10)", "(8, 10)"]),
        ((Y, UV[:, :4]), {"pixel_format": "nv12"}, ["image[1]", "(4, 5, 2)", "(4, 4, 2)"]),
        ((Y, UV[..., ::-1]), {"pixel_format": "nv12"}, ["image[1]", "side by side"]),
        ((Y[:7], UV[:3]), {"pixel_format": "nv12"}, ["image", "even width and height for nv12", "height 7"]),
        ((Y, UV), {"pixel_format": "mono8"}, ["image", "(H, W)", "tuple"]),
    ],
)
def test_images_that_are_refused(image: Any, changes: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(InvalidImageError) as caught:
        preprocess(image, **changes)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.zeros((1, 4)), ["boxes_xyxy", "float32", "float64 array of shape (1, 4)"]),
        (np.zeros(4, np.float32), ["boxes_xyxy", "(N, 4)", "(4,)"]),
        (np.zeros((1, 5), np.float32), ["boxes_xyxy", "(N, 4)", "(1, 5)"]),
        ([[1, 1, 6, 6]], ["boxes_xyxy", "float32", "list"]),
        (boxes((1, 1, 6, 6), (1, 1, np.nan, 6)), ["boxes_xyxy[1]", "finite", "x1=nan"]),
        (boxes((1, 1, np.inf, 6)), ["boxes_xyxy[0]", "finite", "x1=inf"]),
        (boxes((3, 1, 3, 6)), ["boxes_xyxy[0]", "area", "x0=3", "x1=3"]),
        (boxes((6, 1, 1, 6)), ["boxes_xyxy[0]", "area"]),
        (boxes((10, 1, 14, 6)), ["boxes_xyxy[0]", "overlaps", "10 x 8 pixels"]),
        (boxes((-9, -9, 0, 0)), ["boxes_xyxy[0]", "overlaps"]),
        (boxes((-1e9, -1e9, 1e9, 1e9)), ["boxes_xyxy[0]", "65536"]),
    ],
)
def test_boxes_that_are_refused(given: Any, words: list[str]) -> None:
    with pytest.raises(InvalidBoxError) as caught:
        preprocess(boxes=given)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"width": 0}, "width"),
        ({"height": 5000}, "height"),
        ({"margin": -0.1}, "margin"),
        ({"margin": float("nan")}, "margin"),
        ({"channel_order": "gbr"}, "channel_order"),
        ({"mean": (0.0, float("inf"), 0.0)}, "mean"),
        ({"scale": (0.0, float("nan"), 0.0)}, "scale"),
    ],
)
def test_specifications_that_are_refused(changes: dict[str, Any], word: str) -> None:
    with pytest.raises(InvalidArgumentError, match=word):
        preprocess(**changes)


def test_no_boxes_give_no_crops() -> None:
    crops = preprocess(boxes=boxes())
    assert crops.shape == (0, 3, 5, 4)
    assert crops.dtype == np.float32


def test_boxes_may_be_a_strided_view() -> None:
    wide = np.repeat(BOX, 2, axis=0)[::2]
    np.testing.assert_array_equal(preprocess(boxes=wide), preprocess())


def test_the_image_is_neither_changed_nor_copied_into_the_result() -> None:
    frame = np.arange(8 * 10 * 3, dtype=np.uint8).reshape(8, 10, 3)
    frame.flags.writeable = False
    crops = preprocess(frame)
    assert crops.flags.writeable
    assert not np.shares_memory(crops, frame)


def test_several_threads_get_what_one_gets() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    given = boxes((10, 10, 90, 110), (100, 50, 250, 190), (-5, -5, 20, 30))
    expected = preprocess(frame, given, width=32, height=32)
    differences: list[float] = []

    def work() -> None:
        for _ in range(30):
            got = preprocess(frame, given, width=32, height=32)
            differences.append(float(np.abs(got - expected).max()))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert differences == [0.0] * 120


LOGITS = np.zeros((2, 3, 5), np.float32)


@pytest.mark.parametrize(
    ("logits", "words"),
    [
        (LOGITS.astype(np.float64), ["logits", "float32", "float64"]),
        (LOGITS[0], ["logits", "(N, A, B)", "(3, 5)"]),
        (np.zeros((2, 3, 0), np.float32), ["logits", "B > 0"]),
        (np.full((1, 1, 2), np.nan, np.float32), ["logits", "NaN", "row 0"]),
    ],
)
def test_logits_that_are_refused(logits: Any, words: list[str]) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        _core.softmax_expectation(logits, 0.0, 1.0)
    for word in words:
        assert word in str(caught.value)


P = np.zeros((2, 3, 3), np.float32)
E = np.zeros((2, 3), np.float32)


@pytest.mark.parametrize(
    ("p", "eta", "delta", "words"),
    [
        ([], [], [], ["at least one stage"]),
        ([P], [E, E], [E], ["1, 2 and 1"]),
        ([P, P[:1]], [E, E], [E, E], ["p[1]", "(2, 3, s_k)", "(1, 3, 3)"]),
        ([P], [E[:1]], [E], ["eta[0]", "(2, 3)", "(1, 3)"]),
        ([P], [np.zeros((2, 3, 2), np.float32)], [E], ["eta[0]", "(2, 3, 3)", "(2, 3, 2)"]),
        ([P], [E], [E.astype(np.float64)], ["delta[0]", "float32", "float64"]),
        ([np.zeros((2, 3, 0), np.float32)], [E], [E], ["p[0]", "s_k > 0"]),
        ([P], [None], [E], ["eta[0]", "NoneType"]),
        ([np.full_like(P, np.nan)], [E], [E], ["finite", "row 0"]),
    ],
)
def test_stages_that_are_refused(p: Any, eta: Any, delta: Any, words: list[str]) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        _core.ssr_stages(p, eta, delta)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("function", ["spread_from_log", "scale_spread"])
@pytest.mark.parametrize(
    ("value", "scale", "words"),
    [
        (E.astype(np.float64), (1.0, 1.0, 1.0), ["{name}", "float32", "float64"]),
        (E[0], (1.0, 1.0, 1.0), ["{name}", "(N, A)", "(3,)"]),
        ([[0.0]], (1.0,), ["{name}", "float32", "list"]),
        (E, (1.0, 1.0), ["scale", "3 numbers", "got 2"]),
        (E, (), ["scale", "3 numbers", "got 0"]),
        (E, (1.0, 0.0, 1.0), ["scale[1]", "above 0", "0.000"]),
        (E, (1.0, 1.0, -2.0), ["scale[2]", "above 0", "-2.0"]),
        (E, (np.nan, 1.0, 1.0), ["scale[0]", "finite", "nan"]),
        (E, (1.0, np.inf, 1.0), ["scale[1]", "finite", "inf"]),
        (np.float32([[0, 0, 0], [0, np.nan, 0]]), (1.0, 1.0, 1.0), ["{name}", "finite", "nan in row 1, column 1"]),
        (np.float32([[0, 0, np.inf]]), (1.0, 1.0, 1.0), ["{name}", "finite", "inf in row 0, column 2"]),
    ],
)
def test_spreads_that_are_refused(function: str, value: Any, scale: Any, words: list[str]) -> None:
    name = {"spread_from_log": "log_std", "scale_spread": "spread_deg"}[function]
    with pytest.raises(InvalidArgumentError) as caught:
        getattr(_core, function)(value, scale)
    for word in words:
        assert word.format(name=name) in str(caught.value)


def test_a_spread_below_zero_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=r"spread_deg: expected .* 0 or more, got -0\.5"):
        _core.scale_spread(np.float32([[-0.5]]), [1.0])


@pytest.mark.parametrize(
    ("function", "value", "words"),
    [
        ("euler_to_rotation", np.zeros(3), ["euler_deg", "(N, 3)", "(3,)"]),
        ("euler_to_rotation", np.zeros((1, 3), np.int64), ["euler_deg", "float", "int64"]),
        ("euler_to_rotation", np.array([[0, np.nan, 0]]), ["euler_deg[0]", "finite"]),
        ("rotation_to_euler", np.zeros((1, 3, 3)), ["rotation[0]", "orthonormal"]),
        ("rotation_to_euler", np.stack([np.eye(3), -np.eye(3)]), ["rotation[1]", "reflection"]),
        ("rotation_to_quaternion_xyzw", np.zeros((1, 3)), ["rotation", "(N, 3, 3)"]),
        ("quaternion_xyzw_to_rotation", np.zeros((1, 4)), ["quaternion_xyzw[0]", "zero"]),
        ("rotvec_to_rotation", np.array([[np.inf, 0, 0]]), ["rotvec[0]", "finite"]),
        ("rep103_to_rotation", np.ones((1, 3, 3)), ["rotation_rep103[0]"]),
    ],
)
def test_rotations_that_are_refused(function: str, value: Any, words: list[str]) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        getattr(_core, function)(value)
    for word in words:
        assert word in str(caught.value)


def test_a_pitch_zero_that_is_not_finite_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="pitch_zero_deg"):
        _core.offset_pitch_zero(np.zeros((1, 3)), float("nan"))


def test_empty_batches_stay_empty() -> None:
    assert _core.spread_from_log(np.zeros((0, 3), np.float32), (1, 1, 1)).shape == (0, 3)
    assert _core.scale_spread(np.zeros((2, 0), np.float32), ()).shape == (2, 0)
    assert _core.euler_to_rotation(np.zeros((0, 3))).shape == (0, 3, 3)
    assert _core.rotation_to_euler(np.zeros((0, 3, 3), np.float32)).shape == (0, 3)


def test_every_error_is_one_of_the_library() -> None:
    assert issubclass(InvalidBoxError, HpeEdgeError)
    assert issubclass(InvalidBoxError, ValueError)
