"""Commands ``hpe-edge render-sequence`` and ``hpe-edge render-scenes``. Heavy imports wait until a command runs."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from hpe_edge.training.synthetic.sets.command import add_material_and_engine, features_of, how

TRAJECTORIES = ("nod", "shake", "turn", "orbit", "still", "mixed")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add both commands."""
    _add_sequence(subparsers)
    _add_scenes(subparsers)


def _add_sequence(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
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
    parser.add_argument("--trajectory", choices=TRAJECTORIES, default="mixed", help="default %(default)s")
    parser.add_argument(
        "--exposure", type=float, default=0.5, metavar="SHARE", help="of a frame, shutter open (default %(default)g)"
    )
    parser.add_argument("--mp4", action="store_true", help="also write sequence.mp4")
    add_material_and_engine(parser)
    parser.set_defaults(func=_render_sequence)


def _render_sequence(args: argparse.Namespace) -> int:
    from hpe_edge.training.synthetic.sets.generate import render_with_card
    from hpe_edge.training.synthetic.sets.sequence import SequenceSpec, paint_frames, write_labels, write_video

    spec = SequenceSpec(
        seed=args.seed, count=args.frames, image_size=args.image_size, fps=args.fps, trajectory=args.trajectory,
        exposure_share=args.exposure, features=features_of(args),
    )  # fmt: skip
    path = render_with_card(spec, paint_frames, args.out, args.assets, args.head_data, **how(args))
    made = {"dataset": str(path), "labels": str(write_labels(args.out))}
    if args.mp4:
        made["video"] = str(write_video(args.out, args.fps))
    print(json.dumps({**made, "frames": args.frames}) if args.json else "\n".join(made.values()))
    return 0


def _add_scenes(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "render-scenes",
        help="render several people in a picture, for face detectors",
        description="Render people of any pose and size before a background, in shards as hpe-edge render makes them; "
        'the label lists all "heads", the farthest first, each labelled as a single head is.',
        epilog="example: hpe-edge render-scenes --out scenes --count 5000 --heads 0-12 --assets ASSETS",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for dataset.json and shard-*.tar")
    parser.add_argument("--count", type=int, required=True, help="how many scenes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--image-size", type=int, default=320, help="pixels a side (default %(default)s)")
    parser.add_argument("--heads", type=_span, default=(0, 12), metavar="LEAST-MOST", help="default 0-12")
    parser.add_argument(
        "--faceless", type=float, default=0.1, metavar="SHARE", help="scenes without anybody (default %(default)g)"
    )
    parser.add_argument("--yaw-range", type=float, default=180.0, metavar="DEGREES", help="default %(default)g")
    parser.add_argument("--scenes-per-shard", type=int, default=200, help="default %(default)s")
    add_material_and_engine(parser)
    parser.set_defaults(func=_render_scenes)


def _span(text: str) -> tuple[int, int]:
    least, _, most = text.partition("-")
    try:
        return int(least), int(most or least)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a number or LEAST-MOST, got {text!r}") from None


def _render_scenes(args: argparse.Namespace) -> int:
    from hpe_edge.training.synthetic.sets.crowd import SceneSpec, paint_scenes
    from hpe_edge.training.synthetic.sets.folder import render_set
    from hpe_edge.training.synthetic.sets.generate import render_with_card

    spec = SceneSpec(
        seed=args.seed, count=args.count, image_size=args.image_size, heads_least=args.heads[0],
        heads_most=args.heads[1], faceless_share=args.faceless, yaw_range_deg=args.yaw_range,
        scenes_per_shard=args.scenes_per_shard, features=features_of(args),
    )  # fmt: skip
    render = render_with_card if spec.heads_most else render_set  # a card tells of heads
    path = render(spec, paint_scenes, args.out, args.assets, args.head_data, **how(args))
    print(json.dumps({"dataset": str(path), "count": args.count}) if args.json else f"{path}: {args.count} scenes")
    return 0
