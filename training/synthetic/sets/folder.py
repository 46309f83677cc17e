"""A rendered set in a folder: its description, its shards, and going on after an interruption.

Every sample follows from (seed, number) alone, so the bytes do not depend on the engine or the number of workers.
``dataset.json`` says ``"complete": true`` only when every shard is there, whole; readers refuse the folder before.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from hpe_edge.training.synthetic.assets import HEAD_DATA_SHA256, open_assets, tree_sha256
from hpe_edge.training.synthetic.features import FEATURES
from hpe_edge.training.synthetic.sets.engines import run_shards
from hpe_edge.training.synthetic.sets.shard_files import Sample, is_whole, pack_shard, write_whole
from hpe_edge.training.synthetic.studio import Studio
from tqdm import tqdm

from hpe_edge.errors import DatasetError, InvalidArgumentError

# Raise it whenever the same seed would give other pictures: datasets of two versions are never mixed.
RENDERER_VERSION = 3


@dataclass(frozen=True, kw_only=True)
class SetSpec(ABC):
    """What all kinds of rendered sets share: ``count`` samples of ``image_size`` pixels a side, from ``seed``."""

    seed: int
    count: int
    image_size: int
    features: tuple[str, ...] = tuple(FEATURES)
    renderer_version: int = RENDERER_VERSION
    manifest_sha256: str = ""
    head_data_sha256: str = HEAD_DATA_SHA256
    format: str = ""

    def __post_init__(self) -> None:
        if self.count < 1 or self.samples_per_shard < 1:
            raise InvalidArgumentError(f"count and samples per shard: expected at least 1, got {self}")
        if self.seed < 0:
            raise InvalidArgumentError(f"seed: expected 0 or more, got {self.seed}")
        if not 32 <= self.image_size <= 1024:
            raise InvalidArgumentError(f"image_size: expected 32 to 1024 pixels, got {self.image_size}")

    @property
    @abstractmethod
    def samples_per_shard(self) -> int:
        """Of every shard but the last."""

    def shard_names(self) -> list[str]:
        """File names of all shards."""
        return [f"shard-{index:06d}.tar" for index in range(-(-self.count // self.samples_per_shard))]

    def samples_of(self, shard: int) -> range:
        """Numbers of the samples in a shard."""
        first = shard * self.samples_per_shard
        return range(first, min(first + self.samples_per_shard, self.count))


Spec = TypeVar("Spec", bound=SetSpec)
Paint = Callable[[Studio, Spec, range], Iterable[Sample]]
"""Renders the samples of a range of numbers; a function of a module, so that it can be sent to workers."""


def render_set(
    spec: Spec,
    paint: Paint[Spec],
    out: Path,
    assets_folder: Path | None = None,
    head_folder: Path | None = None,
    *,
    workers: int | None = None,
    engine: str = "local",
    ray_address: str | None = None,
    quiet: bool = False,
) -> Path:
    """Render a set into ``out`` and return the path of its ``dataset.json``.

    Raises ``AssetError`` for missing or altered material and ``DatasetError`` where ``out`` holds another
    set, the disk is full or a worker died; finished shards stay and the same call goes on from them.
    """
    assets = open_assets(assets_folder, head_folder)
    spec = replace(spec, manifest_sha256=assets.manifest_sha256)
    _claim(out, spec)
    todo = missing_shards(out, spec)
    done = spec.count - sum(len(spec.samples_of(index)) for index in todo)
    with tqdm(total=spec.count, initial=done, unit="img", desc="render", disable=quiet) as bar:
        if todo:
            work = partial(render_shard, spec, paint)
            run = run_shards(work, todo, assets, engine=engine, workers=workers, ray_address=ray_address)
            with closing(run):
                for shard, content in run:
                    write_whole(out / spec.shard_names()[shard], content)
                    bar.update(len(spec.samples_of(shard)))
    short = missing_shards(out, spec)
    if short:
        raise DatasetError(f"{out}: {len(short)} shards vanished or were cut while rendering; run the command again")
    return describe(out, spec, complete=True)


def render_shard(spec: Spec, paint: Paint[Spec], studio: Studio, shard: int) -> bytes:
    """One shard's bytes."""
    numbers = spec.samples_of(shard)
    return pack_shard(paint(studio, spec, numbers), len(numbers))


def missing_shards(out: Path, spec: SetSpec) -> list[int]:
    """Numbers of the shards that are not there, or not whole."""
    return [
        index for index, name in enumerate(spec.shard_names()) if not is_whole(out / name, len(spec.samples_of(index)))
    ]


def shards_sha256(out: Path, spec: SetSpec) -> str:
    """One sha256 for all shards: rendering again from the seed must give it again."""
    return tree_sha256(out, [out / name for name in spec.shard_names()])


def _claim(out: Path, spec: SetSpec) -> None:
    """Refuse a folder that holds another set; else write the description of an unfinished one."""
    path = out / "dataset.json"
    try:
        out.mkdir(parents=True, exist_ok=True)
        text = path.read_text() if path.exists() else ""
    except OSError as error:
        raise DatasetError(f"--out {out}: expected a folder that can be written, got: {error}") from error
    if text:
        _refuse_another(path, text, spec)
    describe(out, spec, complete=False)


def _refuse_another(path: Path, text: str, spec: SetSpec) -> None:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise DatasetError(f"{path}: expected a dataset description, got unreadable JSON ({error})") from error
    asked = json.loads(json.dumps(asdict(spec)))  # tuples as JSON has them
    differing = [key for key, value in asked.items() if found.get(key) != value]
    if differing:
        told = ", ".join(f"{key} {found.get(key)!r} (asked: {asked[key]!r})" for key in differing)
        raise DatasetError(
            f"{path.parent} already holds another dataset: {told}. Choose another --out or the same settings."
        )


def describe(out: Path, spec: SetSpec, *, complete: bool) -> Path:
    """Write ``dataset.json``."""
    path = out / "dataset.json"
    description: dict[str, Any] = {**asdict(spec), "complete": complete}
    if complete:
        description["shards_sha256"] = shards_sha256(out, spec)
    write_whole(path, (json.dumps(description, indent=1) + "\n").encode())
    return path
