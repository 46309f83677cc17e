"""Scenes for face detectors: several people of any pose and size before one camera, and scenes without anybody.

Each person is drawn as a layer on as many pixels as they fill and laid over those farther away; then one camera
takes the picture. People who live in neighbouring scenes are the same few: to build one costs as much as three layers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from hpe_edge.training.synthetic.body.torso import torso
from hpe_edge.training.synthetic.camera import optics
from hpe_edge.training.synthetic.camera.one_camera import set_up
from hpe_edge.training.synthetic.camera.pinhole import Camera, off_axis
from hpe_edge.training.synthetic.labels import make_labels
from hpe_edge.training.synthetic.light.lights import Lighting
from hpe_edge.training.synthetic.occlusion.occluders import NOTHING, Occlusion, sample_occlusion
from hpe_edge.training.synthetic.people.acting import sample_act
from hpe_edge.training.synthetic.people.figure import Figure, build_figure
from hpe_edge.training.synthetic.people.identity import sample_identity
from hpe_edge.training.synthetic.people.pose import Matrix, sample_pose, sample_trunk
from hpe_edge.training.synthetic.people.posing import PosedFigure, as_drawable, pose_figure
from hpe_edge.training.synthetic.raster.draw import SUPERSAMPLING, draw
from hpe_edge.training.synthetic.raster.drawable import join
from hpe_edge.training.synthetic.scene import light_and_background
from hpe_edge.training.synthetic.sets.folder import SetSpec
from hpe_edge.training.synthetic.sets.generate import skin_name
from hpe_edge.training.synthetic.sets.places import sample_places
from hpe_edge.training.synthetic.sets.shard_files import Sample
from hpe_edge.training.synthetic.streams import Dice
from hpe_edge.training.synthetic.studio import Studio
from numpy.typing import NDArray

from hpe_edge.errors import InvalidArgumentError

FloatArray = NDArray[np.float32]

FORMAT = "hpe-edge-scenes/1"
_FACE_DM = 1.25  # height of the tight box of a face that looks into the camera
_NEAREST_DM = 3.2
_ROOM_DM = 3.0  # between the middles of two heads
_SCENES_OF_A_CAST, _CAST = 8, 8


@dataclass(frozen=True, kw_only=True)
class SceneSpec(SetSpec):
    """``count`` scenes of ``heads_least`` to ``heads_most`` people; ``faceless_share`` of them without any."""

    image_size: int = 320
    heads_least: int = 0
    heads_most: int = 12
    faceless_share: float = 0.1
    yaw_range_deg: float = 180.0
    scenes_per_shard: int = 200
    format: str = FORMAT

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.heads_least <= self.heads_most <= 64:
            raise InvalidArgumentError(
                f"heads: expected 0 <= least <= most <= 64, got {self.heads_least} to {self.heads_most}"
            )
        if not 0 <= self.faceless_share <= 1:
            raise InvalidArgumentError(f"faceless_share: expected 0 to 1, got {self.faceless_share}")
        if not 10 <= self.yaw_range_deg <= 180:
            raise InvalidArgumentError(f"yaw_range_deg: expected 10 to 180 degrees, got {self.yaw_range_deg}")

    @property
    def samples_per_shard(self) -> int:
        """Scenes of every shard but the last."""
        return self.scenes_per_shard


@dataclass(frozen=True)
class _Person:
    """Somebody in a scene, with the whole picture's camera."""

    number: int  # of the identity
    figure: Figure
    posed: PosedFigure
    camera: Camera
    occlusion: Occlusion
    trunk: Matrix
    expression: str


def paint_scenes(studio: Studio, spec: SceneSpec, numbers: range) -> Iterator[Sample]:
    """The scenes of these numbers."""
    casts: dict[int, Figure] = {}
    for number in numbers:
        dice = Dice((spec.seed, number))
        people = _people(studio, spec, number, casts, dice)
        features = frozenset(spec.features)
        lighting, background = light_and_background(studio.environments, "colour", spec.image_size, features, dice)
        image, nearest = _photograph(studio, people, lighting, background, dice)
        heads = [_head_label(studio, person, nearest) for person in people]
        yield Sample(f"{number:08d}", image, {"heads": heads, "attributes": {"light": lighting.name}})


def _people(studio: Studio, spec: SceneSpec, number: int, casts: dict[int, Figure], dice: Dice) -> list[_Person]:
    """Nearest last."""
    rng = dice("scene")
    half_view = float(np.tan(np.radians(rng.uniform(25, 75) / 2)))
    wanted = _how_many(spec, rng)
    places = sample_places(wanted, spec.image_size, rng)
    order = rng.permutation(_CAST)  # nobody twice, as long as the cast goes round
    people: list[_Person] = []
    centres: list[NDArray[np.float64]] = []
    for part, (x, y, face_px) in enumerate(places):
        own = dice.child(part)
        member = number // _SCENES_OF_A_CAST * _CAST + int(order[part % _CAST])
        distance = max(spec.image_size / 2 / half_view * _FACE_DM / face_px, _NEAREST_DM)
        right, up = ((2 * x / spec.image_size - 1) * half_view, (1 - 2 * y / spec.image_size) * half_view)
        centre = off_axis(distance, right, up, 0.0).ray[:, 2] * distance
        if all(np.linalg.norm(centre - other) > _ROOM_DM for other in centres):
            centres.append(centre)
            people.append(_person(studio, spec, member, casts, (distance, right, up, half_view), own))
    return sorted(people, key=lambda person: -person.camera.distance_dm)


def _how_many(spec: SceneSpec, rng: np.random.Generator) -> int:
    """Few people more often than many."""
    if rng.random() < spec.faceless_share:
        return 0
    choices = np.arange(max(spec.heads_least, 1), max(spec.heads_most, 1) + 1)
    shares = 1.0 / choices**0.8
    return int(rng.choice(choices, p=shares / shares.sum())) if spec.heads_most else 0


def _person(
    studio: Studio,
    spec: SceneSpec,
    member: int,
    casts: dict[int, Figure],
    place: tuple[float, float, float, float],
    dice: Dice,
) -> _Person:
    features = frozenset(spec.features)
    rotation = sample_pose(dice("pose"), features, spec.yaw_range_deg)
    act = sample_act(rotation, dice("acting"))
    figure = _member(studio, spec, member, casts)
    trunk = sample_trunk(rotation, dice("trunk"))
    posed = pose_figure(studio.model, figure, act.weights, trunk, act.gaze)
    distance, right, up, half_view = place
    view = off_axis(distance, right, up, float(np.degrees(2 * np.arctan(half_view))))
    middle = spec.image_size / 2
    camera = Camera(middle / half_view, middle, middle, rotation, view)
    occlusion = sample_occlusion(studio.model, figure, posed, camera, dice) if "occluders" in features else NOTHING
    return _Person(member, figure, posed, camera, occlusion, trunk, act.name)


def _member(studio: Studio, spec: SceneSpec, member: int, casts: dict[int, Figure]) -> Figure:
    """Identity ``member``; of others only the latest cast is kept."""
    if member not in casts:
        for old in [known for known in casts if known // _CAST != member // _CAST]:
            del casts[old]
        dice = Dice((spec.seed, member))  # as the identities of single heads, balanced in the same way
        casts[member] = build_figure(studio.model, sample_identity(studio.model, frozenset(spec.features), dice), dice)
    return casts[member]


def _photograph(
    studio: Studio, people: list[_Person], lighting: Lighting, background: FloatArray, dice: Dice
) -> tuple[NDArray[np.uint8], FloatArray]:
    """The picture (S, S, 3), and the inverse depth of what is nearest in each sample."""
    side = len(background)
    radiance, coverage = np.zeros_like(background, np.float32), np.zeros((side, side), np.float32)
    nearest = np.zeros((side * SUPERSAMPLING,) * 2, np.float32)
    for person in people:
        _lay_over(studio, person, lighting, radiance, coverage, nearest)
    camera = set_up(radiance, coverage, background, lighting.dark, dice)
    linear = radiance + background * (1 - coverage[..., None])
    linear = optics.blur(linear, optics.sample_blur(dice("blur")))
    return _store(camera.take(linear, dice("grain")), dice("file")), nearest


def _lay_over(
    studio: Studio, person: _Person, lighting: Lighting, radiance: FloatArray, coverage: FloatArray, nearest: FloatArray
) -> None:
    """Draw a person over the scene so far, on the square that they fill of it."""
    side = len(coverage)
    body = torso(studio.model, person.figure.identity, person.trunk, person.camera)
    thing = join([as_drawable(person.figure, person.posed, person.camera), body, *person.occlusion.parts])
    pixels, inverse_depth = person.camera.project(thing.positions)
    seen = pixels[inverse_depth > 0]
    if not len(seen):
        return
    x0, y0 = (int(value) for value in np.clip(np.floor(seen.min(0)) - 1, 0, side))
    x1, y1 = (int(value) for value in np.clip(np.ceil(seen.max(0)) + 1, 0, side))
    if x1 <= x0 or y1 <= y0:
        return
    camera = replace(person.camera, centre_x=person.camera.centre_x - x0, centre_y=person.camera.centre_y - y0)
    drawn = draw(thing, studio.model.texels, camera, lighting, max(x1 - x0, y1 - y0))
    part, own = (slice(y0, y1), slice(x0, x1)), (slice(0, y1 - y0), slice(0, x1 - x0))
    k = SUPERSAMPLING
    samples = (slice(y0 * k, y1 * k), slice(x0 * k, x1 * k))
    depth = drawn.inverse_depth[: (y1 - y0) * k, : (x1 - x0) * k]
    before = _by_pixel(depth) >= _by_pixel(nearest[samples])
    # over, or under where an arm or a body of those farther away reaches before this one
    through = np.where(before, 1 - drawn.coverage[own], 1.0).astype(np.float32)
    share = np.where(before, 1.0, 1 - coverage[part]).astype(np.float32)
    radiance[part] = drawn.radiance[own] * share[..., None] + radiance[part] * through[..., None]
    coverage[part] = drawn.coverage[own] * share + coverage[part] * through
    nearest[samples] = np.maximum(nearest[samples], depth)


def _by_pixel(depth: FloatArray) -> FloatArray:
    """Largest of each pixel's samples."""
    height, width = (length // SUPERSAMPLING for length in depth.shape)
    return np.asarray(depth.reshape(height, SUPERSAMPLING, width, SUPERSAMPLING).max((1, 3)), np.float32)


def _store(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Half the pictures have been saved before."""
    if rng.random() < 0.5:
        return image
    _, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.uniform(45, 95))])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


def _head_label(studio: Studio, person: _Person, nearest: FloatArray) -> dict[str, Any]:
    """As for a single head."""
    posed, identity = person.posed, person.figure.identity
    labels = make_labels(studio.model, posed.base, posed.base_normals, person.camera, nearest, SUPERSAMPLING)
    attributes = {**identity.attributes(), "expression": person.expression, "occluder": person.occlusion.name}
    skin = skin_name(studio, identity)
    return {**labels.as_dict(), "identity": person.number, "skin": skin, "attributes": attributes}
