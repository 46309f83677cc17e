"""A video in; its poses out, as an annotated video, as rows, and as a summary."""

from __future__ import annotations

from hpe_edge.video.loop import Sink, Summary, run_video
from hpe_edge.video.mp4 import Mp4Sink
from hpe_edge.video.rows import CsvSink, JsonlSink

__all__ = ["CsvSink", "JsonlSink", "Mp4Sink", "Sink", "Summary", "run_video"]
