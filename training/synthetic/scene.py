"""One picture: pose, camera, light, rasteriser, sensor, and its labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hpe_edge.training.euler import EULER_LIMIT_DEG
from hpe_edge.training.synthetic.body.head_model import HeadModel
from hpe_edge.training.synthetic.body.landmarks import LANDMARKS_68
from hpe_edge.training.synthetic.camera.film import sample_film
from hpe_edge.training.synthetic.camera.frames import sample_frame
from hpe_edge.training.synthetic.camera.infrared import active_light, in_infrared, show_pupils
from hpe_edge.training.synthetic.camera.pinhole import aim_at_face, on_axis, sample_distance_dm, sample_view
from hpe_edge.training.synthetic.camera.sensor import Taken, develop, exposure_of_tone, photograph
from hpe_edge.training.synthetic.labels import Labels, make_labels
from hpe_edge.training.synthetic.light.clutter import paint_clutter
from hpe_edge.training.synthetic.light.lights import Environment, Lighting, backdrop_crop, sample_lighting
from hpe_edge.training.synthetic.light.rigs import sample_rig, turn_to_viewer
from hpe_edge.training.synthetic.light.scenery import paint_scenery
from hpe_edge.training.synthetic.occlusion.company import Companion, sample_company
from hpe_edge.training.synthetic.occlusion.defocus import defocus_from
from hpe_edge.training.synthetic.occlusion.occluders import NOTHING, sample_occlusion
from hpe_edge.training.synthetic.people.acting import act_of
from hpe_edge.training.synthetic.people.figure import Figure
from hpe_edge.training.synthetic.people.pose import Matrix, rotation_x, sample_pose, sample_trunk
from hpe_edge.training.synthetic.people.posing import as_drawable, pose_figure
from hpe_edge.training.synthetic.raster.draw import SUPERSAMPLING, draw
from hpe_edge.training.synthetic.raster.drawable import join
from hpe_edge.training.synthetic.streams import Dice
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Picture:
    """A rendered head: ``image_bgr`` (S, S, 3) uint8 and what is true of it."""

    image_bgr: NDArray[np.uint8]
    labels: Labels
    attributes: dict[str, Any]


def render_picture(
    model: HeadModel,
    environments: tuple[Environment, ...],
    figure: Figure,
    side: int,
    features: frozenset[str],
    dice: Dice,
    yaw_range_deg: float = EULER_LIMIT_DEG,
    companion: Companion | None = None,
) -> Picture:
    """Draw one pose of a figure on ``side`` x ``side`` pixels."""
    rotation = sample_pose(dice("pose"), features, yaw_range_deg)
    act = act_of(rotation, features, dice)
    down = (rotation.T @ (0, -1, 0)).astype(np.float32)
    posed = pose_figure(
        model, figure, act.weights, sample_trunk(rotation, dice("trunk")), act.gaze, act.teeth_drop, down
    )
    view = sample_view(dice("lens")) if "camera" in features else on_axis(sample_distance_dm(dice("camera")))
    camera = aim_at_face(posed.base[LANDMARKS_68], rotation, view, side)
    film = sample_film(dice("kind of film")) if "camera" in features else "colour"
    lighting, background = light_and_background(environments, film, side, features, dice)
    occlusion = sample_occlusion(model, figure, posed, camera, dice) if "occluders" in features else NOTHING
    company = sample_company(companion, camera, posed.base[LANDMARKS_68], side, features, dice)
    thing = join([occlusion.over(as_drawable(figure, posed, camera)), *company, *occlusion.parts])
    if film == "near infrared":
        thing = in_infrared(thing, model.texels, dice("infrared"))
    drawn = draw(thing, model.texels, camera, turn_to_viewer(lighting, view.ray), side)
    if film == "near infrared":
        drawn = show_pupils(drawn, camera, posed.base, dice("pupils"))
    drawn = defocus_from(drawn, len(thing.faces) - occlusion.faces, occlusion.blur * side)
    nearest, frame = drawn.nearest_round(len(figure.faces), camera.distance_dm), None
    if "camera" in features:
        shade = lighting.exposure * exposure_of_tone(figure.identity.monk_tone, film)
        picture = photograph(Taken(drawn.radiance, drawn.coverage, background, shade, lighting.dark), film, dice)
        frame = sample_frame(side, dice("frame"))
        if frame is not None:
            picture = frame.fill(picture)
            nearest = np.where(frame.outside(len(nearest), side), np.float32(np.inf), nearest)
    else:
        picture = develop(drawn.radiance, drawn.coverage, background, dice("sensor"), lighting.exposure)
    labels = make_labels(model, posed.base, posed.base_normals, camera, nearest, SUPERSAMPLING)
    attributes = {
        "expression": act.name, "light": lighting.name, "sensor": film, "occluder": occlusion.name,
        "company": len(company),
    }  # fmt: skip
    return Picture(picture, labels, {**attributes, "frame": frame.kind if frame is not None else ""})


def light_and_background(
    environments: tuple[Environment, ...], film: str, side: int, features: frozenset[str], dice: Dice
) -> tuple[Lighting, FloatArray]:
    """Light in the viewer's axes, and what is behind: linear radiance (side, side, 3)."""
    sample = sample_rig if "light" in features else sample_lighting
    lighting, backdrop = sample(environments, dice("light"))
    if film == "near infrared":
        lighting = active_light(dice("active light"))
    rng = dice("background")
    if "light" in features:
        scenery = paint_scenery(lambda: _view_behind(backdrop, side, rng), side, lighting.name, dice("scenery"))
        return lighting, scenery * np.float32(lighting.level() * lighting.backdrop)
    return lighting, paint_clutter(_view_behind(backdrop, side, rng), rng) * np.float32(lighting.backdrop)


def _view_behind(backdrop: FloatArray, side: int, rng: np.random.Generator) -> FloatArray:
    """Linear radiance (side, side, 3) of the environment in the direction of the lens."""
    focal = side / 2 / np.tan(np.radians(rng.uniform(10, 35)))
    tilt: Matrix = rotation_x(rng.normal(0, 12))
    view = backdrop_crop(backdrop, tilt, float(focal), side)
    return np.minimum(view, rng.uniform(1.0, 4.0)).astype(np.float32)
