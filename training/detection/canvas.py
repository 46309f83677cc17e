"""Canvases to learn from: cuts of pictures at any scale, one or several a canvas, photographed again.

Cutting and scaling give faces every size and place, and edges that mean nothing. What a canvas is follows from its
generator.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt
from hpe_edge.training import augment_ops as ops
from hpe_edge.training.detection.config import CanvasConfig
from hpe_edge.training.detection.pictures import FACE, NOTHING, Floats, Image, Pictures

Rng = np.random.Generator

_SEEN_FACE, _SEEN_UNSURE = 0.55, 0.2  # share of a face's box within the canvas and its cut
_KNOWN = 0.45  # what is labelled about a single head, in sides of its box on each side
_SMALLEST_FACE_PX = 7.0
_MIRRORED = [1, 0, 2, 4, 3]
_BEFORE_A_VIEW = 0.6  # of the cuts; else the border of the picture goes on


@dataclass
class Canvas:
    """image: (S, S, 3). boxes_xyxy (F, 4), landmarks_xy (F, 5, 2), sure (F,): its faces, in its pixels.

    unknown: (S, S), where faces may be that no label tells of.
    """

    image: Image
    unknown: npt.NDArray[np.bool_]
    boxes: list[Floats] = field(default_factory=list)
    landmarks: list[Floats] = field(default_factory=list)
    sures: list[bool] = field(default_factory=list)

    @property
    def boxes_xyxy(self) -> Floats:
        """(F, 4)."""
        return np.asarray(self.boxes, np.float32).reshape(-1, 4)

    @property
    def landmarks_xy(self) -> Floats:
        """(F, 5, 2)."""
        return np.asarray(self.landmarks, np.float32).reshape(-1, 5, 2)

    @property
    def sure(self) -> npt.NDArray[np.bool_]:
        """(F,)."""
        return np.asarray(self.sures, bool)


@dataclass(frozen=True)
class _Cut:
    """A picture on its way to a canvas: mirrored, then ``scale`` and ``shift`` (2,) from its pixels to the canvas's."""

    pictures: Pictures
    number: int
    scale: float
    shift: Floats
    mirrored: bool

    def faces(self) -> tuple[Floats, Floats, npt.NDArray[np.int8]]:
        """Boxes, landmarks and kinds, in pixels of the canvas."""
        boxes, landmarks, kinds = self.pictures.faces(self.number)
        if self.mirrored:
            side = self.pictures.images.shape[2]
            boxes = np.stack([side - boxes[:, 2], boxes[:, 1], side - boxes[:, 0], boxes[:, 3]], 1)
            landmarks = landmarks[:, _MIRRORED] * np.float32([-1, 1]) + np.float32([side, 0])
        boxes = boxes * self.scale + np.tile(self.shift, 2)
        return boxes, landmarks * self.scale + self.shift, kinds

    def pixels(self, place: tuple[int, int, int, int], behind: Image | None) -> Image:
        """The part x0, y0, x1, y1 of the canvas; outside the picture its border goes on, or ``behind`` shows."""
        x0, y0, x1, y1 = place
        image = np.asarray(self.pictures.images[self.number])
        image = np.ascontiguousarray(image[:, ::-1]) if self.mirrored else image
        side = image.shape[1]
        if self.scale < 0.7:  # warpAffine alone would alias
            size = max(1, round(side * self.scale))
            image = np.asarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
        rest = self.scale * side / image.shape[1]
        move = self.shift - np.float32([x0, y0]) + 0.5 * rest - 0.5
        return np.asarray(
            cv2.warpAffine(
                image, np.float32([[rest, 0, move[0]], [0, rest, move[1]]]), (x1 - x0, y1 - y0), dst=behind,
                flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE if behind is None else cv2.BORDER_TRANSPARENT,
            ),
            np.uint8,
        )  # fmt: skip


class Composer:
    """Draws canvases from three kinds of pictures: single heads, scenes, views without anybody."""

    def __init__(self, config: CanvasConfig, heads: Pictures, scenes: Pictures, views: Pictures) -> None:
        self.config = config
        self.sources = (heads, scenes, views)

    def __call__(self, rng: Rng) -> Canvas:
        """One canvas."""
        side = self.config.side
        canvas = Canvas(np.zeros((side, side, 3), np.uint8), np.zeros((side, side), bool))
        parts = 1 if rng.random() < self.config.single_p else int(rng.choice([2, 3], p=[0.65, 0.35]))
        for x0, x1 in _pieces(side, parts, rng):
            for y0, y1 in _pieces(side, parts, rng):
                self._fill(canvas, (x0, y0, x1, y1), rng)
        canvas.image = photograph(canvas.image, rng)
        return canvas

    def _fill(self, canvas: Canvas, place: tuple[int, int, int, int], rng: Rng) -> None:
        cut = self._cut(place, rng)
        x0, y0, x1, y1 = place
        behind = None
        if rng.random() < _BEFORE_A_VIEW:
            views = self.sources[-1]
            number, shift = int(rng.integers(len(views))), rng.uniform(0.3, 1.0) * np.float32([x0, y0])
            behind = _Cut(views, number, float(rng.uniform(0.8, 2.0)), np.float32(shift), False).pixels(place, None)
        canvas.image[y0:y1, x0:x1] = cut.pixels(place, behind)
        _add_faces(canvas, cut, place)

    def _cut(self, place: tuple[int, int, int, int], rng: Rng) -> _Cut:
        config = self.config
        kind = int(np.searchsorted(np.cumsum([config.heads_p, config.scenes_p]), rng.random()))
        pictures = self.sources[kind]
        number = int(rng.integers(len(pictures)))
        boxes, _, kinds = pictures.faces(number)
        side = pictures.images.shape[2]
        mirrored = bool(rng.random() < 0.5)
        x0, y0, x1, y1 = place
        target = np.float32([rng.uniform(x0, x1), rng.uniform(y0, y1)])
        if kind == 0:
            size = float(np.sqrt(np.prod(boxes[0, 2:] - boxes[0, :2])))
            most = min(config.face_max_px, 1.2 * max(x1 - x0, y1 - y0))
            wanted = math.exp(rng.uniform(math.log(config.face_min_px), math.log(most)))
            scale, focus = wanted / size, boxes[0].reshape(2, 2).mean(0)
        else:
            scale = math.exp(rng.uniform(math.log(config.scene_scale_low), math.log(config.scene_scale_high)))
            faces = np.flatnonzero(kinds != NOTHING)
            focus = np.float32(rng.uniform(0, side, 2))
            if len(faces) and rng.random() < 0.6:
                focus = boxes[int(rng.choice(faces))].reshape(2, 2).mean(0)
        if mirrored:
            focus = np.float32([side - focus[0], focus[1]])
        return _Cut(pictures, number, scale, np.float32(target - focus * scale), mirrored)


def _pieces(side: int, parts: int, rng: Rng) -> list[tuple[int, int]]:
    """``side`` pixels in about equal parts."""
    cuts = [round((k + rng.uniform(-0.22, 0.22)) * side / parts) for k in range(1, parts)]
    edges = [0, *cuts, side]
    return list(itertools.pairwise(edges))


def _add_faces(canvas: Canvas, cut: _Cut, place: tuple[int, int, int, int]) -> None:
    x0, y0, x1, y1 = place
    boxes, landmarks, kinds = cut.faces()
    if not cut.pictures.complete:
        canvas.unknown[y0:y1, x0:x1] = True
        margin = _KNOWN * max(boxes[0, 2] - boxes[0, 0], boxes[0, 3] - boxes[0, 1])
        left, top = np.maximum(np.floor(boxes[0, :2] - margin), (x0, y0)).astype(int)
        right, bottom = np.minimum(np.ceil(boxes[0, 2:] + margin), (x1, y1)).astype(int)
        canvas.unknown[top : max(top, bottom), left : max(left, right)] = False
    for box, points, kind in zip(boxes, landmarks, kinds, strict=True):
        seen = _seen(box, place)
        if kind == NOTHING or seen < _SEEN_UNSURE:
            continue
        big = min(box[2] - box[0], box[3] - box[1]) >= _SMALLEST_FACE_PX
        canvas.boxes.append(box)
        canvas.landmarks.append(points)
        canvas.sures.append(bool(kind == FACE and seen >= _SEEN_FACE and big))


def _seen(box: Floats, place: tuple[int, int, int, int]) -> float:
    """Share of a box within its cut."""
    low, high = np.maximum(box[:2], place[:2]), np.minimum(box[2:], place[2:])
    return float(np.prod(np.maximum(high - low, 0)) / max(float(np.prod(box[2:] - box[:2])), 1e-6))


def photograph(image: Image, rng: Rng) -> Image:
    """Light, colour, blur, noise and compression of another camera; the pictures have some already."""
    chance = rng.random(8)
    if chance[0] < 0.06:
        image = ops.shade(image, rng)
    if chance[1] < 0.3:
        image = ops.mix_channels(image, rng, grey=bool(chance[1] < 0.12), sepia=bool(0.12 <= chance[1] < 0.14))
    if chance[2] < 0.5:
        image = ops.tone(image, rng, 0.1 if chance[1] >= 0.14 else 0.0)
    if chance[3] < 0.04:
        image = ops.motion_blur(image, rng)
    elif chance[3] < 0.15:
        image = ops.gaussian_blur(image, rng)
    if chance[4] < 0.15:
        image = ops.add_noise(image, rng)
    return ops.jpeg(image, rng) if chance[5] < 0.2 else image
