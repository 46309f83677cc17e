"""What is worn on head and face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hpe_edge.training.synthetic.body.head_model import HeadModel, Item


@dataclass(frozen=True)
class Glasses:
    """Frame in decimetres; ``lens_opacity`` near 1 for sunglasses, 0 for none drawn."""

    half_width: float
    half_height: float
    squareness: float
    thickness: float
    drop: float
    frame_rgb: tuple[float, float, float]
    lens_rgb: tuple[float, float, float]
    lens_opacity: float


def sample_cover(model: HeadModel, rng: np.random.Generator) -> tuple[str, Item | None]:
    """Cloth that is painted and lifted off the skin ("" for none), and a hat."""
    cover = str(rng.choice(["", "beanie", "hood", "face mask", "scarf"], p=(0.86, 0.04, 0.03, 0.02, 0.05)))
    hat = model.items["hats"][rng.integers(len(model.items["hats"]))] if rng.random() < 0.06 and not cover else None
    return cover, hat


def sample_glasses(rng: np.random.Generator) -> Glasses:
    """Clear or dark glasses of any common shape."""
    sun = rng.random() < 0.35
    dark = float(rng.uniform(0.0, 0.15)) if rng.random() < 0.65 else float(rng.uniform(0.1, 0.8))
    tint = np.asarray([1.0, 0.85, 0.7]) * rng.uniform(0.005, 0.06)
    grey = (dark, dark * rng.uniform(0.6, 1.0), dark * rng.uniform(0.4, 1.0))
    return Glasses(
        half_width=float(rng.uniform(0.22, 0.31)),
        half_height=float(rng.uniform(0.15, 0.27)),
        squareness=float(rng.uniform(2.0, 5.0)),
        thickness=float(rng.choice([0.012, 0.02, 0.032])),
        drop=float(rng.uniform(0.0, 0.08)),
        frame_rgb=grey,
        lens_rgb=tuple(tint.tolist()) if sun else (0.9, 0.9, 0.9),  # type: ignore[arg-type]
        lens_opacity=float(min(1.0, rng.uniform(0.9, 1.2))) if sun else (0.05 if rng.random() < 0.3 else 0.0),
    )
