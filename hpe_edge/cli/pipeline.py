"""What commands share: options of what estimates, where frames come from, how poses are smoothed; progress bars."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hpe_edge.estimator import HeadPose

Arguments = Any  # argparse's parsers and groups share no public base


def add_model_options(parser: Arguments) -> None:
    """``--model``, ``--backend``, ``--precision``, ``--threads``."""
    parser.add_argument("--model", default="fsanet", metavar="M", help="model name or card.json [%(default)s]")
    parser.add_argument(
        "--backend", default="auto", metavar="B", help="backend, or backend:device as onnxruntime:cuda [%(default)s]"
    )
    parser.add_argument(
        "--precision",
        default="auto",
        choices=("auto", "fp32", "int8", "fp16", "bf16"),
        help="arithmetic of the network [%(default)s]",
    )
    parser.add_argument("--threads", default=1, type=int, metavar="N", help="threads of the network [1]")


def add_smoothing_option(parser: Arguments) -> None:
    """``--smoothing``, read by :func:`smoothing_of`."""
    parser.add_argument(
        "--smoothing", default="one-euro", choices=("one-euro", "kalman", "none"), help="of the poses [%(default)s]"
    )


def open_pose(options: argparse.Namespace, **more: Any) -> HeadPose:
    """The estimator of :func:`add_model_options`, with ``more`` arguments."""
    from hpe_edge.estimator import HeadPose

    return HeadPose(
        options.model, backend=options.backend, precision=options.precision, threads=options.threads, **more
    )


def smoothing_of(options: argparse.Namespace) -> str | None:
    """What a tracker takes."""
    return None if options.smoothing == "none" else str(options.smoothing)


def source_of(text: str) -> str | int:
    """``0`` is a camera, unless there is a file of this name."""
    return int(text) if text.isdecimal() and not Path(text).exists() else text


def hush_opencv() -> None:
    """OpenCV and FFmpeg write to stderr on their own what our messages say better."""
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")


def open_bar(quiet: bool, **options: Any) -> Any:
    """A bar on stderr where tqdm is installed and someone is looking; else ``None``."""
    if quiet:
        return None
    try:
        from tqdm import tqdm
    except ModuleNotFoundError:
        return None
    return tqdm(disable=None, leave=False, **options)
