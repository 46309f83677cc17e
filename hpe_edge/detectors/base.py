"""What a face detector is: image in, tight face boxes and scores out."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from hpe_edge.images import AnyImage
from hpe_edge.results import Detections, FloatArray


@runtime_checkable
class Detector(Protocol):
    """Finds faces. An entry point of the group ``hpe_edge.detectors`` names a callable that makes one.

    The callable gets the model's :class:`hpe_edge.modelcard.InputSpec`, which a detector may ignore, and, when it is
    asked for as ``"name:argument"``, the argument, a string.
    """

    @property
    def name(self) -> str:
        """How ``HeadPose.info`` calls it."""

    def detect(self, image: AnyImage, pixel_format: str) -> Detections:
        """Find the faces of a checked image.

        Args:
            image, pixel_format: as for :meth:`hpe_edge.HeadPose.estimate`; one of
                :data:`hpe_edge.images.PIXEL_FORMATS`. A detector that reads fewer raises InvalidArgumentError.
        """


@runtime_checkable
class Follower(Detector, Protocol):
    """A detector that also finds a face again where it was a moment ago, much faster than in the whole image."""

    def follow(self, image: AnyImage, boxes_xyxy: FloatArray, pixel_format: str) -> Detections:
        """Find the faces that were at some boxes in the frame before, looking only around each box.

        Args:
            image, pixel_format: as for :meth:`Detector.detect`.
            boxes_xyxy: float32 (N, 4), their tight boxes then, in pixels.

        Returns:
            N rows in the order of the boxes. Where there is no face any more, the score is 0 and the box NaN.
        """
