"""sensor_msgs images as arrays, and the follower's answers to good and bad ones."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from hpe_edge import HeadPose, HeadPoses
from hpe_edge.errors import InvalidArgumentError, InvalidImageError
from hpe_edge.ros.follow import Follower, Naming, as_camera
from hpe_edge.ros.pictures import as_picture

WIDTH, HEIGHT = 6, 4


def image(encoding: str, row_bytes: int, rows: int = HEIGHT, pad: int = 3, /, **changes: Any) -> SimpleNamespace:
    """A message of noise whose rows are padded, the last one not."""
    step = row_bytes + pad
    data = np.random.default_rng(1).integers(0, 256, rows * step - pad, dtype=np.uint8).tobytes()
    header = SimpleNamespace(stamp=SimpleNamespace(sec=5, nanosec=6), frame_id="eye")
    fields = {"width": WIDTH, "height": HEIGHT, "encoding": encoding, "is_bigendian": 0, "step": step, "data": data}
    return SimpleNamespace(header=header, **(fields | changes))


def rows_of(message: SimpleNamespace, row_bytes: int) -> np.ndarray:
    count = len(message.data) // message.step + 1
    return np.array([list(message.data[row * message.step :][:row_bytes]) for row in range(count)], np.uint8)


@pytest.mark.parametrize(
    ("encoding", "pixel_format", "channels", "rows"),
    [
        ("bgr8", "bgr8", 3, 4),
        ("rgb8", "rgb8", 3, 4),
        ("8UC3", "bgr8", 3, 4),
        ("mono8", "mono8", 1, 4),
        ("8UC1", "mono8", 1, 4),
        ("bgra8", "bgra8", 4, 4),
        ("rgba8", "rgba8", 4, 4),
        ("yuyv", "yuyv", 2, 4),
        ("yuv422_yuy2", "yuyv", 2, 4),
        ("nv12", "nv12", 1, 6),
    ],
)
def test_encodings_of_bytes(encoding: str, pixel_format: str, channels: int, rows: int) -> None:
    message = image(encoding, WIDTH * channels, rows)
    picture = as_picture(message)
    assert picture.pixel_format == pixel_format
    assert picture.image.shape == ((rows, WIDTH) if channels == 1 else (rows, WIDTH, channels))
    assert (picture.image.reshape(rows, -1) == rows_of(message, WIDTH * channels)).all()
    assert not picture.image.flags.writeable and not picture.image.flags.owndata, "a view of the message"


@pytest.mark.parametrize(("encoding", "channels"), [("mono16", 1), ("bgr16", 3), ("rgb16", 3)])
@pytest.mark.parametrize("big", [0, 1])
def test_of_16_bits_the_high_byte_counts(encoding: str, channels: int, big: int) -> None:
    message = image(encoding, 2 * WIDTH * channels, HEIGHT, 4, is_bigendian=big)
    values = rows_of(message, 2 * WIDTH * channels).view(">u2" if big else "<u2")
    assert (as_picture(message).image.reshape(HEIGHT, -1) == values >> 8).all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"encoding": "bayer_rggb8"}, "expected one of bgr8.*got 'bayer_rggb8'"),
        ({"encoding": ""}, "got ''"),
        ({"step": 17}, "step: expected at least 18 bytes.*got 17"),
        ({"data": bytes(80)}, "data: expected at least 81 bytes.*got 80"),
        ({"data": b""}, "got 0"),
        ({"width": 0}, "with pixels"),
        ({"height": 0}, "with pixels"),
        ({"height": 2**31}, "data: expected at least"),
    ],
)
def test_bad_images(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidImageError, match=words):
        as_picture(image("bgr8", 18, **changes))


def compressed(data: bytes, form: str) -> SimpleNamespace:
    return SimpleNamespace(header=image("mono8", WIDTH).header, format=form, data=data)


def test_compressed_images() -> None:
    expected = np.random.default_rng(2).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    picture = as_picture(compressed(cv2.imencode(".png", expected)[1].tobytes(), "bgr8; png compressed bgr8"))
    assert picture.pixel_format == "bgr8" and (picture.image == expected).all()


@pytest.mark.parametrize("data", [b"", b"nothing", b"\xff\xd8\xff"])
def test_compressed_images_that_cannot_be_decoded(data: bytes) -> None:
    with pytest.raises(InvalidImageError, match=f"got {len(data)} bytes of format 'jpeg'"):
        as_picture(compressed(data, "jpeg"))


def plain(name: str) -> Any:
    return lambda **fields: SimpleNamespace(kind=name, **fields)


def info(**changes: Any) -> SimpleNamespace:
    k, p = [5.0, 0, 2.5, 0, 5, 1.5, 0, 0, 1], [6.0, 0, 2.5, 0, 0, 6, 1.5, 0, 0, 0, 1, 0]
    fields = {
        "width": WIDTH,
        "height": HEIGHT,
        "d": [-0.01, 0, 0, 0, 0],
        "k": k,
        "p": p,
        "binning_x": 0,
        "binning_y": 0,
    }
    return SimpleNamespace(**(fields | {"distortion_model": "plumb_bob"} | changes))


@pytest.fixture
def follower() -> Follower:
    return Follower(lambda camera: HeadPose(detector="full-frame", camera=camera), plain, smoothing=None)


def test_messages_without_and_with_a_camera(follower: Follower) -> None:
    message = image("bgr8", 18)
    poses, found = follower.take_image(message, 0.0)
    assert len(poses) == 1 and list(found) == ["orientation"]
    follower.take_camera_info(info())
    _, found = follower.take_image(message, 0.0)
    assert sorted(found) == ["nearest", "orientation", "poses"]
    assert all(one.header is message.header for one in found.values())
    assert found["nearest"].kind == "geometry_msgs/msg/PoseWithCovarianceStamped"


def test_the_estimator_is_made_again_for_another_calibration_only(follower: Follower) -> None:
    follower.take_camera_info(info())
    first = follower.pose
    follower.take_camera_info(info())
    assert follower.pose is first
    follower.take_camera_info(info(d=[]))
    assert follower.pose is not first and follower.camera == as_camera(info(d=[]))


@pytest.mark.parametrize("changes", [{"k": [0.0] * 9}, {"distortion_model": "equidistant"}, {"binning_x": 2}])
def test_a_camera_info_that_cannot_be_used_changes_nothing(follower: Follower, changes: dict[str, Any]) -> None:
    follower.take_camera_info(info())
    before = follower.camera
    with pytest.raises(InvalidArgumentError):
        follower.take_camera_info(info(**changes))
    assert follower.camera is before is not None


def test_rectified_images_have_the_projection_and_no_distortion() -> None:
    camera = as_camera(info(), rectified=True)
    assert (camera.fx, camera.distortion) == (6.0, ())
    assert as_camera(info()).fx == 5.0 and as_camera(info()).distortion[0] == -0.01


def test_an_image_of_another_size_than_its_camera_info(follower: Follower) -> None:
    follower.take_camera_info(info(width=12))
    with pytest.raises(InvalidArgumentError, match="expected 12 x 4 pixels"):
        follower.take_image(image("bgr8", 18), 0.0)


def test_a_frame_of_ones_own_and_nobody_there() -> None:
    class Nobody:
        name = "nobody"

        def detect(self, image: Any, pixel_format: str) -> Any:
            from hpe_edge.results import Detections

            return Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))

    follower = Follower(lambda camera: HeadPose(detector=Nobody(), camera=camera), plain, Naming(frame_id="head_cam"))
    follower.take_camera_info(info())
    poses, found = follower.take_image(image("bgr8", 18), 0.0)
    assert isinstance(poses, HeadPoses) and list(found) == ["poses"]
    assert found["poses"].poses == [] and found["poses"].header.frame_id == "head_cam"


def test_images_without_a_stamp_are_followed_by_their_arrival(follower: Follower) -> None:
    message = image("bgr8", 18)
    message.header.stamp = SimpleNamespace(sec=0, nanosec=0)
    assert [follower.take_image(message, time_s)[0].ids.tolist() for time_s in (1.0, 1.1)] == [[0], [0]]
