"""A video in; an annotated video, a table and a summary out. The same as on the command line:

hpe-edge video clip.mp4 --out annotated.mp4 --csv poses.csv

python examples/video_file.py
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from skimage.data import astronaut

from hpe_edge import HeadPose, draw_axes
from hpe_edge.sources import open_source
from hpe_edge.video import CsvSink, Mp4Sink, run_video

FACE = (225.0, 132.0)


def make_clip(path: Path, count: int = 50) -> None:
    """The portrait rolls 15 degrees to each side around the middle of the face."""
    portrait = np.ascontiguousarray(astronaut()[..., ::-1])
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25.0, (512, 512))
    for index in range(count):
        roll_deg = 15.0 * np.sin(2 * np.pi * index / count)
        turn = cv2.getRotationMatrix2D(FACE, -roll_deg, 1.0)
        writer.write(cv2.warpAffine(portrait, turn, (512, 512), borderMode=cv2.BORDER_REPLICATE))
    writer.release()


def main() -> None:
    clip = Path("clip.mp4")
    make_clip(clip)
    pose = HeadPose()

    # Frame by frame: the detector finds the faces and the tracker follows them.
    for frame, poses in pose.stream(clip):
        if frame.index % 10 == 0:
            print(f"{frame.time_s:4.1f} s: face {poses.ids[0]}, roll {poses[0].roll_deg:+5.1f}")

    # All of it into files; Ctrl-C would keep what was written.
    source = open_source(clip)
    sinks = [Mp4Sink("annotated.mp4", draw_axes, source.fps, overwrite=True), CsvSink("poses.csv", overwrite=True)]
    summary = run_video(pose.stream(source), sinks)
    print(f"{summary.frames} frames, {summary.fps:.0f} frames/s; wrote annotated.mp4 and poses.csv")


if __name__ == "__main__":
    main()
