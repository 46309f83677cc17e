"""The documentation's code runs, and its figure is the one that its script draws."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _blocks() -> list[tuple[str, str]]:
    pages = sorted((ROOT / "docs").glob("*.md"))
    found = [
        (f"{page.name}-{number}", block)
        for page in pages
        for number, block in enumerate(re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.M | re.S))
    ]
    assert any(name.startswith("CONVENTIONS") for name, _ in found)
    return found


BLOCKS = _blocks()


@pytest.mark.parametrize(("name", "block"), BLOCKS, ids=[name for name, _ in BLOCKS])
def test_code_in_the_documentation_runs(name: str, block: str) -> None:
    exec(compile(block, name, "exec"), {"__name__": "documentation"})


def test_the_figure_is_up_to_date() -> None:
    script = ROOT / "docs" / "make_conventions_figure.py"
    done = subprocess.run([sys.executable, str(script), "--check"], check=False)
    assert done.returncode == 0, f"run: python {script.relative_to(ROOT)}"
