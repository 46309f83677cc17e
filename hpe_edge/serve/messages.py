"""One frame on the wire: a JSON header with its poses, then the picture as JPEG, in one binary message.

Layout: length of the header (unsigned 32-bit, little-endian), the header in UTF-8, the JPEG up to the end. Poses and
picture travel together, so that a drawing never belongs to another picture than the one below it.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from hpe_edge.errors import InvalidImageError
from hpe_edge.images import ImageArray, describe, import_cv2
from hpe_edge.results import HeadPoses

_LENGTH: Final = struct.Struct("<I")


@dataclass(frozen=True)
class Message:
    """One frame, ready to be sent to every viewer.

    Attributes:
        serial: number of the message since the server started; viewers answer with it.
        data: the bytes of the wire.
    """

    serial: int
    data: bytes


def pack(header: dict[str, Any], jpeg: bytes) -> bytes:
    """Header and picture as one binary message.

    >>> unpack(pack({"serial": 3}, b"jpeg"))
    ({'serial': 3}, b'jpeg')
    """
    text = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    return b"".join((_LENGTH.pack(len(text)), text, jpeg))


def unpack(data: bytes) -> tuple[dict[str, Any], bytes]:
    """The inverse of :func:`pack`, for clients in Python."""
    (length,) = _LENGTH.unpack_from(data)
    start = _LENGTH.size
    header: dict[str, Any] = json.loads(data[start : start + length])
    return header, data[start + length :]


def encode_jpeg(image_bgr: ImageArray, longest_side: int, quality: int) -> bytes:
    """The picture as the page shows it.

    Args:
        image_bgr: uint8 BGR (H, W, 3).
        longest_side: pixels; a larger picture is made smaller, a smaller one stays.
        quality: of the JPEG, 1 to 100.

    Raises:
        InvalidImageError: OpenCV cannot encode it.
        MissingDependencyError: OpenCV is not installed.
    """
    cv2 = import_cv2("the live page")
    height, width = image_bgr.shape[:2]
    scale = longest_side / max(height, width)
    if scale < 1.0:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        image_bgr = cv2.resize(image_bgr, size, interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".jpg", image_bgr, (cv2.IMWRITE_JPEG_QUALITY, quality))
    if not done:
        raise InvalidImageError(f"frame: expected an image that fits a JPEG, got {describe(image_bgr)}")
    return bytes(data.tobytes())


def faces_as_json(poses: HeadPoses) -> list[dict[str, Any]]:
    """What the page draws of each face: ``id`` (its place where it has none), angles, spread, box, rotation by rows.

    >>> poses = HeadPoses.from_euler(np.zeros((1, 3)), np.array([[20.0, 20.0, 80.0, 80.0]]))
    >>> faces_as_json(poses)[0]["rotation"]
    [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    """
    rotations = poses.rotation.reshape(len(poses), 9)
    return [
        {
            "id": index if poses.ids[index] < 0 else int(poses.ids[index]),
            "euler_deg": _numbers(poses.euler_deg[index], 2),
            "std_deg": _numbers(poses.std_deg[index], 2),
            "box_xyxy": _numbers(poses.boxes_xyxy[index], 1),
            "score": _numbers(poses.scores[index : index + 1], 3)[0],
            "rotation": _numbers(rotations[index], 4),
        }
        for index in range(len(poses))
    ]


def _numbers(values: np.ndarray[Any, Any], digits: int) -> list[float | None]:
    """For JSON, which has no NaN; ``+ 0.0`` makes -0.0 plain."""
    return [round(value, digits) + 0.0 if math.isfinite(value) else None for value in values.tolist()]
