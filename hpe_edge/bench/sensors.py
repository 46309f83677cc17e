"""What a Linux machine says of its board, clocks, temperatures and throttling, read from sysfs and procfs.

Nothing is run and nothing needs root; what a machine does not tell is ``None`` or an empty mapping.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from hpe_edge.bench.measure import Track

Item = TypeVar("Item")

ROOT: Final = Path("/")
_CPUS: Final = "sys/devices/system/cpu"
_COOLS_BY_SLOWING: Final = "cpu|processor|gpu|devfreq|powerclamp"
_PI_THROTTLED: Final = "sys/devices/platform/*/*:firmware/get_throttled"
_PI_NOW: Final = {0: "under-voltage", 1: "frequency capped", 2: "throttled", 3: "soft temperature limit"}


def read_text(path: Path) -> str | None:
    """The text of a file without blanks and zero bytes at its ends; ``None`` where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0 \n\t")
    except OSError:
        return None


def read_int(path: Path) -> int | None:
    """The whole number in a file; ``None`` where there is none."""
    text = read_text(path)
    return int(text) if text is not None and re.fullmatch(r"-?\d+", text) else None


def describe_board(root: Path = ROOT) -> dict[str, Any]:
    """JSON-ready facts that do not change while a benchmark runs.

    Args:
        root: where ``sys``, ``proc``, ``etc`` and ``var`` are.

    Returns:
        ``board`` (device tree or DMI), ``memory_bytes``, ``governors``, ``clock_range_mhz`` (lowest and highest of all
        cores), ``power_mode`` (of a Jetson's nvpmodel); ``None`` where the machine does not tell.

    >>> sorted(describe_board())
    ['board', 'clock_range_mhz', 'governors', 'memory_bytes', 'power_mode']
    """
    policies = sorted(root.glob(f"{_CPUS}/cpu[0-9]*/cpufreq"))
    limits = [read_int(path / f"cpuinfo_{end}_freq") for path in policies for end in ("min", "max")]
    known = [limit / 1e3 for limit in limits if limit is not None]
    total = re.search(r"^MemTotal:\s+(\d+) kB", read_text(root / "proc/meminfo") or "", re.MULTILINE)
    return {
        "board": _board(root),
        "memory_bytes": int(total[1]) * 1024 if total else None,
        "governors": sorted({text for path in policies if (text := read_text(path / "scaling_governor"))}) or None,
        "clock_range_mhz": [min(known), max(known)] if known else None,
        "power_mode": _power_mode(root),
    }


def _board(root: Path) -> str | None:
    model = read_text(root / "proc/device-tree/model")
    if model:
        return model
    parts = [read_text(root / f"sys/class/dmi/id/{name}") for name in ("sys_vendor", "product_name")]
    return " ".join(part for part in parts if part) or None


def _power_mode(root: Path) -> str | None:
    """The mode that nvpmodel set last, by its name where the configuration has one."""
    status = re.search(r"pmode:(\d+)", read_text(root / "var/lib/nvpmodel/status") or "")
    if status is None:
        return None
    number = int(status[1])
    names = re.findall(r"POWER_MODEL ID=(\d+) NAME=(\S+)", read_text(root / "etc/nvpmodel.conf") or "")
    return next((f"{name} ({number})" for found, name in names if int(found) == number), str(number))


@dataclass(frozen=True)
class Sample:
    """Clocks, temperatures and throttling at one time.

    Attributes:
        time_s: on the monotonic clock.
        clocks_mhz: of each core that tells.
        temperatures_c: by the name of the thermal zone or hwmon input.
        throttle_counts: counters that only grow, by name: how often the processor was slowed.
        limits: what limits the clocks right now (cooling devices at work, a Raspberry Pi's flags); ``None`` where the
            machine has neither.
    """

    time_s: float
    clocks_mhz: Sequence[float] = ()
    temperatures_c: Mapping[str, float] = field(default_factory=dict)
    throttle_counts: Mapping[str, int] = field(default_factory=dict)
    limits: Sequence[str] | None = None


def take_sample(root: Path = ROOT) -> Sample:
    """Read all sensors once; some hundred microseconds to some milliseconds.

    >>> take_sample(Path("/nowhere")).clocks_mhz
    []
    """
    counters = sorted(root.glob(f"{_CPUS}/cpu[0-9]*/thermal_throttle/*_throttle_count"))
    counts = {f"{path.parts[-3]} {path.name.partition('_')[0]}": read_int(path) for path in counters}
    return Sample(
        time.monotonic(),
        _clocks_mhz(root),
        _temperatures_c(root),
        {name: count for name, count in counts.items() if count is not None},
        _limits(root),
    )


def _limits(root: Path) -> list[str] | None:
    found = [limits for limits in (_cooling(root), _pi_limits(root)) if limits is not None]
    return [limit for limits in found for limit in limits] if found else None


def _clocks_mhz(root: Path) -> list[float]:
    """``scaling_cur_freq`` of each core, or else what ``/proc/cpuinfo`` says."""
    values = [read_int(path) for path in sorted(root.glob(f"{_CPUS}/cpu[0-9]*/cpufreq/scaling_cur_freq"))]
    found = [value / 1e3 for value in values if value is not None]
    if found:
        return found
    text = read_text(root / "proc/cpuinfo") or ""
    return [float(mhz) for mhz in re.findall(r"^cpu MHz\s*: ([\d.]+)", text, re.MULTILINE)]


def _temperatures_c(root: Path) -> dict[str, float]:
    """Of the thermal zones, or of hwmon where there is no zone."""
    zones = [
        (read_text(path.parent / "type"), path) for path in sorted(root.glob("sys/class/thermal/thermal_zone*/temp"))
    ]
    if not zones:
        zones = [
            (read_text(path.with_name(path.name.replace("_input", "_label"))) or read_text(path.parent / "name"), path)
            for path in sorted(root.glob("sys/class/hwmon/hwmon*/temp*_input"))
        ]
    found = {name or path.parent.name: read_int(path) for name, path in zones}
    # A zone without power says a temperature far below zero.
    return {name: value / 1e3 for name, value in found.items() if value is not None and value > -50_000}


def _cooling(root: Path) -> list[str] | None:
    """Cooling devices that now hold the processor back; a fan does not."""
    devices = [
        (read_text(path / "type") or "", read_int(path / "cur_state"))
        for path in sorted(root.glob("sys/class/thermal/cooling_device*"))
    ]
    slowing = [(kind, state) for kind, state in devices if re.search(_COOLS_BY_SLOWING, kind, re.IGNORECASE)]
    return [f"{kind} at {state}" for kind, state in slowing if state and state > 0] if slowing else None


def _pi_limits(root: Path) -> list[str] | None:
    """A Raspberry Pi's firmware: the low bits are what limits it now."""
    text = next((read_text(path) for path in root.glob(_PI_THROTTLED)), None)
    if text is None or not re.fullmatch(r"(0x)?[0-9a-fA-F]+", text):
        return None
    flags = int(text, 16)
    return [name for bit, name in _PI_NOW.items() if flags >> bit & 1]


class Watch:
    """Samples the sensors between the rounds of a benchmark, never within a timed call.

    Args:
        track: shows the progress; it goes on doing so.
        root: as in ``take_sample``.
        every_s: seconds between two samples, 0 or more.

    >>> from hpe_edge.bench.measure import untracked
    >>> watch = Watch(untracked, every_s=0)
    >>> list(watch(range(3), "rounds")), len(watch.samples)
    ([0, 1, 2], 3)
    """

    def __init__(self, track: Track, root: Path = ROOT, every_s: float = 1.0) -> None:
        self.samples: list[Sample] = []
        self._track, self._root, self._every_s = track, root, every_s

    def __call__(self, values: Sequence[Item], what: str) -> Iterable[Item]:
        """The values, with a look at the sensors before each of those that are due."""
        for value in self._track(values, what):
            self.look()
            yield value

    def look(self) -> None:
        """Take a sample when the last one is old enough."""
        if not self.samples or time.monotonic() - self.samples[-1].time_s >= self._every_s:
            self.samples.append(take_sample(self._root))


def summarize(before: Sample, during: Sequence[Sample], after: Sample) -> dict[str, Any]:
    """JSON-ready: clocks and temperatures before, during and after, and what slowed the machine.

    Returns:
        ``clocks_mhz``: the mean over the cores ``before``, ``after``, and ``during`` as lowest, mean, highest, or
        ``None``; ``temperatures_c``: by name the same of each sensor; ``throttled``: how much each counter grew, where
        it did; ``throttle_readable``: whether the machine would tell; ``limits``: all that ever held the clocks
        back; ``series``: seconds since ``before``, mean clock and highest temperature of each sample.
    """
    samples = [before, *during, after]
    counts = {name: after.throttle_counts.get(name, first) - first for name, first in before.throttle_counts.items()}
    names = [name for name in before.temperatures_c if all(name in sample.temperatures_c for sample in samples)]
    return {
        "clocks_mhz": _span([_mean(sample.clocks_mhz) for sample in samples]),
        "temperatures_c": {name: _span([sample.temperatures_c[name] for sample in samples]) for name in names},
        "throttled": {name: grown for name, grown in counts.items() if grown},
        "throttle_readable": bool(counts) or before.limits is not None,
        "limits": sorted({limit for sample in samples for limit in sample.limits or ()}),
        "series": [
            [
                round(sample.time_s - before.time_s, 3),
                _mean(sample.clocks_mhz),
                max(sample.temperatures_c.values(), default=None),
            ]
            for sample in samples
        ],
    }


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _span(values: Sequence[float | None]) -> dict[str, Any] | None:
    known = [value for value in values if value is not None]
    if len(known) != len(values):
        return None
    return {"before": known[0], "during": [min(known), sum(known) / len(known), max(known)], "after": known[-1]}
