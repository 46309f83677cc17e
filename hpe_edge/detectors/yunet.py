"""OpenCV's ``FaceDetectorYN`` with a YuNet file of the user's own (Wu et al., Machine Intelligence Research 2023).

YuNet's boxes are those of WIDER FACE: from the forehead to the chin, and about from jaw to jaw. Tight boxes begin at
the brows, so the side of the box that the forehead touches moves: see :func:`tight_boxes`.
"""

from __future__ import annotations

import os
from pathlib import Path
from threading import Lock
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hpe_edge.errors import BackendError, CorruptModelError, ModelNotFoundError
from hpe_edge.images import AnyImage, ImageArray, import_cv2
from hpe_edge.modelcard import InputSpec
from hpe_edge.results import Detections, FloatArray

BROWS: Final = 0.35
"""Height of the brows above the eyes, in distances from the eyes to the mouth: the median over AFLW2000's landmarks."""

NMS_IOU: Final = 0.3
TOP_K: Final = 5000

_CONVERSIONS: Final = {  # pixel format -> OpenCV's code
    "rgb8": "COLOR_RGB2BGR",
    "mono8": "COLOR_GRAY2BGR",
    "bgra8": "COLOR_BGRA2BGR",
    "rgba8": "COLOR_RGBA2BGR",
    "yuyv": "COLOR_YUV2BGR_YUY2",
    "nv12": "COLOR_YUV2BGR_NV12",
}


def tight_boxes(boxes_xyxy: FloatArray, landmarks_xy: FloatArray) -> FloatArray:
    """Tight face boxes (N, 4) from YuNet's boxes (N, 4) and five landmarks (N, 5, 2), pixels.

    With ``up`` from the middle of the mouth to the middle of the eyes, the brows are ``0.35 |up|`` above each eye. Of
    the box's sides, the one that ``up`` points to (the upper one of an upright head, the left or right one of a head on
    its side) moves in to the outermost of the two brows, but takes at most half of the box. The others stay: YuNet
    draws them at chin and jaw. On AFLW2000's landmarks that side is found to 2.6 % of the box's height on average.

    >>> import numpy as np
    >>> eyes, nose, mouth = [[40, 40], [60, 40]], [[50, 50]], [[42, 60], [58, 60]]
    >>> face = np.array([eyes + nose + mouth], np.float32)
    >>> tight_boxes(np.array([[30, 20, 70, 75]], np.float32), face).tolist()
    [[30.0, 33.0, 70.0, 75.0]]
    """
    tight = np.array(boxes_xyxy)
    eyes = landmarks_xy[:, :2]
    ups = eyes.mean(axis=1) - landmarks_xy[:, 3:].mean(axis=1)
    for box, up, brows in zip(tight, ups, eyes + np.float32(BROWS) * ups[:, None], strict=True):
        axis = int(abs(up[1]) >= abs(up[0]))
        middle = (box[axis] + box[axis + 2]) / 2
        if up[axis] < 0:
            box[axis] = np.clip(brows[:, axis].min(), box[axis], middle)
        else:
            box[axis + 2] = np.clip(brows[:, axis].max(), middle, box[axis + 2])
    return tight


class YuNet:
    """The detector ``"yunet:/path/of/face_detection_yunet.onnx"``. Threads may share it; they take turns.

    Args:
        spec: not looked at.
        path: an ONNX file of YuNet, such as those of OpenCV's model zoo; none comes with this library.
        longest_side: larger images are scaled down to so many pixels; YuNet finds faces of 10 to 300 of them.
        score_threshold: scores above it are faces.

    Raises:
        MissingDependencyError: OpenCV is not installed (``pip install 'hpe-edge[video]'``).
        ModelNotFoundError: there is no such file.
        CorruptModelError: OpenCV cannot read it.
    """

    name = "yunet"

    def __init__(
        self,
        spec: InputSpec,
        path: str | os.PathLike[str],
        *,
        longest_side: int = 640,
        score_threshold: float = 0.7,
    ) -> None:
        self._cv2: Any = import_cv2("the detector 'yunet'")
        if not Path(path).is_file():
            raise ModelNotFoundError(f"detector 'yunet': expected a YuNet ONNX file, found no file {os.fspath(path)!r}")
        try:
            self._net = self._cv2.FaceDetectorYN.create(
                os.fspath(path), "", (320, 320), score_threshold, NMS_IOU, TOP_K
            )
        except self._cv2.error as error:
            raise CorruptModelError(f"detector 'yunet': OpenCV cannot read {os.fspath(path)!r}: {error}") from error
        self._longest_side = longest_side
        self._lock = Lock()  # OpenCV's object remembers the size of its image

    def detect(self, image: AnyImage, pixel_format: str = "bgr8") -> Detections:
        """The faces of an image, with tight boxes.

        Raises:
            BackendError: OpenCV cannot run the network on this image.
        """
        image_bgr = self._bgr(image, pixel_format)
        small, scale = self._scaled(image_bgr)
        height, width = small.shape[:2]
        try:
            with self._lock:
                self._net.setInputSize((width, height))
                rows = self._net.detect(small)[1]
        except self._cv2.error as error:
            raise BackendError(f"detector 'yunet': OpenCV failed on an image of {width} x {height}: {error}") from error
        found = np.zeros((0, 15), np.float32) if rows is None else np.asarray(rows, np.float32)
        corners = np.concatenate([found[:, :2], found[:, :2] + found[:, 2:4]], axis=1)
        landmarks = found[:, 4:14].reshape(-1, 5, 2) / scale
        boxes = tight_boxes(np.asarray(corners / np.tile(scale, 2), np.float32), landmarks)
        inside = _overlap_image(boxes, image_bgr)
        return Detections(boxes[inside], found[inside, 14], landmarks[inside])

    def _bgr(self, image: AnyImage, pixel_format: str) -> ImageArray:
        """The whole image converted: OpenCV's network reads nothing else."""
        if isinstance(image, tuple):
            y, uv = image
            pairs = np.ascontiguousarray(uv).reshape(y.shape[0] // 2, y.shape[1] // 2, 2)
            return np.asarray(self._cv2.cvtColorTwoPlane(np.ascontiguousarray(y), pairs, self._cv2.COLOR_YUV2BGR_NV12))
        dense = np.ascontiguousarray(image)
        if pixel_format == "bgr8":
            return dense
        return np.asarray(self._cv2.cvtColor(dense, getattr(self._cv2, _CONVERSIONS[pixel_format])))

    def _scaled(self, image_bgr: ImageArray) -> tuple[ImageArray, FloatArray]:
        """The image with at most ``longest_side`` pixels a side, and by how much it is scaled, (2,) for x and y."""
        height, width = image_bgr.shape[:2]
        factor = self._longest_side / max(height, width)
        if factor >= 1.0:
            return image_bgr, np.ones(2, np.float32)
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        scale = np.array([size[0] / width, size[1] / height], np.float32)
        return self._cv2.resize(image_bgr, size, interpolation=self._cv2.INTER_AREA), scale


def _overlap_image(boxes_xyxy: FloatArray, image: ImageArray) -> NDArray[np.bool_]:
    """Which boxes (N, 4) have an area and show something of the image."""
    x0, y0, x1, y1 = boxes_xyxy.T
    height, width = image.shape[:2]
    inside: NDArray[np.bool_] = (x0 < x1) & (y0 < y1) & (x1 > 0) & (y1 > 0) & (x0 < width) & (y0 < height)
    return inside
