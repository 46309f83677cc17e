"""Frames of a camera or network stream: the newest one, whenever the loop is ready for it."""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterator
from typing import Final

from hpe_edge.errors import SourceError
from hpe_edge.sources.base import Frame, OnEvent, SourceBase
from hpe_edge.sources.capture import OpenCapture, describe_cameras, is_url, public_name
from hpe_edge.sources.reader import Reader, RetryPolicy, Taken
from hpe_edge.sources.video_file import unreachable

_LONGEST_WAIT_S: Final = 60.0  # threading.Condition takes no infinity


class LiveSource(SourceBase):
    """A camera or stream. A loop that is slower than it gets fewer frames, never older ones.

    When it vanishes it is opened again, with growing waits; the events say so. Iterating ends when the source is
    closed, from whichever thread.

    Args:
        target: number of a camera, path of a device, or address.
        open_capture: opens it (:func:`hpe_edge.sources.capture.open_capture`).
        policy: how long to wait for what.
        on_event: called with each event, also from the reader's thread.

    Raises:
        SourceError: it cannot be opened, or gives no frame in ``policy.open_s``; while iterating: no frame for
            ``policy.give_up_s``.
    """

    live = True

    def __init__(
        self,
        target: str | int,
        open_capture: OpenCapture,
        policy: RetryPolicy | None = None,
        on_event: OnEvent | None = None,
    ) -> None:
        super().__init__(public_name(target), on_event)
        self._policy = policy or RetryPolicy()
        self._reader = Reader(target, open_capture, self._policy, self._log)
        # The thread knows the reader only, so a source that nobody holds any more is closed.
        self._stop = weakref.finalize(self, self._reader.stop)
        try:
            first = self._wait_for_first(target)
        except BaseException:
            self.close()
            raise
        self._start_s = self._latest_s = first.captured_s
        self.fps = self._reader.fps
        self._frame(first.image, 0.0, first.index)

    @property
    def dropped(self) -> int:
        """Frames that came while the loop was busy with another one."""
        return self._reader.dropped

    def __iter__(self) -> Iterator[Frame]:
        while (taken := self._take()) is not None:
            yield self._frame(taken.image, taken.captured_s - self._start_s, taken.index)

    def close(self) -> None:
        """End the thread and release the device; a loop that waits for a frame ends."""
        self._stop()

    def _wait_for_first(self, target: str | int) -> Taken:
        """The first image, left where it is: by the time that the loop begins there may be a newer one."""
        try:
            first = self._reader.take(self._policy.open_s, leave=True)
        except SourceError as error:
            raise SourceError(_not_there(target)) from error
        if first is None:
            raise SourceError(f"{self.name}: expected a picture within {self._policy.open_s:g} s, got none")
        return first

    def _take(self) -> Taken | None:
        """The next image, waited for; ``None`` when closed."""
        stalled = False
        while not self._reader.is_stopped():
            until_s = self._policy.give_up_s if stalled else min(self._policy.stall_s, self._policy.give_up_s)
            left_s = self._latest_s + until_s - time.monotonic()
            taken = self._reader.take(min(max(left_s, 0.0), _LONGEST_WAIT_S))
            if taken is not None:
                self._latest_s = taken.captured_s
                return taken
            stalled = self._check_silence(stalled)
        return None

    def _check_silence(self, stalled: bool) -> bool:
        """Whether no image came for too long; raises when it was far too long."""
        silent_s = time.monotonic() - self._latest_s
        if self._reader.is_stopped():
            return stalled
        if silent_s >= self._policy.give_up_s:
            self.close()
            raise SourceError(
                f"{self.name}: no picture for {silent_s:.1f} s, given up; check the cable, the power or the network"
            )
        if silent_s >= self._policy.stall_s and not stalled:
            self._log.add("stalled", f"{self.name}: no picture for {silent_s:.1f} s", self._reader.captured)
            return True
        return stalled


def _not_there(target: str | int) -> str:
    if isinstance(target, str) and is_url(target):
        return unreachable(target)
    return f"{public_name(target)}: expected a camera that gives pictures, found none; {describe_cameras()}"
