"""The benchmark on boards: sensors and energy meters from made-up file trees, the page, machines side by side."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from hpe_edge.bench import energy
from hpe_edge.bench.compare import METRICS, compare
from hpe_edge.bench.document import machine_name, read_document
from hpe_edge.bench.energy import InaMeter, RaplMeter, find_meter
from hpe_edge.bench.fresh import Peak, Start
from hpe_edge.bench.measure import untracked
from hpe_edge.bench.page import svg
from hpe_edge.bench.page.report import report_page
from hpe_edge.bench.sensors import Sample, Watch, describe_board, summarize, take_sample
from hpe_edge.bench.sustain import measure_idle_w, sustain
from hpe_edge.cli import main
from hpe_edge.errors import InvalidArgumentError

CPU = "sys/devices/system/cpu"


def plant(root: Path, files: Mapping[str, object]) -> Path:
    """A tree of files under ``root``."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n", encoding="utf-8")
    return root


@pytest.fixture
def raspberry_pi(tmp_path: Path) -> Path:
    cores = {
        f"{CPU}/cpu{k}/cpufreq/{name}": value
        for k in range(2)
        for name, value in {
            "cpuinfo_min_freq": 1_500_000,
            "cpuinfo_max_freq": 2_400_000,
            "scaling_cur_freq": 1_800_000 + 200_000 * k,
            "scaling_governor": "ondemand",
        }.items()
    }
    others = {
        "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
        "proc/meminfo": "MemTotal:        8245000 kB\nMemFree: 1 kB",
        "sys/class/thermal/thermal_zone0/type": "cpu-thermal",
        "sys/class/thermal/thermal_zone0/temp": 61_250,
        "sys/class/thermal/thermal_zone1/type": "off",
        "sys/class/thermal/thermal_zone1/temp": -256_000,
        "sys/class/thermal/cooling_device0/type": "pwm-fan",
        "sys/class/thermal/cooling_device0/cur_state": 3,
        "sys/devices/platform/soc/soc:firmware/get_throttled": "50005",
    }
    return plant(tmp_path, cores | others)


def test_a_raspberry_pi_says_what_it_is_and_what_limits_it(raspberry_pi: Path) -> None:
    assert describe_board(raspberry_pi) == {
        "board": "Raspberry Pi 5 Model B Rev 1.0",
        "memory_bytes": 8_245_000 * 1024,
        "governors": ["ondemand"],
        "clock_range_mhz": [1500.0, 2400.0],
        "power_mode": None,
    }
    sample = take_sample(raspberry_pi)
    assert sample.clocks_mhz == [1800.0, 2000.0]
    assert sample.temperatures_c == {"cpu-thermal": 61.25}, "a zone without power is left out"
    assert sample.limits == ["under-voltage", "throttled"], "the low bits are now, the high ones since the start"
    plant(raspberry_pi, {"sys/devices/platform/soc/soc:firmware/get_throttled": "0"})
    assert take_sample(raspberry_pi).limits == [], "it would tell, and does not"
    (raspberry_pi / "sys/devices/platform/soc/soc:firmware/get_throttled").unlink()
    assert take_sample(raspberry_pi).limits is None


def test_a_jetson_names_its_power_mode_and_a_cooling_device_at_work(tmp_path: Path) -> None:
    plant(
        tmp_path,
        {
            "var/lib/nvpmodel/status": "pmode:0001 fmode:quiet",
            "etc/nvpmodel.conf": "< POWER_MODEL ID=0 NAME=15W >\n< POWER_MODEL ID=1 NAME=7W >",
            "sys/class/thermal/cooling_device1/type": "cpufreq-cpu0",
            "sys/class/thermal/cooling_device1/cur_state": 2,
            "sys/class/thermal/cooling_device2/type": "intel_powerclamp",
            "sys/class/thermal/cooling_device2/cur_state": -1,
        },
    )
    assert describe_board(tmp_path)["power_mode"] == "7W (1)"
    assert take_sample(tmp_path).limits == ["cpufreq-cpu0 at 2"]
    (tmp_path / "etc/nvpmodel.conf").unlink()
    assert describe_board(tmp_path)["power_mode"] == "1"


def test_a_pc_without_zones_or_clocks_in_sysfs(tmp_path: Path) -> None:
    plant(
        tmp_path,
        {
            "sys/class/dmi/id/sys_vendor": "ACME",
            "sys/class/dmi/id/product_name": "Box 3",
            "proc/cpuinfo": "processor: 0\ncpu MHz\t\t: 2595.5\nprocessor: 1\ncpu MHz\t\t: 2600",
            "sys/class/hwmon/hwmon0/name": "k10temp",
            "sys/class/hwmon/hwmon0/temp1_input": 45_000,
            "sys/class/hwmon/hwmon0/temp3_input": 50_000,
            "sys/class/hwmon/hwmon0/temp3_label": "Tccd1",
            f"{CPU}/cpu0/thermal_throttle/core_throttle_count": 7,
            f"{CPU}/cpu0/thermal_throttle/package_throttle_count": 9,
        },
    )
    assert describe_board(tmp_path)["board"] == "ACME Box 3"
    sample = take_sample(tmp_path)
    assert sample.clocks_mhz == [2595.5, 2600.0]
    assert sample.temperatures_c == {"k10temp": 45.0, "Tccd1": 50.0}
    assert sample.throttle_counts == {"cpu0 core": 7, "cpu0 package": 9}


def test_a_machine_that_tells_nothing(tmp_path: Path) -> None:
    assert set(describe_board(tmp_path).values()) == {None}
    found = summarize(take_sample(tmp_path), [], take_sample(tmp_path))
    assert found["clocks_mhz"] is None and found["temperatures_c"] == {} and not found["throttle_readable"]
    meter, why = find_meter(tmp_path)
    assert meter is None and why.startswith("not readable here") and measure_idle_w(meter) is None


def test_the_summary_is_of_the_whole_run() -> None:
    samples = [
        Sample(10.0 + k, (clock,), {"cpu": heat}, {"cpu0 core": count}, limits)
        for k, (clock, heat, count, limits) in enumerate(
            [(1500.0, 40.0, 5, ()), (2400.0, 70.0, 5, ("throttled",)), (1800.0, 85.0, 9, ("throttled",))]
        )
    ]
    found = summarize(samples[0], samples[1:2], samples[2])
    assert found["clocks_mhz"] == {"before": 1500.0, "during": [1500.0, 1900.0, 2400.0], "after": 1800.0}
    assert found["temperatures_c"]["cpu"]["during"] == [40.0, 65.0, 85.0]
    assert found["throttled"] == {"cpu0 core": 4} and found["limits"] == ["throttled"]
    assert found["series"] == [[0.0, 1500.0, 40.0], [1.0, 2400.0, 70.0], [2.0, 1800.0, 85.0]]


def test_the_watch_looks_between_rounds_when_it_is_time(raspberry_pi: Path) -> None:
    rare = Watch(untracked, raspberry_pi, every_s=3600)
    assert list(rare(range(5), "rounds")) == [0, 1, 2, 3, 4] and len(rare.samples) == 1
    assert rare.samples[0].clocks_mhz == [1800.0, 2000.0]


class Time:
    """A clock in seconds and nanoseconds that calls advance."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def ns(self) -> int:
        return round(self.now_s * 1e9)


@pytest.fixture
def rapl(tmp_path: Path) -> Path:
    packages = {"intel-rapl:0": "package-0", "intel-rapl:0:0": "core", "intel-rapl-mmio:0": "package-0"}
    return plant(
        tmp_path,
        {f"sys/class/powercap/{key}/name": name for key, name in packages.items()}
        | {f"sys/class/powercap/{key}/energy_uj": 9_000_000 for key in packages}
        | {f"sys/class/powercap/{key}/max_energy_range_uj": 10_000_000 for key in packages},
    )


def test_rapl_counts_each_package_once_and_over_the_end_of_its_counter(rapl: Path) -> None:
    meter, source = find_meter(rapl)
    assert isinstance(meter, RaplMeter) and source == "RAPL: package-0"
    counter, clock = rapl / "sys/class/powercap/intel-rapl-mmio:0/energy_uj", Time()
    assert [path for path, _ in meter.counters] == [counter]
    meter.clock = clock
    meter.start()
    for value in (9_500_000, 500_000, 2_000_000):  # round once
        counter.write_text(str(value))
        meter.look()
    clock.now_s = 2.0
    usage = meter.stop()
    assert usage.energy_j == pytest.approx(3.0) and usage.power_w == pytest.approx(1.5)
    meter.start()
    assert meter.stop().energy_j == 0.0, "a new stretch begins at zero"


def test_a_counter_that_only_root_reads_says_so(rapl: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(energy, "read_int", lambda path: None)
    meter, why = find_meter(rapl)
    assert meter is None and "chmod a+r" in why


def _ina3221(folder: str, rails: Mapping[int, tuple[str, int, int]]) -> dict[str, object]:
    files: dict[str, object] = {f"{folder}/name": "ina3221"}
    for number, (label, millivolts, milliamperes) in rails.items():
        files |= {
            f"{folder}/in{number}_label": label,
            f"{folder}/in{number}_input": millivolts,
            f"{folder}/curr{number}_input": milliamperes,
        }
    return files


def test_a_jetsons_input_rail_feeds_the_others(tmp_path: Path) -> None:
    rails = {1: ("VDD_IN", 5000, 1200), 2: ("VDD_CPU_GPU_CV", 5000, 500), 4: ("sum", 5000, 1700)}
    plant(tmp_path, _ina3221("sys/class/hwmon/hwmon3", rails))
    meter, source = find_meter(tmp_path)
    assert isinstance(meter, InaMeter) and source == "INA: VDD_IN"
    meter.clock = clock = Time()
    meter.start()
    clock.now_s = 1.0
    (tmp_path / "sys/class/hwmon/hwmon3/curr1_input").write_text("1600")  # 6 W to 8 W
    meter.look()
    clock.now_s = 3.0
    usage = meter.stop()
    assert usage.energy_j == pytest.approx(7.0 + 16.0) and usage.power_w == pytest.approx(23.0 / 3.0)


def test_rails_that_are_apart_are_summed(tmp_path: Path) -> None:
    rails = {1: ("VDD_GPU_SOC", 20_000, 100), 2: ("VDD_CPU_CV", 20_000, 50)}
    plant(tmp_path, _ina3221("sys/class/hwmon/hwmon0", rails))
    plant(tmp_path, {"sys/class/hwmon/hwmon1/name": "ina219", "sys/class/hwmon/hwmon1/power1_input": 1_500_000})
    plant(tmp_path, {"sys/class/hwmon/hwmon2/name": "k10temp", "sys/class/hwmon/hwmon2/power1_input": 99_000_000})
    meter, source = find_meter(tmp_path)
    assert isinstance(meter, InaMeter) and source == "INA: VDD_CPU_CV, VDD_GPU_SOC, ina219 hwmon1"
    meter.clock = clock = Time()

    def sleep(seconds: float) -> None:
        clock.now_s += seconds

    assert measure_idle_w(meter, 1.0, sleep) == pytest.approx(2.0 + 1.0 + 1.5)


def test_a_loop_has_frames_a_second_energy_and_a_series(raspberry_pi: Path) -> None:
    clock = Time()
    rail = plant(raspberry_pi, _ina3221("sys/class/hwmon/hwmon0", {1: ("VDD_IN", 5000, 1000)}))
    meter, _ = find_meter(rail)
    assert isinstance(meter, InaMeter)
    meter.clock = clock

    def call() -> None:
        clock.now_s += 0.01 if clock.now_s < 1.0 else 0.02  # throttled after a second

    found = sustain(call, 2.0, meter, root=rail, clock=clock.ns, cpu_clock=clock.ns)
    assert found.calls == 150 and found.fps == pytest.approx(75.0, rel=0.01)
    assert found.energy_j == pytest.approx(5.0 * 2.0 / 150, rel=0.02) and found.power_w == pytest.approx(5.0)
    assert [round(fps) for _, fps in found.fps_series] == [100, 100, 50, 50]
    assert found.p50_us == pytest.approx(10_000) and found.p99_us == pytest.approx(20_000)
    assert found.sensors["clocks_mhz"]["before"] == 1900.0 and found.sensors["limits"] == ["throttled", "under-voltage"]


def test_a_loop_calls_once_at_least() -> None:
    clock = Time()
    found = sustain(lambda: None, 0.001, root=Path("/nowhere"), clock=lambda: int(1e9 * _tick(clock)))
    assert found.calls == 1 and found.energy_j is None


def _tick(clock: Time) -> float:
    clock.now_s += 1.0
    return clock.now_s


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of the bundled model with a page, its fresh processes left out."""
    folder = tmp_path_factory.mktemp("bench")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hpe_edge.bench.rows.measure_peak", lambda: Peak(5e10, "made up"))
        patch.setattr("hpe_edge.bench.rows.measure_start", lambda *_: Start(0.2, 0.1, 0.05, 4_000_000, 40_000_000))
        options = ["--rounds", "3", "--sustain", "0.6", "--backend", "native", "mnn", "--quiet"]
        assert main(["bench", *options, "--report", str(folder / "board.html")]) == 0
    return folder


class Links(HTMLParser):
    """Whatever a page would load, and its texts."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [value for name, value in attrs if name in ("src", "href") and value]
        if tag not in ("meta", "rect", "path", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("rect", "path"):
            assert self.open.pop() == tag


def test_the_page_is_whole_alone_and_carries_its_data(measured: Path) -> None:
    page, document = (measured / "board.html").read_text(), read_document(measured / "board.json")
    links = Links()
    links.feed(page)
    assert not links.loads and not links.open and "@import" not in page and "url(" not in page
    inside = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert inside is not None and json.loads(inside[1]) == document
    assert document["rows"][0]["sustained"]["fps"] > 0 and document["settings"]["sustain_s"] == 0.6
    for words in (
        "native int8",
        "frames a second",
        "Throttling",
        "Multiply-adds a second against the peak",
        "Governor",
    ):
        assert words in page


def test_names_from_files_are_escaped(measured: Path) -> None:
    document = read_document(measured / "board.json")
    document["machine"]["cpu"] = "<script>alert(1)</script>"
    document["machine"]["board"] = None
    page = report_page(document)
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page


def test_a_document_of_before_the_loop_still_has_its_page(measured: Path) -> None:
    document = read_document(measured / "board.json")
    for name in ("sensors", "energy_source", "made"):
        del document[name]
    for row in document["rows"]:
        del row["sustained"]
    for name in ("board", "governors", "memory_bytes", "clock_range_mhz", "power_mode"):
        del document["machine"][name]
    assert "not readable here" in report_page(document)


def test_a_slowed_machine_is_said_to_be(measured: Path) -> None:
    document = read_document(measured / "board.json")
    document["sensors"] |= {"throttled": {"cpu0 core": 12}, "limits": ["under-voltage"], "throttle_readable": True}
    assert "throttling counter of cpu0 core grew by 12; under-voltage" in report_page(document)
    document["sensors"] |= {"throttled": {}, "limits": []}
    assert "it was not while measuring" in report_page(document)


@pytest.mark.parametrize("name", ["board.txt", "board"])
def test_a_page_is_html(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--report", name]) == 2
    assert "ends in .html" in capsys.readouterr().err


def _other(document: dict[str, Any], name: str, factor: float) -> dict[str, Any]:
    """The same benchmark on a machine on which all takes ``factor`` times as long."""
    other = copy.deepcopy(document)
    other["machine"] |= {"cpu": name, "board": None, "load_average": [0.0, 0.0, 0.0]}
    for row in other["rows"]:
        if row["problem"] is None:
            for timing in (row["estimate"], row["network"]):
                timing |= {key: value * factor for key, value in timing.items()}
            row["sustained"]["fps"] /= factor
    return other


@pytest.fixture
def pair(measured: Path) -> list[dict[str, Any]]:
    document = read_document(measured / "board.json")
    document["sensors"] |= {"throttled": {}, "limits": []}
    return [_other(document, "A", 1.0), _other(document, "B", 0.5)]


def test_ratios_are_above_one_for_the_better_machine(pair: list[dict[str, Any]]) -> None:
    found = compare(pair)
    assert found.names == ["A", "B"] and not found.warnings and ("native", "int8") in found.values
    better = {metric.key: found.ratios(("native", "int8"), metric) for metric in METRICS}
    assert better["frame_p50_us"] == better["fps"] == [pytest.approx(1.0), pytest.approx(2.0)]
    assert better["memory_bytes"] == [1.0, 1.0] and better["energy_j"] == [None, None]


def test_a_row_that_one_machine_lacks_is_kept(pair: list[dict[str, Any]]) -> None:
    pair[0]["rows"] = [row for row in pair[0]["rows"] if row["precision"] == "fp32"]
    found = compare(pair)
    assert found.values["native", "int8"]["frame_p50_us"][0] is None
    assert found.ratios(("native", "int8"), METRICS[0]) == [None, None]


def test_what_differs_is_warned_of(pair: list[dict[str, Any]]) -> None:
    first, second = pair
    second["machine"]["libraries"]["hpe-edge"] = "0.0.9"
    second["machine"]["load_average"] = [9.0, 0.0, 0.0]
    second["model"]["files"]["safetensors"]["sha256"] = "f" * 64
    second["settings"]["frame_size"] = [640, 480]
    second["sensors"]["limits"] = ["throttled"]
    words = " | ".join(compare([first, second]).warnings)
    for expected in ("version of hpe-edge is 0.0.9", "safetensors weights is ffff", "frame_size", "slowed", "busy"):
        assert expected in words
    assert not re.search("onnx weights|rounds", words), "what is alike is not named"


def test_two_of_a_kind_are_told_apart(pair: list[dict[str, Any]]) -> None:
    assert compare([pair[0], pair[0]]).names == ["A (1)", "A (2)"]
    assert machine_name({"machine": {"cpu": "X", "board": "ACME Box"}}) == "X", "a PC is known by its processor"


def test_the_compare_command(pair: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [str(tmp_path / f"{k}.json") for k in range(2)]
    for name, document in zip(names, pair, strict=True):
        Path(name).write_text(json.dumps(document))
    assert main(["bench", "compare", *names, "--html", str(tmp_path / "both.html")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["A", "B"]
    assert any(line.startswith("native int8: frame, median") and "(2.00x)" in line for line in lines)
    links = Links()
    links.feed((tmp_path / "both.html").read_text())
    assert not links.loads and not links.open
    assert main(["bench", "compare", *names, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["names"] == ["A", "B"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "expected the JSON of hpe-edge bench"),
        ("[1]", "got 'list'"),
        ('{"format": "x"}', "got 'x'"),
        ('{"format": "hpe-edge-bench/1", "machine": {}, "model": {}, "settings": {}, "rows": 3}', "'rows'"),
    ],
)
def test_files_that_are_no_benchmark_are_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(InvalidArgumentError, match=re.escape(words)):
        read_document(path)
    with pytest.raises(InvalidArgumentError, match="cannot be read"):
        read_document(tmp_path / "none.json")


def test_one_benchmark_cannot_be_compared(pair: list[dict[str, Any]]) -> None:
    with pytest.raises(InvalidArgumentError, match="two or more"):
        compare(pair[:1])


def test_a_long_tail_does_not_flatten_the_bars() -> None:
    drawn = svg.bars([svg.Bar("a", 1.0, "1"), svg.Bar("b", 0.5, "0.5", tail=1000.0)], "t")
    widths = [float(width) for width in re.findall(r'<rect[^>]* width="([\d.]+)"', drawn)]
    assert widths[0] > 100 and widths[1] == pytest.approx(widths[0] / 2, abs=0.1)
    assert "l6 4" in drawn, "an arrow says that it goes on"


def test_lines_without_points_are_no_chart() -> None:
    assert svg.lines([svg.Line("a", [(0.0, 1.0)], "fp32")], "t", "s", "fps") == ""
    assert "polyline" in svg.lines([svg.Line("a", [(0.0, 0.0), (1.0, 0.0)], "fp32")], "t", "s", "fps")
