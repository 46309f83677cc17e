"""Who gets the live page: tokens, names and origins over real connections."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import WSServerHandshakeError
from serve_page import (
    TOKEN,
    next_frame,
    page,
    run,
)

from hpe_edge.serve.access import Access


def test_the_token_becomes_a_cookie_and_leaves_the_address() -> None:
    async def test() -> None:
        async with page(access=Access(TOKEN)) as client:
            assert (await client.get("/healthz")).status == 200
            for path in ("/metrics.json", "/main.js", "/token.html", "/nothing"):
                assert (await client.get(path)).status == 401, path
            asked = await client.get("/")
            assert asked.status == 401 and "token" in await asked.text()
            assert (await client.get("/", params={"token": TOKEN + "x"})).status == 401
            with pytest.raises(WSServerHandshakeError):
                await client.ws_connect("/ws")
            signed = await client.get("/", params={"token": TOKEN}, allow_redirects=False)
            assert signed.status == 303 and TOKEN not in signed.headers["Location"]
            assert TOKEN not in signed.headers["Set-Cookie"]
            assert "HttpOnly" in signed.headers["Set-Cookie"] and "SameSite=Strict" in signed.headers["Set-Cookie"]
            cookie = {"Cookie": signed.headers["Set-Cookie"].partition(";")[0]}
            assert (await client.get("/", headers=cookie)).status == 200
            async with client.ws_connect("/ws", headers=cookie) as viewer:
                await next_frame(viewer)

    run(test)


@pytest.mark.parametrize(
    ("value", "status"),
    [(f"Bearer {TOKEN}", 200), (f"bearer  {TOKEN}", 200), ("Bearer x", 401), (f"Basic {TOKEN}", 401), ("Bearer", 401)],
)
def test_a_program_sends_the_token_in_a_header(value: str, status: int) -> None:
    async def test() -> None:
        async with page(access=Access(TOKEN)) as client:
            reply = await client.get("/metrics.json", headers={"Authorization": value})
            assert reply.status == status

    run(test)


def test_bytes_that_are_no_text_are_no_token() -> None:
    async def test() -> None:
        async with page(access=Access(TOKEN)) as client:
            reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
            writer.write(b"GET /main.js HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \xff\xfe\r\n\r\n")
            assert b" 401 " in await reader.readline()
            writer.close()

    run(test)


def test_foreign_names_and_pages_are_refused() -> None:
    async def test() -> None:
        async with page() as client:
            for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
                assert (await client.get("/metrics.json", headers=headers)).status == 403, headers
                with pytest.raises(WSServerHandshakeError) as refused:
                    await client.ws_connect("/ws", headers=headers)
                assert refused.value.status == 403
            own = {"Origin": f"http://127.0.0.1:{client.port}"}
            async with client.ws_connect("/ws", headers=own) as viewer:
                await next_frame(viewer)

    run(test)
