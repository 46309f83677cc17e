"""What an estimate returns: frozen arrays of length N, and single poses for people."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from hpe_edge import _core
from hpe_edge.errors import InvalidArgumentError

FloatArray: TypeAlias = NDArray[np.float32]
IntArray: TypeAlias = NDArray[np.int64]

LANDMARKS: Final = 5
"""Points of a detected face (right eye, left eye, the subject's; nose tip; right and left corner of the mouth)."""
NO_ID: Final = -1

_ANGLES = ("yaw", "pitch", "roll")


@dataclass(frozen=True, eq=False)
class Detections:
    """Faces of one image, as a detector found them. The arrays are read-only.

    Attributes:
        boxes_xyxy: (N, 4) float32, *tight face boxes* in pixels, half-open: the bounding box of the 68
            landmarks, brows to chin and jaw to jaw. A detector with other boxes converts them.
        scores: (N,) float32, in 0..1; NaN where the detector gives none.
        landmarks_xy: (N, 5, 2) float32, pixels, in the order of :data:`LANDMARKS`; NaN where it gives none.
    """

    boxes_xyxy: FloatArray  # (N, 4)
    scores: FloatArray  # (N,)
    landmarks_xy: FloatArray = None  # type: ignore[assignment]  # (N, 5, 2)

    def __post_init__(self) -> None:
        count = len(self.boxes_xyxy)
        _freeze(self, "boxes_xyxy", (count, 4))
        _freeze(self, "scores", (count,))
        _freeze(self, "landmarks_xy", (count, LANDMARKS, 2), fill=np.nan)

    def __len__(self) -> int:
        return len(self.boxes_xyxy)


@dataclass(frozen=True)
class Pose:
    """The pose of one head, as plain numbers.

    Attributes:
        yaw_deg: + when the nose points to image-left.
        pitch_deg: + when the face looks up.
        roll_deg: + when the head is turned clockwise in the image.
        std_deg: spread of yaw, pitch, roll in degrees, one standard deviation of the error; NaN where the
            model has none.
        quaternion_xyzw: the rotation in the OpenCV / ROS optical frame.
        box_xyxy: the tight face box in pixels.
        score: the detector's score; NaN when the box did not come from a detector.
        id: number of the person in a video, from 0 up; -1 outside a video.
        translation_m: middle of the head in the camera's optical frame turned by its mount, metres; rests on an
            assumed size of the face (docs/CONVENTIONS.md, Camera). NaN without a camera.
    """

    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    std_deg: tuple[float, float, float]
    quaternion_xyzw: tuple[float, float, float, float]
    box_xyxy: tuple[float, float, float, float]
    score: float
    id: int = NO_ID
    translation_m: tuple[float, float, float] = (math.nan, math.nan, math.nan)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values, to six decimals; what is NaN becomes ``None``."""
        return {
            "yaw_deg": _rounded(self.yaw_deg),
            "pitch_deg": _rounded(self.pitch_deg),
            "roll_deg": _rounded(self.roll_deg),
            "std_deg": [_rounded(value) for value in self.std_deg],
            "quaternion_xyzw": [_rounded(value) for value in self.quaternion_xyzw],
            "box_xyxy": [_rounded(value) for value in self.box_xyxy],
            "score": _rounded(self.score),
            "id": None if self.id == NO_ID else self.id,
            "translation_m": [_rounded(value) for value in self.translation_m],
        }


@dataclass(frozen=True, eq=False)
class HeadPoses:
    """The poses of the N heads of one image. The arrays are read-only; copy one to change it.

    Attributes:
        euler_deg: (N, 3) float32, yaw, pitch, roll in degrees (docs/CONVENTIONS.md).
        std_deg: (N, 3) float32, spread of yaw, pitch, roll in degrees: one standard deviation of the error that
            the model expects. A model calibrated for it has 68 % of its errors within one and 95 % within two.
            NaN where the model has none (docs/CONVENTIONS.md, Spread).
        boxes_xyxy: (N, 4) float32, tight face boxes in pixels, half-open.
        scores: (N,) float32, the detector's scores; NaN for boxes that the caller gave.
        ids: (N,) int64, who is who in a video: numbers from 0 up that stay with a person; -1 outside a video.
        translation_m: (N, 3) float32, middle of the head in the camera's optical frame (x right, y down, z forward)
            turned by its mount, metres; rests on an assumed size of the face (docs/CONVENTIONS.md, Camera). NaN
            without a camera.

    >>> import numpy as np
    >>> poses = HeadPoses.from_euler(np.array([[10.0, -5.0, 0.0]]), np.array([[20.0, 30.0, 80.0, 90.0]]))
    >>> len(poses), poses[0].yaw_deg
    (1, 10.0)
    """

    euler_deg: FloatArray  # (N, 3)
    std_deg: FloatArray  # (N, 3)
    boxes_xyxy: FloatArray  # (N, 4)
    scores: FloatArray  # (N,)
    ids: IntArray = None  # type: ignore[assignment]  # (N,)
    translation_m: FloatArray = None  # type: ignore[assignment]  # (N, 3)

    def __post_init__(self) -> None:
        count = len(self.euler_deg)
        _freeze(self, "euler_deg", (count, 3))
        _freeze(self, "std_deg", (count, 3))
        _freeze(self, "boxes_xyxy", (count, 4))
        _freeze(self, "scores", (count,))
        _freeze(self, "ids", (count,), np.int64, fill=NO_ID)
        _freeze(self, "translation_m", (count, 3), fill=np.nan)

    @classmethod
    def from_euler(
        cls,
        euler_deg: NDArray[np.floating[Any]],
        boxes_xyxy: NDArray[np.floating[Any]],
        std_deg: NDArray[np.floating[Any]] | None = None,
        scores: NDArray[np.floating[Any]] | None = None,
    ) -> HeadPoses:
        """Poses from angles (N, 3) and boxes (N, 4); spread and scores are NaN when not given."""
        count = len(euler_deg)
        return cls(
            euler_deg=np.asarray(euler_deg, dtype=np.float32),
            std_deg=np.asarray(np.full((count, 3), np.nan) if std_deg is None else std_deg, dtype=np.float32),
            boxes_xyxy=np.asarray(boxes_xyxy, dtype=np.float32),
            scores=no_scores(count) if scores is None else np.asarray(scores, dtype=np.float32),
        )

    @property
    def rotation(self) -> FloatArray:
        """(N, 3, 3) float32: head to camera in the OpenCV / ROS optical frame (x right, y down, z forward).

        The identity when the face looks into the camera.
        """
        return np.asarray(_core.euler_to_rotation(self.euler_deg), dtype=np.float32)

    @property
    def quaternion_xyzw(self) -> FloatArray:
        """(N, 4) float32: the same rotation as a unit quaternion, scalar last."""
        return np.asarray(_core.rotation_to_quaternion_xyzw(self.rotation), dtype=np.float32)

    @property
    def rotvec(self) -> FloatArray:
        """(N, 3) float32: the same rotation as a rotation vector, in radians (``cv2.Rodrigues``)."""
        return np.asarray(_core.rotation_to_rotvec(self.rotation), dtype=np.float32)

    def __len__(self) -> int:
        return len(self.euler_deg)

    def __iter__(self) -> Iterator[Pose]:
        return (self[index] for index in range(len(self)))

    @overload
    def __getitem__(self, index: int) -> Pose: ...

    @overload
    def __getitem__(self, index: slice) -> HeadPoses: ...

    def __getitem__(self, index: int | slice) -> Pose | HeadPoses:
        """One pose by number, or some of them by slice."""
        if isinstance(index, slice):
            return HeadPoses(
                self.euler_deg[index],
                self.std_deg[index],
                self.boxes_xyxy[index],
                self.scores[index],
                self.ids[index],
                self.translation_m[index],
            )
        if not -len(self) <= index < len(self):
            raise IndexError(f"pose {index} of {len(self)}")
        one = self[index : index + 1 or None]
        yaw_deg, pitch_deg, roll_deg = map(float, one.euler_deg[0])
        yaw_std, pitch_std, roll_std = map(float, one.std_deg[0])
        x, y, z, w = map(float, one.quaternion_xyzw[0])
        x0, y0, x1, y1 = map(float, one.boxes_xyxy[0])
        right_m, down_m, forward_m = map(float, one.translation_m[0])
        return Pose(
            yaw_deg=yaw_deg,
            pitch_deg=pitch_deg,
            roll_deg=roll_deg,
            std_deg=(yaw_std, pitch_std, roll_std),
            quaternion_xyzw=(x, y, z, w),
            box_xyxy=(x0, y0, x1, y1),
            score=float(one.scores[0]),
            id=int(one.ids[0]),
            translation_m=(right_m, down_m, forward_m),
        )

    def __repr__(self) -> str:
        angles = "; ".join(
            " ".join(f"{name} {value:+.1f}" for name, value in zip(_ANGLES, row, strict=True))
            for row in self.euler_deg[:3]
        )
        more = f"; {len(self) - 3} more" if len(self) > 3 else ""
        return f"HeadPoses({len(self)}: {angles}{more})" if len(self) else "HeadPoses(0)"

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values: ``{"poses": [...]}``, what is NaN becomes ``None``."""
        return {"poses": [pose.as_dict() for pose in self]}


def no_scores(count: int) -> FloatArray:
    """(N,) scores of boxes that no detector found: NaN, read-only."""
    return _filled((count,), np.float32, np.nan)


def _rounded(value: float) -> float | None:
    # The digits of a float32 beyond these are an artefact of printing it as a float64.
    return None if math.isnan(value) else round(value, 6)


def _freeze(
    owner: object, name: str, shape: tuple[int, ...], dtype: Any = np.float32, fill: float | None = None
) -> None:
    """Make a field a read-only array of its own; one that was left out is full of ``fill``."""
    given = getattr(owner, name)
    if given is None and fill is not None:
        object.__setattr__(owner, name, _filled(shape, dtype, fill))
        return
    value = np.array(given, dtype, order="C")
    if value.shape != shape:
        raise InvalidArgumentError(f"{name}: expected shape {shape}, got {value.shape}")
    value.setflags(write=False)
    object.__setattr__(owner, name, value)


@lru_cache(maxsize=64)
def _filled(shape: tuple[int, ...], dtype: Any, fill: float) -> NDArray[Any]:
    """One read-only array for all that ask for it."""
    value = np.full(shape, fill, dtype)
    value.setflags(write=False)
    return value
