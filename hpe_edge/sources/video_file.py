"""Frames of a video file, or of a finite video behind an address."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hpe_edge.errors import SourceError
from hpe_edge.images import ImageArray
from hpe_edge.sources.base import USUAL_FPS, Frame, OnEvent, SourceBase, known_fps
from hpe_edge.sources.capture import FPS, FRAME_COUNT, POS_MSEC, Capture, OpenCapture, describe_file, public_name

# Containers without a count of frames give one from their duration, which may be off by some.
_FRAMES_MAY_MISS: Final = 3
_PART_MAY_MISS: Final = 0.02


class VideoFile(SourceBase):
    """A video, frame by frame, none left out.

    A file that ends before its own length gives the frames that can be read, then the event ``"truncated"``.

    Args:
        name: how messages call it.
        capture: an open capture; its first frame is read at once.
        on_event: called with each event.

    Raises:
        SourceError: not one frame can be read.
    """

    def __init__(self, name: str, capture: Capture, on_event: OnEvent | None = None) -> None:
        super().__init__(name, on_event)
        self._capture = capture
        self._lock = threading.Lock()
        self._closed = False
        self._count = 0
        self._time_s = 0.0
        self._longest_s = 0.0  # between two frames
        self.fps = known_fps(capture.get(FPS))
        frame_count = capture.get(FRAME_COUNT)
        self.frame_count = int(frame_count) if 0 < frame_count < 1e9 else None
        self._start_s = 0.0
        self._first = self._read()
        if self._first is None:
            self.close()
            raise SourceError(f"{name}: expected a video, got one without a frame that can be read; it may be cut off")

    def __iter__(self) -> Iterator[Frame]:
        frame, self._first = self._first or self._read(), None
        while frame is not None:
            yield frame
            frame = self._read()
        if not self._closed:
            self._check_whole()
            self.close()

    def close(self) -> None:
        """Release the file; waits for the frame that is being read."""
        with self._lock:
            self._closed = True
            self._capture.release()

    def _read(self) -> Frame | None:
        with self._lock:
            if self._closed:
                return None
            done, image = self._capture.read()
            if not done or image is None:
                return None
            stamp_s = self._capture.get(POS_MSEC) / 1000.0
        return self._stamped(image, stamp_s)

    def _stamped(self, image: ImageArray, stamp_s: float) -> Frame:
        """The frame at its time; stamps that do not rise are replaced by the next frame's time by fps."""
        if self._count == 0:
            self._start_s = stamp_s
        else:
            time_s = stamp_s - self._start_s
            step_s = time_s - self._time_s if time_s > self._time_s else 1.0 / self._rate
            self._longest_s = max(self._longest_s, step_s)
            self._time_s += step_s
        self._count += 1
        return self._frame(image, self._time_s, self._count - 1)

    @property
    def _rate(self) -> float:
        return USUAL_FPS if math.isnan(self.fps) else self.fps

    def _check_whole(self) -> None:
        """Both the frames and the seconds must be missing: of a variable frame rate either may mislead."""
        if self.frame_count is None:
            return
        whole_s = self.frame_count / self._rate
        got_s = self._time_s + max(self._longest_s, 1.0 / self._rate)
        may_miss = max(_FRAMES_MAY_MISS, _PART_MAY_MISS * self.frame_count)
        if self.frame_count - self._count > may_miss and (whole_s - got_s) * self._rate > may_miss:
            self._log.add(
                "truncated",
                f"{self.name}: cut off or damaged: expected about {self.frame_count} frames ({whole_s:.1f} s), "
                f"could read {self._count} ({got_s:.1f} s)",
                self._count,
            )


def open_video_file(path: Path, open_capture: OpenCapture, on_event: OnEvent | None = None) -> VideoFile:
    """Open a video file.

    Raises:
        SourceError: no such file, or none that OpenCV can read; the message says what it is instead.
    """
    if not path.exists():
        raise SourceError(f"{path}: expected a video, a folder of images or a camera's number, found no such file")
    if not path.is_file():
        raise SourceError(f"{path}: expected a video file, a folder of images or a camera, got none of them")
    capture = open_capture(str(path))
    if not capture.isOpened():
        capture.release()
        try:
            described = describe_file(path)
        except OSError as error:
            raise SourceError(f"cannot read {path}: {error.strerror or error}") from error
        raise SourceError(f"{path}: expected a video that OpenCV can read, got {described}")
    return VideoFile(str(path), capture, on_event)


def open_video_address(url: str, open_capture: OpenCapture, on_event: OnEvent | None = None) -> VideoFile | None:
    """Open the finite video behind an http(s) address; ``None`` when the address is a live stream.

    Raises:
        SourceError: it cannot be reached, or gives no video.
    """
    capture = open_capture(url)
    if not capture.isOpened():
        capture.release()
        raise SourceError(unreachable(url))
    if 0 < capture.get(FRAME_COUNT) < 1e9:
        return VideoFile(public_name(url), capture, on_event)
    capture.release()
    return None


def unreachable(url: str) -> str:
    """The message for an address that gives no video."""
    return (
        f"{public_name(url)}: expected a video stream, could not open it: check the address, the user name and "
        "password, and that this machine reaches the host"
    )
