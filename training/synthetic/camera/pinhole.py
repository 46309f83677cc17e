"""The pinhole camera of a stored picture and the way from head axes to its pixels.

A stored picture is a cut from a larger one, whose lens and size say how far away the head is and how far
off the optical axis. Labels are relative to the viewing ray through the head's centre: a head that faces
the camera from the corner has the angles 0, 0, 0, and is stretched as lenses stretch the corners.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hpe_edge.training.synthetic.people.pose import Matrix
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

BOX_MARGIN = 0.75  # of the tight face box, on each side, that a picture shows
# dm: the middle of the head; labels are relative to the ray through it
HEAD_CENTRE = np.asarray([0.0, 7.1, 0.6], np.float32)
NEAR_DM = 0.3
_HEAD_HEIGHT_DM = 2.3
_NEAREST_DM, _FARTHEST_DM = 3.2, 150.0


@dataclass(frozen=True)
class View:
    """Where a head stands before the camera.

    ``distance_dm`` along the viewing ray; ``ray`` (3, 3) the smallest rotation that takes the optical axis to
    that ray (camera axes); ``field_of_view_deg`` of the whole picture's longer side, 0 where only the stored
    cut is known.
    """

    distance_dm: float
    ray: Matrix
    field_of_view_deg: float = 0.0


@dataclass(frozen=True)
class Camera:
    """Pinhole in pixels; the principal point lies off the middle where the crop was shifted to the face.

    ``rotation`` is the label: head axes to the axes of the viewing ray. ``to_camera`` is what draws.
    """

    focal_px: float
    centre_x: float
    centre_y: float
    rotation: Matrix
    view: View

    @property
    def distance_dm(self) -> float:
        """From the pinhole to the head's centre."""
        return self.view.distance_dm

    @property
    def to_camera(self) -> Matrix:
        """(3, 3) head axes to camera axes."""
        return self.view.ray @ self.rotation

    @property
    def head_centre(self) -> FloatArray:
        """(3,) the head's centre in camera axes, decimetres."""
        return np.asarray(self.view.ray[:, 2] * -self.view.distance_dm, np.float32)

    def see(self, points: FloatArray) -> FloatArray:
        """Head axes (N, 3) in decimetres to camera axes: x right, y up, z toward the viewer."""
        moved = (points - HEAD_CENTRE) @ self.to_camera.T.astype(np.float32)
        moved += self.head_centre
        return np.ascontiguousarray(moved, np.float32)

    def project(self, seen: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Camera axes (N, 3) to pixels (N, 2) and inverse depth (N,); 0 where behind the near plane."""
        before = seen[:, 2] < -NEAR_DM
        inverse = np.where(before, -1.0 / np.where(before, seen[:, 2], -1.0), 0.0).astype(np.float32)
        u = self.centre_x + self.focal_px * seen[:, 0] * inverse
        v = self.centre_y - self.focal_px * seen[:, 1] * inverse
        return np.stack([u, v], 1).astype(np.float32), inverse

    def intrinsics(self) -> dict[str, float]:
        """For the labels: pixels, decimetres, degrees; the ray meets the plane z = -1 at the tangents of its angles."""
        ray = self.view.ray[:, 2]
        return {
            "fx": self.focal_px,
            "fy": self.focal_px,
            "cx": self.centre_x,
            "cy": self.centre_y,
            "distance_dm": self.distance_dm,
            "ray_right_deg": float(np.degrees(np.arctan2(-ray[0], ray[2]))),
            "ray_up_deg": float(np.degrees(np.arctan2(-ray[1], ray[2]))),
            "field_of_view_deg": self.view.field_of_view_deg,
        }


def sample_distance_dm(rng: np.random.Generator) -> float:
    """From an arm's length to across a room."""
    return float(np.exp(rng.uniform(np.log(4.5), np.log(32))))


def on_axis(distance_dm: float) -> View:
    """A head in the middle of the picture."""
    return View(distance_dm, np.eye(3))


def off_axis(distance_dm: float, right: float, up: float, field_of_view_deg: float) -> View:
    """A head whose ray meets the plane z = -1 at (right, up).

    >>> off_axis(10.0, 0.0, 0.0, 60.0).ray.tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    backward = np.asarray([-right, -up, 1.0]) / np.sqrt(right * right + up * up + 1.0)
    # smallest rotation of (0, 0, 1) to `backward`, by Rodrigues' formula: I + K + K K / (1 + cosine)
    x, y, cosine = backward
    cross = np.asarray([[0.0, 0.0, x], [0.0, 0.0, y], [-x, -y, 0.0]])
    return View(distance_dm, np.eye(3) + cross + cross @ cross / (1.0 + cosine), field_of_view_deg)


def sample_view(rng: np.random.Generator) -> View:
    """A lens of 8 to 70 degrees, a head of 8 to 85 % of the picture's height, anywhere in the picture."""
    degrees = float(np.exp(rng.uniform(np.log(8), np.log(70))) if rng.random() < 0.5 else rng.uniform(8, 70))
    reach = np.tan(np.radians(degrees / 2))  # half of the longer side, on the plane z = -1
    aspect = float(rng.choice([1.0, 4 / 3, 3 / 2, 16 / 9], p=(0.1, 0.4, 0.3, 0.2)))
    half = np.asarray([reach, reach / aspect] if rng.random() < 0.6 else [reach / aspect, reach])
    share = float(np.exp(rng.uniform(np.log(0.08), np.log(0.85))))  # of the shorter side
    tall = share * 2 * half.min()
    distance = float(np.clip(_HEAD_HEIGHT_DM / tall, _NEAREST_DM, _FARTHEST_DM))
    room = np.maximum(half - 0.35 * _HEAD_HEIGHT_DM / distance, 0.0)
    place = rng.normal((0.0, 0.25), (0.4, 0.35)) if rng.random() < 0.55 else rng.uniform(-1, 1, 2)
    right, up = np.clip(place, -1, 1) * room
    return off_axis(distance, float(right), float(up), degrees)


def aim_at_face(landmarks: FloatArray, rotation: Matrix, view: View, side: int) -> Camera:
    """Frame the tight box of the landmarks (68, 3; head axes) with BOX_MARGIN of its longer side all round."""
    unit = Camera(1.0, 0.0, 0.0, rotation, view)
    points, _ = unit.project(unit.see(landmarks))
    low, high = points.min(0), points.max(0)
    focal = side / (float((high - low).max()) * (1 + 2 * BOX_MARGIN))
    middle = (low + high) / 2 * focal
    return Camera(focal, side / 2 - float(middle[0]), side / 2 - float(middle[1]), rotation, view)
