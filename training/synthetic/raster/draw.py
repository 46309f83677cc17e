"""From triangles to linear radiance: visibility, shadow maps, shading, at SUPERSAMPLING^2 samples a pixel."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from hpe_edge.training.synthetic.camera.pinhole import Camera
from hpe_edge.training.synthetic.light.gobos import GOBO_SIDE
from hpe_edge.training.synthetic.light.lights import Lighting
from hpe_edge.training.synthetic.raster.drawable import Drawable
from hpe_edge.training.synthetic.raster.materials import SRGB_TO_LINEAR
from hpe_edge.training.synthetic.raster.shade import shade
from hpe_edge.training.synthetic.raster.visibility import rasterise, rasterise_depth
from hpe_edge.training.synthetic.worn.panes import blend_panes, is_pane
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

SUPERSAMPLING = 2  # samples a pixel along each axis
SHADOW_SIDE = GOBO_SIDE
_SHADOW_SPAN_DM = 4.2  # head, hair and shoulders
_ABOVE_ALL = 1e9  # depth of what lies between a lamp and everything


@dataclass(frozen=True)
class Drawn:
    """``inverse_depth`` (S*k, S*k) and ``triangle_of`` (S*k, S*k; -1: nothing) in samples; ``radiance``
    (S, S, 3) linear, black where nothing is, and ``coverage`` (S, S) in pixels."""

    inverse_depth: FloatArray
    triangle_of: NDArray[np.int32]
    radiance: FloatArray
    coverage: FloatArray

    def nearest_round(self, own_faces: int, distance_dm: float) -> FloatArray:
        """Inverse depths for the labels of a head ``distance_dm`` away whose triangles are the first ``own_faces``.

        Labels allow a head's own surface 12 mm, the thickness of a finger; others' surfaces come nearer by 11.
        """
        closer = np.float32(1 + 0.11 / distance_dm)
        return np.where(self.triangle_of >= own_faces, self.inverse_depth * closer, self.inverse_depth)


def draw(thing: Drawable, texels: NDArray[np.uint8], camera: Camera, lighting: Lighting, side: int) -> Drawn:
    """Draw a thing on ``side`` x ``side`` pixels; shadows fall within 4.2 dm round the head."""
    samples = side * SUPERSAMPLING
    pixels, inv_depth = camera.project(thing.positions)
    screen = pixels * np.float32(SUPERSAMPLING)
    best = np.zeros((samples, samples), np.float32)
    triangle_of = np.full((samples, samples), -1, np.int32)
    rasterise(
        screen, inv_depth, thing.faces, thing.face_material, thing.materials, thing.uv, texels, best, triangle_of
    )  # fmt: skip
    frames, shadow, bias = _shadow_maps(thing, camera.head_centre, lighting)
    image = np.zeros((samples, samples, 3), np.float32)
    coverage = np.zeros((samples, samples), np.float32)
    shade(
        triangle_of, best, screen, inv_depth, thing.faces, thing.face_material, thing.materials, thing.uv,
        texels, SRGB_TO_LINEAR, thing.positions, thing.normals, thing.occlusion, thing.paint, lighting.harmonics,
        lighting.to_environment, lighting.key_directions, lighting.key_rgb, frames, shadow, bias, image, coverage,
    )  # fmt: skip
    panes = np.flatnonzero(is_pane(thing.materials, thing.face_material))
    if len(panes):
        blend_panes(
            panes, thing.faces, thing.face_material, thing.materials, thing.paint, screen, inv_depth, thing.positions,
            thing.normals, texels, SRGB_TO_LINEAR, np.maximum(lighting.harmonics[0], 0), lighting.key_directions,
            lighting.key_rgb, best, image, coverage,
        )  # fmt: skip
    radiance, covered = (
        cv2.resize(samples, (side, side), interpolation=cv2.INTER_AREA) for samples in (image, coverage)
    )
    return Drawn(best, triangle_of, radiance, covered)


def _shadow_maps(thing: Drawable, centre: FloatArray, lighting: Lighting) -> tuple[FloatArray, FloatArray, np.float32]:
    """Orthographic depth maps towards each key light round ``centre``."""
    count = len(lighting.key_directions)
    frames = np.zeros((count, 3, 4), np.float32)
    maps = np.full((count, SHADOW_SIDE, SHADOW_SIDE), -1e9, np.float32)
    casts = ~is_pane(thing.materials, thing.face_material)
    scale = SHADOW_SIDE / _SHADOW_SPAN_DM
    for light, direction in enumerate(lighting.key_directions):
        helper = np.asarray([0, 1, 0] if abs(direction[1]) < 0.9 else [1, 0, 0], np.float32)
        right = np.cross(helper, direction)
        right /= np.linalg.norm(right)
        axes = np.stack([right * scale, np.cross(direction, right) * scale, direction])
        frames[light, :, :3] = axes
        frames[light, :, 3] = -axes @ centre + (SHADOW_SIDE / 2, SHADOW_SIDE / 2, 0)
        local = thing.positions @ frames[light, :, :3].T + frames[light, :, 3]
        rasterise_depth(
            np.ascontiguousarray(local[:, :2]), np.ascontiguousarray(local[:, 2]), thing.faces, casts, maps[light]
        )
    if lighting.gobo is not None and count:
        maps[0][lighting.gobo] = _ABOVE_ALL
    return frames, maps, np.float32(0.05)
