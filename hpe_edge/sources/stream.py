"""A source and the work on each of its frames, as an iterator."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeVar

from hpe_edge.sources.base import Frame, Source

Result = TypeVar("Result")


class Stream(Generic[Result]):
    """Pairs of a frame and what the work made of it. The source is closed at the end, on an error, with ``with``
    and when nobody holds the stream any more.

    Args:
        source: where frames come from.
        work: called with each frame.

    Attributes:
        source: as given, with its ``dropped``, ``events`` and ``size``.
        latency_s: seconds that the work on the latest frame took; NaN before the first.

    >>> import numpy as np
    >>> from hpe_edge.sources import open_source
    >>> pictures = [np.zeros((4, 6, 3), np.uint8)] * 2
    >>> [(frame.index, size) for frame, size in Stream(open_source(pictures), lambda frame: frame.image.shape)]
    [(0, (4, 6, 3)), (1, (4, 6, 3))]
    """

    def __init__(self, source: Source, work: Callable[[Frame], Result]) -> None:
        self.source = source
        self.latency_s = float("nan")
        self._frames = iter(source)
        self._work = work
        self._close = weakref.finalize(self, source.close)

    def __iter__(self) -> Stream[Result]:
        return self

    def __next__(self) -> tuple[Frame, Result]:
        try:
            frame = next(self._frames)
            start_s = time.perf_counter()
            result = self._work(frame)
            self.latency_s = time.perf_counter() - start_s
        except BaseException:  # the end of the frames is one, too
            self.close()
            raise
        return frame, result

    def close(self) -> None:
        """Close the source; any thread may, and a second call does nothing."""
        self._close()

    def __enter__(self) -> Stream[Result]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
