"""AFLW2000-3D: 2,000 photographs of AFLW with fitted 3D faces, the field's usual test set.

Source: Zhu et al., CVPR 2016. Published layout: ``imageNNNNN.jpg`` (450x450) beside ``imageNNNNN.mat``
in one folder (``AFLW2000/`` in the zip). Research use only: a test set, never training material here.
"""

from __future__ import annotations

from pathlib import Path

from hpe_edge.errors import DatasetError

from .archive import FileTree
from .matfile import samples_beside_mat
from .samples import MAX_ABS_DEG, Sample, spread, within_range


def aflw2000(path: Path | str, *, max_abs_deg: float = MAX_ABS_DEG, limit: int | None = None) -> list[Sample]:
    """Read AFLW2000-3D from its folder or zip, in the order of the names.

    Box: bounding box of ``pt3d_68``. Samples with an angle beyond ``max_abs_deg`` are dropped (99 leaves
    the published 1,969; ``float("inf")`` keeps all). ``limit`` takes that many, spread over the folder.
    Raises DatasetError for a folder without such images, a missing or damaged .mat, a wrong shape.

    >>> samples = aflw2000("AFLW2000")  # doctest: +SKIP
    """
    tree = FileTree(Path(path))
    images = [n for n in tree.names() if n.endswith(".jpg") and n.rsplit("/", 1)[-1].startswith("image")]
    if not images:
        raise DatasetError(
            f"{path}: expected the AFLW2000-3D layout, imageNNNNN.jpg beside imageNNNNN.mat, got no image*.jpg"
        )
    return within_range(samples_beside_mat(tree, spread(images, limit), "pt3d_68", group_of=str), max_abs_deg)
