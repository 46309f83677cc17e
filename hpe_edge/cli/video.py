"""``hpe-edge video``: the head poses in a video, a folder of images, a camera or a stream."""

from __future__ import annotations

import argparse
import json
import os
import sys
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpe_edge.cli.pipeline import (
    add_model_options,
    add_smoothing_option,
    open_pose,
    progress_bar,
    smoothing_of,
    source_of,
)
from hpe_edge.errors import InvalidArgumentError

if TYPE_CHECKING:
    from hpe_edge.estimator import HeadPose
    from hpe_edge.results import HeadPoses
    from hpe_edge.sources import Frame, Source, SourceEvent, Stream
    from hpe_edge.video import Sink, Summary

_CODES = {"truncated": 2, "lost": 2, "interrupted": 130}

_EPILOG = """\
examples:
  hpe-edge video interview.mp4 --out annotated.mp4
  hpe-edge video 0 --jsonl - | python my_robot.py
  hpe-edge video rtsp://10.0.0.7/door --csv door.csv --give-up 600
  hpe-edge video frames/ --fps 25 --csv poses.csv --json

SOURCE is a video file, a folder of images, the number of a camera (0, 1, ...), its device (/dev/video0) or an
address (rtsp://, http://, ...). Of a camera or a live stream the newest frame is taken and others are dropped
rather than lagging behind; when it vanishes it is opened again, with growing waits, until --give-up.

--csv and --jsonl have one row a face, written frame by frame; "-" is standard output. --out is written as
NAME.part.mp4 and gets its name when it is whole.

Exit codes: 0 done; 2 bad input, a file that is cut off, or a camera that is lost for good; 130 Ctrl-C. In the
last three cases what came until then is kept, and the summary says what happened.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "video",
        help="follow the heads in a video, a camera or a stream",
        description="Follow the faces of a video, a camera or a stream and estimate yaw, pitch and roll of each.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="SOURCE", help="video, folder of images, camera number or address")
    parser.add_argument("--out", metavar="MP4", help="write the video with the poses drawn on it")
    parser.add_argument(
        "--style", default="axes", choices=("axes", "cube", "head"), help="what --out draws [%(default)s]"
    )
    parser.add_argument("--csv", metavar="F", help="write a table, one row a face")
    parser.add_argument("--jsonl", metavar="F", help="write JSON lines, one a face")
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there already")
    add_model_options(parser)
    parser.add_argument("--detector", default="auto", metavar="D", help="face detector [%(default)s]")
    add_smoothing_option(parser)
    parser.add_argument("--max-frames", type=_count, metavar="N", help="stop after N frames")
    parser.add_argument("--fps", type=float, default=30.0, metavar="N", help="of a folder of images [%(default)g]")
    parser.add_argument(
        "--give-up", type=float, default=60.0, metavar="S", help="seconds without a frame of a camera [%(default)g]"
    )
    parser.add_argument("--json", action="store_true", help="print the summary as one JSON object")
    parser.add_argument("--quiet", action="store_true", help="no progress, no events, no summary")
    parser.set_defaults(func=run)


def run(options: argparse.Namespace) -> int:
    """Read, estimate, write, sum up."""
    _hush_opencv()
    from hpe_edge.sources import RetryPolicy, open_source
    from hpe_edge.video import run_video

    _check_targets(options)
    pose = open_pose(options, detector=options.detector)
    progress = _Progress(options.quiet)
    source = open_source(
        source_of(options.source),
        fps=options.fps,
        policy=RetryPolicy(give_up_s=options.give_up),
        on_event=progress.tell,
    )
    with _stream(pose, source, smoothing_of(options)) as stream, closing(progress):
        sinks = _sinks(options, source)
        progress.begin(_least(source.frame_count, options.max_frames))
        summary = run_video(stream, sinks, max_frames=options.max_frames, on_frame=progress.count)
    _report(options, pose, source.name, summary)
    return _CODES.get(summary.ending, 0)


def _count(text: str) -> int:
    """A whole number from 1 up."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number >= 1, got {text!r}")
    return value


def _hush_opencv() -> None:
    """OpenCV and FFmpeg write to stderr on their own what our messages say better."""
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")


def _check_targets(options: argparse.Namespace) -> None:
    """Before the camera or the network is opened: each file to write is another one, and may be written."""
    from hpe_edge.video.rows import STDOUT, check_target

    taken = {Path(options.source).resolve(): "SOURCE"}
    for name in ("out", "csv", "jsonl"):
        target = getattr(options, name)
        if target is None:
            continue
        path = Path(target).resolve()
        if path in taken:
            raise InvalidArgumentError(f"--{name}: expected another file than {taken[path]}, got {target!r} for both")
        taken[path] = f"--{name}"
        if target != STDOUT:
            check_target(Path(target), options.overwrite)


def _stream(pose: HeadPose, source: Source, smoothing: str | None) -> Stream[HeadPoses]:
    """The stream; the source does not stay open when the options are wrong."""
    try:
        return pose.stream(source, smoothing=smoothing)
    except BaseException:
        source.close()
        raise


def _sinks(options: argparse.Namespace, source: Source) -> list[Sink]:
    from hpe_edge.video import CsvSink, JsonlSink, Mp4Sink

    sinks: list[Sink] = []
    if options.out is not None:
        from hpe_edge.draw import draw_poses

        draw = partial(draw_poses, style=options.style, labels=True, boxes=True)
        sinks.append(Mp4Sink(options.out, draw, source.fps, overwrite=options.overwrite))
    if options.csv is not None:
        sinks.append(CsvSink(options.csv, overwrite=options.overwrite))
    if options.jsonl is not None:
        sinks.append(JsonlSink(options.jsonl, overwrite=options.overwrite))
    return sinks


class _Progress:
    """A bar on stderr where tqdm is installed and someone is looking; events on lines of their own."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Any = None

    def begin(self, total: int | None) -> None:
        """Show the bar, of so many frames if that is known."""
        self._bar = progress_bar(total, " frames", quiet=self._quiet)

    def count(self, frame: Frame, poses: HeadPoses) -> None:
        """One frame more."""
        if self._bar is not None:
            self._bar.set_postfix_str(f"{len(poses)} faces", refresh=False)
            self._bar.update()

    def tell(self, event: SourceEvent) -> None:
        """An event, as it happens; that a file is cut off is said at the end."""
        if self._quiet or event.kind == "truncated":
            return
        line = f"hpe-edge: {event.message}"
        if self._bar is None:
            print(line, file=sys.stderr)
        else:
            self._bar.write(line, file=sys.stderr)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()


def _least(*counts: int | None) -> int | None:
    return min((count for count in counts if count is not None), default=None)


def _report(options: argparse.Namespace, pose: HeadPose, name: str, summary: Summary) -> None:
    """The summary, on stderr where standard output has the rows; and why it is not all, also when quiet."""
    from hpe_edge.video.rows import STDOUT

    stream = sys.stderr if STDOUT in (options.csv, options.jsonl) else sys.stdout
    if options.json:
        files = {key: getattr(options, key) for key in ("out", "csv", "jsonl")}
        data = {"source": name, **files, **summary.as_dict(), "info": pose.info.as_dict()}
        print(json.dumps(data, indent=2), file=stream)
    elif not options.quiet:
        print(_as_text(options, pose, name, summary), file=stream)
    if summary.problem is not None:
        print(f"hpe-edge: error: {summary.problem}", file=sys.stderr)
    elif summary.ending == "interrupted":
        print("hpe-edge: interrupted; what was written is kept", file=sys.stderr)


def _as_text(options: argparse.Namespace, pose: HeadPose, name: str, summary: Summary) -> str:
    from hpe_edge.video.rows import STDOUT

    dropped = f", {summary.dropped} dropped" if summary.dropped else ""
    lines = [
        f"{name}: {summary.frames} frames ({summary.span_s:.1f} s){dropped}, {summary.faces} faces",
        f"{summary.fps:.1f} frames/s in {summary.elapsed_s:.1f} s",
    ]
    if summary.latency_p50_ms is not None:
        lines[1] += f"; poses of a frame p50 {summary.latency_p50_ms:.2f} ms, p99 {summary.latency_p99_ms:.2f} ms"
    written = [target for target in (options.out, options.csv, options.jsonl) if target not in (None, STDOUT)]
    if written and summary.frames:
        lines.append(f"written: {', '.join(written)}")
    info = pose.info
    lines.append(
        f"{info.model} {info.model_version} on {info.backend} ({info.provider}), {info.precision}, "
        f"core {info.instruction_set}, detector {info.detector}, smoothing {options.smoothing}"
    )
    return "\n".join(lines)
