"""The ROS 2 messages that the node reads and writes, as DDS types of cyclonedds.

Each is written as in its package's ``.msg`` file (ros2/common_interfaces); the DDS names are those of ROS 2's name
mangling. Their bytes are checked against rosbags (``tests/property/test_ros_properties.py``).
"""

# Not `from __future__ import annotations`: cyclonedds reads the annotations themselves.
from dataclasses import dataclass
from typing import Any, Final

from hpe_edge.ros._cyclonedds import (
    Buffer,
    IdlStruct,
    array,
    byte,
    float64,
    int32,
    make_idl_struct,
    sequence,
    uint8,
    uint32,
)


@dataclass
class Time(IdlStruct, typename="builtin_interfaces.msg.dds_.Time_"):
    """Seconds and nanoseconds since the epoch of the sender's clock."""

    sec: int32 = 0
    nanosec: uint32 = 0


@dataclass
class Header(IdlStruct, typename="std_msgs.msg.dds_.Header_"):
    """When and in which frame."""

    stamp: Time
    frame_id: str


def _ends_in_data(kind: Any) -> Any:
    """A message type whose last field is ``data``: bytes in one block, where cyclonedds makes a Python list of them.

    A 720p image takes milliseconds in place of tenths of a second.
    """
    fields = {name: field for name, field in kind.__annotations__.items() if name != "data"}
    head_type = make_idl_struct(f"{kind.__name__}Head", f"{kind.__name__}Head", fields)

    def serialize(self: Any, buffer: Any = None, endianness: Any = None, use_version_2: Any = None) -> bytes:
        target = Buffer() if buffer is None else buffer
        head = head_type(**{name: getattr(self, name) for name in fields})
        head.serialize(buffer=target, endianness=endianness, use_version_2=use_version_2)
        data = memoryview(self.data).cast("B")
        target.align(4).write("I", 4, len(data))
        return b"".join((target.asbytes(), data))

    def deserialize(cls: Any, data: bytes, has_header: bool = True, use_version_2: Any = None) -> Any:
        source = Buffer(data, align_offset=4 if has_header else 0)
        head = head_type.deserialize(source, has_header, use_version_2)
        length = source.align(4).read("I", 4)
        start = source.tell()
        return cls(**vars(head), data=memoryview(data)[start : start + length])

    kind.serialize, kind.deserialize = serialize, classmethod(deserialize)
    return kind


@_ends_in_data
@dataclass
class Image(IdlStruct, typename="sensor_msgs.msg.dds_.Image_"):
    """An uncompressed image; ``step`` is the length of a row in bytes."""

    header: Header
    height: uint32
    width: uint32
    encoding: str
    is_bigendian: uint8
    step: uint32
    data: sequence[uint8]


@_ends_in_data
@dataclass
class CompressedImage(IdlStruct, typename="sensor_msgs.msg.dds_.CompressedImage_"):
    """A JPEG or PNG image."""

    header: Header
    format: str
    data: sequence[uint8]


@dataclass
class RegionOfInterest(IdlStruct, typename="sensor_msgs.msg.dds_.RegionOfInterest_"):
    """The part of the image that a camera gives; all zero: the whole."""

    x_offset: uint32 = 0
    y_offset: uint32 = 0
    height: uint32 = 0
    width: uint32 = 0
    do_rectify: bool = False


@dataclass
class CameraInfo(IdlStruct, typename="sensor_msgs.msg.dds_.CameraInfo_"):
    """Calibration of a camera."""

    header: Header
    height: uint32
    width: uint32
    distortion_model: str
    d: sequence[float64]
    k: array[float64, 9]
    r: array[float64, 9]
    p: array[float64, 12]
    binning_x: uint32
    binning_y: uint32
    roi: RegionOfInterest


@dataclass
class Point(IdlStruct, typename="geometry_msgs.msg.dds_.Point_"):
    """Metres."""

    x: float64
    y: float64
    z: float64


@dataclass
class Quaternion(IdlStruct, typename="geometry_msgs.msg.dds_.Quaternion_"):
    """A rotation, scalar last."""

    x: float64
    y: float64
    z: float64
    w: float64


@dataclass
class QuaternionStamped(IdlStruct, typename="geometry_msgs.msg.dds_.QuaternionStamped_"):
    """A rotation in a frame."""

    header: Header
    quaternion: Quaternion


@dataclass
class Pose(IdlStruct, typename="geometry_msgs.msg.dds_.Pose_"):
    """Place and rotation."""

    position: Point
    orientation: Quaternion


@dataclass
class PoseStamped(IdlStruct, typename="geometry_msgs.msg.dds_.PoseStamped_"):
    """A pose in a frame."""

    header: Header
    pose: Pose


@dataclass
class PoseArray(IdlStruct, typename="geometry_msgs.msg.dds_.PoseArray_"):
    """Several poses in a frame."""

    header: Header
    poses: sequence[Pose]


@dataclass
class PoseWithCovariance(IdlStruct, typename="geometry_msgs.msg.dds_.PoseWithCovariance_"):
    """A pose and the covariance of x, y, z and of turns about the frame's x, y, z."""

    pose: Pose
    covariance: array[float64, 36]


@dataclass
class PoseWithCovarianceStamped(IdlStruct, typename="geometry_msgs.msg.dds_.PoseWithCovarianceStamped_"):
    """A pose with its covariance in a frame."""

    header: Header
    pose: PoseWithCovariance


@dataclass
class KeyValue(IdlStruct, typename="diagnostic_msgs.msg.dds_.KeyValue_"):
    """One line of a diagnosis."""

    key: str
    value: str


@dataclass
class DiagnosticStatus(IdlStruct, typename="diagnostic_msgs.msg.dds_.DiagnosticStatus_"):
    """What one component says of itself; level 0 ok, 1 warning, 2 error."""

    level: byte
    name: str
    message: str
    hardware_id: str
    values: sequence[KeyValue]


@dataclass
class DiagnosticArray(IdlStruct, typename="diagnostic_msgs.msg.dds_.DiagnosticArray_"):
    """Several diagnoses."""

    header: Header
    status: sequence[DiagnosticStatus]


def _ros_name(kind: Any) -> str:
    """``geometry_msgs.msg.dds_.Pose_`` to ``geometry_msgs/msg/Pose``."""
    return str(kind.__idl_typename__).replace(".dds_", "").replace(".", "/").rstrip("_")


MESSAGES: Final[dict[str, Any]] = {
    _ros_name(kind): kind
    for kind in list(globals().values())
    if isinstance(kind, type) and issubclass(kind, IdlStruct) and kind is not IdlStruct
}
"""The types by their names in ROS, ``"geometry_msgs/msg/Pose"``."""


def message_type(name: str) -> Any:
    """A type by its name in ROS.

    >>> message_type("geometry_msgs/msg/Point")(x=1.0, y=0.0, z=0.0).x
    1.0
    """
    return MESSAGES[name]
