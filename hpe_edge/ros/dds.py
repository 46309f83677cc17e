"""A ROS 2 participant without ROS: topics, types and quality of service as ROS 2 has them on DDS (cyclonedds)."""

from __future__ import annotations

import re
import threading
from typing import Any, Final

from hpe_edge.errors import InvalidArgumentError, SourceError
from hpe_edge.ros._cyclonedds import (
    DataReader,
    DataWriter,
    DDSException,
    DomainParticipant,
    Listener,
    Policy,
    Qos,
    Topic,
    duration,
)
from hpe_edge.ros.messages import message_type

# Tools of ROS 2 since Iron read it from a writer's user data, and warn where it is missing.
TYPE_HASHES: Final = {
    "geometry_msgs/msg/PoseArray": "RIHS01_af0cc36d190e104d546d168d6b39df04fa4b4ccecf59cb4c9ed328d3d5004aa0",
    "geometry_msgs/msg/PoseWithCovarianceStamped": (
        "RIHS01_26432f9803e43727d3c8f668d1fdb3c630f548af631e2f4e31382371bfea3b6e"
    ),
    "geometry_msgs/msg/QuaternionStamped": "RIHS01_381add86c6c3160644d228ca342182c7fd6c7fab11c7a85ad817a9cc22dbac6e",
    "diagnostic_msgs/msg/DiagnosticArray": "RIHS01_5a8a36efb05fb25070fa0fb3810290c0e6cd4862b54a8fb975a1ee8dc55a333e",
    "sensor_msgs/msg/CameraInfo": "RIHS01_b3dfd68ff46c9d56c80fd3bd4ed22c7a4ddce8c8348f2f59c299e73118e7e275",
    "sensor_msgs/msg/Image": "RIHS01_d31d41a9a4c4bc8eae9be757b0beed306564f7526c88ea6a4588fb9582527d47",
}
MOST_DOMAIN: Final = 232  # ROS 2's; higher ones would need ports that there are not

_BLOCKED_MS: Final = 20  # a reader that is too slow for reliable delivery holds the node up no longer than this
_TOPIC: Final = re.compile(r"(/[A-Za-z_][A-Za-z0-9_]*)+")


def check_topic(name: str) -> str:
    """The name, when it is one of a ROS 2 topic, fully qualified.

    Raises:
        InvalidArgumentError: it is none.

    >>> check_topic("/camera/image_raw")
    '/camera/image_raw'
    """
    if _TOPIC.fullmatch(name) is None:
        raise InvalidArgumentError(f"topic: expected a name such as /camera/image_raw, got {name!r}")
    return name


class Inbox:
    """The newest message of a topic; one that nobody took in time is replaced by the next.

    Attributes:
        arrived: messages that came.
        dropped: messages that were replaced.
    """

    def __init__(self, participant: Any, topic: Any, reliable: bool, woken: threading.Event) -> None:
        self.arrived = self.dropped = self._taken = 0

        def count(_: Any) -> None:  # in DDS's thread, so no more than this
            self.arrived += 1
            woken.set()

        reliability = _reliable() if reliable else Policy.Reliability.BestEffort
        qos = Qos(reliability, Policy.Durability.Volatile, Policy.History.KeepLast(1))
        self._reader = DataReader(participant, topic, qos=qos, listener=Listener(on_data_available=count))

    def take(self) -> Any:
        """The newest message, or ``None``.

        Raises:
            UnicodeDecodeError: a string in it is no UTF-8.
        """
        arrived = self.arrived
        try:
            samples = self._reader.take(N=8)  # one, and tidings of writers that left, which hold no message
        except UnicodeDecodeError:
            self._taken += 1
            raise
        self._taken += len(samples)
        self.dropped = max(self.dropped, arrived - self._taken)
        messages = [sample for sample in samples if sample.sample_info.valid_data]
        return messages[-1] if messages else None


class Outbox:
    """Writes the messages of one topic, for readers of any reliability.

    Attributes:
        unsent: messages that a reader which asks for reliable delivery was too slow for.
    """

    def __init__(self, participant: Any, topic: Any, type_hash: str) -> None:
        self.unsent = 0
        qos = Qos(
            _reliable(),
            Policy.Durability.Volatile,
            Policy.History.KeepLast(10),
            Policy.DataRepresentation(use_cdrv0_representation=True),  # the one that ROS 2 reads
            Policy.Userdata(f"typehash={type_hash};".encode()),
        )
        self._writer = DataWriter(participant, topic, qos=qos)

    def write(self, message: Any) -> None:
        """Send a message."""
        try:
            self._writer.write(message)
        except DDSException as error:
            if error.code != DDSException.DDS_RETCODE_TIMEOUT:
                raise
            self.unsent += 1


class Participant:
    """A member of a ROS 2 domain.

    Args:
        domain_id: ``ROS_DOMAIN_ID``, 0 to 232.

    Attributes:
        woken: set whenever a message comes to one of its inboxes.

    Raises:
        InvalidArgumentError: no such domain.
        SourceError: the network cannot be used as the environment's ``CYCLONEDDS_URI`` says.
    """

    def __init__(self, domain_id: int) -> None:
        if not 0 <= domain_id <= MOST_DOMAIN:
            raise InvalidArgumentError(f"domain: expected 0 to {MOST_DOMAIN}, got {domain_id}")
        self.woken = threading.Event()
        try:
            self._participant = DomainParticipant(domain_id)
        except DDSException as error:
            raise SourceError(
                f"DDS domain {domain_id}: expected a network to join, got {error}; see CYCLONEDDS_URI in docs/ROBOTS.md"
            ) from error

    def inbox(self, topic: str, message: str, *, reliable: bool = False) -> Inbox:
        """Subscribe to a topic, ``"/camera/image_raw"``, of messages ``"sensor_msgs/msg/Image"``.

        Best effort, as ROS's sensor data, matches every writer; ``reliable`` only reliable ones, and asks again for
        what is lost.
        """
        return Inbox(self._participant, self._topic(topic, message), reliable, self.woken)

    def outbox(self, topic: str, message: str) -> Outbox:
        """Publish a topic; ``message`` is one of ``TYPE_HASHES``."""
        return Outbox(self._participant, self._topic(topic, message), TYPE_HASHES[message])

    def _topic(self, name: str, message: str) -> Any:
        return Topic(self._participant, f"rt{check_topic(name)}", message_type(message))


def _reliable() -> Any:
    return Policy.Reliability.Reliable(duration(milliseconds=_BLOCKED_MS))
