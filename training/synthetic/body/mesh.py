"""Readers of MakeHuman's plain-text files: meshes (``.obj``), morph targets, fitted items (``.mhclo``).

Units are MakeHuman's decimetres; x to the subject's left, y up, z out of the face: the head axes
of docs/CONVENTIONS.md.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpe_edge.errors import AssetError

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int32]


@dataclass(frozen=True)
class Mesh:
    """Triangles whose corners index ``positions`` and ``uv`` apart, as ``.obj`` files do.

    ``positions`` (V, 3), ``uv`` (T, 2), ``faces`` (F, 3) into positions, ``face_uv`` (F, 3) into uv,
    ``face_group`` (F,) into ``groups``.
    """

    positions: FloatArray
    uv: FloatArray
    faces: IntArray
    face_uv: IntArray
    face_group: IntArray
    groups: tuple[str, ...]


def read_obj(path: Path) -> Mesh:
    """Read a Wavefront mesh; quads become two triangles. Raises ``AssetError`` where it is malformed."""
    positions: list[list[float]] = []
    uv: list[list[float]] = []
    faces: list[list[int]] = []
    face_uv: list[list[int]] = []
    face_group: list[int] = []
    groups: dict[str, int] = {}
    group = groups.setdefault("", 0)
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            kind, *rest = line.split() or [""]
            if kind == "v":
                positions.append([float(value) for value in rest[:3]])
            elif kind == "vt":
                uv.append([float(value) for value in rest[:2]])
            elif kind in ("g", "o"):
                group = groups.setdefault(rest[0] if rest else "", len(groups))
            elif kind == "f":
                corners = [corner.split("/") for corner in rest]
                index = [int(corner[0]) - 1 for corner in corners]
                index_uv = [int(corner[1]) - 1 if len(corner) > 1 and corner[1] else 0 for corner in corners]
                for second in range(1, len(index) - 1):
                    faces.append([index[0], index[second], index[second + 1]])
                    face_uv.append([index_uv[0], index_uv[second], index_uv[second + 1]])
                    face_group.append(group)
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise AssetError(f"{path}: expected a Wavefront .obj, could not read it: {error}") from error
    if not positions or not faces:
        raise AssetError(f"{path}: expected vertices and faces, found {len(positions)} and {len(faces)}")
    return Mesh(
        np.asarray(positions, np.float32),
        np.asarray(uv or [[0.0, 0.0]], np.float32),
        np.asarray(faces, np.int32),
        np.asarray(face_uv, np.int32),
        np.asarray(face_group, np.int32),
        tuple(groups),
    )


@dataclass(frozen=True)
class Target:
    """A sparse morph: ``offsets`` (K, 3) in decimetres added at vertices ``index`` (K,)."""

    index: IntArray
    offsets: FloatArray

    def add_to(self, positions: FloatArray, weight: float) -> None:
        """Add the morph in place; every vertex occurs once in ``index``."""
        positions[self.index] += np.float32(weight) * self.offsets


def read_target(path: Path) -> Target:
    """Read a ``.target.gz`` file: one ``vertex dx dy dz`` a line."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            rows = [line.split() for line in file if line.strip() and not line.startswith("#")]
        index = np.asarray([int(row[0]) for row in rows], np.int32)
        offsets = np.asarray([[float(value) for value in row[1:4]] for row in rows], np.float32)
    except (OSError, ValueError, IndexError, EOFError) as error:
        raise AssetError(f"{path}: expected a MakeHuman morph target, could not read it: {error}") from error
    return Target(index, offsets.reshape(-1, 3))


@dataclass(frozen=True)
class Fit:
    """How an item (hair, clothes, brows) follows the base mesh: MakeHuman's ``.mhclo``.

    Vertex i of the item is ``sum_j weights[i, j] * base[corners[i, j]] + scale * offsets[i]``;
    ``scale`` compares three distances on the base mesh with those the item was made for.
    """

    corners: IntArray  # (V, 3)
    weights: FloatArray  # (V, 3)
    offsets: FloatArray  # (V, 3)
    scale_pairs: IntArray  # (3, 2) vertex pairs for x, y, z
    scale_distances: FloatArray  # (3,)

    def apply(self, base: FloatArray) -> FloatArray:
        """Positions (V, 3) of the item on a deformed base mesh (B, 3)."""
        ends = base[self.scale_pairs]
        scale = np.abs((ends[:, 0] - ends[:, 1])[np.arange(3), np.arange(3)]) / self.scale_distances
        return np.einsum("vc,vcd->vd", self.weights, base[self.corners]) + scale * self.offsets

    def blend(self, per_vertex: FloatArray) -> FloatArray:
        """A scalar of the base mesh (B,) carried over to the item (V,)."""
        return np.einsum("vc,vc->v", self.weights, per_vertex[self.corners])


def read_mhclo(path: Path) -> tuple[Fit, str]:
    """Read a fit; the second value is the name of its ``.obj``. ``material`` may follow ``verts``."""
    scale_pairs, scale_distances = np.zeros((3, 2), np.int32), np.ones(3, np.float32)
    rows: list[list[str]] = []
    obj_name, in_verts = "", False
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            if words[0] in ("x_scale", "y_scale", "z_scale"):
                axis = "xyz".index(words[0][0])
                scale_pairs[axis] = int(words[1]), int(words[2])
                scale_distances[axis] = float(words[3])
            elif words[0] == "obj_file":
                obj_name = words[1]
            elif words[0] == "verts":
                in_verts = True
            elif in_verts and words[0].lstrip("-").isdigit():
                rows.append(words)
            elif in_verts and words[0] in ("delete_verts",):
                in_verts = False
        return _fit_from_rows(rows, scale_pairs, scale_distances), obj_name
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise AssetError(f"{path}: expected a MakeHuman .mhclo, could not read it: {error}") from error


def _fit_from_rows(rows: list[list[str]], scale_pairs: IntArray, scale_distances: FloatArray) -> Fit:
    corners, weights, offsets = [], [], []
    for row in rows:
        if len(row) == 1:  # glued to one base vertex
            corners.append([int(row[0])] * 3)
            weights.append([1.0, 0.0, 0.0])
            offsets.append([0.0, 0.0, 0.0])
        elif len(row) < 9:
            raise ValueError(f"expected 1 or 9 numbers for a vertex, got {len(row)}")
        else:
            corners.append([int(value) for value in row[:3]])
            weights.append([float(value) for value in row[3:6]])
            offsets.append([float(value) for value in row[6:9]])
    return Fit(
        np.asarray(corners, np.int32),
        np.asarray(weights, np.float32),
        np.asarray(offsets, np.float32),
        scale_pairs,
        scale_distances,
    )
