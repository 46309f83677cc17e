"""The sink that writes an annotated video."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np

from hpe_edge.errors import InvalidArgumentError
from hpe_edge.images import ImageArray, import_cv2
from hpe_edge.results import HeadPoses
from hpe_edge.sources import Frame
from hpe_edge.sources.base import USUAL_FPS
from hpe_edge.video.rows import check_target

Draw: TypeAlias = Callable[[ImageArray, HeadPoses], ImageArray]

LONGEST_GAP_S: Final = 10.0
"""A longer gap between two frames is shortened to this, so that a jump of the clock does not fill the disk."""


class Mp4Sink:
    """Draws each frame and writes it into an MP4 (MPEG-4 part 2), under another name until it is whole.

    The file has a constant frame rate and the source's time: where a live source dropped frames the one before is
    shown longer. It has the size of the first frame, made even; later frames of other sizes are fitted into it.

    Args:
        path: ends in .mp4. Written as ``name.part.mp4`` beside it, renamed by :meth:`close`, also after Ctrl-C.
        draw: image and poses to image, e.g. ``hpe_edge.draw_axes``.
        fps: of the file; NaN for 30.
        overwrite: whether the file may be there already.

    Raises:
        InvalidArgumentError: it is there, or cannot be written.
        MissingDependencyError: OpenCV is not installed (``pip install 'hpe-edge[video]'``).
    """

    def __init__(self, path: str | Path, draw: Draw, fps: float = math.nan, *, overwrite: bool = False) -> None:
        self._cv2 = import_cv2("writing a video")
        self._path = Path(path)
        if self._path.suffix.lower() != ".mp4":
            raise InvalidArgumentError(f"cannot write {path}: expected a name ending in .mp4")
        check_target(self._path, overwrite)
        self._part = self._path.with_suffix(".part.mp4")
        self._draw = draw
        self._fps = USUAL_FPS if math.isnan(fps) else fps
        self._writer: Any = None
        self._size = (0, 0)
        self._written = 0
        self._start_s = self._last_s = 0.0

    def write(self, frame: Frame, poses: HeadPoses) -> None:
        """Draw and write it, as often as its time says."""
        image = self._draw(frame.image, poses)
        if self._writer is None:
            self._open(image, frame.time_s)
        gap_s = frame.time_s - self._last_s - LONGEST_GAP_S
        self._start_s += max(gap_s, 0.0)
        self._last_s = frame.time_s
        due = round((frame.time_s - self._start_s) * self._fps) + 1
        if due > self._written:
            fitted = fit(image, self._size)
            for _ in range(due - self._written):
                self._writer.write(fitted)
            self._written = due

    def close(self) -> None:
        """Finish the file and give it its name; without a frame there is none.

        Raises:
            InvalidArgumentError: what lies on the disk is not whole, as when the disk is full.
        """
        if self._writer is None:
            return
        self._writer.release()
        self._writer = None
        self._check_whole()
        try:
            self._part.replace(self._path)
        except OSError as error:
            raise InvalidArgumentError(f"cannot rename {self._part} to {self._path.name}: {error.strerror}") from error

    def _open(self, image: ImageArray, time_s: float) -> None:
        height, width = image.shape[:2]
        self._size = width + width % 2, height + height % 2  # OpenCV cuts odd sizes down
        self._start_s = self._last_s = time_s
        writer = self._cv2.VideoWriter(str(self._part), self._cv2.VideoWriter.fourcc(*"mp4v"), self._fps, self._size)
        if not writer.isOpened():
            self._part.unlink(missing_ok=True)
            raise InvalidArgumentError(
                f"cannot write {self._path}: OpenCV could not begin an MP4 of {self._size[0]}x{self._size[1]} pixels "
                f"at {self._fps:g} frames/s; MPEG-4 goes up to 8191 on a side, and the folder must be writable"
            )
        self._writer = writer

    def _check_whole(self) -> None:
        """OpenCV's writer does not tell when a disk is full; the file does."""
        video = self._cv2.VideoCapture(str(self._part))
        count = int(video.get(self._cv2.CAP_PROP_FRAME_COUNT)) if video.isOpened() else 0
        video.release()
        if count != self._written:
            raise InvalidArgumentError(
                f"cannot write {self._path}: wrote {self._written} frames, the file has {count}; is the disk full? "
                f"What there is lies in {self._part}"
            )


def fit(image: ImageArray, size: tuple[int, int]) -> ImageArray:
    """The image in a canvas of this width and height: shrunk or grown, its shape kept, black around it.

    An image that lacks one pixel of an even canvas is not resized.

    >>> fit(np.full((21, 33, 3), 9, np.uint8), (34, 22)).shape
    (22, 34, 3)
    """
    cv2 = import_cv2("writing a video")
    width, height = size
    if image.shape[:2] == (height, width):
        return image
    rows, columns = image.shape[:2]
    if not (0 <= width - columns <= 1 and 0 <= height - rows <= 1):
        scale = min(width / columns, height / rows)
        columns, rows = max(1, int(columns * scale)), max(1, int(rows * scale))
        image = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA)
    canvas = np.zeros((height, width, 3), dtype=np.uint8)
    top, left = (height - rows) // 2, (width - columns) // 2
    canvas[top : top + rows, left : left + columns] = image
    return canvas
