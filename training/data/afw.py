"""AFW: 468 faces on 205 photographs from Flickr, yaw in steps of 15 degrees.

Source: Zhu & Ramanan, "Face Detection, Pose Estimation, and Landmark Localization in the Wild", CVPR 2012.
Published layout: ``testimages/`` with the photographs and ``anno.mat``, a MATLAB 7.3 file (HDF5, read by h5py): a
cell array with a row a photograph, its columns the file's name, the boxes [x1 y1; x2 y2] and the poses [yaw, pitch,
roll] in degrees. No licence is stated; the photographs are others' (Flickr): research only.

Only yaw is scored in the literature, with predictions rounded to 15 degrees; pitch and roll are guesses of the eye
and are NaN here. The sign: +yaw of AFW turns the nose to image-right, so it is turned (the author of Hopenet in
issue 9 of deep-head-pose; a user measured 21 % within 15 degrees with it as it stands and 67 % turned). The box is
taken as tight.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpe_edge.errors import DatasetError, missing_dependency

from .archive import FileTree
from .samples import Sample, spread

_HDF5 = b"\x89HDF\r\n\x1a\n"
_HEADER_BYTES = 512  # of text, which MATLAB writes before the HDF5 content


def afw(path: Path | str, *, limit: int | None = None) -> list[Sample]:
    """Read AFW from the folder or zip that holds ``anno.mat`` and the photographs, in the order of anno.mat.

    ``euler_deg`` is yaw and NaN twice. ``limit`` takes that many, spread over the set. ``Sample.group`` is
    the photograph. Raises DatasetError for another layout, a damaged anno.mat, a label that is not a number, a
    missing photograph; MissingDependencyError without h5py.

    >>> samples = afw("AFW/testimages")  # doctest: +SKIP
    """
    tree = FileTree(Path(path))
    by_name = {name.rsplit("/", 1)[-1]: name for name in tree.names()}
    if "anno.mat" not in by_name:
        raise DatasetError(f"{path}: expected the AFW layout, anno.mat beside the photographs, got no anno.mat")
    where = f"{tree.path}: {by_name['anno.mat']}"
    samples = []
    for photograph, number, box, yaw_deg in _faces(tree.read(by_name["anno.mat"]), where):
        if photograph not in by_name:
            raise DatasetError(f"{where}: expected the photograph {photograph}, got no such file")
        euler_deg = np.array([-yaw_deg + 0.0, np.nan, np.nan], np.float32)
        name = f"{photograph.rpartition('.')[0]}_{number}"
        samples.append(Sample(name, tree.source(by_name[photograph]), box, euler_deg, group=photograph))
    if not samples:
        raise DatasetError(f"{where}: expected faces, got none")
    return spread(samples, limit)


def yaw_within_15(truth_deg: NDArray[np.floating], predicted_deg: NDArray[np.floating]) -> float:
    """Share of (N, 3) predictions whose yaw, rounded to 15 degrees, is at most 15 off: the figure of the literature.

    >>> yaw_within_15(np.zeros((2, 3)), np.array([[22.0, 0, 0], [23.0, 0, 0]]))
    0.5
    """
    rounded = 15.0 * np.round(predicted_deg[:, 0] / 15.0)
    return float((np.abs(rounded - truth_deg[:, 0]) <= 15.0).mean())


def _faces(encoded: bytes, where: str) -> Iterator[tuple[str, int, NDArray[np.float32], float]]:
    """(photograph, number of the face in it, box (4,), yaw as annotated) of all faces."""
    try:
        import h5py  # type: ignore[import-untyped]
    except ModuleNotFoundError as error:
        raise missing_dependency("h5py", "training", "reading AFW's anno.mat") from error
    if encoded[_HEADER_BYTES : _HEADER_BYTES + len(_HDF5)] != _HDF5:
        raise DatasetError(f"{where}: expected a MATLAB 7.3 file, got {len(encoded)} bytes of something else")
    try:
        with h5py.File(io.BytesIO(encoded), "r") as file:
            for names, boxes, poses in np.asarray(file["anno"])[:3].T:
                photograph = "".join(chr(int(code)) for code in np.ravel(file[names]))
                cells = zip(np.ravel(file[boxes]), np.ravel(file[poses]), strict=True)
                for number, (box, pose) in enumerate(cells):
                    yield _face(photograph, number, np.asarray(file[box]), np.asarray(file[pose]), where)
    except DatasetError:
        raise
    except (OSError, KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
        raise DatasetError(f"{where}: expected cells of names, boxes and poses in anno, got: {error}") from error


def _face(
    photograph: str, number: int, box: NDArray[Any], pose: NDArray[Any], where: str
) -> tuple[str, int, NDArray[np.float32], float]:
    """One face; MATLAB's [x1 y1; x2 y2] reads as [[x1, x2], [y1, y2]], because HDF5 has the other order of axes."""
    what = f"{where}: {photograph} face {number}"
    corners = box.astype(np.float32)
    if corners.shape != (2, 2) or pose.size < 1 or not np.isfinite([*corners.ravel(), float(pose.ravel()[0])]).all():
        raise DatasetError(f"{what}: expected a 2x2 box and a pose of finite numbers, got {box.shape} and {pose.shape}")
    x0, x1, y0, y1 = corners.ravel()
    if x1 <= x0 or y1 <= y0:
        raise DatasetError(f"{what}: expected a box with an area, got {[float(v) for v in (x0, y0, x1, y1)]}")
    return photograph, number, np.array([x0, y0, x1, y1], np.float32), float(pose.ravel()[0])
