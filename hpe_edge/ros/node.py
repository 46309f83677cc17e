"""The node: images of a topic in, head poses and diagnostics out, always of the newest image."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from hpe_edge.errors import HpeEdgeError
from hpe_edge.ros.dds import Inbox, Participant
from hpe_edge.ros.follow import CAMERA_INFO, COMPRESSED_IMAGE, IMAGE, OUTPUTS, Follower
from hpe_edge.ros.health import Health, diagnostic_array
from hpe_edge.ros.messages import message_type

DIAGNOSTICS_S: Final = 1.0


@dataclass(frozen=True)
class Topics:
    """Names of topics.

    Attributes:
        image: ``sensor_msgs/Image``, or ``CompressedImage`` if the name ends in ``/compressed``.
        camera_info: ``sensor_msgs/CameraInfo``; images wait for its first message. ``None``: rotations only.
        prefix: of the outgoing ones, ``PREFIX/poses`` and so on (``OUTPUTS``).
    """

    image: str
    camera_info: str | None
    prefix: str = "/head_pose"


@dataclass(frozen=True)
class Report:
    """What is sent as a diagnosis.

    Attributes:
        level: 0 ok, 1 warning, 2 error.
        message: for people.
        values: counts, rates and what runs.
    """

    level: int
    message: str
    values: dict[str, Any]


class Node:
    """Works until it is stopped. A message that cannot be used is counted and told, and nothing else happens.

    Args:
        participant: of the domain.
        follower: makes poses of images; its types are those of DDS (:func:`hpe_edge.ros.messages.message_type`).
        topics: see :class:`Topics`.
        reliable: ask for images that are lost on the way; matches reliable publishers only.
        on_report: called with each diagnosis.
    """

    def __init__(
        self,
        participant: Participant,
        follower: Follower,
        topics: Topics,
        *,
        reliable: bool = False,
        on_report: Callable[[Report], None] = lambda _: None,
    ) -> None:
        self._woken = participant.woken
        self._follower = follower
        self._topics = topics
        self._on_report = on_report
        self._health = Health()
        self._stopped = False
        image = COMPRESSED_IMAGE if topics.image.endswith("/compressed") else IMAGE
        self._images = participant.inbox(topics.image, image, reliable=reliable)
        self._infos = None if topics.camera_info is None else participant.inbox(topics.camera_info, CAMERA_INFO)
        self._outboxes = {name: participant.outbox(f"{topics.prefix}/{name}", kind) for name, kind in OUTPUTS.items()}
        self._diagnostics = participant.outbox("/diagnostics", "diagnostic_msgs/msg/DiagnosticArray")

    def stop(self) -> None:
        """End :meth:`run`; from any thread or a signal's handler."""
        self._stopped = True
        self._woken.set()

    def run(self, *, max_images: float = math.inf) -> Report:
        """Work until :meth:`stop`, or so many images.

        Returns:
            The last report.
        """
        told_s = time.monotonic()
        while not self._stopped and self._health.meter.frames < max_images:
            self._woken.wait(max(0.0, told_s + DIAGNOSTICS_S - time.monotonic()))
            self._woken.clear()
            self._work()
            if time.monotonic() >= told_s + DIAGNOSTICS_S:
                told_s = time.monotonic()
                self._tell()
        return self._tell()

    def _work(self) -> None:
        if self._infos is not None and (info := self._take(self._infos)) is not None:
            self._try(lambda: self._follower.take_camera_info(info), self._topics.camera_info)
        if (image := self._take(self._images)) is not None:
            arrived_s = time.monotonic()
            if self._infos is not None and self._follower.camera is None:
                self._health.waiting += 1
            else:
                self._try(lambda: self._publish(image, arrived_s), self._topics.image)

    def _take(self, inbox: Inbox) -> Any:
        try:
            return inbox.take()
        except UnicodeDecodeError as error:
            self._health.refuse(f"a string is not UTF-8: {error}")
            return None

    def _try(self, work: Callable[[], None], topic: str | None) -> None:
        try:
            work()
        except HpeEdgeError as error:
            self._health.refuse(f"{topic}: {error}")

    def _publish(self, image: Any, arrived_s: float) -> None:
        poses, messages = self._follower.take_image(image, arrived_s)
        for name, message in messages.items():
            self._outboxes[name].write(message)
        self._health.meter.count(1e3 * (time.monotonic() - arrived_s), len(poses))

    def _tell(self) -> Report:
        health, topics = self._health, self._topics
        level, message = health.verdict(topics.image, topics.camera_info)
        rates = health.meter.as_dict()
        latency: Any = rates["latency_ms"]
        values = {
            "images": rates["frames"],
            "fps": rates["fps"],
            "latency_p50_ms": latency["p50"],
            "latency_p99_ms": latency["p99"],
            "faces": rates["faces"],
            "dropped": self._images.dropped,
            "bad": health.bad,
            "waiting_for_camera_info": health.waiting,
            "unsent": sum(outbox.unsent for outbox in self._outboxes.values()),
        } | self._follower.pose.info.as_dict()
        self._diagnostics.write(diagnostic_array(level, message, values, topics.image, message_type))
        report = Report(level, message, values)
        self._on_report(report)
        return report
