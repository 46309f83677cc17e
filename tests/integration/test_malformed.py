"""One thousand malformed images and one thousand malformed models: a typed error or the right result, every time.

The cases run in a process of their own (tests/malformed), so that one that ends the process is a failure here and is
named. Seeds are fixed: case 17 is always the same.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parents[1] / "malformed"
COUNT = 1_000
GROWTH_MB = 8.0  # from the half of the cases to their end; noise of the allocator is below 3


@pytest.mark.parametrize("program", ["images", "models"])
def test_malformed_input_is_refused_by_a_typed_error_or_read_rightly(program: str) -> None:
    command = [sys.executable, "-X", "faulthandler", str(PROGRAMS / f"{program}.py"), str(COUNT)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=300)
    assert done.returncode == 0, f"ended with {done.returncode} in case {done.stderr[-3000:]}"
    report = json.loads(done.stdout)
    assert report["count"] == COUNT and not report["wrong"], "\n".join(report["wrong"][:20])
    assert report["growth_mb"] < GROWTH_MB, report
    refused = {name for name in report["outcomes"] if name.endswith("Error")}
    assert report["outcomes"]["right"] > 100 and len(refused) > 1, report["outcomes"]
