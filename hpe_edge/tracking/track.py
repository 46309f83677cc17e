"""One face over time: its box, its rotation, and whether it is seen now."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hpe_edge import _core
from hpe_edge.results import NO_ID
from hpe_edge.tracking.smoothing import OneEuroBox, RotationSmoother, euler_near

Floats: TypeAlias = NDArray[np.floating[Any]]


class Track:
    """A face between two looks.

    Attributes:
        id: its number once it is confirmed, ``NO_ID`` until then.
        hits: looks that found it.
        lost: the last look did not find it.
        seen_s: time of the last look that did.
        measured_xyxy: (4,) its box then.
        box_xyxy: (4,) the same, smoothed if the tracker smooths boxes.
        score: the detector's, then.
    """

    def __init__(
        self, box_xyxy: Floats, score: float, time_s: float, smoother: RotationSmoother | None, smooth_boxes: bool
    ) -> None:
        self.id = NO_ID
        self.hits = 0
        self._boxes = OneEuroBox()
        self._smooth_boxes = smooth_boxes
        self._smoother = smoother
        self.see(box_xyxy, score, time_s)

    @property
    def confirmed(self) -> bool:
        """Whether it has a number."""
        return self.id != NO_ID

    def see(self, box_xyxy: Floats, score: float, time_s: float) -> None:
        """It was found here."""
        smoothed = self._boxes.update(box_xyxy, time_s)
        self.measured_xyxy: Floats = np.asarray(box_xyxy, dtype=np.float64)
        self.box_xyxy: Floats = smoothed if self._smooth_boxes else self.measured_xyxy
        self.score = float(score)
        self.seen_s = time_s
        self.hits += 1
        self.lost = False

    def predict(self, time_s: float) -> Floats:
        """(4,) where it should be now: its centre goes on as it did, its size stays."""
        return self._boxes.predict(time_s)

    def smooth(self, euler_deg: Floats, std_deg: Floats, time_s: float) -> Floats:
        """(3,) yaw, pitch, roll in degrees, smoothed as a rotation."""
        if self._smoother is None:
            return euler_deg
        measured = np.asarray(euler_deg, dtype=np.float64)
        rotation = np.asarray(_core.euler_to_rotation(measured[None])[0])
        return euler_near(self._smoother.update(rotation, time_s, std_deg), measured)
