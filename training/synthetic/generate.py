"""Rendering a dataset: identities in several poses, several processes, one tar shard a task.

Every head follows from (seed, identity number) alone, so the bytes do not depend on the number of workers.
A shard appears under its name only when complete; a run that was interrupted goes on with the shards that
are missing.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import tarfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
from hpe_edge.training.synthetic.assets import (
    HEAD_DATA_SHA256,
    AssetLibrary,
    open_assets,
    tree_sha256,
)
from hpe_edge.training.synthetic.features import FEATURES
from hpe_edge.training.synthetic.figure import build_figure
from hpe_edge.training.synthetic.head_model import HeadModel, load_head_model
from hpe_edge.training.synthetic.identity import Identity, sample_identity
from hpe_edge.training.synthetic.lights import Environment, load_environments
from hpe_edge.training.synthetic.scene import Picture, render_picture
from hpe_edge.training.synthetic.streams import Dice
from tqdm import tqdm

from hpe_edge.errors import DatasetError, InvalidArgumentError

FORMAT = "hpe-edge-heads/1"
# Raise it whenever the same seed would give other pictures: datasets of two versions are never mixed.
RENDERER_VERSION = 2
JPEG_QUALITY = 95
LEAST_VISIBLE_FACE = 0.35
_TRIES = 4


@dataclass(frozen=True)
class DatasetSpec:
    """All that decides the pictures of a dataset."""

    seed: int
    count: int
    image_size: int = 112
    poses_per_identity: int = 6
    heads_per_shard: int = 900
    features: tuple[str, ...] = tuple(FEATURES)
    renderer_version: int = RENDERER_VERSION
    manifest_sha256: str = ""
    head_data_sha256: str = HEAD_DATA_SHA256
    format: str = FORMAT

    def __post_init__(self) -> None:
        if self.count < 1 or self.poses_per_identity < 1 or self.heads_per_shard < 1:
            raise InvalidArgumentError(f"count, poses and heads per shard: expected at least 1, got {self}")
        if self.heads_per_shard % self.poses_per_identity:
            raise InvalidArgumentError(
                f"heads_per_shard: expected a multiple of {self.poses_per_identity}, got {self.heads_per_shard}"
            )
        if not 32 <= self.image_size <= 512:
            raise InvalidArgumentError(f"image_size: expected 32 to 512 pixels, got {self.image_size}")

    def shard_names(self) -> list[str]:
        """File names of all shards."""
        return [f"shard-{index:06d}.tar" for index in range(-(-self.count // self.heads_per_shard))]

    def heads_of(self, shard: int) -> range:
        """Numbers of the heads in a shard."""
        first = shard * self.heads_per_shard
        return range(first, min(first + self.heads_per_shard, self.count))


def generate(
    spec: DatasetSpec,
    out: Path,
    assets_folder: Path | None = None,
    head_folder: Path | None = None,
    *,
    workers: int = 1,
    quiet: bool = False,
) -> Path:
    """Render a dataset into ``out`` and return the path of its ``dataset.json``.

    Raises ``AssetError`` for missing or altered material and ``DatasetError`` where ``out`` holds another
    dataset, the disk is full or a worker died; finished shards stay and the same call goes on from them.
    """
    assets = open_assets(assets_folder, head_folder)
    spec = replace(spec, manifest_sha256=assets.manifest_sha256)
    out.mkdir(parents=True, exist_ok=True)
    _claim(out, spec)
    todo = [index for index, name in enumerate(spec.shard_names()) if not _complete(out / name, spec, index)]
    done = spec.count - sum(len(spec.heads_of(index)) for index in todo)
    with tqdm(total=spec.count, initial=done, unit="head", desc="render", disable=quiet) as bar:
        for shard in _run(spec, out, assets, todo, workers):
            bar.update(len(spec.heads_of(shard)))
    return _describe(out, spec, complete=True)


def _run(spec: DatasetSpec, out: Path, assets: AssetLibrary, todo: list[int], workers: int) -> Iterator[int]:
    if not todo:
        return
    # one thread a worker: the linear algebra is small, and spinning threads would take the others' cores
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _start_worker, (assets,)) as pool:
        futures = {pool.submit(render_shard, spec, out, shard): shard for shard in todo}
        try:
            for future in as_completed(futures):
                future.result()
                yield futures[future]
        except BrokenProcessPool as error:
            raise DatasetError(
                f"a rendering worker died (killed, or out of memory; about 0.6 GB each) in {out}. Finished shards "
                "are kept: run the same command again to go on, with fewer --workers if memory was short."
            ) from error
        except OSError as error:
            raise DatasetError(
                f"cannot write to {out}: {error}. Finished shards are kept: free some space and run the same "
                "command again to go on."
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


class _Studio:
    """What a worker loads once."""

    def __init__(self, assets: AssetLibrary) -> None:
        cv2.setNumThreads(1)
        self.model: HeadModel = load_head_model(assets)
        self.environments: tuple[Environment, ...] = load_environments(assets)


_studio: _Studio | None = None


def _start_worker(assets: AssetLibrary) -> None:
    global _studio
    _studio = _Studio(assets)


def render_shard(spec: DatasetSpec, out: Path, shard: int) -> None:
    """Render one shard in this worker; its file appears when it is complete."""
    if _studio is None:
        raise DatasetError("render_shard runs in a worker started by generate()")
    path = out / spec.shard_names()[shard]
    partial = path.with_suffix(".tar.partial")
    heads = spec.heads_of(shard)
    with tarfile.open(partial, "w", format=tarfile.USTAR_FORMAT) as tar:
        for first in range(heads.start, heads.stop, spec.poses_per_identity):
            number = first // spec.poses_per_identity
            wanted = min(spec.poses_per_identity, heads.stop - first)
            for offset, (identity, picture) in enumerate(render_identity(_studio, spec, number, wanted)):
                _add_sample(tar, f"{first + offset:08d}", number, identity, picture)
    partial.replace(path)


def render_identity(studio: _Studio, spec: DatasetSpec, number: int, poses: int) -> Iterator[tuple[Identity, Picture]]:
    """The pictures of identity ``number``; a pose that hair or a hand hides is drawn again."""
    dice = Dice((spec.seed, number))
    features = frozenset(spec.features)
    identity = sample_identity(studio.model, features, dice)
    figure = build_figure(studio.model, identity, dice)
    for pose in range(poses):
        for attempt in range(_TRIES):
            part = dice.child(pose * _TRIES + attempt)
            picture = render_picture(studio.model, studio.environments, figure, spec.image_size, features, part)
            if picture.labels.visible_face_fraction >= LEAST_VISIBLE_FACE:
                break
        yield identity, picture


def _add_sample(tar: tarfile.TarFile, key: str, number: int, identity: Identity, picture: Picture) -> None:
    encoded, jpeg = cv2.imencode(".jpg", picture.image_bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not encoded:
        raise DatasetError(f"head {key}: OpenCV could not encode a JPEG of shape {picture.image_bgr.shape}")
    label: dict[str, Any] = {"key": key, **picture.labels.as_dict(), "identity": number}
    label["attributes"] = {**identity.attributes(), **picture.attributes}
    _add(tar, f"{key}.jpg", jpeg.tobytes())
    _add(tar, f"{key}.json", json.dumps(label, separators=(",", ":")).encode())


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)  # time 0, no owner: the same bytes wherever it is made
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def _claim(out: Path, spec: DatasetSpec) -> None:
    """Refuse a folder that holds another dataset; else write the description of an unfinished one."""
    path = out / "dataset.json"
    if not path.exists():
        _describe(out, spec, complete=False)
        return
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise DatasetError(f"{path}: expected a dataset description, got unreadable JSON ({error})") from error
    asked = json.loads(json.dumps(asdict(spec)))  # tuples as JSON has them
    differing = [key for key, value in asked.items() if found.get(key) != value]
    if differing:
        told = ", ".join(f"{key} {found.get(key)!r} (asked: {asked[key]!r})" for key in differing)
        raise DatasetError(f"{out} already holds another dataset: {told}. Choose another --out or the same settings.")


def _describe(out: Path, spec: DatasetSpec, *, complete: bool) -> Path:
    path = out / "dataset.json"
    partial = path.with_suffix(".json.partial")
    description: dict[str, Any] = {**asdict(spec), "complete": complete}
    if complete:
        description["shards_sha256"] = shards_sha256(out, spec)
    partial.write_text(json.dumps(description, indent=1) + "\n")
    partial.replace(path)
    return path


def shards_sha256(out: Path, spec: DatasetSpec) -> str:
    """One sha256 for all shards: rendering again from the seed must give it again."""
    return tree_sha256(out, [out / name for name in spec.shard_names()])


def _complete(path: Path, spec: DatasetSpec, shard: int) -> bool:
    """Whether a shard is there with all its samples; a damaged one is rendered again."""
    if not path.exists():
        return False
    try:
        with tarfile.open(path) as tar:
            return len(tar.getnames()) == 2 * len(spec.heads_of(shard))
    except (tarfile.TarError, OSError, EOFError):
        return False
