"""The newest frame to every viewer: slow ones miss frames, nobody waits for them, nothing queues up."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from hpe_edge._meter import percentile
from hpe_edge.serve.messages import Message

IN_FLIGHT: Final = 2
"""Frames that a viewer may have been sent and not yet shown. One would leave the network idle for the time of an
answer; many would fill the buffers of the network, and what is shown would lag behind by all of them."""


class Viewer:
    """One viewer's slot: the newest frame not yet sent, and the newest status. Lives in the event loop.

    Attributes:
        sent, dropped: frames that went out, and frames that a newer one replaced before they could.
    """

    def __init__(self) -> None:
        self.sent = 0
        self.dropped = 0
        self._frame: Message | None = None
        self._status: str | None = None
        self._sent_at_s: dict[int, float] = {}  # by serial: sent and not yet shown
        self._shown_ms: deque[float] = deque(maxlen=60)
        self._news = asyncio.Event()

    def offer(self, frame: Message) -> None:
        """Put a frame into the slot, in place of one that was not sent in time."""
        self.dropped += self._frame is not None
        self._frame = frame
        self._news.set()

    def tell(self, status: str) -> None:
        """Put a status (JSON) into its slot."""
        self._status = status
        self._news.set()

    def shown(self, serial: int) -> None:
        """The viewer has shown this frame: there is room for another one."""
        if serial in self._sent_at_s:
            self._shown_ms.append(1e3 * (time.monotonic() - self._sent_at_s[serial]))
        self._sent_at_s = {other: time_s for other, time_s in self._sent_at_s.items() if other > serial}
        self._news.set()

    async def take(self) -> tuple[str | None, Message | None]:
        """Wait for a status, or for a frame and room for it; at least one of the two is there."""
        while True:
            status, self._status = self._status, None
            frame = self._frame if len(self._sent_at_s) < IN_FLIGHT else None
            if frame is not None:
                self._frame = None
                self._sent_at_s[frame.serial] = time.monotonic()
                self.sent += 1
            if status is not None or frame is not None:
                return status, frame
            self._news.clear()
            await self._news.wait()

    @property
    def shown_ms(self) -> float | None:
        """Median time from sending a frame to hearing that it was shown."""
        return percentile(self._shown_ms, 50)


class Broadcast:
    """Hands each frame to all viewers.

    :meth:`publish` may be called from any thread and returns at once: the frames that the event loop has not
    fetched yet are one, the newest. Everything else belongs to the event loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.viewers: set[Viewer] = set()
        self.viewers_total = 0
        self._loop = loop
        self._lock = threading.Lock()
        self._waiting: Message | None = None
        self._newest: Message | None = None
        self._dropped = 0  # of viewers that have gone

    @property
    def dropped(self) -> int:
        """Frames dropped for viewers, those that have gone included."""
        return self._dropped + sum(viewer.dropped for viewer in self.viewers)

    def join(self) -> Viewer:
        """A new viewer, who gets the newest frame at once."""
        viewer = Viewer()
        if self._newest is not None:
            viewer.offer(self._newest)
        self.viewers.add(viewer)
        self.viewers_total += 1
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """Forget a viewer, and with the last one the frame that would be old for the next."""
        self.viewers.discard(viewer)
        self._dropped += viewer.dropped

    def publish(self, frame: Message) -> None:
        """Hand a frame to the event loop, in place of one that it has not fetched yet."""
        with self._lock:
            asked, self._waiting = self._waiting is not None, frame
        if not asked:
            call_in(self._loop, self._spread)

    def forget(self) -> None:
        """From the worker: frames go by that nobody watches, so the newest one sent is old."""
        self._newest = None

    def _spread(self) -> None:
        with self._lock:
            frame, self._waiting = self._waiting, None
        if frame is None:
            return
        self._newest = frame
        for viewer in self.viewers:
            viewer.offer(frame)


def call_in(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    """Run a call in an event loop from another thread; a loop that has closed needs none any more."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(call)
