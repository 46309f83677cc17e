"""Counting a rendered set for its data card: one pass over the labels, any attribute counted as it comes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpe_edge.errors import DatasetError

BINS = 24
_BLOCK = 512  # of a tar
_PERCENTILES = (1, 5, 25, 50, 75, 95, 99)


@dataclass
class Tally:
    """Counts of a set. ``numbers`` one value a head; ``words`` how often; ``people`` attributes of each head."""

    heads: int = 0
    identities: set[int] = field(default_factory=set)
    numbers: dict[str, list[float]] = field(default_factory=dict)
    words: dict[str, Counter[str]] = field(default_factory=dict)
    people: list[dict[str, Any]] = field(default_factory=list)

    def add(self, label: Mapping[str, Any], image_size: int) -> None:
        """Count one head's label; what it lacks is not counted."""
        self.heads += 1
        if "identity" in label:
            self.identities.add(int(label["identity"]))
        for name, value in _numbers(label, image_size):
            self.numbers.setdefault(name, []).append(value)
        attributes = label.get("attributes", {})
        for name, value in attributes.items():
            if isinstance(value, (bool, str)) or value is None:
                word = "none" if value in ("", None) else str(value)
                self.words.setdefault(name, Counter())[word] += 1
            elif isinstance(value, (int, float)):
                self.numbers.setdefault(name, []).append(float(value))
        if {"sex", "age", "monk_tone"} <= set(attributes):
            self.people.append({key: attributes[key] for key in ("sex", "age", "monk_tone")})


def heads_of(label: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The heads of a sample: itself, or each of a scene's ``heads``."""
    if isinstance(label.get("heads"), list):
        yield from label["heads"]
    else:
        yield label


def _numbers(label: Mapping[str, Any], image_size: int) -> Iterator[tuple[str, float]]:
    for key in ("yaw_deg", "pitch_deg", "roll_deg", "visible_face_fraction"):
        if isinstance(label.get(key), (int, float)):
            yield key, float(label[key])
    if "rotation" in label:
        yield from zip(("azimuth_deg", "elevation_deg", "tilt_deg"), face_direction_deg(label["rotation"]), strict=True)
    if "box_xyxy" in label:
        x0, y0, x1, y1 = label["box_xyxy"]
        yield "face_box_px", math.sqrt(max(0.0, (x1 - x0) * (y1 - y0)))
    camera = label.get("camera", {})
    if camera.get("fx", 0) > 0:
        yield "picture_angle_deg", 2 * math.degrees(math.atan(image_size / 2 / camera["fx"]))
    if "distance_dm" in camera:
        yield "distance_m", camera["distance_dm"] / 10


def face_direction_deg(rotation: Iterable[float]) -> tuple[float, float, float]:
    """Azimuth (+ image-left) and elevation (+ up) of the face's normal, clockwise tilt of the head's up axis.

    ``rotation``: the label's nine numbers, row by row.

    >>> [round(v) for v in face_direction_deg([1, 0, 0, 0, 1, 0, 0, 0, 1])]
    [0, 0, 0]
    """
    _, up_x, normal_x, _, up_y, normal_y, _, _, normal_z = rotation
    azimuth = math.degrees(math.atan2(-normal_x, normal_z))
    elevation = math.degrees(math.asin(max(-1.0, min(1.0, normal_y))))
    return azimuth, elevation, math.degrees(math.atan2(up_x, up_y))


def summary(values: list[float]) -> dict[str, Any]:
    """Percentiles, mean, spread and a histogram of ``BINS`` equal bins."""
    array = np.asarray(values, np.float64)
    counts, edges = np.histogram(array, BINS)
    return {
        "count": len(array),
        "mean": _short(array.mean()),
        "std": _short(array.std()),
        "percentiles": {
            str(p): _short(v) for p, v in zip(_PERCENTILES, np.percentile(array, _PERCENTILES), strict=True)
        },
        "histogram": {"edges": [_short(edge) for edge in edges], "counts": counts.tolist()},
    }


def _short(value: float | np.floating[Any]) -> float:
    return float(f"{float(value):.5g}")


def joint(x: list[float], y: list[float], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """(B, B) counts over two values of the same heads, rows along y."""
    counts, _, _ = np.histogram2d(y, x, bins=(edges, edges))
    return counts.astype(np.int64)


def shard_members(path: Path, content: bytes) -> Iterator[tuple[str, bytes]]:
    """(name, content) of each file of a shard as the renderer writes them: plain ustar, short names.

    ``tarfile`` takes longer for its headers than JSON for the labels. Raises ``DatasetError`` for a shard cut short.
    """
    at = 0
    while at + _BLOCK <= len(content) and content[at]:
        name = content[at : at + 100].split(b"\0", 1)[0].decode()
        try:
            size = int(content[at + 124 : at + 135], 8)
        except ValueError as error:
            raise DatasetError(f"{path}: expected a ustar header at byte {at}; render this shard again") from error
        first = at + _BLOCK
        if first + size > len(content):
            raise DatasetError(f"{path}: {name} is cut short; render this shard again")
        yield name, content[first : first + size]
        at = first + -(-size // _BLOCK) * _BLOCK
