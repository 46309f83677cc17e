"""The model card: one validated JSON file that says all a program must know to run a network.

A model is a card and files. The card names each file with its sha256, the input's preprocessing (the
crop margin belongs here, never to the caller), the head that decodes the outputs, and where the
weights came from. Nothing in a card is executed and no network file is opened before its sha256 is right.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from hpe_edge import _core
from hpe_edge._fields import Fields
from hpe_edge._onnx_weights import with_weights
from hpe_edge.errors import CorruptModelError, ModelNotFoundError
from hpe_edge.heads import AnglesHead, BinsHead, Head, Spread, SsrHead
from hpe_edge.images import AnyImage

CARD_FORMAT: Final = "hpe-edge-card/1"

ChannelOrder = Literal["bgr", "rgb"]


@dataclass(frozen=True)
class FileEntry:
    """One file of a model.

    Attributes:
        path: a plain name beside the card.
        sha256: in hexadecimal.
        bytes: its size.
        weights: the kind of the card's file in which its tensors lie, where an ONNX file has them outside.
    """

    path: str
    sha256: str
    bytes: int
    weights: str | None = None

    @classmethod
    def of(cls, path: str | os.PathLike[str], weights: str | None = None) -> FileEntry:
        """The entry that describes an existing file.

        Raises:
            ModelNotFoundError: there is no such file.
        """
        data = _read_bytes(Path(path))
        return cls(path=Path(path).name, sha256=sha256_hex(data), bytes=len(data), weights=weights)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values, as in a card."""
        return {key: value for key, value in asdict(self).items() if value is not None}


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


def read_card_json(path: str | os.PathLike[str], what: str) -> object:
    """The parsed JSON of a card file; messages call it ``what``.

    Raises:
        ModelNotFoundError: there is no such file. CorruptModelError: it is not JSON in UTF-8.
    """
    source = Path(path)
    try:
        data = source.read_bytes()
    except OSError as error:
        raise ModelNotFoundError(f"cannot read {what} {source}: {error.strerror or error}") from error
    return parse_card_json(data, f"{what} {source}")


def parse_card_json(data: bytes, source: str) -> object:
    """The parsed JSON of a card; messages call it ``source``.

    Raises:
        CorruptModelError: it is not JSON in UTF-8.
    """
    try:
        return json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # also a number of thousands of digits, lists in lists without end
        raise CorruptModelError(f"{source}: expected JSON in UTF-8, got {error}") from error


def save_card(card: ModelCard, path: str | os.PathLike[str]) -> None:
    """Write a card as indented JSON, checked first, so that what is written can be loaded.

    Raises:
        CorruptModelError: the card holds a value that a card may not have.
    """
    data = card.as_dict()
    ModelCard.from_dict(data, source=f"card for {Path(path)}")
    write_card_json(data, path)


def write_card_json(data: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a checked card as indented JSON.

    Raises:
        CorruptModelError: a value that JSON cannot hold.
    """
    try:
        text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise CorruptModelError(
            f"card for {path}: fields 'training' and 'metrics': expected finite JSON values, got {error}"
        ) from error
    Path(path).write_text(text + "\n", encoding="utf-8")


def sha256_hex(data: bytes) -> str:
    """The sha256 of some bytes, in lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest()


class FileCard(Protocol):
    """A card that names files: a model's, a detector's."""

    @property
    def name(self) -> str:
        """For messages."""

    @property
    def files(self) -> Mapping[str, FileEntry]:
        """By kind."""


def read_verified(card: FileCard, kind: str, folder: str | os.PathLike[str]) -> bytes:
    """The bytes of one of the card's files, after their size and sha256 were checked.

    The bytes that were checked are those that are returned, so nothing can change in between.

    Raises:
        ModelNotFoundError: the card has no file of this kind, or the file is not there.
        CorruptModelError: size or sha256 differ from the card's.
    """
    if kind not in card.files:
        raise ModelNotFoundError(
            f"model {card.name!r} has no file of kind {kind!r}; its card lists {sorted(card.files)}"
        )
    entry = card.files[kind]
    path = Path(folder) / entry.path
    data = _read_bytes(path)
    digest = sha256_hex(data)
    if digest != entry.sha256:
        raise CorruptModelError(
            f"{path}: expected sha256 {entry.sha256} ({entry.bytes} bytes) as the card of model "
            f"{card.name!r} says, got {digest} ({len(data)} bytes); the file is damaged or another one, "
            "install it again"
        )
    if len(data) != entry.bytes:
        raise CorruptModelError(
            f"{path}: expected {entry.bytes} bytes as the card of model {card.name!r} says, got {len(data)}"
        )
    return data


def read_network(card: FileCard, kind: str, folder: str | os.PathLike[str]) -> bytes:
    """The bytes of a network that need no other file: those of :func:`read_verified`, with all tensors inside.

    Raises:
        ModelNotFoundError: the card has no file of this kind, or it or that of its tensors is not there.
        CorruptModelError: size or sha256 of one differ from the card's, or tensors are not where the file says.
    """
    data = read_verified(card, kind, folder)
    weights = card.files[kind].weights
    if weights is None:
        return data
    tensors = read_verified(card, weights, folder)
    try:
        return with_weights(data, tensors, card.files[weights].path)
    except CorruptModelError as error:
        raise CorruptModelError(f"model {card.name!r} ({card.files[kind].path}): {error}") from error


def size_bytes(card: FileCard, kind: str) -> int:
    """The size of a network: of its file, and of the one with its tensors where they lie in another."""
    entry = card.files[kind]
    return entry.bytes + (0 if entry.weights is None else card.files[entry.weights].bytes)


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelNotFoundError(f"cannot read model file {path}: {error.strerror or error}") from error


def read_files(fields: Fields) -> dict[str, FileEntry]:
    """The entries of a card's ``files``, by kind.

    Raises:
        CorruptModelError: there is none, or one is not a plain name with a sha256 and a size.
    """
    files = {kind: _read_file_entry(fields.child(kind)) for kind in fields.names()}
    if not files:
        raise fields.error("", "at least one file", "none")
    for kind, entry in files.items():
        if entry.weights is not None and (entry.weights not in files or files[entry.weights].weights is not None):
            whole = [name for name, other in files.items() if other.weights is None]
            raise fields.child(kind).error("weights", f"one of the kinds {whole}", repr(entry.weights))
    return files


def _read_file_entry(fields: Fields) -> FileEntry:
    entry = FileEntry(
        path=fields.text("path"),
        sha256=fields.text("sha256"),
        bytes=fields.integer("bytes", low=1),
        weights=fields.text("weights") if fields.has("weights") else None,
    )
    fields.done()
    # A card may come from anywhere: it names files beside itself and nothing else on the disk.
    if "/" in entry.path or "\\" in entry.path or entry.path in {".", ".."}:
        raise fields.error("path", "a plain file name beside the card", repr(entry.path))
    if not re.fullmatch(r"[0-9a-f]{64}", entry.sha256):
        raise fields.error("sha256", "64 lower-case hexadecimal digits", repr(entry.sha256))
    return entry


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
