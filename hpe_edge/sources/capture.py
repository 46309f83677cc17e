"""Captures: OpenCV's VideoCapture, and what may stand in for it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias, cast
from urllib.parse import urlsplit

from hpe_edge.images import import_cv2

# OpenCV's numbers, so that a capture that is none of OpenCV's needs no OpenCV.
POS_MSEC: Final = 0
FPS: Final = 5
FRAME_COUNT: Final = 7

TIMEOUT_MS: Final = 10_000
"""How long opening and reading a network stream may take."""


class Capture(Protocol):
    """The part of ``cv2.VideoCapture`` that sources use. Each image that it gives is a new array."""

    def isOpened(self) -> bool: ...  # noqa: N802
    def read(self) -> tuple[bool, Any]: ...
    def get(self, property_id: int, /) -> float: ...
    def release(self) -> None: ...


OpenCapture: TypeAlias = Callable[[str | int], Capture]


def open_capture(target: str | int) -> Capture:
    """Open a file, an address or a camera with OpenCV; the capture says whether it is open.

    Raises:
        MissingDependencyError: OpenCV is not installed (``pip install 'hpe-edge[video]'``).
    """
    cv2 = import_cv2("reading a video or a camera")
    if isinstance(target, str) and is_url(target) and cv2.CAP_FFMPEG in cv2.videoio_registry.getStreamBackends():
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, TIMEOUT_MS]
        return cast(Capture, cv2.VideoCapture(target, cv2.CAP_FFMPEG, limits))
    return cast(Capture, cv2.VideoCapture(target))


def is_url(text: str) -> bool:
    """Whether a text is an address such as rtsp://host/path.

    >>> is_url("rtsp://10.0.0.7/door"), is_url("clip.mp4")
    (True, False)
    """
    return "://" in text


def public_name(target: str | int) -> str:
    """How messages and logs call a target: an address without its user name and password.

    >>> public_name("rtsp://admin:secret@10.0.0.7:554/door"), public_name(0)
    ('rtsp://10.0.0.7:554/door', 'camera 0')
    """
    if isinstance(target, int):
        return f"camera {target}"
    if not is_url(target):
        return target
    parts = urlsplit(target)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def describe_file(path: Path) -> str:
    """What a file that is no readable video may be, for messages."""
    with path.open("rb") as file:
        head = file.read(64)
    size = path.stat().st_size
    if not head:
        return "an empty file"
    if all(byte in b"\t\n\r\f" or 32 <= byte < 127 for byte in head):
        return (
            f"a text file that begins with {head[:24].decode('ascii')!r}; the name of a file does not make it a video"
        )
    if head[4:8] == b"ftyp":
        return (
            f"an MP4 of {size} bytes whose index is missing or damaged, as when a recording is cut off; "
            "a repair tool may save it, and .mkv and .avi survive being cut off"
        )
    return (
        f"{size} bytes beginning with {head[:8].hex(' ')}: damaged, or of a kind that this OpenCV cannot decode; "
        "convert it to MP4 with ffmpeg"
    )


def describe_cameras() -> str:
    """Which cameras there are, as far as the system tells.

    On Linux the numbers of ``/dev/video*``; elsewhere nothing can be said without opening each of them.
    """
    if not sys.platform.startswith("linux"):
        return "check that it is plugged in and that no other program uses it"
    devices = sorted(str(path) for path in Path("/dev").glob("video*"))
    if not devices:
        return "this machine has no /dev/video*: plug the camera in, or give the container its device"
    return f"devices here: {', '.join(devices)}; check that no other program uses it and that you may read it"
