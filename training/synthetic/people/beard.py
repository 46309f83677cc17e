"""Beards with relief: shells over the skin whose hair thins outwards (Lengyel et al., "Real-Time Fur", 2001)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from hpe_edge.training.synthetic.raster.materials import TexelStore, Texture, material
from hpe_edge.training.synthetic.raster.skin import MAP_LEFT, MAP_SPAN, MAP_TOP
from hpe_edge.training.synthetic.raster.visibility import vertex_normals
from hpe_edge.training.synthetic.worn.worn import Worn, worn
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Array = NDArray[np.float64]
IntArray = NDArray[np.int32]

BEARD_STYLES: dict[str, float] = {  # and how often among beards
    "full": 0.48,
    "goatee": 0.18,
    "chin": 0.06,
    "moustache": 0.12,
    "jaw": 0.12,
    "whiskers": 0.04,
}
_SIDE = 256


@dataclass(frozen=True)
class Beard:
    """``length`` in dm, ``density`` about 1, ``rgb`` linear."""

    style: str
    length: float
    density: float
    rgb: FloatArray


def sample_beard(hair_rgb: FloatArray, age: float, stubble: bool, rng: np.random.Generator) -> Beard:
    """A beard, or some days' stubble; grey comes to beards before it comes to heads."""
    names = list(BEARD_STYLES)
    shares = np.asarray(list(BEARD_STYLES.values()))
    length = float(np.exp(rng.normal(np.log(0.05), 0.6)))
    rgb = hair_rgb * rng.uniform(0.6, 1.1)
    grey = float(np.clip(rng.normal((age - 0.6) * 2.2, 0.2), 0, 1))
    rgb = rgb * (1 - grey) + rng.uniform(0.2, 0.42) * grey
    if stubble:
        return Beard("full", 0.012, float(rng.uniform(0.15, 0.8)), np.asarray(rgb, np.float32))
    return Beard(
        style=str(names[rng.choice(len(names), p=shares / shares.sum())]),
        length=float(np.clip(length, 0.02, 0.28)),
        density=float(rng.uniform(0.6, 1.5)),
        rgb=np.asarray(rgb, np.float32),
    )


def beard_region(style: str, x: Array, y: Array, z: Array) -> Array:
    """How densely hair of a style grows, 0 to 1, at points of the mean face (dm)."""
    side = np.abs(x)
    cheek = np.interp(side, (0, 0.18, 0.3, 0.45, 0.68), (6.61, 6.66, 6.74, 6.87, 7.25))
    ragged = 0.012 * np.sin(63 * side) + 0.01 * np.sin(37 * z)
    mouth = np.clip((np.hypot(side / 0.27, (y - 6.655) / 0.105) - 1) / 0.25, 0, 1)
    whole = _step(cheek + ragged - y, 0.03) * _step(z - 0.55, 0.1) * _step(y - 6.2 + 0.1 * (1 - z), 0.06) * mouth
    upper = _step(0.3 - side, 0.07) * _step(y - 0.25 * side - 6.69, 0.04) * _step(6.915 - 0.2 * side - y, 0.04)
    upper = upper * _step(z - 1.25, 0.05) * np.where(y > 6.75, 1.0, mouth)
    chin = whole * _step(0.2 - side, 0.06) * _step(z - 1.0, 0.1)
    if style == "moustache":
        return upper
    if style == "chin":
        return chin
    if style == "goatee":
        return np.maximum(upper, whole * _step(0.3 - side, 0.05) * _step(z - 1.05, 0.08))
    if style == "jaw":
        return whole * _step(np.interp(side, (0, 0.3, 0.5, 0.65), (6.46, 6.5, 6.72, 7.2)) - y, 0.04)
    if style == "whiskers":
        return whole * _step(side - 0.42, 0.06)
    return np.maximum(whole, upper)


def _step(values: Array, width: float) -> Array:
    t = np.clip(values / (2 * width) + 0.5, 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def add_beards(store: TexelStore, points: Array, known: NDArray[np.bool_]) -> dict[str, Texture]:
    """Strands of each style over the skin map's window; ``points`` (S, S, 3) as ``skin_map.unfold`` gives them."""
    rng = np.random.default_rng(23)
    noise = rng.normal(size=(_SIDE, _SIDE)).astype(np.float32)
    strands = cv2.GaussianBlur(noise, (0, 0), sigmaX=2.5, sigmaY=0.7)  # the face lies on its side in the texture
    clumps = cv2.GaussianBlur(rng.normal(size=(_SIDE, _SIDE)).astype(np.float32), (0, 0), 4)
    share = 0.78 + 0.16 * strands / strands.std() + 0.08 * clumps / clumps.std()
    grey = np.clip(120 + 26 * strands / strands.std() + 10 * clumps / clumps.std(), 15, 255)
    found = {}
    for style in BEARD_STYLES:
        region = np.where(known, beard_region(style, points[..., 0], points[..., 1], points[..., 2]), 0.0)
        region = cv2.resize(region, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        alpha = 255 * np.clip(share * region * 1.15, 0, 1)
        found[style] = store.add(np.dstack([grey, grey, grey, alpha]).astype(np.uint8))
    return found


def make_beard(
    beard: Beard,
    texture: Texture,
    mean: FloatArray,
    neutral: FloatArray,
    headness: FloatArray,
    skin: tuple[IntArray, FloatArray, IntArray],
    bust_faces: IntArray,
    rng: np.random.Generator,
) -> Worn:
    """Shells over the part of the skin (``source``, ``uv``, ``faces``) where the style grows, on a neutral head."""
    source, uv, faces = skin
    region = beard_region(beard.style, *mean[source].astype(np.float64).T)
    grown = faces[(region[faces] > 0.02).any(1) & (mean[source][faces][:, :, 2] > 0.3).all(1)]
    used, local = np.unique(grown, return_inverse=True)
    local = local.reshape(-1, 3).astype(np.int32)
    normals = np.zeros_like(neutral)
    vertex_normals(neutral, bust_faces, normals)
    at, out = neutral[source[used]], normals[source[used]]
    hang = np.asarray((0, -1, 0), np.float32) * np.float32(beard.length * (0.4 + 2 * beard.length))
    shells = 3 if beard.length < 0.06 else 5
    positions, rows, shade = [], [], []
    gain = np.minimum(beard.rgb / np.maximum(texture.mean, 0.004), 12.0)
    fuzz = rng.uniform(0.6, 1.0)
    for shell in range(1, shells + 1):
        far = np.float32(shell / shells)
        thick = np.clip(region[used] * 3, 0.25, 1) * np.interp(mean[source[used], 1], (6.5, 6.85), (1.0, 0.35))
        thick = thick[:, None].astype(np.float32)
        positions.append(at + thick * (out * np.float32(beard.length) * far + hang * far * far))
        opacity = beard.density * (1.25 - fuzz * float(far))
        rows.append((len(local), material(texture, gain * (0.7 + 0.4 * far), alpha_texture=True, opacity=opacity,
                                          wrap=0.3, specular=0.02, shininess=12)))  # fmt: skip
        shade.append(np.full(len(used), 0.45 + 0.45 * far))
    window = np.stack([(uv[used, 0] - MAP_LEFT) / MAP_SPAN, 1 - (1 - uv[used, 1] - MAP_TOP) / MAP_SPAN], 1)
    made = worn(
        np.concatenate(positions), np.tile(window, (shells, 1)),
        np.concatenate([local + len(used) * number for number in range(shells)]), rows[0][1],
        anchor=np.tile(source[used], shells), follow=np.ones(shells * len(used)),
        headness=np.tile(headness[source[used]], shells),
        occlusion=np.concatenate(shade),
    )  # fmt: skip
    return replace(made, rows=rows)
