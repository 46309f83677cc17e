"""Poses for a recorded bag: a new bag with all that the old one holds, and the heads of one image topic."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hpe_edge.errors import HpeEdgeError, InvalidArgumentError, SourceError
from hpe_edge.ros.bag_files import BagReader, BagWriter, check_target, open_bag
from hpe_edge.ros.follow import (
    CAMERA_INFO,
    COMPRESSED_IMAGE,
    IMAGE,
    OUTPUTS,
    Follower,
    Naming,
    OpenPose,
    camera_info_topic,
)


@dataclass(frozen=True)
class BagOptions:
    """What is wanted of a bag.

    Attributes:
        image_topic: ``None``: the only one with images.
        camera_info_topic: ``None``: ``camera_info`` beside the images, where the bag has it.
        use_camera: ``False``: rotations only.
        rectified: see :func:`hpe_edge.ros.follow.as_camera`.
        prefix: of the new topics.
        naming: of the new messages.
        poses_only: leave the old messages out.
        tracker: as for :meth:`hpe_edge.HeadPose.tracker`.
    """

    image_topic: str | None = None
    camera_info_topic: str | None = None
    use_camera: bool = True
    rectified: bool = False
    prefix: str = "/head_pose"
    naming: Naming = field(default_factory=Naming)
    poses_only: bool = False
    tracker: Mapping[str, Any] | None = None


@dataclass
class BagSummary:
    """What was done.

    Attributes:
        format: ``"ros1"``, ``"sqlite3"`` or ``"mcap"``, of both bags.
        image_topic, camera_info_topic: that were read; ``None``: no camera info, so rotations and no places.
        images, faces: images worked on, and faces in all of them.
        bad: messages that could not be used, and ``problem``, the latest reason.
        written: new topics and the number of their messages.
        left_out: old topics that could not be copied, because nothing says what their type is.
        elapsed_s: seconds on the clock.
    """

    format: str
    image_topic: str
    camera_info_topic: str | None
    images: int
    faces: int
    bad: int
    problem: str | None
    written: dict[str, int]
    left_out: list[str]
    elapsed_s: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self)


def add_poses(
    source: Path,
    target: Path,
    open_pose: OpenPose,
    options: BagOptions | None = None,
    *,
    on_start: Callable[[int], None] = lambda _: None,
    on_image: Callable[[], None] = lambda: None,
) -> BagSummary:
    """Write ``target``: the messages of ``source`` and the poses of the heads in its images.

    New messages have stamp and frame of their image, and its time of recording. The bag gets its name when it is whole.

    Args:
        source: a ``.bag`` file of ROS 1 or a bag's folder of ROS 2 (sqlite3, mcap).
        target: a new file or folder of the same format, not compressed.
        open_pose: makes the estimator, with the bag's camera.
        options: see :class:`BagOptions`.
        on_start: called with the number of images.
        on_image: called after each image.

    Raises:
        SourceError: ``source`` is no bag or damaged, or none of its images could be used.
        InvalidArgumentError: ``target`` exists; there is no such topic; the camera info cannot be used.
    """
    chosen = options or BagOptions()
    start_s = time.perf_counter()
    with open_bag(source) as reader:
        check_target(target, reader)
        summary = _plan(reader, chosen)
        on_start(reader.topics[summary.image_topic][1])
        with _room_beside(target) as folder:
            fresh = Path(folder) / target.name
            with BagWriter(fresh, reader) as writer:
                _Copying(reader, writer, open_pose, chosen, summary).run(on_image)
            fresh.rename(target)
    summary.elapsed_s = time.perf_counter() - start_s
    return summary


def _plan(reader: BagReader, options: BagOptions) -> BagSummary:
    """Which topics are read and written."""
    image_topic = _image_topic(reader, options.image_topic)
    written = {f"{options.prefix}/{name}": 0 for name in OUTPUTS}
    taken = sorted(written.keys() & reader.topics.keys())
    if taken:
        raise InvalidArgumentError(f"prefix: expected one that the bag does not use, it has {', '.join(taken)}")
    info_topic = _camera_info_topic(reader, image_topic, options)
    return BagSummary(reader.format, image_topic, info_topic, 0, 0, 0, None, written, [])


def _image_topic(reader: BagReader, wanted: str | None) -> str:
    images = [name for name, (kind, _) in reader.topics.items() if kind in (IMAGE, COMPRESSED_IMAGE)]
    if wanted in images:
        return wanted
    if wanted is None and len(images) == 1:
        return images[0]
    what = f"the topic {wanted!r} of images" if wanted else "one topic of images, or --image-topic"
    raise InvalidArgumentError(f"{reader.path}: expected {what}; it has {_listed(reader)}")


def _camera_info_topic(reader: BagReader, image_topic: str, options: BagOptions) -> str | None:
    if not options.use_camera:
        return None
    topic = options.camera_info_topic or camera_info_topic(image_topic)
    if topic in reader.topics and reader.topics[topic][0] == CAMERA_INFO:
        return topic
    if options.camera_info_topic is None:
        return None
    raise InvalidArgumentError(
        f"{reader.path}: expected the topic {topic!r} of {CAMERA_INFO}; it has {_listed(reader)}"
    )


def _listed(reader: BagReader) -> str:
    return ", ".join(f"{name} ({kind})" for name, (kind, _) in sorted(reader.topics.items())) or "no topics"


def _room_beside(target: Path) -> TemporaryDirectory[str]:
    """A folder on the same disk, so that the whole bag only has to be renamed; it goes away with what is in it."""
    try:
        return TemporaryDirectory(prefix=f"{target.name}.part-", dir=target.parent)
    except OSError as error:
        raise InvalidArgumentError(f"cannot write {target}: {error.strerror or error}") from error


class _Copying:
    """One pass over the messages of a bag."""

    def __init__(
        self, reader: BagReader, writer: BagWriter, open_pose: OpenPose, options: BagOptions, summary: BagSummary
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._summary = summary
        self._copies = not options.poses_only
        self._follower = Follower(
            open_pose, writer.types, options.naming, rectified=options.rectified, **(options.tracker or {})
        )
        if self._copies:
            writer.copy_topics()
            summary.left_out = writer.left_out
        self._outputs = {
            name: writer.add_topic(topic, kind)
            for (name, kind), topic in zip(OUTPUTS.items(), summary.written, strict=True)
        }

    def run(self, on_image: Callable[[], None]) -> None:
        summary = self._summary
        self._take_first_camera_info()
        for connection, time_ns, data in self._reader.messages():
            if self._copies:
                self._writer.copy(connection, time_ns, data)
            if connection.topic == summary.camera_info_topic:
                self._try(lambda: self._follower.take_camera_info(self._reader.decode(connection, data)))  # noqa: B023
            elif connection.topic == summary.image_topic:
                self._try(lambda: self._estimate(connection, time_ns, data))  # noqa: B023
                on_image()
        if summary.bad and not summary.images:
            raise SourceError(
                f"{summary.image_topic}: expected images that can be used, got none; the latest: {summary.problem}"
            )

    def _take_first_camera_info(self) -> None:
        """The images before the first camera info are of the same camera."""
        topic = self._summary.camera_info_topic
        if topic is None:
            return
        for connection, _, data in self._reader.messages(topic):
            try:
                self._follower.take_camera_info(self._reader.decode(connection, data))
            except InvalidArgumentError as error:
                raise InvalidArgumentError(f"{topic}: {error}; --no-camera-info gives rotations only") from error
            return

    def _estimate(self, connection: Any, time_ns: int, data: bytes) -> None:
        message = self._reader.decode(connection, data)
        poses, messages = self._follower.take_image(message, 1e-9 * time_ns)
        for name, one in messages.items():
            topic = self._outputs[name]
            self._writer.write(topic, time_ns, one)
            self._summary.written[topic.topic] += 1
        self._summary.images += 1
        self._summary.faces += len(poses)

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except HpeEdgeError as error:
            self._summary.bad += 1
            self._summary.problem = str(error)
