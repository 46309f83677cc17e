"""What machine and what libraries a measurement is of."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from hpe_edge import _core
from hpe_edge.bench.sensors import describe_board

_PACKAGES = ("hpe-edge", "numpy", "onnxruntime", "openvino", "ncnn", "MNN", "ai-edge-litert")


def describe_machine() -> dict[str, Any]:
    """JSON-ready facts: processor, cores, load, system, Python, libraries, instruction set, and what the board says.

    >>> sorted(describe_machine())[:4]
    ['board', 'clock_range_mhz', 'cores', 'cpu']
    """
    return {
        **describe_board(),
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "usable_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load_average": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        "os": platform.platform(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "libraries": {name: _version(name) for name in _PACKAGES},
        "instruction_set": _core.isa(),
    }


def _cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    fields = (line.partition(":") for line in text.splitlines())
    names = [value.strip() for key, _, value in fields if key.strip() in ("model name", "Model", "Hardware")]
    return names[0] if names else platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
