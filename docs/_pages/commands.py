"""The command line, as its own ``--help`` says it."""

from __future__ import annotations

import io
import os
import re
from contextlib import redirect_stdout, suppress
from unittest import mock

from hpe_edge.cli import main

COMMAND = re.compile(r"^ {4}([a-z][a-z-]*)(?: {2,}.*)?$", re.MULTILINE)


def commands_page() -> str:
    """The help of the program and of each of its commands."""
    program = _help()
    sections = [f"```text\n{program}```\n"]
    for name in COMMAND.findall(program.partition("COMMAND\n")[2].partition("\noptions:")[0]):
        sections.append(f"## hpe-edge {name}\n\n```text\n{_help(name)}```\n")
    return "\n".join(sections)


def _help(*command: str) -> str:
    text = io.StringIO()
    wide = mock.patch.dict(os.environ, COLUMNS="92", NO_COLOR="1")
    with wide, redirect_stdout(text), suppress(SystemExit):  # how argparse ends
        main([*command, "--help"])
    return text.getvalue()
