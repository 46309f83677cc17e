"""Real against rendered: how well small classifiers tell crops apart, and by what.

Rendered heads are drawn so that their |yaw| is distributed as the photographs'; both are cut by the library's
own preprocess to the network's 64 px and go through one JPEG of the same quality. An AUC of .5 would
mean that the renders pass for photographs. A strong classifier says 1.000 to everything, so the ones
here are weak on purpose, and groups of features are judged apart and left out in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from hpe_edge.training.data.samples import Sample
from hpe_edge.training.likeness.classify import Auc, folds, logistic_scores, network_scores, with_interval
from hpe_edge.training.likeness.crops import crop, real_heads, recompressed, rendered_heads, rendered_yaws
from hpe_edge.training.likeness.traits import GROUPS, traits
from numpy.typing import NDArray

from hpe_edge.errors import DatasetError

SIDE = 64
MARGIN = 0.4
YAW_BIN_DEG = 10.0
LEAST_CROPS = 20
Say = Callable[[str], None]


@dataclass(frozen=True)
class Pairing:
    """Crops (N, 64, 64, 3) uint8, ``kinds`` (N,) 1 for photographs and 0 for renders, ``people`` (N,)."""

    crops: NDArray[np.uint8]
    kinds: NDArray[np.int64]
    people: NDArray[np.int64]


@dataclass(frozen=True)
class Realism:
    """AUC by what the classifier was given; ``scores`` (N,) of all features, for the sheet."""

    counts: dict[str, int]
    aucs: dict[str, Auc]
    scores: NDArray[np.float64]

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {"counts": self.counts, "auc": {name: asdict(value) for name, value in self.aucs.items()}}

    def table(self) -> str:
        """Markdown that also reads as plain text."""
        lines = [f"| classifier ({self.counts['real']} real, {self.counts['rendered']} rendered) | AUC | 95 % |"]
        lines += ["|---|---|---|"]
        lines += [f"| {name} | {v.auc:.3f} | {v.low:.3f}-{v.high:.3f} |" for name, v in self.aucs.items()]
        return "\n".join(lines)


def pair_up(folder: Path, samples: Sequence[Sample], rng: np.random.Generator) -> Pairing:
    """As many rendered crops as photographs, bin by bin of |yaw|, of different people where there are enough.

    Raises ``DatasetError`` where a bin has fewer rendered heads than photographs.
    """
    if len(samples) < LEAST_CROPS:
        raise DatasetError(f"photographs: expected at least {LEAST_CROPS}, got {len(samples)}")
    wanted = np.abs([sample.euler_deg[0] for sample in samples]) // YAW_BIN_DEG
    offered = np.abs(rendered_yaws(folder)) // YAW_BIN_DEG
    chosen: set[int] = set()
    for number, count in zip(*np.unique(wanted, return_counts=True), strict=True):
        index = np.flatnonzero(offered == number)
        if len(index) < count:
            raise DatasetError(
                f"{folder}: expected at least {count} heads with |yaw| from {number * YAW_BIN_DEG:g} to "
                f"{(number + 1) * YAW_BIN_DEG:g}, as the photographs have, got {len(index)}"
            )
        chosen |= set(rng.choice(index, count, replace=False).tolist())
    rendered = list(rendered_heads(folder, only=chosen))
    real = list(real_heads(samples))
    heads = [*real, *rendered]
    crops = np.stack([recompressed(crop(head, SIDE, MARGIN)) for head in heads])
    kinds = np.repeat([1, 0], [len(real), len(rendered)])
    return Pairing(crops, kinds, np.array([head.identity for head in heads]))


def tell_apart(
    pairing: Pairing, *, seed: int = 0, network: bool = True, threads: int = 2, say: Say = lambda _: None
) -> Realism:
    """Cross-validated AUC with all features, each group alone, all but each group, and the network."""
    rng = np.random.default_rng(seed)
    fold = folds(pairing.kinds, pairing.people, rng)
    groups = [traits(image) for image in pairing.crops]
    stacked = {name: np.stack([group[name] for group in groups]) for name in GROUPS}
    kinds = pairing.kinds
    everything = logistic_scores(np.hstack(list(stacked.values())), kinds, fold)
    aucs = {"all features": with_interval(everything, kinds, rng)}
    for name in GROUPS:
        aucs[f"{name} alone"] = with_interval(logistic_scores(stacked[name], kinds, fold), kinds, rng)
    for name in GROUPS:
        others = np.hstack([stacked[other] for other in GROUPS if other != name])
        aucs[f"all but {name}"] = with_interval(logistic_scores(others, kinds, fold), kinds, rng)
    if network:
        for label, crops in {"network": pairing.crops, "network, levelled crops": levelled(pairing.crops)}.items():
            say(f"realism: {label}")
            aucs[label] = with_interval(network_scores(crops, kinds, fold, seed=seed, threads=threads), kinds, rng)
    counts = {"real": int(kinds.sum()), "rendered": int((1 - kinds).sum())}
    return Realism(counts, aucs, everything)


def levelled(crops: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The crops grey, softened and of one histogram: what is left is shape and the fall of light."""
    grey = [cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), (0, 0), 1.5) for image in crops]
    return np.stack([cv2.cvtColor(cv2.equalizeHist(image), cv2.COLOR_GRAY2BGR) for image in grey])


def sheet(pairing: Pairing, scores: NDArray[np.float64], columns: int = 16) -> NDArray[np.uint8]:
    """Two rows each, enlarged: renders that pass, renders that betray themselves, photographs taken for renders."""
    rendered, real = np.flatnonzero(pairing.kinds == 0), np.flatnonzero(pairing.kinds == 1)
    by_score = rendered[np.argsort(scores[rendered], kind="stable")]
    doubted = real[np.argsort(scores[real], kind="stable")]
    rows = []
    for chosen in (by_score[::-1], by_score, doubted):
        picked = chosen[: 2 * columns]
        tiles = [cv2.resize(pairing.crops[i], None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC) for i in picked]
        tiles += [np.zeros((SIDE * 3 // 2, SIDE * 3 // 2, 3), np.uint8)] * (2 * columns - len(tiles))
        rows += [np.hstack(tiles[:columns]), np.hstack(tiles[columns:])]
        rows.append(np.full((6, rows[-1].shape[1], 3), 255, np.uint8))
    return np.vstack(rows[:-1])
