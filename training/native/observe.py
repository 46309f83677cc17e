"""Ranges of a network's values over calibration images: histograms of what the native network computes.

Methods: the least and largest number; percentiles, which leave the outermost out; the ends between which the levels
differ least from the numbers, in the mean of squares (Krishnamoorthi, arXiv 1806.08342, 2018; Nagel et al., A White
Paper on Neural Network Quantization, arXiv 2106.08295, 2021, sec. 3.1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from hpe_edge.training.native.file import graph_bytes
from hpe_edge.training.native.graph import Floats, Graph
from hpe_edge.training.native.levels import Doubles, Range, levels_of

from hpe_edge import _core
from hpe_edge.errors import InvalidArgumentError

METHODS = ("minmax", "percentile", "mse")
BINS = 2048
BATCH = 32
PERCENTILE = 99.99
_FRACTIONS = np.linspace(0.3, 1.0, 36)


@dataclass(frozen=True)
class Histogram:
    """The numbers of one value over all images.

    low, high: the least and largest. counts: (BINS,) by equal bins between them. zeros: how many of them are exactly
    0, which a level says exactly.
    """

    low: float
    high: float
    counts: npt.NDArray[np.int64]
    zeros: int

    def centres(self) -> Doubles:
        """(BINS,) middles of the bins."""
        return self.low + (np.arange(len(self.counts)) + 0.5) * (self.high - self.low) / len(self.counts)

    def bin_of(self, x: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """The bins of numbers (any shape)."""
        width = max(self.high - self.low, 1e-30) / len(self.counts)
        places: npt.NDArray[np.int64] = np.clip((x - self.low) / width, 0, len(self.counts) - 1).astype(np.int64)
        return places


class Reader:
    """Computes values within a float network. names: of graph values, the input among them if wanted."""

    def __init__(self, graph: Graph, names: Sequence[str]) -> None:
        self.input_name = graph.input_name
        self.outside = {f"o{k}": name for k, name in enumerate(names) if name != graph.input_name}
        self.names = list(names)
        self.network = _core.Network(graph_bytes(graph.with_outputs(self.outside))) if self.outside else None

    def __call__(self, images: Floats) -> dict[str, Floats]:
        """Images (N, C, H, W) -> (N, ...) by name."""
        values = {self.input_name: images} if self.input_name in self.names else {}
        if self.network is not None:
            outputs = self.network.run(np.ascontiguousarray(images))
            values |= {name: outputs[outside] for outside, name in self.outside.items()}
        return values


def batches(images: Floats, size: int = BATCH) -> Iterator[Floats]:
    """Images (N, C, H, W) in parts."""
    return (images[start : start + size] for start in range(0, len(images), size))


def observe(graph: Graph, names: Sequence[str], images: Floats) -> dict[str, Histogram]:
    """Histograms of these values over images (N, C, H, W); the network runs twice on each.

    Raises:
        InvalidArgumentError: no images.
    """
    if not len(images):
        raise InvalidArgumentError("calibration images: expected at least one, got none")
    reader = Reader(graph, names)
    low, high = dict.fromkeys(names, np.inf), dict.fromkeys(names, -np.inf)
    for batch in batches(images):
        for name, x in reader(batch).items():
            low[name], high[name] = min(low[name], float(x.min())), max(high[name], float(x.max()))
    found = {name: Histogram(low[name], high[name], np.zeros(BINS, np.int64), 0) for name in names}
    for batch in batches(images):
        for name, x in reader(batch).items():
            one = found[name]
            counts = one.counts + np.bincount(one.bin_of(x).ravel(), minlength=BINS)
            found[name] = Histogram(one.low, one.high, counts, one.zeros + int((x == 0).sum()))
    return found


def bounds(histogram: Histogram, method: str, percentile: float = PERCENTILE) -> Range:
    """The range of a value by one of `METHODS`. percentile: 50 to 100, of the numbers below the upper end.

    Raises:
        InvalidArgumentError: no such method, or a percentile out of range.
    """
    match method:
        case "minmax":
            return histogram.low, histogram.high
        case "percentile":
            return _percentile(histogram, percentile)
        case "mse":
            return _least_squares(histogram)
        case _:
            raise InvalidArgumentError(f"calibration method: expected one of {METHODS}, got {method!r}")


def _percentile(histogram: Histogram, percentile: float) -> Range:
    """Ends beyond which 100 - percentile % of the numbers lie, on each side."""
    if not 50.0 < percentile <= 100.0:
        raise InvalidArgumentError(f"percentile: expected a number above 50, to 100, got {percentile}")
    share = np.cumsum(histogram.counts) / histogram.counts.sum()
    edges = np.linspace(histogram.low, histogram.high, len(histogram.counts) + 1)
    high = edges[1 + int(np.searchsorted(share, percentile / 100.0 - 1e-12))]
    low = edges[int(np.searchsorted(share, 1.0 - percentile / 100.0, side="right"))]
    return float(low), float(high)


def _least_squares(histogram: Histogram) -> Range:
    """The best of 36 x 36 shortened ranges; an end at 0 stays there."""
    counts = histogram.counts.astype(np.float64)
    if histogram.zeros:
        counts[histogram.bin_of(np.zeros(1))] -= histogram.zeros
    filled = np.flatnonzero(counts)
    counts, centres = counts[filled], histogram.centres()[filled]
    lows = histogram.low * _FRACTIONS if histogram.low < 0 else np.zeros(1)
    highs = histogram.high * _FRACTIONS if histogram.high > 0 else np.zeros(1)
    ends = [(float(low), float(high)) for low in lows for high in highs]
    errors = [float(counts @ (levels_of(end).rounded(centres) - centres) ** 2) for end in ends]
    return ends[int(np.argmin(errors))]


def find_ranges(
    graph: Graph, names: Sequence[str], images: Floats, method: str, percentile: float = PERCENTILE
) -> dict[str, Range]:
    """The ranges of these values by one of `METHODS`; the input keeps its own ends under all of them."""
    histograms = observe(graph, names, images)
    methods = {name: "minmax" if name == graph.input_name else method for name in names}
    return {name: bounds(histograms[name], methods[name], percentile) for name in names}
