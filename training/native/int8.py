"""A card's network in 8 bits, and the gate that it has to pass: near enough to float32, and faster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import onnx
from hpe_edge.training.augment import box_of
from hpe_edge.training.data.samples import spread
from hpe_edge.training.data.shards import Heads, split_by_identity
from hpe_edge.training.evaluation.metrics import difference_deg
from hpe_edge.training.native.aware import Rounding, Tuning, tuned
from hpe_edge.training.native.correction import shifts
from hpe_edge.training.native.file import graph_bytes, network_graph
from hpe_edge.training.native.graph import Floats
from hpe_edge.training.native.observe import PERCENTILE, find_ranges
from hpe_edge.training.native.onnx_runtime import run_model
from hpe_edge.training.native.quantize import (
    byte_levels,
    convolutions,
    linear_as_convolution,
    quantized,
    ranged,
    sensitive,
)
from hpe_edge.training.native.rewrite import rewrite
from hpe_edge.training.native.rounding import compensated_weights
from hpe_edge.training.native.sharing import share_weights
from hpe_edge.training.native.to_onnx import onnx_model

from hpe_edge import _core, heads
from hpe_edge.bench.measure import interleave
from hpe_edge.cardfiles import FileEntry, read_verified
from hpe_edge.errors import DatasetError, InvalidArgumentError
from hpe_edge.heads import Head
from hpe_edge.modelcard import InputSpec, Int8Record, ModelCard, save_card

FLOAT_KIND, NATIVE_KIND, ONNX_KIND = "safetensors", "safetensors-int8", "onnx-int8"
HELD_OUT = 0.25  # of the identities
CORRECTED_ON = 256  # images to round weights and to correct biases by; means need fewer than a range
ANGLES = ("yaw", "pitch", "roll")


@dataclass(frozen=True)
class Options:
    """method: one of `observe.METHODS`. keep_float: outputs of convolutions, besides the sensitive ones.

    tuning: quantization-aware training after the calibration.
    """

    method: str = "mse"
    percentile: float = PERCENTILE
    keep_float: tuple[str, ...] = ()
    depthwise: bool = False
    compensate: bool = True
    correct_bias: bool = True
    tuning: Tuning = field(default_factory=Tuning)


@dataclass(frozen=True)
class Int8:
    """A network in 8 bits in both forms. layers: outputs of its integer convolutions; kept: of those in float32."""

    native: bytes
    onnx: onnx.ModelProto
    layers: tuple[str, ...]
    kept: tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """What the gate looks at.

    shift_deg, onnx_shift_deg: mean absolute difference of the angles to float32, (yaw, pitch, roll), by the native
    network and by ONNX Runtime. float_us, int8_us: median latency of one image on one thread.
    """

    shift_deg: tuple[float, ...]
    onnx_shift_deg: tuple[float, ...]
    float_us: float
    int8_us: float

    def refusals(self, max_shift_deg: float) -> list[str]:
        """Why such a model is not written; nothing where it is.

        >>> Measured((0.1,) * 3, (0.1,) * 3, 200.0, 100.0).refusals(0.4)
        []
        """
        found = []
        shifts_deg = {"the native network": self.shift_deg, "ONNX Runtime": self.onnx_shift_deg}
        for name, shift_deg in shifts_deg.items():
            if not (mean := float(np.mean(shift_deg))) <= max_shift_deg:
                found.append(
                    f"loses too much: the angles of {name} differ from float32 by {mean:.3f} degrees, allowed are "
                    f"{max_shift_deg:g}; another --method, more --images, --aware-steps or --force-float may help"
                )
        if not self.int8_us < self.float_us:
            found.append(
                f"is not faster: {self.int8_us:.1f} us against {self.float_us:.1f} us of float32 on this machine"
            )
        return found


def head_inputs(spec: InputSpec, found: Heads, count: int, held_out: int) -> tuple[Floats, Floats]:
    """The card's crops of rendered heads, (N, 3, H, W) each: to calibrate on, and of other identities to judge by."""
    calibration, rest = split_by_identity(found.identity, HELD_OUT, 0)
    if min(count, held_out) < 1:
        raise DatasetError(f"heads: expected at least one to calibrate on and one to judge by, got {count}, {held_out}")
    parts = spread(calibration, count), spread(rest, held_out)
    first, second = (np.concatenate([_crop(spec, found, int(i)) for i in part]) for part in parts)
    return first, second


def _crop(spec: InputSpec, found: Heads, index: int) -> Floats:
    """(1, 3, H, W) of one head, cut as a card says."""
    return spec.crops(np.asarray(found.images[index]), box_of(found.landmarks[index])[None])


def make_int8(
    file: bytes, images: Floats, options: Options, description: str = "", head: Head | None = None, quiet: bool = True
) -> Int8:
    """A float network's file, calibrated on images (N, C, H, W), in 8 bits.

    head: what its outputs mean, for ``options.tuning``. quiet: no progress bar.

    Raises:
        InvalidArgumentError: an option names what the network lacks, or no method; no convolution is left; a tuning
            without a head, or with one that no recipe trains.
    """
    graph = network_graph(file)
    rewrite(graph, [linear_as_convolution])
    kept = sensitive(graph) | set(options.keep_float)
    layers = [name for name in convolutions(graph, depthwise=options.depthwise) if name not in kept]
    if not layers:
        raise InvalidArgumentError(
            f"network: expected a convolution to put into 8 bits, got none besides {sorted(kept)}"
        )
    ranges = find_ranges(graph, ranged(graph, layers), images, options.method, options.percentile)
    few = np.stack(spread(images, CORRECTED_ON))
    weights = compensated_weights(graph, ranges, layers, few) if options.compensate else {}
    missing = shifts(graph, ranges, layers, few, weights) if options.correct_bias else {}
    rounding = Rounding(weights, missing)
    if options.tuning.steps:
        if head is None:
            raise InvalidArgumentError("tuning: expected the head of the network, which says what is to stay, got none")
        levels = byte_levels(graph, ranges, keep_float=kept, depthwise=options.depthwise)
        rounding = tuned(graph, layers, levels, rounding, images, head, options.tuning, quiet)
    made = quantized(
        graph, ranges, keep_float=kept, depthwise=options.depthwise, weights=rounding.weights, shifts=rounding.shifts
    )
    others = [name for name in convolutions(graph, depthwise=True) if name not in layers]
    return Int8(graph_bytes(made), onnx_model(made, description), tuple(layers), tuple(others))


def measure(head: Head, file: bytes, made: Int8, images: Floats, rounds: int = 300) -> Measured:
    """Angles on images (N, C, H, W) and the latency of both native networks.

    Raises:
        MissingDependencyError: onnxruntime is not installed.
    """
    exact, rounded = _core.Network(file), _core.Network(made.native)
    angles = heads.decode(head, exact.run(images))[0]

    def shift_deg(outputs: Mapping[str, Floats]) -> tuple[float, ...]:
        difference = np.abs(difference_deg(angles, heads.decode(head, outputs)[0])).mean(axis=0)
        return tuple(float(angle) for angle in difference)

    native, other = shift_deg(rounded.run(images)), shift_deg(run_model(made.onnx, images))
    float_us, int8_us = latencies_us([exact, rounded], images[:1], rounds)
    return Measured(native, other, float_us, int8_us)


def latencies_us(networks: Sequence[_core.Network], image: Floats, rounds: int) -> list[float]:
    """Median microseconds of one image (1, C, H, W); the networks take turns, so that a busy machine slows all."""
    return [timing.p50_us for timing in interleave([partial(network.run, image) for network in networks], rounds)]


def enter(card: ModelCard, card_path: Path, made: Int8, out: Path, record: Int8Record) -> dict[str, Path]:
    """Write both files and the card with its record into a folder, the card's other files too; paths by kind."""
    out.mkdir(parents=True, exist_ok=True)
    if out.resolve() != card_path.parent.resolve():
        for kind, entry in card.files.items():
            (out / entry.path).write_bytes(read_verified(card, kind, card_path.parent))
    stem = card_path.stem
    paths = {NATIVE_KIND: out / f"{stem}-int8.safetensors", ONNX_KIND: out / f"{stem}-int8.onnx"}
    paths[NATIVE_KIND].write_bytes(made.native)
    shared = share_weights(made.onnx, made.native, paths[NATIVE_KIND].name)
    paths[ONNX_KIND].write_bytes(shared.SerializeToString())
    entries = {
        NATIVE_KIND: FileEntry.of(paths[NATIVE_KIND]),
        ONNX_KIND: FileEntry.of(paths[ONNX_KIND], weights=NATIVE_KIND),
    }
    save_card(replace(card, files={**card.files, **entries}, int8=record), out / card_path.name)
    return paths
