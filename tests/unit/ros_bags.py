"""Bags made with rosbags: a camera, its calibration, and a topic that has nothing to do with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from rosbags.highlevel import AnyReader
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer as Writer2
from rosbags.typesys import Stores, get_typestore

WIDTH, HEIGHT = 64, 48
FORMATS = ("ros1", "sqlite3", "mcap")
START_NS = 1_700_000_000_000_000_000


class Maker:
    """Messages of one ROS."""

    def __init__(self, form: str) -> None:
        self.is1 = form == "ros1"
        self.store = get_typestore(Stores.ROS1_NOETIC if self.is1 else Stores.ROS2_HUMBLE)
        self.encode = self.store.serialize_ros1 if self.is1 else self.store.serialize_cdr

    def __call__(self, name: str, *fields: Any) -> Any:
        return self.store.types[name](*fields)

    def header(self, number: int) -> Any:
        stamp = self("builtin_interfaces/msg/Time", 1000 + number, 7 * number + 1)
        return self("std_msgs/msg/Header", *([number] if self.is1 else []), stamp, "camera_optical")

    def image(self, number: int, **changes: Any) -> Any:
        step = 3 * WIDTH + 8  # padded rows
        pixels = np.full(HEIGHT * step, 100 + number, np.uint8)
        fields = {"height": HEIGHT, "width": WIDTH, "encoding": "rgb8", "is_bigendian": 0, "step": step, "data": pixels}
        return self("sensor_msgs/msg/Image", self.header(number), *(fields | changes).values())

    def camera_info(self, number: int, focal: float = 60.0) -> Any:
        k = np.array([focal, 0, 31.5, 0, focal, 23.5, 0, 0, min(focal, 1.0)])
        p = np.array([focal, 0, 31.5, 0, 0, focal, 23.5, 0, 0, 0, 1, 0])
        roi = self("sensor_msgs/msg/RegionOfInterest", 0, 0, 0, 0, False)
        fields = [HEIGHT, WIDTH, "plumb_bob", np.zeros(5), k, np.eye(3).ravel(), p, 0, 0, roi]
        return self("sensor_msgs/msg/CameraInfo", self.header(number), *fields)


Topics = dict[str, tuple[str, list[Any]]]


def usual_topics(make: Maker, count: int = 3) -> Topics:
    """Topic -> its type and messages."""
    numbers = range(count)
    return {
        "/camera/camera_info": ("sensor_msgs/msg/CameraInfo", [make.camera_info(number) for number in numbers]),
        "/camera/image_raw": ("sensor_msgs/msg/Image", [make.image(number) for number in numbers]),
        "/chatter": ("std_msgs/msg/String", [make("std_msgs/msg/String", f"word {number}") for number in numbers]),
    }


def write_bag(path: Path, form: str, topics: Topics) -> Path:
    """A bag with these messages, the n-th of each topic n tenths of a second after the start."""
    make = Maker(form)
    writer: Any = Writer1(path) if make.is1 else Writer2(path, version=8, storage_plugin=StoragePlugin[form.upper()])
    with writer:
        connections = {
            topic: writer.add_connection(topic, kind, typestore=make.store) for topic, (kind, _) in topics.items()
        }
        most = max(len(messages) for _, messages in topics.values())
        for number in range(most):
            for offset, (topic, (kind, messages)) in enumerate(topics.items()):
                if number < len(messages):
                    time_ns = START_NS + number * 100_000_000 + offset
                    writer.write(connections[topic], time_ns, make.encode(messages[number], kind))
    return path


def usual_bag(folder: Path, form: str) -> Path:
    """Three images with their calibration."""
    return write_bag(folder / ("in.bag" if form == "ros1" else "in"), form, usual_topics(Maker(form)))


def read_bag(path: Path) -> dict[str, list[tuple[int, bytes, Any]]]:
    """Topic -> time of recording, bytes and decoded message."""
    found: dict[str, list[tuple[int, bytes, Any]]] = {}
    with AnyReader([path]) as reader:
        for connection, time_ns, data in reader.messages():
            message = reader.deserialize(data, connection.msgtype)
            found.setdefault(connection.topic, []).append((time_ns, bytes(data), message))
    return found
