"""What is measured in a process of its own: ``python -m hpe_edge.bench.probe start | peak``; one line of JSON.

Imports only what every Python has loaded anyway, so that a cold start is one.
"""

from __future__ import annotations

import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_MATRIX = 512
_PRODUCTS = 100


def main(arguments: Sequence[str]) -> None:
    """Measure what the first argument names and write it to stdout."""
    found = _peak() if arguments[0] == "peak" else _start(*arguments[1:])
    import json

    sys.stdout.write(f"{json.dumps(found)}\n")


def _start(
    model: str, backend: str, precision: str, threads: str, converted: str, width: str, height: str, *box: str
) -> dict[str, Any]:
    """Seconds of import, ``HeadPose`` and first estimate; bytes that the last two added to the resident memory.

    With the path of a converted file, the backend is one of ``runtimes.NAMES``.
    """
    begin = time.perf_counter()
    from hpe_edge.estimator import HeadPose

    import_s = time.perf_counter() - begin
    import numpy as np

    frame = np.full((int(height), int(width), 3), 90, np.uint8)
    boxes = np.array([[float(value) for value in box]], np.float32)
    before = _memory_bytes("smaps_rollup", "Rss")
    begin = time.perf_counter()
    if converted:
        from pathlib import Path

        from hpe_edge.bench.runtimes import load
        from hpe_edge.hub import resolve

        pose = HeadPose(model, backend=load(backend, Path(converted), resolve(model).card, int(threads)))
    else:
        pose = HeadPose(model, backend=backend, precision=precision, threads=int(threads))
    load_s = time.perf_counter() - begin
    pose.estimate(frame, boxes)
    cold_start_s = import_s + time.perf_counter() - begin
    after = _memory_bytes("smaps_rollup", "Rss")
    return {
        "cold_start_s": cold_start_s,
        "import_s": import_s,
        "load_s": load_s,
        "memory_bytes": None if before is None or after is None else after - before,
        # Not getrusage's ru_maxrss: in a new program it begins with what the one that started it had resident.
        "peak_bytes": _memory_bytes("status", "VmHWM"),
    }


def _memory_bytes(file: str, field: str) -> int | None:
    """What the system says of this process; ``None`` where it does not."""
    import gc

    gc.collect()
    try:
        # statm is cheaper, but counts in batches of pages and may be off by some hundred kilobytes.
        with open(f"/proc/self/{file}", encoding="utf-8") as lines:  # noqa: PTH123 - pathlib is not loaded yet
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))
    except (OSError, StopIteration):
        return None


def _peak() -> dict[str, Any]:
    """Multiply-adds a second of the best of many products of two float32 matrices, and cores that were at work."""
    import numpy as np

    a, b = np.random.default_rng(0).standard_normal((2, _MATRIX, _MATRIX), np.float32)
    out = np.empty_like(a)
    best_ns, wall, cpu = 1 << 62, time.perf_counter_ns(), time.process_time_ns()
    for _ in range(_PRODUCTS):
        start = time.perf_counter_ns()
        np.matmul(a, b, out=out)
        best_ns = min(best_ns, time.perf_counter_ns() - start)
    cores = (time.process_time_ns() - cpu) / (time.perf_counter_ns() - wall)
    return {"macs_per_s": _MATRIX**3 / best_ns * 1e9, "size": _MATRIX, "repeats": _PRODUCTS, "cores_used": cores}


if __name__ == "__main__":
    main(sys.argv[1:])
