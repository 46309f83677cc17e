"""Attention of a driver: says when the face has been off the road for more than two seconds.

An angle counts as off or on the road only beyond the spread that the network itself gives with it, so one blurred
frame changes nothing; and the threshold to leave the road lies above the one to come back.

python examples/driver_monitor.py 0 --road-yaw 12    # camera 0; seen from it, the road is 12 degrees to image-left
python examples/driver_monitor.py                    # a drive of 20 seconds, made up
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from hpe_edge import HeadPose, HeadPoses, HpeEdgeError, Pose, rotation


@dataclass(frozen=True)
class Limits:
    """What counts as looking away.

    Attributes:
        road_yaw_deg, road_pitch_deg: the angles of a head that looks down the road, as the camera sees it.
        away_deg: the face is off the road beyond this angle, whatever its spread.
        back_deg: and on it again below this one.
        sure: standard deviations of the spread that have to lie beyond the threshold, too.
        alarm_s: how long it may be off the road, or out of sight.
        settle_s: how long it has to be back before a look at the road counts as one.
    """

    road_yaw_deg: float = 0.0
    road_pitch_deg: float = 0.0
    away_deg: float = 28.0
    back_deg: float = 22.0
    sure: float = 1.0
    alarm_s: float = 2.0
    settle_s: float = 0.3


class AttentionMonitor:
    """Frame by frame, whether the driver looks at the road.

    Attributes:
        away: the face is off the road, or there is none.
        alarm: it has been so for longer than ``limits.alarm_s``.

    >>> monitor = AttentionMonitor()
    >>> box, spread = np.array([[0, 0, 9, 9]]), np.full((1, 3), 4.0)
    >>> for time_s in (0.0, 1.0, 2.0, 2.1):
    ...     monitor.update(HeadPoses.from_euler(np.array([[40.0, 0, 0]]), box, spread)[0], time_s)
    >>> monitor.away, monitor.alarm
    (True, True)
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._road = _looks_at(self._limits.road_yaw_deg, self._limits.road_pitch_deg)
        self._away_s: float | None = None  # since when
        self._back_s: float | None = None
        self.alarm = False

    @property
    def away(self) -> bool:
        return self._away_s is not None

    def update(self, driver: Pose | None, time_s: float) -> None:
        """Take the next frame's pose, ``None`` when no face is seen, and the time it was taken, in seconds."""
        on_road = None if driver is None else self._on_road(driver)
        if driver is None or on_road is False:
            self._away_s = time_s if self._away_s is None else self._away_s
            self._back_s = None
        elif on_road and self.away:
            self._back_s = time_s if self._back_s is None else self._back_s
            if time_s - self._back_s >= self._limits.settle_s:
                self._away_s = self._back_s = None
        # In doubt everything stays as it was.
        self.alarm = self._away_s is not None and time_s - self._away_s > self._limits.alarm_s

    def _on_road(self, driver: Pose) -> bool | None:
        """``None`` between the thresholds, and where the spread does not let it say."""
        look = _looks_at(driver.yaw_deg, driver.pitch_deg)
        off_deg = math.degrees(math.acos(float(np.clip(look @ self._road, -1.0, 1.0))))
        # Roll does not move the look; of a model without a spread the angle itself has to do.
        doubt_deg = self._limits.sure * float(np.nan_to_num(max(driver.std_deg[:2])))
        if off_deg - doubt_deg > self._limits.away_deg:
            return False
        return True if off_deg + doubt_deg < self._limits.back_deg else None


def _looks_at(yaw_deg: float, pitch_deg: float) -> np.ndarray:
    """Where a face with these angles looks, as a unit vector in the camera's optical frame."""
    return np.asarray(-rotation.euler_to_rotation([[yaw_deg, pitch_deg, 0.0]])[0][:, 2])


def made_up_drive() -> Iterator[tuple[float, HeadPoses]]:
    """20 seconds at 30 frames a second: a look at the mirror, one at the phone, a blur, and nobody for a while."""
    random = np.random.default_rng(7)
    for index in range(600):
        time_s = index / 30
        euler_deg, spread_deg = [0.0, -5.0, 0.0], 3.0
        if 3.0 <= time_s < 4.0:
            euler_deg = [-45.0, 5.0, 0.0]  # the mirror: short enough
        elif 7.0 <= time_s < 10.5:
            euler_deg = [30.0, -38.0, 8.0]  # the phone: too long
        elif 13.0 <= time_s < 15.5:
            euler_deg, spread_deg = [35.0, 0.0, 0.0], 25.0  # the sun in the lens: nothing can be said
        seen = not 17.0 <= time_s < 19.5
        angles = random.normal(euler_deg, 2.0, size=(int(seen), 3))
        boxes = np.tile([[280.0, 160.0, 380.0, 280.0]], (int(seen), 1))
        yield time_s, HeadPoses.from_euler(angles, boxes, np.full_like(angles, spread_deg))


def from_camera(source: str) -> Iterator[tuple[float, HeadPoses]]:
    """The largest face of each frame."""
    with HeadPose().stream(int(source) if source.isdecimal() else source) as stream:
        for frame, poses in stream:
            sizes = poses.boxes_xyxy[:, 2] - poses.boxes_xyxy[:, 0]
            largest = int(sizes.argmax()) if len(poses) else 0
            yield frame.time_s, poses[largest : largest + 1]


def watch(drive: Iterable[tuple[float, HeadPoses]], limits: Limits) -> None:
    """Print what changes."""
    monitor, before = AttentionMonitor(limits), (False, False)
    for time_s, poses in drive:
        monitor.update(poses[0] if len(poses) else None, time_s)
        now = (monitor.away, monitor.alarm)
        if now != before:
            words = "EYES ON THE ROAD" if monitor.alarm else "off the road" if monitor.away else "back on the road"
            print(f"{time_s:5.1f} s  {words if len(poses) else words + ' (no face)'}")
        before = now


def main() -> int:
    parser = argparse.ArgumentParser(description="Say when a driver looks off the road for too long.")
    parser.add_argument("source", nargs="?", help="camera, video or address [a made-up drive]")
    parser.add_argument("--road-yaw", type=float, default=0.0, metavar="DEG", help="yaw of a look down the road [0]")
    parser.add_argument("--road-pitch", type=float, default=0.0, metavar="DEG", help="its pitch [0]")
    options = parser.parse_args()
    drive = made_up_drive() if options.source is None else from_camera(options.source)
    try:
        watch(drive, Limits(road_yaw_deg=options.road_yaw, road_pitch_deg=options.road_pitch))
    except HpeEdgeError as error:
        print(f"stopped: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
