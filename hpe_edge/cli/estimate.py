"""``hpe-edge estimate``: the head poses in one photograph."""

from __future__ import annotations

import argparse
import json
import math
from typing import TYPE_CHECKING, Any

from hpe_edge.cli.pipeline import add_model_options, open_pose
from hpe_edge.errors import InvalidArgumentError

if TYPE_CHECKING:
    from hpe_edge.camera import Camera
    from hpe_edge.estimator import RuntimeInfo
    from hpe_edge.results import HeadPoses

_EPILOG = """\
examples:
  hpe-edge estimate party.jpg --draw out.png
  hpe-edge estimate family.jpg --box 40 60 120 150 --box 300 80 370 160 --draw out.png
  hpe-edge estimate head.jpg --crop --json
  hpe-edge estimate wide.jpg --box 40 60 120 150 --fov 78 --draw out.png --draw-style head

Without --box or --crop the faces are looked for. A box is a tight face box in pixels: brows to
chin, jaw to jaw, x1 and y1 exclusive. Do not add a margin, the model adds its own. --crop
says that the photograph is one head, loosely cut.
What stands behind ± is the spread: one standard deviation in degrees, where the model has one.
Without a camera, angles are relative to the line of sight to each face. With one (--fov, --camera), they are
relative to the camera's axes, and metres (right, down, forward) are there, which assume a face of an adult's size.
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
    where = parser.add_mutually_exclusive_group()
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
    camera = parser.add_mutually_exclusive_group()
    camera.add_argument("--fov", type=float, metavar="DEG", help="the camera's horizontal field of view")
    camera.add_argument(
        "--camera",
        type=_numbers,
        metavar="FX,FY,CX,CY",
        help="its intrinsics in pixels, as OpenCV has them; K1,K2,P1,P2[,K3[,K4,K5,K6]] may follow",
    )
    parser.add_argument("--draw", metavar="OUT", help="also write the photograph with the poses drawn on it")
    parser.add_argument(
        "--draw-style", default="axes", choices=("axes", "cube", "head"), help="what is drawn [%(default)s]"
    )
    add_model_options(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quiet", action="store_true", help="print numbers only: yaw pitch roll, a line a face")
    parser.set_defaults(func=run)


def run(options: argparse.Namespace) -> int:
    """Estimate, print, draw."""
    from hpe_edge.images import read_image, write_image

    _check_draw(options)
    image = read_image(options.photo)
    camera = _camera(options, width=image.shape[1], height=image.shape[0])
    pose = open_pose(options, camera=camera)
    poses = pose.estimate(image, options.boxes, is_crop=options.crop)
    if options.draw:
        from hpe_edge.draw import draw_poses

        drawn = draw_poses(image, poses, style=options.draw_style, labels=True, boxes=not options.crop, camera=camera)
        write_image(options.draw, drawn)
    if options.json:
        print(json.dumps(_as_json(options, pose.info, poses), indent=2))
    elif options.quiet:
        for row in poses.euler_deg:
            print(" ".join(f"{value:.2f}" for value in row))
    else:
        print(_as_text(options, pose.info, poses))
    return 0


def _numbers(text: str) -> tuple[float, ...]:
    """``600,600,320,240`` as numbers."""
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected numbers FX,FY,CX,CY, got {text!r}") from error
    if len(found) < 4:
        raise argparse.ArgumentTypeError(f"expected at least FX,FY,CX,CY, got {text!r}")
    return found


def _camera(options: argparse.Namespace, *, width: int, height: int) -> Camera | None:
    """The camera of the options, for the photograph's size."""
    from hpe_edge.camera import Camera

    if options.fov is not None:
        return Camera.from_fov(width, height, horizontal_fov_deg=options.fov)
    if options.camera is not None:
        fx, fy, cx, cy, *distortion = options.camera
        return Camera(fx, fy, cx, cy, tuple(distortion), width, height)
    return None


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
        box = " ".join(f"{value:.0f}" for value in pose.box_xyxy)
        rows.append((str(index), yaw, pitch, roll, box + _place_text(pose.translation_m)))
    width = max(8, *(len(cell) for row in rows for cell in row[1:4]))
    lines = [
        f"{face:>4} {yaw:>{width}} {pitch:>{width}} {roll:>{width}}   {box}" for face, yaw, pitch, roll, box in rows
    ]
    if not len(poses):
        lines = ["no face found; --box says where one is, --crop that the photograph is one head"]
    lines.append(
        f"{info.model} {info.model_version} on {info.backend} ({info.provider}), {info.precision}, "
        f"core {info.instruction_set}, {info.threads} thread{'s' if info.threads > 1 else ''}"
    )
    if options.draw:
        lines.append(f"drawn: {options.draw}")
    return "\n".join(lines)


def _place_text(translation_m: tuple[float, float, float]) -> str:
    """``   at +0.12 -0.03 +0.85 m``, or nothing without a camera."""
    if math.isnan(translation_m[0]):
        return ""
    return "   at " + " ".join(f"{value:+.2f}" for value in translation_m) + " m"


def _angle_text(angle_deg: float, std_deg: float) -> str:
    """``+12.3°``, and ``±3.1`` behind it when the model says how sure it is."""
    return f"{angle_deg:+.1f}°" if math.isnan(std_deg) else f"{angle_deg:+.1f}° ±{std_deg:.1f}"
