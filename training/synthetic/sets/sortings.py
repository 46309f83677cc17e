"""What contact sheets are sorted by: the order of the set, an angle, an attribute, or something measured."""

from __future__ import annotations

import math
from typing import Any

SORTINGS = (
    "order", "yaw", "pitch", "roll", "tone", "age", "light", "expression", "hair", "cover", "sensor", "visible", "size",
)  # fmt: skip
_ATTRIBUTES = {"tone": "monk_tone"}


def sort_key(label: dict[str, Any], sort: str) -> tuple[float, str]:
    """A number and a word, of which one is fixed: labels sort by the other.

    >>> sort_key({"attributes": {"light": "noon"}}, "light")
    (0.0, 'noon')
    """
    match sort:
        case "order":
            value: Any = label.get("key", "")
        case "yaw" | "pitch" | "roll":
            value = label.get(f"{sort}_deg")
        case "visible":
            value = label.get("visible_face_fraction")
        case "size":
            x0, y0, x1, y1 = label.get("box_xyxy", (0, 0, 0, 0))
            value = math.sqrt(max(0.0, (x1 - x0) * (y1 - y0)))
        case _:
            value = label.get("attributes", {}).get(_ATTRIBUTES.get(sort, sort))
    if isinstance(value, (int, float)):
        return float(value), ""
    return (0.0, value) if isinstance(value, str) else (-math.inf, "")
