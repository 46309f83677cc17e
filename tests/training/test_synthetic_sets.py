"""Engines, bad input, and the sets other than single heads: never a silently short set."""

from __future__ import annotations

import errno
import importlib.util
import json
import os
import signal
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from hpe_edge.training.data.shards import open_heads
from hpe_edge.training.euler import euler_of_rotation_deg
from hpe_edge.training.synthetic.assets import AssetLibrary
from hpe_edge.training.synthetic.people.figure import Figure
from hpe_edge.training.synthetic.people.pose import euler_in_range
from hpe_edge.training.synthetic.sets import command, crowd, sets_command
from hpe_edge.training.synthetic.sets import folder as sets
from hpe_edge.training.synthetic.sets.crowd import SceneSpec, paint_scenes
from hpe_edge.training.synthetic.sets.engines import run_shards
from hpe_edge.training.synthetic.sets.folder import Paint, SetSpec, Spec, render_set
from hpe_edge.training.synthetic.sets.generate import DatasetSpec, paint_heads
from hpe_edge.training.synthetic.sets.motion import TRAJECTORIES, sample_face, sample_motion
from hpe_edge.training.synthetic.sets.sequence import SequenceSpec, paint_frames, write_labels, write_video
from hpe_edge.training.synthetic.sets.shard_files import Sample, is_whole, pack_shard, write_whole
from hpe_edge.training.synthetic.streams import Dice
from hpe_edge.training.synthetic.studio import Studio

from hpe_edge import _workers
from hpe_edge.cli import main
from hpe_edge.errors import AssetError, DatasetError, InvalidArgumentError, MissingDependencyError

NO_ASSETS = AssetLibrary(Path("nowhere"), Path("nowhere"), "", {})
needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is an extra: hpe-edge[ray]")
ENGINES = ["local", pytest.param("ray", marks=needs_ray)]


@pytest.fixture(scope="module")
def ray_of_two() -> Iterator[None]:
    """One local Ray for all tests of this module: starting it takes seconds."""
    ray = pytest.importorskip("ray", reason="ray is an extra: hpe-edge[ray]")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_AUTH_MODE", "disabled")  # else Ray writes a token into the home folder
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))  # where the workers find this module
        ray.init(address="local", num_cpus=2, include_dashboard=False, object_store_memory=100 << 20)
        yield
        ray.shutdown()


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    if request.param == "ray":
        request.getfixturevalue("ray_of_two")
    return str(request.param)


@dataclass(frozen=True, kw_only=True)
class GreySpec(SetSpec):
    """Grey squares, three a shard: what sets do, without a head."""

    image_size: int = 32
    killer: str = ""  # a file: a worker that finds it dies at shard 1

    @property
    def samples_per_shard(self) -> int:
        return 3


def grey(studio: Studio, spec: GreySpec, numbers: range) -> Iterator[Sample]:
    if numbers.start and spec.killer and Path(spec.killer).exists():
        os.kill(os.getpid(), signal.SIGKILL)
    for number in numbers:
        yield Sample(f"{number:08d}", np.full((32, 32, 3), number * 10, np.uint8), {"number": number})


def short(studio: Studio, spec: GreySpec, numbers: range) -> Iterator[Sample]:
    yield from list(grey(studio, spec, numbers))[1:]


def shout(word: str, studio: Studio, shard: int) -> bytes:
    if shard == 5:
        raise DatasetError("no shard 5")
    return f"{word} {shard} {os.getpid()}".encode()


@pytest.fixture(autouse=True)
def no_assets_needed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests of grey squares run where there are no assets."""
    if "assets_folder" not in request.fixturenames:
        monkeypatch.setattr(sets, "open_assets", lambda *_: NO_ASSETS)


@needs_ray
def test_a_ray_cluster_that_is_not_there_is_told() -> None:
    """Before any test that starts a Ray of its own."""
    run = run_shards(partial(shout, "hey"), [0], NO_ASSETS, engine="ray", workers=1, ray_address="nonsense://x")
    with pytest.raises(InvalidArgumentError, match="--ray-address nonsense://x: no Ray cluster can be reached"):
        list(run)


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_every_shard_comes_once_from_two_workers(engine: str) -> None:
    run = run_shards(partial(shout, "hey"), [0, 1, 2, 3, 4], NO_ASSETS, engine=engine, workers=2, ray_address=None)
    got = sorted((number, *content.decode().split()) for number, content in run)
    assert [(number, word, int(shard)) for number, word, shard, _ in got] == [(n, "hey", n) for n in range(5)]
    assert str(os.getpid()) not in {process for *_, process in got}


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_an_error_of_a_worker_reaches_the_caller_as_it_is(engine: str) -> None:
    run = run_shards(partial(shout, "hey"), [5], NO_ASSETS, engine=engine, workers=1, ray_address=None)
    with pytest.raises(DatasetError, match="no shard 5"):
        list(run)


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_a_killed_worker_is_told_and_the_same_call_goes_on(engine: str, tmp_path: Path) -> None:
    killer = tmp_path / "killer"
    killer.touch()
    spec = GreySpec(seed=0, count=8, killer=str(killer))
    out = tmp_path / "out"
    with pytest.raises(DatasetError, match=r"worker died .* run the same command again"):
        render_set(spec, grey, out, engine=engine, workers=1, quiet=True)
    assert json.loads((out / "dataset.json").read_text())["complete"] is False
    assert is_whole(out / "shard-000000.tar", 3)
    assert not list(out.glob("*.partial"))
    with pytest.raises(DatasetError, match="did not finish"):
        open_heads([out], tmp_path / "cache", quiet=True)
    first = (out / "shard-000000.tar").stat().st_mtime_ns
    killer.unlink()
    render_set(spec, grey, out, engine=engine, workers=1, quiet=True)
    assert json.loads((out / "dataset.json").read_text())["complete"] is True
    assert (out / "shard-000000.tar").stat().st_mtime_ns == first
    assert [is_whole(out / name, n) for name, n in zip(spec.shard_names(), (3, 3, 2), strict=True)] == [True] * 3


def test_a_full_disk_is_told_and_leaves_no_half_shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_file = Path.replace

    def full(path: Path, target: Path) -> Path:
        if target.name == "shard-000001.tar":
            raise OSError(errno.ENOSPC, "No space left on device")
        return replace_file(path, target)

    spec = GreySpec(seed=0, count=8)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(DatasetError, match=r"shard-000001\.tar: .*No space left.*free some space"):
            render_set(spec, grey, tmp_path, workers=1, quiet=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dataset.json", "shard-000000.tar"]
    assert json.loads((tmp_path / "dataset.json").read_text())["complete"] is False
    render_set(spec, grey, tmp_path, workers=1, quiet=True)
    assert not sets.missing_shards(tmp_path, replace(spec, manifest_sha256=""))


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatasetError, match="expected a folder that can be written"):
        render_set(GreySpec(seed=0, count=3), grey, tmp_path / "file", quiet=True)


def test_what_an_interrupted_run_left_is_made_again(tmp_path: Path) -> None:
    spec = GreySpec(seed=0, count=8)
    render_set(spec, grey, tmp_path, workers=1, quiet=True)
    wanted = {name: (tmp_path / name).read_bytes() for name in spec.shard_names()}
    cut, gone, tail = (tmp_path / name for name in spec.shard_names())
    (tmp_path / "shard-000000.tar.partial").write_bytes(wanted[cut.name][:700])
    cut.write_bytes(wanted[cut.name][:2000])
    gone.unlink()
    tail.write_bytes(wanted[tail.name][:-512])  # all samples are there, the end of the archive is not
    render_set(spec, grey, tmp_path, workers=1, quiet=True)
    assert {name: (tmp_path / name).read_bytes() for name in spec.shard_names()} == wanted
    assert not list(tmp_path.glob("*.partial"))


def test_a_renderer_that_makes_too_few_samples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="expected 3 samples, the renderer made 2"):
        render_set(GreySpec(seed=0, count=3), short, tmp_path, workers=1, quiet=True)
    assert not list(tmp_path.glob("shard-*"))


def test_shards_are_tars_without_time_or_owner(tmp_path: Path) -> None:
    spec = GreySpec(seed=0, count=3)
    write_whole(tmp_path / "a.tar", pack_shard(grey(Studio(NO_ASSETS), spec, range(3)), 3))
    with tarfile.open(tmp_path / "a.tar") as tar:
        assert tar.getnames() == [f"{n:08d}.{kind}" for n in range(3) for kind in ("jpg", "json")]
        assert all(member.mtime == 0 and member.uid == 0 and not member.uname for member in tar)


def test_impossible_engines() -> None:
    with pytest.raises(InvalidArgumentError, match="engine: expected one of local, ray, got 'dask'"):
        run_shards(shout, [0], NO_ASSETS, engine="dask", workers=1, ray_address=None)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="workers: expected at least 1, got 0"):
        run_shards(shout, [0], NO_ASSETS, engine="local", workers=0, ray_address=None)  # type: ignore[arg-type]


def test_missing_ray_is_told_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'hpe-edge\[ray\]'"):
        list(run_shards(partial(shout, "hey"), [0], NO_ASSETS, engine="ray", workers=1, ray_address=None))


@needs_ray
@pytest.mark.usefixtures("ray_of_two")
def test_ray_gives_the_bytes_of_this_process(assets_folder: Path, studio: Studio, tmp_path: Path) -> None:
    """And the pool gives them too: test_synthetic_generate compares its workers."""
    spec = DatasetSpec(seed=3, count=4, image_size=48, poses_per_identity=2, heads_per_shard=2)
    render_set(spec, paint_heads, tmp_path, assets_folder, engine="ray", workers=2, quiet=True)
    for shard, name in enumerate(spec.shard_names()):
        assert (tmp_path / name).read_bytes() == sets.render_shard(spec, paint_heads, studio, shard)


@needs_ray
@pytest.mark.usefixtures("ray_of_two")
def test_other_assets_on_a_ray_machine_are_told(assets_folder: Path) -> None:
    altered = replace(sets.open_assets(assets_folder), manifest_sha256="0" * 64)
    run = run_shards(_load, [0], altered, engine="ray", workers=1, ray_address=None)
    with pytest.raises(AssetError, match="copy the folder to every machine"):
        list(run)


def _load(studio: Studio, shard: int) -> bytes:
    return str(studio.model.white).encode()


@pytest.mark.parametrize("kind", TRAJECTORIES)
def test_motions_are_smooth_and_tell_their_angular_velocity(kind: str) -> None:
    motion = sample_motion(kind, 5.0, np.random.default_rng(4))
    step = 1e-3
    moments = np.arange(0, 5, 0.01)
    poses = np.asarray([motion.rotation(moment) for moment in moments])
    spins = np.asarray([motion.angular_velocity_deg_s(moment) for moment in moments])
    for moment, pose, spin in zip(moments, poses, spins, strict=True):
        x, y, z = np.radians(spin) * step
        turned = np.add(np.eye(3), [[0, -z, y], [z, 0, -x], [-y, x, 0]]) @ pose  # small turn about x, y, z
        np.testing.assert_allclose(motion.rotation(moment + step), turned, atol=3e-5)
    assert all(euler_in_range(euler_of_rotation_deg(pose)) for pose in poses)
    assert np.abs(np.diff(spins, axis=0)).max() < 40  # degrees/s between neighbours 10 ms apart: no jerk
    speed = np.linalg.norm(spins, axis=1)
    assert speed.max() == 0 if kind == "still" else speed.max() > 20


def test_a_face_blinks_and_talks() -> None:
    face = sample_face(10.0, np.random.default_rng(0))
    weights = [face.weights(moment) for moment in np.arange(0, 10, 1 / 60)]
    shut = np.asarray([weight["eye-left-closure"] for weight in weights])
    assert shut.max() > 0.95
    assert 0.02 < (shut > 0.5).mean() < 0.2
    opening = np.asarray([weight["mouth-open"] for weight in weights])
    assert opening.max() > 0.15
    assert opening.min() == 0
    assert all(0 <= value <= 1 for weight in weights for value in weight.values())


def render_here(studio: Studio, spec: Spec, paint: Paint[Spec], out: Path) -> Path:
    """What render_set writes, without its workers."""
    out.mkdir(parents=True, exist_ok=True)
    for shard, name in enumerate(spec.shard_names()):
        write_whole(out / name, sets.render_shard(spec, paint, studio, shard))
    sets.describe(out, spec, complete=True)
    return out


@pytest.fixture(scope="module")
def sequence(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = SequenceSpec(
        seed=1, count=6, image_size=96, fps=12.0, trajectory="shake", frames_per_shard=4, features=("pose",)
    )
    return render_here(studio, spec, paint_frames, tmp_path_factory.mktemp("sequence"))


def test_frames_follow_their_trajectory_and_keep_person_light_and_place(sequence: Path) -> None:
    labels = [json.loads(line) for line in write_labels(sequence).read_text().splitlines()]
    assert [label["frame"] for label in labels] == list(range(6))
    np.testing.assert_allclose(np.diff([label["timestamp_s"] for label in labels]), 1 / 12, atol=1e-5)
    assert len({json.dumps(label["attributes"]) for label in labels}) == 1
    assert np.ptp([label["yaw_deg"] for label in labels]) > 5
    middles = np.asarray([np.reshape(label["box_xyxy"], (2, 2)).mean(0) for label in labels])
    assert np.abs(np.diff(middles, axis=0)).max() < 12
    heads = open_heads([sequence], sequence / "cache", quiet=True)
    corner = heads.images[:, :12, :12].astype(float)  # background beside the head: only noise changes
    assert np.abs(corner.mean((1, 2)) - corner.mean((0, 1, 2))).max() < 4


def test_an_open_shutter_blurs_what_moves(studio: Studio, tmp_path: Path) -> None:
    def edges(exposure_share: float) -> float:
        spec = SequenceSpec(
            seed=1, count=2, image_size=96, fps=5.0, features=("pose",), trajectory="shake",
            exposure_share=exposure_share,
        )  # fmt: skip
        frames = [sample.image_bgr.astype(float) for sample in paint_frames(studio, spec, range(2))]
        return float(np.abs(np.diff(frames, axis=2)).mean())

    assert edges(0.9) < 0.97 * edges(0.0)


def test_a_sequence_becomes_a_video(sequence: Path) -> None:
    video = cv2.VideoCapture(str(write_video(sequence, 12.0)))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trajectory": "dance"}, "trajectory: expected one of nod"),
        ({"fps": 0.0}, "fps: expected 1 to 1000"),
        ({"exposure_share": 1.5}, "exposure_share: expected 0 to 1"),
    ],
)
def test_impossible_sequences(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        SequenceSpec(seed=0, count=5, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def scenes(studio: Studio) -> list[Sample]:
    spec = SceneSpec(
        seed=2, count=10, image_size=160, heads_least=1, heads_most=5, faceless_share=0.4, features=("pose", "hair")
    )
    return list(paint_scenes(studio, spec, range(10)))


def test_scenes_hold_what_was_asked_and_some_are_empty(scenes: list[Sample]) -> None:
    counts = [len(sample.label["heads"]) for sample in scenes]
    assert min(counts) == 0
    assert 2 <= max(counts) <= 5
    assert all(sample.image_bgr.shape == (160, 160, 3) for sample in scenes)
    for sample in scenes:
        people = [head["identity"] for head in sample.label["heads"]]
        assert len(set(people)) == len(people)
        distances = [head["camera"]["distance_dm"] for head in sample.label["heads"]]
        assert distances == sorted(distances, reverse=True)


def test_labels_of_scenes_are_those_of_single_heads(scenes: list[Sample]) -> None:
    for head in (head for sample in scenes for head in sample.label["heads"]):
        points = np.asarray(head["landmarks_68"])
        np.testing.assert_allclose([*points.min(0), *points.max(0)], head["box_xyxy"], atol=0.01)
        camera, xyz = head["camera"], np.asarray(head["landmarks_68_xyz_mm"])
        u = camera["cx"] - camera["fx"] * xyz[:, 0] / xyz[:, 2]
        np.testing.assert_allclose(u, points[:, 0], atol=0.1)
        assert 0 <= head["visible_face_fraction"] <= 1
        seen = np.asarray(head["landmarks_68_visible"], bool)
        assert ((points[seen] >= 0) & (points[seen] <= 160)).all()


def test_who_stands_behind_is_hidden(studio: Studio) -> None:
    """The same people drawn alone are seen at least as well."""
    spec = SceneSpec(seed=5, count=4, image_size=160, heads_least=6, heads_most=6, faceless_share=0, features=("pose",))
    hidden = 0
    for number in range(4):
        casts: dict[int, Figure] = {}
        people = crowd._people(studio, spec, number, casts, Dice((spec.seed, number)))
        lighting, background = crowd.light_and_background(studio.environments, "colour", 160, frozenset(), Dice((0,)))
        _, nearest = crowd._photograph(studio, people, lighting, background, Dice((0,)))
        for person in people:
            _, alone = crowd._photograph(studio, [person], lighting, background, Dice((0,)))
            together, apart = (
                crowd._head_label(studio, person, depth)["visible_face_fraction"] for depth in (nearest, alone)
            )
            assert together <= apart + 1e-6
            hidden += together < 0.5 * apart
    assert hidden > 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"heads_least": 4, "heads_most": 2}, "expected 0 <= least <= most <= 64, got 4 to 2"),
        ({"faceless_share": 2.0}, "faceless_share: expected 0 to 1"),
    ],
)
def test_impossible_scenes(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        SceneSpec(seed=0, count=5, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["render-scenes", "--out", "x", "--count", "1", "--heads", "many"], "expected a number or LEAST-MOST"),
        (["render-scenes", "--out", "x", "--count", "1", "--heads", "5-2"], "expected 0 <= least <= most"),
        (["render-sequence", "--out", "x", "--fps", "0"], "fps: expected 1 to 1000"),
        (["render", "--out", "x", "--count", "1", "--yaw-range", "200"], "yaw_range_deg: expected 10 to 180"),
        (["render", "--out", "x", "--count", "1", "--engine", "cluster"], "invalid choice: 'cluster'"),
    ],
)
def test_commands_refuse_what_makes_no_sense(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(arguments)
    except SystemExit as left:  # argparse's own refusals
        code = left.code
    assert code == 2
    assert message in capsys.readouterr().err


def test_commands_offer_what_there_is() -> None:
    """They repeat the names, since what has them is slow to import."""
    assert command.ENGINES == _workers.ENGINES
    assert sets_command.TRAJECTORIES == TRAJECTORIES
