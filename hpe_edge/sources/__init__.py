"""Where frames come from: video files, folders of images, cameras, streams, and a program's own images."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from hpe_edge.errors import InvalidArgumentError, SourceError
from hpe_edge.images import describe
from hpe_edge.sources.base import USUAL_FPS, Frame, OnEvent, Source, SourceEvent
from hpe_edge.sources.capture import OpenCapture, is_url, open_capture
from hpe_edge.sources.live import LiveSource
from hpe_edge.sources.pictures import IMAGE_SUFFIXES, FrameIterable, ImageFiles, check_readable, open_folder
from hpe_edge.sources.reader import RetryPolicy
from hpe_edge.sources.stream import Stream
from hpe_edge.sources.video_file import open_video_address, open_video_file

__all__ = [
    "AnySource",
    "Frame",
    "RetryPolicy",
    "Source",
    "SourceEvent",
    "Stream",
    "open_source",
]

AnySource: TypeAlias = str | os.PathLike[str] | int | Iterable[Any] | Source


def open_source(
    source: AnySource,
    *,
    fps: float = USUAL_FPS,
    pixel_format: str = "bgr8",
    policy: RetryPolicy | None = None,
    on_event: OnEvent | None = None,
    open_capture: OpenCapture = open_capture,
) -> Source:
    """Open whatever gives frames.

    Args:
        source: path of a video or image, or of a folder of images; number of a camera, or path of its device;
            ``rtsp://``, ``http://`` or another address that OpenCV reads; an iterable of images or of
            :class:`Frame`; or a source, which is given back. An http address with a known number of frames is a
            video, of which no frame is dropped; any other address is live.
        fps: frames a second of images in a folder or an iterable, which carry no time.
        pixel_format: of the images of an iterable, ``"bgr8"``, ``"rgb8"`` or ``"mono8"``; frames are always bgr8.
        policy: how long a live source waits for what.
        on_event: called with each :class:`SourceEvent`; for a live source also from its reader's thread.
        open_capture: opens files, cameras and addresses; OpenCV by default.

    Raises:
        SourceError: it is not there, or not what its name says; the message says what it is instead.
        InvalidArgumentError: it is nothing that could be a source, or an option makes no sense.
        MissingDependencyError: OpenCV is not installed (``pip install 'hpe-edge[video]'``).

    >>> import numpy as np
    >>> with open_source([np.zeros((48, 64, 3), np.uint8)] * 3, fps=10) as frames:
    ...     print([frame.time_s for frame in frames], frames.size)
    [0.0, 0.1, 0.2] (64, 48)
    """
    check_readable(pixel_format)
    if not (isinstance(fps, int | float) and 0 < fps < math.inf):
        raise InvalidArgumentError(f"fps: expected frames a second above 0, got {fps!r}")
    if isinstance(source, Source):
        return source
    if isinstance(source, int) and not isinstance(source, bool):
        return _open_camera(source, open_capture, policy, on_event)
    if isinstance(source, str) and is_url(source):
        return _open_address(source, open_capture, policy, on_event)
    if isinstance(source, str | os.PathLike):
        return _open_path(Path(source), fps, open_capture, policy, on_event)
    if isinstance(source, Iterable) and not isinstance(source, bytes | dict):
        _check_several(source, pixel_format)
        return FrameIterable(source, pixel_format, fps, on_event)
    raise InvalidArgumentError(
        "source: expected a path, a camera's number, an address, an iterable of images or a Source, "
        f"got {describe(source)}"
    )


def _open_camera(
    number: int, open_capture: OpenCapture, policy: RetryPolicy | None, on_event: OnEvent | None
) -> Source:
    if number < 0:
        raise SourceError(f"source: expected a camera's number from 0 up, got {number}")
    return LiveSource(number, open_capture, policy, on_event)


def _open_address(url: str, open_capture: OpenCapture, policy: RetryPolicy | None, on_event: OnEvent | None) -> Source:
    if url.lower().startswith("http"):
        video = open_video_address(url, open_capture, on_event)
        if video is not None:
            return video
    return LiveSource(url, open_capture, policy, on_event)


def _open_path(
    path: Path, fps: float, open_capture: OpenCapture, policy: RetryPolicy | None, on_event: OnEvent | None
) -> Source:
    if path.is_char_device():
        return LiveSource(str(path), open_capture, policy, on_event)
    if path.is_dir():
        return open_folder(path, fps, on_event)
    if path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES:
        return ImageFiles(str(path), [path], fps, on_event)
    return open_video_file(path, open_capture, on_event)


def _check_several(source: Iterable[Any], pixel_format: str) -> None:
    """One image is an iterable too: of its rows."""
    if isinstance(source, np.ndarray) and source.ndim != (3 if pixel_format == "mono8" else 4):
        raise InvalidArgumentError(
            f"source: expected several images, got {describe(source)}; for one image pass [image], "
            "or call estimate(image)"
        )
