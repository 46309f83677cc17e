"""``hpe-edge ros-node``: images of a ROS 2 topic in, head poses out; no ROS install is needed."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from hpe_edge.cli.pipeline import add_model_options, add_smoothing_option, open_pose, smoothing_of
from hpe_edge.errors import InvalidArgumentError

if TYPE_CHECKING:
    from hpe_edge.ros.node import Node, Report

_EPILOG = """\
examples:
  hpe-edge ros-node --image-topic /camera/image_raw
  hpe-edge ros-node --image-topic /camera/image_rect --rectified --head-axes body
  hpe-edge ros-node --image-topic /webcam/image_raw/compressed --no-camera-info

Reads sensor_msgs/Image (CompressedImage if the topic's name ends in /compressed) and CameraInfo. Writes, for every
image, with its stamp and frame_id:
  PREFIX/poses        geometry_msgs/PoseArray, all heads; empty when nobody is there
  PREFIX/nearest      geometry_msgs/PoseWithCovarianceStamped, the nearest head
  PREFIX/orientation  geometry_msgs/QuaternionStamped, the nearest head
  /diagnostics        diagnostic_msgs/DiagnosticArray, once a second
Without a camera info there is no place, and only orientation is written. The newest image wins: what comes while
another is worked on is dropped and counted. docs/ROBOTS.md has frames, covariance and quality of service.

Ctrl-C or SIGTERM ends. Exit codes: 0 ended, 2 bad input.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "ros-node",
        help="images of a ROS 2 topic in, head poses out, without a ROS install",
        description="Follow the heads in a ROS 2 image topic; speaks DDS itself and needs no ROS install.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--image-topic", required=True, metavar="T", help="such as /camera/image_raw")
    add_camera_info_options(parser)
    parser.add_argument("--domain", type=int, metavar="N", help="ROS domain [$ROS_DOMAIN_ID, else 0]")
    parser.add_argument(
        "--reliable", action="store_true", help="have lost images sent again; for reliable publishers only"
    )
    add_naming_options(parser)
    add_model_options(parser)
    parser.add_argument("--detector", default="auto", metavar="D", help="face detector [%(default)s]")
    add_smoothing_option(parser)
    parser.add_argument("--max-images", type=int, metavar="N", help="stop after N images")
    parser.add_argument("--json", action="store_true", help="each diagnosis as a JSON line")
    parser.add_argument("--quiet", action="store_true", help="print nothing")
    parser.set_defaults(func=run)


def add_camera_info_options(parser: argparse.ArgumentParser) -> None:
    """``--camera-info-topic``, ``--no-camera-info``, ``--rectified``; shared with ``hpe-edge bag``."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--camera-info-topic", metavar="T", help="[camera_info beside the image topic]")
    which.add_argument("--no-camera-info", action="store_true", help="no camera: rotations only, no places")
    parser.add_argument("--rectified", action="store_true", help="the images are rectified (image_rect)")


def add_naming_options(parser: argparse.ArgumentParser) -> None:
    """``--prefix``, ``--frame-id``, ``--head-axes``; shared with ``hpe-edge bag``."""
    parser.add_argument("--prefix", default="/head_pose", metavar="P", help="of the topics written [%(default)s]")
    parser.add_argument("--frame-id", default="", metavar="F", help="in place of the images' frame_id")
    parser.add_argument(
        "--head-axes",
        default="optical",
        choices=("optical", "body"),
        help="optical: a face that looks into the camera is the identity; body: x out of the face [%(default)s]",
    )


def run(options: argparse.Namespace) -> int:
    """Work until Ctrl-C."""
    if options.max_images is not None and options.max_images < 1:
        raise InvalidArgumentError(f"--max-images: expected a whole number >= 1, got {options.max_images}")
    node = _node(options)
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: node.stop())
    if not options.quiet and not options.json:
        print(f"hpe-edge: {options.image_topic} -> {options.prefix}/...   (Ctrl-C ends)", file=sys.stderr)
    report = node.run() if options.max_images is None else node.run(max_images=options.max_images)
    if not options.quiet and not options.json:
        values = report.values
        print(f"{values['images']} images, {values['dropped']} dropped, {values['bad']} bad")
    return 0


def _node(options: argparse.Namespace) -> Node:
    from hpe_edge.ros.dds import Participant
    from hpe_edge.ros.follow import Follower, Naming, camera_info_topic
    from hpe_edge.ros.messages import message_type
    from hpe_edge.ros.node import Node, Topics

    info = options.camera_info_topic or camera_info_topic(options.image_topic)
    topics = Topics(options.image_topic, None if options.no_camera_info else info, options.prefix)
    participant = Participant(_domain(options.domain))
    follower = Follower(
        lambda camera: open_pose(options, detector=options.detector, camera=camera),
        message_type,
        Naming(options.head_axes, options.frame_id),
        rectified=options.rectified,
        smoothing=smoothing_of(options),
    )
    return Node(participant, follower, topics, reliable=options.reliable, on_report=_Teller(options))


def _domain(given: int | None) -> int:
    text = os.environ.get("ROS_DOMAIN_ID", "0") if given is None else str(given)
    try:
        return int(text)
    except ValueError:
        raise InvalidArgumentError(f"ROS_DOMAIN_ID: expected a whole number, got {text!r}") from None


class _Teller:
    """Each report as a JSON line; for people only what changed."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._quiet, self._json = options.quiet, options.json
        self._told = (0, "")

    def __call__(self, report: Report) -> None:
        if self._quiet:
            return
        if self._json:
            print(json.dumps({"level": report.level, "message": report.message} | report.values), flush=True)
        elif (report.level, report.message) != self._told:
            print(f"hpe-edge: {report.message}", file=sys.stderr)
        self._told = (report.level, report.message)
