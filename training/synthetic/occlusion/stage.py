"""The person in a picture as those who hang things before the face see them: always from the left side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hpe_edge.training.synthetic.body.hands import POSES
from hpe_edge.training.synthetic.body.head_model import HeadModel
from hpe_edge.training.synthetic.camera.pinhole import Camera
from hpe_edge.training.synthetic.occlusion.arms import (
    FacedSurface,
    Owner,
    Place,
    draw_hand,
    hand_axes,
    shape_hand,
    vary,
)
from hpe_edge.training.synthetic.occlusion.shapes import Shape
from hpe_edge.training.synthetic.raster.drawable import Drawable, plain
from hpe_edge.training.synthetic.raster.visibility import vertex_normals
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Vector = tuple[float, float, float]

_GRIP = (0.0, 0.9, 0.2)  # hand axes: where a thing's surface lies in a holding palm


@dataclass(frozen=True)
class Stage:
    """Head axes, mirrored where ``right``, so that every act is described for the left hand only."""

    model: HeadModel
    owner: Owner
    surface: FacedSurface
    right: bool
    camera: Camera
    rng: np.random.Generator

    def other_side(self) -> Stage:
        """The same with left and right exchanged."""
        return Stage(self.model, self.owner, self.surface.mirrored(), not self.right, self.camera, self.rng)

    def point(self, *landmarks: int) -> FloatArray:
        """Mean of some of the 68 points."""
        return np.asarray(self.surface.points_68[list(landmarks)].mean(0))

    def towards_viewer(self) -> FloatArray:
        """Unit vector (3,) from the head to the camera."""
        found = self.camera.to_camera.T @ -self.camera.head_centre
        found = found / np.linalg.norm(found)
        return np.asarray(found * self._flip, np.float32)

    def viewer_axes(self) -> FloatArray:
        """(3, 3) columns: the picture's right, its up and the way to the viewer."""
        z = self.towards_viewer()
        up = (self.camera.to_camera.T @ (0.0, 1.0, 0.0)) * self._flip
        x = np.cross(up, z)
        x = x / np.linalg.norm(x)
        return np.stack([x, np.cross(z, x), z], 1).astype(np.float32)

    @property
    def _flip(self) -> FloatArray:
        return np.asarray((-1 if self.right else 1, 1, 1), np.float32)

    def put(self, shapes: list[Shape], axes: FloatArray, origin: FloatArray) -> list[Drawable]:
        """Shapes whose axes are the columns of ``axes`` (3, 3), at ``origin`` (3,)."""
        found = []
        for shape in shapes:
            positions = (shape.positions @ axes.T + origin) * self._flip
            faces = shape.faces[:, ::-1] if self.right else shape.faces
            seen = self.camera.see(positions.astype(np.float32))
            normals = np.zeros_like(seen)
            vertex_normals(seen, np.ascontiguousarray(faces), normals)
            found.append(plain(seen, normals, faces, shape.row))
        return found

    def hold(
        self,
        at: FloatArray,
        fingers: FloatArray | Vector,
        palm: FloatArray | Vector,
        elbow: Vector,
        pose: str = "hold",
        grip: Vector = _GRIP,
        owner: Owner | None = None,
    ) -> Drawable:
        """A hand whose ``grip`` (hand axes) lies at ``at`` (3,)."""
        owner = owner or self.owner
        axes = hand_axes(np.asarray(fingers, float), np.asarray(palm, float))
        wrist = at - axes @ np.asarray(grip) * owner.reach(self.model.hand)
        place = Place(axes, wrist, np.asarray(elbow) + self.rng.normal(0, 0.35, 3))
        points = shape_hand(self.model.hand, owner, vary(POSES[pose], self.rng), place)
        open_sky = np.full(len(points), 0.85, np.float32)
        return draw_hand(
            self.model.hand,
            owner,
            points.astype(np.float32),
            open_sky,
            self.right,
            self.camera,
            self.surface.shoulders[0],
        )


def axes_of(y: FloatArray | Vector, z: FloatArray | Vector) -> FloatArray:
    """(3, 3) columns of a thing that stands along ``y`` and whose front looks about ``z``."""
    return hand_axes(np.asarray(y, float), np.asarray(z, float))
