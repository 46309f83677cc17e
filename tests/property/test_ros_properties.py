"""Bytes on the wire against rosbags' message definitions, and the covariance against turned heads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hpe_edge import HeadPoses, rotation
from hpe_edge.ros.convert import quaternions_xyzw, rotation_covariance

pytest.importorskip("cyclonedds")
pytest.importorskip("rosbags")

from cyclonedds.idl._support import Endianness
from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_typestore

from hpe_edge.ros.dds import TYPE_HASHES
from hpe_edge.ros.messages import MESSAGES

STORE = get_typestore(Stores.ROS2_JAZZY)
# A `byte` above 127 is one to cyclonedds and none to rosbags; levels of diagnoses are 0 to 3.
WHOLE = {"int32": (-(2**31), 2**31 - 1), "uint32": (0, 2**32 - 1), "uint8": (0, 255), "byte": (0, 127)}
NUMBERS = {"float64": st.floats(allow_nan=False), "bool": st.booleans()} | {
    name: st.integers(*bounds) for name, bounds in WHOLE.items()
}
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9)


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Plain values of a field of rosbags' definitions: numbers, texts, lists, and dicts for messages."""
    node, detail = kind
    if node == Nodetype.BASE:
        return TEXT if detail[0] == "string" else NUMBERS[detail[0]]
    if node == Nodetype.NAME:
        return fields_of(detail)
    element, length = detail
    least, most = (length, length) if node == Nodetype.ARRAY else (0, 4)
    return st.lists(values(element), min_size=least, max_size=most)


def fields_of(name: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({field: values(kind) for field, kind in STORE.fielddefs[name][1]})


def build(name: str, plain: dict[str, Any], ours: bool) -> Any:
    """The message of one of the two libraries."""
    fields = {}
    for field, (node, detail) in STORE.fielddefs[name][1]:
        value = plain[field]
        if node == Nodetype.NAME:
            value = build(detail, value, ours)
        elif node in (Nodetype.ARRAY, Nodetype.SEQUENCE):
            element, inner = detail[0]
            if element == Nodetype.NAME:
                value = [build(inner, one, ours) for one in value]
            elif not ours:
                value = np.array(value, dtype=inner[0])
            elif inner[0] == "uint8":
                value = bytes(value)
        fields[field] = value
    return (MESSAGES[name] if ours else STORE.types[name])(**fields)


@pytest.mark.parametrize("name", sorted(MESSAGES))
@settings(max_examples=25)
@given(data=st.data())
def test_our_bytes_are_those_of_ros(name: str, data: st.DataObject) -> None:
    plain = data.draw(fields_of(name))
    ours, theirs = build(name, plain, True), build(name, plain, False)
    for little, order in ((True, Endianness.Little), (False, Endianness.Big)):
        encoded = ours.serialize(endianness=order)
        assert encoded == bytes(STORE.serialize_cdr(theirs, name, little_endian=little))
        assert MESSAGES[name].deserialize(encoded) == ours


@pytest.mark.parametrize("name", sorted(TYPE_HASHES))
def test_type_hashes(name: str) -> None:
    assert TYPE_HASHES[name] == STORE.hash_rihs01(name)


def turned_by(poses: HeadPoses, change_deg: Any) -> Any:
    """The rotation vectors (N, 3) in the camera's fixed axes that the angles' changes (N, 3) turn the head by."""
    euler_deg = poses.euler_deg.astype(np.float64)
    before = rotation.euler_to_rotation(euler_deg)
    after = rotation.euler_to_rotation(euler_deg + change_deg)
    return rotation.rotation_to_rotvec(after @ before.transpose(0, 2, 1))


ANGLES = arrays(np.float32, (1, 3), elements=st.floats(-85, 85, width=32))
SPREADS = arrays(np.float32, (1, 3), elements=st.floats(0.5, 20, width=32))


@given(euler_deg=ANGLES, std_deg=SPREADS)
def test_covariance_is_that_of_small_changes(euler_deg: Any, std_deg: Any) -> None:
    poses = HeadPoses.from_euler(euler_deg, np.zeros((1, 4)), std_deg=std_deg)
    step_deg = 1e-4
    per_radian = turned_by(poses, np.eye(3) * step_deg).T / np.deg2rad(step_deg)
    expected = per_radian @ np.diag(np.deg2rad(std_deg[0].astype(np.float64)) ** 2) @ per_radian.T
    assert rotation_covariance(poses)[0] == pytest.approx(expected, abs=1e-6)


@settings(max_examples=20)
@given(euler_deg=ANGLES, seed=st.integers(0, 1000))
def test_covariance_is_that_of_sampled_heads(euler_deg: Any, seed: int) -> None:
    std_deg = np.array([[2.0, 1.0, 3.0]])
    poses = HeadPoses.from_euler(euler_deg, np.zeros((1, 4)), std_deg=std_deg)
    turns = turned_by(poses, np.random.default_rng(seed).normal(size=(20_000, 3)) * std_deg)
    found, expected = np.cov(turns.T), rotation_covariance(poses)[0]
    assert np.abs(found - expected).max() < 0.05 * np.trace(expected)


@given(euler_deg=arrays(np.float32, (3, 3), elements=st.floats(-89, 89, width=32)))
def test_quaternions_go_back_to_the_angles(euler_deg: Any) -> None:
    poses = HeadPoses.from_euler(euler_deg, np.zeros((3, 4)))
    turns = rotation.quaternion_xyzw_to_rotation(quaternions_xyzw(poses))
    assert turns == pytest.approx(rotation.euler_to_rotation(euler_deg.astype(np.float64)), abs=1e-9)
