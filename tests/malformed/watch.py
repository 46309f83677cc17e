"""What both programs of malformed input have in common: judge every case, watch the memory, report in JSON."""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from hpe_edge.errors import HpeEdgeError

Case = tuple[str, str, Callable[[], None]]
"""Its name; ``"right"``, ``"refused"`` or ``"either"``; what is done."""

LONGEST_MESSAGE = 2_000
SLOWEST_S = 10.0


def resident_mb() -> float:
    """Resident memory of this process; 0 where /proc does not say."""
    gc.collect()
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6 if statm.exists() else 0.0


def verdict(check: Callable[[], None]) -> str:
    """``"right"``, the name of a typed error, or ``"WRONG: ..."``."""
    start = time.monotonic()
    try:
        check()
    except HpeEdgeError as error:
        text = str(error)
        outcome = type(error).__name__ if 0 < len(text) <= LONGEST_MESSAGE else f"WRONG: a message of {len(text)}"
    except Exception as error:  # what must not happen is what this program looks for
        outcome = f"WRONG: {type(error).__name__}: {str(error)[:300]}"
    else:
        outcome = "right"
    taken_s = time.monotonic() - start
    return outcome if taken_s < SLOWEST_S else f"WRONG: it took {taken_s:.1f} s ({outcome})"


def run(case: Callable[[int], Case], count: int) -> None:
    """Judges the cases of ``count`` seeds; prints the report.

    Each case's name goes to stderr first, so that the last line there names the case that ended the process.
    """
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    at_half_mb = 0.0
    for seed in range(count):
        name, expected, check = case(seed)
        sys.stderr.write(f"{seed} {name}\n")
        sys.stderr.flush()
        outcome = verdict(check)
        outcomes[outcome.partition(":")[0]] += 1
        if outcome.startswith("WRONG") or (expected != "either" and (outcome == "right") != (expected == "right")):
            wrong.append(f"case {seed}, {name}: expected {expected}, got {outcome}")
        if seed == count // 2:
            at_half_mb = resident_mb()
    report = {"count": sum(outcomes.values()), "outcomes": outcomes, "wrong": wrong}
    sys.stdout.write(json.dumps(report | {"growth_mb": resident_mb() - at_half_mb}))
