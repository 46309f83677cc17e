"""Live sources, with cameras that are slow, unplugged, stuck, or change their size."""

from __future__ import annotations

import gc
import http.server
import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from fake_captures import FakeCapture, Opener, picture, threads

from hpe_edge.errors import InvalidArgumentError, SourceError
from hpe_edge.sources import RetryPolicy, Source, SourceEvent, open_source
from hpe_edge.sources.live import LiveSource

QUICK = RetryPolicy(open_s=2.0, stall_s=0.1, give_up_s=0.4, first_wait_s=0.01, longest_wait_s=0.05, close_s=0.2)
PATIENT = RetryPolicy(open_s=5.0, stall_s=5.0, give_up_s=20.0, first_wait_s=0.01, longest_wait_s=0.05, close_s=5.0)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    assert threads() == []
    yield
    _eventually(lambda: threads() == [])


def _eventually(true: Callable[[], object], within_s: float = 5.0) -> None:
    until_s = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < until_s, "did not happen in time"
        time.sleep(0.002)


class Camera:
    """Images that a test sends one by one; the capture waits for them, as a driver does."""

    def __init__(self, opened: int = 1) -> None:
        self._sent = threading.Semaphore(0)
        self._items: list[Any] = []
        self.opener = Opener(*(FakeCapture(self._steps(), fps=30.0) for _ in range(opened)))

    def send(self, *items: Any) -> None:
        """Images; ``None`` makes the read fail."""
        self._items += items
        for _ in items:
            self._sent.release()

    def _steps(self) -> Iterator[Any]:
        while True:
            self._sent.acquire()
            yield self._items.pop(0)

    def open(self, policy: RetryPolicy = PATIENT, **options: Any) -> LiveSource:
        """With a first image, of value 0."""
        self.send(picture(0))
        source = open_source(0, open_capture=self.opener, policy=policy, **options)
        assert isinstance(source, LiveSource)
        return source

    def unplug(self) -> None:
        """Let a thread that waits in ``read`` go."""
        self.send(None)


def _value(image: np.ndarray[Any, Any]) -> int:
    return int(image[0, 0, 0])


def test_a_camera_gives_its_frames() -> None:
    camera = Camera()
    with camera.open() as source:
        assert isinstance(source, Source) and source.live and source.name == "camera 0"
        assert (source.fps, source.size, source.frame_count) == (30.0, (64, 48), None)
        frames = iter(source)
        first = next(frames)
        assert (first.index, first.time_s, _value(first.image)) == (0, 0.0, 0)
        camera.send(picture(1))
        second = next(frames)
        assert (second.index, _value(second.image)) == (1, 1) and 0 < second.time_s < 5
        camera.unplug()
    assert source.dropped == 0 and camera.opener.opened[0].released


def test_a_slow_loop_gets_the_newest_frame_and_the_rest_is_counted() -> None:
    camera = Camera()
    with camera.open() as source:
        frames = iter(source)
        next(frames)
        camera.send(*(picture(value) for value in range(1, 8)))
        _eventually(lambda: source.dropped == 6)
        newest = next(frames)
        assert (newest.index, _value(newest.image)) == (7, 7)
        assert source.dropped == 6
        camera.unplug()


def test_the_first_frame_is_not_kept_for_a_loop_that_begins_late() -> None:
    camera = Camera()
    with camera.open() as source:
        camera.send(picture(1), picture(2))
        _eventually(lambda: source.dropped == 2)
        assert next(iter(source)).index == 2
        camera.unplug()


def test_an_unplugged_camera_is_opened_again() -> None:
    heard: list[SourceEvent] = []
    camera = Camera(opened=3)
    with camera.open(on_event=heard.append) as source:
        frames = iter(source)
        next(frames)
        camera.send(None, None, picture(5))  # the second capture fails at once, the third works
        assert _value(next(frames).image) == 5
        assert [event.kind for event in source.events] == ["lost", "back"] and heard == list(source.events)
        assert [capture.released for capture in camera.opener.opened] == [True, True, False]
        camera.unplug()


def test_a_camera_that_stays_away_is_given_up() -> None:
    camera = Camera()
    with camera.open(QUICK) as source:
        camera.unplug()
        with pytest.raises(SourceError, match=r"camera 0: no picture for 0\.\d s, given up; check the cable"):
            list(source)
        kinds = [event.kind for event in source.events]
    assert sorted(kinds) == ["lost", "stalled"]
    assert 3 < len(camera.opener.opened) < 40, "attempts, with waits between them"


def test_waits_grow_to_a_limit() -> None:
    waits = RetryPolicy(first_wait_s=0.5, longest_wait_s=8).waits()
    assert [next(waits) for _ in range(7)] == [0.5, 1, 2, 4, 8, 8, 8]


def test_a_camera_that_opens_but_gives_nothing_more_is_given_up_too() -> None:
    """Every attempt opens, no attempt reads: the limit counts pictures, not openings."""
    opener = Opener(FakeCapture([picture()]), *(FakeCapture([None]) for _ in range(1000)))
    with open_source(0, open_capture=opener, policy=QUICK) as source, pytest.raises(SourceError, match="given up"):
        list(source)


def test_a_driver_that_hangs_is_stalled_then_given_up_and_its_thread_ends_later() -> None:
    camera = Camera()
    source = camera.open(QUICK)
    with pytest.raises(SourceError, match="given up"):
        list(source)
    assert [event.kind for event in source.events] == ["stalled", "stuck"]
    assert len(threads()) == 1 and not camera.opener.opened[0].released, "never released under a read"
    camera.unplug()
    _eventually(lambda: camera.opener.opened[0].released)


def test_a_pause_that_ends_in_time_is_only_an_event() -> None:
    camera = Camera()
    policy = RetryPolicy(stall_s=0.05, give_up_s=20.0)
    with camera.open(policy) as source:
        frames = iter(source)
        next(frames)
        timer = threading.Timer(0.2, lambda: camera.send(picture(9)))
        timer.start()
        assert _value(next(frames).image) == 9
        assert [event.kind for event in source.events] == ["stalled"]
        camera.unplug()
        timer.join()


def test_a_loop_that_is_slower_than_the_limit_is_no_reason_to_give_up() -> None:
    camera = Camera()
    with camera.open(QUICK) as source:
        frames = iter(source)
        next(frames)
        camera.send(picture(1))
        time.sleep(1.5 * QUICK.give_up_s)
        assert _value(next(frames).image) == 1
        camera.unplug()


def test_no_camera_of_this_number() -> None:
    with pytest.raises(SourceError, match="camera 9: expected a camera that gives pictures, found none") as caught:
        open_source(9, open_capture=Opener())
    assert "/dev/video" in str(caught.value) or "plugged in" in str(caught.value)


def test_a_camera_that_never_gives_a_picture() -> None:
    with pytest.raises(SourceError, match="expected a camera that gives pictures"):
        open_source(0, open_capture=Opener(FakeCapture([None])))


def test_a_stream_that_does_not_answer_is_waited_for_only_so_long() -> None:
    camera = Camera()
    policy = RetryPolicy(open_s=0.05, close_s=0.05)
    with pytest.raises(SourceError, match=r"rtsp://host/x: expected a picture within 0\.05 s"):
        open_source("rtsp://a:b@host/x", open_capture=camera.opener, policy=policy)
    camera.unplug()


def test_the_size_may_change() -> None:
    camera = Camera()
    with camera.open() as source:
        frames = iter(source)
        next(frames)
        camera.send(picture(1, (128, 96)))
        assert next(frames).image.shape == (96, 128, 3) and source.size == (128, 96)
        assert [event.kind for event in source.events] == ["resized"]
        camera.unplug()


def test_closing_from_another_thread_ends_a_loop_that_waits() -> None:
    camera = Camera()
    source = camera.open(QUICK)
    frames = iter(source)
    next(frames)
    timer = threading.Timer(0.05, source.close)
    timer.start()
    assert list(frames) == []
    timer.join()
    source.close()
    camera.unplug()


def test_a_source_that_nobody_holds_is_closed() -> None:
    camera = Camera()
    source = camera.open(QUICK)
    del source
    gc.collect()
    camera.unplug()
    _eventually(lambda: camera.opener.opened[0].released)


def test_an_error_of_a_callback_reaches_the_loop() -> None:
    def callback(event: SourceEvent) -> None:
        raise ZeroDivisionError(event.kind)

    camera = Camera()
    with camera.open(on_event=callback) as source:
        frames = iter(source)
        next(frames)
        camera.unplug()
        with pytest.raises(ZeroDivisionError, match="lost"):
            next(frames)


def test_a_callback_may_close_the_source() -> None:
    camera = Camera()
    box: list[LiveSource] = []
    box.append(camera.open(on_event=lambda _: box[0].close()))
    frames = iter(box[0])
    next(frames)
    camera.unplug()
    assert list(frames) == []


def test_policies_are_checked() -> None:
    for value in (0.0, -1.0, math.nan):
        with pytest.raises(InvalidArgumentError, match=r"RetryPolicy.stall_s: expected seconds above 0"):
            RetryPolicy(stall_s=value)
    assert RetryPolicy(give_up_s=math.inf).give_up_s == math.inf


def test_waiting_for_ever_is_possible() -> None:
    camera = Camera()
    with camera.open(RetryPolicy(give_up_s=math.inf, stall_s=math.inf)) as source:
        frames = iter(source)
        next(frames)
        timer = threading.Timer(0.05, lambda: camera.send(picture(3)))
        timer.start()
        assert _value(next(frames).image) == 3
        camera.unplug()
        timer.join()


class _Mjpeg(http.server.BaseHTTPRequestHandler):
    """Three pictures as an IP camera sends them, then the connection ends."""

    def do_GET(self) -> None:
        import cv2

        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for value in range(0, 240, 6):
            data = cv2.imencode(".jpg", picture(value))[1].tobytes()
            self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + data + b"\r\n")
            time.sleep(0.005)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: tests are quiet."""


def test_an_http_camera_is_live_and_opened_again_when_its_connection_ends() -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Mjpeg)
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        with open_source(f"http://127.0.0.1:{server.server_port}/cam.mjpg", policy=PATIENT) as source:
            assert source.live and source.size == (64, 48)
            frames = iter(source)
            while not any(event.kind == "back" for event in source.events):
                assert next(frames).image.shape == (48, 64, 3)
            next(frames)
    finally:
        server.shutdown()
        server.server_close()
        serving.join()
