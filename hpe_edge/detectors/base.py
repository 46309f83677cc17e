"""What a face detector is: image in, tight face boxes and scores out."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from hpe_edge.results import Detections


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
