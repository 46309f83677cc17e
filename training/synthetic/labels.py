"""What is true of a picture: angles, matrix, boxes, landmarks in 2D and 3D and their visibility, camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hpe_edge.training.euler import euler_of_rotation_deg
from hpe_edge.training.synthetic.body.head_model import HeadModel
from hpe_edge.training.synthetic.body.landmarks import LANDMARKS_21, LANDMARKS_68
from hpe_edge.training.synthetic.camera.pinhole import Camera
from hpe_edge.training.synthetic.people.pose import Matrix, euler_in_range
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Labels:
    """Pixels of the stored picture; label frame and signs of docs/CONVENTIONS.md.

    ``landmarks_*_xyz_mm`` (N, 3) lie in camera axes: x right, y up, z toward the viewer, origin in the pinhole.
    """

    euler_deg: tuple[float, float, float]
    rotation: Matrix
    box_xyxy: FloatArray
    head_box_xyxy: FloatArray
    landmarks_68: FloatArray
    landmarks_68_visible: NDArray[np.bool_]
    landmarks_68_xyz_mm: FloatArray
    landmarks_21: FloatArray
    landmarks_21_visible: NDArray[np.bool_]
    landmarks_21_xyz_mm: FloatArray
    visible_face_fraction: float
    intrinsics: dict[str, float]

    @property
    def euler_in_range(self) -> bool:
        """Whether the Euler angles may be trained on; the matrix always holds."""
        return euler_in_range(self.euler_deg)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, rounded to what the pixels can tell."""
        yaw, pitch, roll = (round(value, 4) for value in self.euler_deg)
        return {
            "yaw_deg": yaw,
            "pitch_deg": pitch,
            "roll_deg": roll,
            "euler_in_range": self.euler_in_range,
            "rotation": np.round(self.rotation.reshape(-1), 7).tolist(),
            "box_xyxy": np.round(self.box_xyxy.astype(float), 3).tolist(),
            "head_box_xyxy": np.round(self.head_box_xyxy.astype(float), 3).tolist(),
            "landmarks_68": np.round(self.landmarks_68.astype(float), 2).tolist(),
            "landmarks_68_visible": self.landmarks_68_visible.astype(int).tolist(),
            "landmarks_68_xyz_mm": np.round(self.landmarks_68_xyz_mm.astype(float), 1).tolist(),
            "landmarks_21": np.round(self.landmarks_21.astype(float), 2).tolist(),
            "landmarks_21_visible": self.landmarks_21_visible.astype(int).tolist(),
            "landmarks_21_xyz_mm": np.round(self.landmarks_21_xyz_mm.astype(float), 1).tolist(),
            "visible_face_fraction": round(self.visible_face_fraction, 4),
            "camera": {key: round(value, 4) for key, value in self.intrinsics.items()},
        }


def make_labels(
    model: HeadModel, base: FloatArray, base_normals: FloatArray, camera: Camera, best: FloatArray, samples_per_px: int
) -> Labels:
    """Labels of a posed base mesh (B, 3); ``best`` is the rasteriser's inverse depth in samples."""
    seen = camera.see(base)
    pixels, inverse_depth = camera.project(seen)

    def visible(index: NDArray[np.int32], slack: float) -> NDArray[np.bool_]:
        at = np.floor(pixels[index] * samples_per_px).astype(int)  # not towards zero: that would reach in
        inside = ((at >= 0) & (at < best.shape[0])).all(1)
        at = np.clip(at, 0, best.shape[0] - 1)
        in_front = inverse_depth[index] >= best[at[:, 1], at[:, 0]] * (1 - slack)
        return inside & in_front

    slack = 0.12 / camera.distance_dm  # 12 mm: lids and lips lie deeper than their neighbours
    points_68, points_21 = pixels[LANDMARKS_68], pixels[LANDMARKS_21]
    skull = model.skull
    face = model.face_index
    towards = (base_normals[face] @ camera.to_camera.T.astype(np.float32) * -seen[face]).sum(1) > 0
    facing = face[towards]
    return Labels(
        euler_deg=euler_of_rotation_deg(camera.rotation),
        rotation=camera.rotation,
        box_xyxy=_bounds(points_68),
        head_box_xyxy=_bounds(pixels[skull]),
        landmarks_68=points_68,
        landmarks_68_visible=visible(LANDMARKS_68, slack),
        landmarks_68_xyz_mm=seen[LANDMARKS_68] * 100,
        landmarks_21=points_21,
        landmarks_21_visible=visible(LANDMARKS_21, slack),
        landmarks_21_xyz_mm=seen[LANDMARKS_21] * 100,
        visible_face_fraction=float(visible(facing, slack).mean()) if len(facing) else 0.0,
        intrinsics=camera.intrinsics(),
    )


def _bounds(points: FloatArray) -> FloatArray:
    return np.concatenate([points.min(0), points.max(0)]).astype(np.float32)
