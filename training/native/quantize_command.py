"""``hpe-edge quantize``. Heavy imports wait until it runs."""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpe_edge.cardfiles import read_verified
from hpe_edge.errors import ModelNotFoundError
from hpe_edge.modelcard import Int8Record, ModelCard, load_card

if TYPE_CHECKING:
    from hpe_edge.training.native.graph import Floats
    from hpe_edge.training.native.int8 import Int8, Measured, Options

_EPILOG = """\
examples:
  hpe-edge quantize fsanet.json --heads data
  hpe-edge quantize fsanet.json --heads data --method percentile --force-float v1 --out int8
  hpe-edge quantize large.json --heads data --images 2000 --aware-steps 300
Layers are called as in `_core.Network(file).profile(1)`: v1, v3, ..; a linear layer that became a convolution: v40.conv
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``quantize``."""
    parser = subparsers.add_parser(
        "quantize",
        help="make 8-bit networks of a card's native one, if they are near enough and faster",
        description="Write NAME-int8.safetensors and NAME-int8.onnx (QDQ, the same scales), calibrated on rendered "
        "heads, and enter them in the card; refused where they lose too much or are not faster.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("card", type=Path, help="model card (*.json) with a safetensors file")
    parser.add_argument(
        "--heads", type=Path, required=True, nargs="+", metavar="DIR", help="rendered sets of hpe-edge render"
    )
    parser.add_argument("--images", type=int, default=1000, metavar="N", help="heads to calibrate on [%(default)s]")
    parser.add_argument("--held-out", type=int, default=500, metavar="N", help="heads to judge by [%(default)s]")
    parser.add_argument("--method", choices=("minmax", "percentile", "mse"), default="mse", help="[%(default)s]")
    parser.add_argument("--percentile", type=float, default=99.99, metavar="P", help="of that method [%(default)s]")
    parser.add_argument(
        "--max-shift-deg", type=float, default=0.4, metavar="D",
        help="most mean absolute difference of the angles to float32 [%(default)s]",
    )  # fmt: skip
    parser.add_argument(
        "--force-float", nargs="+", default=[], metavar="LAYER", help="convolutions that stay in float32"
    )
    parser.add_argument(
        "--aware-steps", type=int, default=0, metavar="N",
        help="quantization-aware training after the calibration: so many steps of 32 of its images [%(default)s]",
    )  # fmt: skip
    parser.add_argument("--depthwise", action="store_true", help="depthwise convolutions in 8 bits, too")
    parser.add_argument("--nearest-weights", action="store_true", help="round each weight by itself")
    parser.add_argument("--no-bias-correction", action="store_true", help="leave the mean error of rounding")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for the files [the card's own]")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="folder for decoded images [a temporary one]")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Calibrate, judge, write; 1 where the gate refuses."""
    from hpe_edge.training.native.aware import Tuning
    from hpe_edge.training.native.int8 import FLOAT_KIND, Options, enter, make_int8, measure

    card = load_card(args.card)
    if FLOAT_KIND not in card.files:
        raise ModelNotFoundError(
            f"{args.card}: expected a card with a {FLOAT_KIND} file, got {sorted(card.files)}: run hpe-edge convert"
        )
    options = Options(
        args.method, args.percentile, tuple(args.force_float), args.depthwise,
        compensate=not args.nearest_weights, correct_bias=not args.no_bias_correction, tuning=Tuning(args.aware_steps),
    )  # fmt: skip
    file = read_verified(card, FLOAT_KIND, args.card.parent)
    calibration, held_out = _images(args, card)
    description = f"head pose: {card.name} {card.version} in 8 bits"
    made = make_int8(file, calibration, options, description, head=card.head, quiet=args.quiet)
    measured = measure(card.head, file, made, held_out)
    refusals = measured.refusals(args.max_shift_deg)
    record = Int8Record(sum(measured.shift_deg) / len(measured.shift_deg), args.max_shift_deg, len(held_out))
    paths = {} if refusals else enter(card, args.card, made, args.out or args.card.parent, record)
    sizes = {"float_bytes": len(file), "int8_bytes": len(made.native)}
    report = _report(options, made, measured) | sizes | {"refused": refusals}
    report["files"] = {kind: str(path) for kind, path in paths.items()}
    print(json.dumps(report)) if args.json else _show(report)
    return 1 if refusals else 0


def _images(args: argparse.Namespace, card: ModelCard) -> tuple[Floats, Floats]:
    """Inputs of the network to calibrate on and to judge by."""
    from hpe_edge.training.data.shards import open_heads
    from hpe_edge.training.native.int8 import head_inputs

    with tempfile.TemporaryDirectory() as folder:
        found = open_heads(args.heads, args.cache or Path(folder), quiet=args.quiet)
        return head_inputs(card.input, found, args.images, args.held_out)


def _report(options: Options, made: Int8, measured: Measured) -> dict[str, Any]:
    """What was made and measured."""
    layers = {"int8_layers": list(made.layers), "float_layers": list(made.kept)}
    return {"options": asdict(options), **layers, **asdict(measured)}


def _show(report: dict[str, Any]) -> None:
    options = report["options"]
    correction = "corrected" if options["correct_bias"] else "uncorrected"
    weights = "compensated" if options["compensate"] else "nearest"
    steps = options["tuning"]["steps"]
    trained = f", trained in {steps} steps" if steps else ""
    how = f"{options['method']}, weights {weights}, biases {correction}{trained}"
    print(f"{len(report['int8_layers'])} convolutions in 8 bits ({how})")
    if report["float_layers"]:
        print(f"in float32: {' '.join(report['float_layers'])}")
    for name, key in (("native", "shift_deg"), ("ONNX Runtime", "onnx_shift_deg")):
        yaw, pitch, roll = report[key]
        mean = (yaw + pitch + roll) / 3.0
        print(f"shift to float32, {name}: {mean:.3f} degrees (yaw {yaw:.3f}, pitch {pitch:.3f}, roll {roll:.3f})")
    print(f"latency: {report['int8_us']:.1f} us, float32 {report['float_us']:.1f} us")
    print(f"size: {report['int8_bytes']} bytes, float32 {report['float_bytes']}")
    for reason in report["refused"]:
        print(f"refused: {reason}")
    for kind, path in report["files"].items():
        print(f"{kind}: {path}")
