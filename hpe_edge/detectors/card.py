"""The detector card: one validated JSON file that says all a program must know to run a face detector's network.

The network is fully convolutional: any input whose sides are multiples of 32. Each of its outputs is a map
(15, H / stride, W / stride) of raw values; :class:`hpe_edge._core.FaceDetector` says how they become faces.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, cast

from hpe_edge._fields import Fields
from hpe_edge.cardfiles import FileEntry, read_card_json, read_files, read_network, write_card_json
from hpe_edge.modelcard import ChannelOrder

DETECTOR_FORMAT: Final = "hpe-edge-detector/1"
KINDS: Final = ("safetensors", "onnx", "safetensors-int8", "onnx-int8")
STRIDES: Final = (1, 2, 4, 8, 16, 32)


@dataclass(frozen=True)
class DetectorInput:
    """How an image becomes the network's input.

    Attributes:
        name: name of the network's input.
        channel_order: order of its channels.
        mean, scale: ``y = (v - mean) * scale`` per channel, v in 0..255.
        longest_side: pixels of the longer side that an image is scaled to.
    """

    name: str
    channel_order: ChannelOrder
    mean: tuple[float, float, float]
    scale: tuple[float, float, float]
    longest_side: int


@dataclass(frozen=True)
class DetectorOutput:
    """One map of the network: its name, and the pixels of the input from one of its cells to the next."""

    name: str
    stride: int


@dataclass(frozen=True)
class DetectorCard:
    """Everything about a detector but its weights.

    Attributes:
        name, version, licence, description: for people.
        files: network files by kind, of :data:`KINDS`.
        input, outputs: the network's.
        score_threshold: scores above it are faces.
        nms_iou: of two faces whose boxes overlap by more than this intersection over union, the better one stays.
        training, metrics: where the weights came from, and measured numbers.
    """

    name: str
    version: str
    licence: str
    description: str
    files: Mapping[str, FileEntry]
    input: DetectorInput
    outputs: tuple[DetectorOutput, ...]
    score_threshold: float
    nms_iou: float
    training: Mapping[str, Any]
    metrics: tuple[Mapping[str, Any], ...]

    @classmethod
    def from_dict(cls, data: object, source: str = "detector card") -> DetectorCard:
        """Check the parsed JSON of a card.

        Args:
            data: what ``json.loads`` gave.
            source: what messages call the card.

        Raises:
            CorruptModelError: a field is missing, unknown or out of range; the message names it.
        """
        fields = Fields(data, source)
        fields.choice("format", (DETECTOR_FORMAT,))
        card = cls(
            name=fields.text("name"),
            version=fields.text("version"),
            licence=fields.text("licence"),
            description=fields.text("description"),
            files=_checked_files(fields.child("files")),
            input=_read_input(fields.child("input")),
            outputs=_read_outputs(fields, source),
            score_threshold=fields.number("score_threshold", low=1e-6, high=1.0 - 1e-6),
            nms_iou=fields.number("nms_iou", low=1e-6, high=1.0 - 1e-6),
            training=fields.mapping("training"),
            metrics=tuple(fields.mappings("metrics")),
        )
        fields.done()
        return card

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values, the inverse of :meth:`from_dict`."""
        # through text, as a card has lists where this has tuples
        files = {kind: entry.as_dict() for kind, entry in self.files.items()}
        values = {"format": DETECTOR_FORMAT} | asdict(self) | {"files": files}
        return cast("dict[str, Any]", json.loads(json.dumps(values)))

    def read(self, kind: str, folder: str | os.PathLike[str]) -> bytes:
        """The network of one kind, whole, from the files in ``folder``, after their size and sha256 were checked.

        Raises:
            ModelNotFoundError, CorruptModelError: as :func:`hpe_edge.cardfiles.read_network`.
        """
        return read_network(self, kind, folder)


def load_detector_card(path: str | os.PathLike[str]) -> DetectorCard:
    """Read and check a card file.

    Raises:
        ModelNotFoundError: there is no such file.
        CorruptModelError: it is not JSON, or a field is wrong; the message names the field.
    """
    return DetectorCard.from_dict(read_card_json(path, "detector card"), source=str(Path(path)))


def save_detector_card(card: DetectorCard, path: str | os.PathLike[str]) -> None:
    """Write a card as indented JSON, checked first, so that what is written can be loaded.

    Raises:
        CorruptModelError: the card holds a value that a card may not have.
    """
    data = card.as_dict()
    DetectorCard.from_dict(data, source=f"card for {path}")
    write_card_json(data, path)


def _checked_files(fields: Fields) -> dict[str, FileEntry]:
    files = read_files(fields)
    for kind in files:
        if kind not in KINDS:
            raise fields.error(kind, f"only the kinds {list(KINDS)}", "another kind")
    return files


def _read_input(fields: Fields) -> DetectorInput:
    found = DetectorInput(
        name=fields.text("name"),
        channel_order=cast(ChannelOrder, fields.choice("channel_order", ("bgr", "rgb"))),
        mean=fields.triple("mean"),
        scale=fields.triple("scale"),
        longest_side=fields.integer("longest_side", low=32, high=4096),
    )
    fields.done()
    return found


def _read_outputs(card: Fields, source: str) -> tuple[DetectorOutput, ...]:
    outputs = []
    for number, item in enumerate(card.mappings("outputs")):
        fields = Fields(item, source, f"outputs[{number}]")
        found = DetectorOutput(name=fields.text("name"), stride=fields.integer("stride", low=1))
        if found.stride not in STRIDES:
            raise fields.error("stride", f"one of {STRIDES}", str(found.stride))
        fields.done()
        outputs.append(found)
    if not outputs:
        raise card.error("outputs", "at least one output", "none")
    return tuple(outputs)
