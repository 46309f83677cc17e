"""Captures that do what a test says, in place of OpenCV's, and small videos."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hpe_edge.sources.capture import FPS, FRAME_COUNT, POS_MSEC

Step: TypeAlias = NDArray[np.uint8] | Callable[[], Any] | None


def picture(value: int = 0, size: tuple[int, int] = (64, 48)) -> NDArray[np.uint8]:
    """A grey BGR image of this width and height."""
    return np.full((size[1], size[0], 3), value % 256, dtype=np.uint8)


class FakeCapture:
    """Gives one step a read: an image, ``None`` for a read that fails, or what a function gives.

    After the last step all reads fail.
    """

    def __init__(
        self, steps: Sequence[Step] | Iterator[Step], *, opened: bool = True, fps: float = 25.0, frame_count: float = 0
    ) -> None:
        self.released = False
        self.stamps_ms: list[float] = []
        self.reads = 0
        self._steps = iter(steps)
        self._opened = opened
        self._properties = {FPS: fps, FRAME_COUNT: frame_count}

    def isOpened(self) -> bool:  # noqa: N802
        return self._opened and not self.released

    def read(self) -> tuple[bool, Any]:
        assert not self.released, "read after release"
        step = next(self._steps, None)
        image = step() if callable(step) else step
        self.reads += image is not None
        return image is not None, image

    def get(self, property_id: int, /) -> float:
        if property_id != POS_MSEC:
            return self._properties[property_id]
        fps = self._properties[FPS] or 25.0
        return self.stamps_ms[self.reads - 1] if self.stamps_ms else 1e3 * (self.reads - 1) / fps

    def release(self) -> None:
        self.released = True


class Opener:
    """Gives the captures one after the other, then closed ones; remembers them."""

    def __init__(self, *captures: FakeCapture) -> None:
        self.opened: list[FakeCapture] = []
        self._captures = iter(captures)

    def __call__(self, target: str | int) -> FakeCapture:
        capture = next(self._captures, None) or FakeCapture([], opened=False)
        self.opened.append(capture)
        return capture


def threads() -> list[str]:
    """Names of the library's threads."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("hpe-edge")]


def write_video(path: Path, count: int = 30, size: tuple[int, int] = (64, 48), fps: float = 25.0) -> Path:
    """A video with a square that moves to the right; the ending of the name chooses container and codec."""
    import cv2

    code = "MJPG" if path.suffix == ".avi" else "mp4v"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), fps, size)
    assert writer.isOpened()
    for index in range(count):
        image = picture(60, size)
        left = index % max(1, size[0] - 8)
        image[8:16, left : left + 8] = (0, 200, 255)
        writer.write(image)
    writer.release()
    return path


def cut(path: Path, part: float = 0.5) -> Path:
    """The beginning of a file, as a recording that was cut off leaves it."""
    data = path.read_bytes()
    short = path.with_name(f"cut_{path.name}")
    short.write_bytes(data[: int(len(data) * part)])
    return short
