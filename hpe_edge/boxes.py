"""The caller's boxes: checked for their form, and named in errors as the caller names them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpe_edge.errors import InvalidBoxError
from hpe_edge.images import AnyImage, describe

_Result = TypeVar("_Result")

_NUMBERS: Final = "biufO"  # kinds of dtype; NumPy would also read text, and drop what is imaginary


def as_boxes(value: ArrayLike, argument: str) -> NDArray[np.float32]:
    """The boxes as C-contiguous float32 (N, 4); the core checks finiteness, area and place."""
    try:
        given = np.asarray(value)
        if given.dtype.kind not in _NUMBERS:
            raise TypeError(f"{given.dtype} is no real number")
        boxes = np.ascontiguousarray(given, dtype=np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidBoxError(f"{argument}: expected numbers of shape (N, 4), got {describe(value)}") from error
    if given.shape == (0,):
        return np.zeros((0, 4), dtype=np.float32)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        hint = "; for a single box pass [box]" if boxes.shape == (4,) else ""
        raise InvalidBoxError(f"{argument}: expected shape (N, 4), x0 y0 x1 y1 in pixels, got {given.shape}{hint}")
    return boxes


def on_boxes(
    call: Callable[[AnyImage, NDArray[np.float32], str], _Result],
    image: AnyImage,
    boxes_xyxy: NDArray[np.float32],
    pixel_format: str,
    argument: str,
) -> _Result:
    """Make the call; errors name the boxes as the caller knows them, ``boxes`` or ``boxes[3]`` of a batch."""
    try:
        return call(image, boxes_xyxy, pixel_format)
    except InvalidBoxError as error:
        raise InvalidBoxError(str(error).replace("boxes_xyxy", argument)) from error
