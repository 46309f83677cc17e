"""The live page over real connections: frames, several and slow viewers, files and numbers."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from aiohttp import WSMsgType, WSServerHandshakeError
from serve_page import (
    connect_and_never_read,
    live_of,
    next_frame,
    page,
    pictures,
    run,
    state,
    until,
)

from hpe_edge.serve.worker import Picture

# frames


def test_a_viewer_gets_pictures_with_their_poses() -> None:
    async def test() -> None:
        async with page() as client, client.ws_connect("/ws") as viewer:
            before = -1
            for _ in range(5):
                header, jpeg = await next_frame(viewer)
                assert header["serial"] > before
                before = header["serial"]
                assert header["faces"][0]["euler_deg"] == [header["index"] % 90, 0, 0] and header["size"] == [640, 480]
                assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).shape == (480, 640, 3)
                assert header["latency_ms"] > 0
            said = await state(viewer, "playing")
            assert said["fps"] > 5 and said["viewers"] == 1 and said["viewer"]["sent"] >= 5

    run(test)


def test_several_viewers_get_the_same_bytes_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[int] = []

    def encode(*_: object) -> bytes:
        encoded.append(1)
        return os.urandom(8)

    monkeypatch.setattr("hpe_edge.serve.worker.encode_jpeg", encode)

    async def test() -> None:
        async with page(pictures(50, fps=20)) as client:
            viewers = [await client.ws_connect("/ws") for _ in range(4)]
            seen: list[dict[int, bytes]] = []
            for viewer in viewers:
                pairs = [await next_frame(viewer) for _ in range(6)]
                seen.append({header["serial"]: jpeg for header, jpeg in pairs})
            common = set.intersection(*(set(one) for one in seen[:2]))
            assert common and all(seen[0][serial] == seen[1][serial] for serial in common)
            newest = max(serial for one in seen for serial in one)
            assert len(encoded) <= newest + 2

    run(test)


def test_nothing_is_encoded_while_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[int] = []
    monkeypatch.setattr("hpe_edge.serve.worker.encode_jpeg", lambda *_: encoded.append(1) or b"jpeg")

    async def test() -> None:
        async with page() as client:
            await until(lambda: live_of(client).worker.meter.as_dict()["frames"] >= 5)  # type: ignore[operator]
            assert not encoded
            async with client.ws_connect("/ws") as viewer:
                await next_frame(viewer)
            assert encoded

    run(test)


def test_the_limit_of_frames_a_second() -> None:
    async def test() -> None:
        picture = Picture(fps_limit=10, loop=True)
        async with page(pictures(200), picture) as client, client.ws_connect("/ws") as viewer:
            times_s = [(await next_frame(viewer))[0]["clock_s"] for _ in range(8)]
            assert min(np.diff(times_s)) > 0.07

    run(test)


# slow viewers


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_viewer_that_never_reads_slows_nobody_and_costs_no_memory() -> None:
    async def test() -> None:
        async with page(max_viewers=40) as client, client.ws_connect("/ws") as quick:
            live = live_of(client)
            await next_frame(quick)
            stuck = [await asyncio.to_thread(connect_and_never_read, client.port) for _ in range(8)]
            await until(lambda: len(live.broadcast.viewers) == 9)
            resident, start_s = _resident_bytes(), time.monotonic()
            size = 0
            first = (await next_frame(quick))[0]["serial"]
            for _ in range(60):
                header, jpeg = await next_frame(quick)
                size += len(jpeg)
            assert size > 5_000_000, "the pictures are large enough that piling them up would show"
            assert header["serial"] - first < 3 * 60, "the quick viewer missed few"
            assert time.monotonic() - start_s < 10
            assert all(viewer.sent <= 2 for viewer in live.broadcast.viewers if viewer.dropped > 20)
            assert sum(viewer.dropped > 20 for viewer in live.broadcast.viewers) >= 8
            # Eight viewers hold at most two messages each; piled up it would be eight times all of them.
            assert _resident_bytes() - resident < size
            for raw in stuck:
                raw.close()
            await until(lambda: len(live.broadcast.viewers) == 1)
            assert live.broadcast.dropped > 8 * 20, "drops of those that have gone still count"

    run(test)


def test_a_viewer_that_only_says_it_has_shown_frames_is_held_back_too() -> None:
    async def test() -> None:
        async with page() as client:
            live = live_of(client)
            raw = await asyncio.to_thread(connect_and_never_read, client.port)
            await until(lambda: live.broadcast.viewers)
            text = json.dumps({"shown": 10**9}).encode()
            frame = bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text
            for _ in range(100):
                raw.sendall(frame)
                await asyncio.sleep(0.01)
            (viewer,) = live.broadcast.viewers
            # What the system's buffers take; then the connection is full and sending waits.
            sent = viewer.sent
            for _ in range(50):
                raw.sendall(frame)
                await asyncio.sleep(0.01)
            assert viewer.sent - sent <= 2 and viewer.dropped > 10
            raw.close()

    run(test)


def test_no_more_viewers_than_allowed() -> None:
    async def test() -> None:
        async with page(max_viewers=1) as client:
            async with client.ws_connect("/ws") as viewer:
                await next_frame(viewer)
                with pytest.raises(WSServerHandshakeError) as refused:
                    await client.ws_connect("/ws")
                assert refused.value.status == 503
            await until(lambda: not live_of(client).broadcast.viewers)
            async with client.ws_connect("/ws") as viewer:
                await next_frame(viewer)

    run(test)


@pytest.mark.parametrize("said", ["", "{}", "[]", '{"shown": "1"}', "[" * 200, '{"shown": null}', b"\x00\x01"])
def test_nonsense_from_a_viewer_ends_its_connection_alone(said: str | bytes) -> None:
    async def test() -> None:
        async with page() as client, client.ws_connect("/ws") as other, client.ws_connect("/ws") as viewer:
            await (viewer.send_str(said) if isinstance(said, str) else viewer.send_bytes(said))
            while (await viewer.receive(timeout=5)).type != WSMsgType.CLOSE:
                pass
            assert viewer.close_code == 1008
            await next_frame(other)

    run(test)


# files, numbers, health


def test_the_page_and_its_files_are_its_own() -> None:
    async def test() -> None:
        async with page() as client:
            index = await client.get("/")
            text = await index.text()
            assert index.status == 200 and "<canvas" in text and "http" not in text
            assert "default-src 'none'" in index.headers["Content-Security-Policy"]
            for name in (
                "main.js",
                "head.js",
                "plots.js",
                "stage.js",
                "canvas.js",
                "connection.js",
                "style.css",
                "icon.svg",
            ):
                reply = await client.get(f"/{name}")
                assert reply.status == 200 and reply.headers["X-Content-Type-Options"] == "nosniff", name
            for name in ("nothing.js", "..%2fapp.py", "index.html", "%00"):
                reply = await client.get(f"/{name}")
                assert reply.status == 404 and "error" in await reply.json(), name
            assert (await client.post("/")).status == 405

    run(test)


def test_metrics_and_health() -> None:
    async def test() -> None:
        async with page(labels={"source": "test", "model": "none"}) as client, client.ws_connect("/ws") as viewer:
            for _ in range(3):
                await next_frame(viewer)
            said = await (await client.get("/metrics.json")).json()
            assert said["state"] == "playing" and said["source"] == "test" and said["viewers"] == 1
            assert 0 < said["latency_ms"]["p50"] <= said["latency_ms"]["p99"] and said["frames"] >= 3
            assert await (await client.get("/healthz")).json() == {"state": "playing"}

    run(test)
