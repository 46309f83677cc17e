"""How the live page ends: the end of a source, errors, a stop."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Iterable, Iterator
from typing import Any

import numpy as np
import pytest
from aiohttp import ClientSession
from serve_page import (
    TOKEN,
    connect_and_never_read,
    live_of,
    next_frame,
    page,
    pictures,
    run,
    state,
    stream,
    until,
)

from hpe_edge import HeadPoses
from hpe_edge.errors import InvalidArgumentError, SourceError
from hpe_edge.serve.server import Settings, serve_async, serve_in_thread
from hpe_edge.serve.worker import OpenSource, Picture
from hpe_edge.sources import Frame, Source, open_source


def test_who_comes_after_the_end_sees_the_last_frame() -> None:
    async def test() -> None:
        async with page(pictures(3), Picture()) as client:
            await until(lambda: live_of(client).state.name == "ended")
            async with client.ws_connect("/ws") as viewer:
                header, _ = await next_frame(viewer)
                assert header["index"] == 2
                assert "--loop" in (await state(viewer, "ended"))["detail"]
            assert (await client.get("/healthz")).status == 200

    run(test)


def test_a_loop_goes_on_and_its_clock_too() -> None:
    async def test() -> None:
        async with page(pictures(3, fps=50)) as client, client.ws_connect("/ws") as viewer:
            seen = [(await next_frame(viewer))[0] for _ in range(10)]
            assert {header["index"] for header in seen} == {0, 1, 2}
            assert all(np.diff([header["clock_s"] for header in seen]) > 0)

    run(test)


def _serve(source: OpenSource, stop: asyncio.Event | None = None, **settings: Any) -> Awaitable[dict[str, Any]]:
    settings = {"port": 0, **settings}
    return serve_async(source, stream, Settings(**settings), Picture(), lambda _: None, stop or asyncio.Event())


def test_a_source_that_cannot_be_opened_is_an_error_before_the_page_is_there() -> None:
    with pytest.raises(SourceError, match="nothing-here"):
        asyncio.run(_serve(lambda on_event: open_source("nothing-here.mp4")))


def test_a_source_that_fails_is_told_to_viewers_and_then_raised() -> None:
    def failing(frames: Iterable[Frame]) -> Iterator[tuple[Frame, HeadPoses]]:
        yield from zip(range(0), range(0), strict=True)  # type: ignore[misc]
        time.sleep(0.5)
        raise SourceError("camera 0: gave no frame for 10 s")

    async def test() -> None:
        ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        served = asyncio.create_task(
            serve_async(
                pictures(3),
                failing,
                Settings(port=0),
                Picture(),
                lambda address: ready.set_result(address.port),
                asyncio.Event(),
            )
        )
        address = f"ws://127.0.0.1:{await ready}/ws"
        async with ClientSession() as client, client.ws_connect(address) as viewer:
            assert "gave no frame" in (await state(viewer, "failed"))["detail"]
            while not viewer.closed:
                await viewer.receive(timeout=5)
        with pytest.raises(SourceError, match="gave no frame"):
            await served

    run(test)


class _Empty:
    live = False

    def __iter__(self) -> Iterator[Frame]:
        return iter(())

    def __enter__(self) -> _Empty:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def close(self) -> None:
        return


def test_a_source_without_frames_is_an_error_and_no_endless_loop() -> None:
    def empty(_: object) -> Source:
        return _Empty()  # type: ignore[return-value]

    with (
        pytest.raises(SourceError, match="at least one frame"),
        serve_in_thread(empty, stream, settings=Settings(port=0), picture=Picture(loop=True)),
    ):
        time.sleep(0.5)


def test_a_port_in_use_says_so() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(InvalidArgumentError, match=f"port: expected a free one, got {port}.*--port 0"):
            asyncio.run(_serve(pictures(3), port=port))


@pytest.mark.parametrize("host", ["203.0.113.77", "no.such.host.invalid", "a..b"])
def test_an_address_of_another_machine_says_so(host: str) -> None:
    with pytest.raises(InvalidArgumentError, match="host: expected an address of this machine"):
        asyncio.run(_serve(pictures(3), host=host, token=TOKEN))


def test_a_stop_ends_everything_even_with_a_viewer_that_never_reads() -> None:
    threads = threading.active_count()
    start_s = time.monotonic()
    with serve_in_thread(pictures(1000), stream, settings=Settings(port=0), picture=Picture()) as address:
        raw = connect_and_never_read(address.port)
        time.sleep(0.5)
    raw.close()
    assert time.monotonic() - start_s < 12 and threading.active_count() <= threads
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", address.port), timeout=1)


def test_beyond_loopback_the_address_has_a_token() -> None:
    settings = Settings(host="0.0.0.0", port=0)
    with serve_in_thread(pictures(5), stream, settings=settings, picture=Picture()) as address:
        assert address.token is not None and address.url.endswith(f"/?token={address.token}")
        assert "0.0.0.0" not in address.url
