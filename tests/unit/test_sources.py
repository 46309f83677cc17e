"""Sources that wait: files, folders, iterables; and everything that is no source."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_captures import FakeCapture, Opener, cut, picture, write_video
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hpe_edge.errors import InvalidArgumentError, InvalidImageError, MissingDependencyError, SourceError
from hpe_edge.images import write_image
from hpe_edge.sources import Frame, Source, SourceEvent, open_source
from hpe_edge.sources.base import EVENTS_KEPT, EventLog
from hpe_edge.sources.capture import describe_cameras, public_name
from hpe_edge.sources.pictures import _natural
from hpe_edge.sources.video_file import VideoFile


def _refused(source: Any, *words: str, **options: Any) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(source, **options)
    for word in words:
        assert word in str(caught.value)


# Video files


def test_a_video_gives_all_frames_with_the_times_of_the_file(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", count=10, fps=20.0)
    with open_source(path) as source:
        assert isinstance(source, Source) and not source.live
        assert (source.fps, source.frame_count, source.size, source.name) == (20.0, 10, (64, 48), str(path))
        frames = list(source)
    assert [frame.index for frame in frames] == list(range(10))
    assert [frame.time_s for frame in frames] == pytest.approx([index / 20 for index in range(10)])
    assert frames[0].image.shape == (48, 64, 3) and frames[0].image.dtype == np.uint8
    assert source.events == () and source.dropped == 0
    assert list(source) == [], "a source is read once"


@pytest.mark.parametrize("ending", [".avi", ".mkv"])
def test_a_truncated_video_gives_what_can_be_read_and_says_so(tmp_path: Path, ending: str) -> None:
    heard: list[SourceEvent] = []
    path = cut(write_video(tmp_path / f"clip{ending}", count=200))
    with open_source(path, on_event=heard.append) as source:
        count = sum(1 for _ in source)
    assert 20 < count < 190
    (event,) = source.events
    assert heard == [event] and event.kind == "truncated" and event.frame_index == count
    assert f"expected about 200 frames (8.0 s), could read {count}" in event.message
    assert list(source) == [] and len(source.events) == 1, "said once"


def test_a_whole_video_in_each_container_is_not_called_truncated(tmp_path: Path) -> None:
    for ending in (".mp4", ".avi", ".mkv"):
        source = open_source(write_video(tmp_path / f"clip{ending}", count=61))
        assert sum(1 for _ in source) == 61 and source.events == ()


def test_closing_early_is_no_truncation(tmp_path: Path) -> None:
    source = open_source(write_video(tmp_path / "clip.mp4"))
    next(iter(source))
    source.close()
    source.close()
    assert list(source) == [] and source.events == ()


def test_an_mp4_that_was_cut_off_has_no_index(tmp_path: Path) -> None:
    _refused(cut(write_video(tmp_path / "clip.mp4")), "cut_clip.mp4", "index is missing", "repair")


def test_what_is_no_video_is_refused_by_what_it_is(tmp_path: Path) -> None:
    text, empty, noise = tmp_path / "notes.mp4", tmp_path / "empty.mp4", tmp_path / "noise.mp4"
    text.write_text("Dear diary, no video today")
    empty.touch()
    noise.write_bytes(bytes(range(128, 256)) * 9)
    _refused(text, "notes.mp4", "expected a video", "text file that begins with 'Dear diary,")
    _refused(empty, "an empty file")
    _refused(noise, "80 81 82", "ffmpeg")
    _refused(tmp_path / "none.mp4", "none.mp4", "no such file", "camera's number")
    _refused("none.mp4", "no such file")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    _refused(tmp_path / "pipe", "got none of them")


def test_a_video_without_a_readable_frame_is_refused_and_released() -> None:
    capture = FakeCapture([None], frame_count=20)
    with pytest.raises(SourceError, match="without a frame that can be read"):
        VideoFile("clip.mkv", capture)
    assert capture.released


def test_without_opencv_the_message_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_video(tmp_path / "clip.mp4", count=2)
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'hpe-edge\[video\]'"):
        open_source(path)


def test_frames_of_another_size_in_mid_stream_are_given_and_told() -> None:
    small, large = picture(1), picture(2, (128, 96))
    source = VideoFile("clip.ts", FakeCapture([small, large, large, small], frame_count=4))
    assert source.size == (64, 48)
    assert [frame.image.shape[1] for frame in source] == [64, 128, 128, 64]
    assert [(event.kind, event.frame_index) for event in source.events] == [("resized", 1), ("resized", 3)]
    assert "128x96 from here on, not 64x48" in source.events[0].message


@given(st.lists(st.floats(-1e4, 1e6) | st.just(math.nan), min_size=1, max_size=20), st.sampled_from([0.0, 25.0, 9e4]))
def test_times_begin_at_zero_and_rise_whatever_the_container_says(stamps_ms: list[float], fps: float) -> None:
    capture = FakeCapture([picture()] * len(stamps_ms), fps=fps)
    capture.stamps_ms = stamps_ms
    times = [frame.time_s for frame in VideoFile("clip", capture)]
    assert times[0] == 0.0 and len(times) == len(stamps_ms)
    assert all(after > before for before, after in pairwise(times))


@pytest.mark.parametrize(
    ("read", "promised", "truncated"),
    [(100, 100, False), (98, 100, False), (97, 100, False), (90, 100, True), (10, 100, True), (990, 1000, False)],
)
def test_when_a_video_is_called_truncated(read: int, promised: int, truncated: bool) -> None:
    source = VideoFile("clip", FakeCapture([picture()] * read, frame_count=promised))
    assert sum(1 for _ in source) == read
    assert bool(source.events) is truncated


def test_a_variable_frame_rate_is_no_truncation() -> None:
    """A container that counts duration times frame rate expects more frames; the last stamp says that all came."""
    capture = FakeCapture([picture()] * 20, fps=30.0, frame_count=300)
    capture.stamps_ms = [500.0 * index for index in range(20)]
    source = VideoFile("screen.webm", capture)
    assert len(list(source)) == 20 and source.events == ()


# Addresses


def test_a_finite_video_behind_http_is_no_live_source() -> None:
    opener = Opener(FakeCapture([picture(index) for index in range(5)], frame_count=5))
    with open_source("https://user:secret@host/clip.mp4", open_capture=opener) as source:
        assert not source.live and source.name == "https://host/clip.mp4" and len(list(source)) == 5
    assert opener.opened[0].released


def test_an_address_that_cannot_be_reached_hides_the_password() -> None:
    for url in ("http://me:secret@host/cam", "rtsp://me:secret@host/cam"):
        with pytest.raises(SourceError, match="host/cam: expected a video stream") as caught:
            open_source(url, open_capture=Opener())
        assert "secret" not in str(caught.value)
    assert public_name(3) == "camera 3"


# Images


def test_a_folder_by_the_numbers_in_its_names(tmp_path: Path) -> None:
    for number in (10, 9, 1):
        write_image(tmp_path / f"view_{number}.png", picture(number))
    (tmp_path / "notes.txt").write_text("not an image, and not meant as one")
    with open_source(tmp_path, fps=10) as source:
        assert (source.frame_count, source.size, source.fps) == (3, (64, 48), 10)
        frames = list(source)
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [1, 9, 10]
    assert [frame.time_s for frame in frames] == [0.0, 0.1, 0.2]


@given(st.lists(st.from_regex(r"[a-c0-9]{0,6}", fullmatch=True)))
def test_natural_order_compares_any_names(names: list[str]) -> None:
    ordered = sorted(map(Path, names), key=_natural)
    assert sorted(map(str, ordered)) == sorted(str(Path(name)) for name in names)


def test_a_text_file_called_jpg_is_refused_where_it_comes(tmp_path: Path) -> None:
    write_image(tmp_path / "a.jpg", picture(1))
    (tmp_path / "b.jpg").write_text("no image")
    _refused(tmp_path / "b.jpg", "b.jpg", "text file")
    frames = iter(open_source(tmp_path))
    assert next(frames).index == 0
    with pytest.raises(SourceError, match=r"b\.jpg.*text file"):
        next(frames)


def test_one_image_is_a_video_of_one_frame_even_with_a_number_in_its_name(tmp_path: Path) -> None:
    for number in (1, 2):  # OpenCV's capture would take them for a sequence
        write_image(tmp_path / f"img_{number:03d}.png", picture(number))
    assert [int(frame.image[0, 0, 0]) for frame in open_source(tmp_path / "img_001.png")] == [1]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    _refused(tmp_path, "expected a folder of images", "found none")


def test_grey_and_16_bit_image_files_become_bgr8(tmp_path: Path) -> None:
    import cv2

    cv2.imwrite(str(tmp_path / "grey.png"), np.full((4, 6), 7, np.uint8))
    cv2.imwrite(str(tmp_path / "deep.png"), np.full((4, 6, 3), 7 << 8, np.uint16))
    for frame in open_source(tmp_path):
        assert frame.image.dtype == np.uint8 and frame.image.shape == (4, 6, 3) and (frame.image == 7).all()


# Iterables


def test_images_of_a_program() -> None:
    images = [picture(index) for index in range(3)]
    with open_source(images, fps=50) as source:
        frames = list(source)
    assert source.frame_count == 3 and [frame.time_s for frame in frames] == [0.0, 0.02, 0.04]
    assert all(frame.image is image for frame, image in zip(frames, images, strict=True)), "not copied"
    assert open_source(np.stack(images)).frame_count == 3
    assert open_source(iter(images)).frame_count is None


def test_frames_keep_their_time_and_must_go_forward() -> None:
    frames = [Frame(picture(), time_s, index) for index, time_s in enumerate((5.0, 7.5, 7.5))]
    given_back = iter(open_source(frames))
    assert (next(given_back).time_s, next(given_back).time_s) == (5.0, 7.5)
    with pytest.raises(SourceError, match=r"frames\[2\].time_s: expected more than .* 7.5"):
        next(given_back)


def test_other_pixel_formats_become_bgr8() -> None:
    rgb = np.zeros((4, 6, 3), np.uint8)
    rgb[..., 0] = 200
    (frame,) = open_source([rgb], pixel_format="rgb8")
    assert frame.image[0, 0].tolist() == [0, 0, 200]
    (frame,) = open_source([np.full((4, 6), 7, np.uint8)], pixel_format="mono8")
    assert frame.image.shape == (4, 6, 3) and (frame.image == 7).all()


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (np.zeros((4, 6), np.uint8), ["images[1]", "mono8"]),
        (np.zeros((4, 6, 3), np.uint16), ["images[1]", "uint16"]),
        (np.zeros((0, 6, 3), np.uint8), ["images[1]", "no pixels"]),
        ("photo.jpg", ["images[1]", "read_image"]),
        (Frame(np.zeros((4, 6), np.uint8), 1.0, 1), ["frames[1].image"]),
    ],
)
def test_items_that_are_no_images_are_named_by_number(item: Any, words: list[str]) -> None:
    frames = iter(open_source([picture(), item]))
    next(frames)
    with pytest.raises(InvalidImageError) as caught:
        next(frames)
    for word in words:
        assert word in str(caught.value)


def test_a_generator_is_closed_with_its_source() -> None:
    closed = []

    def images() -> Iterator[NDArray[np.uint8]]:
        try:
            while True:
                yield picture()
        finally:
            closed.append(True)

    with open_source(images()) as source:
        next(iter(source))
    assert closed == [True] and list(source) == []


def test_tiny_and_huge_images() -> None:
    sizes = [(1, 1), (7680, 4320)]
    source = open_source(picture(0, size) for size in sizes)
    assert [frame.image.shape[1::-1] for frame in source] == sizes and source.size == (7680, 4320)


# What is no source, and options that make no sense


@pytest.mark.parametrize("thing", [None, 3.5, True, b"clip.mp4", {"a": 1}])
def test_what_is_no_source_is_refused(thing: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="source: expected a path"):
        open_source(thing)


def test_one_image_is_no_video() -> None:
    with pytest.raises(InvalidArgumentError, match=r"several images.*pass \[image\]"):
        open_source(picture())
    assert open_source(np.zeros((2, 4, 6), np.uint8), pixel_format="mono8").frame_count == 2


def test_options_are_checked() -> None:
    for fps in (0, -1, math.inf, math.nan, "30"):
        with pytest.raises(InvalidArgumentError, match="fps: expected"):
            open_source([picture()], fps=fps)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="pixel_format"):
        open_source([picture()], pixel_format="nv12")
    _refused(-1, "camera's number from 0 up")


def test_a_source_is_given_back_as_it_is() -> None:
    source = open_source([picture()])
    assert open_source(source) is source


def test_cameras_are_described_by_what_the_system_shows() -> None:
    assert "/dev/video" in describe_cameras() or not sys.platform.startswith("linux")


def test_events_do_not_grow_without_end() -> None:
    log = EventLog(None)
    for index in range(3 * EVENTS_KEPT):
        log.add("lost", "gone", index)
    assert len(log.latest()) == EVENTS_KEPT and log.latest()[-1].frame_index == 3 * EVENTS_KEPT - 1
