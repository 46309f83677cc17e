"""One call again and again for some seconds: frames a second as a board keeps them up, with clocks and energy."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from hpe_edge.bench.energy import Meter
from hpe_edge.bench.measure import Clock
from hpe_edge.bench.sensors import ROOT, Sample, summarize, take_sample

_LOOK_S: Final = 0.05
"""Seconds between two looks at an energy meter."""

_SENSORS_S: Final = 0.5
"""Seconds between two looks at clocks and temperatures, which take longer."""


@dataclass(frozen=True)
class Sustained:
    """What a call in a loop keeps up.

    Attributes:
        calls, duration_s: how many calls in how many seconds.
        fps: calls a second, looks at the sensors included.
        p50_us, p99_us: of the time of a call, microseconds.
        cpu_s: seconds of all threads of the process for one call.
        energy_j: joules for one call, with all that the machine draws meanwhile; ``None`` where no meter is readable.
        power_w, idle_power_w: mean power in the loop, and before it while the process slept.
        fps_series: seconds since the start, and calls a second of the stretch that ends there.
        sensors: as ``sensors.summarize`` gives them.
    """

    calls: int
    duration_s: float
    fps: float
    p50_us: float
    p99_us: float
    cpu_s: float
    energy_j: float | None
    power_w: float | None
    idle_power_w: float | None
    fps_series: list[tuple[float, float]]
    sensors: dict[str, Any]


def sustain(
    call: Callable[[], Any],
    seconds: float,
    meter: Meter | None = None,
    *,
    idle_power_w: float | None = None,
    root: Path = ROOT,
    clock: Clock = time.perf_counter_ns,
    cpu_clock: Clock = time.process_time_ns,
) -> Sustained:
    """Call it for a while.

    Args:
        call: what to time.
        seconds: how long, above 0; it is called once at least.
        meter: counts the energy.
        idle_power_w: passed on to the result.
        root: where ``sys`` and ``proc`` are.
        clock, cpu_clock: nanoseconds.

    >>> sustain(lambda: None, 0.01).fps > 100
    True
    """
    watch = _Watch(meter, root)
    if meter is not None:
        meter.start()
    times_ns: list[int] = []
    cpu_start, start = cpu_clock(), clock()
    now = start
    while not times_ns or now - start < seconds * 1e9:
        call_start = clock()
        call()
        now = clock()
        times_ns.append(now - call_start)
        watch.look((now - start) / 1e9, len(times_ns))
    cpu_s, usage = (cpu_clock() - cpu_start) / 1e9, None if meter is None else meter.stop()
    calls, duration_s = len(times_ns), (now - start) / 1e9
    p50_us, p99_us = np.percentile(np.array(times_ns) / 1e3, (50, 99))
    return Sustained(
        calls=calls,
        duration_s=duration_s,
        fps=calls / duration_s if duration_s > 0 else 0.0,
        p50_us=float(p50_us),
        p99_us=float(p99_us),
        cpu_s=cpu_s / calls,
        energy_j=None if usage is None else usage.energy_j / calls,
        power_w=None if usage is None else usage.power_w,
        idle_power_w=idle_power_w,
        fps_series=watch.series,
        sensors=summarize(watch.before, watch.during, take_sample(root)),
    )


class _Watch:
    """Looks at meter and sensors between two calls, when it is time."""

    def __init__(self, meter: Meter | None, root: Path) -> None:
        self.series: list[tuple[float, float]] = []
        self.before, self.during = take_sample(root), list[Sample]()
        self._meter, self._root = meter, root
        self._looked_s = self._sensed_s = 0.0
        self._counted = 0

    def look(self, now_s: float, calls: int) -> None:
        if self._meter is not None and now_s - self._looked_s >= _LOOK_S:
            self._meter.look()
            self._looked_s = now_s
        if now_s - self._sensed_s >= _SENSORS_S:
            self.series.append((now_s, (calls - self._counted) / (now_s - self._sensed_s)))
            self.during.append(take_sample(self._root))
            self._sensed_s, self._counted = now_s, calls


def measure_idle_w(
    meter: Meter | None, seconds: float = 1.0, sleep: Callable[[float], None] = time.sleep
) -> float | None:
    """Mean power while this process sleeps, in watts; ``None`` without a meter."""
    if meter is None:
        return None
    meter.start()
    for _ in range(max(1, round(seconds / _LOOK_S))):
        sleep(_LOOK_S)
        meter.look()
    return meter.stop().power_w
