"""A data card in words and tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

_MOST_WORDS = 24
_UNITS = {"deg": "degrees", "px": "pixels", "m": "metres"}


def as_markdown(card: Mapping[str, Any], population: str) -> str:
    """The card's JSON as markdown; ``population`` is the table of who is shown, empty where there is none."""
    parts = [_head(card), _numbers(card), _pictures(card)]
    if population:
        parts.append(f"## Who is shown (heads)\n\n{population}\n\nAges on MakeHuman's scale; tones on the Monk scale.")
    parts += [_attributes(card), _licences(card), _shards(card)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(card: Mapping[str, Any]) -> str:
    dataset = card["dataset"]
    left_out = card["features_left_out"]
    rows = {
        "samples": f"{card['samples']:,} of {dataset['image_size']} px a side",
        "heads, identities": f"{card['heads']:,}, {card['identities']:,}",
        "seed": dataset.get("seed", "unknown"),
        "commit of the renderer": card["commit"],
        "renderer version": dataset.get("renderer_version", "unknown"),
        "features": ", ".join(card["features"]) if card["features"] is not None else "not recorded",
        "features left out": "not recorded" if left_out is None else ", ".join(left_out) or "none",
        "sha256 of all shards": dataset.get("shards_sha256", "see below, shard by shard"),
        "sha256 of the assets' manifest": dataset.get("manifest_sha256", "unknown"),
    }
    lines = ["# Data card: rendered heads", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in rows.items()]
    return "\n".join(
        [*lines, "", "Every head is rendered from the material listed under licences; none is a photograph."]
    )


def _numbers(card: Mapping[str, Any]) -> str:
    lines = [
        "## Distributions",
        "",
        "| | unit | p1 | p5 | p25 | median | p75 | p95 | p99 | mean | std |",
        "|---" * 11 + "|",
    ]
    for name, one in card["numbers"].items():
        stem, _, unit = name.rpartition("_")
        label, unit = (stem, _UNITS[unit]) if unit in _UNITS else (name, "")
        values = [*one["percentiles"].values(), one["mean"], one["std"]]
        lines.append(f"| {label.replace('_', ' ')} | {unit} | " + " | ".join(f"{v:.4g}" for v in values) + " |")
    return "\n".join(lines)


def _pictures(card: Mapping[str, Any]) -> str:
    return "## Pictures\n\n" + "\n\n".join(
        f"{name.removeprefix('card_').rpartition('.')[0].capitalize()}:\n\n![{name}]({name})"
        for name in card["pictures"]
    )


def _attributes(card: Mapping[str, Any]) -> str:
    if not card["attributes"]:
        return ""
    lines = ["## Attributes (share of heads)", ""]
    for name, counts in card["attributes"].items():
        total = sum(counts.values())
        shown = list(counts.items())[:_MOST_WORDS]
        told = ", ".join(f"{word} {100 * count / total:.1f} %" for word, count in shown)
        more = f", and {len(counts) - len(shown)} others" if len(counts) > len(shown) else ""
        lines.append(f"- **{name.replace('_', ' ')}**: {told}{more}")
    return "\n".join(lines)


def _licences(card: Mapping[str, Any]) -> str:
    head, assets = card["head_data"], card["assets"]
    lines = ["## Material and licences", "", "| source | files | licence |", "|---|---|---|"]
    lines.append(f"| {head['source']} (sha256 {head['sha256']}) | | {head['licence']} |")
    if assets is None:
        return "\n".join([*lines, "", "The assets' manifest was not at hand when this card was written."])
    groups = Counter((entry["source"].partition(":")[0], entry["licence"]) for entry in assets)
    lines += [f"| {source} | {count} | {licence} |" for (source, licence), count in groups.most_common()]
    return "\n".join([*lines, "", "`card.json` has one line for each file."])


def _shards(card: Mapping[str, Any]) -> str:
    lines = ["## Shards", "", "| file | bytes | sha256 |", "|---|---|---|"]
    lines += [f"| {shard['name']} | {shard['bytes']} | {shard['sha256']} |" for shard in card["shards"]]
    return "\n".join(lines)
