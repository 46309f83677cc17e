"""A benchmark as JSON: what is written, read again and compared."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from hpe_edge.bench.rows import Report
from hpe_edge.errors import InvalidArgumentError

FORMAT: Final = "hpe-edge-bench/1"

_PARTS: Final = {"machine": dict, "model": dict, "settings": dict, "rows": list}


def as_document(report: Report, machine: Mapping[str, Any], sensors: Mapping[str, Any]) -> dict[str, Any]:
    """JSON-ready.

    Args:
        report: what was measured.
        machine: as ``machine.describe_machine`` gives it.
        sensors: of the whole run, as ``sensors.summarize`` gives them.
    """
    card = report.model.card
    return {
        "format": FORMAT,
        "made": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": dict(machine),
        "model": {"name": card.name, "version": card.version, "files": card.as_dict()["files"]},
        "settings": asdict(report.settings) | {"box_xyxy": report.settings.box},
        "multiply_adds": report.multiply_adds,
        "peak": None if report.peak is None else asdict(report.peak),
        "peak_problem": report.peak_problem,
        "energy_source": report.energy_source,
        "sensors": dict(sensors),
        "rows": [asdict(row) for row in report.rows],
    }


def read_document(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The document in a file, of this version of the format or without what was added to it since.

    Raises:
        InvalidArgumentError: it cannot be read or is no benchmark.
    """
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidArgumentError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise InvalidArgumentError(f"{path}: expected the JSON of hpe-edge bench, got {error}") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        got = found.get("format") if isinstance(found, dict) else type(found).__name__
        raise InvalidArgumentError(f"{path}: expected the JSON of hpe-edge bench ({FORMAT}), got {got!r}")
    for name, kind in _PARTS.items():
        if not isinstance(found.get(name), kind):
            raise InvalidArgumentError(f"{path}: expected a {kind.__name__} as {name!r}, got {found.get(name)!r:.80}")
    return found


def machine_name(document: Mapping[str, Any]) -> str:
    """What a reader calls the machine: the board of a device tree, else the processor.

    >>> machine_name({"machine": {"cpu": "Cortex-A76", "board": "Raspberry Pi 5 Model B Rev 1.0"}})
    'Raspberry Pi 5 Model B Rev 1.0'
    """
    machine = document["machine"]
    board, cpu = machine.get("board"), machine.get("cpu") or "an unnamed machine"
    return str(board if board and ("Pi" in board or "Jetson" in board or "NVIDIA" in board) else cpu)
