"""Near infrared as driver cameras see: a lamp beside the lens, skin bright and smooth, hair and cloth paler.

Reflectances at 850 nm: melanin hardly absorbs and all skins come near each other (Angelopoulou, "The reflectance
spectrum of human skin", 1999); most dyes are pale; eyes have dark pupils and a glint of the lamp.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hpe_edge.training.synthetic.body.landmarks import LEFT_EYEBALL_FRONT, RIGHT_EYEBALL_FRONT
from hpe_edge.training.synthetic.camera.pinhole import Camera
from hpe_edge.training.synthetic.light.lights import Lighting
from hpe_edge.training.synthetic.raster.draw import Drawn
from hpe_edge.training.synthetic.raster.drawable import Drawable
from hpe_edge.training.synthetic.raster.materials import (
    M_ALPHA_TEXTURE,
    M_BLUE,
    M_RED,
    M_SIZE,
    M_TEXTURE,
    SRGB_TO_LINEAR,
)
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

_SKIN_ROW = 0
_PUPIL_DM = 0.03  # radius
_LID_DM = 0.02
_LOOKED_AT = 400  # texels of a texture that its mean is taken from


def active_light(rng: np.random.Generator) -> Lighting:
    """One lamp near the lens, in the viewer's axes; little else, or sun through a side window."""
    away = rng.normal(0, 0.18, 2)
    lamp = np.asarray([away[0], away[1] - 0.05, 1.0], np.float32)
    directions = [lamp / np.linalg.norm(lamp)]
    strengths = [rng.uniform(0.7, 1.5)]
    if rng.random() < 0.25:
        azimuth, height = rng.uniform(0.8, 2.4) * rng.choice([-1, 1]), rng.uniform(0.1, 1.0)
        flat = np.cos(height)
        directions.append(np.asarray([np.sin(azimuth) * flat, np.sin(height), np.cos(azimuth) * flat], np.float32))
        strengths.append(rng.uniform(0.3, 3.0))
    harmonics = np.zeros((9, 3), np.float32)
    harmonics[0] = rng.uniform(0.01, 0.15)
    return Lighting(
        "active infrared", harmonics, np.eye(3, dtype=np.float32), np.stack(directions).astype(np.float32),
        np.repeat(np.asarray(strengths, np.float32)[:, None], 3, 1),
        exposure=float(rng.uniform(0.6, 1.3)), backdrop=float(np.exp(rng.uniform(np.log(0.03), np.log(0.6)))), dark=0.6,
    )  # fmt: skip


def in_infrared(thing: Drawable, texels: NDArray[np.uint8], rng: np.random.Generator) -> Drawable:
    """The thing with its reflectances at 850 nm. Its first material is skin."""
    materials = thing.materials.copy()
    skin = float(rng.uniform(0.45, 0.65))
    for number, row in enumerate(materials):
        mean = _mean_albedo(row, texels)
        wanted = skin * mean.mean() ** 0.12 if number == _SKIN_ROW else 0.75 * mean.mean() ** 0.5
        row[M_RED : M_BLUE + 1] *= wanted / np.maximum(mean, 1e-3)
    paint = thing.paint.copy()
    paint[:, :3] = 0.7 * np.maximum(paint[:, :3].mean(1, keepdims=True), 1e-4) ** 0.5
    smooth = np.zeros(len(paint), np.bool_)
    smooth[thing.faces[thing.face_material == _SKIN_ROW]] = True
    over = np.float32(rng.uniform(0.3, 0.6)) * (1 - paint[smooth, 3:4])  # blood and pores fade
    opacity = paint[smooth, 3:4] + over
    paint[smooth, :3] = (paint[smooth, :3] * paint[smooth, 3:4] + np.float32(skin) * over) / np.maximum(opacity, 1e-6)
    paint[smooth, 3:4] = opacity
    return replace(thing, materials=materials, paint=paint)


def show_pupils(drawn: Drawn, camera: Camera, base: FloatArray, rng: np.random.Generator) -> Drawn:
    """Pupils of a posed base mesh (B, 3): black, or bright where a lamp beside the lens lights the retina."""
    bright = rng.random() < 0.3
    strength = float(rng.uniform(0.5, 3.0))
    fronts = camera.see(base[[RIGHT_EYEBALL_FRONT, LEFT_EYEBALL_FRONT]])
    pixels, inverse_depth = camera.project(fronts)
    radiance = drawn.radiance.copy()
    side, samples = len(radiance), len(drawn.inverse_depth)
    radius = max(_PUPIL_DM * camera.focal_px / camera.distance_dm, 0.4)
    y, x = np.mgrid[:side, :side].astype(np.float32) + np.float32(0.5)
    for at, inverse in zip(pixels, inverse_depth, strict=True):
        column, row = (at * samples / side).astype(int)
        if not (0 <= column < samples and 0 <= row < samples):
            continue
        if inverse < drawn.inverse_depth[row, column] * (1 - _LID_DM / camera.distance_dm):
            continue  # behind a lid, hair or dark glass
        spot = np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * radius**2))[..., None]
        level = radiance[int(at[1]), int(at[0])].mean() * strength if bright else 0.0
        radiance += (level - radiance) * spot * (0.6 if bright else 0.85)
    return replace(drawn, radiance=radiance.astype(np.float32))


def _mean_albedo(row: FloatArray, texels: NDArray[np.uint8]) -> FloatArray:
    """Mean linear RGB (3,) of a material, where it is opaque."""
    first, count = int(row[M_TEXTURE]), int(row[M_SIZE]) ** 2
    some = texels[first : first + count : max(1, count // _LOOKED_AT)]
    if row[M_ALPHA_TEXTURE]:
        some = some[some[:, 3] > 128] if (some[:, 3] > 128).any() else some
    return np.asarray(SRGB_TO_LINEAR[some[:, :3]].mean(0) * row[M_RED : M_BLUE + 1], np.float32)
