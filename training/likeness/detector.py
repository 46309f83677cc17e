"""How many rendered faces an independent face detector finds, by |yaw|; and how many real ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from hpe_edge.training.likeness.blazeface import Detection, overlap
from hpe_edge.training.likeness.crops import Head, box_in_crop, crop
from matplotlib.figure import Figure
from numpy.typing import NDArray

YAW_BINS_DEG = (0, 15, 30, 45, 60, 75, 90, 99)
SHOWN_PX = 256
MARGIN = 0.7  # a rendered picture reaches about as far round its head, and so does a photograph of AFLW2000
_OVERLAP = 0.4
_SIZE_RATIO = (0.5, 2.0)

Detect = Callable[[NDArray[np.uint8]], list[Detection]]


@dataclass(frozen=True)
class Share:
    """Found faces of one bin: ``hits`` of ``count``; ``low`` and ``high`` are the 95 % Wilson interval."""

    low_deg: float
    high_deg: float
    hits: int
    count: int
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class HitRate:
    """Shares by bin of |yaw|, and over the two ranges that are asked for: below 60, and 60 to 90."""

    bins: tuple[Share, ...]
    below_60: Share
    from_60_to_90: Share

    def as_dict(self) -> dict[str, object]:
        """Ready for JSON."""
        return asdict(self)

    def table(self, title: str) -> str:
        """Markdown that also reads as plain text."""
        lines = [f"| {title}: abs(yaw) | found | of | share | 95 % |", "|---|---|---|---|---|"]
        for part in (*self.bins, self.below_60, self.from_60_to_90):
            numbers = "" if part.count == 0 else f"{part.share:.3f} | {part.low:.3f}-{part.high:.3f}"
            lines.append(f"| {part.low_deg:g}-{part.high_deg:g} | {part.hits} | {part.count} | {numbers or ' | '} |")
        return "\n".join(lines)


def is_hit(found: Iterable[Detection], box_xyxy: NDArray[np.float64]) -> bool:
    """Whether one detection is this face: overlap of 0.4, or its centre in the box and a size within a factor 2."""
    wanted = math.sqrt(float((box_xyxy[2:] - box_xyxy[:2]).prod()))
    for detection in found:
        box = detection.box_xyxy
        if overlap(box, box_xyxy) >= _OVERLAP:
            return True
        centre = (box[:2] + box[2:]) / 2
        ratio = math.sqrt(max(float((box[2:] - box[:2]).prod()), 0.0)) / wanted
        inside = bool((centre > box_xyxy[:2]).all() and (centre < box_xyxy[2:]).all())
        if inside and _SIZE_RATIO[0] <= ratio <= _SIZE_RATIO[1]:
            return True
    return False


def shown_to_detector(head: Head, side: int) -> NDArray[np.uint8]:
    """(256, 256, 3): the head as a picture of ``side`` pixels, then enlarged, so that all are as sharp."""
    small = crop(head, side, MARGIN)
    return np.asarray(cv2.resize(small, (SHOWN_PX, SHOWN_PX), interpolation=cv2.INTER_CUBIC), np.uint8)


def find(detect: Detect, heads: Iterable[Head], side: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Yaw (N,) in degrees and whether each head was found (N,)."""
    yaws, hits = [], []
    for head in heads:
        yaws.append(head.yaw_deg)
        hits.append(is_hit(detect(shown_to_detector(head, side)), box_in_crop(head, SHOWN_PX, MARGIN)))
    return np.array(yaws), np.array(hits, bool)


def hit_rate(yaw_deg: NDArray[np.float64], hits: NDArray[np.bool_]) -> HitRate:
    """Shares by |yaw|; the last bin includes its end."""

    def share(low: float, high: float) -> Share:
        turned = np.abs(yaw_deg)
        inside = (turned >= low) & ((turned < high) | ((turned == high) & (high == YAW_BINS_DEG[-1])))
        return _share(low, high, int(hits[inside].sum()), int(inside.sum()))

    bins = tuple(share(low, high) for low, high in pairwise(YAW_BINS_DEG))
    return HitRate(bins, share(0, 60), share(60, 90))


def _share(low_deg: float, high_deg: float, hits: int, count: int) -> Share:
    if count == 0:
        return Share(low_deg, high_deg, 0, 0, math.nan, math.nan, math.nan)
    low, high = wilson(hits, count)
    return Share(low_deg, high_deg, hits, count, hits / count, low, high)


def wilson(hits: int, count: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson, JASA 1927).

    >>> [round(v, 3) for v in wilson(9, 10)]
    [0.596, 0.982]
    """
    z = 1.959964
    p, scale = hits / count, 1.0 + z * z / count
    middle = (p + z * z / (2 * count)) / scale
    reach = z * math.sqrt(p * (1 - p) / count + z * z / (4 * count * count)) / scale
    return max(0.0, middle - reach), min(1.0, middle + reach)


def by_trait(heads: Sequence[Head], hits: NDArray[np.bool_], name: str) -> list[tuple[str, int, int]]:
    """(value, found, of) for each value of an attribute, the most missed first."""
    values = np.array([head.traits.get(name, "none") for head in heads])
    rows = [(str(value), int(hits[values == value].sum()), int((values == value).sum())) for value in np.unique(values)]
    return sorted(rows, key=lambda row: row[1] - row[2])


def misses_sheet(heads: Iterable[Head], found: NDArray[np.bool_], side: int, columns: int = 12) -> NDArray[np.uint8]:
    """Missed faces sorted by |yaw|, as the detector saw them; at most 8 rows, spread over the misses."""
    missed = [head for head, hit in zip(heads, found, strict=True) if not hit]
    missed.sort(key=lambda head: abs(head.yaw_deg))
    missed = missed[:: max(1, len(missed) // (8 * columns))][: 8 * columns]
    tiles = [shown_to_detector(head, side)[::2, ::2] for head in missed]
    tiles += [np.zeros((SHOWN_PX // 2, SHOWN_PX // 2, 3), np.uint8)] * (-len(tiles) % columns or columns * (not tiles))
    return np.vstack([np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)])


def plot(rates: dict[str, HitRate], path: Path) -> None:
    """Share found by |yaw| with intervals, one line for each set."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axis = figure.subplots()
    for offset, (name, rate) in enumerate(rates.items()):
        parts = [part for part in rate.bins if part.count]
        x = [(part.low_deg + part.high_deg) / 2 + offset for part in parts]
        y = np.array([part.share for part in parts])
        reach = np.abs(np.array([[part.low, part.high] for part in parts]).T - y)
        axis.errorbar(x, y, yerr=reach, marker="o", capsize=3, label=name)
    axis.step((0, 60, 60, 90), (0.97, 0.97, 0.9, 0.9), color="0.6", linestyle="--", label="aim")
    axis.set(xlabel="true |yaw| (degrees)", ylabel="share of faces found", ylim=(0, 1.02))
    axis.legend(loc="lower left")
    axis.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
