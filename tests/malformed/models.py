"""Damaged and hostile models: ``python models.py COUNT`` prints a report (watch.py).

Files keep the sha256 that their card says, as an attacker's would, so that what reads them is reached. What is not
refused must give finite angles: a flipped bit in a weight is a model too.
"""

from __future__ import annotations

import hashlib
import json
import struct
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import watch
from numpy.random import Generator

sys.path.insert(0, str(Path(__file__).parents[1]))
from tiny_models import card_dict, mean_network

from hpe_edge import HeadPose
from hpe_edge.detectors.face import FaceDetector, bundled_card_path
from hpe_edge.hub import models_folder

FILES = tempfile.TemporaryDirectory()
FOLDER = Path(FILES.name)
IMAGE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
HOSTILE = (
    *(None, True, "", "x", "\0", "\ud800", "../up", "é" * 9, [], {}, [[]], [None] * 3, {"": {}}),
    *(-1, 0, 1, 3, 2**31, 2**63, 10**400, -0.0, 1e-320, 1e39, 1e308, float("nan"), float("inf")),
)
NETWORK = (models_folder() / "fsanet-int8.safetensors").read_bytes()
MODEL = json.loads((models_folder() / "fsanet.json").read_text())
DETECTOR = json.loads(bundled_card_path().read_text())
MAPS = (bundled_card_path().parent / "face-int8.safetensors").read_bytes()
ONNX = mean_network(8, 6)


def entry(name: str, data: bytes) -> dict[str, Any]:
    (FOLDER / name).write_bytes(data)
    return {"path": name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def write(card: object) -> Path:
    path = FOLDER / "card.json"
    path.write_bytes(card if isinstance(card, bytes) else json.dumps(card).encode("utf-8", "surrogatepass"))
    return path


def model_card(network: bytes) -> dict[str, Any]:
    return MODEL | {"files": {"safetensors": entry("net.safetensors", network)}}


def detector_card(network: bytes) -> dict[str, Any]:
    return DETECTOR | {"files": {"safetensors-int8": entry("face.safetensors", network)}}


def onnx_card(network: bytes) -> dict[str, Any]:
    return card_dict(files={"onnx": entry("net.onnx", network)})


def damaged(random: Generator, data: bytes) -> bytes:
    """Flipped bits, a cut, a piece twice, zeros, other bytes, nothing."""
    at, length = int(random.integers(len(data))), int(random.integers(1, 64))
    piece = data[at : at + length]
    changes = (
        lambda: data[:at] + bytes([data[at] ^ (1 << int(random.integers(8)))]) + data[at + 1 :],
        lambda: data[:at],
        lambda: data[:at] + piece + data[at:],
        lambda: data[:at] + bytes(len(piece)) + data[at + length :],
        lambda: data[:at] + random.bytes(len(piece)) + data[at + length :],
        lambda: [b"", b"\0" * 8, b"\xff" * 64, data + b"\0"][random.integers(4)],
    )
    return changes[random.integers(len(changes))]()


def hostile(random: Generator, value: Any) -> Any:
    """The same JSON with one of its values, at any depth, another one, missing or with a neighbour."""
    if isinstance(value, dict) and value and random.random() < 0.85:
        key = random.choice(list(value))
        change = random.random()
        if change < 0.05:
            return {k: v for k, v in value.items() if k != key}
        if change < 0.1:
            return value | {"unknown": value[key]}
        return value | {key: hostile(random, value[key])}
    if isinstance(value, list) and value and random.random() < 0.85:
        index = int(random.integers(len(value)))
        return [*value[:index], hostile(random, value[index]), *value[index + 1 :]]
    return HOSTILE[random.integers(len(HOSTILE))]


def text(random: Generator) -> bytes:
    """Card files whose text is the trouble."""
    card = json.dumps(MODEL).encode()
    choices = (
        *(b"", b"{", b"null", b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe", b"\xef\xbb\xbf" + card, card + b"x"),
        *(card.replace(b"64", b"9" * 5_000, 1), card.decode().encode("utf-16"), card[:-1] + b',"name":"twice"}'),
        *(b"\0" * 1_000, b'"' + b"\\u0000" * 1_000 + b'"', card.replace(b"fsanet", b"\xc3\x28")),
    )
    return choices[random.integers(len(choices))]


def with_header(random: Generator, network: bytes) -> bytes:
    """A safetensors file whose header is hostile: a tensor, or the graph in its metadata."""
    (length,) = struct.unpack("<Q", network[:8])
    header = json.loads(network[8 : 8 + length])
    if random.random() < 0.5:
        metadata = header["__metadata__"]
        changed = header | {
            "__metadata__": metadata | {"graph": json.dumps(hostile(random, json.loads(metadata["graph"])))}
        }
    else:
        changed = hostile(random, header)
    raw = json.dumps(changed).encode("utf-8", "surrogatepass")
    claimed = len(raw) if random.random() < 0.9 else int(random.choice([0, 1, 2**31, 2**62, len(raw) + 1]))
    return struct.pack("<Q", claimed) + raw + network[8 + length :]


def estimate(card: object, backend: str) -> None:
    poses = HeadPose(write(card), backend=backend, precision="fp32", detector="full-frame").estimate(
        IMAGE, is_crop=True
    )
    assert poses.euler_deg.shape == (1, 3) and np.isfinite(poses.euler_deg).all(), poses


def detect(card: object) -> None:
    found = FaceDetector(write(card), precision="int8", longest_side=64).detect(IMAGE)
    assert np.isfinite(found.boxes_xyxy).all() and np.isfinite(found.scores).all()


def case(seed: int) -> watch.Case:
    """The case of one seed."""
    random = np.random.default_rng(seed)
    sound = seed % 50 == 0
    same = lambda _, data: data  # noqa: E731
    of_file = same if sound else (damaged, with_header)[random.integers(2)]
    of_card = same if sound else hostile
    choices: tuple[tuple[str, Callable[[], None]], ...] = (
        ("network", lambda: estimate(model_card(of_file(random, NETWORK)), "native")),
        ("maps", lambda: detect(detector_card(of_file(random, MAPS)))),
        ("card", lambda: estimate(of_card(random, model_card(NETWORK)), "native")),
        ("detector card", lambda: detect(of_card(random, detector_card(MAPS)))),
        ("text", lambda: estimate(model_card(NETWORK) if sound else text(random), "native")),
        (
            "bytes",
            lambda: estimate((same if sound else damaged)(random, json.dumps(model_card(NETWORK)).encode()), "native"),
        ),
        ("onnx", lambda: estimate(onnx_card((same if sound else damaged)(random, ONNX)), "onnxruntime")),
    )
    name, check = choices[seed % len(choices)]
    return name, "right" if sound else "either", check


if __name__ == "__main__":
    watch.run(case, int(sys.argv[1]))
