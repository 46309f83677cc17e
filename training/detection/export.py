"""A trained detector as files: ONNX, the native network, both in 8 bits, and the card."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from hpe_edge.training.detection.batches import MEAN, SCALE, inputs_of
from hpe_edge.training.detection.config import STRIDES, FaceTraining
from hpe_edge.training.detection.network import FaceNet
from hpe_edge.training.detection.pictures import Floats, Pictures
from hpe_edge.training.detection.train import load_face_net
from hpe_edge.training.loop.optim import mean_state
from hpe_edge.training.native.convert import network_bytes
from hpe_edge.training.native.file import network_graph
from hpe_edge.training.native.int8 import Options, make_int8
from hpe_edge.training.native.onnx_runtime import run_model
from hpe_edge.training.native.sharing import share_weights
from hpe_edge.training.onnx_graph import write_onnx
from torch import nn

from hpe_edge import _core
from hpe_edge.cardfiles import FileEntry
from hpe_edge.detectors.card import DetectorCard, DetectorInput, DetectorOutput, save_detector_card
from hpe_edge.errors import CheckpointError, CorruptModelError

SIDE = 320  # of the stored networks; they are planned anew for other sizes
PARITY = 1e-3
KINDS = ("onnx", "safetensors", "onnx-int8", "safetensors-int8")
OUTPUTS = tuple(f"stride{stride}" for stride in STRIDES)


@dataclass(frozen=True)
class Thresholds:
    """score: least score of a face. nms_iou: largest overlap of two faces. longest_side: of the input, pixels."""

    score: float = 0.5
    nms_iou: float = 0.4
    longest_side: int = 320


def export_faces(
    checkpoints: Sequence[Path],
    out: Path,
    name: str,
    version: str,
    thresholds: Thresholds,
    scenes: Pictures,
    kinds: Sequence[str],
) -> Path:
    """Write ``NAME.json`` and the files of these ``kinds`` that it names, of `KINDS`; returns the card's path.

    checkpoints: of one run, or of a run and those that went on from it, whose weights are averaged. scenes: rendered
    pictures to calibrate the 8 bits on.

    Raises:
        CheckpointError: the checkpoint is damaged. CorruptModelError: torch and ONNX Runtime or the native network
        differ by more than 1e-3 in a raw output.
    """
    network, config, note = mean_face_net(checkpoints)
    out.mkdir(parents=True, exist_ok=True)
    files = _contents(network.deploy(), calibration_images(scenes), f"faces: {name} {version}")
    entries = _written(files, {kind: out / _file_name(name, kind) for kind in kinds})
    card = DetectorCard(
        name=name,
        version=version,
        licence="Apache-2.0",
        description="face detector: anchor-free maps at strides 8, 16 and 32, trained on rendered CC0 heads and scenes",
        files=entries,
        input=DetectorInput("input", "bgr", (MEAN,) * 3, (SCALE,) * 3, thresholds.longest_side),
        outputs=tuple(DetectorOutput(output, stride) for output, stride in zip(OUTPUTS, STRIDES, strict=True)),
        score_threshold=thresholds.score,
        nms_iou=thresholds.nms_iou,
        training={"config": config.as_dict(), **note},
        metrics=(),
    )
    save_detector_card(card, out / f"{name}.json")
    return out / f"{name}.json"


def _file_name(name: str, kind: str) -> str:
    return f"{name}{'-int8' if 'int8' in kind else ''}.{kind.split('-')[0]}"


def _written(files: Mapping[str, bytes], paths: Mapping[str, Path]) -> dict[str, FileEntry]:
    """The entries of the written files; an ONNX file shares the tensors of the native one beside it."""
    entries = {}
    for kind, path in paths.items():
        native = kind.replace("onnx", "safetensors")
        shares = kind != native and native in paths
        data = files[kind]
        if shares:
            model = onnx.load_model_from_string(data)
            data = share_weights(model, files[native], paths[native].name).SerializeToString()
        path.write_bytes(data)
        entries[kind] = FileEntry.of(path, weights=native if shares else None)
    return entries


def mean_face_net(checkpoints: Sequence[Path]) -> tuple[FaceNet, FaceTraining, dict[str, Any]]:
    """The mean of several checkpoints' weights and what the last one was and noted.

    Raises:
        CheckpointError: one is damaged, or they are of different networks.
    """
    loaded = [load_face_net(path) for path in checkpoints]
    network, config, note = loaded[-1]
    if any(other.network != config.network for _, other, _ in loaded):
        raise CheckpointError(f"expected checkpoints of one network, got {[str(path) for path in checkpoints]}")
    network.load_state_dict(mean_state([net.state_dict() for net, _, _ in loaded]))
    runs = [{"steps": each["steps"], "minutes": each["minutes"], "commit": each["commit"]} for _, _, each in loaded]
    return network, config, note | {"mean_of": runs}


def _contents(network: nn.Module, images: Floats, doc: str) -> dict[str, bytes]:
    """The bytes of all `KINDS`; images (N, 3, SIDE, SIDE) calibrate those in 8 bits."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "face.onnx"
        write_onnx(network, (3, SIDE, SIDE), OUTPUTS, path, f"{doc}; raw maps, to be decoded as the card says")
        exported = path.read_bytes()
    native = network_bytes(onnx.load_from_string(exported))
    _check_parity(network, exported, native, images[:4])
    made = make_int8(native, images, Options(keep_float=_head_layers(native)), f"{doc} in 8 bits")
    return dict(zip(KINDS, (exported, native, made.onnx.SerializeToString(), made.native), strict=True))


def calibration_images(scenes: Pictures, count: int = 100) -> Floats:
    """Scenes spread over the set, as the stored network's input (count, 3, SIDE, SIDE)."""
    chosen = np.linspace(0, len(scenes) - 1, min(count, len(scenes))).astype(int)
    return np.stack([_filled(np.asarray(scenes.images[number])) for number in chosen])


def _filled(image: np.ndarray[Any, np.dtype[np.uint8]]) -> Floats:
    """A picture of SIDE pixels a side: the rest of it mirrors the picture."""
    side = image.shape[0]
    rest = max(0, SIDE - side)
    grown = np.pad(image, ((0, rest), (0, rest), (0, 0)), mode="reflect")[:SIDE, :SIDE]
    return np.ascontiguousarray(inputs_of(grown[None]).numpy()[0])


def _head_layers(native: bytes) -> tuple[str, ...]:
    """Names of the convolutions that make the outputs: they stay in float32."""
    return tuple(network_graph(native).outputs.values())


def _check_parity(network: nn.Module, exported: bytes, native: bytes, images: Floats) -> None:
    with torch.no_grad():
        expected = dict(zip(OUTPUTS, (m.numpy() for m in network(torch.from_numpy(images))), strict=True))
    runs: dict[str, Mapping[str, Floats]] = {
        "ONNX Runtime": run_model(onnx.load_from_string(exported), images),
        "the native network": _core.Network(native).run(images),
    }
    for runtime, outputs in runs.items():
        for name, values in expected.items():
            difference = float(np.abs(outputs[name] - values).max())
            if not difference <= PARITY * max(1.0, float(np.abs(values).max())):
                raise CorruptModelError(f"export: {name}: {runtime} differs from torch by {difference:.2g}")
