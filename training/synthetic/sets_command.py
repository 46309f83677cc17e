"""Command ``hpe-edge render-sequence``. Heavy imports wait until a command runs."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from hpe_edge.training.synthetic.command import add_material_and_engine, features_of, how

_TRAJECTORIES = ("nod", "shake", "turn", "orbit", "still", "mixed")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "render-sequence",
        help="render one person moving along a known trajectory",
        description="Render one person who moves, blinks and talks, with motion blur; each frame's label holds for "
        "the middle of its exposure. Frames lie in webdataset shards, all labels also in labels.jsonl.",
        epilog="example: hpe-edge render-sequence --out walk --frames 150 --trajectory mixed --assets ASSETS --mp4",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for dataset.json, shard-*.tar, labels.jsonl")
    parser.add_argument("--frames", type=int, default=150, help="default %(default)s")
    parser.add_argument("--fps", type=float, default=30.0, help="frames a second (default %(default)g)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--image-size", type=int, default=256, help="pixels a side (default %(default)s)")
    parser.add_argument("--trajectory", choices=_TRAJECTORIES, default="mixed", help="default %(default)s")
    parser.add_argument(
        "--exposure", type=float, default=0.5, metavar="SHARE", help="of a frame, shutter open (default %(default)g)"
    )
    parser.add_argument("--mp4", action="store_true", help="also write sequence.mp4")
    add_material_and_engine(parser)
    parser.set_defaults(func=_render_sequence)


def _render_sequence(args: argparse.Namespace) -> int:
    from hpe_edge.training.synthetic.sequence import SequenceSpec, paint_frames, write_labels, write_video
    from hpe_edge.training.synthetic.sets import render_set

    spec = SequenceSpec(
        seed=args.seed, count=args.frames, image_size=args.image_size, fps=args.fps, trajectory=args.trajectory,
        exposure_share=args.exposure, features=features_of(args),
    )  # fmt: skip
    path = render_set(spec, paint_frames, args.out, args.assets, args.head_data, **how(args))
    made = {"dataset": str(path), "labels": str(write_labels(args.out))}
    if args.mp4:
        made["video"] = str(write_video(args.out, args.fps))
    print(json.dumps({**made, "frames": args.frames}) if args.json else "\n".join(made.values()))
    return 0
