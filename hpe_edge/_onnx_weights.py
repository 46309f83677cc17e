"""ONNX files whose tensors lie in another file, made whole in memory, so that every runtime takes them as bytes.

ONNX calls it external data: a tensor names a file, an offset and a length. Runtimes resolve that by path, which would
read a file again after its sha256 was checked. Only protobuf's wire format is read here, as far as the tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from hpe_edge.errors import CorruptModelError

# Field numbers of onnx.proto3: ModelProto.graph, GraphProto.initializer, TensorProto, StringStringEntryProto.
_GRAPH: Final = 7
_INITIALIZER: Final = 5
_RAW_DATA, _EXTERNAL_DATA, _DATA_LOCATION = 9, 13, 14
_KEY, _VALUE = 1, 2
# Wire types of protobuf: a varint, 8 bytes, a length and as many bytes, 4 bytes.
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def with_weights(onnx: bytes, weights: bytes, location: str) -> bytes:
    """An ONNX file with its external tensors moved inside.

    Args:
        onnx: the file; tensors of its main graph may lie outside, all in one file.
        weights: the bytes of that file.
        location: how the tensors call it.

    Returns:
        The same network, with all tensors inside.

    Raises:
        CorruptModelError: the file is no protobuf message, a tensor names another file, or bytes beyond the end.

    >>> with_weights(bytes([8, 9]), b"", "net.safetensors")  # ir_version 9, no graph
    b'\\x08\\t'
    """

    def tensor(data: bytes) -> bytes:
        return _inside(data, weights, location)

    return _replaced(onnx, _GRAPH, lambda graph: _replaced(graph, _INITIALIZER, tensor))


def _replaced(message: bytes, number: int, change: Callable[[bytes], bytes]) -> bytes:
    """A message with every field of this number changed."""
    parts = (
        _field(found, change(value)) if found == number and kind == _BYTES else whole
        for found, kind, value, whole in _fields(message)
    )
    return b"".join(parts)


def _inside(tensor: bytes, weights: bytes, location: str) -> bytes:
    """A TensorProto with its data in ``raw_data``."""
    fields = list(_fields(tensor))
    entries = dict(_entry(value) for number, _, value, _ in fields if number == _EXTERNAL_DATA)
    if not entries:
        return tensor
    if entries.get("location") != location:
        raise CorruptModelError(
            f"ONNX file: expected tensors in {location!r}, as its card says, got one in {entries.get('location')!r}"
        )
    try:
        start, length = int(entries.get("offset", "0")), int(entries["length"])
    except (KeyError, ValueError) as error:
        raise CorruptModelError(f"ONNX file: expected a tensor's offset and length, got {entries}") from error
    if start < 0 or length < 0 or start + length > len(weights):
        raise CorruptModelError(
            f"ONNX file: expected a tensor within the {len(weights)} bytes of {location!r}, "
            f"got {length} bytes at {start}"
        )
    kept = [whole for number, _, _, whole in fields if number not in (_EXTERNAL_DATA, _DATA_LOCATION)]
    return b"".join([*kept, _field(_RAW_DATA, weights[start : start + length])])


def _entry(message: bytes) -> tuple[str, str]:
    """Key and value of a StringStringEntryProto."""
    texts = {number: value.decode("utf-8", "replace") for number, _, value, _ in _fields(message)}
    return texts.get(_KEY, ""), texts.get(_VALUE, "")


def _fields(message: bytes) -> Iterator[tuple[int, int, bytes, bytes]]:
    """Number, wire type, value and all bytes of each field of a message."""
    start = 0
    while start < len(message):
        tag, begin = _varint(message, start)
        kind = tag & 7
        if kind == _VARINT:
            _, end = _varint(message, begin)
        elif kind == _BYTES:
            length, begin = _varint(message, begin)
            end = begin + length
        elif kind in (_FIXED32, _FIXED64):
            end = begin + (4 if kind == _FIXED32 else 8)
        else:
            raise CorruptModelError(f"ONNX file: expected a protobuf message, got wire type {kind} at byte {start}")
        if end > len(message):
            raise CorruptModelError(
                f"ONNX file: a field at byte {start} ends {end - len(message)} bytes behind its end"
            )
        yield tag >> 3, kind, message[begin:end], message[start:end]
        start = end


def _varint(data: bytes, start: int) -> tuple[int, int]:
    """A base-128 number and where it ends."""
    value = 0
    for k, byte in enumerate(data[start : start + 10]):
        value |= (byte & 0x7F) << (7 * k)
        if byte < 0x80:
            return value, start + k + 1
    raise CorruptModelError(
        f"ONNX file: expected a number at byte {start}, got the end of the file or more than 64 bits"
    )


def _field(number: int, value: bytes) -> bytes:
    return _as_varint(number << 3 | _BYTES) + _as_varint(len(value)) + value


def _as_varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
