"""A source at the pace of life: files play at their own speed, and nothing runs faster than asked."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from hpe_edge.sources.base import Frame, Source

_NOTED: Final = 16  # frames that a stream may hold back before it gives them


class Limit:
    """Lets at most ``fps`` frames a second through, on a grid, so that the mean rate is the limit too.

    >>> limit = Limit(10.0)
    >>> [limit.passes(t) for t in (0.0, 0.05, 0.1, 0.15)]
    [True, False, True, False]
    """

    def __init__(self, fps: float = math.inf) -> None:
        self._period_s = 1.0 / fps
        self._next_s = -math.inf

    def passes(self, time_s: float) -> bool:
        """Whether the frame of this time is shown."""
        # A tenth of a period early is the jitter of a camera's clock, not another rate.
        if time_s < self._next_s - 0.1 * self._period_s:
            return False
        # After a gap the grid begins anew, so that what was missed is not made up for.
        on_grid = time_s < self._next_s + self._period_s
        self._next_s = (self._next_s if on_grid else time_s) + self._period_s
        return True


class Feed:
    """The frames of one source, in time, with the moment at which each was read.

    A file waits until a frame is due; one that comes late moves the schedule instead of being hurried after.
    A live source is never waited for. Frames beyond the limit are left out before anything is computed.

    Args:
        source: opened; the caller closes it.
        fps_limit: frames a second at most.
        stopped: ends the iteration, also in the middle of a wait.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        source: Source,
        *,
        fps_limit: float = math.inf,
        stopped: threading.Event,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._limit = Limit(fps_limit)
        self._stopped = stopped
        self._clock = clock
        self._start_s = -math.inf
        self._read: deque[tuple[int, float]] = deque(maxlen=_NOTED)

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._source:
            if self._stopped.is_set():
                return
            if not self._limit.passes(frame.time_s):
                continue
            if not self._source.live and not self._wait(frame.time_s):
                return
            self._read.append((frame.index, self._clock()))
            yield frame

    def read_at_s(self, frame: Frame) -> float:
        """When the frame was read, on the clock; now, for a frame that did not come from here."""
        return next((time_s for index, time_s in reversed(self._read) if index == frame.index), self._clock())

    def _wait(self, time_s: float) -> bool:
        """Wait until a frame is due; ``False`` when stopped."""
        self._start_s = max(self._start_s, self._clock() - time_s)
        return not self._stopped.wait(max(0.0, self._start_s + time_s - self._clock()))
