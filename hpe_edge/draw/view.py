"""From a head's axes to the pixels of an image: by the camera's perspective, or by its box alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hpe_edge.camera import MEAN_FACE_M, Camera
from hpe_edge.draw.shapes import FACE_MIDDLE_M, FACE_SIZE_M
from hpe_edge.errors import InvalidArgumentError
from hpe_edge.results import FloatArray, HeadPoses

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """One head in an image.

    Attributes:
        rotation: (3, 3) head to camera.
        middle_m: (3,) the head's middle in the optical frame; ``None`` when it is seen orthographically.
        scale: pixels a metre, and ``shift_xy`` the pixel of the head's middle, of an orthographic view.
    """

    rotation: Array
    camera: Camera | None = None
    middle_m: Array | None = None
    scale: float = 0.0
    shift_xy: tuple[float, float] = (0.0, 0.0)

    def pixels(self, points_m: Array) -> Array:
        """Points (..., 3) in the head's axes to pixels (..., 2), as in boxes; NaN behind the camera."""
        turned = points_m.reshape(-1, 3) @ self.rotation.T
        if self.camera is None or self.middle_m is None:
            flat = self.scale * turned[:, :2] + self.shift_xy
        else:
            flat = self.camera.project(turned + self.middle_m)
        return np.asarray(flat).reshape(*points_m.shape[:-1], 2)

    def depth(self, points_m: Array) -> Array:
        """(...,) how far points (..., 3) lie behind the head's middle, metres."""
        return np.asarray(points_m @ self.rotation[2])

    def faces_viewer(self, points_m: Array, outward: Array) -> NDArray[np.bool_]:
        """Whether surfaces at points (S, 3) with normals (S, 3), both in the head's axes, are turned to the viewer."""
        if self.middle_m is None:
            return np.asarray(outward @ self.rotation[2] < 0)
        sight = points_m + self.middle_m @ self.rotation  # from the pinhole, in the head's axes
        return np.asarray((outward * sight).sum(axis=1) < 0)


def views(poses: HeadPoses, style: str, camera: Camera | None) -> list[View]:
    """One view a head.

    Raises:
        InvalidArgumentError: a camera, but poses without places.
    """
    if camera is None:
        make = _filling_view if style == "head" else _centred_view
        return [make(*pair) for pair in zip(poses.rotation.astype(np.float64), poses.boxes_xyxy, strict=True)]
    if np.isnan(poses.translation_m).any():
        raise InvalidArgumentError(
            "camera: expected poses with translation_m, as HeadPose(camera=camera) gives them, got NaN; "
            "without a camera poses are drawn by their boxes"
        )
    return [
        View(camera.mount.T @ rotation, camera, camera.mount.T @ middle_m)
        for rotation, middle_m in zip(poses.rotation, poses.translation_m, strict=True)
    ]


def _centred_view(rotation: Array, box: FloatArray) -> View:
    """The middle of the face in the middle of the box, the face as wide as the box's longer side."""
    x0, y0, x1, y1 = (float(value) for value in box)
    scale = max(x1 - x0, y1 - y0) / FACE_SIZE_M
    x, y = scale * (rotation @ FACE_MIDDLE_M)[:2]
    return View(rotation, scale=scale, shift_xy=((x0 + x1) / 2 - x, (y0 + y1) / 2 - y))


def _filling_view(rotation: Array, box: FloatArray) -> View:
    """The mean face fills the box: same middle, same diagonal."""
    x0, y0, x1, y1 = (float(value) for value in box)
    seen = MEAN_FACE_M @ rotation[:2].T
    low, high = seen.min(axis=0), seen.max(axis=0)
    scale = float(np.hypot(x1 - x0, y1 - y0) / np.hypot(*(high - low)))
    x, y = scale * (low + high) / 2
    return View(rotation, scale=scale, shift_xy=((x0 + x1) / 2 - x, (y0 + y1) / 2 - y))
