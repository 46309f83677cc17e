"""``hpe-edge bench``: how fast a model runs on this machine, by backend and precision."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hpe_edge.cli import bench_compare
from hpe_edge.errors import InvalidArgumentError, MissingDependencyError

if TYPE_CHECKING:
    from hpe_edge.bench.measure import Timing, Track
    from hpe_edge.bench.rows import Report, Row, Settings

Item = TypeVar("Item")

_REPORT_SUSTAIN_S = 5.0
_TIMES = ("p50", "p99", "p99/p50", "cpu", "again", "ratio")

_EPILOG = """\
examples:
  hpe-edge bench
  hpe-edge bench --backend native onnxruntime --precision fp32 --rounds 3000
  hpe-edge bench --model my/card.json --json --out bench/
  hpe-edge bench --backend native --profile
  hpe-edge bench --backend native mnn ncnn litert
  hpe-edge bench --report board.html
  hpe-edge bench compare board.json other.json --html both.html

litert, mnn and ncnn are no backends: the card's float32 ONNX file is converted for them, into a temporary
folder; they compute in float32, without 16-bit storage or arithmetic. They need: pip install 'hpe-edge[bench]',
and litert the command onnx2tf too (pipx install onnx2tf). A conversion whose angles are more than 0.1 degrees
from the native network's is refused.

All rows take turns in one run on the same noise, in another order every round, after a warm-up. p50, p99, cpu
(the mean time of all threads) and ratio are of a call after those of all other rows: caches are as cold as in
a program that does other work between two frames. again is the median of a second call at once after it: what
a loop of this call alone would show. ratio: times faster than the best float32 of the other backends, by the
medians. shift deg: the largest difference of an angle from the native network's in float32, over nine crops
of a drawn head (what 8 bits cost on rendered ones is in the card). of peak: multiply-adds a second of the
network's convolutions and matrix products, against what one thread reaches in float32 (also for int8, whose
own limit is higher); Winograd's filtering needs fewer than are counted. start s, memory, peak: in fresh
processes (median of three, the files in the system's cache), the seconds of import, HeadPose and first
estimate, what the last two add to the resident memory, and the most that was ever resident of the whole
process, Python and NumPy included.

--report and --sustain also estimate in a loop, a row at a time: frames a second that the machine keeps up, with
clocks, temperatures, throttling and, where RAPL or an INA chip is readable, the energy of a frame (of all that
the meter feeds). Sensors are read between calls, never within a timed one.

Exit codes: 0 done, 2 bad input, or no row can run.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "bench",
        help="how fast a model runs here, by backend and precision",
        description="Time the network alone and HeadPose.estimate with every backend and precision of a model.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", default="fsanet", metavar="M", help="model name or card.json [%(default)s]")
    parser.add_argument(
        "--backend", nargs="+", default=[], metavar="B", help="backends, as openvino:gpu, and runtimes [all]"
    )
    parser.add_argument(
        "--precision", nargs="+", default=["fp32", "int8"], choices=("fp32", "int8"), help="precisions [both]"
    )
    parser.add_argument("--rounds", type=int, default=1000, metavar="N", help="counted rounds [%(default)s]")
    parser.add_argument(
        "--frame", type=_size, default=(1280, 720), metavar="WxH", help="size of the frame in pixels [1280x720]"
    )
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads of the network [1]")
    parser.add_argument(
        "--sustain", type=float, metavar="S", help="seconds each row estimates in a loop [0; --report: 5]"
    )
    parser.add_argument("--profile", action="store_true", help="also the steps of the native network")
    parser.add_argument("--out", metavar="DIR", help="write bench.json and bench.png there")
    parser.add_argument("--report", metavar="HTML", help="write a page that needs no network, and its JSON beside it")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--quiet",
        action="store_true",
        help="no progress; a line a row: backend, precision, medians in microseconds of network and estimate",
    )
    parser.set_defaults(func=run)
    bench_compare.add_parser(parser.add_subparsers(metavar="compare"))


def run(options: argparse.Namespace) -> int:
    """Measure, print, write."""
    from hpe_edge.bench.document import as_document
    from hpe_edge.bench.machine import describe_machine
    from hpe_edge.bench.rows import run_benchmark
    from hpe_edge.bench.sensors import Watch, summarize, take_sample

    settings = _settings(options)
    folder = None if options.out is None else _make_folder(options.out)
    page = None if options.report is None else _page_path(options.report)
    machine, before = describe_machine(), take_sample()
    watch = Watch(_tracker(options.quiet))
    report = run_benchmark(settings, watch)
    data = as_document(report, machine, summarize(before, watch.samples, take_sample()))
    if options.json:
        print(json.dumps(data, indent=2))
    else:
        print(_as_lines(report) if options.quiet else _as_text(report, machine))
    if folder is not None:
        _write(folder, report, data)
    if page is not None:
        _write_page(page, data, say=not (options.json or options.quiet))
    return 0 if any(row.problem is None for row in report.rows) else 2


def _settings(options: argparse.Namespace) -> Settings:
    from hpe_edge.bench.rows import Settings

    sustain_s = options.sustain
    if sustain_s is None:
        sustain_s = 0.0 if options.report is None else _REPORT_SUSTAIN_S
    return Settings(
        model=options.model,
        backends=tuple(dict.fromkeys(options.backend)),
        precisions=tuple(dict.fromkeys(options.precision)),
        rounds=options.rounds,
        frame_size=options.frame,
        threads=options.threads,
        profile=options.profile,
        sustain_s=sustain_s,
    )


def _size(text: str) -> tuple[int, int]:
    """``1280x720`` as two numbers."""
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT such as 1280x720, got {text!r}") from error
    return width, height


def _make_folder(name: str) -> Path:
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidArgumentError(f"--out: expected a folder, got {name!r}: {error.strerror or error}") from error
    return folder


def _tracker(quiet: bool) -> Track:
    """A progress bar on stderr where tqdm is installed and someone is looking."""
    from hpe_edge.bench.measure import untracked

    if quiet:
        return untracked
    try:
        from tqdm import tqdm
    except ModuleNotFoundError:
        return untracked

    def track(values: Sequence[Item], what: str) -> Iterable[Item]:
        bar: Iterable[Item] = tqdm(values, desc=what, disable=None, leave=False)
        return bar

    return track


def _write(folder: Path, report: Report, data: dict[str, Any]) -> None:
    """bench.json, and bench.png where matplotlib is installed."""
    from hpe_edge.bench.figure import draw_report

    try:
        (folder / "bench.json").write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
        draw_report(report, folder / "bench.png")
    except MissingDependencyError as error:
        print(f"hpe-edge: no bench.png: {error}", file=sys.stderr)
    except OSError as error:
        raise InvalidArgumentError(f"--out: cannot write to {folder}: {error.strerror or error}") from error


def _page_path(name: str) -> Path:
    """Where the page goes; its folder is made before anything runs."""
    path = Path(name)
    if path.suffix.lower() not in (".html", ".htm"):
        raise InvalidArgumentError(f"--report: expected a file that ends in .html, got {name!r}")
    _make_folder(str(path.parent))
    return path


def _write_page(path: Path, data: dict[str, Any], *, say: bool) -> None:
    from hpe_edge.bench.page.report import report_page

    beside = path.with_suffix(".json")
    try:
        beside.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
        path.write_text(report_page(data), encoding="utf-8")
    except OSError as error:
        raise InvalidArgumentError(f"--report: cannot write {path}: {error.strerror or error}") from error
    if say:
        print(f"\nwritten: {path}, {beside}")


def _as_lines(report: Report) -> str:
    return "\n".join(
        f"{row.backend} {row.precision} {_number(row.network, 'p50_us')} {_number(row.estimate, 'p50_us')}"
        for row in report.rows
    )


def _as_text(report: Report, machine: dict[str, Any]) -> str:
    settings, card = report.settings, report.model.card
    libraries = ", ".join(f"{name} {version}" for name, version in machine["libraries"].items() if version)
    threads = f"{settings.threads} thread{'s' if settings.threads > 1 else ''}"
    x0, _, x1, _ = settings.box
    frame = "x".join(map(str, settings.frame_size))
    lines = [
        f"{card.name} {card.version}, {settings.rounds} rounds, {threads}; times in microseconds",
        f"{machine['cpu']}, {machine['cores']} cores, core {machine['instruction_set']}; {machine['os']}",
        f"{machine['python']}, {libraries}",
        *_network_table(report),
        *_estimate_table(report, f"{frame} with one face of {x1 - x0:.0f} px"),
    ]
    lines += _sustain_table(report)
    for row in report.rows:
        lines += _steps(row)
    if settings.profile and not any(row.steps for row in report.rows):
        lines += ["", "--profile: no row of the native network ran"]
    return "\n".join(lines)


def _network_table(report: Report) -> list[str]:
    """The network alone, why rows cannot run, and what the peak is."""
    spec, shares = report.model.card.input, report.peak_problem is None
    cells = [[*_TIMES, "shift deg", *(["of peak"] if shares else [])]]
    for row in report.rows:
        share = "-" if row.peak_share is None else f"{row.peak_share:.0%}"
        shift = "-" if row.shift_deg is None else f"{row.shift_deg:.5f}"
        cells.append([*_timing_cells(row.network, row.network_ratio), shift, *([share] if shares else [])])
    lines = ["", f"the network alone: Backend.run on one crop of 3x{spec.height}x{spec.width}"]
    lines += _table(report.rows, cells)
    if report.peak is not None and report.multiply_adds is not None:
        rate = f"{report.peak.macs_per_s / 1e9:.1f} billion a second"
        lines.append(f"{report.multiply_adds / 1e6:.2f} million multiply-adds; peak {rate}: {report.peak.method}")
    else:
        lines.append(f"no share of the peak: {report.peak_problem}")
    return lines


def _estimate_table(report: Report, frame: str) -> list[str]:
    """HeadPose, with what it costs to load it."""
    cells = [[*_TIMES, "start s", "memory MB", "peak MB", "file MB"]]
    for row in report.rows:
        cells.append(
            [
                *_timing_cells(row.estimate, row.estimate_ratio),
                "-" if row.start is None else f"{row.start.cold_start_s:.2f}",
                _megabytes(None if row.start is None else row.start.memory_bytes),
                _megabytes(None if row.start is None else row.start.peak_bytes),
                _megabytes(row.file_bytes),
            ]
        )
    problems = [f"{row.backend} {row.precision}: {row.start_problem}" for row in report.rows if row.start_problem]
    return ["", f"HeadPose.estimate: a frame of {frame}", *_table(report.rows, cells), *problems]


def _sustain_table(report: Report) -> list[str]:
    """Frames a second and energy in a loop, where that was asked for."""
    if not report.settings.sustain_s:
        return []
    from hpe_edge.bench.page.units import energy_text, number_text, time_text

    cells = [["fps", "p99", "cpu", "energy", "power"]]
    for loop in (row.sustained for row in report.rows):
        cells.append(
            ["-"] * 5
            if loop is None
            else [
                number_text(loop.fps),
                time_text(loop.p99_us),
                time_text(loop.cpu_s * 1e6),
                energy_text(loop.energy_j),
                number_text(loop.power_w, "W"),
            ]
        )
    title = f"HeadPose.estimate in a loop of {report.settings.sustain_s:g} s; energy of a frame: {report.energy_source}"
    return ["", title, *_table(report.rows, cells)]


def _table(rows: Sequence[Row], cells: Sequence[Sequence[str]]) -> list[str]:
    """Aligned lines; ``cells`` has one line more than ``rows``, the names of the columns."""
    names = ["backend", *(row.backend for row in rows)]
    precisions = ["precision", *(row.precision for row in rows)]
    problems = [None, *(row.problem for row in rows)]
    left = max(map(len, names))
    widths = [max(8, *(len(line[k]) for line in cells)) for k in range(len(cells[0]))]
    return [
        f"{name:<{left}}  {precision:<9} "
        + (f"cannot run: {problem}" if problem else " ".join(f"{c:>{w}}" for c, w in zip(line, widths, strict=True)))
        for name, precision, problem, line in zip(names, precisions, problems, cells, strict=True)
    ]


def _steps(row: Row) -> list[str]:
    """The steps of the native network, each with its part of their sum."""
    if not row.steps:
        return []
    total = sum(us for _, us in row.steps)
    width = max(len(name) for name, _ in row.steps)
    lines = ["", f"steps of {row.backend} {row.precision}, median microseconds, in sum {total:.1f}"]
    return lines + [f"{name:<{width}} {us:>8.1f} {us / max(total, 1e-9):>5.0%}" for name, us in row.steps]


def _timing_cells(timing: Timing | None, ratio: float | None) -> list[str]:
    p50, p99, cpu, again = (_number(timing, name) for name in ("p50_us", "p99_us", "cpu_us", "again_us"))
    tail = "-" if timing is None else f"{timing.p99_us / max(timing.p50_us, 1e-9):.2f}"
    return [p50, p99, tail, cpu, again, "-" if ratio is None else f"{ratio:.2f}x"]


def _megabytes(count: int | None) -> str:
    return "-" if count is None else f"{count / 1e6:.2f}"


def _number(timing: Timing | None, name: str) -> str:
    return "-" if timing is None else f"{getattr(timing, name):.1f}"
