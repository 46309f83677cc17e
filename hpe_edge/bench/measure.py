"""Timing of several calls in turns, so that a busy or throttled machine slows all of them alike."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

import numpy as np

Item = TypeVar("Item")
Clock = Callable[[], int]

WARM_UP_ROUNDS: Final = 50
"""Rounds that are not counted: caches, branch predictors and lazily made buffers settle."""


class Track(Protocol):
    """Shows how far a loop is: called with the loop's values and what they are, it gives the same values."""

    def __call__(self, values: Sequence[Item], what: str) -> Iterable[Item]: ...


def untracked(values: Sequence[Item], what: str) -> Iterable[Item]:
    """Shows nothing."""
    return values


@dataclass(frozen=True)
class Timing:
    """What one call takes, in microseconds.

    Attributes:
        p50_us, p99_us: median and 99th percentile of the time on the clock, after calls of all others.
        cpu_us: mean time that all threads of this process were computing.
        again_us: median of a second call at once after the first, whose code and weights are in the caches.
    """

    p50_us: float
    p99_us: float
    cpu_us: float
    again_us: float


def interleave(
    calls: Sequence[Callable[[], Any]],
    rounds: int,
    *,
    track: Track = untracked,
    clock: Clock = time.perf_counter_ns,
    cpu_clock: Clock = time.process_time_ns,
) -> list[Timing]:
    """Time each of the calls once a round, and once again, in an order that every round changes.

    Args:
        calls: what to time.
        rounds: counted rounds, 1 or more; up to ``WARM_UP_ROUNDS`` that do not count come before them.
        track: shows the progress.
        clock, cpu_clock: nanoseconds.

    Returns:
        A ``Timing`` for each call.

    >>> [timing.p50_us < 1e6 for timing in interleave([lambda: None, lambda: sum(range(9))], rounds=3)]
    [True, True]
    """
    warm_up = min(rounds, WARM_UP_ROUNDS)
    times_ns = np.zeros((3, len(calls), rounds), np.int64)
    with _no_collector():
        for number in track(range(-warm_up, rounds), "rounds"):
            for index in turn(len(calls), number):
                cpu_start = cpu_clock()
                start = clock()
                calls[index]()
                end = clock()
                cpu_end = cpu_clock()
                again = clock()
                calls[index]()
                # The rounds before 0 write where a later round writes again.
                times_ns[:, index, number] = end - start, cpu_end - cpu_start, clock() - again
    return [_timing(*times_us) for times_us in (times_ns / 1000.0).swapaxes(0, 1)]


@contextmanager
def _no_collector() -> Iterator[None]:
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def turn(count: int, number: int) -> list[int]:
    """The order of round ``number``: turned by one every two rounds, the second of which goes backwards.

    Turning alone would leave each call behind the same one always, and with the caches of that.

    >>> turn(3, 0), turn(3, 1), turn(3, 2)
    ([0, 1, 2], [2, 1, 0], [1, 2, 0])
    """
    order = [(number // 2 + k) % count for k in range(count)]
    return order[::-1] if number % 2 else order


def _timing(wall_us: Any, cpu_us: Any, again_us: Any) -> Timing:
    p50_us, p99_us = np.percentile(wall_us, (50, 99))
    return Timing(float(p50_us), float(p99_us), float(np.mean(cpu_us)), float(np.median(again_us)))
