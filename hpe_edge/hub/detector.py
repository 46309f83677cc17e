"""Detectors that were added, for ``HeadPose(detector="card:NAME")``."""

from __future__ import annotations

from hpe_edge.detectors.face import FaceDetector
from hpe_edge.hub.entries import find
from hpe_edge.modelcard import InputSpec


def open_card_detector(spec: InputSpec, argument: str) -> FaceDetector:
    """The face detector of a card, found by name (``"card:large"``, ``"card:large@1.0"``) or by path.

    Raises:
        ModelNotFoundError, CorruptModelError: as :func:`hpe_edge.hub.find` and for its network.
    """
    return FaceDetector(find(argument, "detector").card_path)
