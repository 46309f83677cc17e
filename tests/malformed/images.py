"""Odd images and odd boxes for HeadPose: ``python images.py COUNT`` prints a report (watch.py).

An input that is not refused must give what its plain, contiguous copy gives, bit for bit.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import watch
from numpy.random import Generator

from hpe_edge import HeadPose

FOLDER = tempfile.TemporaryDirectory()
POSE = HeadPose(precision="int8")
BOX = [[10.0, 12.0, 40.0, 44.0]]
FORMATS = ("bgr8", "rgb8", "mono8")
DTYPES = ("f2", "f4", "f8", "i1", "u2", "i4", "u8", "c8", "?", "O", "U3", "S1", "M8[s]", "V3", "u1,u1,u1")


class Frame(np.ndarray):
    """A subclass, as other libraries make them."""


def plain(random: Generator) -> Any:
    return random.integers(0, 256, (int(random.integers(48, 90)), int(random.integers(48, 90)), 3), dtype=np.uint8)


def mapped(random: Generator) -> Any:
    path = Path(FOLDER.name) / "frame.raw"
    image = plain(random)
    path.write_bytes(image.tobytes())
    return np.memmap(path, np.uint8, mode="r", shape=image.shape)


def unaligned(random: Generator) -> Any:
    image = plain(random)
    return np.frombuffer(b"x" + image.tobytes(), np.uint8, offset=1).reshape(image.shape)


def locked(random: Generator) -> Any:
    image = plain(random)
    image.flags.writeable = False
    return image


SOUND: tuple[Callable[[Generator], Any], ...] = (
    plain,
    mapped,
    unaligned,
    locked,
    lambda random: np.asfortranarray(plain(random)),
    lambda random: plain(random)[::-1],
    lambda random: plain(random)[:, ::-1],
    lambda random: plain(random)[::-1, ::-1, ::-1],
    lambda random: plain(random).swapaxes(0, 1),
    lambda random: np.repeat(np.repeat(plain(random), 3, 0), 2, 1)[::3, ::2],
    lambda random: np.ascontiguousarray(plain(random).transpose(2, 0, 1)).transpose(1, 2, 0),
    lambda random: np.dstack([plain(random), plain(random)[:48, :48, 0]][:1] * 2)[..., 1:4],
    lambda random: plain(random).view(Frame),
    lambda random: np.broadcast_to(plain(random)[:1, :1], (60, 70, 3)),
    lambda random: np.broadcast_to(plain(random)[:1, :48], (200, 48, 3)),
    lambda random: plain(random).astype(">u1"),
)

BROKEN: tuple[Callable[[Generator], Any], ...] = (
    lambda random: np.zeros((60, 60, 3), random.choice(DTYPES)),
    lambda random: np.zeros((9,) * int(random.choice([0, 1, 4, 5, 6])), np.uint8),
    lambda random: np.zeros([(0, 60, 3), (60, 0, 3), (0, 0, 3), (60, 60, 0)][random.integers(4)], np.uint8),
    lambda random: np.zeros((60, 60, int(random.choice([1, 2, 4, 5, 1000]))), np.uint8),
    lambda random: plain(random).tolist(),
    lambda random: plain(random).tobytes(),
    lambda random: memoryview(plain(random)),
    lambda random: np.broadcast_to(np.uint8(9), ((1 << 24) + 1, 1, 3)),
    lambda random: [None, [], (), "face.png", 7, {}, object(), np.uint8(3), range(3), Path("x")][random.integers(10)],
    lambda random: np.full((60, 60, 3), np.nan, object),
)

SOUND_BOXES: tuple[Callable[[Generator], Any], ...] = (
    lambda random: BOX,
    lambda random: tuple(map(tuple, BOX)),
    lambda random: np.array(BOX, [np.float64, np.float32, np.int16, np.uint8, object][random.integers(5)]),
    lambda random: np.asfortranarray(np.repeat(np.float32(BOX), int(random.integers(1, 6)), 0)),
    lambda random: np.repeat(np.float32(BOX), 6, 0)[::-2],
    lambda random: np.broadcast_to(np.float32(BOX), (3, 4)),
    lambda random: np.float32(BOX).view(Frame),
    lambda random: [[], np.zeros((0, 4)), ()][random.integers(3)],
    lambda random: [[-30, -20, 20, 30]],
    lambda random: [[10, 10, 10.01, 10.01]],
    lambda random: np.sort(random.uniform(1, 40, (2, 2, 2)), axis=1).reshape(2, 4) + np.array([0, 0, 1, 1]),
)

BROKEN_BOXES: tuple[Callable[[Generator], Any], ...] = (
    lambda random: [[np.nan if i == random.integers(4) or i == 0 else x for i, x in enumerate(BOX[0])]],
    lambda random: [[*BOX[0][:3], random.choice([np.inf, -np.inf, 1e39, 1e30, 1e300])]],
    lambda random: [BOX[0][::-1]],
    lambda random: [[5, 5, 5, 9]],
    lambda random: [[1000, 1000, 1100, 1100]],
    lambda random: [[-1e5, -1e5, 1e5, 1e5]],
    lambda random: np.zeros([(4,), (1, 5), (1, 4, 1), (2, 3), (4, 0), (3, 0)][random.integers(6)]),
    lambda random: [BOX[0], BOX[0][:3]],
    lambda random: ["box", {"x": 1}, [[None] * 4], [["a"] * 4], 3.0, object(), b"1234", [[10**400] * 4]][
        random.integers(8)
    ],
    lambda random: np.array(BOX).astype([np.complex64, "M8[s]", "V8"][random.integers(3)]),
)


def copies(image: Any, boxes: Any) -> tuple[Any, Any]:
    """What an image and boxes are, without the odd form that they came in."""
    return np.array(image, order="C", subok=False), np.array(boxes, np.float32, subok=False).reshape(-1, 4)


def equal(first: Any, second: Any) -> None:
    for name in ("euler_deg", "std_deg", "boxes_xyxy", "scores"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def estimate(image: Any, boxes: Any, pixels: str) -> None:
    found = POSE.estimate(image, boxes, pixel_format=pixels)
    equal(found, POSE.estimate(*copies(image, boxes), pixel_format=pixels))
    assert np.isfinite(found.euler_deg).all()


def batch(image: Any, boxes: Any, pixels: str) -> None:
    for found in POSE.estimate_batch([image, image], [boxes, boxes], pixel_format=pixels):
        equal(found, POSE.estimate(*copies(image, boxes), pixel_format=pixels))


def detect(image: Any, boxes: Any, pixels: str) -> None:
    equal(POSE.estimate(image, pixel_format=pixels), POSE.estimate(copies(image, BOX)[0], pixel_format=pixels))


def crop(image: Any, boxes: Any, pixels: str) -> None:
    plain_image = copies(image, BOX)[0]
    equal(
        POSE.estimate(image, is_crop=True, pixel_format=pixels),
        POSE.estimate(plain_image, is_crop=True, pixel_format=pixels),
    )


def track(image: Any, boxes: Any, pixels: str) -> None:
    tracker = POSE.tracker()
    for frame in range(2):
        tracker.update(image, 0.1 * frame, boxes=boxes, pixel_format=pixels)


def case(seed: int) -> watch.Case:
    """The case of one seed."""
    random = np.random.default_rng(seed)
    kind = ("right", "image", "boxes", "both")[seed % 4]
    images = SOUND if kind in ("right", "boxes") else BROKEN
    boxes = SOUND_BOXES if kind in ("right", "image") else BROKEN_BOXES
    make, make_boxes = images[random.integers(len(images))], boxes[random.integers(len(boxes))]
    calls = (estimate, batch, track) if kind in ("boxes", "both") else (estimate, batch, detect, crop, track)
    call = calls[random.integers(len(calls))]
    pixels = str(random.choice(FORMATS[:2] if kind in ("right", "boxes") else [*FORMATS, "bgr", "\0", "yuyv?"]))
    image, odd_boxes = make(random), make_boxes(random)
    if images is SOUND and random.random() < 0.2:
        image, pixels = image[..., 0], "mono8"
    name = f"{call.__name__}({images.index(make)}, {boxes.index(make_boxes)}, {pixels!r})"
    return name, "right" if kind == "right" else "refused", lambda: call(image, odd_boxes, pixels)


if __name__ == "__main__":
    watch.run(case, int(sys.argv[1]))
