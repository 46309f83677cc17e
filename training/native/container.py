"""The safetensors container: 8 bytes of header length, a JSON header, the tensors one behind the other."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from hpe_edge.errors import CorruptModelError

ALIGNMENT = 8  # of the data in the file, so that a reader can use it where it lies
_TYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "I8": np.dtype("i1")}
_NAMES = {dtype: name for name, dtype in _TYPES.items()}


def pack(tensors: Mapping[str, npt.NDArray[Any]], metadata: Mapping[str, str]) -> bytes:
    """The bytes of a file with these tensors, float32 or int8, in this order, without holes.

    Tensors of int8 belong behind those of float32, which then lie where a reader can use them.

    >>> pack({"a": np.zeros(2, np.float32)}, {"format": "x"})[8:37]
    b'{"__metadata__":{"format":"x"'
    """
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    offset = 0
    for name, tensor in tensors.items():
        dtype = _NAMES[tensor.dtype]
        header[name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": [offset, offset + tensor.nbytes]}
        offset += tensor.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    data = [np.ascontiguousarray(tensor).tobytes() for tensor in tensors.values()]
    return b"".join([struct.pack("<Q", len(text)), text, *data])


def unpack(file: bytes) -> tuple[dict[str, npt.NDArray[Any]], dict[str, str]]:
    """Tensors and metadata of a file; the inverse of `pack`. What is thorough about a file is the core's reader.

    Raises:
        CorruptModelError: the file is no such container.

    >>> unpack(pack({"a": np.ones(2, np.int8)}, {"format": "x"}))
    ({'a': array([1, 1], dtype=int8)}, {'format': 'x'})
    """
    tensors: dict[str, npt.NDArray[Any]] = {}
    try:
        header, data = _header(file)
        metadata = header.pop("__metadata__")
        for name, entry in header.items():
            start, stop = (data + offset for offset in entry["data_offsets"])
            tensors[name] = np.frombuffer(file[start:stop], _TYPES[entry["dtype"]]).reshape(entry["shape"])
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptModelError(f"network file: expected safetensors of F32 and I8, got {error!r}") from error
    return tensors, metadata


def places(file: bytes) -> dict[bytes, int]:
    """Where in a file of :func:`pack` each tensor's bytes begin, by those bytes.

    >>> file = pack({"a": np.ones(2, np.int8)}, {"format": "x"})
    >>> places(file) == {bytes([1, 1]): len(file) - 2}
    True
    """
    header, data = _header(file)
    spans = [entry["data_offsets"] for name, entry in header.items() if name != "__metadata__"]
    return {file[data + start : data + stop]: data + start for start, stop in spans}


def _header(file: bytes) -> tuple[dict[str, Any], int]:
    """The JSON header and where the tensors begin."""
    (length,) = struct.unpack_from("<Q", file)
    return json.loads(file[8 : 8 + length]), 8 + length
