"""The loop: frame, poses, sinks; and what there is to say about it afterwards."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, Protocol, TypeAlias

import numpy as np

from hpe_edge.errors import SourceError
from hpe_edge.results import HeadPoses
from hpe_edge.sources import Frame, SourceEvent, Stream

LATENCIES_KEPT: Final = 10_000
"""Percentiles are of this many latest frames, so that memory stays the same over days."""

Ending: TypeAlias = Literal["end", "max-frames", "interrupted", "truncated", "lost"]
OnFrame: TypeAlias = Callable[[Frame, HeadPoses], None]


class Sink(Protocol):
    """Takes each frame with its poses."""

    def write(self, frame: Frame, poses: HeadPoses) -> None: ...
    def close(self) -> None:
        """Finish what was written; called once, however the loop ended."""


@dataclass(frozen=True)
class Summary:
    """What a run did.

    Attributes:
        ending: ``"end"`` (of the source), ``"max-frames"``, ``"interrupted"`` (Ctrl-C), ``"truncated"`` (a file that
            ended before its own length), ``"lost"`` (the source failed for good).
        problem: why, for the last two; else ``None``.
        frames, faces: frames worked on, and faces in all of them.
        dropped: frames of a live source that came while another was worked on.
        span_s: seconds of video from the first to the last frame.
        elapsed_s: seconds on the clock, from the first frame asked for.
        fps: frames a second on the clock.
        latency_p50_ms, latency_p99_ms: finding and following faces and their poses, of the latest
            ``LATENCIES_KEPT`` frames; reading and writing are not in it. ``None`` without frames.
        events: the latest ones of the source.
    """

    ending: Ending
    problem: str | None
    frames: int
    faces: int
    dropped: int
    span_s: float
    elapsed_s: float
    fps: float
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    events: tuple[SourceEvent, ...]

    @property
    def complete(self) -> bool:
        """Whether all was seen that was asked for."""
        return self.ending in ("end", "max-frames")

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {"complete": self.complete} | asdict(self)


class _Counts:
    """What the loop counts; of a size that does not grow."""

    def __init__(self) -> None:
        self.frames = self.faces = 0
        self._first_s = self._last_s = 0.0
        self._latencies_ms: deque[float] = deque(maxlen=LATENCIES_KEPT)
        self._start_s = time.perf_counter()

    def add(self, frame: Frame, poses: HeadPoses, latency_s: float) -> None:
        if self.frames == 0:
            self._first_s = frame.time_s
        self._last_s = frame.time_s
        self.frames += 1
        self.faces += len(poses)
        self._latencies_ms.append(1e3 * latency_s)

    def summary(self, stream: Stream[HeadPoses], ending: Ending, problem: str | None) -> Summary:
        elapsed_s = time.perf_counter() - self._start_s
        p50, p99 = np.percentile(self._latencies_ms, (50, 99)).tolist() if self.frames else (None, None)
        return Summary(
            ending=ending,
            problem=problem,
            frames=self.frames,
            faces=self.faces,
            dropped=stream.source.dropped,
            span_s=self._last_s - self._first_s,
            elapsed_s=elapsed_s,
            fps=self.frames / max(elapsed_s, 1e-9),
            latency_p50_ms=p50,
            latency_p99_ms=p99,
            events=stream.source.events,
        )


def run_video(
    stream: Stream[HeadPoses],
    sinks: Sequence[Sink] = (),
    *,
    max_frames: int | None = None,
    on_frame: OnFrame | None = None,
) -> Summary:
    """Give each frame of a stream and its poses to the sinks, until the stream ends.

    Ctrl-C, a file that is cut off and a camera that is lost for good end the loop and are told in the summary; what
    was written until then is kept. The stream and all sinks are closed, whatever happens.

    Args:
        stream: what ``HeadPose.stream`` gives.
        sinks: get each frame, in this order.
        max_frames: stop after so many.
        on_frame: called after each frame, for progress.

    >>> import numpy as np
    >>> from hpe_edge import HeadPose
    >>> pictures = [np.full((48, 64, 3), 90, np.uint8)] * 3
    >>> summary = run_video(HeadPose(detector="full-frame").stream(pictures))
    >>> summary.frames, summary.faces, summary.ending
    (3, 3, 'end')
    """
    limit = math.inf if max_frames is None else max_frames
    counts = _Counts()
    ending: Ending = "end"
    problem = None
    with ExitStack() as stack:
        for sink in sinks:
            stack.callback(sink.close)
        stack.enter_context(stream)
        try:
            while counts.frames < limit and (pair := next(stream, None)) is not None:
                frame, poses = pair
                for sink in sinks:
                    sink.write(frame, poses)
                counts.add(frame, poses, stream.latency_s)
                if on_frame is not None:
                    on_frame(frame, poses)
            ending, problem = _how_it_ended(stream, counts.frames >= limit)
        except KeyboardInterrupt:
            ending = "interrupted"
        except SourceError as error:
            ending, problem = "lost", str(error)
    return counts.summary(stream, ending, problem)


def _how_it_ended(stream: Stream[HeadPoses], at_limit: bool) -> tuple[Ending, str | None]:
    if at_limit:
        return "max-frames", None
    cut = [event.message for event in stream.source.events if event.kind == "truncated"]
    return ("truncated", cut[-1]) if cut else ("end", None)
