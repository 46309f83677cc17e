"""Measurements that need a fresh process: cold start, memory, and the peak of one thread."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

STARTS: Final = 3
"""Fresh processes for each number: the median of the starts, the fastest product."""

_TIMEOUT_S: Final = 120
_ONE_THREAD = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "BLIS_NUM_THREADS",
)


class ProbeError(Exception):
    """A fresh process gave no result; the message says why."""


@dataclass(frozen=True)
class Start:
    """A first estimate in a fresh process, its files in the system's cache.

    Attributes:
        cold_start_s: import of the library, ``HeadPose`` and the first estimate, seconds.
        import_s, load_s: of that, the import and ``HeadPose``.
        memory_bytes: what backend, network and first estimate added to the resident memory after the import.
        peak_bytes: the most resident memory that the whole process ever had, Python and NumPy among it.
    """

    cold_start_s: float
    import_s: float
    load_s: float
    memory_bytes: int | None
    peak_bytes: int | None


@dataclass(frozen=True)
class Peak:
    """Float32 multiply-adds a second of one thread, and how that was measured."""

    macs_per_s: float
    method: str


def measure_start(
    model: str,
    backend: str,
    precision: str,
    threads: int,
    frame_size: tuple[int, int],
    box: Sequence[float],
    converted: Path | None = None,
) -> Start:
    """Load and estimate once in each of ``STARTS`` fresh processes; the medians.

    Args:
        model, backend, precision, threads: of ``HeadPose``.
        frame_size: width and height of the frame.
        box: the one box in it, x0, y0, x1, y1.
        converted: the file of one of ``runtimes.NAMES``, which then is the backend.

    Raises:
        ProbeError: a process failed or took too long.
    """
    arguments = [model, backend, precision, threads, converted or "", *frame_size, *box]
    found = [_run("start", *map(str, arguments)) for _ in range(STARTS)]
    cold_start_s, import_s, load_s = (
        float(median(start[name] for start in found)) for name in ("cold_start_s", "import_s", "load_s")
    )
    return Start(cold_start_s, import_s, load_s, _bytes(found, "memory_bytes"), _bytes(found, "peak_bytes"))


def _bytes(found: Sequence[Mapping[str, Any]], name: str) -> int | None:
    values = [start[name] for start in found]
    return None if None in values else int(median(values))


def measure_peak() -> Peak:
    """What NumPy's matrix product reaches on one thread.

    Raises:
        ProbeError: the process failed, or NumPy's library would not keep to one thread.
    """
    found = [_run("peak", **dict.fromkeys(_ONE_THREAD, "1")) for _ in range(STARTS)]
    size, cores = found[0]["size"], max(peak["cores_used"] for peak in found)
    method = (
        f"NumPy matmul of two float32 matrices of {size}x{size} on one thread, the fastest of "
        f"{STARTS * found[0]['repeats']}, in {STARTS} processes of their own"
    )
    if cores > 1.3:
        raise ProbeError(f"{method}: it ran on {cores:.1f} cores, expected one")
    return Peak(max(peak["macs_per_s"] for peak in found), method)


def _run(*arguments: str, **environment: str) -> dict[str, Any]:
    # Safe path: what lies in the working folder must not stand in for an installed module.
    settings = os.environ | {"PYTHONSAFEPATH": "1"} | environment
    command = [sys.executable, "-m", "hpe_edge.bench.probe", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False, env=settings)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProbeError(f"a fresh process gave no result: {error}") from error
    lines = done.stdout.splitlines()
    if done.returncode != 0 or not lines:
        reason = (done.stderr.strip().splitlines() or ["it wrote nothing"])[-1]
        raise ProbeError(f"a fresh process ended with code {done.returncode}: {reason[:200]}")
    result: dict[str, Any] = json.loads(lines[-1])
    return result
