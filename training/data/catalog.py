"""The readers by name, for the commands that take ``--dataset NAME --path DIR``, and what each set is."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hpe_edge.errors import DatasetError, InvalidArgumentError

from .aflw import aflw
from .aflw2000 import aflw2000
from .afw import afw
from .biwi import PERSONS, TEST_SEQUENCES, TRAIN_SEQUENCES, biwi
from .pointing04 import pointing04
from .samples import MAX_ABS_DEG, Sample, spread, within_range
from .w300lp import w300lp

Keep = Callable[[list[Sample]], list[Sample]]


@dataclass(frozen=True)
class Request:
    """What a reader is asked for: the place, a limit that a large set applies early, a CSV of boxes."""

    path: Path
    limit: int | None = None
    boxes: Path | None = None


@dataclass(frozen=True)
class DataSet:
    """A data set by name.

    read: all its samples. counts: how many there are by the literature (several, where copies or versions differ;
    none for a part without a published number). layout, source, terms: for people. keep, scored: what the usual
    protocol scores, and in words. takes_boxes: whether a CSV of a detector's boxes can replace its own.
    """

    read: Callable[[Request], list[Sample]]
    counts: tuple[int, ...]
    layout: str
    source: str
    terms: str
    keep: Keep = within_range
    scored: str = f"every angle within +-{MAX_ABS_DEG:g}"
    takes_boxes: bool = False


@dataclass(frozen=True)
class Selection:
    """The samples to score, how many the protocol dropped, and the protocol in words."""

    samples: list[Sample]
    dropped: int
    protocol: str
    found: int


def _usual_pointing04(samples: list[Sample]) -> list[Sample]:
    return [s for s in samples if abs(s.euler_deg[0]) <= 60 and abs(s.euler_deg[1]) <= 30]


def _biwi(sequences: tuple[str, ...], counts: tuple[int, ...] = ()) -> DataSet:
    return DataSet(
        lambda asked: biwi(asked.path, sequences=sequences, boxes_csv=asked.boxes), counts,
        "01 ... 24 with frame_NNNNN_rgb.png, frame_NNNNN_pose.txt and rgb.cal", "Fanelli et al., IJCV 2013",
        "non-commercial research and education", takes_boxes=True,
    )  # fmt: skip


def _aflw(part: str, counts: tuple[int, ...] = ()) -> DataSet:
    return DataSet(
        lambda asked: aflw(asked.path, part=part), counts, "aflw.sqlite and flickr/{0,2,3}/imageNNNNN.jpg",
        "Koestinger et al., BeFIT 2011", "non-commercial research, by agreement with TU Graz",
    )  # fmt: skip


def _w300lp(flipped: bool, counts: tuple[int, ...]) -> DataSet:
    return DataSet(
        lambda asked: w300lp(asked.path, max_abs_deg=math.inf, limit=asked.limit, flipped=flipped), counts,
        "AFW, HELEN, IBUG, LFPW and their _Flip, NAME.jpg beside NAME.mat", "Zhu et al., CVPR 2016",
        "research: photographs of 300-W, not for commercial use",
    )  # fmt: skip


DATASETS = {
    "aflw2000": DataSet(
        lambda asked: aflw2000(asked.path, max_abs_deg=math.inf), (2000,), "imageNNNNN.jpg beside imageNNNNN.mat",
        "Zhu et al., CVPR 2016", "research: photographs of AFLW",
    ),
    "pointing04": DataSet(
        lambda asked: pointing04(asked.path, max_yaw_deg=math.inf, max_pitch_deg=math.inf), (2790,),
        "PersonNN/personNNsii+T+P.jpg beside .txt, or labels.csv on top", "Gourier et al., Pointing 2004",
        "any purpose, citing the paper", _usual_pointing04, "abs(pan) <= 60 and abs(tilt) <= 30",
    ),
    "300wlp": _w300lp(True, (122_450, 61_225)),
    "300wlp-unflipped": _w300lp(False, (61_225,)),
    "biwi": _biwi(tuple(PERSONS), (15_678,)),
    "biwi-train": _biwi(TRAIN_SEQUENCES),
    "biwi-test": _biwi(TEST_SEQUENCES),
    "aflw": _aflw("all", (24_386, 24_384)),
    "aflw-train": _aflw("train"),
    "aflw-test": _aflw("test"),
    "afw": DataSet(
        lambda asked: afw(asked.path), (468,), "anno.mat beside the photographs", "Zhu & Ramanan, CVPR 2012",
        "research: none stated, photographs from Flickr", list, "all; yaw only",
    ),
}  # fmt: skip


def select(
    dataset: str,
    path: Path,
    *,
    limit: int | None = None,
    all_poses: bool = False,
    boxes: Path | None = None,
    expect_whole: bool = False,
) -> Selection:
    """Read a data set and keep what its usual protocol scores; ``all_poses`` keeps every image.

    ``boxes`` is a CSV of a detector's boxes (BIWI). ``expect_whole`` makes sure that the set is as large as published.
    Raises InvalidArgumentError for an unknown name, a limit below 1, and options that the set does not take;
    DatasetError from the readers, for a set that is not whole, and where nothing is left to score.

    >>> select("aflw2000", Path("AFLW2000")).protocol  # doctest: +SKIP
    'every angle within +-99'
    """
    if dataset not in DATASETS:
        raise InvalidArgumentError(f"dataset: expected one of {tuple(DATASETS)}, got {dataset!r}")
    if limit is not None and limit < 1:
        raise InvalidArgumentError(f"limit: expected at least 1, got {limit}")
    data = DATASETS[dataset]
    if boxes is not None and not data.takes_boxes:
        raise InvalidArgumentError(f"boxes: expected none for {dataset!r}, which has its own, got {boxes}")
    if expect_whole and (limit is not None or boxes is not None or not data.counts):
        raise InvalidArgumentError(
            f"expect_whole: expected a whole data set with a published count, got {dataset!r} with a limit, "
            "boxes, or no such count"
        )
    everything = data.read(Request(path, limit, boxes))
    if expect_whole:
        check_whole(dataset, path, len(everything))
    kept = everything if all_poses else data.keep(everything)
    if not kept:
        raise DatasetError(f"{path}: expected samples to score ({data.scored}), got none of {len(everything)}")
    dropped = len(everything) - len(kept)
    return Selection(spread(kept, limit), dropped, "all" if all_poses else data.scored, len(everything))


def check_whole(dataset: str, path: Path, found: int) -> None:
    """Raise DatasetError where ``found`` is no published count of the data set."""
    counts = DATASETS[dataset].counts
    if found not in counts:
        wanted = " or ".join(f"{count:,}" for count in counts)
        raise DatasetError(
            f"{path}: expected the whole of {dataset}, {wanted} samples, got {found:,}: unpack the missing parts, "
            "or do without the check"
        )
