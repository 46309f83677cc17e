"""The code of the documentation's pages: Markdown's fenced blocks, what is run of them and why not of others.

A block is run unless a comment right before it says why it is not::

    <!-- not run: needs the photographs of AFLW2000 -->

and ``<!-- shell not run: ... -->`` says so for all shell blocks of its page.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SHELLS = ("sh", "bash", "shell", "console")
PYTHONS = ("python", "python3", "py")
LEAST_REASON = 12

_FENCE = re.compile(
    r"(?:^<!-- not run: (?P<reason>(?:(?!-->).)*) -->\n)?"
    r"^(?P<fence>```+)(?P<language>[\w+-]*)[^\n]*\n(?P<body>.*?)^(?P=fence) *$",
    re.M | re.S,
)
_PAGE = re.compile(r"<!-- shell not run: (.*?) -->", re.S)

# Commands that are the same on every page, with what runs them instead.
_ELSEWHERE = re.compile(
    r"(\S*/)?(pip|pipx|apt-get|apt) (un)?install\b"  # installs: scripts/check_wheel.sh
    r"|(\S*/)?python3? -m venv\b"
    r"|(\S*/)?python3? examples/\S+\.py\b"  # tests/integration/test_examples.py
    r"|bash scripts/test\.sh\b"  # this very run
)
# A page may name any command; a test runs only those that change nothing but the folder they are run in.
HARMLESS = re.compile(r"(hpe-edge|python -m hpe_edge)\s")


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        name: page and line, for messages.
        language: as the fence says.
        code: its text.
        reason: why it is not run; ``None`` when it is.
    """

    name: str
    language: str
    code: str
    reason: str | None

    @property
    def python(self) -> bool:
        return self.language in PYTHONS

    @property
    def shell(self) -> bool:
        return self.language in SHELLS


def pages() -> list[Path]:
    """README and all pages of the documentation, but for the parts that the site's build makes."""
    docs = ROOT / "docs"
    return [ROOT / "README.md", *sorted(path for path in docs.rglob("*.md") if "generated" not in path.parts)]


def blocks(page: Path) -> list[Block]:
    """The blocks of a page in their order; those inside other directives, too."""
    text = page.read_text("utf-8")
    flat, whole = _without_grids(text), _PAGE.search(text)
    found = []
    for match in _FENCE.finditer(flat):
        language = match["language"]
        reason = match["reason"] or (whole[1] if whole is not None and language in SHELLS else None)
        line = flat[: match.start("body")].count("\n")
        found.append(Block(f"{page.relative_to(ROOT)}:{line}", language, match["body"], reason))
    return found


def _without_grids(text: str) -> str:
    """Colon fences hold other blocks: their own lines are left out."""
    return re.sub(r"^:::+.*$", "", text, flags=re.M)


def commands(code: str) -> list[str]:
    """The commands of a shell block: continuation lines joined, prompts, comments and output left out."""
    lines = code.replace("\\\n", " ").splitlines()
    if any(line.startswith("$ ") for line in lines):
        lines = [line[2:] for line in lines if line.startswith("$ ")]
    parts = (part.strip() for line in lines for part in line.split(" && "))
    return [part for part in parts if part and not part.startswith("#")]


def runs_elsewhere(command: str) -> bool:
    """Whether another test runs it; an example has to be there."""
    if example := re.search(r"examples/\S+\.py", command):
        assert (ROOT / example[0]).is_file(), f"no such example: {command}"
    return _ELSEWHERE.match(command) is not None


def arguments(command: str) -> list[str] | None:
    """Of a plain ``hpe-edge`` command, without redirections; ``None`` for any other and for a shell's loop."""
    if not command.startswith("hpe-edge ") or re.search(r"\$[\w({]", command.partition(">")[0]):
        return None
    words = shlex.split(command, comments=True)[1:]
    ends = [words.index(sign) for sign in ("|", ">", ">>", "2>", ";", "&") if sign in words]
    return words[: min(ends, default=len(words))]
