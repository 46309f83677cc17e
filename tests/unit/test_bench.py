"""The benchmark: its clockwork with a clock of ours, its command on the bundled model."""

from __future__ import annotations

import itertools
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hpe_edge.training.native.command import convert_card
from tiny_models import MakeModel, mean_network

from hpe_edge import _core, _plugins, backends, hub
from hpe_edge.bench import fresh, measure, work
from hpe_edge.bench.fresh import Peak, ProbeError, Start
from hpe_edge.bench.measure import Timing, interleave, turn
from hpe_edge.bench.rows import Row, Settings, _ratio, run_benchmark
from hpe_edge.cardfiles import FileEntry
from hpe_edge.cli import main
from hpe_edge.errors import InvalidArgumentError, MissingDependencyError
from hpe_edge.modelcard import load_card, save_card


class Machine:
    """A clock that calls advance, and that remembers who called."""

    def __init__(self) -> None:
        self.now = self.cpu = 0
        self.calls: list[str] = []

    def call(self, name: str, *wall_ns: int) -> Any:
        """Something that takes each of the times in turn, and twice as much on all threads together."""
        times = iter(wall_ns * 1000)

        def run() -> None:
            spent = next(times)
            self.now += spent
            self.cpu += 2 * spent
            self.calls.append(name)

        return run


def test_interleaved_times_are_those_of_each_call() -> None:
    machine = Machine()
    calls = [machine.call("a", 3000, 1000), machine.call("b", 70_000)]
    found = interleave(calls, 10, clock=lambda: machine.now, cpu_clock=lambda: machine.cpu)
    assert found == [Timing(3.0, 3.0, 6.0, 1.0), Timing(70.0, 70.0, 140.0, 70.0)]
    assert "".join(machine.calls[::2][:8]) == "baababba", "in turns"
    assert machine.calls.count("a") == 2 * 20, "as many rounds to warm up, and a second call each"


def test_the_warm_up_does_not_count_and_has_a_limit() -> None:
    machine = Machine()
    rounds = measure.WARM_UP_ROUNDS + 50
    slow = [10**9] * (2 * measure.WARM_UP_ROUNDS)
    (found,) = interleave(
        [machine.call("a", *slow, *[1000] * (2 * rounds))],
        rounds,
        clock=lambda: machine.now,
        cpu_clock=lambda: machine.cpu,
    )
    assert found == Timing(1.0, 1.0, 2.0, 1.0)


def test_p99_is_of_the_slow_calls() -> None:
    machine = Machine()
    times = [1000, 1] * 99 + [9000, 1]
    (found,) = interleave([machine.call("a", *times)], 100, clock=lambda: machine.now, cpu_clock=lambda: machine.cpu)
    assert found.p50_us == 1.0 and 1.0 < found.p99_us < 9.0 and found.again_us == 0.001


@pytest.mark.parametrize("count", [1, 2, 5, 12])
def test_every_call_takes_every_place_and_follows_both_neighbours(count: int) -> None:
    orders = [turn(count, number) for number in range(-4, 2 * count - 4)]
    for place in zip(*orders, strict=True):
        assert sorted(place) == sorted(2 * list(range(count)))
    followed = {pair for order in orders for pair in itertools.pairwise(order)}
    assert followed == {(k, (k + step) % count) for k in range(count) for step in (1, -1) if count > 1}


def test_the_collector_rests_only_while_measuring() -> None:
    import gc

    seen = []
    interleave([lambda: seen.append(gc.isenabled())], 2)
    assert seen and not any(seen) and gc.isenabled()


def _row(backend: str, precision: str, us: float | None) -> Row:
    return Row(backend, precision, network=None if us is None else Timing(us, us, us, us))


def test_the_ratio_is_to_the_best_float32_of_the_others() -> None:
    rows = [
        _row("a", "fp32", 100.0),
        _row("a", "int8", 50.0),
        _row("b", "fp32", 200.0),
        _row("b", "int8", 10.0),
        _row("c", "fp32", None),
    ]
    assert [_ratio(row, rows, "network") for row in rows] == [2.0, 4.0, 0.5, 10.0, None]
    assert _ratio(rows[0], rows[:2], "network") is None, "there is no other backend"


@pytest.mark.parametrize("kind", ["safetensors", "safetensors-int8", "onnx", "onnx-int8"])
def test_multiply_adds_are_the_same_from_every_file(kind: str) -> None:
    count = work.count_onnx if kind.startswith("onnx") else work.count_network
    assert count(hub.resolve("fsanet").read(kind)) == 11_240_868


def test_shapes_of_the_bundled_network_are_those_of_the_core(monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, tuple[int, ...]] = {}
    real = work.output_shape

    def recorded(node: Any, inputs: Any) -> tuple[int, ...]:
        found[node["out"]] = real(node, inputs)
        return found[node["out"]]

    monkeypatch.setattr(work, "output_shape", recorded)
    data = hub.resolve("fsanet").read("safetensors")
    work.count_network(data)
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    outputs = json.loads(header["__metadata__"]["graph"])["outputs"]
    assert {entry["name"]: found[entry["value"]] for entry in outputs} == dict(_core.Network(data).outputs)


@pytest.mark.parametrize(
    ("node", "inputs", "expected"),
    [
        ({"op": "max_pool", "kernel": [2, 3], "stride": [2, 1], "pad": [0, 1, 1, 0]}, [(4, 5, 6)], (4, 3, 5)),
        ({"op": "mean", "axes": [0, 2], "keep": True}, [(4, 5, 6)], (1, 5, 1)),
        ({"op": "sum", "axes": [0, 2], "keep": False}, [(4, 5, 6)], (5,)),
        ({"op": "add"}, [(4, 1), (3, 1, 5)], (3, 4, 5)),
        ({"op": "slice", "axis": 1, "start": 1, "stop": 3}, [(4, 5)], (4, 2)),
        ({"op": "matmul"}, [(1, 2, 3), (7, 3, 4)], (7, 2, 4)),
        ({"op": "tanh"}, [(4, 5)], (4, 5)),
    ],
)
def test_shapes_of_operators(node: dict[str, Any], inputs: list[Any], expected: tuple[int, ...]) -> None:
    assert work.output_shape(node, inputs) == expected


def test_without_onnx_the_count_names_the_package(make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    model = hub.resolve(make_model(mean_network(8, 6, bins=4)))
    assert work.multiply_adds(model.card, model.read) == 3 * 3 * 4
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingDependencyError, match=r"counting the multiply-adds .* 'onnx'"):
        work.multiply_adds(model.card, model.read)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"backends": ("native", "tpu")}, r"backend: expected one of \['native', .*, got 'tpu'"),
        ({"backends": ("native:cpu", "tpu:1")}, r"backend: expected one of \['native', .*, got 'tpu:1'"),
        ({"rounds": 0}, "rounds: expected 1 to 1000000, got 0"),
        ({"threads": 0}, "threads: expected 1 to 256, got 0"),
        ({"frame_size": (1280, 4)}, "frame height: expected 32 to 16384, got 4"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidArgumentError, match=words):
        Settings(**changes)


def test_rows_that_cannot_run_say_why(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch, no_processes: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """A card without 8 bits, and a backend whose package is missing."""
    monkeypatch.delitem(sys.modules, "hpe_edge.backends.onnxruntime", raising=False)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    card = make_model()
    convert_card(card)
    assert main(["bench", "--model", str(card), "--rounds", "2", "--backend", "native", "onnxruntime"]) == 0
    lines = [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines()]
    rows = [line for line in lines if line[:1] in (["native"], ["onnxruntime"])]
    assert [row[:2] for row in rows] == 2 * [
        ["native", "fp32"],
        ["native", "int8"],
        ["onnxruntime", "fp32"],
        ["onnxruntime", "int8"],
    ]
    for table in (rows[:4], rows[4:]):
        assert table[0][2].split()[5] == "-", "there is no other to compare with"
        assert "cannot run: model 'tiny' has no file of kind 'safetensors-int8'" in table[1][2]
        assert "cannot run" in table[2][2] and "pip install 'hpe-edge[onnx]'" in table[2][2]


def test_when_nothing_can_run_the_code_says_so(
    make_model: MakeModel, no_processes: None, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--rounds", "2", "--backend", "onnxruntime", "--precision", "int8", "--json"]
    assert main(["bench", "--model", str(make_model()), *options]) == 2
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert "no file of kind 'onnx-int8'" in row["problem"] and row["network"] is None


class Sleeper:
    """A backend of another package, with a time of its own making."""

    file_kind = "onnx"
    now = 0

    def __init__(self, data: bytes, card: object, *, precision: str, threads: int) -> None:
        self.info = backends.BackendInfo("mine", "7", "nowhere", precision, threads)

    def run(self, batch: Any) -> dict[str, Any]:
        Sleeper.now += 5000
        return {"angles": np.full((len(batch), 3), 2.0, np.float32)}


@pytest.fixture
def sleeper(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    entry = EntryPoint(name="mine", value="other_package:Sleeper", group=backends.GROUP)
    monkeypatch.setitem(sys.modules, "other_package", sys.modules[__name__])
    monkeypatch.setattr(_plugins, "entry_points", lambda group: [entry])
    monkeypatch.setattr("hpe_edge.bench.rows.known_backends", lambda: ["mine"])
    return (yield)


def test_shares_of_the_peak_and_a_process_that_fails(
    make_model: MakeModel, sleeper: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """36 multiply-adds in 5 microseconds are 7.2 million a second."""

    def failing(*_: Any) -> Start:
        raise ProbeError("a fresh process ended with code 9")

    monkeypatch.setattr("hpe_edge.bench.rows.measure_start", failing)
    monkeypatch.setattr("hpe_edge.bench.rows.measure_peak", lambda: Peak(72e6, "as the test says"))
    real = measure.interleave
    monkeypatch.setattr(
        "hpe_edge.bench.rows.interleave",
        lambda calls, rounds, track: real(calls, rounds, clock=lambda: Sleeper.now, cpu_clock=lambda: Sleeper.now),
    )
    logits = {"kind": "angles", "output": "angles"}
    card = make_model(mean_network(8, 6, bins=4), head=logits)
    report = run_benchmark(Settings(model=str(card), precisions=("fp32",), rounds=3))
    (row,) = report.rows
    assert row.network == Timing(5.0, 5.0, 5.0, 5.0) and (row.version, row.provider) == ("7", "nowhere")
    assert report.multiply_adds == 36 and row.peak_share == pytest.approx(0.1)
    assert row.shift_deg is None, "the card has no file of the native network"
    assert row.start is None and row.start_problem == "a fresh process ended with code 9"
    several = run_benchmark(Settings(model=str(card), precisions=("fp32",), rounds=1, threads=2))
    assert several.rows[0].peak_share is None and several.peak_problem is not None
    assert "the peak is that of one thread" in several.peak_problem


def test_the_command_on_the_bundled_model() -> None:
    """In a process of its own, as a user has it: without the libraries that other tests have loaded."""
    options = ["--rounds", "5", "--json", "--backend", "native", "--frame", "320x240", "--quiet"]
    done = subprocess.run(
        [sys.executable, "-m", "hpe_edge", "bench", *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert done.stderr == "" and found["format"] == "hpe-edge-bench/1"
    assert {"cpu", "cores", "os", "python", "libraries", "instruction_set"} <= set(found["machine"])
    assert found["machine"]["libraries"]["numpy"] == np.__version__
    assert found["settings"]["rounds"] == 5 and found["settings"]["frame_size"] == [320, 240]
    assert found["settings"]["box_xyxy"] == [140.0, 100.0, 180.0, 140.0]
    assert found["multiply_adds"] == 11_240_868 and found["peak"]["macs_per_s"] > 1e8
    assert [(row["backend"], row["precision"]) for row in found["rows"]] == [("native", "fp32"), ("native", "int8")]
    for row in found["rows"]:
        assert row["problem"] is row["start_problem"] is row["network_ratio"] is None
        for timing in (row["network"], row["estimate"]):
            assert 0 < timing["p50_us"] <= timing["p99_us"] and timing["cpu_us"] > 0 and timing["again_us"] > 0
        assert row["start"]["cold_start_s"] > row["start"]["load_s"] > 0
        assert row["file_bytes"] == hub.resolve("fsanet").card.files[_kind(row["precision"])].bytes
        rate = found["multiply_adds"] / row["network"]["p50_us"] * 1e6
        assert math.isclose(row["peak_share"], rate / found["peak"]["macs_per_s"])
        if sys.platform == "linux":
            assert 1e5 < row["start"]["memory_bytes"] < row["start"]["peak_bytes"]
            assert row["start"]["peak_bytes"] < 1e8, "that of its own process, not of the one that started it"
        assert row["shift_deg"] == 0.0 if row["precision"] == "fp32" else 0.0 < row["shift_deg"] < 2.0


def _kind(precision: str) -> str:
    return "safetensors" if precision == "fp32" else f"safetensors-{precision}"


def test_the_tables(no_processes: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--rounds", "2", "--backend", "native", "--precision", "fp32", "--profile"]) == 0
    out = capsys.readouterr().out
    assert "the network alone: Backend.run on one crop of 3x64x64" in out
    assert "11.24 million multiply-adds; peak 100.0 billion a second: as the test says" in out
    assert "HeadPose.estimate: a frame of 1280x720 with one face of 120 px" in out
    heads = [line.split() for line in out.splitlines() if line.startswith("backend ")]
    assert heads[0][2:] == ["p50", "p99", "p99/p50", "cpu", "again", "ratio", "shift", "deg", "of", "peak"]
    network, row = (line.split() for line in out.splitlines() if line.startswith("native "))
    assert float(network[4]) == pytest.approx(float(network[3]) / float(network[2]), abs=0.02)
    assert row[-4:] == ["0.50", "3.00", "45.00", "1.47"]
    steps = out[out.index("steps of native fp32") :].splitlines()
    assert any(line.startswith("conv") for line in steps) and all("%" in line for line in steps[1:])


def test_quiet_is_a_line_a_row(make_model: MakeModel, no_processes: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--model", str(make_model()), "--rounds", "2", "--backend", "onnxruntime", "--quiet"]) == 0
    first, second = (line.split() for line in capsys.readouterr().out.splitlines())
    assert first[:2] == ["onnxruntime", "fp32"] and float(first[2]) > 0 and float(first[3]) > 0
    assert second == ["onnxruntime", "int8", "-", "-"]


def test_profile_without_a_native_row_says_so(
    make_model: MakeModel, no_processes: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "--model", str(make_model()), "--rounds", "1", "--backend", "onnxruntime", "--profile"]) == 0
    assert "--profile: no row of the native network ran" in capsys.readouterr().out


def test_files_in_a_folder(no_processes: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib", reason="the figure needs: pip install matplotlib")
    out = tmp_path / "some" / "where"
    assert main(["bench", "--rounds", "2", "--backend", "native", "--json", "--out", str(out)]) == 0
    assert json.loads((out / "bench.json").read_text()) == json.loads(capsys.readouterr().out)
    assert (out / "bench.png").read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_the_numbers_are_written_and_a_line_says_what_is_missing(
    no_processes: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["bench", "--rounds", "2", "--backend", "native", "--quiet", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "bench.json").exists() and not (tmp_path / "bench.png").exists()
    assert "no bench.png: drawing bench.png needs the package 'matplotlib'" in capsys.readouterr().err


def test_a_folder_that_cannot_be_is_refused_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["bench", "--out", str(tmp_path / "file")]) == 2
    assert "--out: expected a folder" in capsys.readouterr().err


def test_a_frame_that_is_no_size_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["bench", "--frame", "1280"])
    assert stopped.value.code == 2 and "expected WIDTHxHEIGHT such as 1280x720" in capsys.readouterr().err


def test_a_damaged_file_is_the_problem_of_its_row(
    make_model: MakeModel, no_processes: None, capsys: pytest.CaptureFixture[str]
) -> None:
    card = make_model()
    path = convert_card(card)
    path.write_bytes(path.read_bytes()[:-4])
    loaded = load_card(card)
    save_card(type(loaded).from_dict(loaded.as_dict() | {"files": _files(card, path)}), card)
    options = ["--backend", "native", "onnxruntime", "--precision", "fp32", "--rounds", "1", "--json"]
    assert main(["bench", "--model", str(card), *options]) == 0
    found = json.loads(capsys.readouterr().out)
    assert "network file" in found["rows"][0]["problem"] and found["rows"][1]["problem"] is None
    assert found["multiply_adds"] is None and "network file" in found["peak_problem"]


def _files(card: Path, damaged: Path) -> dict[str, Any]:
    entry = FileEntry.of(damaged)
    files: dict[str, Any] = dict(load_card(card).as_dict()["files"])
    return files | {"safetensors": {"path": entry.path, "sha256": entry.sha256, "bytes": entry.bytes}}


def test_a_process_that_fails_says_its_last_line() -> None:
    with pytest.raises(ProbeError, match=r"ended with code 1: .*ModelNotFoundError: model: expected one of"):
        fresh.measure_start("nonesuch", "native", "fp32", 1, (64, 64), (0.0, 0.0, 32.0, 32.0))


def test_a_peak_of_several_cores_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"macs_per_s": 1e9, "size": 512, "repeats": 1, "cores_used": 1.9}
    monkeypatch.setattr(fresh, "_run", lambda *_, **__: found)
    with pytest.raises(ProbeError, match=r"it ran on 1\.9 cores, expected one"):
        fresh.measure_peak()
