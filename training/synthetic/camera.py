"""The pinhole camera of a stored picture and the way from head axes to its pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hpe_edge.training.synthetic.pose import Matrix
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

BOX_MARGIN = 0.75  # of the tight face box, on each side, that a picture shows
# dm: the middle of the head, on the optical axis; labels are relative to the ray through it
HEAD_CENTRE = np.asarray([0.0, 7.1, 0.6], np.float32)
NEAR_DM = 0.3


@dataclass(frozen=True)
class Camera:
    """Pinhole in pixels; the principal point lies off the middle where the crop was shifted to the face."""

    focal_px: float
    centre_x: float
    centre_y: float
    rotation: Matrix
    distance_dm: float

    def see(self, points: FloatArray) -> FloatArray:
        """Head axes (N, 3) in decimetres to camera axes: x right, y up, z toward the viewer."""
        moved = (points - HEAD_CENTRE) @ self.rotation.T.astype(np.float32)
        moved[:, 2] -= np.float32(self.distance_dm)
        return np.ascontiguousarray(moved, np.float32)

    def project(self, seen: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Camera axes (N, 3) to pixels (N, 2) and inverse depth (N,); 0 where behind the near plane."""
        before = seen[:, 2] < -NEAR_DM
        inverse = np.where(before, -1.0 / np.where(before, seen[:, 2], -1.0), 0.0).astype(np.float32)
        u = self.centre_x + self.focal_px * seen[:, 0] * inverse
        v = self.centre_y - self.focal_px * seen[:, 1] * inverse
        return np.stack([u, v], 1).astype(np.float32), inverse


def sample_distance_dm(rng: np.random.Generator) -> float:
    """From an arm's length to across a room."""
    return float(np.exp(rng.uniform(np.log(4.5), np.log(32))))


def aim_at_face(landmarks: FloatArray, rotation: Matrix, distance_dm: float, side: int) -> Camera:
    """Frame the tight box of the landmarks (68, 3; head axes) with BOX_MARGIN of its longer side all round."""
    unit = Camera(1.0, 0.0, 0.0, rotation, distance_dm)
    points, _ = unit.project(unit.see(landmarks))
    low, high = points.min(0), points.max(0)
    focal = side / (float((high - low).max()) * (1 + 2 * BOX_MARGIN))
    middle = (low + high) / 2 * focal
    return Camera(focal, side / 2 - float(middle[0]), side / 2 - float(middle[1]), rotation, distance_dm)
