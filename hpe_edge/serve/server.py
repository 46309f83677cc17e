"""Runs the live page: the worker's thread, the application, and an orderly end of both."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from hpe_edge.errors import InvalidArgumentError
from hpe_edge.serve.access import Access, choose_token, own_names
from hpe_edge.serve.app import Live, make_app
from hpe_edge.serve.broadcast import Broadcast, call_in
from hpe_edge.serve.worker import OpenSource, Picture, State, Stream, Worker

SHUTDOWN_S: Final = 2.0


@dataclass(frozen=True)
class Settings:
    """Where and to whom the page is served.

    Attributes:
        host: address to listen on; any but loopback needs a token.
        port: 0 takes a free one.
        token: what viewers must know; ``None``: a new one where ``host`` is not loopback, otherwise none.
        allow_hosts: more names under which the page may be asked for (those of a reverse proxy).
        max_viewers: at once.
        labels: what the page says about itself, ``{"source": ..., "model": ...}``.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    token: str | None = None
    allow_hosts: tuple[str, ...] = ()
    max_viewers: int = 16
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Address:
    """Where the page is.

    Attributes:
        url: to open in a browser, with the token where there is one.
        host, port, token: its parts; the port is the real one.
    """

    url: str
    host: str
    port: int
    token: str | None


async def serve_async(
    open_source: OpenSource,
    stream: Stream,
    settings: Settings,
    picture: Picture,
    on_ready: Callable[[Address], None],
    stop: asyncio.Event,
) -> dict[str, Any]:
    """Serve until ``stop`` is set or the source fails; see :func:`hpe_edge.serve.serve`."""
    access = Access(choose_token(settings.host, settings.token), (*own_names(), *settings.allow_hosts))
    listener = _listen(settings.host, settings.port)
    with contextlib.closing(listener):
        live = make_live(open_source, stream, settings, picture, access)
        runner = web.AppRunner(make_app(live), access_log=None, shutdown_timeout=SHUTDOWN_S)
        try:
            await runner.setup()
            await web.SockSite(runner, listener).start()
            live.worker.start()
            on_ready(_address(settings.host, listener, access.token))
            await _until(live, stop)
        finally:
            await asyncio.to_thread(live.worker.stop)
            await runner.cleanup()
        return live.metrics()


def make_live(open_source: OpenSource, stream: Stream, settings: Settings, picture: Picture, access: Access) -> Live:
    """Open the source and put worker, broadcast and access together; needs a running event loop."""
    loop = asyncio.get_running_loop()
    broadcast = Broadcast(loop)

    def on_state(state: State) -> None:
        call_in(loop, lambda: _enter(live, state))

    worker = Worker(open_source, stream, picture, broadcast, on_state)
    live = Live(worker, broadcast, access, settings.labels, settings.max_viewers)
    return live


def _enter(live: Live, state: State) -> None:
    live.state = state
    live.tell()


async def _until(live: Live, stop: asyncio.Event) -> None:
    """Wait for the stop, whatever the worker does, unless it fails: then say so on the page, and raise."""
    finished = asyncio.wrap_future(live.worker.finished)
    stopping = asyncio.create_task(stop.wait())
    waiting: list[asyncio.Future[Any]] = [finished, stopping]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    if finished.done() and (error := finished.exception()) is not None:
        stopping.cancel()
        _enter(live, State("failed", " ".join(str(error).split())))
        await asyncio.sleep(0.2)  # time to tell the viewers
        raise error
    await stopping


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket, or what is wrong with the address."""
    try:
        family, kind, proto, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError) as error:
        raise InvalidArgumentError(f"host: expected an address of this machine, got {host!r} ({error})") from error
    except OverflowError as error:
        raise InvalidArgumentError(f"port: expected 0 to 65535, got {port}") from error
    listener = socket.socket(family, kind, proto)
    try:
        # At once after a restart; on Windows it would let two servers share the port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, hasattr(signal, "SIGKILL"))
        listener.bind(where)
        listener.listen(128)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise InvalidArgumentError(_why_not(host, port, error)) from error
    return listener


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port: expected a free one, got {port}, which another program uses on {host}; --port 0 finds a free one"
    if error.errno == errno.EACCES:
        return f"port: expected one that this user may open, got {port}; use one above 1023"
    return f"host: expected an address of this machine, got {host!r} ({error.strerror})"


def _address(host: str, listener: socket.socket, token: str | None) -> Address:
    port = int(listener.getsockname()[1])
    shown = _outward_address(listener.family) if host in ("0.0.0.0", "::") else host
    url = f"http://{f'[{shown}]' if ':' in shown else shown}:{port}/{'' if token is None else f'?token={token}'}"
    return Address(url, host, port, token)


def _outward_address(family: int) -> str:
    """The address under which the local network knows this machine; connecting UDP sends nothing."""
    target = "2001:db8::1" if family == socket.AF_INET6 else "192.0.2.1"  # for documentation, RFC 5737 and 3849
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((target, 9))
        except OSError:  # no network: only this machine can look
            return "::1" if family == socket.AF_INET6 else "127.0.0.1"
        return str(probe.getsockname()[0])


def run(
    open_source: OpenSource, stream: Stream, settings: Settings, picture: Picture, on_ready: Callable[[Address], None]
) -> dict[str, Any]:
    """Serve until Ctrl-C or SIGTERM."""

    async def main() -> dict[str, Any]:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        # Windows has no such handlers in its event loop, and threads may set none: there, asyncio.run
        # cancels what runs, and the same cleaning up is done.
        if sys.platform != "win32" and threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, stop.set)
        return await serve_async(open_source, stream, settings, picture, on_ready, stop)

    return asyncio.run(main())


@contextlib.contextmanager
def serve_in_thread(
    open_source: OpenSource, stream: Stream, *, settings: Settings, picture: Picture
) -> Iterator[Address]:
    """Serve while the caller does something else; the page ends with the ``with``.

    Args, Raises:
        As :func:`hpe_edge.serve.serve`; what goes wrong once the page is there is raised at the end.
    """
    ready: Future[tuple[Address, Callable[[], None]]] = Future()

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()

        def on_ready(address: Address) -> None:
            ready.set_result((address, lambda: call_in(loop, stop.set)))

        await serve_async(open_source, stream, settings, picture, on_ready, stop)

    with ThreadPoolExecutor(1, thread_name_prefix="hpe-edge-page") as pool:
        served = pool.submit(asyncio.run, main())
        either: list[Future[Any]] = [ready, served]
        wait(either, return_when=FIRST_COMPLETED)
        if not ready.done():
            served.result()
        address, end = ready.result()
        try:
            yield address
        finally:
            end()
        served.result()
