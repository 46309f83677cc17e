"""The thread behind a live source: it reads all the time and keeps the newest image only."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hpe_edge.errors import InvalidArgumentError, SourceError
from hpe_edge.images import ImageArray
from hpe_edge.sources.base import EventLog, known_fps
from hpe_edge.sources.capture import FPS, OpenCapture, public_name


@dataclass(frozen=True)
class RetryPolicy:
    """How long to wait for a camera or stream, in seconds.

    Attributes:
        open_s: for its first frame.
        stall_s: without a frame, until the event ``"stalled"``.
        give_up_s: without a frame, until :class:`hpe_edge.errors.SourceError`; may be ``math.inf``.
        first_wait_s, longest_wait_s: between two attempts to open it again: the wait doubles up to the longest.
        close_s: for the driver to return when the source is closed.

    >>> waits = RetryPolicy(first_wait_s=1, longest_wait_s=3).waits()
    >>> [next(waits) for _ in range(4)]
    [1, 2, 3, 3]
    """

    open_s: float = 15.0
    stall_s: float = 5.0
    give_up_s: float = 60.0
    first_wait_s: float = 0.5
    longest_wait_s: float = 8.0
    close_s: float = 2.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise InvalidArgumentError(f"RetryPolicy.{name}: expected seconds above 0, got {value!r}")

    def waits(self) -> Iterator[float]:
        """Seconds before each attempt."""
        wait_s = self.first_wait_s
        while True:
            yield wait_s
            wait_s = min(2 * wait_s, self.longest_wait_s)


@dataclass(frozen=True, eq=False)
class Taken:
    """The newest image: when it came on the monotonic clock, and how many came before it."""

    image: ImageArray
    captured_s: float
    index: int


class Reader:
    """Reads a camera or stream in a thread of its own, and opens it again when it vanishes.

    The thread alone opens, reads and releases the capture. It tries until :meth:`stop`; who takes decides when
    it has waited long enough.

    Args:
        target: number of a camera, path of a device, or address.
        open_capture: opens it.
        policy: the waits.
        log: where events go; ``"lost"`` and ``"back"`` are added in this thread.
    """

    def __init__(self, target: str | int, open_capture: OpenCapture, policy: RetryPolicy, log: EventLog) -> None:
        self.fps = float("nan")
        self.captured = 0
        self.dropped = 0
        self._target, self._open, self._policy, self._log = target, open_capture, policy, log
        self._name = public_name(target)
        self._changed = threading.Condition()
        self._newest: Taken | None = None
        self._error: BaseException | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"hpe-edge {self._name}", daemon=True)
        self._thread.start()

    def is_stopped(self) -> bool:
        """Whether :meth:`stop` was called."""
        return self._stopped.is_set()

    def take(self, timeout_s: float, *, leave: bool = False) -> Taken | None:
        """The newest image that was not taken yet; ``None`` after the timeout or when stopped.

        Args:
            timeout_s: how long to wait for one.
            leave: whether it stays, to be taken or overtaken later.

        Raises:
            SourceError: the first attempt to open failed. Whatever else the thread met is raised here too.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._newest or self._error or self.is_stopped(), timeout_s)
            if self._error is not None and not self.is_stopped():
                raise self._error
            newest = self._newest
            if not leave:
                self._newest = None
            return None if self.is_stopped() else newest

    def stop(self) -> None:
        """Wake who takes, and wait for the thread, unless its driver does not return."""
        self._stopped.set()
        with self._changed:
            self._changed.notify_all()
        if threading.current_thread() is self._thread:  # called by a callback of the log
            return
        self._thread.join(self._policy.close_s)
        if self._thread.is_alive():
            self._log.add(
                "stuck", f"{self._name}: its driver does not return; the thread ends when it does", self.captured
            )

    def _run(self) -> None:
        try:
            self._follow()
        except BaseException as error:  # not handled here: raised again in the thread that takes
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _follow(self) -> None:
        waits = self._policy.waits()
        while not self.is_stopped():
            count = self._read_until_it_fails()
            if self.is_stopped():
                return
            if self.captured == 0:
                raise SourceError(f"{self._name}: could not be opened, or gave no picture")
            if count:
                waits = self._policy.waits()
                self._log.add("lost", f"{self._name}: gives no more pictures; opening it again", self.captured)
            self._stopped.wait(next(waits))

    def _read_until_it_fails(self) -> int:
        """Open the capture and read; how many images came."""
        capture = self._open(self._target)
        count = 0
        try:
            while not self.is_stopped() and capture.isOpened():
                done, image = capture.read()
                if not done or image is None or image.size == 0:
                    break
                if count == 0:
                    self._came(known_fps(capture.get(FPS)))
                self._put(image)
                count += 1
        finally:
            capture.release()
        return count

    def _came(self, fps: float) -> None:
        self.fps = fps
        if self.captured:
            self._log.add("back", f"{self._name}: gives pictures again", self.captured)

    def _put(self, image: Any) -> None:
        with self._changed:
            self.dropped += self._newest is not None
            self._newest = Taken(image, time.monotonic(), self.captured)
            self.captured += 1
            self._changed.notify_all()
