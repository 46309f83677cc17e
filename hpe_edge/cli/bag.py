"""``hpe-edge bag``: a recorded bag in, the same with the head poses out."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpe_edge.cli.pipeline import add_model_options, add_smoothing_option, open_bar, open_pose, smoothing_of
from hpe_edge.cli.ros_node import add_camera_info_options, add_naming_options

if TYPE_CHECKING:
    from hpe_edge.ros.bag import BagOptions, BagSummary

_EPILOG = """\
examples:
  hpe-edge bag drive.bag drive_heads.bag
  hpe-edge bag rosbag2_2026_03_01/ heads/ --image-topic /front/image_raw
  hpe-edge bag run/ poses/ --poses-only --json

IN is a .bag file of ROS 1 or the folder of a ROS 2 bag (sqlite3 or mcap); OUT is of the same format and must not
exist. It holds all messages of IN, and for every image PREFIX/poses (PoseArray, all heads), PREFIX/nearest
(PoseWithCovarianceStamped) and PREFIX/orientation (QuaternionStamped) with the image's stamp and frame_id. Without a
camera info there is no place, and only orientation is written. docs/ROBOTS.md has frames and covariance.

Exit codes: 0 done; 2 bad input (OUT is then not written). Single images that cannot be used are counted and told.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "bag",
        help="add head poses to a recorded bag of ROS 1 or 2",
        description="Follow the heads in the images of a recorded bag and write a bag with their poses added.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="IN", help=".bag file (ROS 1) or bag's folder (ROS 2)")
    parser.add_argument("target", metavar="OUT", help="new bag of the same format")
    parser.add_argument("--image-topic", metavar="T", help="[the only one with images]")
    add_camera_info_options(parser)
    add_naming_options(parser)
    parser.add_argument("--poses-only", action="store_true", help="leave the messages of IN out")
    add_model_options(parser)
    parser.add_argument("--detector", default="auto", metavar="D", help="face detector [%(default)s]")
    add_smoothing_option(parser)
    parser.add_argument("--json", action="store_true", help="print the summary as one JSON object")
    parser.add_argument("--quiet", action="store_true", help="no progress, no summary")
    parser.set_defaults(func=run)


def run(options: argparse.Namespace) -> int:
    """Read, estimate, write, sum up."""
    from hpe_edge.ros.bag import add_poses

    with closing(_Progress(options.quiet)) as progress:
        summary = add_poses(
            Path(options.source),
            Path(options.target),
            lambda camera: open_pose(options, detector=options.detector, camera=camera),
            _options(options),
            on_start=progress.begin,
            on_image=progress.count,
        )
    if options.json:
        print(json.dumps({"source": options.source, "target": options.target, **summary.as_dict()}, indent=2))
    elif not options.quiet:
        print(_as_text(options, summary))
    if summary.bad:
        print(f"hpe-edge: {summary.bad} messages could not be used; the latest: {summary.problem}", file=sys.stderr)
    if summary.left_out:
        print(f"hpe-edge: not copied, of unknown types: {', '.join(summary.left_out)}", file=sys.stderr)
    return 0


def _options(options: argparse.Namespace) -> BagOptions:
    from hpe_edge.ros.bag import BagOptions
    from hpe_edge.ros.follow import Naming

    return BagOptions(
        image_topic=options.image_topic,
        camera_info_topic=options.camera_info_topic,
        use_camera=not options.no_camera_info,
        rectified=options.rectified,
        prefix=options.prefix,
        naming=Naming(options.head_axes, options.frame_id),
        poses_only=options.poses_only,
        tracker={"smoothing": smoothing_of(options)},
    )


class _Progress:
    """A bar on stderr where tqdm is installed and someone is looking."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Any = None

    def begin(self, total: int) -> None:
        """Show the bar, of so many images."""
        self._bar = open_bar(self._quiet, total=total, unit=" images")

    def count(self) -> None:
        """One image more."""
        if self._bar is not None:
            self._bar.update()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()


def _as_text(options: argparse.Namespace, summary: BagSummary) -> str:
    rate = summary.images / max(summary.elapsed_s, 1e-9)
    camera = summary.camera_info_topic or "no camera info: rotations only, no places"
    return (
        f"{options.source} ({summary.format}), {summary.image_topic}: {summary.images} images, {summary.faces} faces, "
        f"{rate:.1f} images/s\n"
        f"camera: {camera}\n"
        f"written: {options.target}: " + ", ".join(f"{topic} {count}" for topic, count in summary.written.items())
    )
