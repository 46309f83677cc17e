"""Lines, dots, boxes and labels that can be read on anything: each has a dark outline or plate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hpe_edge.images import ImageArray
from hpe_edge.results import NO_ID, Pose

if TYPE_CHECKING:
    from types import ModuleType

Array: TypeAlias = NDArray[np.float64]
Colour: TypeAlias = tuple[int, int, int]

_DARK: Final = (20, 20, 20)
_WHITE: Final = (255, 255, 255)
_THUMB_PX: Final = 128
_LETTER_PX: Final = 19  # width of a letter at scale 1, about
_SHIFT: Final = 4  # OpenCV draws with 1/16 pixel


@dataclass(frozen=True)
class Pen:
    """Draws on one canvas, with sizes in pixels that follow from the size of a box.

    Attributes:
        line: thickness of a line of weight 1.
        font_scale: of OpenCV's Hershey font.
    """

    cv2: ModuleType
    canvas: ImageArray
    line: float
    font_scale: float

    @classmethod
    def for_box(cls, cv2: ModuleType, canvas: ImageArray, box_xyxy: Sequence[float]) -> Pen:
        """Thin for small faces, thick for large ones; letters that can be read on images of any size."""
        x0, y0, x1, y1 = box_xyxy
        size = max(x1 - x0, y1 - y0)
        font_scale = min(max(0.35, size / 260, min(canvas.shape[:2]) / 1100), max(1.4, min(canvas.shape[:2]) / 1100))
        return cls(cv2, canvas, size / 45, font_scale)

    def segments(self, ends_xy: Array, colour: Colour, weight: float = 1.0, *, outlined: bool = True) -> None:
        """Lines (S, 2, 2) in pixels, as in boxes; those with NaN are left out."""
        kept = ends_xy[np.isfinite(ends_xy).all(axis=(1, 2))]
        if not len(kept):
            return
        fixed = list(_fixed(kept))
        line = max(1, round(weight * self.line))
        outline = line + max(2, 2 * (line // 2))
        for shade, thickness in ((_DARK, outline), (colour, line))[not outlined :]:
            self.cv2.polylines(self.canvas, fixed, False, shade, thickness, self.cv2.LINE_AA, _SHIFT)

    def rim(self, points_xy: Array, colour: Colour, weight: float) -> None:
        """The line around points (N, 2): their convex hull."""
        kept = points_xy[np.isfinite(points_xy).all(axis=1)]
        if len(kept) > 2:
            hull = self.cv2.convexHull(kept.astype(np.float32))[:, 0].astype(np.float64)
            self.segments(np.stack([hull, np.roll(hull, -1, axis=0)], axis=1), colour, weight)

    def dot(self, point_xy: Array, colour: Colour = _WHITE) -> None:
        """A round dot a little wider than a line, with a dark rim."""
        centre = tuple(int(value) for value in _fixed(point_xy))
        for shade, radius in ((_DARK, 1.5 + 1.2 * self.line), (colour, 0.5 + self.line)):
            fixed = round(max(1.0, radius) * (1 << _SHIFT))
            self.cv2.circle(self.canvas, centre, fixed, shade, self.cv2.FILLED, self.cv2.LINE_AA, _SHIFT)

    def box(self, box_xyxy: Sequence[float]) -> None:
        """A thin white rectangle along the box's outermost pixels."""
        x0, y0, x1, y1 = box_xyxy
        corners = np.array([[x0 + 0.5, y0 + 0.5], [x1 - 0.5, y0 + 0.5], [x1 - 0.5, y1 - 0.5], [x0 + 0.5, y1 - 0.5]])
        self.segments(np.stack([corners, np.roll(corners, -1, axis=0)], axis=1), _WHITE, 0.5)

    def label(self, lines: Sequence[str], box_xyxy: Sequence[float]) -> None:
        """Lines of text on a dark plate: below the box, else above it, but inside the image whatever the box does."""
        height, width = self.canvas.shape[:2]
        font, scale = self.cv2.FONT_HERSHEY_SIMPLEX, self.font_scale
        text_w, text_h, below = self._extent(lines, scale)
        fit = min(1.0, (width - 4) / text_w, (height - 4) / (len(lines) * 1.7 * text_h))
        if fit < 1.0:
            scale *= max(fit, 0.05)
            text_w, text_h, below = self._extent(lines, scale)
        step, pad = round(1.7 * text_h) + 1, max(2, text_h // 3)
        tall = text_h + step * (len(lines) - 1)
        x0, y0, x1, y1 = box_xyxy
        x = int(min(max(0.5 * (x0 + x1 - text_w), pad), max(pad, width - text_w - pad)))
        gap, last = 0.12 * (y1 - y0) + 0.8 * text_h, height - tall - below - pad
        above = y1 + gap > last and y0 - gap - tall >= pad
        top = int(min(max(y0 - gap - tall if above else y1 + gap, pad), max(pad, last)))
        # A plate, not an outline: OpenCV 5 renders another width for another thickness.
        plate = (x - pad, top - pad), (x + text_w + pad, top + tall + below + pad)
        self.cv2.rectangle(self.canvas, *plate, _DARK, self.cv2.FILLED)
        for index, text in enumerate(lines):
            at = (x, top + text_h + index * step)
            self.cv2.putText(self.canvas, text, at, font, scale, _WHITE, _thickness(scale), self.cv2.LINE_AA)

    def _extent(self, lines: Sequence[str], scale: float) -> tuple[int, int, int]:
        sizes = [self.cv2.getTextSize(text, self.cv2.FONT_HERSHEY_SIMPLEX, scale, _thickness(scale)) for text in lines]
        return max(size[0][0] for size in sizes), max(1, sizes[0][0][1]), int(sizes[0][1])


def label_lines(pose: Pose, pen: Pen, room_px: float) -> list[str]:
    """``#2  0.81 m  yaw +12 +/-3  pitch -3 +/-2  roll +0 +/-1``: what is there, in ASCII, as OpenCV's font is.

    In one line where ``room_px`` are enough for it, else a line each; the angles alone on an image of a thumb's size.
    """
    angles_deg = (pose.yaw_deg, pose.pitch_deg, pose.roll_deg)
    if min(pen.canvas.shape[:2]) < _THUMB_PX:
        return [" ".join(f"{round(angle_deg):+d}" for angle_deg in angles_deg)]
    who = [] if pose.id == NO_ID else [f"#{pose.id}"]
    distance_m = math.hypot(*pose.translation_m)
    who += [] if math.isnan(distance_m) else [f"{distance_m:.2f} m"]
    angles = [
        f"{name} {round(angle_deg):+d}" + ("" if math.isnan(std_deg) else f" +/-{round(std_deg)}")
        for name, angle_deg, std_deg in zip(("yaw", "pitch", "roll"), angles_deg, pose.std_deg, strict=True)
    ]
    line = "  ".join([*who, *angles])
    if _LETTER_PX * pen.font_scale * len(line) <= room_px:
        return [line]
    return (["  ".join(who)] if who else []) + angles


def _thickness(scale: float) -> int:
    return max(1, round(2 * scale))


def _fixed(points: Array) -> NDArray[np.int32]:
    """Points in OpenCV's fixed-point pixels; its pixel centres are whole numbers, ours are at .5."""
    return np.asarray((np.clip(points - 0.5, -1e5, 1e5) * (1 << _SHIFT)).round(), dtype=np.int32)
