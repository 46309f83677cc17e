"""Filters that hold a rotation or a box still while it rests and let it go when it moves.

All take the real time of each measurement, so that frames may come unevenly, late or not at all, and none sees
an angle: they work on the rotation itself and know no wrap at +-180 degrees. One filter serves one face.

A measurement of the same moment changes nothing. Time that steps back, or forward by more than ``max_gap_s``,
begins anew with that measurement. How the defaults were chosen: docs/STUDIES.md, smoothing.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpe_edge import _core
from hpe_edge.errors import InvalidArgumentError

F64: TypeAlias = NDArray[np.float64]

MAX_GAP_S: Final = 1.0
_IDENTITY: Final = np.eye(3)


class RotationSmoother(Protocol):
    """What :class:`hpe_edge.tracking.Tracker` needs of a filter; it makes one for each face."""

    def update(self, rotation: F64, time_s: float, std_deg: ArrayLike | None = None) -> F64:
        """Take a measurement, give the smoothed rotation.

        Args:
            rotation: (3, 3), head to camera, as ``HeadPoses.rotation``.
            time_s: when it was measured, in seconds of any clock.
            std_deg: (3,) expected error of yaw, pitch and roll in degrees; NaN or ``None`` where unknown.
        """


class _OneEuro(ABC):
    """Casiez, Roussel, Vogel: 1-euro Filter (CHI 2012), algorithm 1, over any space with differences and steps.

    A low-pass filter whose cutoff is ``min_cutoff_hz + beta * speed``. Its speed is the length of the low-passed
    velocity vector, not the mean of lengths: noise has no direction and cancels, motion has one and stays.

    Attributes:
        value: what the filter says now.
        velocity: its low-passed rate of change a second.
    """

    value: F64
    velocity: F64
    _measured: F64

    def __init__(self, min_cutoff_hz: float, beta: float, speed_cutoff_hz: float, max_gap_s: float) -> None:
        _check_positive(min_cutoff_hz=min_cutoff_hz, speed_cutoff_hz=speed_cutoff_hz, max_gap_s=max_gap_s)
        if not (math.isfinite(beta) and beta >= 0.0):
            raise InvalidArgumentError(f"beta: expected a number >= 0, got {beta!r}")
        self._min_cutoff_hz = min_cutoff_hz
        self._beta = beta
        self._speed_cutoff_hz = speed_cutoff_hz
        self._max_gap_s = max_gap_s
        self._time_s = math.nan

    @abstractmethod
    def _difference(self, to: F64, start: F64) -> F64:
        """The tangent vector that leads from one value to another."""

    @abstractmethod
    def _moved(self, value: F64, step: F64) -> F64:
        """The value at the end of a tangent vector."""

    @abstractmethod
    def _speed(self, velocity: F64) -> float:
        """How fast this is, in the unit of ``beta``."""

    def _filter(self, measured: F64, time_s: float) -> F64:
        gap_s = _gap(time_s, self._time_s)
        if gap_s == 0.0:
            return self.value
        if not 0.0 < gap_s <= self._max_gap_s:
            self.value, self.velocity = measured, np.zeros(measured.shape[-1])
        else:
            moved = self._difference(measured, self._measured)
            # alpha / gap_s, written so that nothing is divided by a gap that may be as short as it likes
            rate = 1.0 / (1.0 / (2 * math.pi * self._speed_cutoff_hz) + gap_s)
            self.velocity = self.velocity + rate * (moved - self.velocity * gap_s)
            cutoff_hz = self._min_cutoff_hz + self._beta * self._speed(self.velocity)
            alpha = gap_s / (1.0 / (2 * math.pi * cutoff_hz) + gap_s)
            self.value = self._moved(self.value, alpha * self._difference(measured, self.value))
        self._measured, self._time_s = measured, time_s
        return self.value


class OneEuroRotation(_OneEuro):
    """The 1-euro filter on SO(3): steps go along the geodesic, as slerp does.

    Turning camera or head axes by a fixed rotation turns what comes out by the same one.

    Args:
        min_cutoff_hz: cutoff at rest; lower is stiller.
        beta: hertz more for each degree a second; higher follows a turn sooner.
        speed_cutoff_hz: cutoff of the velocity itself.
        max_gap_s: a longer gap begins anew.

    Raises:
        InvalidArgumentError: a value that is not positive (``beta``: negative).

    >>> import numpy as np
    >>> smooth = OneEuroRotation()
    >>> np.allclose([smooth.update(np.eye(3), frame / 30) for frame in range(9)], np.eye(3))
    True
    """

    def __init__(
        self,
        min_cutoff_hz: float = 0.5,
        beta: float = 0.4,
        speed_cutoff_hz: float = 1.0,
        max_gap_s: float = MAX_GAP_S,
    ) -> None:
        super().__init__(min_cutoff_hz, beta, speed_cutoff_hz, max_gap_s)

    def update(self, rotation: F64, time_s: float, std_deg: ArrayLike | None = None) -> F64:
        """(3, 3) smoothed rotation; ``std_deg`` is not used. See :class:`RotationSmoother`.

        Raises:
            InvalidArgumentError: no rotation matrix, or a time that is not finite.
        """
        return self._filter(_as_rotation(rotation), time_s)

    def _difference(self, to: F64, start: F64) -> F64:
        return _log(to @ start.T)

    def _moved(self, value: F64, step: F64) -> F64:
        return _exp(step) @ value

    def _speed(self, velocity: F64) -> float:
        return math.degrees(math.hypot(*velocity))


class OneEuroBox(_OneEuro):
    """The 1-euro filter for a box: a crop that does not shake is half of a still pose.

    Args:
        min_cutoff_hz: cutoff at rest.
        beta: hertz more for each box side a second of the fastest edge. Behind a steady motion the box stays
            back by less than ``1 / (2 pi beta)`` sides, 0.05 by default, however fast it is.
        speed_cutoff_hz: cutoff of the velocity itself.
        max_gap_s: a longer gap begins anew.

    >>> smooth = OneEuroBox()
    >>> smooth.update([10, 20, 50, 70], 0.0).tolist()
    [10.0, 20.0, 50.0, 70.0]
    """

    def __init__(
        self,
        min_cutoff_hz: float = 1.0,
        beta: float = 3.0,
        speed_cutoff_hz: float = 1.0,
        max_gap_s: float = MAX_GAP_S,
    ) -> None:
        super().__init__(min_cutoff_hz, beta, speed_cutoff_hz, max_gap_s)

    def update(self, box_xyxy: ArrayLike, time_s: float) -> F64:
        """(4,) smoothed box in pixels, a mean of the boxes so far.

        Raises:
            InvalidArgumentError: not four finite numbers, or a time that is not finite.
        """
        box = np.asarray(box_xyxy, dtype=np.float64)
        if box.shape != (4,) or not bool(np.isfinite(box).all()):
            raise InvalidArgumentError(f"box_xyxy: expected four finite numbers, got {box_xyxy!r}")
        return self._filter(box, time_s)

    def predict(self, time_s: float) -> F64:
        """(4,) where the box is at a time, if its centre goes on as it did; its size stays.

        Raises:
            InvalidArgumentError: there was no measurement yet.
        """
        if math.isnan(self._time_s):
            raise InvalidArgumentError("predict: expected a measurement before, got none; call update first")
        way = 0.5 * (self.velocity[:2] + self.velocity[2:]) * max(time_s - self._time_s, 0.0)
        return np.asarray(self.value + np.concatenate([way, way]))

    def _difference(self, to: F64, start: F64) -> F64:
        return to - start

    def _moved(self, value: F64, step: F64) -> F64:
        return value + step

    def _speed(self, velocity: F64) -> float:
        x0, y0, x1, y1 = self._measured
        side = math.sqrt(max(abs((x1 - x0) * (y1 - y0)), 1e-12))
        return float(np.abs(velocity).max()) / side


class KalmanRotation:
    """A Kalman filter on SO(3), constant velocity: the error state lives on the tangent space at the estimate.

    State: the rotation, and its velocity in radians a second about the camera's axes. Motion is white acceleration
    (Bar-Shalom, Li, Kirubarajan: Estimation with Applications to Tracking and Navigation, 2001, section 6.2.2). A
    measurement is weighed by its spread, each axis by its own, turned from yaw, pitch and roll to the tangent space.

    The model's spread is that of its whole error, most of which stays the same from frame to frame and is no noise
    to a filter; ``noise_share`` is the share that is new in each frame.

    Args:
        acceleration_deg: spectral density of the acceleration, degrees / s^2 / sqrt(Hz); higher follows sooner.
        noise_share: what of ``std_deg`` changes between frames.
        noise_deg: noise of a measurement without a spread, degrees.
        max_gap_s: a longer gap begins anew.

    Raises:
        InvalidArgumentError: a value that is not positive.

    >>> import numpy as np
    >>> smooth = KalmanRotation()
    >>> np.allclose([smooth.update(np.eye(3), frame / 30, [4, 4, 3]) for frame in range(9)], np.eye(3))
    True
    """

    def __init__(
        self,
        acceleration_deg: float = 40.0,
        noise_share: float = 0.5,
        noise_deg: float = 1.2,
        max_gap_s: float = MAX_GAP_S,
    ) -> None:
        _check_positive(
            acceleration_deg=acceleration_deg, noise_share=noise_share, noise_deg=noise_deg, max_gap_s=max_gap_s
        )
        self._density = math.radians(acceleration_deg) ** 2
        self._noise_share = noise_share
        self._noise_rad = math.radians(noise_deg)
        self._max_gap_s = max_gap_s
        self._time_s = math.nan
        self.value: F64 = _IDENTITY
        self.velocity: F64 = np.zeros(3)
        self._covariance: F64 = np.zeros((6, 6))

    def update(self, rotation: F64, time_s: float, std_deg: ArrayLike | None = None) -> F64:
        """(3, 3) smoothed rotation. See :class:`RotationSmoother`.

        Raises:
            InvalidArgumentError: no rotation matrix, a time that is not finite, a spread that is not of shape (3,).
        """
        measured = _as_rotation(rotation)
        gap_s = _gap(time_s, self._time_s)
        if gap_s == 0.0:
            return self.value
        noise = self._noise(measured, std_deg)
        if not 0.0 < gap_s <= self._max_gap_s:
            self._begin(measured, noise)
        else:
            self._predict(gap_s)
            self._correct(measured, noise)
        self._time_s = time_s
        return self.value

    def _begin(self, measured: F64, noise: F64) -> None:
        self.value, self.velocity = measured, np.zeros(3)
        self._covariance = np.zeros((6, 6))
        self._covariance[:3, :3] = noise
        self._covariance[3:, 3:] = self._density * _IDENTITY  # of a second of such acceleration

    def _predict(self, gap_s: float) -> None:
        self.value = _exp(self.velocity * gap_s) @ self.value
        way = np.eye(6)
        way[:3, 3:] = gap_s * _IDENTITY
        noise = self._density * np.array([[gap_s**3 / 3, gap_s**2 / 2], [gap_s**2 / 2, gap_s]])
        self._covariance = way @ self._covariance @ way.T
        self._covariance += (noise[:, None, :, None] * _IDENTITY[None, :, None, :]).reshape(6, 6)

    def _correct(self, measured: F64, noise: F64) -> None:
        seen = self._covariance[:3]
        gain = np.linalg.solve(seen[:, :3] + noise, seen).T  # (6, 3)
        step = gain @ _log(measured @ self.value.T)
        self.value = _exp(step[:3]) @ self.value
        self.velocity = self.velocity + step[3:]
        kept = np.eye(6)
        kept[:, :3] -= gain
        # Joseph's form: stays symmetric and positive however long the filter runs
        self._covariance = kept @ self._covariance @ kept.T + gain @ noise @ gain.T

    def _noise(self, measured: F64, std_deg: ArrayLike | None) -> F64:
        """(3, 3) covariance of a measurement in radians squared, about the camera's axes."""
        if std_deg is None:
            return self._noise_rad**2 * _IDENTITY
        spread = np.asarray(std_deg, dtype=np.float64)
        if spread.shape != (3,):
            raise InvalidArgumentError(f"std_deg: expected shape (3,), yaw, pitch, roll, got {spread.shape}")
        if not bool(np.isfinite(spread).all()):
            return self._noise_rad**2 * _IDENTITY
        axes = _euler_axes(measured) * np.radians(np.maximum(spread * self._noise_share, 1e-3))
        covariance: F64 = axes @ axes.T
        return covariance + 1e-12 * _IDENTITY  # at |yaw| 90 two of the axes fall together


SMOOTHERS: Final[dict[str, Callable[[], RotationSmoother]]] = {"one-euro": OneEuroRotation, "kalman": KalmanRotation}


def smoother_factory(smoothing: str | Callable[[], RotationSmoother] | None) -> Callable[[], RotationSmoother] | None:
    """What makes a filter for each face: a name of ``SMOOTHERS``, a callable, or ``None`` for none.

    Raises:
        InvalidArgumentError: no such filter.

    >>> smoother_factory("one-euro").__name__
    'OneEuroRotation'
    """
    if smoothing is None or callable(smoothing):
        return smoothing
    if smoothing not in SMOOTHERS:
        raise InvalidArgumentError(
            f"smoothing: expected one of {[*SMOOTHERS]}, None, or a callable that makes a filter, got {smoothing!r}"
        )
    return SMOOTHERS[smoothing]


def euler_near(rotation: F64, near_deg: ArrayLike) -> F64:
    """Of the two sets of yaw, pitch, roll (3,) that a rotation (3, 3) has, the one nearest to ``near_deg``.

    Beyond |yaw| = 90 a model may say the one that ``rotation_to_euler`` does not (docs/CONVENTIONS.md, Angles).

    >>> from hpe_edge import rotation
    >>> turned = rotation.euler_to_rotation([[95.0, 1.0, 2.0]])[0]
    >>> euler_near(turned, [94, 0, 0]).round(3).tolist()
    [95.0, 1.0, 2.0]
    """
    yaw, pitch, roll = _core.rotation_to_euler(rotation[None])[0].tolist()
    apart = sum(abs(_wrapped(a - b)) for a, b in zip((yaw, pitch, roll), np.asarray(near_deg).tolist(), strict=True))
    if apart > 180.0:  # the two sets lie 360 or more apart, counted so
        yaw, pitch, roll = _wrapped(180.0 - yaw), _wrapped(pitch + 180.0), _wrapped(roll + 180.0)
    return np.array([yaw, pitch, roll])


def _wrapped(angle_deg: float) -> float:
    """Within -180 (included) to 180."""
    return (angle_deg + 180.0) % 360.0 - 180.0


def _euler_axes(rotation: F64) -> F64:
    """(3, 3): in its columns the camera's axes about which yaw, pitch and roll turn, up to their signs.

    From R = Rx(pitch) Ry(yaw) Rz(roll) in the label frame, whose y and z point the other way; signs do not matter to
    a covariance.
    """
    sin, cos = math.sin, math.cos
    yaw, pitch, _ = np.radians(_core.rotation_to_euler(rotation[None])[0]).tolist()
    return np.array(
        [
            [0.0, 1.0, -sin(yaw)],
            [-cos(pitch), 0.0, -sin(pitch) * cos(yaw)],
            [sin(pitch), 0.0, -cos(pitch) * cos(yaw)],
        ]
    )


def _as_rotation(value: ArrayLike) -> F64:
    """The argument as a float64 matrix (3, 3); the core checks that it is a rotation when it is used."""
    rotation = np.asarray(value, dtype=np.float64)
    if rotation.shape != (3, 3):
        raise InvalidArgumentError(f"rotation: expected shape (3, 3), got {rotation.shape}")
    return rotation


def _log(rotation: F64) -> F64:
    """Rotation vector (3,) in radians, at most pi long."""
    return np.asarray(_core.rotation_to_rotvec(rotation[None])[0])


def _exp(rotvec: F64) -> F64:
    """Rotation (3, 3) of a rotation vector in radians."""
    return np.asarray(_core.rotvec_to_rotation(rotvec[None])[0])


def _gap(time_s: float, before_s: float) -> float:
    """Seconds since the measurement before; NaN when there was none."""
    if not math.isfinite(time_s):
        raise InvalidArgumentError(f"time_s: expected seconds, got {time_s!r}")
    return time_s - before_s


def _check_positive(**values: Any) -> None:
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0.0):
            raise InvalidArgumentError(f"{name}: expected a number > 0, got {value!r}")
