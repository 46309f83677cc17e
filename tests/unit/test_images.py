"""Images: what is accepted, what is refused, and that refusals say what to do."""

from __future__ import annotations

import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpe_edge.errors import InvalidArgumentError, InvalidImageError, MissingDependencyError
from hpe_edge.images import check_image, decode_image, image_shape, read_image, write_image

Y, UV = np.zeros((8, 10), np.uint8), np.zeros((4, 5, 2), np.uint8)


def test_a_strided_view_is_not_copied() -> None:
    frame = np.zeros((40, 60, 3), np.uint8)
    view = frame[5:35:2, 10:50]
    assert np.shares_memory(check_image(view), frame)


def test_reversed_channels_are_copied_so_that_pixels_are_contiguous() -> None:
    frame = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    checked = check_image(frame[..., ::-1])
    assert checked.strides[2] == 1
    np.testing.assert_array_equal(checked, frame[..., ::-1])


@pytest.mark.parametrize(
    ("image", "pixel_format"),
    [
        (np.zeros((8, 10, 3), np.uint8), "rgb8"),
        (np.zeros((8, 10), np.uint8), "mono8"),
        (np.zeros((8, 10, 4), np.uint8), "rgba8"),
        (np.zeros((8, 10, 2), np.uint8), "yuyv"),
        (np.zeros((12, 10), np.uint8), "nv12"),
        (np.zeros((12, 16), np.uint8)[:, :10], "nv12"),
        ((Y, UV), "nv12"),
        ((Y[::-1, ::-1], UV[::-1, ::-1]), "nv12"),
        ((Y, UV.reshape(4, 10)), "nv12"),
    ],
)
def test_every_format_is_taken_as_it_is(image: Any, pixel_format: str) -> None:
    checked = check_image(image, pixel_format)
    assert image_shape(checked, pixel_format) == (8, 10)
    for plane, given in zip(*((x if isinstance(x, tuple) else (x,)) for x in (checked, image)), strict=True):
        assert np.shares_memory(plane, given)


def test_u_and_v_that_do_not_lie_side_by_side_are_copied() -> None:
    u_and_v = np.arange(40, dtype=np.uint8).reshape(2, 4, 5)
    y, uv = check_image((Y, u_and_v.transpose(1, 2, 0)), "nv12")
    assert y is Y and uv.strides[-1] == 1
    np.testing.assert_array_equal(uv, u_and_v.transpose(1, 2, 0))


@pytest.mark.parametrize(
    ("image", "pixel_format", "words"),
    [
        (None, "bgr8", ["image", "(H, W, 3)", "NoneType", "cv2.imread"]),
        ("photo.jpg", "bgr8", ["str", "read_image"]),
        ([[1, 2], [3, 4]], "bgr8", ["list"]),
        (np.zeros((4, 4, 3), np.float32), "bgr8", ["uint8", "float32", "255"]),
        (np.zeros((4, 4, 3), np.int16), "bgr8", ["uint8", "int16"]),
        (np.zeros((4, 4), np.uint8), "bgr8", ["(4, 4)", "mono8"]),
        (np.zeros((4, 4, 3), np.uint8), "mono8", ["(H, W)", "(4, 4, 3)"]),
        (np.zeros((4, 4, 4), np.uint8), "rgb8", ["(4, 4, 4)", "alpha", "rgba8"]),
        (np.zeros((4, 4, 3), np.uint8), "bgra8", ["(H, W, 4)", "(4, 4, 3)", "bgr8"]),
        (np.zeros((4, 4, 3), np.uint8), "yuyv", ["(H, W, 2)", "(4, 4, 3)", "bgr8"]),
        (np.zeros((4, 5, 2), np.uint8), "yuyv", ["even width", "(4, 5, 2)"]),
        (np.zeros((4, 4, 3), np.uint8), "nv12", ["(H * 3 / 2, W)", "pair (y, uv)", "(4, 4, 3)", "bgr8"]),
        (np.zeros((4, 4), np.uint8), "nv12", ["(H * 3 / 2, W)", "(4, 4)"]),
        (np.zeros((6, 5), np.uint8), "nv12", ["even H and W", "(6, 5)"]),
        (np.zeros((6, 4), np.int8), "nv12", ["uint8", "int8"]),
        (np.zeros((0, 4), np.uint8), "nv12", ["no pixels"]),
        ((Y, UV, UV), "nv12", ["(y, uv)", "tuple of 3"]),
        ((Y[:, :7], UV), "nv12", ["image[0]", "even", "(8, 7)"]),
        ((Y, UV[1:]), "nv12", ["image[1]", "(4, 10)", "(4, 5, 2)", "(3, 5, 2)"]),
        ((Y, Y), "nv12", ["image[1]", "(4, 10)", "(8, 10)"]),
        ((Y, UV.astype(np.uint16)), "nv12", ["image[1]", "uint8", "uint16"]),
        ((Y, UV), "bgr8", ["(H, W, 3)", "tuple"]),
        (np.zeros((3, 48, 64), np.uint8), "bgr8", ["(3, 48, 64)", "channels come last"]),
        (np.zeros((2, 4, 4, 3), np.uint8), "bgr8", ["(2, 4, 4, 3)", "estimate_batch"]),
        (np.zeros((0, 4, 3), np.uint8), "bgr8", ["(0, 4, 3)", "no pixels"]),
    ],
)
def test_wrong_images_are_refused_by_name_with_expected_and_got(
    image: Any, pixel_format: str, words: list[str]
) -> None:
    with pytest.raises(InvalidImageError) as caught:
        check_image(image, pixel_format)
    for word in ["image", "expected", "got", *words]:
        assert word in str(caught.value)


def test_an_unknown_pixel_format_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=r"pixel_format: expected one of .*'bgr8'.*got 'bgr16'"):
        check_image(np.zeros((4, 4, 3), np.uint8), "bgr16")


def test_round_trip_through_a_file(tmp_path: Path) -> None:
    image = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
    write_image(tmp_path / "a.png", image)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), image)


def test_a_text_file_called_jpg_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_text("<html>404 not found</html>")
    with pytest.raises(InvalidImageError, match=r"photo\.jpg: expected an image .* text file .*'<html>404"):
        read_image(path)


def test_other_files_that_are_no_images_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "noise.png").write_bytes(bytes(range(128, 256)))
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 16)
    for name, words in {"empty": "empty file", "noise": "another kind", "cut": "damaged"}.items():
        with pytest.raises(InvalidImageError, match=words):
            read_image(tmp_path / f"{name}.png")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidImageError, match=r"none\.png: No such file"):
        read_image(tmp_path / "none.png")


@pytest.mark.parametrize("name", ["out.txt", "out", "no/such/folder/out.png"])
def test_unwritable_targets_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidArgumentError, match="cannot write"):
        write_image(tmp_path / name, np.zeros((4, 4, 3), np.uint8))


def test_without_opencv_the_message_names_the_pip_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'hpe-edge\[video\]'"):
        read_image(tmp_path / "a.png")


def test_more_pixels_than_opencv_takes_are_refused() -> None:
    """A PNG whose header says 60000 x 60000; OpenCV raises an error of its own for it."""
    size = (60_000).to_bytes(4, "big") * 2
    header = b"IHDR" + size + b"\x08\x02\x00\x00\x00"
    data = b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + header + zlib.crc32(header).to_bytes(4, "big")
    with pytest.raises(InvalidImageError, match=r"huge: .*a damaged or truncated image"):
        decode_image(data, "huge")
