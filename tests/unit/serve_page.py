"""A served live page for tests, its clients, and what they say."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import Any

import numpy as np
from aiohttp import ClientWebSocketResponse, WSMsgType
from aiohttp.test_utils import TestClient, TestServer

from hpe_edge import HeadPoses
from hpe_edge.images import ImageArray
from hpe_edge.serve.access import Access
from hpe_edge.serve.app import LIVE, Live, make_app
from hpe_edge.serve.messages import unpack
from hpe_edge.serve.server import Settings, make_live
from hpe_edge.serve.worker import OpenSource, Picture
from hpe_edge.sources import Frame, open_source

NOISE = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
TOKEN = "a-token-for-tests"


def stream(frames: Iterable[Frame]) -> Iterator[tuple[Frame, HeadPoses]]:
    """Every frame shows one head, whose yaw is the number of the frame."""
    for frame in frames:
        yield frame, HeadPoses.from_euler(np.array([[frame.index % 90, 0.0, 0.0]]), np.array([[10.0, 10, 40, 40]]))


def pictures(count: int, fps: float = 100.0, image: ImageArray = NOISE) -> OpenSource:
    return lambda on_event: open_source([image] * count, fps=fps, on_event=on_event)


Client = TestClient[Any, Any]


@contextlib.asynccontextmanager
async def page(
    source: OpenSource | None = None, picture: Picture | None = None, access: Access | None = None, **settings: Any
) -> AsyncIterator[Client]:
    """A served page and a client of it; frames flow from the start."""
    picture = picture or Picture(loop=True)
    live = make_live(source or pictures(50), stream, Settings(**settings), picture, access or Access())
    async with TestClient(TestServer(make_app(live))) as client:
        live.worker.start()
        try:
            yield client
        finally:
            await asyncio.to_thread(live.worker.stop)


def live_of(client: Client) -> Live:
    assert client.app is not None
    return client.app[LIVE]


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 30))


async def next_frame(viewer: ClientWebSocketResponse) -> tuple[dict[str, Any], bytes]:
    """The next frame, which is said to be shown."""
    while True:
        message = await viewer.receive(timeout=10)
        assert message.type in (WSMsgType.BINARY, WSMsgType.TEXT), message
        if message.type is WSMsgType.BINARY:
            header, jpeg = unpack(message.data)
            await viewer.send_str(json.dumps({"shown": header["serial"]}))
            return header, jpeg


async def state(viewer: ClientWebSocketResponse, name: str) -> dict[str, Any]:
    """The first status that says this."""
    while True:
        message = await viewer.receive(timeout=10)
        assert message.type in (WSMsgType.BINARY, WSMsgType.TEXT), message
        if message.type is WSMsgType.TEXT and json.loads(message.data)["state"] == name:
            said: dict[str, Any] = json.loads(message.data)
            return said


async def until(true: Callable[[], object]) -> None:
    """Wait for something to become true; the test's own limit ends it."""
    while not true():
        await asyncio.sleep(0.02)


def connect_and_never_read(port: int) -> socket.socket:
    """A viewer whose handshake is right, and who reads nothing after it."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect(("127.0.0.1", port))
    key = base64.b64encode(os.urandom(16)).decode()
    raw.sendall(
        f"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
    )
    return raw
