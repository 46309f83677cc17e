"""``hpe-edge train-faces`` and ``export-faces``. Heavy imports wait until it runs."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpe_edge.errors import InvalidArgumentError

if TYPE_CHECKING:
    from hpe_edge.training.detection.canvas import Composer
    from hpe_edge.training.detection.config import FaceTraining
    from hpe_edge.training.detection.network import FaceNet
    from hpe_edge.training.detection.pictures import Pictures

VIEWS, VIEW_PX, VIEW_SEED = 8000, 224, 1


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``train-faces`` and ``export-faces``."""
    _add_train(subparsers)
    _add_export(subparsers)


def _add_train(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "train-faces",
        help="train the face detector on rendered scenes and heads",
        description="Train the face detector on canvases made of rendered heads, scenes and views of environment maps.",
        epilog="example: hpe-edge train-faces --heads heads --scenes scenes --out faces --assets ASSETS",
    )
    parser.add_argument("--heads", type=Path, nargs="+", required=True, metavar="DIR", help="of hpe-edge render")
    parser.add_argument(
        "--scenes", type=Path, nargs="+", required=True, metavar="DIR", help="of hpe-edge render-scenes"
    )
    parser.add_argument("--assets", type=Path, help="folder with MANIFEST.json (default: $HPE_EDGE_ASSETS)")
    parser.add_argument("--head-data", type=Path, help="MakeHuman data (default: $HPE_EDGE_HEAD_DATA)")
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint and the log")
    parser.add_argument("--cache", type=Path, help="folder for the decoded pictures (default: OUT/cache)")
    parser.add_argument("--held-out", type=int, default=400, help="scenes to validate on, the last (default: 400)")
    parser.add_argument("--steps", type=int, help="of the schedule (default: 40000)")
    parser.add_argument("--side", type=int, help="of the canvases in pixels, a multiple of 32 (default: 192)")
    parser.add_argument("--max-minutes", type=float, default=0.0, help="fit the schedule into this time")
    parser.add_argument("--resume", action="store_true", help="go on from OUT/last.pt")
    parser.add_argument(
        "--start-from",
        type=Path,
        help="checkpoint whose averaged weights the run begins with; half of the views are then the hardest for it",
    )
    parser.add_argument("--threads", type=int, default=2, help="threads of the network (default: 2)")
    parser.add_argument("--workers", type=int, default=1, help="loader processes, 0 for none (default: 1)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(func=run)


def _add_export(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "export-faces",
        help="write a trained face detector as files with a card",
        description="Write a checkpoint of train-faces as NAME.json and network files, calibrated on rendered scenes.",
        epilog="example: hpe-edge export-faces faces/last.pt --scenes scenes --out detector --longest-side 320",
    )
    parser.add_argument(
        "checkpoints", type=Path, nargs="+", metavar="CHECKPOINT",
        help="last.pt of hpe-edge train-faces; of several the mean of their weights",
    )  # fmt: skip
    parser.add_argument(
        "--scenes", type=Path, nargs="+", required=True, metavar="DIR", help="of hpe-edge render-scenes"
    )
    parser.add_argument("--cache", type=Path, help="folder for the decoded pictures (default: OUT/cache)")
    parser.add_argument("--out", type=Path, required=True, help="folder for the files")
    parser.add_argument("--name", default="face", help="of the card and its files (default: face)")
    parser.add_argument("--model-version", default="0.1.0", help="in the card (default: 0.1.0)")
    parser.add_argument("--score", type=float, default=0.5, help="least score of a face (default: 0.5)")
    parser.add_argument("--nms-iou", type=float, default=0.4, help="largest overlap of two faces (default: 0.4)")
    parser.add_argument("--longest-side", type=int, default=320, help="of the input in pixels (default: 320)")
    parser.add_argument(
        "--kinds", nargs="+", choices=("onnx", "safetensors", "onnx-int8", "safetensors-int8"),
        default=["onnx", "safetensors", "onnx-int8", "safetensors-int8"], help="files to write (default: all)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(func=run_export)


def run_export(args: argparse.Namespace) -> int:
    """Export; prints where the card lies."""
    from hpe_edge.training.detection.export import Thresholds, export_faces
    from hpe_edge.training.detection.pictures import of_scenes

    scenes = of_scenes(args.scenes, args.cache or args.out / "cache", quiet=args.quiet)
    thresholds = Thresholds(args.score, args.nms_iou, args.longest_side)
    card = export_faces(args.checkpoints, args.out, args.name, args.model_version, thresholds, scenes, args.kinds)
    print(json.dumps({"card": str(card)}) if args.json else f"{card}: written with {' '.join(args.kinds)}")
    return 0


def run(args: argparse.Namespace) -> int:
    """Train; prints where the checkpoint lies."""
    import torch
    from hpe_edge.training.detection.train import FaceRunOptions, load_face_net, train_faces

    torch.set_num_threads(args.threads)
    config = _config(args)
    start = load_face_net(args.start_from)[0] if args.start_from else None
    composer, held_out, origin = _pictures(args, config, start)
    options = FaceRunOptions(
        threads=args.threads, workers=args.workers, max_minutes=args.max_minutes, resume=args.resume,
        quiet=args.quiet or args.json, start=None if start is None else start.state_dict(), origin=origin,
    )  # fmt: skip
    last = train_faces(config, composer, held_out, args.out, options)
    result = {"checkpoint": str(last), "log": str(args.out / "log.csv")}
    print(json.dumps(result) if args.json else f"{last}: trained; log in {result['log']}")
    return 0


def _config(args: argparse.Namespace) -> FaceTraining:
    from hpe_edge.training.detection.config import FaceTraining

    config = replace(FaceTraining(), seed=args.seed)
    if args.steps is not None:
        config = replace(config, steps=args.steps)
    if args.side is not None:
        config = replace(config, canvas=replace(config.canvas, side=args.side))
    if config.steps < 1 or config.canvas.side < 64 or config.canvas.side % 32:
        raise InvalidArgumentError(f"expected --steps from 1 and --side a multiple of 32 from 64, got {config}")
    return config


def _pictures(
    args: argparse.Namespace, config: FaceTraining, start: FaceNet | None
) -> tuple[Composer, Pictures, dict[str, Any]]:
    """What canvases are made of, the scenes to validate on, and what a card says of the data."""
    import numpy as np
    from hpe_edge.training.data.head_cache import new_pictures, open_cache
    from hpe_edge.training.data.shards import open_heads, read_description
    from hpe_edge.training.detection.canvas import Composer
    from hpe_edge.training.detection.mining import hardest
    from hpe_edge.training.detection.pictures import of_heads, of_scenes, without_faces
    from hpe_edge.training.detection.views import held_out_maps, paint_views
    from hpe_edge.training.synthetic.assets import open_assets
    from hpe_edge.training.synthetic.studio import Studio

    cache = args.cache or args.out / "cache"
    scenes = of_scenes(args.scenes, cache, quiet=args.quiet)
    if not 0 < args.held_out < len(scenes):
        raise InvalidArgumentError(f"--held-out: expected 1 to {len(scenes) - 1} scenes, got {args.held_out}")
    kept = len(scenes) - args.held_out
    environments = Studio(open_assets(args.assets, args.head_data)).environments
    tested = held_out_maps([environment.name for environment in environments])
    learned = [environment for environment in environments if environment.name not in tested]

    def paint(target: Path) -> dict[str, Any]:
        new_pictures(target, VIEWS, VIEW_PX)[:] = paint_views(learned, VIEWS, VIEW_PX, VIEW_SEED, quiet=args.quiet)
        return {}

    views, _ = open_cache(cache / f"views-{VIEWS}-{VIEW_PX}-{VIEW_SEED}-{len(learned)}", paint)
    if start is not None:
        views = np.concatenate([views[::4], hardest(start, views, VIEWS // 4, quiet=args.quiet)])
    heads = of_heads(open_heads(args.heads, cache, all_round=True, quiet=args.quiet))
    composer = Composer(config.canvas, heads, scenes.part(0, kept), without_faces(views))
    origin = {
        "datasets": [read_description(folder) for folder in (*args.heads, *args.scenes)],
        "views": {"count": VIEWS, "seed": VIEW_SEED, "maps": [environment.name for environment in learned]},
        "start": None if args.start_from is None else str(args.start_from.name),
    }
    return composer, scenes.part(kept, len(scenes)), origin
