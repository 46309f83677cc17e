"""The safetensors container: 8 bytes of header length, a JSON header, the tensors one behind the other."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

ALIGNMENT = 8  # of the data in the file, so that a reader can use it where it lies


def pack(tensors: Mapping[str, npt.NDArray[np.float32]], metadata: Mapping[str, str]) -> bytes:
    """The bytes of a file with these float32 tensors, in this order, without holes.

    >>> pack({"a": np.zeros(2, np.float32)}, {"format": "x"})[8:37]
    b'{"__metadata__":{"format":"x"'
    """
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    offset = 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, offset + tensor.nbytes]}
        offset += tensor.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    data = [np.ascontiguousarray(tensor, dtype="<f4").tobytes() for tensor in tensors.values()]
    return b"".join([struct.pack("<Q", len(text)), text, *data])
