"""How the node is, as diagnostic_msgs."""

from __future__ import annotations

import time
from typing import Any, Final

from hpe_edge._meter import Meter
from hpe_edge.ros.convert import MessageTypes

OK: Final = 0
WARN: Final = 1
ERROR: Final = 2


class Health:
    """What the node counts, and what there is to say about it.

    Attributes:
        meter: rates and latencies of the images that were worked on.
        bad: messages that could not be used.
        waiting: images left out because the camera info had not come.
    """

    def __init__(self) -> None:
        self.meter = Meter()
        self.bad = self.waiting = 0
        self.problem: str | None = None
        self._before: tuple[int, int, int] = (0, 0, 0)

    def refuse(self, problem: str) -> None:
        """One message could not be used, and why."""
        self.bad += 1
        self.problem = problem

    def verdict(self, image_topic: str, camera_info_topic: str | None) -> tuple[int, str]:
        """Level and message, of what happened since the last call."""
        now = (self.meter.frames, self.bad, self.waiting)
        frames, bad, waiting = (after - before for after, before in zip(now, self._before, strict=True))
        self._before = now
        if bad:
            return (WARN if frames else ERROR), f"{bad} messages could not be used; the latest: {self.problem}"
        if waiting:
            return WARN, f"no camera info on {camera_info_topic} yet; images are left out until it comes"
        if not frames:
            return WARN, f"no image on {image_topic}"
        return OK, "working"


def diagnostic_array(level: int, message: str, values: dict[str, Any], hardware_id: str, types: MessageTypes) -> Any:
    """A ``diagnostic_msgs/DiagnosticArray`` with one status, stamped with the clock of this machine.

    Args:
        level: ``OK``, ``WARN`` or ``ERROR``.
        message: for people.
        values: lines of the status.
        hardware_id: what it is about: the image topic.
        types: where message classes come from.
    """
    nanoseconds = time.time_ns()
    stamp = types("builtin_interfaces/msg/Time")(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)
    key_value = types("diagnostic_msgs/msg/KeyValue")
    status = types("diagnostic_msgs/msg/DiagnosticStatus")(
        level=level,
        name="hpe-edge: head pose",
        message=message,
        hardware_id=hardware_id,
        values=[key_value(key=key, value="" if value is None else str(value)) for key, value in values.items()],
    )
    header = types("std_msgs/msg/Header")(stamp=stamp, frame_id="")
    return types("diagnostic_msgs/msg/DiagnosticArray")(header=header, status=[status])
