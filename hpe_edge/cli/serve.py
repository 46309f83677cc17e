"""``hpe-edge serve``: a video or camera with its head poses, live in the browser."""

from __future__ import annotations

import argparse
import json
import math
import os
from functools import partial
from typing import TYPE_CHECKING, Any

from hpe_edge.cli.pipeline import add_model_options, add_smoothing_option, open_pose, smoothing_of, source_of
from hpe_edge.errors import InvalidArgumentError

if TYPE_CHECKING:
    from hpe_edge.estimator import HeadPose
    from hpe_edge.serve.server import Address, Settings

TOKEN_VARIABLE = "HPE_EDGE_TOKEN"

_EPILOG = f"""\
examples:
  hpe-edge serve --source 0
  hpe-edge serve --source walk.mp4 --loop
  hpe-edge serve --source rtsp://10.0.0.7/door --host 0.0.0.0
  ssh -L 8765:localhost:8765 board      (the page of a board here, nothing opened to the network)

Only this machine reaches the page, unless --host says otherwise; then viewers need the token, which is part of the
printed address. {TOKEN_VARIABLE} holds one without showing it in the list of processes. The connection is not
encrypted: beyond a network that you trust, use the tunnel above or a reverse proxy with TLS (--allow-host NAME).
A viewer that is too slow misses frames; it slows nothing down. /metrics.json and /healthz are for machines.
Ctrl-C ends. Exit codes: 0 ended by Ctrl-C or SIGTERM, 2 bad input or a source that failed.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "serve",
        help="a video or camera with its head poses, live in the browser",
        description="Show a stream with its head poses in browsers: picture, turning head, plots, rates.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--source",
        required=True,
        metavar="S",
        help="video file, folder of images, number of a camera, rtsp:// or http://",
    )
    _add_page_options(parser)
    _add_pipeline_options(parser)
    parser.add_argument("--json", action="store_true", help="a JSON line with the address, one with metrics at the end")
    parser.add_argument("--quiet", action="store_true", help="print the address only")
    parser.set_defaults(func=run)


def _add_page_options(parser: argparse.ArgumentParser) -> None:
    page = parser.add_argument_group("page")
    page.add_argument("--host", default="127.0.0.1", metavar="A", help="address to listen on [%(default)s]")
    page.add_argument("--port", default=8765, type=int, metavar="N", help="0 takes a free one [%(default)s]")
    page.add_argument(
        "--token", metavar="T", help=f"what viewers must know [${TOKEN_VARIABLE}, else made where needed]"
    )
    page.add_argument("--allow-host", nargs="+", default=[], metavar="NAME", help="more names of this server")
    page.add_argument("--max-viewers", default=16, type=int, metavar="N", help="pages open at once [%(default)s]")
    page.add_argument("--fps-limit", default=math.inf, type=float, metavar="F", help="frames a second at most [none]")
    page.add_argument("--loop", action="store_true", help="begin a file again at its end")
    page.add_argument(
        "--view-size", default=1280, type=int, metavar="PX", help="longest side of the picture shown [%(default)s]"
    )
    page.add_argument("--quality", default=80, type=int, metavar="Q", help="of its JPEG, 1 to 100 [%(default)s]")


def _add_pipeline_options(parser: argparse.ArgumentParser) -> None:
    pipeline = parser.add_argument_group("pipeline")
    add_model_options(pipeline)
    where = pipeline.add_mutually_exclusive_group()
    where.add_argument("--detector", default="auto", metavar="D", help="what finds faces [%(default)s]")
    where.add_argument(
        "--box",
        dest="boxes",
        nargs=4,
        type=float,
        action="append",
        metavar=("X0", "Y0", "X1", "Y1"),
        help="tight face box in pixels that holds for all frames; repeat for several faces",
    )
    add_smoothing_option(pipeline)


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    from hpe_edge.serve import check_dependencies, serve

    check_dependencies()
    _check(options)
    from hpe_edge.serve.worker import Picture
    from hpe_edge.sources import open_source

    pose = open_pose(options, detector=options.detector)
    source = source_of(options.source)
    metrics = serve(
        lambda on_event: open_source(source, on_event=on_event),
        partial(pose.stream, boxes=options.boxes, smoothing=smoothing_of(options)),
        settings=_settings(options, pose),
        picture=Picture(options.fps_limit, options.loop, options.view_size, options.quality),
        on_ready=partial(_print_address, options),
    )
    if options.json:
        print(json.dumps(metrics), flush=True)
    elif not options.quiet:
        print(f"stopped after {metrics['frames']} frames and {metrics['viewers_total']} viewers")
    return 0


def _check(options: argparse.Namespace) -> None:
    ranges: dict[str, tuple[float, float]] = {
        "port": (0, 65535),
        "quality": (1, 100),
        "view_size": (16, 16384),
        "max_viewers": (1, 1000),
    }
    for name, (least, most) in ranges.items():
        value = getattr(options, name)
        if not least <= value <= most:
            raise InvalidArgumentError(f"--{name.replace('_', '-')}: expected {least} to {most}, got {value}")
    if not options.fps_limit > 0:
        raise InvalidArgumentError(f"--fps-limit: expected frames a second above 0, got {options.fps_limit:g}")


def _settings(options: argparse.Namespace, pose: HeadPose) -> Settings:
    from hpe_edge.serve.server import Settings
    from hpe_edge.sources.capture import public_name

    info = pose.info
    return Settings(
        host=options.host,
        port=options.port,
        token=options.token or os.environ.get(TOKEN_VARIABLE) or None,
        allow_hosts=tuple(options.allow_host),
        max_viewers=options.max_viewers,
        labels={
            "source": public_name(options.source),
            "model": f"{info.model} {info.model_version}, {info.backend} {info.precision}",
        },
    )


def _print_address(options: argparse.Namespace, address: Address) -> None:
    shown: dict[str, Any] = {"url": address.url, "host": address.host, "port": address.port, "token": address.token}
    if options.json:
        print(json.dumps(shown), flush=True)
    else:
        print(address.url if options.quiet else f"{address.url}   (Ctrl-C ends)", flush=True)
