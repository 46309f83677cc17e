"""Sequences: one person moves along a known way, for tests of tracking, smoothing and jitter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from hpe_edge.training.data.shards import iterate_shard, shard_paths
from hpe_edge.training.synthetic.body.landmarks import LANDMARKS_68
from hpe_edge.training.synthetic.camera.one_camera import OneCamera, set_up
from hpe_edge.training.synthetic.camera.pinhole import Camera, off_axis
from hpe_edge.training.synthetic.labels import Labels, make_labels
from hpe_edge.training.synthetic.light.lights import Lighting
from hpe_edge.training.synthetic.people.figure import Figure, build_figure
from hpe_edge.training.synthetic.people.identity import sample_identity
from hpe_edge.training.synthetic.people.posing import PosedFigure, as_drawable, pose_figure
from hpe_edge.training.synthetic.raster.draw import SUPERSAMPLING, Drawn, draw
from hpe_edge.training.synthetic.scene import light_and_background
from hpe_edge.training.synthetic.sets.folder import SetSpec
from hpe_edge.training.synthetic.sets.motion import TRAJECTORIES, Face, Motion, sample_face, sample_motion
from hpe_edge.training.synthetic.sets.shard_files import Sample, write_whole
from hpe_edge.training.synthetic.streams import Dice
from hpe_edge.training.synthetic.studio import Studio
from numpy.typing import NDArray

from hpe_edge.errors import DatasetError, InvalidArgumentError

FloatArray = NDArray[np.float32]

FORMAT = "hpe-edge-sequence/1"
_HEAD_HEIGHT_DM = 2.3
_LEAST_VISIBLE_FACE = 0.6
_TRIES = 6
_MOST_SUB_FRAMES = 5
_FARTHEST_GAZE = 0.4  # tangent; beyond it the eyes let go of the camera


@dataclass(frozen=True, kw_only=True)
class SequenceSpec(SetSpec):
    """``count`` frames at ``fps``; the shutter is open for ``exposure_share`` of a frame."""

    image_size: int = 256
    fps: float = 30.0
    trajectory: str = "mixed"
    exposure_share: float = 0.5
    frames_per_shard: int = 60
    format: str = FORMAT

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.trajectory not in TRAJECTORIES:
            raise InvalidArgumentError(
                f"trajectory: expected one of {', '.join(TRAJECTORIES)}, got {self.trajectory!r}"
            )
        if not 1 <= self.fps <= 1000:
            raise InvalidArgumentError(f"fps: expected 1 to 1000 frames a second, got {self.fps}")
        if not 0 <= self.exposure_share <= 1:
            raise InvalidArgumentError(f"exposure_share: expected 0 to 1 of a frame, got {self.exposure_share}")

    @property
    def samples_per_shard(self) -> int:
        """Frames of every shard but the last."""
        return self.frames_per_shard

    @property
    def duration_s(self) -> float:
        """Of the whole sequence."""
        return self.count / self.fps

    def middle_s(self, frame: int) -> float:
        """Middle of a frame's exposure, the moment that its labels hold for."""
        return (frame + self.exposure_share / 2) / self.fps


@dataclass(frozen=True)
class _Take:
    """What stays the same throughout."""

    figure: Figure
    motion: Motion
    face: Face
    lighting: Lighting
    background: FloatArray
    half_view: float  # tangent of half the field of view
    distance_dm: float
    side: int

    def pose(self, studio: Studio, seconds: float) -> tuple[PosedFigure, Camera]:
        """The person at a moment, and the camera's view of the head there."""
        rotation = self.motion.rotation(seconds)
        towards = rotation.T @ (0.0, 0.0, 1.0)  # the camera, seen from the head
        gaze = np.asarray([*np.clip(towards[:2] / max(towards[2], 0.2), -_FARTHEST_GAZE, _FARTHEST_GAZE), 1.0])
        brows = {f"eyebrows-{side}-{unit}": 0.2 for side in ("left", "right") for unit in ("inner-up", "up")}
        weights = {**brows, **self.face.weights(seconds)}  # raised brows undo MakeHuman's scowl
        posed = pose_figure(studio.model, self.figure, weights, self.motion.trunk(seconds), gaze.astype(np.float32))
        distance = self.distance_dm * (1 - self.motion.value("closer", seconds))
        room = max(self.half_view - 0.5 * _HEAD_HEIGHT_DM / distance, 0.0)
        right, up = (float(np.clip(self.motion.value(way, seconds), -1, 1)) * room for way in ("right", "up"))
        degrees = float(np.degrees(2 * np.arctan(self.half_view)))
        focal = self.side / 2 / self.half_view
        return posed, Camera(focal, self.side / 2, self.side / 2, rotation, off_axis(distance, right, up, degrees))

    def draw(self, studio: Studio, posed: PosedFigure, camera: Camera) -> Drawn:
        """The person as the camera sees them; the light stays where it is while the head moves."""
        thing = as_drawable(self.figure, posed, camera)
        return draw(thing, studio.model.texels, camera, self.lighting, self.side)


def paint_frames(studio: Studio, spec: SequenceSpec, numbers: range) -> Iterator[Sample]:
    """The frames of these numbers."""
    take, camera = _prepare(studio, spec)
    for frame in numbers:
        radiance, coverage, labels = _expose(studio, spec, take, frame)
        linear = radiance + take.background * (1 - coverage[..., None])
        image = camera.take(linear, Dice((spec.seed, frame))("grain"))
        moment = spec.middle_s(frame)
        label = {
            **labels.as_dict(),
            "identity": 0,
            "frame": frame,
            "timestamp_s": round(moment, 6),
            "angular_velocity_deg_s": np.round(take.motion.angular_velocity_deg_s(moment), 4).tolist(),
            "attributes": {**take.figure.identity.attributes(), "light": take.lighting.name},
        }
        yield Sample(f"{frame:08d}", image, label)


def _prepare(studio: Studio, spec: SequenceSpec) -> tuple[_Take, OneCamera]:
    """Person, way, light and camera: from the seed alone, so that every shard has the same."""
    features = frozenset(spec.features)
    for attempt in range(_TRIES):
        dice = Dice((spec.seed, attempt))
        figure = build_figure(studio.model, sample_identity(studio.model, features, dice), dice)
        lighting, background = light_and_background(
            studio.environments, "colour", spec.image_size, features, dice.child(0)
        )
        rng = dice("framing")
        half_view = float(np.tan(np.radians(rng.uniform(35, 62) / 2)))
        tall = rng.uniform(0.38, 0.6) * 2 * half_view
        take = _Take(
            figure, sample_motion(spec.trajectory, spec.duration_s, dice("motion")),
            sample_face(spec.duration_s, dice("face")), lighting, background, half_view,
            _HEAD_HEIGHT_DM / tall, spec.image_size,
        )  # fmt: skip
        radiance, coverage, labels = _expose(studio, spec, take, 0)
        if labels.visible_face_fraction >= _LEAST_VISIBLE_FACE:  # no fringe or mask that hides what is tracked
            break
    return take, set_up(radiance, coverage, background, lighting.dark, dice)


def _expose(studio: Studio, spec: SequenceSpec, take: _Take, frame: int) -> tuple[FloatArray, FloatArray, Labels]:
    """Mean of sub-frames over the exposure: motion blur. Radiance (S, S, 3), coverage (S, S), labels of its middle."""
    middle, open_s = spec.middle_s(frame), spec.exposure_share / spec.fps
    posed, camera = take.pose(studio, middle)
    drawn = take.draw(studio, posed, camera)
    labels = make_labels(studio.model, posed.base, posed.base_normals, camera, drawn.inverse_depth, SUPERSAMPLING)
    radiance, coverage = drawn.radiance, drawn.coverage
    ends = [take.pose(studio, middle + way * open_s / 2) for way in (-1, 1)]
    way_px = max(float(np.abs(_points(studio, *end) - labels.landmarks_68).max()) for end in ends)
    count = min(2 * int(np.ceil(way_px)) + 1 if way_px > 0.25 else 1, _MOST_SUB_FRAMES)
    if count == 1:
        return radiance, coverage, labels
    shifts = [shift for shift in np.linspace(-0.5, 0.5, count) if shift != 0]
    for shift in shifts:
        part = take.draw(studio, *take.pose(studio, middle + shift * open_s))
        radiance, coverage = radiance + part.radiance, coverage + part.coverage
    return radiance / np.float32(count), coverage / np.float32(count), labels


def _points(studio: Studio, posed: PosedFigure, camera: Camera) -> FloatArray:

    return camera.project(camera.see(posed.base[LANDMARKS_68]))[0]


def write_labels(folder: Path) -> Path:
    """``labels.jsonl`` of a finished sequence: a line for each frame, in order."""
    lines = [json.dumps(label) for path in shard_paths(folder) for _, _, label in iterate_shard(path)]
    path = folder / "labels.jsonl"
    write_whole(path, ("\n".join(lines) + "\n").encode())
    return path


def write_video(folder: Path, fps: float) -> Path:
    """``sequence.mp4`` of a finished sequence. Raises ``DatasetError`` where OpenCV cannot write it."""
    path = folder / "sequence.mp4"
    writer: cv2.VideoWriter | None = None
    for shard in shard_paths(folder):
        for _, jpeg, _ in iterate_shard(shard):
            image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
            if writer is None:
                code = cv2.VideoWriter.fourcc(*"mp4v")
                writer = cv2.VideoWriter(str(path), code, fps, (image.shape[1], image.shape[0]))
                if not writer.isOpened():
                    raise DatasetError(f"{path}: OpenCV cannot write an MPEG-4 video here")
            writer.write(image)
    if writer is not None:
        writer.release()
    return path
