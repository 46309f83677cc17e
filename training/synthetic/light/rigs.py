"""How photographs are lit: sun and sky, windows, hard side light, flash, lamps behind, stages, nights, studios.

A rig sets lamps round the head in the viewer's axes (x image-right, y up, z toward the viewer) and keeps of an
environment map what light it leaves. Strengths are radiance of a facing white surface; the maps' mean is 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from hpe_edge.training.synthetic.light.gobos import sample_gobo
from hpe_edge.training.synthetic.light.lights import Environment, Lighting
from hpe_edge.training.synthetic.people.pose import rotation_y
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Rng = np.random.Generator

_GOBO_SHARE = 0.12


@dataclass(frozen=True)
class _Lamps:
    """``ambient`` share of the environment that stays, ``own`` its own lamps' share; see ``Lighting`` for the rest."""

    ambient: float
    own: float = 0.0
    directions: tuple[FloatArray, ...] = ()
    rgb: tuple[FloatArray, ...] = ()
    soft: tuple[FloatArray, FloatArray] | None = None  # a large source: towards it, its light
    exposure: float = 1.0
    backdrop: float = 1.0
    dark: float = 0.0
    hard: bool = True  # edges of shadows are sharp enough for a gobo


def sample_rig(environments: tuple[Environment, ...], rng: Rng) -> tuple[Lighting, FloatArray]:
    """Light for one picture, and the backdrop: radiance (H, W, 3) already turned to the camera."""
    chosen = environments[rng.integers(len(environments))]
    names = tuple(_RIGS)
    shares = np.asarray([_RIGS[name][0] for name in names])
    name = names[rng.choice(len(names), p=shares / shares.sum())]
    lamps = _RIGS[name][1](rng)
    turn = rotation_y(rng.uniform(0, 360)).astype(np.float32)  # camera -> environment
    tint = np.exp(rng.normal(0, 0.03 if rng.random() < 0.92 else 0.15, 3)).astype(np.float32)
    harmonics = chosen.harmonics * np.float32(lamps.ambient)
    if lamps.soft is not None:
        harmonics = harmonics + _lobe(turn @ lamps.soft[0], lamps.soft[1])
    directions, rgb = np.stack(lamps.directions) if lamps.directions else np.zeros((0, 3), np.float32), lamps.rgb
    if lamps.own:
        count = max(0, 2 - len(directions))
        directions = np.concatenate([chosen.key_directions[:count] @ turn, directions])
        rgb = (*(chosen.key_rgb[:count] / np.float32(np.pi) * np.float32(lamps.own)), *rgb)
    gobo = sample_gobo(rng) if lamps.hard and rng.random() < _GOBO_SHARE else None
    backdrop = np.roll(chosen.radiance, int(rng.integers(chosen.radiance.shape[1])), axis=1)
    lighting = Lighting(
        name, np.asarray(harmonics * tint, np.float32), turn, np.ascontiguousarray(directions, np.float32),
        np.asarray(np.reshape(rgb, (-1, 3)) * tint, np.float32), gobo, lamps.exposure, lamps.backdrop, lamps.dark,
    )  # fmt: skip
    return lighting, backdrop


def _from(azimuth_deg: float, height_deg: float) -> FloatArray:
    """Unit vector towards a lamp; azimuth 0 at the viewer, + to image-right."""
    azimuth, height = np.radians((azimuth_deg, height_deg))
    flat = np.cos(height)
    return np.asarray([np.sin(azimuth) * flat, np.sin(height), np.cos(azimuth) * flat], np.float32)


def _side(rng: Rng) -> float:
    return 1.0 if rng.random() < 0.5 else -1.0


def _warm(rng: Rng, low: float, high: float) -> FloatArray:
    warmth = rng.uniform(low, high)
    return np.asarray([1 + 0.4 * warmth, 1.0, 1 - 0.6 * warmth], np.float32)


def _lobe(towards: FloatArray, rgb: FloatArray) -> FloatArray:
    """(9, 3) harmonics of a large source: a clamped cosine to second order. ``towards`` in their axes."""
    x, y, z = (float(value) for value in towards)
    # 1/4 + 1/2 (n.d) + 5/32 (3 (n.d)^2 - 1) over 1, y, z, x, xy, yz, 3zz-1, xz, xx-yy
    square = 15 / 32
    basis = [
        0.25, 0.5 * y, 0.5 * z, 0.5 * x, 2 * square * x * y, 2 * square * y * z,
        square * (z * z - (x * x + y * y) / 2) / 3, 2 * square * x * z, square * (x * x - y * y) / 2,
    ]  # fmt: skip
    return np.outer(basis, rgb).astype(np.float32)


def _daylight(rng: Rng) -> _Lamps:
    return _Lamps(float(rng.uniform(0.5, 1.1)), own=float(rng.uniform(0.6, 1.7)))


def _overcast(rng: Rng) -> _Lamps:
    above = _from(rng.uniform(-180, 180), rng.uniform(50, 90))
    rgb = _warm(rng, -0.15, 0.05) * np.float32(rng.uniform(0.5, 1.2))
    return _Lamps(0.4, own=0.05, soft=(above, rgb), hard=False)


def _window(rng: Rng) -> _Lamps:
    towards = _from(_side(rng) * rng.uniform(25, 115), rng.uniform(-10, 40))
    rgb = _warm(rng, -0.3, 0.3) * np.float32(rng.uniform(0.7, 1.6))
    share = rng.uniform(0.2, 0.6)
    soft = (towards, rgb * np.float32(1 - share))
    return _Lamps(
        float(rng.uniform(0.03, 0.25)), directions=(towards,), rgb=(rgb * np.float32(share),), soft=soft,
        backdrop=float(np.exp(rng.normal(-0.6, 0.6))),
    )  # fmt: skip


def _hard_side(rng: Rng) -> _Lamps:
    towards = _from(_side(rng) * rng.uniform(50, 115), rng.uniform(-15, 50))
    return _Lamps(
        float(rng.uniform(0.005, 0.1)), directions=(towards,),
        rgb=(_warm(rng, -0.2, 0.5) * np.float32(rng.uniform(1.5, 4.0)),),
        exposure=float(rng.uniform(0.8, 1.3)), backdrop=float(np.exp(rng.uniform(np.log(0.01), np.log(0.8)))),
    )  # fmt: skip


def _lamp(rng: Rng) -> _Lamps:
    towards = _from(rng.uniform(-95, 95), rng.uniform(-25, 65))
    return _Lamps(
        float(rng.uniform(0.02, 0.25)), directions=(towards,),
        rgb=(_warm(rng, -0.2, 0.6) * np.float32(rng.uniform(1.0, 3.0)),),
        backdrop=float(np.exp(rng.uniform(np.log(0.05), np.log(1.0)))),
    )  # fmt: skip


def _backlight(rng: Rng) -> _Lamps:
    towards = _from(_side(rng) * rng.uniform(115, 178), rng.uniform(5, 60))
    return _Lamps(
        float(rng.uniform(0.3, 0.9)), directions=(towards,),
        rgb=(_warm(rng, -0.1, 0.5) * np.float32(rng.uniform(2.0, 7.0)),),
        exposure=float(rng.uniform(0.5, 1.0)), backdrop=float(rng.uniform(0.8, 2.5)), hard=False,
    )  # fmt: skip


def _flash(rng: Rng) -> _Lamps:
    towards = _from(rng.normal(0, 4), rng.uniform(1, 9))
    return _Lamps(
        float(rng.uniform(0.03, 0.35)), directions=(towards,),
        rgb=(_warm(rng, -0.15, 0.1) * np.float32(rng.uniform(1.2, 2.5)),),
        backdrop=float(np.exp(rng.uniform(np.log(0.02), np.log(0.5)))), dark=0.2, hard=False,
    )  # fmt: skip


def _stage(rng: Rng) -> _Lamps:
    def lamp() -> FloatArray:
        strongest = rng.permutation(3)
        rgb = np.ones(3, np.float32)
        rgb[strongest[1]], rgb[strongest[2]] = rng.uniform(0.05, 0.9), rng.uniform(0.02, 0.4)
        return rgb * np.float32(rng.uniform(0.8, 2.5))

    side = _side(rng)
    directions = (
        _from(side * rng.uniform(15, 90), rng.uniform(0, 60)),
        _from(-side * rng.uniform(40, 150), rng.uniform(0, 60)),
    )
    white = np.float32(rng.uniform(0, 0.7)) if rng.random() < 0.6 else np.float32(0)
    first = lamp() * (1 - white) + white * np.float32(1.5)
    return _Lamps(
        float(rng.uniform(0.01, 0.12)), directions=directions, rgb=(first, lamp()),
        exposure=float(rng.uniform(0.75, 1.1)), backdrop=float(rng.uniform(0.02, 0.5)), dark=0.5,
    )  # fmt: skip


def _night(rng: Rng) -> _Lamps:
    towards = _from(rng.uniform(-130, 130), rng.uniform(10, 80))
    rgb = _warm(rng, 0.2, 1.0) if rng.random() < 0.7 else _warm(rng, -0.5, 0.0)
    return _Lamps(
        float(rng.uniform(0.1, 0.5)), directions=(towards,), rgb=(rgb * np.float32(rng.uniform(0.3, 1.5)),),
        exposure=float(rng.uniform(0.6, 1.0)), backdrop=float(rng.uniform(0.05, 0.5)), dark=0.9,
    )  # fmt: skip


def _studio(rng: Rng) -> _Lamps:
    side = _side(rng)
    key, fill = (
        _from(side * rng.uniform(15, 65), rng.uniform(15, 55)),
        _from(-side * rng.uniform(20, 80), rng.uniform(-10, 30)),
    )
    white = _warm(rng, -0.1, 0.2) * np.float32(rng.uniform(1.0, 2.0))
    soft = (fill, white * np.float32(np.exp(rng.uniform(np.log(0.05), np.log(0.6)))))
    return _Lamps(float(rng.uniform(0.02, 0.2)), directions=(key,), rgb=(white,), soft=soft)


_RIGS: dict[str, tuple[float, Callable[[Rng], _Lamps]]] = {
    "daylight": (0.22, _daylight),
    "overcast": (0.09, _overcast),
    "window": (0.13, _window),
    "hard side": (0.10, _hard_side),
    "lamp": (0.09, _lamp),
    "backlight": (0.08, _backlight),
    "flash": (0.09, _flash),
    "stage": (0.04, _stage),
    "night": (0.04, _night),
    "studio": (0.10, _studio),
}


def turn_to_viewer(lighting: Lighting, ray: NDArray[np.float64]) -> Lighting:
    """The same light round a head off the optical axis; ``ray`` (3, 3): viewer's axes to camera axes."""
    towards = np.ascontiguousarray(lighting.key_directions @ ray.T, np.float32)
    return replace(
        lighting,
        key_directions=towards,
        to_environment=np.ascontiguousarray(lighting.to_environment @ ray.T, np.float32),
    )
