"""The readers by name, for the commands that take ``--dataset NAME --path DIR``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from hpe_edge.errors import InvalidArgumentError

from .aflw2000 import aflw2000
from .pointing04 import pointing04
from .samples import MAX_ABS_DEG, Sample, within_range
from .w300lp import w300lp

DATASETS = ("aflw2000", "pointing04", "300wlp")


@dataclass(frozen=True)
class Selection:
    """The samples to score, how many the protocol dropped, and the protocol in words."""

    samples: list[Sample]
    dropped: int
    protocol: str


def select(dataset: str, path: Path, *, limit: int | None = None, all_poses: bool = False) -> Selection:
    """Read a data set and keep what its usual protocol scores; ``all_poses`` keeps every image.

    Raises InvalidArgumentError for an unknown name or a limit below 1, DatasetError from the readers.

    >>> select("aflw2000", Path("AFLW2000")).protocol  # doctest: +SKIP
    'every angle within +-99'
    """
    if limit is not None and limit < 1:
        raise InvalidArgumentError(f"limit: expected at least 1, got {limit}")
    match dataset:
        case "aflw2000":
            everything = aflw2000(path, max_abs_deg=math.inf, limit=limit)
        case "300wlp":
            everything = w300lp(path, max_abs_deg=math.inf, limit=limit)
        case "pointing04":
            if all_poses:
                return Selection(pointing04(path, max_yaw_deg=math.inf, max_pitch_deg=math.inf, limit=limit), 0, "all")
            return Selection(pointing04(path, limit=limit), 0, "abs(pan) <= 60 and abs(tilt) <= 30")
        case _:
            raise InvalidArgumentError(f"dataset: expected one of {DATASETS}, got {dataset!r}")
    kept = everything if all_poses else within_range(everything)
    protocol = "all" if all_poses else f"every angle within +-{MAX_ABS_DEG:g}"
    return Selection(kept, len(everything) - len(kept), protocol)
