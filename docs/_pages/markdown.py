"""Tables and cells."""

from __future__ import annotations

import math
from collections.abc import Sequence

ABSENT = "–"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A Markdown table; the first ``left`` columns are flush left, the others are numbers."""
    rule = [":---" if column < left else "---:" for column in range(len(header))]
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, rule, *rows)) + "\n"


def number(value: object, digits: int = 2, unit: str = "") -> str:
    """A finite number to some digits, or a dash."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return ABSENT
    return f"{value:,.{digits}f}{unit}"


def share(value: object) -> str:
    """0.643 as 64.3 %."""
    return number(100 * value, 1, "\u00a0%") if isinstance(value, int | float) else ABSENT


def code(value: object) -> str:
    return f"`{value}`"
