"""``sensor_msgs`` images as the arrays that the library reads; an uncompressed one is a view of the message's bytes."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, cast

import numpy as np

from hpe_edge.errors import InvalidImageError
from hpe_edge.images import ImageArray, import_cv2


class Picture(NamedTuple):
    """An image and its ``pixel_format``."""

    image: ImageArray
    pixel_format: str


class _Layout(NamedTuple):
    pixel_format: str
    channels: int = 1
    bytes_each: int = 1  # of 16-bit values the high byte is taken, as cv_bridge scales them
    half_rows: int = 2  # rows of data for two rows of the image


ENCODINGS: Final[dict[str, _Layout]] = {
    "bgr8": _Layout("bgr8", 3),
    "8UC3": _Layout("bgr8", 3),
    "rgb8": _Layout("rgb8", 3),
    "mono8": _Layout("mono8"),
    "8UC1": _Layout("mono8"),
    "bgra8": _Layout("bgra8", 4),
    "8UC4": _Layout("bgra8", 4),
    "rgba8": _Layout("rgba8", 4),
    "mono16": _Layout("mono8", 1, 2),
    "bgr16": _Layout("bgr8", 3, 2),
    "rgb16": _Layout("rgb8", 3, 2),
    "yuyv": _Layout("yuyv", 2),
    "yuv422_yuy2": _Layout("yuyv", 2),
    "nv12": _Layout("nv12", 1, 1, 3),
}
"""``sensor_msgs/image_encodings`` that are read (and nv12, which drivers use and the header lacks)."""


def as_picture(message: Any) -> Picture:
    """The picture in a ``sensor_msgs/Image`` or ``CompressedImage``, of any library's message classes.

    Rows are ``step`` bytes apart; ``is_bigendian`` says which byte of a 16-bit value is the high one.

    Raises:
        InvalidImageError: unknown encoding, less data than size and step ask for, or a picture that cannot be decoded.
        MissingDependencyError: a CompressedImage, and OpenCV is not installed.
    """
    return _uncompressed(message) if hasattr(message, "encoding") else _compressed(message)


def _uncompressed(message: Any) -> Picture:
    layout = ENCODINGS.get(message.encoding)
    if layout is None:
        raise InvalidImageError(
            f"encoding: expected one of {', '.join(ENCODINGS)}, got {message.encoding!r}; "
            "let image_proc or the driver convert it"
        )
    width, height, step = int(message.width), int(message.height), int(message.step)
    row_bytes = width * layout.channels * layout.bytes_each
    rows = height * layout.half_rows // 2
    data = np.frombuffer(message.data, dtype=np.uint8)
    what = f"{message.encoding} image of {width} x {height} pixels"
    if row_bytes == 0 or rows == 0:
        raise InvalidImageError(f"image: expected one with pixels, got an {what}")
    if step < row_bytes:
        raise InvalidImageError(f"step: expected at least {row_bytes} bytes a row of an {what}, got {step}")
    needed = (rows - 1) * step + row_bytes
    if data.size < needed:
        raise InvalidImageError(
            f"data: expected at least {needed} bytes of an {what} with step {step}, got {data.size}"
        )
    high = 0 if message.is_bigendian else layout.bytes_each - 1
    shape = (rows, width) if layout.channels == 1 else (rows, width, layout.channels)
    strides = (step, layout.channels * layout.bytes_each, layout.bytes_each)[: len(shape)]
    image = np.lib.stride_tricks.as_strided(data[high:], shape, strides, writeable=False)
    return Picture(image, layout.pixel_format)


def _compressed(message: Any) -> Picture:
    cv2 = import_cv2("reading a CompressedImage")
    data = np.frombuffer(message.data, dtype=np.uint8)
    image = None if data.size == 0 else cv2.imdecode(data, cv2.IMREAD_COLOR)
    if image is None:
        raise InvalidImageError(
            f"CompressedImage: expected a JPEG or PNG, got {data.size} bytes of format {message.format!r} "
            "that OpenCV cannot read (a depth image, or damaged)"
        )
    return Picture(cast(ImageArray, image), "bgr8")
