"""The web application: the page's files, the stream, metrics, and who may have them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

from aiohttp import WSCloseCode, WSMsgType, web

from hpe_edge.serve.access import Access
from hpe_edge.serve.broadcast import Broadcast, Viewer
from hpe_edge.serve.worker import State, Worker

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

PAGE: Final = Path(__file__).with_name("page")
STATUS_PERIOD_S: Final = 1.0
HEARTBEAT_S: Final = 15.0  # a viewer that answers no ping for half of this is taken to be gone
CLOSE_S: Final = 1.0  # how long a viewer may take to say goodbye

_TYPES: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass
class Live:
    """What the handlers share; belongs to the event loop.

    Attributes:
        worker, broadcast, access: see their classes.
        labels: what the page says about itself, ``{"source": ..., "model": ...}``.
        max_viewers: at once; more are refused.
        state: what the worker does.
    """

    worker: Worker
    broadcast: Broadcast
    access: Access
    labels: dict[str, str]
    max_viewers: int
    state: State = field(default_factory=lambda: State("starting", "waiting for the first frame"))

    def metrics(self) -> dict[str, Any]:
        """JSON-ready: state, rates and latencies of the worker, viewers and their drops."""
        return {
            "state": self.state.name,
            "detail": self.state.detail,
            **self.labels,
            **self.worker.meter.as_dict(),
            "viewers": len(self.broadcast.viewers),
            "viewers_total": self.broadcast.viewers_total,
            "drops": self.broadcast.dropped,
        }

    def tell(self) -> None:
        """Send the metrics to every viewer, each with its own."""
        metrics = self.metrics()
        for viewer in self.broadcast.viewers:
            own = {"sent": viewer.sent, "drops": viewer.dropped, "shown_ms": viewer.shown_ms}
            viewer.tell(json.dumps({**metrics, "viewer": own}))


LIVE: Final = web.AppKey("live", Live)
_SOCKETS: Final = web.AppKey("sockets", set[web.WebSocketResponse])


def make_app(live: Live) -> web.Application:
    """The application: ``/`` and its files, ``/ws``, ``/metrics.json``, ``/healthz``."""
    app = web.Application(middlewares=[_guard])
    app[LIVE] = live
    app[_SOCKETS] = set()
    app.router.add_get("/healthz", _health)
    app.router.add_get("/metrics.json", _metrics)
    app.router.add_get("/ws", _stream)
    for path in PAGE.iterdir():
        app.router.add_get("/" if path.name == "index.html" else f"/{path.name}", _file(path))
    app.on_shutdown.append(_close_sockets)
    app.cleanup_ctx.append(_tell_regularly)
    return app


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Host, Origin and token, then headers that keep the page to itself."""
    access = request.app[LIVE].access
    host = request.headers.get("Host")
    if not access.allows_host(host):
        return _refusal(403, f"this server is not called {host!r}; use its number, or start it with --allow-host")
    if not access.allows_origin(request.headers.get("Origin"), host):
        return _refusal(403, "requests from pages of other sites are refused")
    if request.path == "/" and "token" in request.query:
        return _sign_in(request, access)
    # Health says nothing about what is seen, and what asks for it (a supervisor) has no token.
    if request.path != "/healthz" and not _signed_in(request, access):
        return _ask_for_token(request)
    try:
        response = await handler(request)
    except web.HTTPException as error:  # 404, 405: aiohttp's own
        return _refusal(error.status, error.reason)
    if not response.prepared:
        response.headers.update(_HEADERS)
    return response


def _signed_in(request: web.Request, access: Access) -> bool:
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer" and access.allows_token(given.strip()):
        return True
    return access.allows_cookie(request.cookies.get(_cookie_name(request)))


def _sign_in(request: web.Request, access: Access) -> web.Response:
    """The token of the address becomes a cookie, and leaves the address, the history and the referrer."""
    if not access.allows_token(request.query["token"]):
        return _ask_for_token(request)
    response = web.Response(status=303, headers={**_HEADERS, "Location": "./"})
    if access.token is not None:
        response.set_cookie(_cookie_name(request), access.cookie, httponly=True, samesite="Strict", path="/")
    return response


def _cookie_name(request: web.Request) -> str:
    # Cookies do not tell ports apart: two servers on one machine would overwrite each other's.
    return f"hpe_edge_{request.url.port}"


def _ask_for_token(request: web.Request) -> web.Response:
    if request.path == "/" and request.method == "GET":
        return web.Response(
            status=401, body=(PAGE / "token.html").read_bytes(), content_type="text/html", headers=_HEADERS
        )
    return _refusal(401, "expected the token: open /?token=TOKEN once, or send the header Authorization: Bearer TOKEN")


def _refusal(status: int, reason: str) -> web.Response:
    return web.json_response({"error": reason}, status=status, headers=_HEADERS)


def _file(path: Path) -> Handler:
    body, kind = path.read_bytes(), _TYPES[path.suffix]

    async def send(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type=kind, charset="utf-8")

    return send


async def _health(request: web.Request) -> web.Response:
    state = request.app[LIVE].state.name
    return web.json_response({"state": state}, status=503 if state == "failed" else 200)


async def _metrics(request: web.Request) -> web.Response:
    return web.json_response(request.app[LIVE].metrics())


async def _stream(request: web.Request) -> web.StreamResponse:
    """One viewer: frames and status go out, the serials of shown frames come in."""
    live = request.app[LIVE]
    if len(live.broadcast.viewers) >= live.max_viewers:
        return _refusal(503, f"{live.max_viewers} viewers are here already; start with --max-viewers for more")
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, timeout=CLOSE_S, max_msg_size=256, compress=False)
    viewer = live.broadcast.join()
    sender = None
    try:
        await socket.prepare(request)
        request.app[_SOCKETS].add(socket)
        live.tell()
        sender = asyncio.create_task(_send(socket, viewer))
        await _listen(socket, viewer)
    finally:
        live.broadcast.leave(viewer)
        request.app[_SOCKETS].discard(socket)
        if sender is not None:
            sender.cancel()
            await asyncio.wait([sender])
    return socket


async def _send(socket: web.WebSocketResponse, viewer: Viewer) -> None:
    try:
        while True:
            status, frame = await viewer.take()
            if status is not None:
                await socket.send_str(status)
            if frame is not None:
                await socket.send_bytes(frame.data)
    except ConnectionError:
        return  # the viewer has gone; _listen hears of it too


async def _listen(socket: web.WebSocketResponse, viewer: Viewer) -> None:
    async for message in socket:
        serial = _serial(message.data) if message.type is WSMsgType.TEXT else None
        if serial is None:
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b'expected {"shown": serial}')
            return
        viewer.shown(serial)


def _serial(text: str) -> int | None:
    try:
        serial = json.loads(text)["shown"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return serial if isinstance(serial, int) else None


async def _tell_regularly(app: web.Application) -> Any:
    async def tell() -> None:
        while True:
            await asyncio.sleep(STATUS_PERIOD_S)
            app[LIVE].tell()

    task = asyncio.create_task(tell())
    yield
    task.cancel()


async def _close_sockets(app: web.Application) -> None:
    closing = [socket.close(code=WSCloseCode.GOING_AWAY, message=b"the server stops") for socket in app[_SOCKETS]]
    if closing:
        # A viewer that reads nothing cannot be told; its connection is cut with the server.
        await asyncio.wait([asyncio.ensure_future(close) for close in closing], timeout=2 * CLOSE_S)
