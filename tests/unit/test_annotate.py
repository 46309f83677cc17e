"""Tables of many pictures: inputs, errors as rows, going on after a kill, the same bytes from any workers."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from hpe_edge import _workers
from hpe_edge.annotate import Estimation, annotate, inputs, job, table
from hpe_edge.cli import annotate as command
from hpe_edge.cli import main
from hpe_edge.errors import DatasetError, InvalidArgumentError, MissingDependencyError

needs_parquet = pytest.mark.skipif(
    importlib.util.find_spec("pyarrow") is None, reason="pyarrow is an extra: hpe-edge[annotate]"
)
needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is an extra: hpe-edge[ray]")
CROPS = Estimation(is_crop=True)


def png(number: int) -> bytes:
    image = np.random.default_rng(number).integers(0, 256, (40, 40, 3), np.uint8)
    return bytes(cv2.imencode(".png", image)[1].tobytes())


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Six pictures, one of them damaged, and what is no picture."""
    folder = tmp_path / "photos"
    (folder / "b").mkdir(parents=True)
    for number, name in enumerate(("a0.png", "a1.PNG", "b/0.png", "b/1.png", "c.png")):
        (folder / name).write_bytes(png(number))
    (folder / "b" / "damaged.jpg").write_bytes(b"\xff\xd8\xff no picture")
    (folder / "notes.txt").write_text("no picture")
    (folder / ".hidden.png").write_bytes(b"")
    return folder


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in this process: starting others takes longer than what these tests do."""

    def share(job: Any, items: Any, **_: Any) -> Iterator[Any]:
        state = job.start()
        yield from ((number, job.work(state, item)) for number, item in enumerate(items))

    monkeypatch.setattr("hpe_edge.annotate.job.share", share)


def rows_of(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted(out.glob("part-*.jsonl")) for line in path.read_text().splitlines()]


def files_of(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def make_tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


@pytest.mark.usefixtures("here")
def test_a_folder_becomes_rows_and_nothing_is_lost(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    summary = annotate(photos, out, CROPS, form="jsonl", pictures_per_shard=4)
    assert (summary.shards, summary.pictures, summary.faces, summary.errors, summary.resumed) == (2, 6, 5, 1, 0)
    rows = rows_of(out)
    assert [row["key"] for row in rows] == ["a0.png", "a1.PNG", "b/0.png", "b/1.png", "b/damaged.jpg", "c.png"]
    assert all(list(row) == list(table.COLUMNS) for row in rows)
    damaged = rows[4]
    assert "damaged or truncated image" in damaged["error"]
    assert all(damaged[name] is None for name in table.COLUMNS if name not in ("source", "key", "error"))
    with_face = rows[0]
    pose = CROPS.open().estimate(cv2.imread(str(photos / "a0.png")), is_crop=True)[0].as_dict()
    assert (with_face["face"], with_face["error"], with_face["score"]) == (0, None, None)
    assert [with_face[name] for name in ("yaw_deg", "pitch_deg", "roll_deg")] == [
        pose[name] for name in ("yaw_deg", "pitch_deg", "roll_deg")
    ]
    assert [with_face[name] for name in ("x0", "y0", "x1", "y1")] == pose["box_xyxy"]
    assert [with_face[f"{name}_std_deg"] for name in ("yaw", "pitch", "roll")] == pose["std_deg"]
    manifest = json.loads((out / "_manifest.json").read_text())
    assert manifest["complete"] and [part["pictures"] for part in manifest["parts"]] == [4, 2]


@pytest.mark.usefixtures("here")
def test_a_picture_without_a_face_has_a_row(photos: Path, tmp_path: Path) -> None:
    summary = annotate(photos, tmp_path / "out", form="jsonl")
    rows = rows_of(tmp_path / "out")
    assert summary.faces == 0 and len(rows) == 6
    assert [row["face"] for row in rows] == [None] * 6
    assert [row["error"] is None for row in rows].count(True) == 5


@pytest.mark.usefixtures("here")
def test_tars_and_one_that_is_cut_off(tmp_path: Path) -> None:
    shards = tmp_path / "shards"
    shards.mkdir()
    make_tar(shards / "s-0.tar", {"k0.png": png(0), "k0.json": b"{}", "k1.png": b"", "k2.seg.png": png(1)})
    whole = make_tar(shards / "s-1.tar", {"k3.png": png(2), "k4.png": png(3)}).read_bytes()
    (shards / "s-1.tar").write_bytes(whole[:8000])  # within k4
    (shards / "s-2.tar").write_bytes(b"no tar")
    summary = annotate(shards, tmp_path / "out", CROPS, form="jsonl")
    rows = rows_of(tmp_path / "out")
    assert [(row["source"], row["key"], row["error"] is None) for row in rows if row["key"] is not None] == [
        ("s-0.tar", "k0.png", True),
        ("s-0.tar", "k1.png", False),
        ("s-0.tar", "k2.seg.png", True),
        ("s-1.tar", "k3.png", True),
        ("s-1.tar", "k4.png", False),
    ]
    told = [row["error"] for row in rows if row["key"] is None]
    assert told and all("expected a tar, read until" in message for message in told)
    assert summary.errors == 2 + len(told)
    pattern = f"{shards}/s-{{0..0}}.tar"
    assert annotate(pattern, tmp_path / "one", CROPS, form="jsonl").pictures == 3
    with pytest.raises(DatasetError, match=r"s-7\.tar: cannot be read: No such file"):
        annotate(f"{shards}/s-{{0,7}}.tar", tmp_path / "none", CROPS, form="jsonl")


@needs_parquet
@pytest.mark.usefixtures("here")
def test_parquet_in_and_out(photos: Path, tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    source = photos / "t.parquet"
    columns = {"id": [10, 11, 12], "image": [png(0), b"no picture", None], "at": ["a0.png", "none.png", "b/0.png"]}
    both = [{"bytes": png(0), "path": None}, {"bytes": None, "path": "a1.PNG"}, None]
    pyarrow.parquet.write_table(pyarrow.table(columns | {"both": both}), source, row_group_size=2)
    found: dict[str, list[dict[str, Any]]] = {}
    for column in (None, "at", "both"):
        out = tmp_path / str(column)
        annotate(source, out, CROPS, column=column, key_column="id" if column else None)
        assert sorted(path.name for path in out.glob("part-*")) == ["part-000000.parquet", "part-000001.parquet"]
        found[str(column)] = pyarrow.parquet.read_table(out).to_pylist()
    assert [(row["source"], row["key"]) for row in found["None"]] == [("t.parquet", str(number)) for number in range(3)]
    assert [row["key"] for row in found["at"]] == ["10", "11", "12"]
    errors = {name: [row["error"] is not None for row in rows] for name, rows in found.items()}
    assert errors == {"None": [False, True, True], "at": [False, True, False], "both": [False, False, True]}
    assert found["None"][0]["yaw_deg"] == found["at"][0]["yaw_deg"] == found["both"][0]["yaw_deg"]
    schema = pyarrow.parquet.read_schema(tmp_path / "at" / "part-000000.parquet")
    assert {name: str(schema.field(name).type) for name in schema.names} == {
        name: kind.replace("float32", "float") for name, kind in table.COLUMNS.items()
    }
    with pytest.raises(DatasetError, match=r"expected a column 'nonesuch', found \['id'"):
        annotate(source, tmp_path / "x", column="nonesuch")


def test_workers_and_a_job_that_goes_on_give_the_same_files(photos: Path, tmp_path: Path) -> None:
    wanted: dict[str, bytes] = {}
    for workers in (1, 2):
        annotate(photos, tmp_path / str(workers), CROPS, form="jsonl", pictures_per_shard=1, workers=workers)
        wanted = wanted or files_of(tmp_path / "1")
        assert files_of(tmp_path / str(workers)) == wanted
    out = tmp_path / "1"
    (out / "part-000001.jsonl").write_bytes(b"cut")
    (out / "_progress" / "part-000003.jsonl.json").unlink()
    (out / "part-000004.jsonl").unlink()
    seen: list[tuple[int, int]] = []
    summary = annotate(
        photos, out, CROPS, form="jsonl", pictures_per_shard=1, workers=1, on_shard=lambda *one: seen.append(one)
    )
    assert summary.resumed == 3 and summary.pictures == 6
    assert seen == [(3, 6), (4, 6), (5, 6), (6, 6)]
    assert files_of(out) == wanted


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_job_goes_on(ending: int, photos: Path, tmp_path: Path) -> None:
    """Its workers end with it, and shards that were finished are not made again."""
    for number in range(200):
        (photos / f"d{number:03d}.png").write_bytes(png(number))
    out = tmp_path / "out"
    arguments = ["annotate", str(photos), str(out), "--crop", "--format", "jsonl", "--pictures-per-shard", "1"]
    run = subprocess.Popen(
        [sys.executable, "-m", "hpe_edge", *arguments, "--workers", "1", "--quiet"],
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    deadline_s = time.monotonic() + 120
    while len(list(out.glob("_progress/*.json"))) < 3:
        assert run.poll() is None and time.monotonic() < deadline_s
        time.sleep(0.005)
    if ending == signal.SIGKILL:
        run.kill()
    else:
        os.killpg(run.pid, ending)  # as a terminal does
    _, told = run.communicate()
    assert run.returncode == (-signal.SIGKILL if ending == signal.SIGKILL else 130)
    if ending == signal.SIGINT:
        assert told == b"hpe-edge: interrupted\n", "no traceback of a worker"
    first = {path: path.stat().st_mtime_ns for path in out.glob("part-*.jsonl")}
    finished = {path.name.removesuffix(".json") for path in out.glob("_progress/*.json")}
    assert 3 <= len(finished) < 206, "killed in the middle"
    while _alive(run.pid):
        assert time.monotonic() < deadline_s, "a worker outlives the job"
        time.sleep(0.02)
    assert main([*arguments, "--workers", "1", "--quiet"]) == 0
    again = {path.name for path, time_ns in first.items() if path.stat().st_mtime_ns != time_ns}
    assert not again & finished
    assert len(rows_of(out)) == 206
    assert json.loads((out / "_manifest.json").read_text())["complete"]


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@needs_ray
def test_ray_gives_the_same_files(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # else Ray writes a token into the home folder
    for engine in ("local", "ray"):
        annotate(photos, tmp_path / engine, CROPS, form="jsonl", pictures_per_shard=2, workers=2, engine=engine)
    assert files_of(tmp_path / "ray") == files_of(tmp_path / "local")


@pytest.mark.usefixtures("here")
def test_a_folder_of_something_else_is_not_touched(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    with pytest.raises(DatasetError, match=r"expected a new or empty folder, .* found \['thesis.txt'\]"):
        annotate(photos, out, CROPS, form="jsonl")
    assert files_of(out) == {"thesis.txt": b"years of work"}
    with pytest.raises(DatasetError, match="cannot write to"):
        annotate(photos, out / "thesis.txt", CROPS, form="jsonl")
    (out / "_manifest.json").write_text("[]")
    with pytest.raises(DatasetError, match="expected a manifest of hpe-edge annotate"):
        annotate(photos, out, CROPS, form="jsonl")


@pytest.mark.usefixtures("here")
def test_another_job_or_another_process_is_told(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    annotate(photos, out, CROPS, form="jsonl")
    before = files_of(out)
    with pytest.raises(DatasetError, match=r"another job: estimation .*'is_crop': True.*asked: .*'is_crop': False"):
        annotate(photos, out, form="jsonl")
    (photos / "a2.png").write_bytes(png(9))
    with pytest.raises(DatasetError, match="another job: input_sha256"):
        annotate(photos, out, CROPS, form="jsonl")
    (photos / "a2.png").unlink()
    with job.locked(out / "_lock"), pytest.raises(DatasetError, match="another process is writing to it"):
        annotate(photos, out, CROPS, form="jsonl")
    assert annotate(photos, out, CROPS, form="jsonl").resumed == 1
    assert files_of(out) == before


@pytest.mark.usefixtures("here")
def test_a_full_disk_keeps_what_is_finished(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = job.write_whole

    def full(path: Path, content: bytes) -> None:
        if path.name == "part-000001.jsonl":
            raise OSError(28, "No space left on device")
        real(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(job, "write_whole", full)
        with pytest.raises(DatasetError, match="Finished shards are kept"):
            annotate(photos, tmp_path / "out", CROPS, form="jsonl", pictures_per_shard=4)
    assert annotate(photos, tmp_path / "out", CROPS, form="jsonl", pictures_per_shard=4).resumed == 1


def test_nothing_to_do_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for source, message in (
        (tmp_path / "empty", "none found"),
        (tmp_path / "none", "expected a folder of images, a tar or a Parquet file"),
        (tmp_path / "none.tar", r"none\.tar: cannot be read"),
    ):
        with pytest.raises(DatasetError, match=message):
            annotate(source, tmp_path / "out", form="jsonl")
    make_tar(tmp_path / "empty" / "a.tar", {})
    (tmp_path / "empty" / "a.parquet").write_bytes(b"")
    with pytest.raises(DatasetError, match="expected tars or Parquet files, found both"):
        annotate(tmp_path / "empty", tmp_path / "out", form="jsonl")
    assert not (tmp_path / "out").exists()


def test_arguments(photos: Path, tmp_path: Path) -> None:
    for wrong, message in (
        ({"form": "csv"}, "format: expected one of"),
        ({"form": "jsonl", "pictures_per_shard": 0}, "pictures_per_shard: expected at least 1"),
        ({"form": "jsonl", "estimation": Estimation(precision="auto")}, "precision: expected 'fp32' or 'int8'"),
        ({"form": "jsonl", "engine": "dask"}, "engine: expected one of local, ray"),
    ):
        with pytest.raises(InvalidArgumentError, match=message):
            annotate(photos, tmp_path / "out", **wrong)  # type: ignore[arg-type]
    options = command.argparse.ArgumentParser()
    command.add_parser(options.add_subparsers())
    assert (
        f"{{{','.join(_workers.ENGINES)}}}" in options._subparsers._group_actions[0].choices["annotate"].format_help()
    )  # type: ignore[union-attr, index]


def test_what_is_not_installed_is_told(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(
        MissingDependencyError, match=r"--format jsonl needs nothing.*pip install 'hpe-edge\[annotate\]'"
    ):
        annotate(photos, tmp_path / "out")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "cv2", None)
        with pytest.raises(MissingDependencyError, match="decoding pictures needs the package 'opencv"):
            annotate(photos, tmp_path / "out", form="jsonl")
    monkeypatch.setitem(sys.modules, "braceexpand", None)
    with pytest.raises(MissingDependencyError, match="a pattern with braces needs the package 'braceexpand'"):
        inputs.plan("a{0..1}.tar", pictures_per_shard=1, column=None, key_column=None)
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("here")
def test_a_link_to_nothing_is_a_row(photos: Path, tmp_path: Path) -> None:
    (photos / "z.png").symlink_to(photos / "nonesuch")
    annotate(photos, tmp_path / "out", CROPS, form="jsonl")
    assert rows_of(tmp_path / "out")[-1]["error"] == "z.png: cannot be read: No such file or directory"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
@pytest.mark.usefixtures("here")
def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.png")).write_bytes(png(0))
    annotate(folder, tmp_path / "out", CROPS, form="jsonl")
    assert [(row["key"], row["error"]) for row in rows_of(tmp_path / "out")] == [("\\xff.png", None)]


@pytest.mark.usefixtures("here")
def test_the_command(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["annotate", str(photos), str(tmp_path / "out"), "--crop", "--format", "jsonl"]
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["faces"] == 5
    assert main(arguments) == 0
    assert "6 pictures, 5 faces, 1 errors in 1 shards (1 were there)" in capsys.readouterr().out
    assert main([*arguments, "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["annotate", str(tmp_path / "none"), str(tmp_path / "x"), "--format", "jsonl"]) == 2
    assert "expected a folder" in capsys.readouterr().err
