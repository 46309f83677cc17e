"""Who is who: simulated worlds with crossings, occlusions and crowds, with detectors that follow and that do not."""

from __future__ import annotations

import math
import sys
import tracemalloc
from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from tracking_world import FPS, HEIGHT, IMAGE, WIDTH, Estimator, Finder, Following, Person, World, moving

from hpe_edge import HeadPose
from hpe_edge.errors import InvalidArgumentError, InvalidBoxError, InvalidImageError, MissingDependencyError
from hpe_edge.results import Detections, HeadPoses
from hpe_edge.tracking import OneEuroRotation, Tracker

FINDERS = [Finder, Following]
both = pytest.mark.parametrize("finder", FINDERS)


def play(
    world: World, tracker: Tracker, seconds: float, start_s: float = 0.0
) -> tuple[dict[int, set[int]], list[HeadPoses]]:
    """Run the world; who (person -> ids that the person had), and all results."""
    ids: dict[int, set[int]] = defaultdict(set)
    results = []
    for frame in range(round(seconds * FPS)):
        world.now_s = start_s + frame / FPS
        poses = tracker.update(IMAGE, world.now_s)
        for pose in poses:
            ids[world.who(np.array(pose.box_xyxy))].add(pose.id)
        results.append(poses)
    return dict(ids), results


def tracked(world: World, finder: type[Finder], **options: Any) -> Tracker:
    return Tracker(Estimator(world), detector=finder(world), **options)


@both
@pytest.mark.parametrize("speed", [40.0, 120.0, 300.0])
@pytest.mark.parametrize("noise", [0.0, 0.03])
def test_ids_stay_when_people_cross(finder: type[Finder], speed: float, noise: float) -> None:
    people = [Person(moving(150, 200, speed), 70.0), Person(moving(450, 205, -speed), 55.0)]
    seconds = min(300 / speed + 1.0, 7.0)
    ids, _ = play(world := World(people, noise), tracked(world, finder), seconds)
    assert ids == {0: {0}, 1: {1}} or ids == {0: {1}, 1: {0}}


@both
def test_two_people_pass_close_by_unhidden(finder: type[Finder]) -> None:
    people = [Person(moving(150, 200, 100), 60.0), Person(moving(450, 250, -100), 60.0)]
    ids, _ = play(world := World(people, 0.02), tracked(world, finder), 3.0)
    assert sorted(map(len, ids.values())) == [1, 1] and ids[0] != ids[1]


@both
@pytest.mark.parametrize(("hidden_s", "same"), [(0.3, True), (0.8, True), (1.5, False)])
def test_a_hidden_face_takes_its_number_up_again_in_time(finder: type[Finder], hidden_s: float, same: bool) -> None:
    def there(now: float) -> bool:
        return not 1.0 <= now < 1.0 + hidden_s

    world = World([Person(moving(100, 200, 80), there=there), Person(moving(400, 100))], 0.02)
    ids, results = play(world, tracked(world, finder, max_lost_s=1.0), 4.0)
    assert len(ids[1]) == 1 and len(ids[0]) == (1 if same else 2)
    assert [len(poses) for poses in results[35:38]] == [1, 1, 1], "what is not seen is not told"


@both
def test_who_leaves_and_comes_back_later_is_new(finder: type[Finder]) -> None:
    def way(now: float) -> tuple[float, float]:
        return (600 + 120 * now if now < 2.5 else 1000 - 150 * (now - 2.5), 240)

    ids, results = play(world := World([Person(way)]), tracked(world, finder), 6.0)
    assert ids[0] == {0, 1} and len(results[60]) == 0 and len(results[-1]) == 1


@both
def test_fifty_people_keep_their_numbers(finder: type[Finder]) -> None:
    def wander(n: int) -> Person:
        x, y = 35 + 63 * (n % 10), 50 + 90 * (n // 10)
        return Person(lambda now: (x + 14 * math.sin(1.5 * now + n), y + 20 * math.cos(2 * now + 2 * n)), 40.0, n)

    ids, results = play(world := World([wander(n) for n in range(50)], 0.02), tracked(world, finder), 1.5)
    assert all(len(numbers) == 1 for numbers in ids.values())
    assert sorted(number for numbers in ids.values() for number in numbers) == list(range(50))
    assert results[-1].ids.tolist() == list(range(50)), "in the order of the ids"
    yaw_of = {next(iter(numbers)): world.people[n].yaw_deg for n, numbers in ids.items()}
    assert results[-1].euler_deg[:, 0] == pytest.approx([yaw_of[n] for n in range(50)], abs=1e-3), (
        "rows belong together"
    )


@both
def test_a_detector_that_often_misses_changes_no_number(finder: type[Finder]) -> None:
    world = World([Person(moving(150 + 150 * n, 200, 20)) for n in range(3)], 0.02, missed=0.2)
    ids, _ = play(world, tracked(world, finder), 5.0)
    assert {len(numbers) for numbers in ids.values()} == {1}


@both
def test_crossing_after_dropped_frames(finder: type[Finder]) -> None:
    """7 frames a second: a face moves by half its side between two of them."""
    people = [Person(moving(100, 200, 200), 60.0), Person(moving(500, 350, -200), 60.0)]
    world = World(people, 0.02)
    tracker = tracked(world, finder)
    numbers = []
    for frame in range(14):
        world.now_s = frame / 7
        numbers.append(tracker.update(IMAGE, world.now_s).ids.tolist())
    assert numbers == [[0, 1]] * 14


def test_the_whole_picture_is_searched_on_schedule() -> None:
    world = World([Person(moving(200, 200))])
    finder = Following(world)
    play(world, Tracker(Estimator(world), detector=finder, detect_every_s=1.0), 10.0)
    assert finder.calls == 10 and finder.follows == 299


def test_the_whole_picture_is_searched_when_a_face_is_lost_and_while_it_is() -> None:
    world = World([Person(moving(200, 200), there=lambda now: not 2.5 < now < 3.25)])
    finder = Following(world)
    tracker = Tracker(Estimator(world), detector=finder, detect_every_s=100.0, search_every_s=0.2)
    play(world, tracker, 2.5)
    assert finder.calls == 1
    _, results = play(world, tracker, 2.0, start_s=2.5)
    assert finder.calls in (5, 6), "at once, then every 0.2 s until it is back"
    assert {number for poses in results for number in poses.ids.tolist()} == {0}


def test_an_empty_picture_is_searched_now_and_then() -> None:
    world = World([Person(moving(200, 200), there=lambda now: now > 2.05)])
    finder = Following(world)
    _, results = play(world, Tracker(Estimator(world), detector=finder, detect_every_s=1.0, search_every_s=0.2), 4.0)
    assert 10 <= finder.calls <= 14
    assert next(n for n, poses in enumerate(results) if len(poses)) <= round((2.05 + 0.2) * FPS) + 2


@both
def test_a_passing_false_alarm_gets_no_number(finder: type[Finder]) -> None:
    world = World([Person(moving(100, 100)), Person(moving(400, 300), there=lambda now: round(now * FPS) == 30)])
    ids, _ = play(world, tracked(world, finder, detect_every_s=0.01, confirm_hits=2), 3.0)
    assert ids == {0: {0}}


class Double(Following):
    """Sees the first person twice, in boxes that no non-maximum suppression would join, when it looks first."""

    def detect(self, image: np.ndarray, pixel_format: str) -> Detections:
        found = super().detect(image, pixel_format)
        if self.calls > 2:
            return found
        boxes = np.concatenate([found.boxes_xyxy, found.boxes_xyxy[:1] + np.float32(24)])
        return Detections(boxes, np.full(len(boxes), 0.9))


@pytest.mark.parametrize("confirm_hits", [1, 2])
def test_two_tracks_of_one_face_become_one(confirm_hits: int) -> None:
    world = World([Person(moving(200, 200)), Person(moving(450, 200))])
    tracker = Tracker(Estimator(world), detector=Double(world), confirm_hits=confirm_hits, max_lost_s=0.5)
    _, results = play(world, tracker, 0.9)
    assert len(results[0]) == 3 and {tuple(poses.ids.tolist()) for poses in results[3:]} == {(0, 1)}
    assert len(tracker) == 2


def test_nobody_and_nothing() -> None:
    ids, results = play(world := World([]), tracked(world, Following), 1.0)
    assert ids == {} and {len(poses) for poses in results} == {0} and results[0].ids.dtype == np.int64


def test_boxes_smooth_the_crop() -> None:
    world = World([Person(moving(200, 200))], noise=0.03)
    _, results = play(world, tracked(world, Finder), 4.0)
    _, shaky = play(world, tracked(world, Finder, smooth_boxes=False), 4.0)
    steps, shaky_steps = (
        np.abs(np.diff([p.boxes_xyxy[0] for p in some[60:]], axis=0)).mean() for some in (results, shaky)
    )
    assert steps < 0.3 * shaky_steps


@pytest.mark.parametrize("smoothing", ["one-euro", "kalman"])
def test_poses_are_smoothed_and_belong_to_their_number(smoothing: str) -> None:
    world = World([Person(moving(200, 200), yaw_deg=40.0), Person(moving(400, 200), yaw_deg=-40.0)])
    tracker = Tracker(Estimator(world, noise_deg=1.0), detector=Following(world), smoothing=smoothing)
    _, results = play(world, tracker, 4.0)
    yaw = np.array([poses.euler_deg[:, 0] for poses in results[60:]])
    assert np.abs(np.diff(yaw, axis=0)).mean() < 0.5 * 2 / math.sqrt(math.pi), "half of the raw difference of N(0, 1)"
    assert np.abs(yaw - [40.0, -40.0]).max() < 2.0
    assert (results[-1].std_deg == 2.0).all()


def test_without_smoothing_poses_are_the_estimator_s() -> None:
    world = World([Person(moving(200, 200), yaw_deg=123.4)])
    _, results = play(world, tracked(world, Finder, smoothing=None, smooth_boxes=False), 0.2)
    assert all(poses.euler_deg[0, 0] == np.float32(123.4) for poses in results)
    assert np.array_equal(results[-1].boxes_xyxy[0], world.people[0].box(0))


def test_a_filter_of_one_s_own_is_made_for_each_face() -> None:
    made: list[OneEuroRotation] = []

    def make() -> OneEuroRotation:
        made.append(OneEuroRotation(beta=0.0))
        return made[-1]

    world = World([Person(moving(200, 200)), Person(moving(400, 200))])
    play(world, tracked(world, Finder, smoothing=make), 0.2)
    assert len(made) == 2


# --- given boxes, other detectors, the facade -------------------------------------------------------------


def test_given_boxes_keep_their_order_and_their_numbers() -> None:
    world = World([Person(moving(100 + 150 * n, 200, 30), yaw_deg=10.0 * n) for n in range(3)])
    tracker = Tracker(Estimator(world))
    for frame, order in enumerate([[0, 1, 2], [2, 0, 1], [1, 2, 0], [2, 1], [0, 1, 2]]):
        world.now_s = frame / FPS
        poses = tracker.update(IMAGE, world.now_s, boxes=[world.people[n].box(world.now_s) for n in order])
        assert poses.ids.tolist() == order
        assert poses.euler_deg[:, 0] == pytest.approx([10.0 * n for n in order], abs=1e-3)
        assert np.isnan(poses.scores).all()
    assert len(tracker.update(IMAGE, 0.3, boxes=[])) == 0
    assert tracker.update(IMAGE, 0.4, boxes=[world.people[1].box(world.now_s)]).ids.tolist() == [1]


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ([[0, 0, 10]], r"shape \(N, 4\)"),
        ([0, 0, 10, 10], r"shape \(N, 4\)"),
        ([[0, 0, 10, math.nan]], "row 0"),
        ([[0, 0, 10, 10], [10, 0, 0, 10]], "row 1"),
        ([[WIDTH, 0, WIDTH + 5, 10]], "overlap"),
        ("face", "numbers"),
    ],
)
def test_boxes_that_are_none(boxes: Any, message: str) -> None:
    tracker = Tracker(Estimator(World([])))
    with pytest.raises(InvalidBoxError, match=message):
        tracker.update(IMAGE, 0.0, boxes=boxes)


def test_without_a_detector_boxes_are_needed() -> None:
    with pytest.raises(InvalidArgumentError, match="no detector"):
        Tracker(Estimator(World([]))).update(IMAGE, 0.0)


def test_the_full_frame_is_one_person() -> None:
    tracker = HeadPose(detector="full-frame").tracker()
    frame = np.full((90, 70, 3), 128, np.uint8)
    assert [tracker.update(frame, n / 30).ids.tolist() for n in range(4)] == [[0]] * 4


def test_the_facade_hands_its_options_on() -> None:
    world = World([Person(moving(200, 200))])
    tracker = HeadPose(detector="full-frame").tracker(detector=Finder(world), smoothing=None)
    assert tracker.update(IMAGE, 0.0).boxes_xyxy[0] == pytest.approx(world.people[0].box(0))
    with pytest.raises(TypeError):
        HeadPose().tracker(smoothness=3)


def test_detections_that_are_no_boxes_are_left_out() -> None:
    class Odd(Finder):
        def detect(self, image: np.ndarray, pixel_format: str) -> Detections:
            good = self.world.people[0].box(0)
            rows = [[math.nan] * 4, [5, 5, 5, 5], [-90, -90, -10, -10], [0, 0, math.inf, 9], good]
            return Detections(np.array(rows), np.full(5, 0.9))

    world = World([Person(moving(200, 200))])
    assert tracked(world, Odd).update(IMAGE, 0.0).ids.tolist() == [0]


def test_pictures_of_other_formats_and_none() -> None:
    world = World([Person(moving(200, 200))])
    estimator = Estimator(world)
    tracker = Tracker(estimator, detector=Following(world))
    tracker.update(np.zeros((HEIGHT, WIDTH), np.uint8), 0.0, pixel_format="mono8")
    assert estimator.formats == ["mono8"]
    with pytest.raises(InvalidImageError):
        tracker.update(None, 0.1)  # type: ignore[arg-type]


# --- time, memory, options --------------------------------------------------------------------------------


@both
def test_times_that_repeat_or_step_back_keep_the_numbers(finder: type[Finder]) -> None:
    world = World([Person(moving(200, 200)), Person(moving(400, 200))])
    tracker = tracked(world, finder)
    for time_s in [5.0, 5.0, 5.03, 5.03, 5.01, 5.1, 0.0, 0.03, 1e6, 1e6 + 0.03]:
        assert tracker.update(IMAGE, time_s).ids.tolist() == [0, 1]
    with pytest.raises(InvalidArgumentError, match="time_s"):
        tracker.update(IMAGE, math.nan)


def test_reset_begins_at_zero_again() -> None:
    world = World([Person(moving(200, 200))])
    tracker = tracked(world, Following)
    play(world, tracker, 0.5)
    tracker.reset()
    assert len(tracker) == 0
    world.people[0] = Person(moving(400, 300))
    assert tracker.update(IMAGE, 0.0).ids.tolist() == [0]


@pytest.mark.parametrize("clock", ["runs", "stands still"])
@both
def test_memory_is_bounded_whatever_is_seen(finder: type[Finder], clock: str) -> None:
    """Faces somewhere else in each picture, the worst that there is: nothing piles up."""

    class Flicker(finder):  # type: ignore[misc, valid-type]
        def detect(self, image: np.ndarray, pixel_format: str) -> Detections:
            corner = self.world.rng.uniform(0, 400, (8, 2))
            side = self.world.rng.uniform(10, 60, (8, 1))
            return Detections(np.concatenate([corner, corner + side], axis=1), np.full(8, np.nan))

    class Blind(Estimator):
        def estimate(self, image: np.ndarray, boxes: Any, *, pixel_format: str) -> HeadPoses:
            return HeadPoses.from_euler(np.zeros((len(boxes), 3)), boxes)

    tracker = Tracker(Blind(world := World([])), detector=Flicker(world), detect_every_s=0.0)
    sizes = []
    tracemalloc.start()
    for frame in range(200):
        tracker.update(IMAGE, frame / FPS if clock == "runs" else 7.0)
        if frame in (99, 199):
            sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert len(tracker) <= 8 + 64
    assert sizes[1] < 1.2 * sizes[0] + 50_000


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("detect_every_s", -1.0), ("search_every_s", math.nan), ("max_lost_s", math.inf), ("confirm_hits", 0),
        ("confirm_hits", 1.5), ("confirm_hits", True), ("smoothing", "mean"), ("smoothing", 3),
    ],
)  # fmt: skip
def test_options_that_are_none(option: str, value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=option):
        Tracker(Estimator(World([])), **{option: value})


def test_without_the_solver_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lap", None)
    with pytest.raises(MissingDependencyError, match=r"hpe-edge\[video\]"):
        Tracker(Estimator(World([])))


def test_a_smoothed_box_never_leaves_a_picture_that_became_smaller() -> None:
    class Everywhere:
        """Estimates, and refuses boxes outside the image as HeadPose does."""

        def estimate(self, image: np.ndarray, boxes: np.ndarray, *, pixel_format: str) -> HeadPoses:
            height, width = image.shape[:2]
            assert (boxes[:, 0] < width).all() and (boxes[:, 1] < height).all(), boxes
            return HeadPoses.from_euler(np.zeros((len(boxes), 3)), boxes)

    tracker = Tracker(Everywhere())
    for frame in range(5):
        tracker.update(np.zeros((480, 640, 3), np.uint8), frame / 30, boxes=[[560, 400, 620, 470]])
    poses = tracker.update(np.zeros((120, 160, 3), np.uint8), 5 / 30, boxes=[[140, 100, 155, 117]])
    np.testing.assert_allclose(poses.boxes_xyxy, [[140, 100, 155, 117]])
