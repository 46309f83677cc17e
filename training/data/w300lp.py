"""300W-LP: 300-W photographs turned synthetically to large poses, 61,225 images and their mirror images.

Source: Zhu et al., CVPR 2016. Published layout: ``300W_LP/`` with the folders AFW, HELEN, IBUG, LFPW and
each one's ``_Flip``, every ``NAME.jpg`` (450x450) beside ``NAME.mat``. Research use only.
"""

from __future__ import annotations

from pathlib import Path

from hpe_edge.errors import DatasetError

from .archive import FileTree
from .matfile import samples_beside_mat
from .samples import MAX_ABS_DEG, Sample, spread, within_range

PARTS = ("AFW", "HELEN", "IBUG", "LFPW")
FOLDERS = (*PARTS, *(part + "_Flip" for part in PARTS))


def w300lp(
    path: Path | str, *, max_abs_deg: float = MAX_ABS_DEG, limit: int | None = None, flipped: bool = True
) -> list[Sample]:
    """Read 300W-LP from its folder or zip, all parts that are there, in the order of the names.

    ``path`` is the zip, the folder ``300W_LP``, the folder above it, or one part. Box: bounding box of
    the 68 points of ``pt2d``. Samples with an angle beyond ``max_abs_deg`` are dropped. ``limit`` takes
    that many, spread over all parts. ``flipped=False`` leaves the mirror images (``_Flip``) out.
    ``Sample.group`` is the face behind its views and mirror images.
    Raises DatasetError for a folder without these parts, a missing or damaged .mat, a wrong shape.

    >>> samples = w300lp("300W_LP.zip")  # doctest: +SKIP
    """
    tree = FileTree(Path(path))
    folders = FOLDERS if flipped else PARTS
    images = [n for n in tree.names() if n.endswith(".jpg") and _part(Path(path), n) in folders]
    if not images:
        raise DatasetError(
            f"{path}: expected the 300W-LP layout, folders {', '.join(PARTS)} and their _Flip with .jpg "
            "beside .mat, got none of them"
        )
    return within_range(samples_beside_mat(tree, spread(images, limit), "pt2d", _face), max_abs_deg)


def _face(name: str) -> str:
    """The face behind a synthesised view: ``"HELEN_1030333538_1_3"`` -> ``"HELEN_1030333538_1"``.

    The last number counts the views; a mirror image has the name of its original, so it has its group too.
    """
    return name.rpartition("_")[0] or name


def _part(root: Path, name: str) -> str:
    """The folder that holds the image: from its name, or the root itself when that is one part."""
    folders = name.split("/")[:-1]
    return folders[-1] if folders else root.name
