"""Export: averaged weights of a checkpoint to ONNX, the native network's file and a model card.

The graph ends at the raw stage outputs; the decode stays outside, in float32, shared by all backends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import onnx
import torch
from hpe_edge.training.data.shards import Heads
from hpe_edge.training.loop.checkpoint import load_mean
from hpe_edge.training.loop.engine import spread_scale
from hpe_edge.training.models.network import deployed
from hpe_edge.training.models.outputs import RANGE_DEG, BinLogits, CascadeOutput, Output, SsrStages, decode
from hpe_edge.training.native.convert import network_bytes
from hpe_edge.training.native.onnx_runtime import run_model
from hpe_edge.training.native.sharing import share_weights
from hpe_edge.training.onnx_graph import write_onnx
from hpe_edge.training.recipe import Recipe
from torch import Tensor, nn

from hpe_edge import _core, heads
from hpe_edge.cardfiles import FileEntry
from hpe_edge.errors import CorruptModelError, InvalidArgumentError
from hpe_edge.heads import BinsHead, Head, Spread, SsrHead
from hpe_edge.modelcard import ChannelOrder, InputSpec, ModelCard, save_card

Floats: TypeAlias = npt.NDArray[np.float32]

PARITY_DEG = 1e-3
ANGLES = ("yaw", "pitch", "roll")


@dataclass(frozen=True)
class Exported:
    """What an export wrote. parity_deg: largest difference between torch and ONNX Runtime or the native network."""

    onnx_path: Path
    native_path: Path
    card_path: Path
    parity_deg: float
    nodes: int


def named_outputs(output: Output) -> dict[str, Tensor]:
    """The tensors that the decode needs, under the names that the model card gives them."""
    match output:
        case SsrStages():
            groups = {"p": output.p, "eta": output.eta, "delta": output.delta}
            named = {f"{name}{k}": t for name, ts in groups.items() for k, t in enumerate(ts, 1)}
            return named if output.log_std is None else named | {"log_std": output.log_std}
        case BinLogits():
            return {name: output.logits[0][:, k] for k, name in enumerate(ANGLES)}
        case CascadeOutput():
            return named_outputs(output.blocks[-1])


def card_head(output: Output, spread_scale: Sequence[float]) -> Head:
    """The SDK's head for these outputs; without a fitted scale the spread of stages stays unused."""
    scale = (spread_scale[0], spread_scale[1], spread_scale[2]) if len(spread_scale) == 3 else None
    match output:
        case SsrStages():
            stages = tuple(p.shape[-1] for p in output.p)
            names = {group: tuple(f"{group}{k + 1}" for k in range(len(stages))) for group in ("p", "eta", "delta")}
            has_spread = output.log_std is not None and scale is not None
            return SsrHead(
                stages=stages, range_deg=RANGE_DEG, **names, spread=Spread(scale, "log_std") if has_spread else None
            )
        case BinLogits():
            bins = output.logits[0].shape[-1]
            step = 2.0 * RANGE_DEG / bins
            spread = None if scale is None else Spread(scale)
            return BinsHead(bins, step / 2.0 - RANGE_DEG, step, outputs=ANGLES, spread=spread)
        case CascadeOutput():
            return card_head(output.blocks[-1], spread_scale)


def head_output(outputs: Mapping[str, Tensor], head: Head) -> Output:
    """What `card_head` made this head of, from the network's outputs (N, ...) by name.

    Raises:
        InvalidArgumentError: a head that no recipe trains, of an imported network.
    """
    match head:
        case SsrHead(eta_per_bin=False) if head.range_deg == RANGE_DEG:
            stages = (tuple(outputs[name] for name in names) for names in (head.p, head.eta, head.delta))
            return SsrStages(*stages, None if head.spread is None else outputs[str(head.spread.output)])
        case BinsHead():
            output = BinLogits((torch.stack([outputs[name] for name in head.outputs], dim=1),))
            if card_head(output, ()) == replace(head, spread=None):
                return output
    raise InvalidArgumentError(f"head: expected one of +-{RANGE_DEG:g} degrees as recipes train them, got {head}")


class _Flat(nn.Module):
    """The needed outputs as a plain tuple in the order of ``names``, which is what the exporter can name."""

    def __init__(self, network: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.network = network
        self.names = names

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        named = named_outputs(self.network(x))
        return tuple(named[name] for name in self.names)


def export_onnx(network: nn.Module, size: int, names: Sequence[str], path: Path) -> int:
    """Write a static batch-1 graph, BatchNorm folded into the convolutions; returns its node count.

    Raises:
        CorruptModelError: the written graph does not pass the ONNX checker.
    """
    doc = f"head pose: raw outputs {', '.join(names)}; decode them with the card's head"
    return write_onnx(_Flat(network, names), (3, size, size), names, path, doc)


def parity_deg(network: nn.Module, head: Head, inputs: Floats, outputs: Mapping[str, Floats]) -> float:
    """Largest difference in degrees between torch with its decode and another runtime's outputs with the C++ decode."""
    with torch.no_grad():
        expected = decode(network(torch.from_numpy(inputs))).numpy()
    decoded, _ = heads.decode(head, outputs)
    return float(np.abs(decoded - expected).max())


def _check_parity(network: nn.Module, head: Head, onnx_path: Path, native_path: Path) -> float:
    """The larger difference of ONNX Runtime and the native network on noise.

    Raises:
        CorruptModelError: it exceeds PARITY_DEG.
    """
    native = _core.Network(native_path.read_bytes())
    inputs = np.random.default_rng(0).uniform(-1, 1, (16, *native.input_shape)).astype(np.float32)
    outputs = {onnx_path: run_model(onnx.load(str(onnx_path)), inputs), native_path: native.run(inputs)}
    differences = {path: parity_deg(network, head, inputs, named) for path, named in outputs.items()}
    for path, difference in differences.items():
        if not difference <= PARITY_DEG:
            raise CorruptModelError(f"{path}: expected torch's angles within {PARITY_DEG} degrees, got {difference}")
    return max(differences.values())


def _licence(datasets: Sequence[Mapping[str, Any]]) -> str:
    """Ours for weights from rendered CC0 heads; for photographs, the terms that these came under."""
    terms = sorted({str(dataset["terms"]) for dataset in datasets if "terms" in dataset})
    return f"that of the training photographs: {'; '.join(terms)}" if terms else "Apache-2.0"


def _description(recipe: Recipe, datasets: Sequence[Mapping[str, Any]]) -> str:
    """The network, and what its weights learned from, in words."""
    photographs = sorted({str(dataset["name"]) for dataset in datasets if "terms" in dataset})
    origin = f"trained on photographs of {', '.join(photographs)}" if photographs else "trained on rendered CC0 heads"
    start = getattr(recipe.trunk.config, "pretrained", "")
    origin += f", starting from the weights {Path(start).name}" if start else ""
    return f"head pose: trunk {recipe.trunk.kind}, head {recipe.head.kind}, {origin}"


def make_card(
    name: str,
    version: str,
    files: Mapping[str, FileEntry],
    head: Head,
    recipe: Recipe,
    data: dict[str, Any],
    pitch_zero_deg: float,
) -> ModelCard:
    """The card of an exported network; its metrics are filled by ``hpe-edge evaluate``."""
    spec = recipe.input
    return ModelCard(
        name=name,
        version=version,
        licence=_licence(data["datasets"]),
        description=_description(recipe, data["datasets"]),
        files=files,
        input=InputSpec(
            name="input",
            width=spec.size,
            height=spec.size,
            margin=spec.margin,
            square=True,
            channel_order=cast(ChannelOrder, spec.channel_order),
            mean=(spec.mean[0], spec.mean[1], spec.mean[2]),
            scale=(spec.scale[0], spec.scale[1], spec.scale[2]),
        ),
        head=head,
        pitch_zero_deg=pitch_zero_deg,
        training={
            "recipe": recipe.as_dict(),
            "commit": data["commit"],
            "data_seed": [dataset.get("seed") for dataset in data["datasets"]],
            "data_count": data["count"],
            "datasets": data["datasets"],
            "teacher_sha256": data.get("teacher"),
            "start_sha256": data.get("start"),
            "mean_of": data.get("mean_of"),
            "epochs": data["progress"]["epoch"],
            "steps": data["progress"]["step"],
            "minutes": round(data["progress"]["seconds"] / 60.0, 1),
        },
        metrics=(),
    )


def export_checkpoints(
    checkpoints: Sequence[Path],
    out: Path,
    name: str,
    version: str = "0.1.0",
    pitch_zero_deg: float = 0.0,
    calibration: Heads | None = None,
) -> Exported:
    """``NAME.onnx``, ``NAME.safetensors`` and ``NAME.json`` in ``out`` from the mean of checkpoints' averaged weights.

    The ONNX file has its tensors in the safetensors file (:mod:`hpe_edge.training.native.sharing`). The spread is
    calibrated on what the last recipe holds out of ``calibration``; without, it keeps the last checkpoint's factors.

    Raises:
        CheckpointError: one is damaged, or they are of different networks.
        CorruptModelError: torch and ONNX Runtime or the native network differ by more than 1e-3 degrees.
    """
    network, recipe, data = load_mean(checkpoints)
    out.mkdir(parents=True, exist_ok=True)
    onnx_path, native_path, card_path = (out / f"{name}.{kind}" for kind in ("onnx", "safetensors", "json"))
    size = recipe.input.size
    scale = data.get("spread_scale", ())
    if calibration is not None:
        scale = spread_scale(network, calibration, recipe, torch.device("cpu"))
    with torch.no_grad():
        head = card_head(network(torch.zeros(2, 3, size, size)), scale)
    nodes = export_onnx(deployed(network), size, head.output_names, onnx_path)
    exported = onnx.load(str(onnx_path))
    native_path.write_bytes(network_bytes(exported))
    shared = share_weights(exported, native_path.read_bytes(), native_path.name)
    onnx_path.write_bytes(shared.SerializeToString())
    difference = _check_parity(network, head, onnx_path, native_path)
    files = {"onnx": FileEntry.of(onnx_path, weights="safetensors"), "safetensors": FileEntry.of(native_path)}
    save_card(make_card(name, version, files, head, recipe, data, pitch_zero_deg), card_path)
    return Exported(onnx_path, native_path, card_path, difference, nodes)
