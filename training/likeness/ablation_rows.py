"""The rows of an ablation table: which datasets are rendered, or taken as they are, and trained on."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpe_edge.training.synthetic.features import ALL_FEATURES, FEATURES, features_without

from hpe_edge.errors import InvalidArgumentError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_KEYS = ("name", "without", "only", "dataset", "checkpoints", "against")


@dataclass(frozen=True)
class Row:
    """One row. ``features`` are rendered, unless ``dataset`` names a folder that is there already.

    ``checkpoints``: finished trainings on that dataset, one for each seed, in place of training here.
    ``against``: name of the row that its change is told against.
    """

    name: str
    features: tuple[str, ...]
    dataset: Path | None
    checkpoints: tuple[Path, ...]
    against: str

    @property
    def folder(self) -> str:
        """Name of the row's folder: its own name, without what file systems dislike."""
        return "".join(c if c.isalnum() or c in "-_." else "-" for c in self.name)


def read_rows(path: Path) -> tuple[Row, ...]:
    """Rows of a TOML file, relative paths counted from its folder.

    Each ``[[row]]`` has a ``name`` and one of: ``without = ["camera", ...]``, ``only = [...]`` (features
    of ``hpe-edge render``), or ``dataset = "FOLDER"``. Without any of them all features are on.
    Raises ``InvalidArgumentError`` naming the row and the key that is wrong.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8")).get("row")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidArgumentError(f"rows {path}: expected a readable TOML file, got {error}") from error
    if not isinstance(found, list) or not found or not all(isinstance(item, dict) for item in found):
        raise InvalidArgumentError(f"rows {path}: expected at least one [[row]]")
    first = str(found[0].get("name"))
    rows = tuple(_row(values, number, path.parent, first) for number, values in enumerate(found, start=1))
    names = [row.name for row in rows]
    if len({row.folder for row in rows}) < len(rows):
        raise InvalidArgumentError(f"rows {path}: expected names that differ, got {names}")
    for row in rows:
        if row.against not in names:
            raise InvalidArgumentError(f"row {row.name!r}: against: expected one of {names}, got {row.against!r}")
    return rows


def _row(values: dict[str, Any], number: int, base: Path, first: str) -> Row:
    name = values.get("name")
    if not isinstance(name, str) or not name.strip():
        raise InvalidArgumentError(f"row {number}: name: expected some text, got {name!r}")
    unknown = sorted(set(values) - set(_KEYS))
    if unknown:
        raise InvalidArgumentError(f"row {name!r}: unknown keys {unknown}; expected some of {_KEYS}")
    if sum(key in values for key in ("without", "only", "dataset")) > 1:
        raise InvalidArgumentError(f"row {name!r}: expected only one of 'without', 'only' and 'dataset'")
    checkpoints = tuple(base / text for text in _texts(values, "checkpoints", name))
    if checkpoints and "dataset" not in values:
        raise InvalidArgumentError(f"row {name!r}: checkpoints: expected the 'dataset' that they were trained on")
    if "only" in values:
        only = _texts(values, "only", name)
        features_without(only)  # refuses unknown names
        kept = frozenset(only)
    else:
        kept = features_without(_texts(values, "without", name)) if "dataset" not in values else ALL_FEATURES
    return Row(
        name=name,
        features=tuple(feature for feature in FEATURES if feature in kept),
        dataset=base / _text(values, "dataset", name) if "dataset" in values else None,
        checkpoints=checkpoints,
        against=_text(values, "against", name) if "against" in values else first,
    )


def _text(values: dict[str, Any], key: str, name: str) -> str:
    if not isinstance(values[key], str):
        raise InvalidArgumentError(f"row {name!r}: {key}: expected text, got {values[key]!r}")
    return str(values[key])


def _texts(values: dict[str, Any], key: str, name: str) -> list[str]:
    found = values.get(key, [])
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise InvalidArgumentError(f"row {name!r}: {key}: expected a list of texts, got {found!r}")
    return found
