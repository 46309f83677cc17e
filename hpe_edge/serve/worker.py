"""The thread that runs the pipeline: source, poses, picture, out to the viewers."""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal, TypeAlias

from hpe_edge._meter import Meter
from hpe_edge.errors import SourceError
from hpe_edge.results import HeadPoses
from hpe_edge.serve.broadcast import Broadcast
from hpe_edge.serve.feed import Feed
from hpe_edge.serve.messages import Message, encode_jpeg, faces_as_json, pack
from hpe_edge.sources.base import Frame, Source, SourceEvent

OpenSource: TypeAlias = Callable[[Callable[[SourceEvent], None]], Source]
"""Opens the source anew; gets a callback for its events, as ``open_source(source, on_event=...)`` does."""
Stream: TypeAlias = Callable[[Iterable[Frame]], Iterable[tuple[Frame, HeadPoses]]]
"""``HeadPose.stream``, or anything that gives frames back with their poses."""

STOP_S = 3.0  # how long a driver may take to give its last frame


@dataclass(frozen=True)
class State:
    """What the pipeline does.

    Attributes:
        name: ``starting``, ``playing``, ``waiting`` (a camera gives nothing), ``ended`` or ``failed``.
        detail: for people; may be empty.
    """

    name: Literal["starting", "playing", "waiting", "ended", "failed"]
    detail: str = ""


@dataclass(frozen=True)
class Picture:
    """How frames are played and shown.

    Attributes:
        fps_limit: frames a second at most.
        loop: begin again at the end of the source.
        longest_side: of the picture on the page, pixels.
        quality: of its JPEG, 1 to 100.
    """

    fps_limit: float = math.inf
    loop: bool = False
    longest_side: int = 1280
    quality: int = 80


class Worker:
    """Runs ``for frame, poses in stream(source)`` in one thread and publishes what comes.

    Nobody watches: nothing is encoded, and poses are computed all the same, so that metrics stay true.

    Args:
        open_source, stream: see :data:`OpenSource` and :data:`Stream`.
        picture: how frames are played and shown.
        broadcast: where they go.
        on_state: called in any thread with each new state.

    Attributes:
        meter: rates and latencies.
        finished: done when the thread is: ``None`` after the end or a stop, otherwise what went wrong.
    """

    def __init__(
        self,
        open_source: OpenSource,
        stream: Stream,
        picture: Picture,
        broadcast: Broadcast,
        on_state: Callable[[State], None],
    ) -> None:
        self.meter = Meter()
        self.finished: Future[None] = Future()
        self._open_source = open_source
        self._stream = stream
        self._picture = picture
        self._broadcast = broadcast
        self._on_state = on_state
        self._stopped = threading.Event()
        self._serials = itertools.count()
        self._start_s = time.monotonic()
        self._playing = False
        self._source: Source = open_source(self._on_event)  # here, so that the caller hears what is wrong with it
        self._thread = threading.Thread(target=self._run, name="hpe-edge-serve", daemon=True)

    def start(self) -> None:
        """Begin to play."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; waits for the frame in hand, but not for ever for a driver that hangs."""
        self._stopped.set()
        self._source.close()
        if self._thread.ident is not None:
            self._thread.join(STOP_S)

    def _run(self) -> None:
        try:
            self._play()
        except BaseException as error:  # as an executor's thread does: who waits for `finished` raises it
            self.finished.set_exception(error)
        else:
            self.finished.set_result(None)

    def _play(self) -> None:
        while True:
            with self._source:
                count = self._play_once()
            if self._stopped.is_set():
                return
            if count == 0:
                raise SourceError("source: expected at least one frame, got none; check the file or the camera")
            if not self._picture.loop:
                self._set(State("ended", "the source has no more frames; --loop repeats a file"))
                return
            self._source = self._open_source(self._on_event)

    def _play_once(self) -> int:
        """Play the source to its end; returns the number of frames."""
        feed = Feed(self._source, fps_limit=self._picture.fps_limit, stopped=self._stopped)
        count, unseen = 0, None
        for frame, poses in self._stream(feed):
            read_s = feed.read_at_s(frame)
            message = self._message(frame, poses, read_s) if self._broadcast.viewers else None
            self.meter.count(1e3 * (time.monotonic() - read_s), len(poses))
            count += 1
            unseen = None if message else (frame, poses, read_s)
            if message is None:
                self._broadcast.forget()
            else:
                self._broadcast.publish(message)
            if not self._playing:
                self._set(State("playing"))
        if unseen is not None:  # who comes after the end sees how it ended
            self._broadcast.publish(self._message(*unseen))
        return count

    def _message(self, frame: Frame, poses: HeadPoses, read_s: float) -> Message:
        serial = next(self._serials)
        jpeg = encode_jpeg(frame.image, self._picture.longest_side, self._picture.quality)
        height, width = frame.image.shape[:2]
        header = {
            "serial": serial,
            "index": frame.index,
            "time_s": round(frame.time_s, 4),
            "clock_s": round(read_s - self._start_s, 4),
            "size": [width, height],
            "faces": faces_as_json(poses),
            "latency_ms": round(1e3 * (time.monotonic() - read_s), 2),
        }
        return Message(serial, pack(header, jpeg))

    def _on_event(self, event: SourceEvent) -> None:
        if event.kind in ("lost", "stalled", "stuck"):
            self._set(State("waiting", event.message))

    def _set(self, state: State) -> None:
        self._playing = state.name == "playing"
        self._on_state(state)
