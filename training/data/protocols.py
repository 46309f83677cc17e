"""The papers' protocols as data: what each trains on, what it tests on, and the crop.

Every part is read by `hpe_edge.training.data.catalog.select` under its data set's name, whose usual rule (every angle
within +-99 degrees) is the papers' too. Counts are the published ones after that rule and after the detector; those
of FSA-Net's BIWI files are remembered from its released ``.npz``, the others stand in the papers or their code.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hpe_edge.errors import InvalidArgumentError

from .catalog import Selection, select


@dataclass(frozen=True)
class Part:
    """A data set of `DATASETS`, its crop of `CROP_RECIPES`, and how many samples the paper had (None: not said)."""

    dataset: str
    crop: str
    count: int | None = None


@dataclass(frozen=True)
class Protocol:
    """What a paper trains on and tests on; ``note`` says what the parts alone do not."""

    source: str
    train: tuple[Part, ...]
    test: tuple[Part, ...]
    note: str = ""


_HOPENET_TESTS = (Part("aflw2000", "hopenet", 1_969), Part("biwi", "hopenet-biwi", 15_667))
_DETECTOR = "BIWI: boxes of a detector (MTCNN; Hopenet: Faster R-CNN), frames without a face dropped: --boxes."
_OWN_SPLIT = "The paper's own draw of test faces is not published; aflw-test is a fixed one by photograph."

PROTOCOLS = {
    "1": Protocol(
        "FSA-Net (Yang et al., CVPR 2019) section 4.2, after Hopenet",
        (Part("300wlp", "fsanet-clipped", 122_450),),
        (Part("aflw2000", "fsanet-clipped", 1_969), Part("biwi", "fsanet-biwi", 13_219)),
        _DETECTOR,
    ),
    "2": Protocol(
        "FSA-Net (Yang et al., CVPR 2019) section 4.2",
        (Part("biwi-train", "fsanet-biwi", 10_613),),
        (Part("biwi-test", "fsanet-biwi", 5_065),),
        "16 of the 24 videos against 8, drawn without a seed: the paper's own 8 are unknown. " + _DETECTOR,
    ),
    "hopenet": Protocol(
        "Hopenet (Ruiz et al., CVPRW 2018) section IV-A",
        (Part("300wlp", "hopenet", 122_450),),
        _HOPENET_TESTS,
        _DETECTOR,
    ),
    "hopenet-aflw": Protocol(
        "Hopenet (Ruiz et al., CVPRW 2018) section IV-C",
        (Part("aflw-train", "tight", 18_863),),
        (Part("aflw-test", "tight", 1_966), Part("afw", "hopenet-afw", 468), Part("biwi", "hopenet-biwi", 15_667)),
        "AFLW is cut at FaceRect grown by 0.21 (top 0.7), which is no crop of a tight box. " + _OWN_SPLIT,
    ),
    "label-distribution": Protocol(
        "Facial Pose Estimation by Deep Learning from Label Distributions (Liu et al.) section 4.2",
        (Part("300wlp", "hopenet", 122_450),),
        _HOPENET_TESTS,
        "The crop is not described; it follows Hopenet. " + _DETECTOR,
    ),
    "label-distribution-aflw": Protocol(
        "Facial Pose Estimation by Deep Learning from Label Distributions (Liu et al.) sections 4.2, 4.3",
        (Part("aflw-train", "tight"),),
        (Part("aflw-test", "tight"), Part("afw", "hopenet-afw", 468), Part("biwi", "hopenet-biwi", 15_667)),
        _OWN_SPLIT,
    ),
    "coarse-fine": Protocol(
        "Hybrid Coarse-Fine Classification for Head Pose Estimation (Wang et al.) sections 4.2 and 4.3",
        (Part("300wlp", "hopenet", 122_450),),
        (Part("aflw2000", "hopenet", 1_969),),
        "BIWI there is 8-fold cross-validation: hpe_edge.training.data.biwi.FOLDS. AFLW: 1,000 of 21,080 faces "
        "tested, the rest trained on. " + _OWN_SPLIT,
    ),
    "cross-cascading": Protocol(
        "Cross-Cascading Regression (Zhang et al.) section 4.1",
        (Part("aflw-train", "tight", 20_000),),
        (Part("aflw-test", "tight", 4_386),),
        "The face cut out and resized to 256x256; 21 landmarks: hpe_edge.training.data.aflw.landmarks_21. "
        + _OWN_SPLIT,
    ),
}
"""By name. AFW is scored by `hpe_edge.training.data.afw.yaw_within_15`, everything else by the MAE."""


def protocol(name: str) -> Protocol:
    """A protocol by name; InvalidArgumentError for an unknown one.

    >>> [part.dataset for part in protocol("1").test]
    ['aflw2000', 'biwi']
    """
    if name not in PROTOCOLS:
        raise InvalidArgumentError(f"protocol: expected one of {tuple(PROTOCOLS)}, got {name!r}")
    return PROTOCOLS[name]


def read_part(part: Part, path: Path, *, boxes: Path | None = None) -> Selection:
    """The samples of one part from the folder or zip of its data set.

    >>> read_part(protocol("1").test[0], Path("AFLW2000")).dropped  # doctest: +SKIP
    31
    """
    return select(part.dataset, path, boxes=boxes)
