"""Labels of the 300W-LP family: one MATLAB file beside each photograph.

Source: Zhu et al., "Face Alignment Across Large Poses: A 3D Solution", CVPR 2016 (300W-LP, AFLW2000-3D).
``Pose_Para`` is 1x7: pitch, yaw, roll in radians, translation, scale. AFLW2000-3D keeps its 68 landmarks
in ``pt3d_68`` (3x68, the first two rows in pixels; its ``pt2d`` are AFLW's 21 points); 300W-LP keeps
them in ``pt2d`` (2x68).
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import scipy.io
from numpy.typing import NDArray
from scipy.io.matlab import MatReadError

from hpe_edge.errors import DatasetError

from .archive import FileTree, stem
from .samples import Sample, tight_box

LANDMARKS = 68


def samples_beside_mat(
    tree: FileTree, image_names: list[str], points_key: str, group_of: Callable[[str], str]
) -> list[Sample]:
    """Read ``NAME.mat`` for each ``NAME.jpg``; ``points_key`` holds the 68 landmarks (rows x, y).

    ``group_of`` makes the sample's group of its name (without folder and suffix).
    Raises DatasetError for a missing or unreadable .mat and for arrays of another shape.
    """
    present = set(tree.names())
    samples = []
    for image_name in image_names:
        mat_name = stem(image_name) + ".mat"
        if mat_name not in present:
            raise DatasetError(f"{tree.path}: expected labels {mat_name} beside {image_name}, got no such file")
        where = f"{tree.path}: {mat_name}"
        content = load_mat(tree.read(mat_name), where)
        points, euler = landmarks_xy(content, points_key, where), euler_deg(content, where)
        name = stem(image_name).rsplit("/", 1)[-1]
        landmarks = points.astype(np.float32)
        samples.append(Sample(name, tree.source(image_name), tight_box(points), euler, landmarks, group=group_of(name)))
    return samples


def load_mat(encoded: bytes, where: str) -> dict[str, NDArray[np.generic]]:
    """Parse a MATLAB file; DatasetError naming ``where`` when it is damaged."""
    try:
        content = scipy.io.loadmat(io.BytesIO(encoded))
    except NotImplementedError as error:  # scipy's answer to MATLAB 7.3, which is HDF5
        raise DatasetError(f"{where}: expected a MATLAB file up to version 7, got 7.3; save it with -v7") from error
    except (MatReadError, ValueError, TypeError, OSError, zlib.error, struct.error) as error:
        raise DatasetError(f"{where}: expected a MATLAB file, got: {error}") from error
    return {key: value for key, value in content.items() if not key.startswith("__")}


def euler_deg(content: dict[str, NDArray[np.generic]], where: str) -> NDArray[np.float32]:
    """(3,) float32 yaw, pitch, roll in degrees from ``Pose_Para`` (pitch, yaw, roll in radians)."""
    pose = _array(content, "Pose_Para", where)
    if pose.shape not in ((1, 7), (7,)) or not np.isfinite(pose.ravel()[:3]).all():
        raise DatasetError(f"{where}: expected Pose_Para of shape 1x7, finite, got shape {pose.shape}")
    pitch, yaw, roll = pose.ravel()[:3]
    degrees: NDArray[np.float32] = np.rad2deg(np.array([yaw, pitch, roll])).astype(np.float32)
    return degrees


def landmarks_xy(content: dict[str, NDArray[np.generic]], key: str, where: str) -> NDArray[np.float64]:
    """(68, 2) pixels from the rows x, y of ``content[key]``."""
    points = _array(content, key, where)
    if points.ndim != 2 or points.shape[0] not in (2, 3) or points.shape[1] != LANDMARKS:
        raise DatasetError(f"{where}: expected {key} of shape 2x68 or 3x68, got {points.shape}")
    xy: NDArray[np.float64] = points[:2].T
    extent = xy.max(axis=0) - xy.min(axis=0)
    if not np.isfinite(xy).all() or float(extent.min()) <= 0:
        raise DatasetError(f"{where}: expected {key} with 68 finite, distinct points, got extent {extent}")
    return xy


def _array(content: dict[str, NDArray[np.generic]], key: str, where: str) -> NDArray[np.float64]:
    if key not in content:
        raise DatasetError(f"{where}: expected the variable {key}, got {sorted(content)}")
    try:
        return np.asarray(content[key], np.float64)
    except (TypeError, ValueError) as error:
        raise DatasetError(f"{where}: expected numbers in {key}, got {content[key].dtype}") from error
