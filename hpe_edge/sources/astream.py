"""A stream for asyncio. A module of its own, because importing asyncio takes longer than all other sources."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from hpe_edge.sources.base import Frame
from hpe_edge.sources.stream import Stream

Result = TypeVar("Result")


async def iterate_async(open_stream: Callable[[], Stream[Result]]) -> AsyncGenerator[tuple[Frame, Result], None]:
    """The pairs of a stream; opening, reading and working happen in a thread of their own.

    The source is closed, and the thread has ended, when the generator ends: at the last frame, on an error, when its
    task is cancelled, or by ``aclose()`` (``contextlib.aclosing``) after leaving the loop early.

    Args:
        open_stream: called in that thread.
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix="hpe-edge-stream")
    opening = pool.submit(open_stream)
    try:
        stream = await asyncio.wrap_future(opening)
        # next() with a default, because a future cannot hold StopIteration.
        while (pair := await asyncio.wrap_future(pool.submit(next, stream, None))) is not None:
            yield pair
    finally:
        # In another thread: the one of the pool may be waiting for a frame, which only closing ends.
        await asyncio.shield(asyncio.to_thread(_finish, opening, pool))


def _finish(opening: Future[Stream[Result]], pool: ThreadPoolExecutor) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
    pool.shutdown()
