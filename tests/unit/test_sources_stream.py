"""Streams: the source is closed however the loop ends, for threads and for asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from fake_captures import FakeCapture, Opener, picture, threads

from hpe_edge.errors import SourceError
from hpe_edge.sources import Frame, RetryPolicy, Stream, open_source
from hpe_edge.sources.astream import iterate_async
from hpe_edge.sources.pictures import FrameIterable


class Watched(FrameIterable):
    """Pictures 0, 1, 2, ...; knows whether it was closed."""

    closed = 0

    def __init__(self, count: int = 3) -> None:
        super().__init__([picture(value) for value in range(count)])

    def close(self) -> None:
        self.closed += 1
        super().close()


def _value(frame: Frame) -> int:
    return int(frame.image[0, 0, 0])


def _fail(frame: Frame) -> int:
    if frame.index == 1:
        raise ZeroDivisionError
    return frame.index


def test_pairs_to_the_end_then_closed() -> None:
    source = Watched()
    stream = Stream(source, _value)
    assert math.isnan(stream.latency_s) and stream.source is source
    assert [(frame.index, value) for frame, value in stream] == [(0, 0), (1, 1), (2, 2)]
    assert source.closed == 1 and list(stream) == []


def test_latency_is_that_of_the_work() -> None:
    stream = Stream(Watched(1), lambda frame: time.sleep(0.02))
    next(stream)
    assert 0.02 <= stream.latency_s < 5


def test_an_error_of_the_work_closes_the_source() -> None:
    source = Watched()
    stream = Stream(source, _fail)
    next(stream)
    with pytest.raises(ZeroDivisionError):
        next(stream)
    assert source.closed == 1


def test_leaving_early_closes_with_with_and_without() -> None:
    source = Watched()
    with Stream(source, _value) as stream:
        next(stream)
    assert source.closed == 1
    source = Watched()
    for _ in Stream(source, _value):
        break
    assert source.closed == 1


# asyncio


async def _collect(source: Watched, work: Any = _value) -> list[int]:
    return [result async for _, result in iterate_async(lambda: Stream(source, work))]


def test_async_to_the_end() -> None:
    source = Watched()
    assert asyncio.run(_collect(source)) == [0, 1, 2]
    assert source.closed == 1 and threads() == []


def test_async_works_in_another_thread_while_the_loop_turns() -> None:
    async def main() -> tuple[set[int], int]:
        turns = 0

        async def turn() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0.001)

        def work(frame: Frame) -> int:
            time.sleep(0.05)
            return threading.get_ident()

        turning = asyncio.create_task(turn())
        idents = {ident async for _, ident in iterate_async(lambda: Stream(Watched(), work))}
        turning.cancel()
        return idents, turns

    idents, turns = asyncio.run(main())
    assert len(idents) == 1 and threading.get_ident() not in idents and turns > 10


def test_async_errors_of_opening_and_of_working_come_out() -> None:
    async def opening() -> None:
        async for _ in iterate_async(lambda: Stream(open_source("none.mp4"), _value)):
            raise AssertionError

    with pytest.raises(SourceError, match="no such file"):
        asyncio.run(opening())
    source = Watched()
    with pytest.raises(ZeroDivisionError):
        asyncio.run(_collect(source, _fail))
    assert source.closed == 1 and threads() == []


def test_async_leaving_early_closes() -> None:
    source = Watched()

    async def main() -> None:
        async with contextlib.aclosing(iterate_async(lambda: Stream(source, _value))) as stream:
            async for _ in stream:
                break
        assert source.closed == 1

    asyncio.run(main())
    assert threads() == []


def test_async_cancelling_closes_a_camera_that_gives_no_picture() -> None:
    """The thread waits for a frame that does not come; cancelling must not wait for it."""
    hang = threading.Event()

    def steps() -> Iterator[Any]:
        yield picture()
        hang.wait(10)

    opener = Opener(FakeCapture(steps()))
    policy = RetryPolicy(close_s=0.05)

    async def watch(seen: asyncio.Event) -> None:
        camera = lambda: Stream(open_source(0, open_capture=opener, policy=policy), _value)  # noqa: E731
        async for _ in iterate_async(camera):
            seen.set()

    async def main() -> float:
        seen = asyncio.Event()
        task = asyncio.create_task(watch(seen))
        await seen.wait()
        await asyncio.sleep(0.02)
        start_s = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - start_s

    assert asyncio.run(main()) < 3
    assert [name for name in threads() if "stream" in name] == []
    hang.set()


def test_async_cancelling_while_opening_closes_what_was_opened() -> None:
    begun, go_on, source = threading.Event(), threading.Event(), Watched()

    def slow() -> Stream[int]:
        begun.set()
        go_on.wait(10)
        return Stream(source, _value)

    async def consume() -> None:
        async for _ in iterate_async(slow):
            raise AssertionError

    async def main() -> None:
        task = asyncio.create_task(consume())
        while not begun.is_set():
            await asyncio.sleep(0.001)
        task.cancel()
        asyncio.get_running_loop().call_later(0.02, go_on.set)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert source.closed == 1 and threads() == []
