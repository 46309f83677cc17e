"""Export: averaged weights of a checkpoint to ONNX and a model card.

The graph ends at the raw stage outputs; the decode stays outside, in float32, shared by all backends.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from hpe_edge.training.checkpoint import load_trained
from hpe_edge.training.models.fsanet import STAGES, FSANet
from hpe_edge.training.models.ssr import RANGE_DEG, SsrStages, decode_ssr
from hpe_edge.training.recipe import Recipe
from torch import Tensor, nn

from hpe_edge import _core
from hpe_edge.errors import BackendError, CorruptModelError, missing_dependency
from hpe_edge.heads import SsrHead
from hpe_edge.modelcard import FileEntry, InputSpec, ModelCard, save_card

OPSET = 17
PARITY_DEG = 1e-3
OUTPUTS = [f"{group}{k}" for group in ("p", "eta", "delta") for k in range(1, STAGES + 1)]


@dataclass(frozen=True)
class Exported:
    """What an export wrote. parity_deg: largest difference of torch, ONNX Runtime and the C++ decode."""

    onnx_path: Path
    card_path: Path
    parity_deg: float
    nodes: int


class _Flat(nn.Module):
    """Outputs as a plain tuple in the order of `OUTPUTS`, which is what the exporter can name."""

    def __init__(self, model: FSANet) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        stages: SsrStages = self.model(x)
        return tuple(stages.named().values())


def export_onnx(model: FSANet, path: Path) -> int:
    """Write a static batch-1 graph, BatchNorm folded into the convolutions; returns its node count.

    Raises:
        CorruptModelError: the written graph does not pass the ONNX checker.
    """
    size = FSANet.input_size
    example = torch.zeros(1, 3, size, size)
    with warnings.catch_warnings(), torch.no_grad():
        # the tracing exporter needs nothing beyond torch and folds BatchNorm and constants
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        torch.onnx.export(
            _Flat(model).eval(), (example,), str(path), input_names=["input"], output_names=OUTPUTS,
            opset_version=OPSET, do_constant_folding=True, dynamo=False,
        )  # fmt: skip
    graph = onnx.load(str(path))
    try:
        onnx.checker.check_model(graph, full_check=True)
    except onnx.checker.ValidationError as error:
        raise CorruptModelError(f"{path}: the exported graph is not valid ONNX: {error}") from error
    graph.doc_string = "FSA-Net: raw stage outputs p, eta, delta; decode them with the card's ssr head"
    onnx.save(graph, str(path))
    return len(graph.graph.node)


def run_onnx(path: Path, inputs: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
    """Outputs of ONNX Runtime in the order of `OUTPUTS`, batch-1 calls stacked.

    Raises:
        MissingDependencyError: onnxruntime is not installed. BackendError: it cannot load the graph.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise missing_dependency("onnxruntime", "onnx", "the parity check of an export") from error
    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions share no public base class
        raise BackendError(f"ONNX Runtime cannot load {path}: {error}") from error
    rows = [session.run(OUTPUTS, {"input": row[None]}) for row in inputs]
    return [np.concatenate(column).astype(np.float32) for column in zip(*rows, strict=True)]


def parity_deg(model: FSANet, path: Path, inputs: npt.NDArray[np.float32]) -> float:
    """Largest difference in degrees between torch with its decode and ONNX Runtime with the C++ decode."""
    with torch.no_grad():
        expected = decode_ssr(model(torch.from_numpy(inputs))).numpy()
    outputs = run_onnx(path, inputs)
    p, eta, delta = (outputs[k * STAGES : (k + 1) * STAGES] for k in range(3))
    decoded = _core.ssr_stages(p, eta, delta, range_deg=RANGE_DEG)
    return float(np.abs(decoded - expected).max())


def make_card(
    name: str, version: str, onnx_path: Path, recipe: Recipe, data: dict[str, Any], pitch_zero_deg: float
) -> ModelCard:
    """The card of an exported network; its metrics are filled by ``hpe-edge evaluate``."""
    spec = recipe.input
    return ModelCard(
        name=name,
        version=version,
        licence="Apache-2.0",
        description=(
            f"FSA-Net (Yang et al., CVPR 2019), scoring {recipe.model.scoring}, trained on rendered CC0 heads"
        ),
        files={"onnx": FileEntry.of(onnx_path)},
        input=InputSpec(
            name="input",
            width=spec.size,
            height=spec.size,
            margin=spec.margin,
            square=True,
            channel_order="bgr",
            mean=(spec.mean, spec.mean, spec.mean),
            scale=(spec.scale, spec.scale, spec.scale),
        ),
        head=SsrHead(
            stages=(recipe.model.bins,) * STAGES,
            range_deg=RANGE_DEG,
            p=tuple(OUTPUTS[:3]),
            eta=tuple(OUTPUTS[3:6]),
            delta=tuple(OUTPUTS[6:]),
            eta_per_bin=False,
        ),
        pitch_zero_deg=pitch_zero_deg,
        training={
            "recipe": recipe.as_dict(),
            "commit": data["commit"],
            "data_seed": [dataset.get("seed") for dataset in data["datasets"]],
            "data_count": data["count"],
            "datasets": data["datasets"],
            "epochs": data["progress"]["epoch"],
            "steps": data["progress"]["step"],
            "minutes": round(data["progress"]["seconds"] / 60.0, 1),
        },
        metrics=(),
    )


def export_checkpoint(
    checkpoint: Path, out: Path, name: str, version: str = "0.1.0", pitch_zero_deg: float = 0.0
) -> Exported:
    """``NAME.onnx`` and ``NAME.json`` in ``out`` from a checkpoint's averaged weights.

    Raises:
        CheckpointError: the checkpoint is damaged. CorruptModelError: torch, ONNX Runtime and the
        C++ decode differ by more than 1e-3 degrees.
    """
    model, recipe, data = load_trained(checkpoint)
    out.mkdir(parents=True, exist_ok=True)
    onnx_path, card_path = out / f"{name}.onnx", out / f"{name}.json"
    nodes = export_onnx(model, onnx_path)
    shape = (16, 3, recipe.input.size, recipe.input.size)
    difference = parity_deg(model, onnx_path, np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32))
    if not difference <= PARITY_DEG:
        raise CorruptModelError(
            f"{onnx_path}: expected torch and ONNX Runtime within {PARITY_DEG} degrees, got {difference}"
        )
    save_card(make_card(name, version, onnx_path, recipe, data, pitch_zero_deg), card_path)
    return Exported(onnx_path, card_path, difference, nodes)
