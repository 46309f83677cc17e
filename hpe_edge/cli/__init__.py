"""The command ``hpe-edge``. The only place of the library that prints."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, cast

import hpe_edge
from hpe_edge import _sdk
from hpe_edge.cli import annotate, bag, bench, doctor, estimate, models, ros_node, serve, video
from hpe_edge.errors import HpeEdgeError

__all__ = ["main"]

_SDK_COMMANDS = {
    "estimate": estimate,
    "video": video,
    "serve": serve,
    "annotate": annotate,
    "bag": bag,
    "ros-node": ros_node,
    "bench": bench,
    "doctor": doctor,
    "models": models,
}

_EPILOG = """\
examples:
  hpe-edge estimate party.jpg --draw out.png
  hpe-edge estimate head.jpg --crop --json
  hpe-edge video interview.mp4 --out annotated.mp4 --csv poses.csv
  hpe-edge serve --source 0
  hpe-edge annotate photos/ poses/
  hpe-edge bag drive.bag drive_heads.bag
  hpe-edge models list
  hpe-edge bench
  hpe-edge doctor

Angles are in degrees: +yaw, the nose points to image-left; +pitch, the face looks up;
+roll, the head is turned clockwise in the image. Exit codes: 0 done, 2 bad input.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: arguments without the program's name; ``sys.argv[1:]`` when ``None``.

    Returns:
        The exit code: 0 done, 2 bad input (one line on stderr, no traceback), 130 interrupted, 141 when
        the reader of a pipe has gone.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        options = _parser(arguments).parse_args(arguments)
        run = cast(Callable[[argparse.Namespace], int], options.func)
        code = run(options)
        sys.stdout.flush()
        return code
    except HpeEdgeError as error:
        print(f"hpe-edge: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader (head, less) has gone. Python would complain again when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        print("hpe-edge: interrupted", file=sys.stderr)
        return 130


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hpe-edge",
        description="Head pose (yaw, pitch, roll) from images, and the making of the models behind it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Print, find=_version, help="print the version and exit")
    for option, find, what in _FOLDERS:
        parser.add_argument(option, action=_Print, find=find, help=f"print the folder of {what} and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in _SDK_COMMANDS.values():
        module.add_parser(commands)
    # Training brings slow imports: it is only asked for its commands where one of them may be meant.
    own = (*_SDK_COMMANDS, "--version", *(option for option, *_ in _FOLDERS))
    if not arguments or arguments[0] not in own:
        importlib.import_module("hpe_edge.training.cli").add_commands(commands)
    return parser


class _Print(argparse.Action):
    """Prints what ``find`` gives, which is called when asked, so that no other command pays for it."""

    def __init__(
        self, option_strings: Sequence[str], dest: str, find: Callable[[], object], help: str | None = None
    ) -> None:
        super().__init__(option_strings, dest, nargs=0, help=help)
        self._find = find

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(self._find())
        parser.exit(0)


def _version() -> str:
    return f"hpe-edge {hpe_edge.__version__}"


def _models_dir() -> Path:
    from hpe_edge.hub import models_folder

    return models_folder()


_FOLDERS: Final = (
    ("--cmake-dir", _sdk.cmake_dir, "the CMake package of the C++ library (docs/CPP.md)"),
    ("--include-dir", _sdk.include_dir, "its headers"),
    ("--pkgconfig-dir", _sdk.pkgconfig_dir, "its pkg-config file"),
    ("--models-dir", _models_dir, "the bundled models' cards"),
)
