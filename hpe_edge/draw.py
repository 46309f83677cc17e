"""Draw poses on images, as the figures of the papers do: red to the side, green down, blue forward."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from hpe_edge.images import ImageArray, check_image, import_cv2
from hpe_edge.results import HeadPoses, Pose

if TYPE_CHECKING:
    from types import ModuleType

# BGR. Columns of the rotation in the OpenCV frame: +x to the side, +y down, -z out of the face.
_AXES: Final = ((0, 1.0, (40, 40, 235)), (1, 1.0, (60, 190, 40)), (2, -1.0, (245, 110, 30)))
_DARK: Final = (20, 20, 20)
_WHITE: Final = (255, 255, 255)
_SHIFT: Final = 4  # OpenCV draws with 1/16 pixel


@dataclass(frozen=True)
class _Style:
    """Sizes in pixels, all from the size of the box, so that a drawing is readable on any image."""

    length: float
    line: int
    outline: int
    font_scale: float


def draw_axes(image: ImageArray, poses: HeadPoses, *, labels: bool = False, boxes: bool = False) -> ImageArray:
    """Draw the three axes of each head on a copy of the image.

    The origin is the centre of the box. Red is the head's +x (to image-right when frontal, the
    subject's left), green its +y (down, toward the chin), blue points forward out of the face, as in
    Ruiz et al., Hopenet, CVPRW 2018, fig. 1. The projection is orthographic.

    Args:
        image: uint8 BGR (H, W, 3), or grey (H, W); it is not changed.
        poses: what ``HeadPose.estimate`` gave.
        labels: whether to write yaw, pitch and roll, and their spread, below each box.
        boxes: whether to draw the boxes.

    Returns:
        A new uint8 BGR image of the same size.

    Raises:
        InvalidImageError: the image is neither.
        MissingDependencyError: OpenCV is not installed (``pip install 'hpe-edge[video]'``).

    >>> import numpy as np
    >>> poses = HeadPoses.from_euler(np.zeros((1, 3)), np.array([[20.0, 20.0, 80.0, 80.0]]))
    >>> draw_axes(np.zeros((100, 100, 3), np.uint8), poses).shape
    (100, 100, 3)
    """
    cv2 = import_cv2("drawing")
    grey = isinstance(image, np.ndarray) and image.ndim == 2
    checked = check_image(image, "mono8" if grey else "bgr8")
    canvas = cast(ImageArray, cv2.cvtColor(checked, cv2.COLOR_GRAY2BGR) if grey else checked.copy())
    rotations = poses.rotation
    for index, pose in enumerate(poses):
        style = _style(pose, canvas)
        if boxes:
            _draw_box(cv2, canvas, pose, style)
        _draw_pose(cv2, canvas, pose, rotations[index], style)
        if labels:
            _draw_label(cv2, canvas, pose, style)
    return canvas


def _style(pose: Pose, canvas: ImageArray) -> _Style:
    x0, y0, x1, y1 = pose.box_xyxy
    size = max(x1 - x0, y1 - y0)
    line = max(1, round(size / 45))
    return _Style(
        length=max(6.0, 0.6 * size),
        line=line,
        outline=line + max(2, 2 * (line // 2)),
        font_scale=min(1.4, max(0.35, size / 260, min(canvas.shape[:2]) / 1100)),
    )


def _draw_pose(cv2: ModuleType, canvas: ImageArray, pose: Pose, rotation: Any, style: _Style) -> None:
    x0, y0, x1, y1 = pose.box_xyxy
    origin = np.array([0.5 * (x0 + x1), 0.5 * (y0 + y1)])
    tips = [(sign * rotation[:, column], colour) for column, sign, colour in _AXES]
    # Far axes first, so that what points at the viewer lies on top.
    for tip, colour in sorted(tips, key=lambda item: -float(item[0][2])):
        end = origin + style.length * tip[:2]
        for shade, thickness in ((_DARK, style.outline), (colour, style.line)):
            cv2.line(canvas, _fixed(origin), _fixed(end), shade, thickness, cv2.LINE_AA, _SHIFT)
    radius = round((0.5 + style.line) * (1 << _SHIFT))
    cv2.circle(canvas, _fixed(origin), radius, _WHITE, cv2.FILLED, cv2.LINE_AA, _SHIFT)


def _draw_box(cv2: ModuleType, canvas: ImageArray, pose: Pose, style: _Style) -> None:
    x0, y0, x1, y1 = pose.box_xyxy
    corners = _fixed(np.array([x0, y0])), _fixed(np.array([x1 - 1, y1 - 1]))
    for shade, thickness in ((_DARK, style.outline), (_WHITE, max(1, style.line // 2))):
        cv2.rectangle(canvas, *corners, shade, thickness, cv2.LINE_AA, _SHIFT)


def _label_text(pose: Pose) -> str:
    """``yaw +12  pitch -3  roll +0``, each with its spread where there is one; ASCII, as OpenCV's font is."""
    values = zip(("yaw", "pitch", "roll"), (pose.yaw_deg, pose.pitch_deg, pose.roll_deg), pose.std_deg, strict=True)
    return "  ".join(
        f"{name} {round(angle_deg):+d}" + ("" if math.isnan(std_deg) else f" +/-{round(std_deg)}")
        for name, angle_deg, std_deg in values
    )


def _draw_label(cv2: ModuleType, canvas: ImageArray, pose: Pose, style: _Style) -> None:
    text = _label_text(pose)
    font = cv2.FONT_HERSHEY_SIMPLEX
    height, width = canvas.shape[:2]
    scale = style.font_scale
    thickness = max(1, round(2 * scale))
    (text_w, text_h), below = cv2.getTextSize(text, font, scale, thickness)
    if text_w > width - 4:
        scale *= (width - 4) / text_w
        (text_w, text_h), below = cv2.getTextSize(text, font, scale, thickness)
    x0, y0, x1, y1 = pose.box_xyxy
    # Below the box and centred on it, but inside the image whatever the box does.
    x = int(min(max(0.5 * (x0 + x1 - text_w), 2), max(2, width - text_w - 2)))
    y = int(min(max(y1 + 0.12 * (y1 - y0) + 1.8 * text_h, text_h + 2), height - below - 2))
    # A plate, not an outline: OpenCV 5 renders another width for another thickness.
    pad = max(2, text_h // 3)
    plate = (x - pad, y - text_h - pad), (x + text_w + pad, y + below + pad)
    cv2.rectangle(canvas, *plate, _DARK, cv2.FILLED)
    cv2.putText(canvas, text, (x, y), font, scale, _WHITE, thickness, cv2.LINE_AA)


def _fixed(point: Any) -> tuple[int, int]:
    """A point in OpenCV's fixed-point pixels; its pixel centres are whole numbers, ours are at .5."""
    x, y = (np.clip(np.asarray(point, dtype=np.float64) - 0.5, -1e5, 1e5) * (1 << _SHIFT)).round()
    return int(x), int(y)
