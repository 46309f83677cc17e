"""The page of several benchmarks side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpe_edge.bench.compare import METRICS, Comparison, Metric
from hpe_edge.bench.page import layout, svg
from hpe_edge.bench.page.report import KINDS
from hpe_edge.bench.page.units import bytes_text, energy_text, number_text, time_text


def comparison_page(found: Comparison, documents: Sequence[Mapping[str, Any]]) -> str:
    """HTML of a comparison; the documents are in it as JSON."""
    model = documents[0]["model"]
    charts = [_chart(found, metric) for metric in METRICS]
    legend = svg.legend([(name, KINDS[k % len(KINDS)]) for k, name in enumerate(found.names)])
    return layout.page(
        f"{len(documents)} machines side by side",
        f"{model['name']} {model['version']}; compared with {found.names[0]}",
        [
            layout.section("Machines", legend, layout.facts(_machines(found, documents)), full=True),
            *(layout.notice(text, False) for text in found.warnings),
            *charts,
            layout.section(
                "All numbers", layout.table(("", *found.names), comparison_cells(found)), full=True, note=_NOTE
            ),
        ],
        list(documents),
    )


_NOTE = "In brackets how many times better than the first machine: above 1 is faster, less, sooner."


def value_text(metric: Metric, value: float | None) -> str:
    """A metric's number with its unit.

    >>> value_text(METRICS[0], 1234.0), value_text(METRICS[4], 812.3)
    ('1.23 ms', '812')
    """
    if metric.key.endswith("_us"):
        return time_text(value)
    if metric.key.endswith("_j"):
        return energy_text(value)
    if metric.key.endswith("_bytes"):
        return bytes_text(value)
    if metric.key.endswith("_s"):
        return time_text(None if value is None else value * 1e6)
    return number_text(value)


def cell_text(metric: Metric, value: float | None, ratio: float | None) -> str:
    """A number and how many times better than the first machine's it is.

    >>> cell_text(METRICS[0], 500.0, 2.0)
    '500 µs (2.00x)'
    """
    return value_text(metric, value) + ("" if ratio is None else f" ({ratio:.2f}x)")


def _machines(found: Comparison, documents: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    machines = [document["machine"] for document in documents]
    return [
        (name, f"{m['cpu']}, {m['cores']} cores, {m['instruction_set']}; {m['os']}")
        for name, m in zip(found.names, machines, strict=True)
    ]


def _chart(found: Comparison, metric: Metric) -> str:
    """A bar a machine for each row, the first machine's uppermost."""
    items = []
    for row, numbers in found.values.items():
        if any(value is not None for value in numbers[metric.key]):
            for k, (value, ratio) in enumerate(zip(numbers[metric.key], found.ratios(row, metric), strict=True)):
                text = cell_text(metric, value, ratio if k else None)
                items.append(svg.Bar("" if k else " ".join(row), value, text, kind=KINDS[k % len(KINDS)]))
    title = metric.title[0].upper() + metric.title[1:]
    return layout.section(title, svg.bars(items, metric.title, group=len(found.names))) if items else ""


def comparison_cells(found: Comparison) -> list[list[str]]:
    """What a line is of, and a number a machine with its ratio to the first one's."""
    return [
        [
            f"{' '.join(row)}: {metric.title}",
            *(
                cell_text(metric, value, ratio if k else None)
                for k, (value, ratio) in enumerate(zip(numbers[metric.key], found.ratios(row, metric), strict=True))
            ),
        ]
        for row, numbers in found.values.items()
        for metric in METRICS
        if any(value is not None for value in numbers[metric.key])
    ]
