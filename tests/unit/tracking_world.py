"""A small world for tests of tracking: people on known ways, a detector and an estimator that see them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpe_edge.results import Detections, HeadPoses
from hpe_edge.tracking.association import iou

Floats = NDArray[np.floating[Any]]
WIDTH, HEIGHT, FPS = 640, 480, 30.0
HIDDEN_IOU = 0.3
IMAGE = np.zeros((HEIGHT, WIDTH, 3), np.uint8)


@dataclass(frozen=True)
class Person:
    """``centre(t)`` in pixels; who has the larger ``side`` stands in front; ``there(t)``: not away, not hidden."""

    centre: Callable[[float], tuple[float, float]]
    side: float = 60.0
    yaw_deg: float = 0.0
    there: Callable[[float], bool] = lambda _: True

    def box(self, time_s: float) -> Floats:
        x, y = self.centre(time_s)
        return np.array([x - self.side / 2, y - self.side / 2, x + self.side / 2, y + self.side / 2])


@dataclass
class World:
    """What is there at ``now_s``. ``noise`` shakes detected boxes, in sides; ``missed``: the chance to see nobody."""

    people: list[Person]
    noise: float = 0.0
    missed: float = 0.0
    now_s: float = 0.0
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def visible(self) -> list[int]:
        """Numbers of the people whom nobody in front hides."""
        inside = [n for n, person in enumerate(self.people) if person.there(self.now_s) and self._in_picture(person)]
        boxes = self.boxes(inside)
        sides = np.array([self.people[n].side for n in inside])
        hidden = ((iou(boxes, boxes) > HIDDEN_IOU) & (sides[None] > sides[:, None])).any(axis=1)
        return [n for n, behind in zip(inside, hidden, strict=True) if not behind]

    def boxes(self, numbers: list[int]) -> Floats:
        """True boxes (N, 4) of these people."""
        return np.array([self.people[n].box(self.now_s) for n in numbers]).reshape(-1, 4)

    def seen_box(self, number: int) -> Floats:
        person = self.people[number]
        return person.box(self.now_s) + self.noise * person.side * self.rng.standard_normal(4)

    def who(self, box_xyxy: Floats) -> int:
        """The visible person in a box."""
        visible = self.visible()
        fits = iou(box_xyxy[None], self.boxes(visible))[0]
        assert visible and fits.max() > 0.2, f"nobody is at {box_xyxy}"
        return visible[int(fits.argmax())]

    def _in_picture(self, person: Person) -> bool:
        x, y = person.centre(self.now_s)
        return 0 <= x < WIDTH and 0 <= y < HEIGHT


@dataclass
class Finder:
    """Finds all visible people; counts how often it looked through the whole picture."""

    world: World
    calls: int = 0

    def detect(self, image: NDArray[np.uint8], pixel_format: str) -> Detections:
        self.calls += 1
        visible = [n for n in self.world.visible() if self.world.rng.random() >= self.world.missed]
        boxes = np.array([self.world.seen_box(n) for n in visible]).reshape(-1, 4)
        return Detections(boxes, np.full(len(boxes), 0.9))


@dataclass
class Following(Finder):
    """Follows too: the visible face with the best IoU, within a window of 2.4 sides, as the bundled detector does."""

    follows: int = 0

    def follow(self, image: NDArray[np.uint8], boxes_xyxy: NDArray[np.float32], pixel_format: str) -> Detections:
        self.follows += 1
        found = np.full((len(boxes_xyxy), 4), np.nan)
        visible = np.array(self.world.visible(), dtype=int)
        true = self.world.boxes(visible.tolist())
        centres = 0.5 * (true[:, :2] + true[:, 2:])
        for row, box in enumerate(boxes_xyxy):
            grown = 0.7 * (box[2:] - box[:2])
            near = ((box[:2] - grown < centres) & (centres < box[2:] + grown)).all(axis=1)
            if near.any() and self.world.rng.random() >= self.world.missed:
                found[row] = self.world.seen_box(int(visible[near][iou(box[None], true[near])[0].argmax()]))
        return Detections(found, np.where(np.isnan(found[:, 0]), 0.0, 0.9))


@dataclass
class Estimator:
    """Tells the yaw of the person in each box, with noise; refuses boxes as ``HeadPose`` does."""

    world: World
    noise_deg: float = 0.0
    formats: list[str] = field(default_factory=list)

    def estimate(self, image: NDArray[np.uint8], boxes: Any, *, pixel_format: str) -> HeadPoses:
        self.formats.append(pixel_format)
        boxes = np.asarray(boxes)
        assert boxes.dtype == np.float32 and boxes.shape[1:] == (4,)
        assert (boxes[:, :2] < [WIDTH, HEIGHT]).all() and (boxes[:, 2:] > 0).all() and np.isfinite(boxes).all()
        yaw_deg = [self.world.people[self.world.who(box)].yaw_deg for box in boxes]
        euler_deg = np.array([[yaw, 0.0, 0.0] for yaw in yaw_deg])
        euler_deg = euler_deg.reshape(-1, 3) + self.noise_deg * self.world.rng.standard_normal((len(boxes), 3))
        return HeadPoses.from_euler(euler_deg, boxes, np.full((len(boxes), 3), 2.0))


def moving(x: float, y: float, right: float = 0.0, down: float = 0.0) -> Callable[[float], tuple[float, float]]:
    """A way of constant speed, pixels a second."""
    return lambda time_s: (x + right * time_s, y + down * time_s)
