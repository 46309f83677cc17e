"""``hpe-edge train`` and ``hpe-edge export``. Heavy imports wait until a command runs."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hpe_edge.errors import InvalidArgumentError

if TYPE_CHECKING:
    from hpe_edge.training.data.shards import Heads


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``train`` and ``export``."""
    _add_train(subparsers)
    _add_export(subparsers)


def _add_train(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("train", help="train a network on rendered heads")
    parser.add_argument("--recipe", default="fsanet", help="bundled recipe or a .toml file (default: fsanet)")
    parser.add_argument(
        "--data", nargs="+", required=True, metavar="DIR",
        help="folders of hpe-edge render, or one photograph set as NAME:PATH (300wlp:300W_LP.zip)",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and the log")
    parser.add_argument("--cache", type=Path, help="folder for the decoded images (default: OUT/cache)")
    parser.add_argument("--resume", action="store_true", help="go on from OUT/last.pt")
    parser.add_argument("--max-minutes", type=float, default=0.0, help="fit the schedule into this time")
    parser.add_argument(
        "--stop-after-minutes", type=float, default=0.0, help="leave early with a checkpoint; --resume goes on later"
    )
    parser.add_argument("--piece-mb", type=float, default=0.0, help="write checkpoints in files of this size at most")
    parser.add_argument("--teacher", type=Path, help="checkpoint of a network to learn from (loss.teacher_weight)")
    parser.add_argument("--start-from", type=Path, help="checkpoint whose averaged weights the run begins with")
    parser.add_argument("--checkpoint-minutes", type=float, default=5.0, help="between checkpoints (default: 5)")
    parser.add_argument("--threads", type=int, default=2, help="threads of the network (default: 2)")
    parser.add_argument("--workers", type=int, default=2, help="loader processes, 0 for none (default: 2)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--seed", type=int, help="instead of the recipe's data.seed")
    parser.add_argument("--tensorboard", action="store_true", help="also log to OUT/tensorboard")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    parser.set_defaults(func=run_train)


def run_train(args: argparse.Namespace) -> int:
    """Train; prints where the checkpoint lies."""
    from dataclasses import replace

    from hpe_edge.training.loop.engine import train
    from hpe_edge.training.loop.run import RunOptions
    from hpe_edge.training.loop.start import Start
    from hpe_edge.training.loop.teacher import Teacher
    from hpe_edge.training.recipe import load_recipe

    recipe = load_recipe(args.recipe)
    if args.seed is not None:
        recipe = replace(recipe, data=replace(recipe.data, seed=args.seed))
    heads = _heads(args.data, args.cache or args.out / "cache", quiet=args.quiet)
    options = RunOptions(
        threads=args.threads, workers=args.workers, device=args.device, max_minutes=args.max_minutes,
        stop_after_minutes=args.stop_after_minutes, checkpoint_minutes=args.checkpoint_minutes, resume=args.resume,
        tensorboard=args.tensorboard, quiet=args.quiet or args.json, piece_mb=args.piece_mb,
    )  # fmt: skip
    teacher = Teacher.open(args.teacher) if args.teacher else None
    start = Start.open(args.start_from) if args.start_from else None
    last = train(recipe, heads, args.out, options, teacher, start)
    result = {"checkpoint": str(last), "log": str(args.out / "log.csv"), "heads": len(heads)}
    print(json.dumps(result) if args.json else f"{last}: trained on {len(heads)} heads, log in {result['log']}")
    return 0


def _heads(data: list[str], cache: Path, *, quiet: bool) -> Heads:
    """Rendered folders together, or one set of photographs."""
    from hpe_edge.training.data.photo_heads import open_photo_heads, photo_set
    from hpe_edge.training.data.shards import open_heads

    photographs = [found for found in map(photo_set, data) if found is not None]
    if not photographs:
        return open_heads([Path(folder) for folder in data], cache, quiet=quiet)
    if len(data) > 1:
        raise InvalidArgumentError(f"--data: expected rendered folders or one NAME:PATH, got {' '.join(data)}")
    return open_photo_heads(*photographs[0], cache, quiet=quiet)


def _add_export(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("export", help="write a checkpoint as a model: ONNX, native network, card")
    parser.add_argument(
        "checkpoint",
        type=Path,
        nargs="+",
        help="last.pt or best.pt of a training run; of several the mean of their weights",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for NAME.onnx, NAME.safetensors and NAME.json")
    parser.add_argument("--name", default="fsanet", help="name of the model (default: fsanet)")
    parser.add_argument("--model-version", default="0.1.0", help="version in the card (default: 0.1.0)")
    parser.add_argument(
        "--pitch-zero-deg", type=float, default=0.0, help="the card's pitch-zero constant, from evaluate"
    )
    parser.add_argument(
        "--calibrate-on", nargs="+", default=[], metavar="DIR",
        help="rendered folders of the training: the spread is calibrated anew on what it holds out (a mean of runs)",
    )  # fmt: skip
    parser.add_argument("--cache", type=Path, metavar="DIR", help="folder for decoded images [a temporary one]")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(func=run_export)


def run_export(args: argparse.Namespace) -> int:
    """Export; prints the files and the parity."""
    from hpe_edge.training.export import export_checkpoints

    with tempfile.TemporaryDirectory() as folder:
        cache = args.cache or Path(folder)
        heads = _heads(args.calibrate_on, cache, quiet=args.quiet or args.json) if args.calibrate_on else None
        done = export_checkpoints(
            args.checkpoint, args.out, args.name, args.model_version, args.pitch_zero_deg, calibration=heads
        )
    if args.json:
        result = {"onnx": str(done.onnx_path), "safetensors": str(done.native_path), "card": str(done.card_path)}
        print(json.dumps(result | {"parity_deg": done.parity_deg, "nodes": done.nodes}))
    else:
        print(
            f"{done.onnx_path} ({done.nodes} nodes), {done.native_path} and {done.card_path}; torch against "
            f"ONNX Runtime and the native network: {done.parity_deg:.2g} degrees"
        )
    return 0
