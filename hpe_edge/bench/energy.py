"""Energy meters: RAPL counters of the processor, and INA chips on the rails of a board."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hpe_edge.bench.sensors import ROOT, read_int, read_text

_INA: Final = re.compile(r"ina\d+")
# A Jetson's input rail feeds all others; without one the rails are apart from each other and are summed.
_INPUT_RAILS: Final = ("VDD_IN", "POM_5V_IN")


@dataclass(frozen=True)
class Usage:
    """Energy used in a stretch of time: joules and seconds."""

    energy_j: float
    duration_s: float

    @property
    def power_w(self) -> float:
        """Mean power in watts."""
        return self.energy_j / self.duration_s if self.duration_s > 0 else 0.0


@dataclass
class RaplMeter:
    """The counters of all processor packages: what the sockets used, cores at rest included.

    Attributes:
        counters: files of microjoules, each with the value after which it begins at 0 again.
        source: what is measured, for a reader.
    """

    counters: list[tuple[Path, int]]
    source: str
    clock: Callable[[], float] = time.monotonic
    _last: list[int] = field(default_factory=list)
    _start_s: float = 0.0
    _energy_uj: int = 0

    def start(self) -> None:
        """Begin a stretch."""
        self._energy_uj, self._last, self._start_s = 0, self._read(), self.clock()

    def look(self) -> None:
        """To be called more often than a counter takes to go round (a minute at 1 kW)."""
        now = self._read()
        for (_, limit), before, after in zip(self.counters, self._last, now, strict=True):
            self._energy_uj += after - before if after >= before else after - before + limit
        self._last = now

    def stop(self) -> Usage:
        """End the stretch."""
        self.look()
        return Usage(self._energy_uj / 1e6, self.clock() - self._start_s)

    def _read(self) -> list[int]:
        return [read_int(path) or 0 for path, _ in self.counters]


@dataclass
class InaMeter:
    """Power of the rails, integrated between looks by the trapezoidal rule.

    Attributes:
        rails: for each, the files whose product is its power, and the watts of a product of one.
        source: what is measured, for a reader.
    """

    rails: list[tuple[tuple[Path, ...], float]]
    source: str
    clock: Callable[[], float] = time.monotonic
    _start_s: float = 0.0
    _last: tuple[float, float] = (0.0, 0.0)
    _energy_j: float = 0.0

    def start(self) -> None:
        """Begin a stretch."""
        self._energy_j, self._last = 0.0, (self.clock(), self._power_w())
        self._start_s = self._last[0]

    def look(self) -> None:
        """To be called every some ten milliseconds."""
        (before_s, before_w), now = self._last, (self.clock(), self._power_w())
        self._energy_j += (now[0] - before_s) * (before_w + now[1]) / 2
        self._last = now

    def stop(self) -> Usage:
        """End the stretch."""
        self.look()
        return Usage(self._energy_j, self._last[0] - self._start_s)

    def _power_w(self) -> float:
        total = 0.0
        for files, watts in self.rails:
            product = watts
            for file in files:
                product *= read_int(file) or 0
            total += product
        return total


Meter = RaplMeter | InaMeter


def find_meter(root: Path = ROOT) -> tuple[Meter | None, str]:
    """The board's INA chips where it has some, else RAPL.

    Returns:
        The meter, or ``None``, and what it measures or why there is none.

    >>> find_meter(Path("/nowhere"))[0] is None
    True
    """
    meter = _find_ina(root) or _find_rapl(root)
    if meter is not None:
        return meter, meter.source
    if any(root.glob("sys/class/powercap/*/energy_uj")):
        return (
            None,
            "not readable here: RAPL's counters are root's; run: sudo chmod a+r /sys/class/powercap/*/energy_uj",
        )
    return None, "not readable here: neither RAPL (/sys/class/powercap) nor an INA chip (/sys/class/hwmon)"


def _find_rapl(root: Path) -> RaplMeter | None:
    counters: dict[str, tuple[Path, int]] = {}
    for path in sorted(root.glob("sys/class/powercap/*/energy_uj")):
        name = read_text(path.parent / "name") or ""
        # The same package may be there twice, by register and by memory-mapped register.
        if name.startswith("package") and name not in counters and read_int(path) is not None:
            counters[name] = path, read_int(path.parent / "max_energy_range_uj") or 1 << 32
    return RaplMeter(list(counters.values()), f"RAPL: {', '.join(counters)}") if counters else None


def _find_ina(root: Path) -> InaMeter | None:
    rails: dict[str, tuple[tuple[Path, ...], float]] = {}
    for chip in sorted(root.glob("sys/class/hwmon/hwmon*")):
        kind = read_text(chip / "name") or ""
        if not _INA.fullmatch(kind):
            continue
        power = chip / "power1_input"
        if read_int(power) is not None:
            rails[read_text(chip / "power1_label") or f"{kind} {chip.name}"] = ((power,), 1e-6)  # microwatts
            continue
        for number in (1, 2, 3):  # an INA3221's fourth current is the sum of the others
            files = chip / f"curr{number}_input", chip / f"in{number}_input"
            if all(read_int(file) is not None for file in files):
                label = read_text(chip / f"in{number}_label") or f"{kind} {chip.name}.{number}"
                rails[label] = (files, 1e-6)  # mA times mV
    whole = [name for name in rails if name in _INPUT_RAILS]
    chosen = whole[:1] or sorted(rails)
    return InaMeter([rails[name] for name in chosen], f"INA: {', '.join(chosen)}") if chosen else None
