"""A calibrated camera: pinhole, lens, and how it is mounted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpe_edge import _core
from hpe_edge.camera.lens import COUNTS, distort, undistort
from hpe_edge.errors import InvalidArgumentError

Array: TypeAlias = NDArray[np.float64]

_ROS_MODELS: Final = ("", "plumb_bob", "rational_polynomial")


@dataclass(frozen=True)
class Camera:
    """Intrinsics of one camera at one size of image, in OpenCV's convention, and its mount.

    Attributes:
        fx, fy: focal length in pixels.
        cx, cy: principal point as OpenCV and ROS have it: pixel (0, 0) has its centre at 0, 0. (In boxes and in this
            class's methods it has its centre at 0.5, 0.5; docs/CONVENTIONS.md.)
        distortion: none, or OpenCV's 4, 5 or 8 coefficients ``k1 k2 p1 p2 [k3 [k4 k5 k6]]``.
        width, height: size of the images in pixels; ``None`` when unknown. Known, other images are refused.
        mount_yaw_deg: + when the camera is turned to its own right, against the frame in which poses are wanted.
        mount_pitch_deg: + when it looks up.
        mount_roll_deg: + when it is turned clockwise, seen from behind it.

    Raises:
        InvalidArgumentError: a number is not finite or out of range, only one of width and height, or a distortion
            that folds the image.

    >>> Camera(600.0, 600.0, 319.5, 239.5, width=640, height=480).rays([[320.0, 240.0]]).tolist()
    [[0.0, 0.0, 1.0]]
    """

    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, ...] = ()
    width: int | None = None
    height: int | None = None
    mount_yaw_deg: float = 0.0
    mount_pitch_deg: float = 0.0
    mount_roll_deg: float = 0.0

    def __post_init__(self) -> None:
        for name in ("fx", "fy", "cx", "cy", "mount_yaw_deg", "mount_pitch_deg", "mount_roll_deg"):
            object.__setattr__(self, name, _number(name, getattr(self, name)))
        for name in ("fx", "fy"):
            if getattr(self, name) <= 0:
                raise InvalidArgumentError(f"{name}: expected a focal length in pixels, > 0, got {getattr(self, name)}")
        object.__setattr__(self, "distortion", _coefficients(self.distortion))
        if (self.width is None) != (self.height is None):
            raise InvalidArgumentError(
                f"width, height: expected both or neither, got {self.width!r} and {self.height!r}"
            )
        if self.width is not None and self.height is not None:
            object.__setattr__(self, "width", _size("width", self.width))
            object.__setattr__(self, "height", _size("height", self.height))
            self._check_lens(self.width, self.height)

    @classmethod
    def from_fov(
        cls,
        width: int,
        height: int,
        *,
        horizontal_fov_deg: float | None = None,
        vertical_fov_deg: float | None = None,
        diagonal_fov_deg: float | None = None,
    ) -> Camera:
        """A camera known by one field of view: square pixels, no distortion, the axis through the image's middle.

        >>> camera = Camera.from_fov(640, 480, horizontal_fov_deg=90.0)
        >>> round(camera.fx, 6), camera.cx
        (320.0, 319.5)
        """
        width, height = _size("width", width), _size("height", height)
        extents = {
            "horizontal_fov_deg": (horizontal_fov_deg, width),
            "vertical_fov_deg": (vertical_fov_deg, height),
            "diagonal_fov_deg": (diagonal_fov_deg, math.hypot(width, height)),
        }
        given = [(name, fov_deg, extent) for name, (fov_deg, extent) in extents.items() if fov_deg is not None]
        if len(given) != 1:
            raise InvalidArgumentError(f"expected one of {', '.join(extents)}, got {len(given)} of them")
        name, fov_deg, extent = given[0]
        if not 0 < _number(name, fov_deg) < 180:
            raise InvalidArgumentError(f"{name}: expected degrees between 0 and 180, got {fov_deg}")
        focal = 0.5 * extent / math.tan(math.radians(fov_deg) / 2)
        return cls(focal, focal, (width - 1) / 2, (height - 1) / 2, width=width, height=height)

    @classmethod
    def from_opencv(
        cls, matrix: ArrayLike, distortion: ArrayLike = (), *, width: int | None = None, height: int | None = None
    ) -> Camera:
        """From what ``cv2.calibrateCamera`` gives: the camera matrix (3, 3) and the distortion coefficients.

        >>> Camera.from_opencv([[600, 0, 320], [0, 610, 240], [0, 0, 1]]).fy
        610.0
        """
        given = _array("matrix", matrix)
        if given.shape != (3, 3) or np.abs(given[[0, 1, 2, 2], [1, 0, 0, 1]]).max() > 1e-6 or given[2, 2] != 1:
            raise InvalidArgumentError(
                f"matrix: expected [[fx, 0, cx], [0, fy, cy], [0, 0, 1]] without skew, got {given.tolist()}"
            )
        fx, fy, cx, cy = (float(value) for value in given[[0, 1, 0, 1], [0, 1, 2, 2]])
        return cls(fx, fy, cx, cy, _coefficients(distortion), width, height)

    @classmethod
    def from_ros(cls, info: object) -> Camera:
        """From a ``sensor_msgs/CameraInfo``: the message, or a dict with its fields (ROS 1 or 2: K or k, D or d).

        >>> Camera.from_ros({"width": 640, "height": 480, "k": [600, 0, 320, 0, 600, 240, 0, 0, 1], "d": []}).fx
        600.0
        """

        def field(*names: str) -> Any:
            for name in names:
                value = info.get(name) if isinstance(info, Mapping) else getattr(info, name, None)
                if value is not None:
                    return value
            raise InvalidArgumentError(f"camera info: expected the field {names[0]!r}, it is missing")

        model = field("distortion_model") if _has(info, "distortion_model") else ""
        if model not in _ROS_MODELS:
            raise InvalidArgumentError(
                f"distortion_model: expected one of {_ROS_MODELS}, got {model!r}; rectify such images first"
            )
        k = _array("k", field("k", "K"))
        if k.size != 9 or not k.any():
            raise InvalidArgumentError(f"k: expected 9 numbers of a calibrated camera, got {k.tolist()}")
        return cls.from_opencv(k.reshape(3, 3), field("d", "D"), width=field("width"), height=field("height"))

    @property
    def matrix(self) -> Array:
        """(3, 3) OpenCV's camera matrix."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    @property
    def mount(self) -> Array:
        """(3, 3) ``Ry(yaw) Rx(pitch) Rz(roll)``: the camera's optical axes to those of the frame of the poses.

        Right-handed turns in the optical frame (x right, y down, z forward); the identity without a mount.
        """
        turns = np.deg2rad(np.diag([self.mount_pitch_deg, self.mount_yaw_deg, self.mount_roll_deg]))
        about_x, about_y, about_z = _core.rotvec_to_rotation(turns)
        return np.asarray(about_y @ about_x @ about_z)

    def mounted(self, *, yaw_deg: float = 0.0, pitch_deg: float = 0.0, roll_deg: float = 0.0) -> Camera:
        """The same camera in another mount: poses are then in a frame whose horizon is level.

        >>> Camera.from_fov(640, 480, horizontal_fov_deg=60).mounted(pitch_deg=-30).mount_pitch_deg  # looks down
        -30.0
        """
        return replace(self, mount_yaw_deg=yaw_deg, mount_pitch_deg=pitch_deg, mount_roll_deg=roll_deg)

    def scaled(self, width: int, height: int) -> Camera:
        """The same view at another size of image; needs to know its own.

        >>> Camera.from_fov(640, 480, horizontal_fov_deg=90).scaled(320, 240).cx
        159.5
        """
        if self.width is None or self.height is None:
            raise InvalidArgumentError("scaled: expected a camera with width and height, got one without")
        across, down = _size("width", width) / self.width, _size("height", height) / self.height
        return replace(
            self,
            fx=self.fx * across,
            fy=self.fy * down,
            cx=(self.cx + 0.5) * across - 0.5,
            cy=(self.cy + 0.5) * down - 0.5,
            width=width,
            height=height,
        )

    def for_image(self, width: int, height: int) -> Camera:
        """This camera, known to take images of this size.

        Raises:
            InvalidArgumentError: it takes images of another size.
        """
        if self.width is None:
            return replace(self, width=width, height=height)
        if (self.width, self.height) != (width, height):
            raise InvalidArgumentError(
                f"image: expected {self.width} x {self.height} pixels, as the camera has, got {width} x {height}; "
                f"if it shows the same view at another size, pass camera.scaled({width}, {height})"
            )
        return self

    def plane(self, points_xy: ArrayLike) -> Array:
        """Pixels (N, 2), as in boxes, to points (N, 2) of the plane z = 1, the lens's distortion taken off.

        Beyond the image's border, where no calibration holds, the distortion of the border goes on (as far as width
        and height are known).

        Raises:
            InvalidArgumentError: the distortion has no inverse there.
        """
        pixels = _points("points_xy", points_xy, 2)
        focal, centre = np.array([self.fx, self.fy]), np.array([self.cx + 0.5, self.cy + 0.5])
        if not self.distortion:
            return np.asarray((pixels - centre) / focal)
        inside = pixels if self.width is None else np.clip(pixels, 0.0, [float(self.width), float(self.height or 0)])
        found = undistort((inside - centre) / focal, self.distortion)
        if np.isnan(found).any():
            where = inside[np.isnan(found).any(axis=1)][0].tolist()
            raise InvalidArgumentError(
                f"distortion: expected coefficients that can be undone in the whole image, got {self.distortion}, "
                f"which cannot at pixel {where}; calibrate with fewer coefficients and points up to the corners, "
                "or rectify the images first"
            )
        return np.asarray(found + (pixels - inside) / focal)

    def rays(self, points_xy: ArrayLike) -> Array:
        """Pixels (N, 2), as in boxes, to unit vectors (N, 3) in the optical frame (x right, y down, z forward)."""
        plane = self.plane(points_xy)
        rays = np.concatenate([plane, np.ones((len(plane), 1))], axis=1)
        return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True))

    def project(self, points_m: ArrayLike) -> Array:
        """Points (N, 3) of the optical frame to pixels (N, 2), as in boxes; NaN for those not before the camera.

        >>> Camera.from_fov(640, 480, horizontal_fov_deg=90).project([[0.0, 0.0, 2.0]]).tolist()
        [[320.0, 240.0]]
        """
        points = _points("points_m", points_m, 3)
        depth = np.where(points[:, 2:] > 1e-6, points[:, 2:], np.nan)
        plane = distort(points[:, :2] / depth, self.distortion)
        return np.asarray(plane * [self.fx, self.fy] + [self.cx + 0.5, self.cy + 0.5])

    def _check_lens(self, width: int, height: int) -> None:
        """That the distortion can be undone as far as the border of the image."""
        across, down = np.meshgrid([0.0, width / 2, float(width)], [0.0, height / 2, float(height)])
        self.plane(np.stack([across.ravel(), down.ravel()], axis=1))


def _has(info: object, name: str) -> bool:
    return name in info if isinstance(info, Mapping) else hasattr(info, name)


def _array(name: str, value: ArrayLike) -> Array:
    try:
        found = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"{name}: expected numbers, got {value!r}") from error
    if not bool(np.isfinite(found).all()):
        raise InvalidArgumentError(f"{name}: expected finite numbers, got {found.tolist()}")
    return found


def _number(name: str, value: Any) -> float:
    found = _array(name, value)
    if found.ndim:
        raise InvalidArgumentError(f"{name}: expected one number, got an array of shape {found.shape}")
    return float(found)


def _points(name: str, value: ArrayLike, columns: int) -> Array:
    found = _array(name, value)
    if found.ndim != 2 or found.shape[1] != columns:
        raise InvalidArgumentError(f"{name}: expected shape (N, {columns}), got {found.shape}")
    return found


def _size(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise InvalidArgumentError(f"{name}: expected a whole number of pixels >= 1, got {value!r}")
    return int(value)


def _coefficients(value: ArrayLike) -> tuple[float, ...]:
    found = tuple(float(one) for one in _array("distortion", value).ravel())
    if len(found) not in COUNTS:
        raise InvalidArgumentError(
            f"distortion: expected one of {COUNTS} coefficients (k1 k2 p1 p2, k3, k4 k5 k6), got {len(found)}"
        )
    return found if any(found) else ()
