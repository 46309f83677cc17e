"""The detectors that are compared: ours by name or card, a user's, and the peers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from hpe_edge.training.likeness.blazeface import MIN_SCORE, BlazeFace
from numpy.typing import NDArray

from hpe_edge.detectors import Detector, open_detector
from hpe_edge.detectors.card import load_detector_card
from hpe_edge.detectors.face import BUNDLED, FaceDetector, bundled_card_path
from hpe_edge.errors import InvalidArgumentError
from hpe_edge.hub import resolve
from hpe_edge.results import Detections

LOWEST_SCORE = 0.05
"""Our own detectors are opened at this threshold, so that the curve reaches below the one they are used at."""

_BLAZEFACE = {"blazeface": "short", "blazeface-full": "full", "blazeface-back": "back"}


@dataclass(frozen=True)
class Candidate:
    """A detector under test and the score from which its boxes count in use; what it finds may go lower.

    loose: its boxes are not tight face boxes, so that overlap with one counts their definition too.
    """

    name: str
    detector: Detector
    threshold: float
    loose: bool = False


def open_candidate(name: str, precision: str = "auto") -> Candidate:
    """A peer (``blazeface``, ``blazeface-full``, ``blazeface-back``, ``mtcnn``), ours, or what `open_detector` takes.

    Ours is ``face`` or a detector's card (``.json``), with ``:640`` behind it for another longest side; it is opened at
    `LOWEST_SCORE` and keeps the card's threshold as its own. ``precision`` is for it alone. Any other detector counts
    with every box that it gives. Raises MissingDependencyError naming the pip command of a peer, ModelNotFoundError and
    CorruptModelError for a card, else as `open_detector`.

    >>> open_candidate("mtcnn").threshold  # doctest: +SKIP
    0.7
    """
    if name in _BLAZEFACE:
        return Candidate(name, SquareBlazeFace(name), MIN_SCORE, loose=True)
    if name == "mtcnn":
        from hpe_edge.training.detection.evaluation import mtcnn

        return Candidate(name, mtcnn.Mtcnn(), mtcnn.MIN_SCORE, loose=True)
    card, longest_side = _card_and_side(name)
    if card == BUNDLED or card.endswith(".json"):
        path = bundled_card_path() if card == BUNDLED else Path(card)
        threshold = load_detector_card(path).score_threshold
        lowest = min(LOWEST_SCORE, threshold)
        found = FaceDetector(path, precision=precision, longest_side=longest_side, score_threshold=lowest)
        return Candidate(name, found, threshold)
    return Candidate(name, open_detector(name, resolve("fsanet").card.input), -math.inf)


def _card_and_side(name: str) -> tuple[str, int | None]:
    """``face:640`` -> its two parts; the whole name where no number stands behind a colon."""
    card, colon, side = name.rpartition(":")
    return (card, int(side)) if colon and side.isdecimal() else (name, None)


class SquareBlazeFace:
    """BlazeFace on any picture: padded with black to a square about its centre, as MediaPipe does."""

    def __init__(self, name: str) -> None:
        if name not in _BLAZEFACE:
            raise InvalidArgumentError(f"name: expected one of {tuple(_BLAZEFACE)}, got {name!r}")
        self.name = name
        self._find = BlazeFace(_BLAZEFACE[name])

    def detect(self, image: NDArray[np.uint8], pixel_format: str) -> Detections:
        """Faces of a BGR picture (H, W, 3), the surest first; without landmarks."""
        if pixel_format != "bgr8":
            raise InvalidArgumentError(f"pixel_format: expected 'bgr8', got {pixel_format!r}")
        height, width = image.shape[:2]
        side = max(height, width)
        top, left = (side - height) // 2, (side - width) // 2
        square = cv2.copyMakeBorder(
            image, top, side - height - top, left, side - width - left, cv2.BORDER_CONSTANT, value=(0, 0, 0)
        )
        found = self._find(np.asarray(square, np.uint8))
        boxes = np.array([face.box_xyxy for face in found]).reshape(-1, 4) - np.array([left, top] * 2)
        return Detections(boxes.astype(np.float32), np.array([face.score for face in found], np.float32))
