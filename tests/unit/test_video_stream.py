"""``HeadPose.stream`` and ``astream``: sources, estimator and tracker together."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import numpy as np
import pytest
from fake_captures import FakeCapture, Opener, picture, threads, write_video

from hpe_edge import HeadPose
from hpe_edge.errors import InvalidArgumentError, SourceError
from hpe_edge.images import ImageArray, write_image
from hpe_edge.results import Detections
from hpe_edge.sources import RetryPolicy, open_source


class Rows:
    """A detector that finds so many faces as the pixel at the top left says, in rows of ten."""

    name = "rows"

    def detect(self, image: ImageArray, pixel_format: str) -> Detections:
        count = int(image.flat[0])
        row, column = np.divmod(np.arange(count), 10)
        height, width = image.shape[:2]
        corner = np.stack([column * width / 10, row * height / 20], axis=1)
        boxes = np.concatenate([corner, corner + np.array([width / 11, height / 22])], axis=1).astype(np.float32)
        return Detections(boxes.reshape(-1, 4), np.full(count, 0.9, np.float32))


@pytest.fixture(scope="module")
def pose() -> HeadPose:
    return HeadPose(detector=Rows())


def test_frames_and_poses_with_numbers(pose: HeadPose) -> None:
    pairs = list(pose.stream([picture(2, (640, 480))] * 4))
    assert [frame.index for frame, _ in pairs] == [0, 1, 2, 3]
    assert [poses.ids.tolist() for _, poses in pairs] == [[0, 1]] * 4
    assert np.isfinite(pairs[0][1].euler_deg).all() and pairs[0][0].image.shape == (480, 640, 3)


def test_a_video_file(pose: HeadPose, tmp_path: Path) -> None:
    with pose.stream(write_video(tmp_path / "clip.mp4", count=5), boxes=[[10, 10, 40, 40]]) as stream:
        assert stream.source.frame_count == 5
        assert [poses.boxes_xyxy.shape for _, poses in stream] == [(1, 4)] * 5


def test_given_boxes_hold_for_all_frames() -> None:
    pairs = list(HeadPose(detector="full-frame").stream([picture()] * 3, boxes=[[5, 5, 25, 30], [30, 5, 50, 30]]))
    for _, poses in pairs:
        np.testing.assert_allclose(poses.boxes_xyxy, [[5, 5, 25, 30], [30, 5, 50, 30]], atol=1e-3)
        assert poses.ids.tolist() == [0, 1]


def test_no_faces_two_hundred_faces_and_all_sizes(pose: HeadPose) -> None:
    images = [
        picture(0),
        picture(200, (1280, 720)),
        picture(0, (1, 1)),
        picture(1, (7680, 4320)),
        picture(3, (64, 48)),
        picture(200, (640, 480)),
    ]
    with pose.stream(images) as stream:
        counts = [len(poses) for _, poses in stream]
    # A face that appears in mid-stream is confirmed by its second look.
    assert len(counts) == 6 and counts[0] == 0 and counts[2] == 0 and max(counts) <= 200
    (_, crowd), *_ = pose.stream([picture(200, (1280, 720))])
    assert len(crowd) == 200 and np.isfinite(crowd.euler_deg).all()


def test_a_head_of_one_pixel() -> None:
    ((_, poses),) = HeadPose(detector="full-frame").stream([picture(9, (1, 1))])
    assert len(poses) == 1 and np.isfinite(poses.euler_deg).all()


def test_a_camera_whose_size_changes(pose: HeadPose) -> None:
    capture = FakeCapture([picture(1, (640, 480)), picture(1, (640, 480))] + [picture(1, (320, 240))] * 4)
    capture2 = FakeCapture([])
    source = open_source(
        0, open_capture=Opener(capture, capture2), policy=RetryPolicy(give_up_s=0.2, first_wait_s=0.01)
    )
    seen: list[int] = []
    with pytest.raises(SourceError, match="given up"):
        seen.extend(len(poses) for _, poses in pose.stream(source))
    assert sum(seen) >= 1 and threads() == []


def test_a_source_does_not_stay_open_when_the_loop_fails(pose: HeadPose, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        write_image(tmp_path / name, picture(1))
    source = open_source(tmp_path)
    with pytest.raises(ZeroDivisionError):
        [1 // 0 for _ in pose.stream(source)]
    assert list(source) == []


def test_wrong_options_are_told_at_the_call(pose: HeadPose) -> None:
    with pytest.raises(InvalidArgumentError, match="smoothing"):
        pose.stream([picture()], smoothing="mean")
    with pytest.raises(InvalidArgumentError, match="boxes"):
        pose.stream([picture()], boxes=[1, 2, 3, 4])
    with pytest.raises(SourceError, match="no such file"):
        pose.stream("none.mp4")
    with pytest.raises(InvalidArgumentError, match="smoothing"):
        pose.astream([picture()], smoothing="mean")


def test_without_detector_and_boxes_it_is_told_at_the_call(pose: HeadPose) -> None:
    with pytest.raises(InvalidArgumentError, match="pass boxes="):
        pose.stream([picture()], detector=None)


def test_the_same_poses_with_asyncio(pose: HeadPose) -> None:
    images = [picture(2, (640, 480))] * 4

    async def collect() -> list[list[list[float]]]:
        return [poses.euler_deg.tolist() async for _, poses in pose.astream(images)]

    assert asyncio.run(collect()) == [poses.euler_deg.tolist() for _, poses in pose.stream(images)]
    assert threads() == []


def test_leaving_an_async_loop_closes_the_camera(pose: HeadPose) -> None:
    opener = Opener(FakeCapture(picture(1) for _ in iter(int, 1)))

    async def main() -> None:
        source = open_source(0, open_capture=opener)
        async with contextlib.aclosing(pose.astream(source)) as stream:
            async for frame, poses in stream:
                if frame.index > 10:
                    assert len(poses) == 1
                    break

    asyncio.run(main())
    assert opener.opened[0].released and threads() == []
