"""The face detector that comes with the library; it runs in the C++ core and needs nothing but NumPy."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np

import hpe_edge.models
from hpe_edge import _core
from hpe_edge.boxes import as_boxes
from hpe_edge.detectors.card import DetectorCard, load_detector_card
from hpe_edge.errors import CorruptModelError, InvalidArgumentError
from hpe_edge.images import AnyImage
from hpe_edge.modelcard import InputSpec
from hpe_edge.results import Detections, FloatArray

BUNDLED: Final = "face"
"""Name of the bundled detector."""
PRECISIONS: Final = ("auto", "fp32", "int8")

_KINDS: Final = {"fp32": "safetensors", "int8": "safetensors-int8"}
_TRIALS: Final = 15


def bundled_card_path() -> Path:
    """Where the bundled detector's card lies."""
    return Path(next(iter(hpe_edge.models.__path__))) / "detectors" / "face.json"


class FaceDetector:
    """Finds faces of any pose: tight boxes, scores and five landmarks (:class:`hpe_edge._core.FaceDetector`).

    It is a :class:`hpe_edge.detectors.Follower`, and threads may share it.

    Args:
        card: path of a detector card; the bundled one when left out.
        precision: ``"fp32"``, ``"int8"``, or ``"auto"``: that of the card's files which runs faster on this machine,
            tried for a few milliseconds.
        longest_side: pixels, 32 to 4096, of the longer side that an image is scaled to; the card's when left out.
            Faces below about 8 pixels there are not found: a larger one finds smaller faces and takes longer.
        score_threshold: above 0 and below 1; the card's when left out.
        max_faces: of an image, those with the best scores.

    Raises:
        ModelNotFoundError, CorruptModelError: card or network is missing or damaged.
        InvalidArgumentError: an argument is out of range.
    """

    def __init__(
        self,
        card: str | os.PathLike[str] | None = None,
        *,
        precision: str = "auto",
        longest_side: int | None = None,
        score_threshold: float | None = None,
        max_faces: int = 256,
    ) -> None:
        if precision not in PRECISIONS:
            raise InvalidArgumentError(f"precision: expected one of {PRECISIONS}, got {precision!r}")
        path = bundled_card_path() if card is None else Path(card)
        self._card = load_detector_card(path)
        options = (longest_side, score_threshold, max_faces)
        wanted = (
            [name for name, kind in _KINDS.items() if kind in self._card.files] if precision == "auto" else [precision]
        )
        cores = {name: _open(self._card, path.parent, name, *options) for name in wanted or ["fp32"]}
        self._precision = _fastest(cores) if len(cores) > 1 else next(iter(cores))
        self._core = cores[self._precision]

    @property
    def name(self) -> str:
        """The card's name, ``"face"`` for the bundled one."""
        return self._card.name

    @property
    def card(self) -> DetectorCard:
        """Its card."""
        return self._card

    @property
    def precision(self) -> str:
        """What runs: ``"fp32"`` or ``"int8"``."""
        return self._precision

    @property
    def longest_side(self) -> int:
        """Pixels of the longer side that an image is scaled to."""
        return self._core.longest_side

    def detect(self, image: AnyImage, pixel_format: str = "bgr8") -> Detections:
        """The faces of an image, the best score first; none is an empty result.

        Raises:
            InvalidImageError: wrong dtype, rank, channels or planes, an odd size, no pixels, or over 65536 a side.
        """
        return Detections(*self._core.detect(image, pixel_format=pixel_format))

    def follow(self, image: AnyImage, boxes_xyxy: FloatArray, pixel_format: str = "bgr8") -> Detections:
        """The faces that were at ``boxes_xyxy`` (N, 4) in the frame before, in the same order.

        Looks only at a window around each box. Where no face overlaps the box any more, the score is 0 and the box NaN.

        Raises:
            InvalidBoxError: not (N, 4), not finite, or without area.
            InvalidImageError: as :meth:`detect`.
        """
        boxes = as_boxes(boxes_xyxy, "boxes_xyxy")
        return Detections(*self._core.follow(image, boxes, pixel_format=pixel_format))


def open_face(spec: InputSpec, argument: str | None = None) -> FaceDetector:
    """The bundled detector for ``open_detector``: ``"face"``, or ``"face:640"`` for another ``longest_side``.

    Raises:
        InvalidArgumentError: the argument is no number of pixels.
    """
    if argument is None:
        return FaceDetector()
    if not argument.isdecimal():
        raise InvalidArgumentError(f"detector 'face:{argument}': expected pixels behind the colon, as 'face:640'")
    return FaceDetector(longest_side=int(argument))


def _open(
    card: DetectorCard,
    folder: Path,
    precision: str,
    longest_side: int | None,
    score_threshold: float | None,
    max_faces: int,
) -> _core.FaceDetector:
    kind = _KINDS[precision]
    data = card.read(kind, folder)
    try:
        return _core.FaceDetector(
            json.dumps(card.as_dict()),
            data,
            longest_side=longest_side,
            score_threshold=score_threshold,
            max_faces=max_faces,
        )
    except CorruptModelError as error:
        raise CorruptModelError(f"detector {card.name!r} ({card.files[kind].path}): {error}") from error


def _fastest(cores: dict[str, _core.FaceDetector]) -> str:
    """That which looks at one small window in the lowest median time; they take turns, as in the backends."""
    image = np.zeros((96, 96, 3), np.uint8)
    box = np.array([[28, 28, 68, 68]], np.float32)
    times_ns: dict[str, list[int]] = {precision: [] for precision in cores}
    for _ in range(_TRIALS):
        for precision, core in cores.items():
            start = time.perf_counter_ns()
            core.follow(image, box, pixel_format="bgr8")
            times_ns[precision].append(time.perf_counter_ns() - start)
    return min(times_ns, key=lambda precision: median(times_ns[precision]))
