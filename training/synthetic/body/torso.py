"""A plain body below the bust, so that people far away do not hang in the air."""

from __future__ import annotations

import numpy as np
from hpe_edge.training.synthetic.body.head_model import HeadModel
from hpe_edge.training.synthetic.camera.pinhole import Camera
from hpe_edge.training.synthetic.people.identity import Identity
from hpe_edge.training.synthetic.people.pose import Matrix
from hpe_edge.training.synthetic.people.posing import NECK_PIVOT
from hpe_edge.training.synthetic.raster.drawable import Drawable, plain
from hpe_edge.training.synthetic.raster.materials import material
from hpe_edge.training.synthetic.raster.visibility import vertex_normals
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

# height, half width and half depth in decimetres, in the axes of MakeHuman's base mesh: chest to feet
_PROFILE = np.asarray(
    [
        (5.15, 1.2, 0.7), (4.9, 1.9, 0.95), (4.3, 2.15, 1.1), (3.2, 1.75, 1.05), (2.2, 1.55, 0.95), (0.8, 1.85, 1.1),
        (-3.0, 1.5, 0.9), (-7.0, 1.2, 0.7),
    ],
    np.float32,
)  # fmt: skip
_BACK = -0.35  # dm: the body's axis lies behind the ears
_SIDES = 20
_BUST_HALF_WIDTH = 2.6  # dm, of a grown man's bust


def torso(model: HeadModel, identity: Identity, trunk: Matrix, camera: Camera) -> Drawable:
    """A body in the colour of somebody's clothes, turned by ``trunk`` (3, 3) against the head, for the camera."""
    narrow = float(np.abs(identity.neutral[model.skin.source, 0]).max()) / _BUST_HALF_WIDTH
    around = np.linspace(0, 2 * np.pi, _SIDES, endpoint=False)
    rings = [
        np.stack([narrow * wide * np.sin(around), np.full(_SIDES, height), _BACK + narrow * deep * np.cos(around)], 1)
        for height, wide, deep in _PROFILE
    ]
    points = np.concatenate(rings).astype(np.float32)
    turned = ((points - NECK_PIVOT) @ trunk.T.astype(np.float32) + NECK_PIVOT).astype(np.float32)
    first = np.arange(_SIDES)
    after = (first + 1) % _SIDES
    band = np.concatenate(
        [np.stack([first, first + _SIDES, after], 1), np.stack([after, first + _SIDES, after + _SIDES], 1)]
    )
    faces = np.concatenate([band + ring * _SIDES for ring in range(len(_PROFILE) - 1)]).astype(np.int32)
    normals = np.zeros_like(turned)
    vertex_normals(turned, faces, normals)
    row = material(model.white, tuple(float(value) for value in identity.clothes_rgb), wrap=0.1, smooth=True)
    return plain(camera.see(turned), normals @ camera.to_camera.T.astype(np.float32), faces, row)
