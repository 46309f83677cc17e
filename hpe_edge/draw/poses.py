"""Poses drawn on an image: axes, cube or head, with landmarks, boxes and labels."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import ArrayLike

from hpe_edge.camera import Camera
from hpe_edge.draw.pen import Pen, label_lines
from hpe_edge.draw.shapes import CYAN, FACE_MIDDLE_M, STYLES, Segments, skull_m
from hpe_edge.draw.view import View, views
from hpe_edge.errors import InvalidArgumentError
from hpe_edge.images import ImageArray, check_image, import_cv2
from hpe_edge.results import LANDMARKS, HeadPoses

# The subject's right eye, left eye, nose tip, right and left corner of the mouth: BGR.
_LANDMARK_COLOURS = ((80, 220, 80), (80, 160, 255), (70, 225, 255), (80, 220, 80), (80, 160, 255))
_WIDTHS_OF_A_LABEL = 2.2  # of the box: a longer line would cover the neighbours


def draw_poses(
    image: ImageArray,
    poses: HeadPoses,
    *,
    style: str = "axes",
    labels: bool = False,
    boxes: bool = False,
    camera: Camera | None = None,
    landmarks_xy: ArrayLike | None = None,
) -> ImageArray:
    """Draw heads on a copy of the image.

    Without a camera the projection is orthographic and follows from the box. With one, heads are drawn in true
    perspective where ``translation_m`` puts them; poses of a camera that is off the axis or mounted at a tilt are
    right in the image only so.

    Args:
        image: uint8 BGR (H, W, 3), or grey (H, W); it is not changed.
        poses: what ``HeadPose.estimate`` gave.
        style: ``"axes"`` (red to the side, green down, blue out of the face), ``"cube"`` (the face's side blue) or
            ``"head"`` (a low-poly head).
        labels: whether to write id, distance, angles and their spread below each box, where they are there.
        boxes: whether to draw the boxes.
        camera: the one that the poses were made with.
        landmarks_xy: (N, 5, 2) pixels, landmarks to mark, as in ``Detections``; NaN ones are left out.

    Returns:
        A new uint8 BGR image of the same size.

    Raises:
        InvalidImageError: the image is neither.
        InvalidArgumentError: another style, landmarks of another shape, or a camera and poses without places.
        MissingDependencyError: OpenCV is not installed (``pip install 'hpe-edge[video]'``).

    >>> import numpy as np
    >>> poses = HeadPoses.from_euler(np.zeros((1, 3)), np.array([[20.0, 20.0, 80.0, 80.0]]))
    >>> draw_poses(np.zeros((100, 100, 3), np.uint8), poses, style="head").shape
    (100, 100, 3)
    """
    if style not in STYLES:
        raise InvalidArgumentError(f"style: expected one of {tuple(STYLES)}, got {style!r}")
    cv2 = import_cv2("drawing")
    grey = isinstance(image, np.ndarray) and image.ndim == 2
    checked = check_image(image, "mono8" if grey else "bgr8")
    canvas = cast(ImageArray, cv2.cvtColor(checked, cv2.COLOR_GRAY2BGR) if grey else checked.copy())
    marks = _landmarks(landmarks_xy, len(poses))
    drawn = list(zip(poses, views(poses, style, camera), marks, strict=True))
    pens = [Pen.for_box(cv2, canvas, pose.box_xyxy) for pose in poses]
    for pen, (pose, view, points) in zip(pens, drawn, strict=True):
        if boxes:
            pen.box(pose.box_xyxy)
        _draw_shape(pen, view, style)
        for point, colour in zip(points, _LANDMARK_COLOURS, strict=True):
            if np.isfinite(point).all():
                pen.dot(point, colour)
    if labels:  # above all drawings
        for pen, pose in zip(pens, poses, strict=True):
            x0, _, x1, _ = pose.box_xyxy
            room = canvas.shape[1] if len(poses) == 1 else _WIDTHS_OF_A_LABEL * (x1 - x0)
            pen.label(label_lines(pose, pen, room), pose.box_xyxy)
    return canvas


def draw_axes(image: ImageArray, poses: HeadPoses, *, labels: bool = False, boxes: bool = False) -> ImageArray:
    """Draw the three axes of each head on a copy of the image: :func:`draw_poses` with ``style="axes"``.

    The origin is the centre of the box. Red is the head's +x (to image-right when frontal, the
    subject's left), green its +y (down, toward the chin), blue points forward out of the face, as in
    Ruiz et al., Hopenet, CVPRW 2018, fig. 1. The projection is orthographic.

    >>> import numpy as np
    >>> poses = HeadPoses.from_euler(np.zeros((1, 3)), np.array([[20.0, 20.0, 80.0, 80.0]]))
    >>> draw_axes(np.zeros((100, 100, 3), np.uint8), poses).shape
    (100, 100, 3)
    """
    return draw_poses(image, poses, labels=labels, boxes=boxes)


def _landmarks(landmarks_xy: ArrayLike | None, count: int) -> np.ndarray:
    if landmarks_xy is None:
        return np.full((count, LANDMARKS, 2), np.nan)
    points = np.asarray(landmarks_xy, dtype=np.float64)
    if points.shape != (count, LANDMARKS, 2):
        raise InvalidArgumentError(f"landmarks_xy: expected shape ({count}, {LANDMARKS}, 2), got {points.shape}")
    return points


def _draw_shape(pen: Pen, view: View, style: str) -> None:
    parts = list(STYLES[style]())
    if style == "axes":  # far ones first, so that what points at the viewer lies on top
        parts.sort(key=lambda part: -float(view.depth(part.ends_m[0, 1])))
    if style == "head":
        pen.rim(view.pixels(skull_m()).reshape(-1, 2), CYAN, 0.6)
    for part in parts:
        pen.segments(view.pixels(_seen(part, view)), part.colour, part.weight, outlined=part.outlined)
    if style == "axes":
        pen.dot(view.pixels(FACE_MIDDLE_M))


def _seen(part: Segments, view: View) -> np.ndarray:
    """The segments of a part that are not on the far side."""
    if part.outward is None:
        return part.ends_m
    return part.ends_m[view.faces_viewer(part.ends_m.mean(axis=1), part.outward)]
