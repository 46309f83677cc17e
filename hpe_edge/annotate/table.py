"""One output shard: rows of head poses, as Parquet or JSON lines. The same pictures give the same bytes."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from hpe_edge._core import isa
from hpe_edge.annotate.inputs import Picture, Piece, import_parquet
from hpe_edge.errors import InvalidArgumentError
from hpe_edge.estimator import HeadPose
from hpe_edge.images import decode_image, import_cv2
from hpe_edge.results import Pose

FORMATS: Final = ("parquet", "jsonl")
COLUMNS: Final = {
    "source": "string",
    "key": "string",
    "face": "int32",
    **dict.fromkeys(
        (
            *("yaw_deg", "pitch_deg", "roll_deg", "yaw_std_deg", "pitch_std_deg", "roll_std_deg"),
            *("x0", "y0", "x1", "y1", "score"),
        ),
        "float32",
    ),
    "error": "string",
}
"""Columns and their types in Parquet. All but the first two are null where there is nothing to say."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Estimation:
    """How poses are estimated: arguments of :class:`hpe_edge.HeadPose`.

    ``precision="auto"`` is not among them: it asks the clock, and two workers could answer differently.

    Attributes:
        model, backend, precision, detector: of :class:`hpe_edge.HeadPose`.
        is_crop: every picture is one head, loosely cut.
    """

    model: str = "fsanet"
    backend: str = "native"
    precision: str = "fp32"
    detector: str = "auto"
    is_crop: bool = False

    def open(self) -> HeadPose:
        """The estimator, on one thread.

        Raises:
            InvalidArgumentError: ``precision`` is ``"auto"``. And as :class:`hpe_edge.HeadPose`.
        """
        if self.precision == "auto":
            raise InvalidArgumentError("precision: expected 'fp32' or 'int8', got 'auto', whose choice may change")
        return HeadPose(self.model, backend=self.backend, precision=self.precision, detector=self.detector)

    def identity(self) -> dict[str, Any]:
        """What the results follow from, JSON-ready; opens the estimator once."""
        info = self.open().info
        keep = {"model_version": info.model_version, "sha256": info.sha256, "backend": info.backend}
        return asdict(self) | keep | {"instruction_set": isa()}


@dataclass(frozen=True)
class Shard:
    """An output shard and what is in it.

    Attributes:
        content: the file.
        pictures, faces, errors: how many; a picture that could not be read is an error.
    """

    content: bytes
    pictures: int
    faces: int
    errors: int


def make_shard(is_crop: bool, form: str, pose: HeadPose, piece: Piece) -> Shard:
    """The shard of one piece; one row a face, one for a picture without a face, one for a picture with an error."""
    rows: list[Row] = []
    pictures = 0
    for picture in piece.pictures():
        pictures += 1
        rows += _rows_of(picture, piece.source, pose, is_crop)
    return Shard(
        content=_as_parquet(rows) if form == "parquet" else _as_jsonl(rows),
        pictures=pictures,
        faces=sum(row["face"] is not None for row in rows),
        errors=sum(row["error"] is not None for row in rows),
    )


def check_installed(form: str) -> None:
    """Refuse early a format that cannot be written, or pictures that could not be decoded.

    Raises:
        InvalidArgumentError: there is no such format.
        MissingDependencyError: pyarrow or OpenCV is not installed.
    """
    import_cv2("decoding pictures")
    if form not in FORMATS:
        raise InvalidArgumentError(f"format: expected one of {FORMATS}, got {form!r}")
    if form == "parquet":
        import_parquet("writing Parquet (--format jsonl needs nothing)")


def _rows_of(picture: Picture, source: str, pose: HeadPose, is_crop: bool) -> Iterator[Row]:
    empty: Row = dict.fromkeys(COLUMNS) | {"source": source, "key": picture.key}
    if isinstance(picture.data, str):
        yield empty | {"error": picture.data}
        return
    try:
        poses = pose.estimate(decode_image(picture.data, str(picture.key)), is_crop=is_crop)
    except InvalidArgumentError as error:  # the picture's fault; all others end the job
        yield empty | {"error": str(error)}
        return
    if not len(poses):
        yield empty
    for index, one in enumerate(poses):
        yield empty | {"face": index} | _numbers(one)


def _numbers(pose: Pose) -> Row:
    data = pose.as_dict()  # rounded; None for NaN
    row = {name: data[name] for name in ("yaw_deg", "pitch_deg", "roll_deg", "score")}
    row |= zip(("yaw_std_deg", "pitch_std_deg", "roll_std_deg"), data["std_deg"], strict=True)
    row |= zip(("x0", "y0", "x1", "y1"), data["box_xyxy"], strict=True)
    return row


def _as_jsonl(rows: list[Row]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _as_parquet(rows: list[Row]) -> bytes:
    parquet = import_parquet("writing Parquet")
    import pyarrow

    schema = pyarrow.schema([(name, getattr(pyarrow, kind)()) for name, kind in COLUMNS.items()])
    file = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(rows, schema=schema), file, compression="zstd")
    return file.getvalue()
