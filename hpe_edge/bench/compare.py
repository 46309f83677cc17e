"""Benchmarks of several machines side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hpe_edge.bench.document import machine_name
from hpe_edge.errors import InvalidArgumentError

Document = Mapping[str, Any]

_PROTOCOL: Final = ("frame_size", "box_xyxy", "rounds", "threads", "sustain_s")


@dataclass(frozen=True)
class Metric:
    """A number of a row: its key, what it is called, and where it is.

    Attributes:
        more_is_better: whether a larger number is the better one.
    """

    key: str
    title: str
    path: tuple[str, ...]
    more_is_better: bool = False


METRICS: Final = (
    Metric("frame_p50_us", "frame, median", ("estimate", "p50_us")),
    Metric("frame_p99_us", "frame, 99th percentile", ("estimate", "p99_us")),
    Metric("network_p50_us", "network, median", ("network", "p50_us")),
    Metric("cpu_us", "CPU time of a frame", ("estimate", "cpu_us")),
    Metric("fps", "frames a second, kept up", ("sustained", "fps"), more_is_better=True),
    Metric("energy_j", "energy of a frame", ("sustained", "energy_j")),
    Metric("memory_bytes", "memory added", ("start", "memory_bytes")),
    Metric("cold_start_s", "cold start", ("start", "cold_start_s")),
)


@dataclass(frozen=True)
class Comparison:
    """Numbers of every row that one of the machines has.

    Attributes:
        names: of the machines, told apart by a number where two are alike.
        values: by backend and precision, then by the key of a metric: a number a machine, ``None`` where it has none.
        warnings: what makes the numbers less comparable.
    """

    names: list[str]
    values: dict[tuple[str, str], dict[str, list[float | None]]]
    warnings: list[str]

    def ratios(self, row: tuple[str, str], metric: Metric) -> list[float | None]:
        """How many times better than the first machine each one is; ``None`` where one of the two has no number."""
        first, *_ = found = self.values[row][metric.key]
        return [
            None if not first or not value else (value / first if metric.more_is_better else first / value)
            for value in found
        ]


def compare(documents: Sequence[Document]) -> Comparison:
    """Put benchmarks side by side.

    Args:
        documents: two or more, as ``document.read_document`` gives them; the others are compared with the first.

    Raises:
        InvalidArgumentError: there is none to compare with.
    """
    if len(documents) < 2:
        raise InvalidArgumentError(f"documents: expected two or more benchmarks, got {len(documents)}")
    found = [{(row["backend"], row["precision"]): row for row in document["rows"]} for document in documents]
    keys = dict.fromkeys(key for rows in found for key in rows if any(_ran(other.get(key)) for other in found))
    values = {
        key: {metric.key: [_value(rows.get(key), metric.path) for rows in found] for metric in METRICS} for key in keys
    }
    names = _names(documents)
    return Comparison(names, values, _warnings(documents, names))


def _ran(row: Mapping[str, Any] | None) -> bool:
    return row is not None and row.get("problem") is None


def _value(row: Mapping[str, Any] | None, path: Sequence[str]) -> float | None:
    value: Any = row
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return float(value) if isinstance(value, (int, float)) else None


def _names(documents: Sequence[Document]) -> list[str]:
    names = [machine_name(document) for document in documents]
    return [
        name if names.count(name) == 1 else f"{name} ({names[: k + 1].count(name)})" for k, name in enumerate(names)
    ]


def _warnings(documents: Sequence[Document], names: Sequence[str]) -> list[str]:
    """What differs from the first and should not, and what disturbed a run."""
    first, warnings = _protocol(documents[0]), []
    for document, name in zip(documents, names, strict=True):
        other = _protocol(document)
        for what in [what for what in {**first, **other} if first.get(what) != other.get(what)]:
            warnings.append(f"{name}: {what} is {other.get(what)}, of {names[0]} {first.get(what)}")
        sensors, machine = document.get("sensors") or {}, document["machine"]
        held = [*(sensors.get("throttled") or ()), *(sensors.get("limits") or ())]
        if held:
            warnings.append(f"{name}: was slowed while measuring ({', '.join(held)})")
        load, cores = (machine.get("load_average") or [0.0])[0], machine.get("usable_cores") or 1
        if load > 0.5 * cores:
            warnings.append(f"{name}: was busy before the run (load {load:.1f} on {cores} cores)")
    return warnings


def _protocol(document: Document) -> dict[str, Any]:
    """What must be alike: versions, weights and the way of measuring."""
    model, settings, libraries = document["model"], document["settings"], document["machine"].get("libraries", {})
    files = {f"{kind} weights": str(entry["sha256"])[:12] for kind, entry in sorted(model.get("files", {}).items())}
    versions = {f"version of {name}": version for name, version in libraries.items() if version}
    return {
        "model": f"{model.get('name')} {model.get('version')}",
        **files,
        **{name: settings.get(name) for name in _PROTOCOL},
        **versions,
    }
