"""One picture: light, camera, rasteriser, tone, and its labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hpe_edge.training.synthetic.camera import Camera, aim_at_face
from hpe_edge.training.synthetic.clutter import paint_clutter
from hpe_edge.training.synthetic.expression import sample_expression
from hpe_edge.training.synthetic.figure import Figure, PosedFigure, pose_figure
from hpe_edge.training.synthetic.head_model import HeadModel
from hpe_edge.training.synthetic.labels import Labels, make_labels
from hpe_edge.training.synthetic.landmarks import LANDMARKS_68
from hpe_edge.training.synthetic.lights import Environment, Lighting, backdrop_crop, sample_lighting
from hpe_edge.training.synthetic.materials import SRGB_TO_LINEAR
from hpe_edge.training.synthetic.pose import Matrix, rotation_x, rotation_y, rotation_z, sample_pose
from hpe_edge.training.synthetic.raster import rasterise, rasterise_depth, shade
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

SUPERSAMPLING = 2  # samples a pixel along each axis
SHADOW_SIDE = 144


@dataclass(frozen=True)
class Picture:
    """A rendered head: ``image_bgr`` (S, S, 3) uint8 and what is true of it."""

    image_bgr: NDArray[np.uint8]
    labels: Labels
    attributes: dict[str, Any]


def render_picture(
    model: HeadModel,
    environments: tuple[Environment, ...],
    figure: Figure,
    side: int,
    rng: np.random.Generator,
) -> Picture:
    """Draw one pose of a figure on ``side`` x ``side`` pixels."""
    rotation = sample_pose(rng)
    expression, weights = sample_expression(rng)
    gaze = np.asarray([*rng.normal(0, 0.18, 2), 1.0], np.float32)
    posed = pose_figure(model, figure, weights, _trunk(rotation, rng), gaze)
    distance = float(np.exp(rng.uniform(np.log(4.5), np.log(32))))
    camera = aim_at_face(posed.base[LANDMARKS_68], rotation, distance, side)
    lighting, backdrop = sample_lighting(environments, rng)
    best, radiance, coverage = _draw(model, figure, posed, camera, lighting, side)
    background = _background(backdrop, side, rng)
    picture = _develop(radiance, coverage, background, rng)
    labels = make_labels(model, posed.base, posed.base_normals, camera, best, SUPERSAMPLING)
    return Picture(picture, labels, {"expression": expression, "light": lighting.name})


def _trunk(rotation: Matrix, rng: np.random.Generator) -> Matrix:
    """Rotation of the trunk against the head: it follows the head's turn by a random share."""
    azimuth = np.degrees(np.arctan2(-rotation[0, 2], rotation[2, 2]))
    lag = np.clip(rng.normal(0.35, 0.3), 0.0, 0.9) * azimuth
    turn = float(np.clip(-lag + rng.normal(0, 8), -65, 65))
    nod = float(np.clip(rng.normal(0, 10), -25, 25))
    tilt = float(np.clip(rng.normal(0, 8), -20, 20))
    return rotation_y(turn) @ rotation_x(nod) @ rotation_z(tilt)


def _draw(
    model: HeadModel, figure: Figure, posed: PosedFigure, camera: Camera, lighting: Lighting, side: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Inverse depth in samples, linear radiance and coverage in pixels."""
    samples = side * SUPERSAMPLING
    seen = camera.see(posed.positions)
    pixels, inv_depth = camera.project(seen)
    screen = pixels * np.float32(SUPERSAMPLING)
    best = np.zeros((samples, samples), np.float32)
    triangle_of = np.full((samples, samples), -1, np.int32)
    rasterise(
        screen,
        inv_depth,
        figure.faces,
        figure.face_material,
        figure.materials,
        posed.uv,
        model.texels,
        best,
        triangle_of,
    )
    normals = np.ascontiguousarray(posed.normals @ camera.rotation.T.astype(np.float32))
    frames, shadow, bias = _shadow_maps(seen, figure, lighting)
    image = np.zeros((samples, samples, 3), np.float32)
    coverage = np.zeros((samples, samples), np.float32)
    shade(
        triangle_of, best, screen, inv_depth, figure.faces, figure.face_material, figure.materials, posed.uv,
        model.texels, SRGB_TO_LINEAR, seen, normals, figure.occlusion, figure.paint, lighting.harmonics,
        lighting.to_environment, lighting.key_directions, lighting.key_rgb, frames, shadow, bias, image, coverage,
    )  # fmt: skip
    shape = (side, SUPERSAMPLING, side, SUPERSAMPLING)
    return best, image.reshape(*shape, 3).mean((1, 3)), coverage.reshape(shape).mean((1, 3))


def _shadow_maps(seen: FloatArray, figure: Figure, lighting: Lighting) -> tuple[FloatArray, FloatArray, np.float32]:
    """Orthographic depth maps towards each key light round the head."""
    count = len(lighting.key_directions)
    frames = np.zeros((count, 3, 4), np.float32)
    maps = np.full((count, SHADOW_SIDE, SHADOW_SIDE), -1e9, np.float32)
    casts = np.ones(len(figure.faces), np.bool_)
    centre = np.median(seen, axis=0).astype(np.float32)
    scale = SHADOW_SIDE / 4.2  # a map spans 4.2 dm: head, hair and shoulders
    for light, direction in enumerate(lighting.key_directions):
        helper = np.asarray([0, 1, 0] if abs(direction[1]) < 0.9 else [1, 0, 0], np.float32)
        right = np.cross(helper, direction)
        right /= np.linalg.norm(right)
        axes = np.stack([right * scale, np.cross(direction, right) * scale, direction])
        frames[light, :, :3] = axes
        frames[light, :, 3] = -axes @ centre + (SHADOW_SIDE / 2, SHADOW_SIDE / 2, 0)
        local = seen @ frames[light, :, :3].T + frames[light, :, 3]
        rasterise_depth(
            np.ascontiguousarray(local[:, :2]), np.ascontiguousarray(local[:, 2]), figure.faces, casts, maps[light]
        )
    return frames, maps, np.float32(0.05)


def _background(backdrop: FloatArray, side: int, rng: np.random.Generator) -> FloatArray:
    """Linear radiance (side, side, 3): the environment, blurred by depth of field, with things in it."""
    focal = side / 2 / np.tan(np.radians(rng.uniform(10, 35)))
    tilt = rotation_x(rng.normal(0, 12))
    view = backdrop_crop(backdrop, tilt, float(focal), side)
    view = np.minimum(view, rng.uniform(1.0, 4.0)).astype(np.float32)
    return paint_clutter(view, rng)


def _develop(
    radiance: FloatArray, coverage: FloatArray, background: FloatArray, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Expose for the face, white-balance, apply a film-like curve, encode as sRGB BGR."""
    face = radiance[coverage > 0.5]
    level = float(np.percentile(face.mean(1), 60)) if len(face) else 0.2
    target = np.exp(rng.normal(np.log(0.24), 0.5))
    gain = np.clip(target / max(level, 1e-3), 0.2, 40.0)
    if rng.random() < 0.25:  # a backdrop of another brightness: window behind, black studio
        background = background * np.float32(np.exp(rng.normal(0, 1.2)))
    linear = (radiance + background * (1 - coverage[..., None])) * np.float32(gain)
    shoulder = rng.uniform(0.25, 0.95)  # highlights bend from here on, as film and camera curves do
    rolled = 1 - (1 - shoulder) * np.exp(-np.maximum(linear - shoulder, 0) / (1.001 - shoulder))
    linear = np.where(linear > shoulder, rolled, linear)
    contrast = np.exp(rng.normal(0, 0.12))
    linear = np.clip(linear, 0, 1) ** np.float32(contrast)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-6) ** (1 / 2.4) - 0.055)
    noise = rng.normal(0, rng.uniform(0.0, 0.012), encoded.shape)
    return np.ascontiguousarray((np.clip(encoded + noise, 0, 1) * 255 + 0.5).astype(np.uint8)[..., ::-1])
