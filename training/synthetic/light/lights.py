"""Light and background from environment maps (HDRIs).

An environment is split in up to three key lights, which cast shadows, and the rest, whose diffuse light is
nine spherical-harmonic coefficients (Ramamoorthi and Hanrahan, "An Efficient Representation for Irradiance
Environment Maps", 2001). Axes of a map: y up, columns run round the horizon.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import OpenEXR
from hpe_edge.training.synthetic.assets import AssetLibrary
from hpe_edge.training.synthetic.people.pose import Matrix, rotation_y
from numpy.typing import NDArray

from hpe_edge.errors import AssetError

FloatArray = NDArray[np.float32]

_BRIGHTEST = 400.0  # of the mean: the rest of a sun's disc is moved into its key light by energy, not by peak
KEY_LIGHTS = 2


@dataclass(frozen=True)
class Environment:
    """``radiance`` (H, W, 3), mean luminance 1; ``harmonics`` (9, 3) of the light left after the keys."""

    name: str
    radiance: FloatArray
    harmonics: FloatArray
    key_directions: FloatArray  # (K, 3) towards the light
    key_rgb: FloatArray  # (K, 3) irradiance of a facing surface


@dataclass(frozen=True)
class Lighting:
    """Light on one picture, in camera axes.

    ``gobo`` (GOBO_SIDE, GOBO_SIDE; True: blocked) cuts shadows out of the first key light; ``exposure`` of the
    head and brightness of the ``backdrop`` against what is usual; ``dark`` (0 to 1) asks for high sensitivity.
    """

    name: str
    harmonics: FloatArray  # (9, 3)
    to_environment: FloatArray  # (3, 3): camera axes -> axes of the harmonics
    key_directions: FloatArray
    key_rgb: FloatArray
    gobo: NDArray[np.bool_] | None = None
    exposure: float = 1.0
    backdrop: float = 1.0
    dark: float = 0.0

    def level(self) -> float:
        """Mean radiance of white before the lights, seen from the camera."""
        facing = np.maximum(self.key_directions[:, 2:] * 0.5 + 0.25, 0.0)
        return float((self.harmonics[0] + (self.key_rgb * facing).sum(0)).mean())


def load_environments(assets: AssetLibrary) -> tuple[Environment, ...]:
    """All environment maps of the library."""
    return tuple(_environment(Path(name).stem, assets.path(name)) for name in assets.names("hdri/", ".exr"))


def _environment(name: str, path: Path) -> Environment:
    try:
        pixels = OpenEXR.File(str(path)).channels()["RGB"].pixels
    except (RuntimeError, KeyError, OSError, ValueError) as error:
        raise AssetError(f"asset {path}: expected an OpenEXR image with RGB, got {error!r}") from error
    radiance = np.nan_to_num(pixels.astype(np.float32), nan=0.0, posinf=0.0)
    radiance = cv2.resize(np.maximum(radiance, 0), (512, 256), interpolation=cv2.INTER_AREA)
    directions, solid = _directions(32, 64)
    small = cv2.resize(radiance, (64, 32), interpolation=cv2.INTER_AREA)
    mean = float((small.mean(2) * solid).sum() / solid.sum())
    radiance, small = radiance / mean, np.minimum(small / mean, _BRIGHTEST)
    keys, energies = [], []
    for _ in range(KEY_LIGHTS):
        luminance = small.mean(2)
        peak = directions.reshape(-1, 3)[int(np.argmax(cv2.GaussianBlur(luminance, (0, 0), 1.0) * (solid > 0)))]
        near = directions @ peak > np.cos(np.radians(22))
        excess = np.maximum(small - 1.3 * np.median(small[near], axis=0), 0) * near[..., None]
        keys.append(peak)
        energies.append((excess * solid[..., None]).sum((0, 1)))
        small = small - excess
    return Environment(
        name,
        np.minimum(radiance, 60.0),
        _irradiance(small, directions, solid),
        np.asarray(keys, np.float32),
        np.asarray(energies, np.float32),
    )


def _directions(height: int, width: int) -> tuple[FloatArray, FloatArray]:
    polar = (np.arange(height) + 0.5) / height * np.pi
    azimuth = (np.arange(width) + 0.5) / width * 2 * np.pi
    sin = np.sin(polar)[:, None]
    grid = np.stack([sin * np.sin(azimuth), np.repeat(np.cos(polar)[:, None], width, 1), -sin * np.cos(azimuth)], -1)
    solid = np.repeat(sin * (np.pi / height) * (2 * np.pi / width), width, 1)
    return grid.astype(np.float32), solid.astype(np.float32)


def _irradiance(radiance: FloatArray, directions: FloatArray, solid: FloatArray) -> FloatArray:
    x, y, z = directions[..., 0], directions[..., 1], directions[..., 2]
    basis = np.stack(
        [
            np.full_like(x, 0.282095),
            *(0.488603 * axis for axis in (y, z, x)),
            1.092548 * x * y,
            1.092548 * y * z,
            0.315392 * (3 * z * z - 1),
            1.092548 * x * z,
            0.546274 * (x * x - y * y),
        ]
    )
    projected = np.einsum("khw,hwc,hw->kc", basis, radiance, solid)
    cosine = np.asarray([np.pi] + [2 * np.pi / 3] * 3 + [np.pi / 4] * 5)
    scale = np.asarray([0.282095] + [0.488603] * 3 + [1.092548, 1.092548, 0.315392, 1.092548, 0.546274])
    # coefficients that multiply 1, y, z, x, xy, yz, 3zz-1, xz, xx-yy; divided by pi: radiance of white
    return np.asarray(projected * (cosine * scale / np.pi)[:, None], np.float32)


def sample_lighting(environments: tuple[Environment, ...], rng: np.random.Generator) -> tuple[Lighting, FloatArray]:
    """Light for one picture, and the backdrop: 256x512 radiance already turned to the camera."""
    chosen = environments[rng.integers(len(environments))]
    turn = rotation_y(rng.uniform(0, 360)).astype(np.float32)  # camera -> environment
    harmonics = chosen.harmonics.copy()
    directions, rgb = chosen.key_directions @ turn, chosen.key_rgb / np.float32(np.pi)
    mood = rng.random()
    name = chosen.name
    if mood < 0.17:  # low key: one lamp from anywhere in front or beside, little else
        directions = _lamp(rng)[None]
        rgb = np.asarray([_lamp_rgb(rng)], np.float32) * np.float32(rng.uniform(1.0, 3.0))
        harmonics *= np.float32(rng.uniform(0.04, 0.35))
        name += "+lamp"
    elif mood < 0.27:  # flash on the camera
        towards = rng.normal(0, 0.12, 2)
        directions = np.concatenate([directions[:1], _unit([towards[0], towards[1] + 0.1, 1.0])[None]])
        rgb = np.concatenate([rgb[:1] * np.float32(0.3), np.full((1, 3), rng.uniform(0.8, 2.0), np.float32)])
        harmonics *= np.float32(rng.uniform(0.1, 0.5))
        name += "+flash"
    elif mood < 0.37:  # overcast or studio softness
        rgb = rgb * np.float32(0.1)
        name += "+soft"
    tint = np.exp(rng.normal(0, 0.05, 3) if rng.random() < 0.88 else rng.normal(0, 0.25, 3)).astype(np.float32)
    columns = int(rng.integers(chosen.radiance.shape[1]))
    backdrop = np.roll(chosen.radiance, columns, axis=1)
    return Lighting(name, harmonics * tint, turn, np.ascontiguousarray(directions, np.float32), rgb * tint), backdrop


def _unit(vector: list[float]) -> FloatArray:
    array = np.asarray(vector, np.float32)
    return array / np.linalg.norm(array)


def _lamp(rng: np.random.Generator) -> FloatArray:
    azimuth, height = rng.uniform(-2.0, 2.0), rng.uniform(-0.3, 1.1)
    return _unit([np.sin(azimuth) * np.cos(height), np.sin(height), np.cos(azimuth) * np.cos(height)])


def _lamp_rgb(rng: np.random.Generator) -> FloatArray:
    warmth = rng.uniform(-0.25, 0.6)
    return np.asarray([1 + 0.4 * warmth, 1.0, 1 - 0.6 * warmth], np.float32)


def backdrop_crop(backdrop: FloatArray, camera: Matrix, focal_px: float, side: int) -> FloatArray:
    """Perspective view (side, side, 3) of the environment; ``camera`` turns camera axes to the map's."""
    grid = (np.arange(side) + 0.5 - side / 2) / focal_px
    x, y = np.meshgrid(grid, -grid)
    rays = np.stack([x, y, -np.ones_like(x)], -1) @ camera.T
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    height, width = backdrop.shape[:2]
    azimuth = np.arctan2(rays[..., 0], -rays[..., 2]) % (2 * np.pi)
    column = (azimuth / (2 * np.pi) * width).astype(np.float32)
    row = (np.arccos(np.clip(rays[..., 1], -1, 1)) / np.pi * height).astype(np.float32)
    return cv2.remap(backdrop, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
