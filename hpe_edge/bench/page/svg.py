"""Charts as inline SVG; their colours are the page's, so that they follow light and dark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 560
_LONGEST_TAIL = 1.6  # of the longest bar
_LEFT, _RIGHT, _BAR, _GAP = 142, 118, 20, 12


@dataclass(frozen=True)
class Bar:
    """One bar: what it is, its length and where its thin line ends, and a class that the page colours.

    Attributes:
        label: at its left.
        value: its length, or ``None``: then only ``text`` is written.
        text: at its end.
        tail: the line's end, not below ``value``.
        kind: the CSS class.
    """

    label: str
    value: float | None
    text: str
    tail: float | None = None
    kind: str = "fp32"


def bars(items: Sequence[Bar], title: str, *, group: int = 1) -> str:
    """Horizontal bars from zero; a tail far longer than the bars ends in an arrow.

    Args:
        items: from above.
        title: for those who do not see it.
        group: how many belong together and stand closer.

    >>> bars([Bar("native", 2.0, "2 ms")], "time").count("<rect")
    1
    """
    most = max((item.value or 0.0 for item in items), default=0.0) or 1.0
    longest = min(_LONGEST_TAIL * most, max([most, *(item.tail or 0.0 for item in items)]))
    scale = (WIDTH - _LEFT - _RIGHT) / longest
    thick, near = (_BAR, _GAP) if group == 1 else (_BAR - 5, 3)
    tops = [4 + k * (thick + near) + k // group * (_GAP - near) for k in range(len(items))]
    drawn = (_bar(item, y, thick, scale, longest) for item, y in zip(items, tops, strict=True))
    return _svg(title, (tops[-1] if tops else 0) + thick + 6, "".join(drawn))


def _bar(item: Bar, y: float, thick: float, scale: float, longest: float) -> str:
    middle, text_y = y + thick / 2, y + thick / 2 + 4.5
    label = f'<text x="{_LEFT - 10}" y="{text_y:.1f}" text-anchor="end">{escape(item.label)}</text>'
    if item.value is None:
        return f'<g>{label}<text class="faint" x="{_LEFT}" y="{text_y:.1f}">{escape(item.text)}</text></g>'
    end = _LEFT + max(1.5, item.value * scale)
    shape = f'<rect class="{item.kind}" x="{_LEFT}" y="{y}" width="{end - _LEFT:.1f}" height="{thick}" rx="3"/>'
    if item.tail is not None and item.tail > item.value:
        begin, end = end, _LEFT + min(item.tail, longest) * scale
        head = "m-6 -4l6 4l-6 4" if item.tail > longest else "m0 -5v10"
        shape += f'<path class="tail" d="M{begin:.1f} {middle:.1f}H{end:.1f}{head}"/>'
    return (
        f"<g><title>{escape(item.label)}: {escape(item.text)}</title>{shape}{label}"
        f'<text x="{end + 8:.1f}" y="{text_y:.1f}">{escape(item.text)}</text></g>'
    )


@dataclass(frozen=True)
class Line:
    """A line through points (x, y), with its name and the CSS class of its colour."""

    name: str
    points: Sequence[tuple[float, float]]
    kind: str


def lines(items: Sequence[Line], title: str, x_unit: str, y_unit: str, *, height: int = 190) -> str:
    """Lines over a common x from zero; the y axis begins at zero, so that a slope is what it looks like.

    >>> "polyline" in lines([Line("a", [(0, 1), (1, 2)], "fp32")], "speed", "s", "fps")
    True
    """
    drawn = [item for item in items if len(item.points) > 1]
    if not drawn:
        return ""
    last = max(x for item in drawn for x, _ in item.points) or 1.0
    step = _step(max(y for item in drawn for _, y in item.points))
    top = step * (int(max(y for item in drawn for _, y in item.points) / step) + 1)
    left, right, bottom = 64, 14, height - 30
    x_scale, y_scale = (WIDTH - left - right) / last, (bottom - 14) / top
    heights = [(k * step, bottom - k * step * y_scale) for k in range(round(top / step) + 1)]
    grid = "".join(
        f'<path class="grid" d="M{left} {y:.1f}H{WIDTH - right}"/>'
        f'<text class="faint" x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
        for value, y in heights
    )
    curves = "".join(
        f'<polyline class="line {item.kind}" points="'
        + " ".join(f"{left + x * x_scale:.1f},{bottom - y * y_scale:.1f}" for x, y in item.points)
        + f'"><title>{escape(item.name)}</title></polyline>'
        for item in drawn
    )
    ends = (
        f'<text class="faint" x="{left}" y="{height - 8}">0</text>'
        f'<text class="faint" x="{WIDTH - right}" y="{height - 8}" text-anchor="end">{last:.3g} {escape(x_unit)}</text>'
        f'<text class="faint" x="{left}" y="10">{escape(y_unit)}</text>'
    )
    return _svg(title, height, grid + curves + ends) + legend([(item.name, item.kind) for item in drawn])


def legend(entries: Sequence[tuple[str, str]]) -> str:
    """Names beside their colours."""
    return (
        '<p class="legend">'
        + "".join(f'<span><i class="{kind}"></i>{escape(name)}</span>' for name, kind in entries)
        + "</p>"
    )


def _step(largest: float) -> float:
    """A round number that fits three to seven times into the largest."""
    power = 10.0 ** math.floor(math.log10(largest)) if largest > 0 else 1.0
    return next(power * part for part in (0.2, 0.5, 1.0, 2.0) if largest / (power * part) <= 6)


def _svg(title: str, height: float, inside: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}">{inside}</svg>'
