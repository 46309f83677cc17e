"""The table and the picture of an ablation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hpe_edge.training.likeness.ablation_rows import Row
from hpe_edge.training.trials import change, mean
from matplotlib.figure import Figure

_CELLS = ("yaw_deg", "pitch_deg", "roll_deg", "mae_deg", "geodesic_deg")


def summarise(results: Mapping[str, dict[str, Any]], rows: Sequence[Row]) -> list[dict[str, Any]]:
    """One flat record for each finished row and set of photographs, means over the seeds.

    ``change_deg`` is the fitted MAE minus that of the row it is told against (negative: this row is
    better), with the 95 % interval of a paired bootstrap over the photographs; the seeds' own spread is
    ``seed_spread_deg``, largest minus smallest MAE.
    """
    records = []
    for row in rows:
        if row.name not in results:
            continue
        result = results[row.name]
        for dataset in result["photographs"]:
            scores = [run["scores"][dataset] for run in result["runs"]]
            maes = [s["fitted"]["mae_deg"] for s in scores]
            record: dict[str, Any] = {
                "row": row.name, "dataset": dataset, "features": result["features"], "seeds": result["seeds"],
                "renderer_version": result["dataset"].get("renderer_version"),
                "plain_mae_deg": float(np.mean([s["plain"]["mae_deg"] for s in scores])),
                "pitch_zero_deg": float(np.mean([s["pitch_zero_deg"] for s in scores])),
                **{key: mean([s["fitted"][key] for s in scores]) for key in _CELLS},
                "by_yaw": _by_yaw(scores),
                "seed_spread_deg": max(maes) - min(maes),
                "against": row.against, "change_deg": None, "change_interval_deg": None,
            }  # fmt: skip
            if row.against != row.name and row.against in results:
                record["change_deg"], interval = change(result, results[row.against], dataset)
                record["change_interval_deg"] = list(interval)
            records.append(record)
    return records


def _by_yaw(scores: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    parts = zip(*(s["fitted"]["by_yaw"] for s in scores), strict=True)
    return [
        {
            "low_deg": same[0]["low_deg"],
            "high_deg": same[0]["high_deg"],
            "count": same[0]["count"],
            "mae_deg": mean([part["mae_deg"] for part in same]),
        }
        for same in parts
    ]


def as_markdown(records: Sequence[dict[str, Any]]) -> str:
    """A table for each set of photographs."""
    blocks = []
    for dataset in dict.fromkeys(record["dataset"] for record in records):
        lines = [
            f"**{dataset}** (MAE in degrees after the fit of one pitch-zero rotation)\n",
            "| row | yaw | pitch | roll | MAE | 0-30 | 30-60 | 60-99 | geodesic | as trained | pitch zero "
            "| seeds' spread | change | against |",
            "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
        ]
        for r in records:
            if r["dataset"] == dataset:
                cells = [_cell(r[key]) for key in _CELLS[:4]] + [_cell(part["mae_deg"]) for part in r["by_yaw"]]
                cells += [_cell(r["geodesic_deg"]), _cell(r["plain_mae_deg"]), f"{r['pitch_zero_deg']:+.1f}"]
                spread = _cell(r["seed_spread_deg"]) if len(r["seeds"]) > 1 else "one seed"
                lines.append(f"| {r['row']} | " + " | ".join([*cells, spread, *_change(r)]) + " |")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _change(record: dict[str, Any]) -> tuple[str, str]:
    if record["change_deg"] is None:
        return "", ""
    low, high = record["change_interval_deg"]
    return f"{record['change_deg']:+.2f} ({low:+.2f} to {high:+.2f})", str(record["against"])


def plot(records: Sequence[dict[str, Any]], path: Path) -> None:
    """Bars of the MAE of each row, one panel for each set of photographs."""
    datasets = list(dict.fromkeys(record["dataset"] for record in records))
    height = 1.2 + 0.34 * len({record["row"] for record in records})
    figure = Figure(figsize=(6.2 * len(datasets), height), layout="constrained")
    for axis, dataset in zip(figure.subplots(1, len(datasets), squeeze=False)[0], datasets, strict=True):
        chosen = [record for record in records if record["dataset"] == dataset]
        names = [record["row"] for record in chosen]
        values = [record["mae_deg"] for record in chosen]
        axis.barh(names, values, color="0.75")
        for place, record in enumerate(chosen):
            change = "" if record["change_deg"] is None else f"  {record['change_deg']:+.2f}"
            axis.text(record["mae_deg"], place, f" {record['mae_deg']:.2f}{change}", va="center", fontsize=8)
        axis.set(title=f"{dataset}: MAE (degrees) and change", xlim=(0, 1.3 * max(values)))
        axis.invert_yaxis()
    figure.savefig(path, dpi=110)
