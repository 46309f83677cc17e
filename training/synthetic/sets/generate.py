"""Rendering heads for training: identities in several poses, one picture each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpe_edge.training.euler import EULER_LIMIT_DEG
from hpe_edge.training.provenance import source_commit
from hpe_edge.training.synthetic.occlusion.company import sample_companion
from hpe_edge.training.synthetic.people.figure import build_figure
from hpe_edge.training.synthetic.people.identity import Identity, sample_identity
from hpe_edge.training.synthetic.scene import Picture, render_picture
from hpe_edge.training.synthetic.sets.folder import Paint, SetSpec, Spec, render_set
from hpe_edge.training.synthetic.sets.shard_files import Sample
from hpe_edge.training.synthetic.streams import Dice
from hpe_edge.training.synthetic.studio import Studio

from hpe_edge.errors import InvalidArgumentError

FORMAT = "hpe-edge-heads/1"
LEAST_VISIBLE_FACE = 0.45
_TRIES = 4


@dataclass(frozen=True, kw_only=True)
class DatasetSpec(SetSpec):
    """All that decides the pictures of a dataset of heads."""

    image_size: int = 112
    poses_per_identity: int = 6
    heads_per_shard: int = 900
    yaw_range_deg: float = EULER_LIMIT_DEG
    format: str = FORMAT

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.poses_per_identity < 1 or self.heads_per_shard % self.poses_per_identity:
            raise InvalidArgumentError(
                f"heads_per_shard: expected a multiple of {self.poses_per_identity}, got {self.heads_per_shard}"
            )
        if not 10 <= self.yaw_range_deg <= 180:
            raise InvalidArgumentError(f"yaw_range_deg: expected 10 to 180 degrees, got {self.yaw_range_deg}")
        if self.yaw_range_deg > EULER_LIMIT_DEG and "pose" not in self.features:
            raise InvalidArgumentError(
                f"yaw_range_deg: expected at most {EULER_LIMIT_DEG:g} without the feature 'pose', "
                f"got {self.yaw_range_deg:g}"
            )

    @property
    def samples_per_shard(self) -> int:
        """Heads of every shard but the last."""
        return self.heads_per_shard


def generate(
    spec: DatasetSpec,
    out: Path,
    assets_folder: Path | None = None,
    head_folder: Path | None = None,
    **how: Any,
) -> Path:
    """Render a dataset of heads and write its data card; arguments and errors of ``sets.render_set``."""
    return render_with_card(spec, paint_heads, out, assets_folder, head_folder, **how)


def render_with_card(
    spec: Spec,
    paint: Paint[Spec],
    out: Path,
    assets_folder: Path | None = None,
    head_folder: Path | None = None,
    **how: Any,
) -> Path:
    """``sets.render_set``, then the data card of what was rendered."""
    from hpe_edge.training.synthetic.sets.data_card import write_data_card  # workers need no matplotlib

    path = render_set(spec, paint, out, assets_folder, head_folder, **how)
    write_data_card(out, assets_folder, commit=source_commit(), quiet=bool(how.get("quiet")))
    return path


def paint_heads(studio: Studio, spec: DatasetSpec, numbers: range) -> Iterator[Sample]:
    """The heads of these numbers; they begin with an identity's first."""
    for first in range(numbers.start, numbers.stop, spec.poses_per_identity):
        number = first // spec.poses_per_identity
        wanted = min(spec.poses_per_identity, numbers.stop - first)
        for offset, (identity, picture) in enumerate(render_identity(studio, spec, number, wanted)):
            label = {**picture.labels.as_dict(), "identity": number, "skin": skin_name(studio, identity)}
            label["attributes"] = {**identity.attributes(), **picture.attributes}
            yield Sample(f"{first + offset:08d}", picture.image_bgr, label)


def skin_name(studio: Studio, identity: Identity) -> str:
    """The asset that an identity's skin texture comes from."""
    return next(name for name, texture in studio.model.skins.items() if texture is identity.skin)


def render_identity(studio: Studio, spec: DatasetSpec, number: int, poses: int) -> Iterator[tuple[Identity, Picture]]:
    """The pictures of identity ``number``; one whose face is hidden is drawn again, and the clearest try is kept."""
    dice = Dice((spec.seed, number))
    features = frozenset(spec.features)
    identity = sample_identity(studio.model, features, dice)
    figure = build_figure(studio.model, identity, dice)
    companion = sample_companion(studio.model, studio.companions, features, dice)
    for pose in range(poses):
        tries: list[Picture] = []
        while len(tries) < _TRIES and not (tries and _shows_the_face(tries[-1])):
            part = dice.child(pose * _TRIES + len(tries))
            tries.append(
                render_picture(
                    studio.model, studio.environments, figure, spec.image_size, features, part,
                    spec.yaw_range_deg, companion,
                )
            )  # fmt: skip
        shown = tries[-1] if _shows_the_face(tries[-1]) else max(tries, key=_visible_share)
        yield identity, shown


def _visible_share(picture: Picture) -> float:
    return picture.labels.visible_face_fraction


def _shows_the_face(picture: Picture) -> bool:
    """Whether enough of the face is seen; a head turned away has none to show."""
    return _visible_share(picture) >= LEAST_VISIBLE_FACE or not picture.labels.euler_in_range
