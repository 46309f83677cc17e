"""``hpe-edge estimate``: the head poses in one photograph."""

from __future__ import annotations

import argparse
import json
import math
from typing import TYPE_CHECKING, Any

from hpe_edge.errors import InvalidArgumentError

if TYPE_CHECKING:
    from hpe_edge.estimator import RuntimeInfo
    from hpe_edge.results import HeadPoses

_EPILOG = """\
examples:
  hpe-edge estimate portrait.jpg --box 180 86 271 178
  hpe-edge estimate family.jpg --box 40 60 120 150 --box 300 80 370 160 --draw out.png
  hpe-edge estimate head.jpg --crop --json

A box is a tight face box in pixels: brows to chin, jaw to jaw, x1 and y1 exclusive. Do not add a
margin, the model adds its own. --crop says that the photograph is one head, loosely cut.
What stands behind ± is the spread: one standard deviation in degrees, where the model has one.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "estimate",
        help="yaw, pitch and roll of the heads in a photograph",
        description="Estimate yaw, pitch and roll of the heads in a photograph.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("photo", metavar="PHOTO", help="image file (JPEG, PNG, WebP, ...)")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "--box",
        dest="boxes",
        nargs=4,
        type=float,
        action="append",
        metavar=("X0", "Y0", "X1", "Y1"),
        help="tight face box in pixels; repeat for several faces",
    )
    where.add_argument("--crop", action="store_true", help="the whole photograph is one head, loosely cut")
    parser.add_argument("--draw", metavar="OUT", help="also write the photograph with the axes drawn on it")
    parser.add_argument("--model", default="fsanet", metavar="M", help="model name or card.json [%(default)s]")
    parser.add_argument("--backend", default="auto", metavar="B", help="backend [%(default)s]")
    parser.add_argument(
        "--precision", default="auto", choices=("auto", "fp32", "int8"), help="arithmetic of the network [%(default)s]"
    )
    parser.add_argument("--threads", default=1, type=int, metavar="N", help="threads of the network [1]")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quiet", action="store_true", help="print numbers only: yaw pitch roll, a line a face")
    parser.set_defaults(func=run)


def run(options: argparse.Namespace) -> int:
    """Estimate, print, draw."""
    from hpe_edge.estimator import HeadPose
    from hpe_edge.images import read_image, write_image

    _check_draw(options)
    image = read_image(options.photo)
    pose = HeadPose(options.model, backend=options.backend, precision=options.precision, threads=options.threads)
    poses = pose.estimate(image, options.boxes, is_crop=options.crop)
    if options.draw:
        from hpe_edge.draw import draw_axes

        write_image(options.draw, draw_axes(image, poses, labels=True, boxes=not options.crop))
    if options.json:
        print(json.dumps(_as_json(options, pose.info, poses), indent=2))
    elif options.quiet:
        for row in poses.euler_deg:
            print(" ".join(f"{value:.2f}" for value in row))
    else:
        print(_as_text(options, pose.info, poses))
    return 0


def _check_draw(options: argparse.Namespace) -> None:
    if options.draw == options.photo:
        raise InvalidArgumentError(f"--draw: expected another file than PHOTO, got {options.draw!r} for both")


def _as_json(options: argparse.Namespace, info: RuntimeInfo, poses: HeadPoses) -> dict[str, Any]:
    return {"photo": options.photo, "drawn": options.draw, **poses.as_dict(), "info": info.as_dict()}


def _as_text(options: argparse.Namespace, info: RuntimeInfo, poses: HeadPoses) -> str:
    rows = [("face", "yaw", "pitch", "roll", "box")]
    for index, pose in enumerate(poses):
        angles = zip((pose.yaw_deg, pose.pitch_deg, pose.roll_deg), pose.std_deg, strict=True)
        yaw, pitch, roll = (_angle_text(angle_deg, std_deg) for angle_deg, std_deg in angles)
        rows.append((str(index), yaw, pitch, roll, " ".join(f"{value:.0f}" for value in pose.box_xyxy)))
    width = max(8, *(len(cell) for row in rows for cell in row[1:4]))
    lines = [
        f"{face:>4} {yaw:>{width}} {pitch:>{width}} {roll:>{width}}   {box}" for face, yaw, pitch, roll, box in rows
    ]
    lines.append(
        f"{info.model} {info.model_version} on {info.backend} ({info.provider}), {info.precision}, "
        f"core {info.instruction_set}, {info.threads} thread{'s' if info.threads > 1 else ''}"
    )
    if options.draw:
        lines.append(f"drawn: {options.draw}")
    return "\n".join(lines)


def _angle_text(angle_deg: float, std_deg: float) -> str:
    """``+12.3°``, and ``±3.1`` behind it when the model says how sure it is."""
    return f"{angle_deg:+.1f}°" if math.isnan(std_deg) else f"{angle_deg:+.1f}° ±{std_deg:.1f}"
