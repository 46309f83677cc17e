"""What is used of rosbags, in one place, so that one message says how to install it."""

from __future__ import annotations

from hpe_edge.errors import missing_dependency

try:
    import apsw
    from rosbags.highlevel import AnyReader, AnyReaderError
    from rosbags.interfaces import MessageDefinitionFormat
    from rosbags.rosbag1 import ReaderError as ReaderError1
    from rosbags.rosbag1 import Writer as Writer1
    from rosbags.rosbag2 import ReaderError as ReaderError2
    from rosbags.rosbag2 import StoragePlugin
    from rosbags.rosbag2 import Writer as Writer2
    from rosbags.typesys import Stores, get_typestore
except ModuleNotFoundError as error:
    raise missing_dependency("rosbags", "bag", "reading a recorded bag") from error

UNREADABLE = (
    *(AnyReaderError, ReaderError1, ReaderError2, apsw.Error, OSError),
    *(ValueError, LookupError, AssertionError, MemoryError),  # of bytes that make no sense to its parsers
)
"""What reading a damaged bag raises."""

__all__ = [
    "UNREADABLE",
    "AnyReader",
    "MessageDefinitionFormat",
    "StoragePlugin",
    "Stores",
    "Writer1",
    "Writer2",
    "get_typestore",
]
