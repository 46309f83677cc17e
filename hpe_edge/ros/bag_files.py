"""Recorded bags of ROS 1 and 2: one reader, and a writer of the same format (rosbags)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from hpe_edge.errors import InvalidArgumentError, SourceError
from hpe_edge.ros._rosbags import (
    UNREADABLE,
    AnyReader,
    MessageDefinitionFormat,
    StoragePlugin,
    Stores,
    Writer1,
    Writer2,
    get_typestore,
)

_VERSION: Final = 8  # of ROS 2's metadata.yaml; 9 is read by the newest ROS only


class BagReader:
    """A bag that is open for reading.

    Attributes:
        path: where it is.
        format: ``"ros1"``, ``"sqlite3"`` or ``"mcap"``.
        topics: name -> type of its messages and their count.
        raw: rosbags' reader.
    """

    def __init__(self, path: Path, raw: Any) -> None:
        self.path = path
        self.raw = raw
        self.format = _format(path)
        self.topics: dict[str, tuple[str, int]] = {
            name: (info.msgtype or "of several types", info.msgcount) for name, info in raw.topics.items()
        }

    def messages(self, topic: str | None = None) -> Iterator[tuple[Any, int, bytes]]:
        """Connection, time of recording (ns) and bytes of each message, in the order of recording.

        Raises:
            SourceError: the bag is damaged here.
        """
        chosen = [one for one in self.raw.connections if topic in (None, one.topic)]
        messages = self.raw.messages(connections=chosen)
        while True:
            with self._telling():
                found = next(messages, None)
            if found is None:
                return
            yield found

    def decode(self, connection: Any, data: bytes) -> Any:
        """The message in these bytes.

        Raises:
            SourceError: they are no such message.
        """
        with self._telling():
            return self.raw.deserialize(data, connection.msgtype)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except UNREADABLE as error:
            raise _unreadable(self.path, error) from error


@contextmanager
def open_bag(path: Path) -> Iterator[BagReader]:
    """Read a bag: a file ``.bag`` of ROS 1; of ROS 2 a folder with ``metadata.yaml`` or a file ``.mcap`` or ``.db3``.

    Raises:
        SourceError: there is none, or it is damaged.
    """
    if not path.exists():
        raise SourceError(f"{path}: expected a .bag file of ROS 1 or a bag's folder of ROS 2, there is no such file")
    try:
        raw = AnyReader([path], default_typestore=get_typestore(Stores.LATEST))
        raw.open()
    except UNREADABLE as error:
        raise _unreadable(path, error) from error
    try:
        yield BagReader(path, raw)
    finally:
        raw.close()


def _unreadable(path: Path, error: BaseException) -> SourceError:
    return SourceError(
        f"{path}: expected a whole bag, got {type(error).__name__}: {error}; it may be cut off: "
        "`rosbag reindex` (ROS 1) or `ros2 bag reindex` mends an index"
    )


def _format(path: Path) -> str:
    if path.suffix == ".bag":
        return "ros1"
    files = [path] if path.is_file() else list(path.iterdir())
    return "mcap" if any(".mcap" in file.suffixes for file in files) else "sqlite3"


class BagWriter:
    """A new bag of the format of another. Used in ``with``; left by an error, it is incomplete.

    Args:
        path: where; nothing may be there.
        source: the bag that it is like.

    Attributes:
        types: classes of messages to write, by name.
        left_out: topics of the source that nothing says the type of, which cannot be written.
    """

    def __init__(self, path: Path, source: BagReader) -> None:
        self._source = source
        self._is2 = source.format != "ros1"
        self._store = get_typestore(Stores.LATEST if self._is2 else Stores.ROS1_NOETIC)
        self._copies: dict[int, Any] = {}
        self.types = self._store.types.__getitem__
        self.left_out: list[str] = []
        if self._is2:
            plugin = StoragePlugin[source.format.upper()]
            self._raw: Any = Writer2(path, version=_VERSION, storage_plugin=plugin)
        else:
            self._raw = Writer1(path)

    def __enter__(self) -> BagWriter:
        self._raw.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._raw.__exit__(*error)

    def copy_topics(self) -> None:
        """Take over all topics of the source, for :meth:`copy`."""
        made: dict[Any, Any] = {}
        for connection in self._source.raw.connections:
            key = (*connection[1:5], str(connection.ext))  # of a publisher that came twice there is one
            if key not in made:
                made[key] = self._copy_topic(connection)
            if made[key] is None:
                self.left_out.append(connection.topic)
            self._copies[connection.id] = made[key]

    def copy(self, connection: Any, time_ns: int, data: bytes) -> None:
        """Write a message of the source as it is."""
        copy = self._copies[connection.id]
        if copy is not None:
            self._raw.write(copy, time_ns, data)

    def add_topic(self, topic: str, message: str) -> Any:
        """A new topic, for :meth:`write`."""
        return self._raw.add_connection(topic, message, typestore=self._store)

    def write(self, topic: Any, time_ns: int, message: Any) -> None:
        """Write a message of a new topic."""
        encode = self._store.serialize_cdr if self._is2 else self._store.serialize_ros1
        self._raw.write(topic, time_ns, encode(message, topic.msgtype))

    def _copy_topic(self, connection: Any) -> Any:
        """``None`` where neither the bag nor rosbags knows the type: older bags of ROS 2 hold no definitions."""
        topic, kind, ext = connection.topic, connection.msgtype, connection.ext
        text, digest = connection.msgdef.data, connection.digest
        if not self._is2:
            return self._raw.add_connection(
                topic, kind, msgdef=text, md5sum=digest, callerid=ext.callerid, latching=ext.latching
            )
        qos = {"offered_qos_profiles": ext.offered_qos_profiles}
        if digest and connection.msgdef.format == MessageDefinitionFormat.MSG:
            return self._raw.add_connection(topic, kind, msgdef=text, rihs01=digest, **qos)
        known = self._source.raw.typestore
        return self._raw.add_connection(topic, kind, typestore=known, **qos) if kind in known.fielddefs else None


def check_target(target: Path, source: BagReader) -> None:
    """Before anything is written: the name is free, and one of the source's format.

    Raises:
        InvalidArgumentError: it is taken, or has the other ROS's ending.
    """
    if target.exists():
        raise InvalidArgumentError(f"{target}: expected a new name, it exists; remove it or choose another")
    if (target.suffix == ".bag") != (source.format == "ros1"):
        expected = "a name ending in .bag" if source.format == "ros1" else "the name of a folder, not ending in .bag"
        raise InvalidArgumentError(f"{target}: expected {expected}, because {source.path} is of {source.format}")
