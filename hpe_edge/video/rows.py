"""Sinks of rows: one a face, readable while the loop still runs."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TextIO

from hpe_edge.errors import InvalidArgumentError
from hpe_edge.results import HeadPoses, Pose
from hpe_edge.sources import Frame

STDOUT: Final = "-"
COLUMNS: Final = (
    *("frame", "time_s", "id", "yaw_deg", "pitch_deg", "roll_deg", "yaw_std_deg", "pitch_std_deg", "roll_std_deg"),
    *("qx", "qy", "qz", "qw", "x0", "y0", "x1", "y1", "score", "x_m", "y_m", "z_m"),
)
"""Columns of the CSV; a cell is empty where the pose has no such number."""


def check_target(path: Path, overwrite: bool) -> None:
    """Refuse a file that is there already, and a folder that is not.

    Raises:
        InvalidArgumentError: either.
    """
    if path.exists() and not overwrite:
        raise InvalidArgumentError(f"cannot write {path}: it exists; choose another name, or say overwrite")
    if path.is_dir() or not path.parent.is_dir():
        raise InvalidArgumentError(f"cannot write {path}: expected the name of a file in a folder that exists")


class _TextSink:
    """Text that is whole lines at any moment: each frame's rows are written at once and flushed."""

    def __init__(self, target: str | Path, overwrite: bool) -> None:
        self._name = str(target)
        self._file: TextIO = sys.stdout if self._name == STDOUT else _create(Path(target), overwrite)

    def _put(self, text: str) -> None:
        with _naming(self._name):
            self._file.write(text)
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not sys.stdout:
            with _naming(self._name):
                self._file.close()


@contextmanager
def _naming(target: str) -> Iterator[None]:
    """The system's errors under the target's name; that the reader of a pipe has gone is no such error."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise InvalidArgumentError(f"cannot write {target}: {error.strerror or error}") from error


def _create(path: Path, overwrite: bool) -> TextIO:
    check_target(path, overwrite)
    with _naming(str(path)):
        return path.open("w", encoding="utf-8", newline="")


class CsvSink(_TextSink):
    """A table with the columns ``COLUMNS``, one row a face; a frame without faces has none.

    Args:
        target: a file, or ``"-"`` for standard output.
        overwrite: whether the file may be there already.

    Raises:
        InvalidArgumentError: it is there, or cannot be written (also while writing, as when the disk is full).
    """

    def __init__(self, target: str | Path, *, overwrite: bool = False) -> None:
        super().__init__(target, overwrite)
        self._put(_csv_lines([COLUMNS]))

    def write(self, frame: Frame, poses: HeadPoses) -> None:
        """One row a face."""
        if len(poses):
            self._put(_csv_lines([_cells(frame, pose) for pose in poses]))


class JsonlSink(_TextSink):
    """One JSON object a line, one line a face: ``frame``, ``time_s`` and what ``Pose.as_dict`` gives.

    Args:
        target: a file, or ``"-"`` for standard output.
        overwrite: whether the file may be there already.

    Raises:
        InvalidArgumentError: it is there, or cannot be written (also while writing).
    """

    def __init__(self, target: str | Path, *, overwrite: bool = False) -> None:
        super().__init__(target, overwrite)

    def write(self, frame: Frame, poses: HeadPoses) -> None:
        """One line a face."""
        stamp = {"frame": frame.index, "time_s": round(frame.time_s, 6)}
        if len(poses):
            self._put("".join(json.dumps(stamp | pose.as_dict()) + "\n" for pose in poses))


def _csv_lines(rows: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _cells(frame: Frame, pose: Pose) -> list[float | int | None]:
    values = pose.as_dict()
    angles = [values[name] for name in ("yaw_deg", "pitch_deg", "roll_deg")]
    arrays = [values[name] for name in ("std_deg", "quaternion_xyzw", "box_xyxy")]
    cells = [frame.index, round(frame.time_s, 6), values["id"], *angles]
    return [*cells, *(value for array in arrays for value in array), values["score"], *values["translation_m"]]
