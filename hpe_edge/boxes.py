"""The caller's boxes: checked for their form, and named in errors as the caller names them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpe_edge.errors import InvalidBoxError
from hpe_edge.images import describe

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


@contextmanager
def naming_boxes(argument: str) -> Iterator[None]:
    """The core names its own argument; the caller knows it as boxes, or as boxes[3] of a batch."""
    try:
        yield
    except InvalidBoxError as error:
        raise InvalidBoxError(str(error).replace("boxes_xyxy", argument)) from error
