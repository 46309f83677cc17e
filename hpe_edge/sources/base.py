"""What a source of frames is, and what all sources share."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Final, Literal, Protocol, TypeAlias, runtime_checkable

from hpe_edge.images import ImageArray

EventKind: TypeAlias = Literal["truncated", "resized", "lost", "back", "stalled", "stuck"]
EVENTS_KEPT: Final = 100
USUAL_FPS: Final = 30.0
"""Frames a second where a source does not say."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a video.

    Attributes:
        image: (H, W, 3) uint8, bgr8.
        time_s: seconds since the first frame: the time stamp in a file, the monotonic clock at capture for a camera.
        index: number of the frame in its source, from 0 up; frames that a live source dropped leave gaps.
    """

    image: ImageArray
    time_s: float
    index: int


@dataclass(frozen=True)
class SourceEvent:
    """Something that happened to a source and that its frames do not show.

    Attributes:
        kind: ``"truncated"`` (a file ended before its own length), ``"resized"`` (frames have another size from
            here on), ``"lost"`` and ``"back"`` (a camera vanished, came back), ``"stalled"`` (no frame for a
            while), ``"stuck"`` (a driver does not return, its thread ends when it does).
        message: for people.
        frame_index: number of the frame that would have come next.
    """

    kind: EventKind
    message: str
    frame_index: int

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self)


OnEvent: TypeAlias = Callable[[SourceEvent], None]


@runtime_checkable
class Source(Protocol):
    """Frames, once from the beginning to the end. Close it, or use it in ``with``.

    Attributes:
        name: the file, camera or address, without user name and password.
        live: frames come whether they are wanted or not; those that are not are dropped.
        fps: frames a second; NaN where unknown.
        frame_count: how many frames it should have; ``None`` where unknown.
        size: width and height of the latest frame in pixels.
        dropped: frames that came and were not wanted in time.
        events: the latest ones, at most ``EVENTS_KEPT``, oldest first.
    """

    @property
    def name(self) -> str: ...
    @property
    def live(self) -> bool: ...
    @property
    def fps(self) -> float: ...
    @property
    def frame_count(self) -> int | None: ...
    @property
    def size(self) -> tuple[int, int]: ...
    @property
    def dropped(self) -> int: ...
    @property
    def events(self) -> tuple[SourceEvent, ...]: ...
    def __iter__(self) -> Iterator[Frame]: ...
    def __enter__(self) -> Source: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def close(self) -> None:
        """Let go of the file or device. May be called twice, and from another thread."""


class EventLog:
    """The latest events; any thread may add one. The callback runs in that thread."""

    def __init__(self, on_event: OnEvent | None) -> None:
        self._kept: deque[SourceEvent] = deque(maxlen=EVENTS_KEPT)
        self._lock = threading.Lock()
        self._on_event = on_event

    def add(self, kind: EventKind, message: str, frame_index: int) -> None:
        """Keep an event and tell it."""
        event = SourceEvent(kind, message, frame_index)
        with self._lock:
            self._kept.append(event)
        if self._on_event is not None:
            self._on_event(event)

    def latest(self) -> tuple[SourceEvent, ...]:
        """The events that are kept, oldest first."""
        with self._lock:
            return tuple(self._kept)


class SourceBase:
    """Name, size, events and ``with``; a source adds ``__iter__`` and ``close``."""

    live: bool = False
    fps: float = math.nan
    frame_count: int | None = None

    def __init__(self, name: str, on_event: OnEvent | None) -> None:
        self.name = name
        self._log = EventLog(on_event)
        self._size = (0, 0)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the latest frame in pixels."""
        return self._size

    @property
    def dropped(self) -> int:
        """Frames that nobody took in time; a source that waits for its reader drops none."""
        return 0

    @property
    def events(self) -> tuple[SourceEvent, ...]:
        """The latest events, oldest first."""
        return self._log.latest()

    def _frame(self, image: ImageArray, time_s: float, index: int) -> Frame:
        """A frame; says so when its size is another one than before."""
        height, width = image.shape[:2]
        if self._size not in ((0, 0), (width, height)):
            before = "x".join(map(str, self._size))
            self._log.add("resized", f"{self.name}: frames are {width}x{height} from here on, not {before}", index)
        self._size = (width, height)
        return Frame(image, time_s, index)

    def close(self) -> None:
        """Let go of the file or device."""

    def __enter__(self) -> Any:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def known_fps(value: float) -> float:
    """Frames a second as a container or driver gives them, NaN where they make no sense.

    >>> known_fps(25.0), known_fps(0.0), known_fps(90000.0)
    (25.0, nan, nan)
    """
    return value if 0.0 < value <= 1000.0 else math.nan
