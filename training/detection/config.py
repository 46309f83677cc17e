"""What decides a detector: sizes of the network, the canvases that it learns from, and how it is trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from hpe_edge.errors import InvalidArgumentError

STRIDES = (8, 16, 32)
VALUES = 15
"""Of each cell: score, middle (2), log size (2), five landmarks (10)."""


@dataclass(frozen=True)
class FaceNetConfig:
    """Channels at strides 2, 4, 8, 16 and 32, and blocks at the last three."""

    stem: int = 16
    width4: int = 24
    width8: int = 48
    width16: int = 64
    width32: int = 64
    depth8: int = 3
    depth16: int = 2
    depth32: int = 3

    def __post_init__(self) -> None:
        if min(asdict(self).values()) < 1:
            raise InvalidArgumentError(f"network: expected sizes of at least 1, got {self}")


@dataclass(frozen=True)
class CanvasConfig:
    """Canvases of ``side`` pixels, made of cuts of pictures.

    single_p: canvases of one picture; else 2 x 2 or 3 x 3. heads_p, scenes_p: share of the cuts; the rest shows nobody.
    face_min_px, face_max_px: size of the face that a cut of a single head is scaled to, drawn evenly by its logarithm.
    """

    side: int = 192
    single_p: float = 0.45
    heads_p: float = 0.45
    scenes_p: float = 0.38
    face_min_px: float = 9.0
    face_max_px: float = 185.0
    scene_scale_low: float = 0.4
    scene_scale_high: float = 2.0


@dataclass(frozen=True)
class FaceTraining:
    """Optimisation; as `recipe.OptimConfig`. steps: of the whole schedule, where no time limit ends it."""

    seed: int = 0
    lr: float = 2e-3
    weight_decay: float = 0.02
    batch_size: int = 16
    steps: int = 40_000
    ema_decay: float = 0.999
    grad_clip: float = 20.0
    precision: str = "bf16"
    box_weight: float = 2.0
    landmark_weight: float = 1.0
    network: FaceNetConfig = field(default_factory=FaceNetConfig)
    canvas: CanvasConfig = field(default_factory=CanvasConfig)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for checkpoints and cards."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> FaceTraining:
        """The inverse of `as_dict`."""
        nested = {"network": FaceNetConfig(**values["network"]), "canvas": CanvasConfig(**values["canvas"])}
        return cls(**{**values, **nested})
