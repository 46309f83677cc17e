"""The parts of the live page that need no server: messages, pace, rates, slots, access."""

from __future__ import annotations

import asyncio
import json
import math
import threading

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpe_edge import HeadPoses
from hpe_edge._meter import Meter, percentile
from hpe_edge.errors import InvalidArgumentError
from hpe_edge.images import ImageArray
from hpe_edge.serve.access import Access, choose_token, is_loopback, own_names
from hpe_edge.serve.broadcast import IN_FLIGHT, Broadcast, Viewer
from hpe_edge.serve.feed import Feed, Limit
from hpe_edge.serve.messages import Message, encode_jpeg, faces_as_json, pack, unpack
from hpe_edge.sources import Frame, open_source

PICTURE = np.full((48, 64, 3), 128, np.uint8)


def _poses(count: int) -> HeadPoses:
    boxes = np.tile(np.array([8.0, 8.0, 40.0, 40.0], np.float32), (count, 1))
    return HeadPoses.from_euler(np.tile([30.0, -10.0, 5.0], (count, 1)), boxes)


class _Clock:
    """A clock that only waiting moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class _Stopped(threading.Event):
    """An event whose wait moves the clock."""

    def __init__(self, clock: _Clock) -> None:
        super().__init__()
        self._clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self._clock.now_s += timeout
        return self.is_set()


# messages


@given(
    st.dictionaries(st.text(max_size=5), st.integers() | st.none() | st.text(max_size=9), max_size=5),
    st.binary(max_size=50),
)
def test_a_packed_message_comes_back(header: dict[str, object], jpeg: bytes) -> None:
    assert unpack(pack(header, jpeg)) == (header, jpeg)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((480, 640), (480, 640)), ((2000, 1000), (100, 50)), ((1, 3000), (1, 100)), ((1, 1), (1, 1))],
)
def test_a_large_picture_is_made_smaller_and_a_small_one_stays(
    shape: tuple[int, int], expected: tuple[int, int]
) -> None:
    side = 640 if shape == expected else 100
    data = encode_jpeg(np.full((*shape, 3), 90, np.uint8), longest_side=side, quality=80)
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (*expected, 3) and abs(float(picture.mean()) - 90) < 2


def test_a_face_is_json_without_nan() -> None:
    (face,) = faces_as_json(_poses(1))
    assert face["euler_deg"] == [30.0, -10.0, 5.0] and face["id"] == 0
    assert face["std_deg"] == [None, None, None] and face["score"] is None
    np.testing.assert_allclose(face["rotation"], _poses(1).rotation.reshape(9), atol=1e-4)
    json.dumps(face, allow_nan=False)


def test_a_tracked_face_keeps_its_number() -> None:
    tracked = HeadPoses(
        np.zeros((2, 3)), np.ones((2, 3)), np.tile([0.0, 0, 9, 9], (2, 1)), np.ones(2), ids=np.array([7, -1])
    )
    assert [face["id"] for face in faces_as_json(tracked)] == [7, 1]


# pace


@given(st.lists(st.floats(0.001, 0.5), min_size=1, max_size=60), st.floats(1.0, 60.0))
def test_the_limit_holds_over_any_stretch(steps_s: list[float], fps: float) -> None:
    limit = Limit(fps)
    times_s = np.cumsum(steps_s)
    passed = [time_s for time_s in times_s if limit.passes(time_s)]
    assert passed[0] == times_s[0]
    for first in range(len(passed)):
        for last in range(first, len(passed)):
            # One frame more than the stretch is long, and the tenth of a period that jitter may take, twice.
            assert last - first <= (passed[last] - passed[first]) * fps + 0.2 + 1e-6 + (1 if last > first else 0)


def test_half_of_a_steady_camera_passes_half_the_rate() -> None:
    limit = Limit(15.0)
    times_s = np.arange(300) / 30 + np.random.default_rng(0).uniform(-0.002, 0.002, 300)
    assert sum(limit.passes(float(time_s)) for time_s in times_s) == pytest.approx(150, abs=2)


def test_a_gap_is_not_made_up_for() -> None:
    limit = Limit(10.0)
    assert [limit.passes(time_s) for time_s in (0.0, 0.02, 5.0, 5.02, 5.05, 5.1)] == [
        True,
        False,
        True,
        False,
        False,
        True,
    ]


def test_a_file_plays_at_its_own_speed() -> None:
    clock = _Clock()
    feed = Feed(open_source([PICTURE] * 4, fps=10), stopped=_Stopped(clock), clock=clock)
    seen = []
    for frame in feed:
        seen.append(round(clock.now_s - 100, 3))
        assert feed.read_at_s(frame) == clock.now_s
    assert seen == [0.0, 0.1, 0.2, 0.3]


def test_a_late_file_is_not_hurried_after() -> None:
    clock = _Clock()
    seen = []
    for _ in Feed(open_source([PICTURE] * 4, fps=10), stopped=_Stopped(clock), clock=clock):
        seen.append(round(clock.now_s - 100, 3))
        if len(seen) == 2:
            clock.now_s += 5.0
    assert seen == [0.0, 0.1, 5.1, 5.2]


def test_a_stop_ends_the_feed() -> None:
    stopped = threading.Event()
    seen = []
    for frame in Feed(open_source([PICTURE] * 4, fps=1000), stopped=stopped):
        seen.append(frame.index)
        stopped.set()
    assert seen == [0]


# rates


def test_rates_of_a_steady_stream() -> None:
    clock = _Clock()
    meter = Meter(clock)
    for latency_ms in range(1, 101):
        clock.now_s += 0.04
        meter.count(float(latency_ms), faces=2)
    said = meter.as_dict()
    assert said["fps"] == pytest.approx(25.0) and said["frames"] == 100 and said["faces"] == 2
    assert said["latency_ms"] == {"p50": 50.0, "p99": 99.0}


def test_a_stream_that_stopped_has_no_rate() -> None:
    clock = _Clock()
    meter = Meter(clock)
    meter.count(1.0, 0)
    clock.now_s += 10
    assert meter.as_dict()["fps"] == 0.0


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=200), st.integers(1, 100))
def test_percentiles_are_numpys(values: list[float], percent: int) -> None:
    expected = np.percentile(values, percent, method="inverted_cdf")
    assert percentile(values, percent) == pytest.approx(expected, abs=1e-3)


# slots


def _frame(serial: int) -> Message:
    return Message(serial, b"")


def test_a_viewer_gets_the_newest_frame_and_counts_the_others() -> None:
    async def run() -> None:
        viewer = Viewer()
        for serial in range(5):
            viewer.offer(_frame(serial))
        assert await viewer.take() == (None, _frame(4))
        assert viewer.dropped == 4 and viewer.sent == 1

    asyncio.run(run())


def test_a_viewer_that_shows_nothing_gets_no_more_than_is_in_flight() -> None:
    async def run() -> None:
        viewer = Viewer()
        for serial in range(IN_FLIGHT):
            viewer.offer(_frame(serial))
            await viewer.take()
        viewer.offer(_frame(9))
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(viewer.take(), 0.05)
        viewer.tell("status")  # which is small and goes through
        assert await viewer.take() == ("status", None)
        viewer.shown(IN_FLIGHT - 1)
        assert await viewer.take() == (None, _frame(9))
        assert viewer.shown_ms is not None

    asyncio.run(run())


def test_a_viewer_that_comes_gets_the_newest_frame_unless_it_is_old() -> None:
    async def run() -> None:
        broadcast = Broadcast(asyncio.get_running_loop())
        broadcast.publish(_frame(0))
        broadcast.publish(_frame(1))
        await asyncio.sleep(0)
        viewer = broadcast.join()
        assert await viewer.take() == (None, _frame(1))
        broadcast.leave(viewer)
        broadcast.forget()
        viewer = broadcast.join()
        viewer.tell("status")
        assert await viewer.take() == ("status", None) and broadcast.viewers_total == 2

    asyncio.run(run())


# access


def test_only_loopback_goes_without_a_token() -> None:
    assert choose_token("127.0.0.1", None) is None and choose_token("::1", None) is None
    first, second = choose_token("0.0.0.0", None), choose_token("192.168.1.4", None)
    assert first and second and first != second and len(first) >= 32
    assert choose_token("127.0.0.1", "long-enough") == "long-enough"
    assert not is_loopback("") and not is_loopback("example.org") and is_loopback("127.9.9.9")


@pytest.mark.parametrize("token", ["", "short", "with a space", "ümläute-und-mehr", "new\nline-in-it"])
def test_a_weak_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidArgumentError, match="token: expected at least 8"):
        choose_token("127.0.0.1", token)


@given(st.text(max_size=40))
def test_no_other_text_is_the_token(text: str) -> None:
    access = Access("the-one-token")
    assert not access.allows_token(text) and not access.allows_cookie(text)
    assert access.allows_token("the-one-token") and access.allows_cookie(access.cookie)
    assert access.cookie != Access("the-two-token").cookie


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:8765", "[::1]:8765", "10.1.2.3"])
def test_numbers_and_localhost_are_ours(host: str) -> None:
    assert Access().allows_host(host)


@pytest.mark.parametrize(
    "host", [None, "", "evil.example", "localhost.evil.example:8765", "127.0.0.1.nip.io", "[", "a b"]
)
def test_other_names_are_not(host: str | None) -> None:
    assert not Access(names=own_names()).allows_host(host)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:8766", "http://localhost", ""])
def test_other_origins_are_refused(origin: str) -> None:
    assert not Access().allows_origin(origin, "localhost:8765")
    assert Access().allows_origin("http://localhost:8765", "localhost:8765") and Access().allows_origin(None, "a")


def test_a_frame_that_did_not_come_from_the_feed_was_read_now() -> None:
    clock = _Clock()
    feed = Feed(open_source([PICTURE]), fps_limit=math.inf, stopped=threading.Event(), clock=clock)
    assert feed.read_at_s(Frame(PICTURE, 0.0, 5)) == 100.0


def test_pictures_stay_as_they_are() -> None:
    picture: ImageArray = PICTURE.copy()
    encode_jpeg(picture, 32, 80)
    assert (picture == PICTURE).all()
