"""The model card: one validated JSON file that says all a program must know to run a network.

A model is a card and files. The card names each file with its sha256, the input's preprocessing (the
crop margin belongs here, never to the caller), the head that decodes the outputs, and where the
weights came from. Nothing in a card is executed and no network file is opened before its sha256 is right.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, cast

import numpy as np
from numpy.typing import NDArray

from hpe_edge import _core
from hpe_edge._fields import Fields
from hpe_edge.cardfiles import FileEntry, read_card_json, read_files, write_card_json
from hpe_edge.heads import AnglesHead, BinsHead, Head, Spread, SsrHead
from hpe_edge.images import AnyImage

CARD_FORMAT: Final = "hpe-edge-card/1"

ChannelOrder = Literal["bgr", "rgb"]


@dataclass(frozen=True)
class Int8Record:
    """How far the 8-bit network is from the float32 one, as the gate of ``hpe-edge quantize`` measured it.

    Attributes:
        shift_deg: mean absolute difference of the angles, degrees.
        bound_deg: what the gate allowed.
        heads: rendered heads that it was measured on.
    """

    shift_deg: float
    bound_deg: float
    heads: int


@dataclass(frozen=True)
class InputSpec:
    """How a face box becomes the network's input; the numbers go to ``_core.preprocess`` unchanged.

    Attributes:
        name: name of the network's input.
        width, height: size of the input in pixels.
        margin: growth of the box on each side, as a fraction of its size.
        square: whether the box is first made square by its longer side.
        channel_order: order of the input's channels.
        mean, scale: ``y = (v - mean) * scale`` per channel, v in 0..255.
    """

    name: str
    width: int
    height: int
    margin: float
    square: bool
    channel_order: ChannelOrder
    mean: tuple[float, float, float]
    scale: tuple[float, float, float]

    def crops(
        self, image: AnyImage, boxes_xyxy: NDArray[np.float32], pixel_format: str = "bgr8"
    ) -> NDArray[np.float32]:
        """The network's input for the boxes (N, 4) of a frame, float32 (N, 3, height, width).

        Raises:
            InvalidImageError, InvalidBoxError: as ``_core.preprocess``.
        """
        return _core.preprocess(
            image,
            boxes_xyxy,
            pixel_format=pixel_format,
            width=self.width,
            height=self.height,
            margin=self.margin,
            square=self.square,
            channel_order=self.channel_order,
            mean=self.mean,
            scale=self.scale,
        )


@dataclass(frozen=True)
class ModelCard:
    """Everything about a model but its weights; make one with :func:`load_card` or :meth:`from_dict`.

    Attributes:
        name, version, licence, description: for people; the name is also how the hub finds it.
        files: network files by kind (``"onnx"``, ...).
        input: the preprocessing.
        head: how outputs become angles.
        pitch_zero_deg: offset between the training labels' zero pitch and that of 300W-LP labels.
        training: recipe, commit, seed and digest of the data, as the exporter wrote them.
        metrics: measured numbers, each with its dataset and command.
        int8: of the files whose kind ends in ``-int8``; ``None`` where there are none.
    """

    name: str
    version: str
    licence: str
    description: str
    files: Mapping[str, FileEntry]
    input: InputSpec
    head: Head
    pitch_zero_deg: float
    training: Mapping[str, Any]
    metrics: tuple[Mapping[str, Any], ...]
    int8: Int8Record | None = None

    @classmethod
    def from_dict(cls, data: object, source: str = "model card") -> ModelCard:
        """Check a parsed JSON value and make a card of it.

        Args:
            data: what ``json.load`` gave.
            source: how messages call it, e.g. the file name.

        Raises:
            CorruptModelError: the first field that is missing, unknown or wrong, by its path.
        """
        fields = Fields(data, source)
        fields.choice("format", (CARD_FORMAT,))
        card = cls(
            name=fields.text("name"),
            version=fields.text("version"),
            licence=fields.text("licence"),
            description=fields.text("description"),
            files=read_files(fields.child("files")),
            input=_read_input(fields.child("input")),
            head=_read_head(fields.child("head")),
            pitch_zero_deg=fields.number("pitch_zero_deg", low=-90.0, high=90.0),
            training=fields.mapping("training"),
            metrics=tuple(fields.mappings("metrics")),
            int8=_read_int8(fields.child("int8")) if fields.has("int8") else None,
        )
        fields.done()
        return card

    def as_dict(self) -> dict[str, Any]:
        """The card as JSON-ready values; ``ModelCard.from_dict(card.as_dict()) == card``."""
        spec = self.input
        return {
            "format": CARD_FORMAT,
            "name": self.name,
            "version": self.version,
            "licence": self.licence,
            "description": self.description,
            "files": {kind: entry.as_dict() for kind, entry in self.files.items()},
            "input": {
                "name": spec.name,
                "width": spec.width,
                "height": spec.height,
                "margin": spec.margin,
                "square": spec.square,
                "channel_order": spec.channel_order,
                "mean": list(spec.mean),
                "scale": list(spec.scale),
            },
            "head": _head_as_dict(self.head),
            "pitch_zero_deg": self.pitch_zero_deg,
            "training": dict(self.training),
            "metrics": [dict(metric) for metric in self.metrics],
        } | ({} if self.int8 is None else {"int8": asdict(self.int8)})


def load_card(path: str | os.PathLike[str]) -> ModelCard:
    """Read and check a card file.

    Raises:
        ModelNotFoundError: there is no such file.
        CorruptModelError: it is not JSON, or a field is wrong; the message names the field.
    """
    return ModelCard.from_dict(read_card_json(path, "model card"), source=str(Path(path)))


def save_card(card: ModelCard, path: str | os.PathLike[str]) -> None:
    """Write a card as indented JSON, checked first, so that what is written can be loaded.

    Raises:
        CorruptModelError: the card holds a value that a card may not have.
    """
    data = card.as_dict()
    ModelCard.from_dict(data, source=f"card for {Path(path)}")
    write_card_json(data, path)


def _read_int8(fields: Fields) -> Int8Record:
    record = Int8Record(
        shift_deg=fields.number("shift_deg", low=0.0, high=180.0),
        bound_deg=fields.number("bound_deg", low=0.0, high=180.0),
        heads=fields.integer("heads", low=1),
    )
    fields.done()
    return record


def _read_input(fields: Fields) -> InputSpec:
    spec = InputSpec(
        name=fields.text("name"),
        width=fields.integer("width", low=1, high=4096),
        height=fields.integer("height", low=1, high=4096),
        margin=fields.number("margin", low=0.0, high=10.0),
        square=fields.boolean("square"),
        channel_order=cast(ChannelOrder, fields.choice("channel_order", ("bgr", "rgb"))),
        mean=fields.triple("mean"),
        scale=fields.triple("scale"),
    )
    fields.done()
    return spec


def _read_head(fields: Fields) -> Head:
    head: Head
    match fields.choice("kind", ("ssr", "bins", "angles")):
        case "ssr":
            head = _read_ssr(fields)
        case "bins":
            yaw, pitch, roll = fields.texts("outputs", length=3)
            head = BinsHead(
                bins=fields.integer("bins", low=2),
                first_deg=fields.number("first_deg", low=-360.0, high=360.0),
                step_deg=fields.number("step_deg", low=1e-3, high=360.0),
                outputs=(yaw, pitch, roll),
            )
        case _:
            head = AnglesHead(output=fields.text("output"))
    if fields.has("spread"):
        head = replace(head, spread=_read_spread(fields.child("spread"), head))
    fields.done()
    return head


def _read_spread(fields: Fields, head: Head) -> Spread:
    output = fields.text_or_null("output")
    if output is None and not isinstance(head, BinsHead):
        raise fields.error("output", "the name of the network output log_std (only bins have a spread without)", "null")
    spread = Spread(scale=fields.triple("scale", low=1e-3, high=1e3), output=output)
    fields.done()
    return spread


def _read_ssr(fields: Fields) -> SsrHead:
    stages = fields.integers("stages", low=1)
    return SsrHead(
        stages=stages,
        range_deg=fields.number("range_deg", low=1e-3, high=360.0),
        p=fields.texts("p", length=len(stages)),
        eta=fields.texts("eta", length=len(stages)),
        delta=fields.texts("delta", length=len(stages)),
        eta_per_bin=fields.boolean("eta_per_bin"),
    )


def _head_as_dict(head: Head) -> dict[str, Any]:
    data = _formula_as_dict(head)
    if head.spread is not None:
        data["spread"] = {"output": head.spread.output, "scale": list(head.spread.scale)}
    return data


def _formula_as_dict(head: Head) -> dict[str, Any]:
    match head:
        case SsrHead():
            return {
                "kind": "ssr",
                "stages": list(head.stages),
                "range_deg": head.range_deg,
                "p": list(head.p),
                "eta": list(head.eta),
                "delta": list(head.delta),
                "eta_per_bin": head.eta_per_bin,
            }
        case BinsHead():
            return {
                "kind": "bins",
                "bins": head.bins,
                "first_deg": head.first_deg,
                "step_deg": head.step_deg,
                "outputs": list(head.outputs),
            }
        case AnglesHead():
            return {"kind": "angles", "output": head.output}
