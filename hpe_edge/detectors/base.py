"""What a face detector is: image in, tight face boxes and scores out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Detections:
    """Faces of one image.

    Attributes:
        boxes_xyxy: (N, 4) float32, *tight face boxes* in pixels, half-open: the bounding box of the 68
            landmarks, brows to chin and jaw to jaw. A detector with other boxes converts them.
        scores: (N,) float32, in 0..1; NaN where the detector gives none.
    """

    boxes_xyxy: FloatArray  # (N, 4)
    scores: FloatArray  # (N,)


@runtime_checkable
class Detector(Protocol):
    """Finds faces. An entry point of the group ``hpe_edge.detectors`` names a callable that makes one.

    The callable gets the model's :class:`hpe_edge.modelcard.InputSpec`, which a detector may ignore.
    """

    @property
    def name(self) -> str:
        """How ``HeadPose.info`` calls it."""

    def detect(self, image: NDArray[np.uint8], pixel_format: str) -> Detections:
        """Find the faces of a checked image.

        Args:
            image: uint8 (H, W, 3), or (H, W) for ``"mono8"``.
            pixel_format: ``"bgr8"``, ``"rgb8"`` or ``"mono8"``.
        """
