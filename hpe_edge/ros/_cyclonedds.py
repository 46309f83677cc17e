"""What is used of cyclonedds, in one place, so that one message says how to install it."""

from __future__ import annotations

from hpe_edge.errors import missing_dependency

try:
    from cyclonedds.core import DDSException, Listener, Policy, Qos
    from cyclonedds.domain import DomainParticipant
    from cyclonedds.idl import Buffer, IdlStruct, make_idl_struct
    from cyclonedds.idl.types import array, byte, float64, int32, sequence, uint8, uint32
    from cyclonedds.pub import DataWriter
    from cyclonedds.sub import DataReader
    from cyclonedds.topic import Topic
    from cyclonedds.util import duration
except ModuleNotFoundError as error:
    raise missing_dependency("cyclonedds", "ros", "talking to ROS 2 over DDS") from error

__all__ = [
    "Buffer",
    "DDSException",
    "DataReader",
    "DataWriter",
    "DomainParticipant",
    "IdlStruct",
    "Listener",
    "Policy",
    "Qos",
    "Topic",
    "array",
    "byte",
    "duration",
    "float64",
    "int32",
    "make_idl_struct",
    "sequence",
    "uint8",
    "uint32",
]
