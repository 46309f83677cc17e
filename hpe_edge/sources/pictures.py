"""Frames from images: files in a folder, or arrays of a program."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, cast, get_args

import numpy as np

from hpe_edge.errors import InvalidArgumentError, InvalidImageError, SourceError
from hpe_edge.images import ImageArray, check_image, read_image
from hpe_edge.sources.base import USUAL_FPS, Frame, OnEvent, SourceBase

IMAGE_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})


class ImageFiles(SourceBase):
    """Image files, one frame each.

    Args:
        name: how messages call them.
        paths: the files, at least one; the first is read at once.
        fps: frames a second, from which their times follow.
        on_event: called with each event.

    Raises:
        SourceError: a file is no image (also while iterating).
    """

    def __init__(
        self, name: str, paths: Sequence[Path], fps: float = USUAL_FPS, on_event: OnEvent | None = None
    ) -> None:
        super().__init__(name, on_event)
        self.fps, self.frame_count = fps, len(paths)
        self._paths = iter(paths)
        self._count = 0
        self._closed = False
        self._first = self._read()

    def __iter__(self) -> Iterator[Frame]:
        frame, self._first = self._first or self._read(), None
        while frame is not None:
            yield frame
            frame = self._read()

    def close(self) -> None:
        """No file is read any more."""
        self._closed = True

    def _read(self) -> Frame | None:
        path = None if self._closed else next(self._paths, None)
        if path is None:
            return None
        try:
            image = read_image(path)
        except InvalidImageError as error:
            raise SourceError(str(error)) from error
        self._count += 1
        return self._frame(image, (self._count - 1) / self.fps, self._count - 1)


def open_folder(folder: Path, fps: float = USUAL_FPS, on_event: OnEvent | None = None) -> ImageFiles:
    """The images of a folder, numbers in their names by value (2 before 10).

    Raises:
        SourceError: the folder has no image, or cannot be read.
    """
    try:
        paths = [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES]
    except OSError as error:
        raise SourceError(f"cannot read the folder {folder}: {error.strerror or error}") from error
    if not paths:
        raise SourceError(f"{folder}: expected a folder of images ({', '.join(sorted(IMAGE_SUFFIXES))}), found none")
    return ImageFiles(str(folder), sorted(paths, key=_natural), fps, on_event)


def _natural(path: Path) -> list[tuple[int, str]]:
    """``frame_10`` as words and numbers that sort by value."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"([0-9]+)", path.name)]


ReadableFormat: TypeAlias = Literal["bgr8", "rgb8", "mono8"]


def check_readable(pixel_format: str) -> ReadableFormat:
    """The pixel format, when frames, which are bgr8, are made of its images.

    Raises:
        InvalidArgumentError: it is none of bgr8, rgb8 and mono8.
    """
    if pixel_format not in get_args(ReadableFormat):
        raise InvalidArgumentError(
            f"pixel_format: expected one of {get_args(ReadableFormat)}, of which bgr8 frames are made, got "
            f"{pixel_format!r}; HeadPose.estimate and Tracker.update read images of other formats as they are"
        )
    return cast(ReadableFormat, pixel_format)


class FrameIterable(SourceBase):
    """The images or :class:`Frame` objects that an iterable gives.

    Frames keep their time; the n-th image comes at ``n / fps`` seconds.

    Args:
        items: images as ``pixel_format`` says, or frames; a generator is closed with the source.
        pixel_format: ``"bgr8"``, ``"rgb8"`` or ``"mono8"``, of the images; frames are bgr8.
        fps: frames a second of the images.
        on_event: called with each event.

    Raises:
        InvalidArgumentError: another pixel format.
        InvalidImageError: an item is neither (while iterating); the message has its number.
    """

    def __init__(
        self,
        items: Iterable[Any],
        pixel_format: str = "bgr8",
        fps: float = USUAL_FPS,
        on_event: OnEvent | None = None,
    ) -> None:
        super().__init__(type(items).__name__, on_event)
        self.fps = fps
        self.frame_count = len(items) if isinstance(items, Sequence | np.ndarray) else None
        self._items = iter(items)
        self._pixel_format = check_readable(pixel_format)
        self._lock = threading.Lock()
        self._closed = False

    def __iter__(self) -> Iterator[Frame]:
        count, last_s = 0, -math.inf
        while (item := self._take()) is not None:
            frame = self._as_frame(item[0], count)
            if not frame.time_s > last_s:
                raise SourceError(
                    f"frames[{count}].time_s: expected more than that of the frame before, {last_s}, got {frame.time_s}"
                )
            count, last_s = count + 1, frame.time_s
            yield frame

    def close(self) -> None:
        """Close the generator, if it is one; waits for the image that it is making."""
        with self._lock:
            self._closed = True
            close = getattr(self._items, "close", None)
            if close is not None:
                close()

    def _take(self) -> tuple[Any] | None:
        with self._lock:
            if self._closed:
                return None
            try:
                return (next(self._items),)
            except StopIteration:
                return None

    def _as_frame(self, item: Any, index: int) -> Frame:
        if isinstance(item, Frame):
            image = check_image(item.image, "bgr8", f"frames[{index}].image")
            return self._frame(image, item.time_s, item.index)
        image = check_image(item, self._pixel_format, f"images[{index}]")
        return self._frame(_as_bgr(image, self._pixel_format), index / self.fps, index)


def _as_bgr(image: ImageArray, pixel_format: str) -> ImageArray:
    if pixel_format == "rgb8":
        return np.ascontiguousarray(image[..., ::-1])
    if pixel_format == "mono8":
        return np.repeat(image[..., None], 3, axis=2)
    return image
