"""Predictors for the evaluation: any model through HeadPose, with the crop that the evaluation asks for.

Each one becomes a card and a file in a temporary folder first, the crop written into the card, so that what
is scored is the SDK's own path and not a copy of it.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from hpe_edge.training.evaluation.crops import CROP_RECIPES, Crop, on_black
from numpy.typing import NDArray

from hpe_edge import HeadPose, HeadPoses
from hpe_edge.cardfiles import FileEntry, read_verified
from hpe_edge.errors import CorruptModelError, InvalidArgumentError, ModelNotFoundError, missing_dependency
from hpe_edge.heads import AnglesHead
from hpe_edge.hub import resolve
from hpe_edge.modelcard import InputSpec, ModelCard, save_card

MAX_MARGIN = 4.0


@dataclass(frozen=True)
class Predictor:
    """A model with its crop; call it as `hpe_edge.training.evaluation.fusion.Predict` says."""

    pose: HeadPose
    crop: Crop
    pitch_zero_deg: float

    def __call__(self, image_bgr: NDArray[np.uint8], boxes_xyxy: NDArray[np.float32]) -> HeadPoses:
        """(H, W, 3) uint8 and (N, 4) tight boxes -> N poses, with the boxes that the crops were made from."""
        if not self.crop.by_window:
            return self.pose.estimate(image_bgr, boxes_xyxy)
        windows = self.crop.windows(boxes_xyxy, image_bgr.shape)
        image_bgr, placed = on_black(image_bgr, windows) if self.crop.black else (image_bgr, windows)
        return replace(self.pose.estimate(image_bgr, placed), boxes_xyxy=windows)


@dataclass(frozen=True)
class Network:
    """A card and the bytes of its files; ``bare`` when the card says nothing about the crop."""

    card: ModelCard
    files: Mapping[str, bytes]
    bare: bool = False

    def predictor(self, crop: Crop, backend: str = "auto", precision: str = "fp32") -> Predictor:
        """HeadPose on this network under a crop; not ``"auto"`` precision, which differs between machines."""
        own = Crop(0.0, square=False) if crop.by_window else crop  # such a window comes as the box itself
        changed = replace(self.card, input=replace(self.card.input, margin=own.margin, square=own.square))
        with tempfile.TemporaryDirectory() as folder:
            for kind, data in self.files.items():
                Path(folder, self.card.files[kind].path).write_bytes(data)
            save_card(changed, Path(folder, "card.json"))
            pose = HeadPose(Path(folder, "card.json"), backend=backend, precision=precision)
        return Predictor(pose, crop, self.card.pitch_zero_deg)

    def parameters(self) -> int | None:
        """How many trained numbers the ONNX file holds (folded ones once); None without an ONNX file.

        Raises MissingDependencyError without onnx.
        """
        if "onnx" not in self.files:
            return None
        try:
            import onnx
        except ModuleNotFoundError as error:
            raise missing_dependency("onnx", "training", "counting parameters") from error
        numbers = {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.INT8, onnx.TensorProto.UINT8}
        tensors = onnx.load_model_from_string(self.files["onnx"]).graph.initializer
        return int(sum(math.prod(tensor.dims) for tensor in tensors if tensor.data_type in numbers))


def open_any(model: str) -> Network:
    """A model as `open_network` takes it, or a checkpoint (``.pt``)."""
    return open_checkpoint(Path(model)) if model.endswith(".pt") else open_network(model)


def open_network(model: str) -> Network:
    """A model by name, by its card, or a bare ONNX file.

    A bare ONNX file is read as the public FSA-Net ones are: BGR, (x - 127.5) / 128, one output with yaw,
    pitch, roll in degrees. Raises ModelNotFoundError and CorruptModelError.

    >>> open_network("fsanet").card.name  # doctest: +SKIP
    'fsanet'
    """
    if model.endswith(".onnx"):
        return _bare_onnx(Path(model))
    found = resolve(model)
    folder = found.card_path.parent
    return Network(found.card, {kind: read_verified(found.card, kind, folder) for kind in found.card.files})


def open_checkpoint(path: Path) -> Network:
    """The averaged weights of a training run, exported for this evaluation alone.

    Raises CheckpointError, and MissingDependencyError without torch.
    """
    try:
        from hpe_edge.training.export import export_checkpoints
    except ModuleNotFoundError as error:
        raise missing_dependency(str(error.name), "training", "evaluating a checkpoint") from error
    with tempfile.TemporaryDirectory() as folder:
        return open_network(str(export_checkpoints([path], Path(folder), "checkpoint").card_path))


def choose_crop(
    network: Network, recipe: str = "card", margin: float | None = None, square: bool | None = None
) -> Crop:
    """The crop of a recipe, ``margin`` and ``square`` overriding it.

    Raises InvalidArgumentError for an unknown recipe, a bare network without any crop, a margin out of
    range, and a recipe that makes its own window and should be squared.
    """
    if recipe not in CROP_RECIPES:
        raise InvalidArgumentError(f"crop recipe: expected one of {tuple(CROP_RECIPES)}, got {recipe!r}")
    if margin is not None and not 0.0 <= margin <= MAX_MARGIN:
        raise InvalidArgumentError(f"margin: expected 0 to {MAX_MARGIN:g} box sizes, got {margin}")
    if recipe == "card" and network.bare and margin is None:
        raise InvalidArgumentError(
            f"model {network.card.name!r}: a bare ONNX file has no card that says its crop: give a "
            f"crop recipe {tuple(CROP_RECIPES)[1:]} or a margin"
        )
    crop = CROP_RECIPES[recipe] or Crop(network.card.input.margin, network.card.input.square)
    crop = replace(
        crop,
        margin=crop.margin if margin is None else margin,
        sides=crop.sides if margin is None else None,
        square=crop.square if square is None else square,
    )
    if crop.by_window and crop.square:
        raise InvalidArgumentError(f"crop recipe {recipe!r}: expected an unsquared box: it makes its own window")
    return crop


def _bare_onnx(path: Path) -> Network:
    """A card, in memory, for a network file that gives angles in degrees."""
    if not path.is_file():
        raise ModelNotFoundError(f"model: expected an ONNX file, got {path}, which does not exist")
    name, height, width, output = _signature(path)
    card = ModelCard(
        name=path.stem,
        version="0",
        licence="unknown",
        description=f"{path.name}, evaluated without a card",
        files={"onnx": FileEntry.of(path)},
        input=InputSpec(name, width, height, 0.0, False, "bgr", (127.5,) * 3, (1 / 128,) * 3),
        head=AnglesHead(output),
        pitch_zero_deg=0.0,
        training={},
        metrics=(),
    )
    return Network(card, {"onnx": path.read_bytes()}, bare=True)


def _signature(path: Path) -> tuple[str, int, int, str]:
    """Input name, height, width and output name of an ONNX file with one input and one output."""
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ModuleNotFoundError as error:
        raise missing_dependency("onnx", "training", "evaluating an ONNX file") from error
    try:
        graph = onnx.load(path).graph
    except DecodeError as error:
        raise CorruptModelError(f"{path}: expected an ONNX network, got: {error}") from error
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    shape = [d.dim_value for d in inputs[0].type.tensor_type.shape.dim] if len(inputs) == 1 else []
    if len(shape) != 4 or shape[1] != 3 or min(shape[2:]) < 1 or len(graph.output) != 1:
        raise CorruptModelError(
            f"{path}: expected one input (N, 3, H, W) and one output of angles, got inputs "
            f"{[value.name for value in inputs]} of shape {shape}, outputs {[o.name for o in graph.output]}"
        )
    return inputs[0].name, shape[2], shape[3], graph.output[0].name
