"""The page of one benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hpe_edge.bench.document import machine_name
from hpe_edge.bench.page import layout, svg
from hpe_edge.bench.page.units import bytes_text, energy_text, number_text, time_text

Row = Mapping[str, Any]

KINDS: Final = ("fp32", "int8", "third", "fourth", "fifth", "sixth")
"""CSS classes of colours that are told apart."""


def report_page(document: Mapping[str, Any]) -> str:
    """HTML of a document of ``document.as_document``, or of a file of an older version."""
    rows = [row for row in document["rows"] if row["problem"] is None]
    model, settings = document["model"], document["settings"]
    frame = "x".join(map(str, settings["frame_size"]))
    threads = f"{settings['threads']} thread{'s' if settings['threads'] > 1 else ''}"
    under = (
        f"{model['name']} {model['version']} on a frame of {frame} with one face, {threads}, "
        f"{settings['rounds']:,} rounds, hpe-edge {document['machine']['libraries'].get('hpe-edge')}, "
        f"{document.get('made', 'no date')}"
    )
    return layout.page(
        machine_name(document),
        under,
        [
            _slowed(document.get("sensors")),
            _tiles(rows),
            _times("One frame, crop to angles", rows, "estimate"),
            _times("The network alone", rows, "network"),
            _loop(rows),
            _loop_sensors(rows),
            _peak(rows, document),
            _energy(rows, document),
            _all_rows(rows, document["rows"]),
            _machine(document),
            _how(document),
        ],
        document,
    )


def row_name(row: Row) -> str:
    """Backend and precision."""
    return f"{row['backend']} {row['precision']}"


def best_row(rows: Sequence[Row]) -> Row | None:
    """The one whose frame takes least."""
    return min((row for row in rows if row["estimate"]), key=lambda row: row["estimate"]["p50_us"], default=None)


def _slowed(sensors: Mapping[str, Any] | None) -> str:
    if not sensors:
        return ""
    grown = [f"the throttling counter of {name} grew by {count}" for name, count in sensors["throttled"].items()]
    if grown or sensors["limits"]:
        return layout.notice(
            f"The machine was slowed while measuring: {'; '.join([*grown, *sensors['limits']])}", False
        )
    if not sensors["throttle_readable"]:
        return ""
    return layout.notice("The machine tells when it is slowed, and it was not while measuring.", True)


def _tiles(rows: Sequence[Row]) -> str:
    best = best_row(rows)
    if best is None:
        return ""
    name, loop, start = row_name(best), best.get("sustained"), best["start"]
    items = [
        (
            time_text(best["estimate"]["p50_us"]),
            "for a frame",
            f"median of {name}; 99 % within {time_text(best['estimate']['p99_us'])}",
        )
    ]
    if loop:
        items.append((number_text(loop["fps"]), "frames a second", f"kept up for {loop['duration_s']:.0f} s by {name}"))
        items.append((energy_text(loop["energy_j"]), "energy of a frame", _power(loop)))
    if start:
        items.append(
            (
                bytes_text(start["memory_bytes"]),
                "of memory",
                f"added by {name}; {bytes_text(start['peak_bytes'])} with Python",
            )
        )
        items.append((time_text(start["cold_start_s"] * 1e6), "cold start", "import, HeadPose, first frame"))
    return layout.tiles(items)


def _power(loop: Mapping[str, Any]) -> str:
    if loop["power_w"] is None:
        return "not readable here"
    return f"at {number_text(loop['power_w'], 'W')}; {number_text(loop['idle_power_w'], 'W')} at rest"


def _times(title: str, rows: Sequence[Row], what: str) -> str:
    found = sorted((row for row in rows if row[what]), key=lambda row: float(row[what]["p50_us"]))
    items = [
        svg.Bar(row_name(row), t["p50_us"], time_text(t["p50_us"]), t["p99_us"], row["precision"])
        for row in found
        for t in (row[what],)
    ]
    note = (
        "Bar: median; thin line: to the 99th percentile. All rows in turns, each with caches as cold as in a program "
        "that does other work."
    )
    return layout.section(title, svg.bars(items, title) if items else "", note=note)


def _loop(rows: Sequence[Row]) -> str:
    looped = [row for row in rows if row.get("sustained")]
    shown = sorted(looped, key=lambda row: -float(row["sustained"]["fps"]))[: len(KINDS)]
    lines = [
        svg.Line(row_name(row), row["sustained"]["fps_series"], kind) for row, kind in zip(shown, KINDS, strict=False)
    ]
    return layout.section(
        "Frames a second, kept up",
        svg.lines(lines, "frames a second over time", "s", "frames a second"),
        note="Each row alone in a loop. A line that falls is a machine that gets hot or is shared.",
    )


def _loop_sensors(rows: Sequence[Row]) -> str:
    """Clock and temperature over the loops, one after another as they were run."""
    clocks: list[tuple[float, float]] = []
    heat: list[tuple[float, float]] = []
    begin = 0.0
    for row in rows:
        loop = row.get("sustained")
        for time_s, clock_mhz, hottest_c in loop["sensors"]["series"] if loop else ():
            if clock_mhz is not None:
                clocks.append((begin + time_s, clock_mhz))
            if hottest_c is not None:
                heat.append((begin + time_s, hottest_c))
        begin += loop["duration_s"] if loop else 0.0
    charts = [
        svg.lines([svg.Line("mean clock of the cores", clocks, "fp32")], "clock", "s", "MHz", height=130),
        svg.lines([svg.Line("hottest sensor", heat, "fifth")], "temperature", "s", "°C", height=130),
    ]
    return layout.section("Clock and temperature meanwhile", *charts)


def _peak(rows: Sequence[Row], document: Mapping[str, Any]) -> str:
    peak, macs = document["peak"], document["multiply_adds"]
    if peak is None or macs is None:
        return ""
    items = []
    for row in sorted((row for row in rows if row["peak_share"]), key=lambda row: -float(row["peak_share"])):
        rate = macs / (row["network"]["p50_us"] * 1e-6)
        items.append(
            svg.Bar(row_name(row), rate, f"{rate / 1e9:.1f} G, {row['peak_share']:.0%}", kind=row["precision"])
        )
    items.append(svg.Bar("float32 peak", peak["macs_per_s"], f"{peak['macs_per_s'] / 1e9:.1f} G", kind="fourth"))
    note = (
        f"{macs / 1e6:.2f} million multiply-adds a face as the network is written. Peak: {peak['method']}. "
        "8 bits have a higher peak of their own, and Winograd's filtering computes fewer than are counted."
    )
    return layout.section(
        "Multiply-adds a second against the peak", svg.bars(items, "multiply-adds a second"), note=note
    )


def _energy(rows: Sequence[Row], document: Mapping[str, Any]) -> str:
    source = str(document.get("energy_source", "not asked for"))
    loops = [(row, row["sustained"]) for row in rows if row.get("sustained")]
    if not any(loop["energy_j"] is not None for _, loop in loops):
        return layout.section("Energy for a frame", layout.facts([("Energy", source)]))
    items = [
        svg.Bar(row_name(row), loop["energy_j"], energy_text(loop["energy_j"]), kind=row["precision"])
        for row, loop in loops
    ]
    note = f"{source}: all that it feeds, at rest or not, over the calls of the loop."
    return layout.section("Energy for a frame", svg.bars(items, "energy for a frame"), note=note)


def _all_rows(rows: Sequence[Row], everything: Sequence[Row]) -> str:
    head = (
        "",
        "frame p50",
        "p99",
        "network p50",
        "p99",
        "CPU",
        "frames/s",
        "energy",
        "memory",
        "cold start",
        "file",
        "shift",
    )
    cells = [
        (
            row_name(row),
            *(
                time_text((row[what] or {}).get(name))
                for what in ("estimate", "network")
                for name in ("p50_us", "p99_us")
            ),
            time_text((row["estimate"] or {}).get("cpu_us")),
            number_text((row.get("sustained") or {}).get("fps")),
            energy_text((row.get("sustained") or {}).get("energy_j")),
            bytes_text((row["start"] or {}).get("memory_bytes")),
            time_text(row["start"]["cold_start_s"] * 1e6 if row["start"] else None),
            bytes_text(row["file_bytes"]),
            "-" if row["shift_deg"] is None else f"{row['shift_deg']:.4f}°",
        )
        for row in rows
    ]
    problems = [(row_name(row), f"cannot run: {row['problem']}") for row in everything if row["problem"]]
    problems += [(row_name(row), row["start_problem"]) for row in rows if row["start_problem"]]
    note = (
        "CPU: of all threads, for a frame. Shift: the largest difference of an angle from the native network's in "
        "float32, on a drawn head."
    )
    parts = layout.table(head, cells), layout.facts(problems) if problems else ""
    return layout.section("All rows", *parts, note=note, full=True)


def _machine(document: Mapping[str, Any]) -> str:
    machine, sensors = document["machine"], document.get("sensors") or {}
    here = "not readable here"
    clock, heat = sensors.get("clocks_mhz"), sensors.get("temperatures_c") or {}
    limits = machine.get("clock_range_mhz")
    load = machine.get("load_average")
    slowed = [f"{name} {count}x" for name, count in sensors.get("throttled", {}).items()] + list(
        sensors.get("limits", [])
    )
    items = [
        ("Board", machine.get("board") or here),
        ("Processor", f"{machine['cpu']}, {machine['usable_cores']} of {machine['cores']} cores"),
        ("Instructions", machine["instruction_set"]),
        ("Memory", bytes_text(machine.get("memory_bytes"))),
        ("Governor", ", ".join(machine.get("governors") or [here])),
        ("Clock range", f"{limits[0]:.0f} to {limits[1]:.0f} MHz" if limits else here),
        ("Clock", span_text(clock, "MHz") if clock else here),
        *((name, span_text(span, "°C")) for name, span in heat.items()),
        *([] if heat else [("Temperature", here)]),
        ("Throttling", ", ".join(slowed) or ("none" if sensors.get("throttle_readable") else here)),
        ("Energy", str(document.get("energy_source", "not asked for"))),
        ("Load before", " ".join(f"{value:.2f}" for value in load) if load else here),
        ("System", machine["os"]),
    ]
    if machine.get("power_mode"):
        items.insert(1, ("Power mode", machine["power_mode"]))
    return layout.section("Machine", layout.facts(items))


def span_text(span: Mapping[str, Any], unit: str) -> str:
    """Before, during and after.

    >>> span_text({"before": 40.0, "during": [40.0, 52.5, 61.0], "after": 58.0}, "°C")
    '40 before, 40 to 61 during (mean 52.5), 58 °C after'
    """
    low, mean, high = (number_text(value) for value in span["during"])
    ends = number_text(span["before"]), number_text(span["after"], unit)
    return f"{ends[0]} before, {low} to {high} during (mean {mean}), {ends[1]} after"


def _how(document: Mapping[str, Any]) -> str:
    settings, machine = document["settings"], document["machine"]
    libraries = ", ".join(f"{name} {version}" for name, version in machine["libraries"].items() if version)
    files = [
        (kind, f"{entry['sha256'][:16]}, {bytes_text(entry['bytes'])}")
        for kind, entry in document["model"]["files"].items()
    ]
    items = [
        ("In turns", f"{settings['rounds']} rounds after a warm-up, each in another order, on the same noise"),
        ("In a loop", f"{settings.get('sustain_s', 0):g} s a row, clocks and temperatures read between calls"),
        ("Fresh processes", "cold start and memory: median of three, files in the system's cache"),
        ("Libraries", f"{machine['python']}, {libraries}"),
        *files,
    ]
    return layout.section("How it was measured", layout.facts(items))
