"""Augmentation of one rendered head: geometry with its labels, then pixels, then the network's crop.

Everything a sample becomes follows from its generator, seeded by (seed, epoch, index), so a run
resumed, or read by more loader processes, sees the same samples. The crop is cut by the library's
own ``preprocess``: training and inference share one resize.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from hpe_edge.training import augment_ops as ops
from hpe_edge.training.augment_ops import Floats, Image, Rng
from hpe_edge.training.euler import euler_nearest_deg

from hpe_edge import _core
from hpe_edge.errors import InvalidArgumentError

_JAW, _BROWS, _RIDGE, _NOSTRILS = range(16, -1, -1), range(26, 16, -1), range(27, 31), range(35, 30, -1)
_EYES = (45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40)
_LIPS = (*range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1))
MIRRORED_68 = np.array([*_JAW, *_BROWS, *_RIDGE, *_NOSTRILS, *_EYES, *_LIPS])
"""The 68 points of iBUG's markup in a mirror: point i of the mirrored face is point MIRRORED_68[i] of the face."""

_PAD_PX = 4  # reach of the antialiasing filter around the crop window


@dataclass(frozen=True)
class InputSpec:
    """What the network sees; the same numbers stand in the model card.

    The crop is the tight face box made square, grown by ``margin`` of its size on each side.
    Values are ``(x - mean) * scale`` in the order of the channels.
    """

    size: int = 64
    margin: float = 0.4
    channel_order: str = "bgr"
    mean: tuple[float, ...] = (127.5, 127.5, 127.5)
    scale: tuple[float, ...] = (1.0 / 128.0, 1.0 / 128.0, 1.0 / 128.0)

    def __post_init__(self) -> None:
        if self.size < 16 or not 0 <= self.margin <= 4 or self.channel_order not in ("bgr", "rgb"):
            raise InvalidArgumentError(
                f"input: expected a size from 16, a margin of 0 to 4 and channel_order bgr or rgb, got {self}"
            )
        if len(self.mean) != 3 or len(self.scale) != 3:
            raise InvalidArgumentError(f"input: expected mean and scale of three channels, got {self}")


@dataclass(frozen=True)
class AugmentConfig:
    """Probabilities (names ending in ``_p``) and strengths.

    margin_low, margin_high, margin_shape: range of the crop's margin and its distribution, ``triangle`` with its top
    at the input's margin, or ``uniform``, which costs a little there and makes other margins nearly as good.
    shift_sigma: of the crop's centre, in box sides. rotate_sigma_deg: of the in-plane rotation;
    rotate_wide_p of the rotations are uniform within rotate_wide_deg instead.
    """

    flip_p: float = 0.5
    margin_low: float = 0.1
    margin_high: float = 0.8
    margin_shape: str = "triangle"
    shift_sigma: float = 0.05
    rotate_p: float = 0.5
    rotate_sigma_deg: float = 10.0
    rotate_wide_p: float = 0.15
    rotate_wide_deg: float = 60.0
    tone_p: float = 0.7
    cast_sigma: float = 0.12
    saturation_p: float = 0.35
    grey_p: float = 0.17
    sepia_p: float = 0.04
    shade_p: float = 0.12
    blur_p: float = 0.15
    motion_p: float = 0.07
    low_resolution_p: float = 0.2
    low_resolution_min_px: float = 16.0
    jpeg_p: float = 0.25
    noise_p: float = 0.2
    occlude_p: float = 0.25
    border_p: float = 0.2
    neighbour_p: float = 0.05

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name.endswith("_p") and not 0.0 <= value <= 1.0:
                raise InvalidArgumentError(f"augment.{field.name}: expected a probability, got {value}")
        if not 0.0 <= self.margin_low <= self.margin_high or self.margin_shape not in ("triangle", "uniform"):
            raise InvalidArgumentError(
                f"augment: expected 0 <= margin_low <= margin_high and a margin_shape triangle or uniform, got {self}"
            )


def no_augmentation() -> AugmentConfig:
    """Every probability and spread zero: the plain crop, as in validation."""
    return AugmentConfig(**{f.name: 0.0 for f in fields(AugmentConfig) if isinstance(f.default, float)})


def harder(config: AugmentConfig) -> AugmentConfig:
    """Every corruption twice as likely; mirror images, turns and crops as they are.

    >>> harder(AugmentConfig(blur_p=0.1, noise_p=0.6, flip_p=0.5)).blur_p
    0.2
    """
    geometry = ("flip_p", "rotate_p", "rotate_wide_p")
    chances = [f.name for f in fields(config) if f.name.endswith("_p") and f.name not in geometry]
    return replace(config, **{name: min(1.0, 2.0 * getattr(config, name)) for name in chances})


@dataclass(frozen=True)
class Pose:
    """Labels of one head. euler_deg (3,) yaw, pitch, roll; rotation (3, 3), label frame."""

    euler_deg: Floats
    rotation: Floats


def sample_rng(seed: int, epoch: int, index: int) -> Rng:
    """The one generator of a sample in an epoch."""
    return np.random.default_rng((seed, epoch, index))


def flip_pose(pose: Pose) -> Pose:
    """Labels of the mirrored image: yaw and roll change sign, ``R' = F R F`` with F = diag(-1, 1, 1)."""
    sign = np.array([-1.0, 1.0, 1.0], np.float32)
    return Pose(pose.euler_deg * np.array([-1, 1, -1], np.float32), pose.rotation * np.outer(sign, sign))


def turn_pose(pose: Pose, angle_deg: float) -> Pose:
    """Labels after the picture is turned clockwise by ``angle_deg`` about the optical axis: ``Rz R``."""
    c, s = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    turned = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]], np.float32) @ pose.rotation
    near = pose.euler_deg + np.array([0.0, 0.0, angle_deg], np.float32)
    return Pose(euler_nearest_deg(turned, near), turned.astype(np.float32))


def box_of(landmarks: Floats) -> Floats:
    """Tight face box (4,) of landmarks (68, 2)."""
    return np.concatenate([landmarks.min(0), landmarks.max(0)]).astype(np.float32)


def cut(image: Image, box: Floats, margin: float, spec: InputSpec) -> Floats:
    """The network's input (3, size, size) from an image and a box, by the library's preprocess."""
    crops: Floats = _core.preprocess(
        image, box[None], pixel_format="bgr8", width=spec.size, height=spec.size, margin=margin,
        square=True, channel_order=spec.channel_order, mean=spec.mean, scale=spec.scale,
    )  # fmt: skip
    return crops[0]


def in_crop(points: Floats, box: Floats, margin: float) -> Floats:
    """Points (N, 2) in pixels -> 0 to 1 over the square crop around ``box`` with ``margin``."""
    half = (0.5 + margin) * max(float(box[2] - box[0]), float(box[3] - box[1]))
    corner = (box[:2] + box[2:]) / 2.0 - half
    return ((points - corner) / (2.0 * half)).astype(np.float32)


class Drawn(NamedTuple):
    """One training sample.

    inputs: (3, size, size). pose: its labels. landmarks: (68, 2) in the crop, 0 to 1 from its upper left
    corner. order: (68,) which of the image's landmarks each one is (a mirror swaps left and right).
    teacher_inputs: the same pixels cut for a teacher, or None.
    """

    inputs: Floats
    pose: Pose
    landmarks: Floats
    order: npt.NDArray[np.int64]
    teacher_inputs: Floats | None


class Augmenter:
    """Draws one training sample from an image and its labels.

    teacher: the input of a teacher network that looks at the same augmented pixels.

    >>> Augmenter(AugmentConfig(), InputSpec()).config.flip_p
    0.5
    """

    def __init__(self, config: AugmentConfig, spec: InputSpec, teacher: InputSpec | None = None) -> None:
        self.config = config
        self.spec = spec
        self.teacher = teacher

    def __call__(self, image: Image, pose: Pose, landmarks: Floats, donor: Image, rng: Rng) -> Drawn:
        """image (S, S, 3) with landmarks (68, 2) -> a training sample.

        donor: another head's image, the texture of occluders and neighbours.
        """
        matrix, pose, flipped = self._geometry(image.shape[0], pose, rng)
        if matrix is not None:
            landmarks = landmarks @ matrix[:, :2].T + matrix[:, 2]
        order = MIRRORED_68 if flipped else np.arange(len(landmarks))
        box = box_of(landmarks)
        margin, crop_box = self._jitter(box, rng)
        region = _region(crop_box, margin, image.shape[0])
        origin = region[:2].astype(np.float32)
        pixels = _warp(image, matrix, region)
        pixels = self._pixels(pixels, box - np.tile(origin, 2), donor, rng)
        here = crop_box - np.tile(origin, 2)
        return Drawn(
            inputs=cut(pixels, here, margin, self.spec),
            pose=pose,
            landmarks=in_crop(landmarks[order], crop_box, margin),
            order=order,
            teacher_inputs=None if self.teacher is None else cut(pixels, here, margin, self.teacher),
        )

    def _geometry(self, size: int, pose: Pose, rng: Rng) -> tuple[Floats | None, Pose, bool]:
        """Flip and in-plane turn as one affine map on pixel-edge coordinates (2, 3), or None; and whether it flips."""
        config = self.config
        flip = rng.random() < config.flip_p
        angle = 0.0
        if rng.random() < config.rotate_p:
            wide = rng.random() < config.rotate_wide_p
            limit = config.rotate_wide_deg
            angle = rng.uniform(-limit, limit) if wide else rng.normal(0.0, config.rotate_sigma_deg)
        if not flip and angle == 0.0:
            return None, pose, False
        if flip:
            pose = flip_pose(pose)
        if angle != 0.0:
            pose = turn_pose(pose, angle)
        c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        linear = np.array([[c, -s], [s, c]]) @ np.diag([-1.0 if flip else 1.0, 1.0])
        centre = np.full(2, size / 2.0)
        return np.column_stack([linear, centre - linear @ centre]).astype(np.float32), pose, flip

    def _jitter(self, box: Floats, rng: Rng) -> tuple[float, Floats]:
        """The crop's margin and the box it is cut around."""
        config = self.config
        margin = self.spec.margin
        if config.margin_high > config.margin_low:
            margin = _draw_margin(config, margin, rng)
        side = max(float(box[2] - box[0]), float(box[3] - box[1]))
        shift = np.clip(rng.normal(0.0, 1.0, 2), -2.5, 2.5) * (config.shift_sigma * side)
        return margin, box + np.tile(shift, 2).astype(np.float32)

    def _pixels(self, image: Image, box: Floats, donor: Image, rng: Rng) -> Image:
        """The scene (neighbour, occluders), its light and colour, the camera, the picture's edge."""
        config = self.config
        chance = dict(zip(_CHANCES, rng.random(len(_CHANCES)), strict=True))
        hit = {name: chance[name] < getattr(config, name) for name in _CHANCES}
        if hit["neighbour_p"]:
            ops.add_neighbour(image, box, donor, rng)
        if hit["occlude_p"]:
            for _ in range(1 + int(rng.integers(0, 2))):
                ops.occlude(image, box, donor, rng)
        if hit["shade_p"]:
            image = ops.shade(image, rng)
        if hit["grey_p"] or hit["sepia_p"] or hit["saturation_p"]:
            image = ops.mix_channels(image, rng, hit["grey_p"], hit["sepia_p"])
        if hit["tone_p"]:
            colourful = not (hit["grey_p"] or hit["sepia_p"])
            image = ops.tone(image, rng, config.cast_sigma if colourful else 0.0)
        image = self._camera(image, hit, rng)
        if hit["border_p"]:
            ops.cut_by_border(image, box, rng)
        return image

    def _camera(self, image: Image, hit: dict[str, bool], rng: Rng) -> Image:
        """Blur, resolution, noise, compression."""
        if hit["motion_p"]:
            image = ops.motion_blur(image, rng)
        elif hit["blur_p"]:
            image = ops.gaussian_blur(image, rng)
        if hit["low_resolution_p"]:
            span = math.log(self.spec.size / self.config.low_resolution_min_px)
            pixels = self.config.low_resolution_min_px * math.exp(span * rng.random())
            return ops.low_resolution(image, pixels, rng, hit["jpeg_p"], hit["noise_p"])
        if hit["noise_p"]:
            image = ops.add_noise(image, rng)
        return ops.jpeg(image, rng) if hit["jpeg_p"] else image


_CHANCES = (
    "neighbour_p", "occlude_p", "shade_p", "saturation_p", "grey_p", "sepia_p", "tone_p",
    "motion_p", "blur_p", "low_resolution_p", "noise_p", "jpeg_p", "border_p",
)  # fmt: skip


def _draw_margin(config: AugmentConfig, top: float, rng: Rng) -> float:
    if config.margin_shape == "uniform":
        return float(rng.uniform(config.margin_low, config.margin_high))
    middle = min(max(top, config.margin_low), config.margin_high)
    return float(rng.triangular(config.margin_low, middle, config.margin_high))


def _region(box: Floats, margin: float, size: int) -> npt.NDArray[np.int64]:
    """Integer window (4,) around the crop, inside the image: pixels beyond it never matter."""
    half = (0.5 + margin) * max(float(box[2] - box[0]), float(box[3] - box[1]))
    centre = (box[:2] + box[2:]) / 2.0
    low = np.floor(centre - half).astype(np.int64) - _PAD_PX
    high = np.ceil(centre + half).astype(np.int64) + _PAD_PX
    return np.concatenate([np.clip(low, 0, size - 8), np.clip(high, 8, size)])


def _warp(image: Image, matrix: Floats | None, region: npt.NDArray[np.int64]) -> Image:
    """The region's pixels after the affine map, a fresh array."""
    x0, y0, x1, y1 = (int(v) for v in region)
    if matrix is None:
        return image[y0:y1, x0:x1].copy()
    # edge coordinates to OpenCV's pixel-centre coordinates, then to the region's origin
    shift = matrix[:, :2] @ np.full(2, 0.5, np.float32) + matrix[:, 2] - 0.5
    moved = np.column_stack([matrix[:, :2], shift - region[:2]]).astype(np.float32)
    return np.asarray(
        cv2.warpAffine(image, moved, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
        np.uint8,
    )
