"""The live page: a stream with its poses in a browser, for boards without a screen (``hpe-edge serve``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hpe_edge.errors import missing_dependency
from hpe_edge.images import import_cv2

if TYPE_CHECKING:
    from hpe_edge.serve.server import Address, Settings
    from hpe_edge.serve.worker import OpenSource, Picture, Stream

__all__ = ["check_dependencies", "serve"]


def check_dependencies() -> None:
    """Check that the packages of the extra ``serve`` are there.

    Raises:
        MissingDependencyError: one is not; the message names the pip command.
    """
    try:
        import aiohttp  # noqa: F401
    except ModuleNotFoundError as error:
        raise missing_dependency("aiohttp", "serve", "the live page") from error
    import_cv2("the live page")


def serve(
    open_source: OpenSource,
    stream: Stream,
    *,
    settings: Settings | None = None,
    picture: Picture | None = None,
    on_ready: Callable[[Address], None] = lambda address: None,
) -> dict[str, Any]:
    """Show a stream of frames and poses in browsers, until Ctrl-C or SIGTERM.

    One thread runs ``for frame, poses in stream(source)``. Each frame is encoded once and handed to every viewer; a
    viewer that is slow misses frames, and neither the loop nor the others wait for it. At the end of a file the
    page stays, with its last frame.

    Args:
        open_source: opens the source, e.g. ``lambda on_event: open_source("walk.mp4", on_event=on_event)``.
        stream: e.g. ``HeadPose().stream``.
        settings: where and to whom; by default only to this machine, at port 8765.
        picture: how frames are played and shown.
        on_ready: called with the address as soon as the page answers.

    Returns:
        What ``/metrics.json`` said last.

    Raises:
        SourceError: the source cannot be opened, or fails for good; the page says so before it goes.
        InvalidArgumentError: the address or port cannot be used, or the token is too short.
        MissingDependencyError: ``pip install 'hpe-edge[serve]'``.

    >>> import inspect
    >>> list(inspect.signature(serve).parameters)
    ['open_source', 'stream', 'settings', 'picture', 'on_ready']
    """
    check_dependencies()
    from hpe_edge.serve.server import Settings, run
    from hpe_edge.serve.worker import Picture

    return run(open_source, stream, settings or Settings(), picture or Picture(), on_ready)
