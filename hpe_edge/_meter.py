"""What live commands say about their speed: frames a second, latency."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

FPS_WINDOW_S: Final = 2.0
LATENCIES: Final = 300  # the newest that percentiles are taken of: ten seconds at 30 frames a second


def percentile(values: Sequence[float], percent: float) -> float | None:
    """The nearest-rank percentile, to three decimals; ``None`` of nothing.

    >>> percentile([3.0, 1.0, 2.0], 50), percentile([], 50)
    (2.0, None)
    """
    if not values:
        return None
    return round(sorted(values)[max(0, math.ceil(percent / 100 * len(values)) - 1)], 3)


class Meter:
    """Counts frames; the worker's thread writes, the server's reads.

    >>> meter = Meter()
    >>> meter.count(latency_ms=4.0, faces=1)
    >>> meter.as_dict()["latency_ms"]
    {'p50': 4.0, 'p99': 4.0}
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._start_s = clock()
        self._times_s: deque[float] = deque(maxlen=1000)
        self._latencies_ms: deque[float] = deque(maxlen=LATENCIES)
        self._frames = 0
        self._faces = 0

    def count(self, latency_ms: float, faces: int) -> None:
        """One frame more.

        Args:
            latency_ms: from the moment it was read to the moment it could be sent.
            faces: how many it shows.
        """
        with self._lock:
            self._times_s.append(self._clock())
            self._latencies_ms.append(latency_ms)
            self._frames += 1
            self._faces = faces

    @property
    def frames(self) -> int:
        """Frames counted."""
        return self._frames

    def as_dict(self) -> dict[str, object]:
        """JSON-ready: ``uptime_s, frames, faces, fps`` (of the last two seconds), ``latency_ms`` ``{p50, p99}``."""
        with self._lock:
            now_s = self._clock()
            latencies_ms = list(self._latencies_ms)
            return {
                "uptime_s": round(now_s - self._start_s, 3),
                "frames": self._frames,
                "faces": self._faces,
                "fps": round(self._fps(now_s), 2),
                "latency_ms": {"p50": percentile(latencies_ms, 50), "p99": percentile(latencies_ms, 99)},
            }

    def _fps(self, now_s: float) -> float:
        recent = [time_s for time_s in self._times_s if time_s >= now_s - FPS_WINDOW_S]
        span_s = recent[-1] - recent[0] if recent else 0.0
        return (len(recent) - 1) / span_s if span_s > 0 else 0.0
