"""Grids of recipes: what is trained, and what the papers found with it."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from hpe_edge.training.recipe import Recipe, load_recipe, recipe_from_dict

from hpe_edge.errors import InvalidArgumentError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_GRID_KEYS = ("title", "source", "recipe", "against", "head", "loss", "variant")
_VARIANT_KEYS = ("name", "method", "trunk", "loss", "optim", "paper")
_PAPER_KEYS = ("yaw", "pitch", "roll", "mean")


@dataclass(frozen=True)
class Variant:
    """One row: its recipe, and the paper's MAEs in degrees where it has the row."""

    name: str
    recipe: Recipe
    paper: dict[str, float] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """Name of its folder: its own name, without what file systems dislike."""
        return "".join(c if c.isalnum() or c in "-_." else "-" for c in self.name)


@dataclass(frozen=True)
class Grid:
    """A table of variants; ``against`` names the one that changes are told against."""

    name: str
    title: str
    source: str
    against: str
    variants: tuple[Variant, ...]


def bundled_grids() -> dict[str, Any]:
    """The grids of loss weights and the one of all methods as plain values, by name."""
    folder = files("hpe_edge.training") / "studies"
    texts = [(folder / name).read_text(encoding="utf-8") for name in ("loss_weights.toml", "methods.toml")]
    return {name: grid for text in texts for name, grid in tomllib.loads(text).items()}


def read_grid(name_or_path: str, recipe: str | None = None, epochs: int | None = None) -> Grid:
    """A bundled grid by name, or the one grid of a TOML file of the same form.

    ``recipe`` replaces the grid's own (trunk, input, optimisation, augmentation), ``epochs`` the recipe's.
    Raises InvalidArgumentError naming the key that is wrong, and what `load_recipe` raises.

    >>> [variant.name for variant in read_grid("label-distribution").variants][:2]
    ['alpha 0', 'alpha 0.01']
    """
    name, values = _values(name_or_path)
    _known(values, _GRID_KEYS, f"grid {name}")
    for key in ("title", "source", "recipe", "against"):
        if not isinstance(values.get(key), str):
            raise InvalidArgumentError(f"grid {name}: {key}: expected some text, got {values.get(key)!r}")
    rows = values.get("variant")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise InvalidArgumentError(f"grid {name}: expected at least one [[{name}.variant]]")
    base = load_recipe(recipe or values["recipe"]).as_dict()
    if epochs is not None:
        base["optim"] = base["optim"] | {"epochs": epochs}
    variants = tuple(_variant(row, values, base, name) for row in rows)
    names = [variant.name for variant in variants]
    if len({variant.folder for variant in variants}) < len(variants):
        raise InvalidArgumentError(f"grid {name}: expected names that differ, got {names}")
    if values["against"] not in names:
        raise InvalidArgumentError(f"grid {name}: against: expected one of {names}, got {values['against']!r}")
    return Grid(name, values["title"], values["source"], values["against"], variants)


def _values(name_or_path: str) -> tuple[str, dict[str, Any]]:
    grids = bundled_grids()
    if name_or_path in grids:
        return name_or_path, grids[name_or_path]
    path = Path(name_or_path)
    if path.suffix != ".toml":
        raise InvalidArgumentError(f"--grid: expected a .toml file or one of {tuple(grids)}, got {name_or_path!r}")
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidArgumentError(f"grid {path}: expected a readable TOML file, got {error}") from error
    if len(found) != 1 or not isinstance(next(iter(found.values())), dict):
        raise InvalidArgumentError(f"grid {path}: expected one table [NAME], got {tuple(found)}")
    name, values = next(iter(found.items()))
    return name, values


def _variant(row: dict[str, Any], grid: dict[str, Any], base: dict[str, Any], grid_name: str) -> Variant:
    name = row.get("name")
    if not isinstance(name, str) or not name.strip():
        raise InvalidArgumentError(f"grid {grid_name}: expected a name for every variant, got {name!r}")
    _known(row, _VARIANT_KEYS, f"variant {name!r}")
    paper = row.get("paper", {})
    _known(paper, _PAPER_KEYS, f"variant {name!r}: paper")
    values = base | {"name": f"{base['name']}, {name}"} | _network(row, grid, base)
    values["optim"] = base["optim"] | row.get("optim", {})
    return Variant(name, recipe_from_dict(values), {key: float(value) for key, value in paper.items()})


def _network(row: dict[str, Any], grid: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
    """Trunk, head and loss of a variant: of the recipe that is its ``method``, else of the grid.

    Without a method, head and loss are the grid's alone: what a recipe has there besides would be trained too.
    """
    if "method" in row:
        method = load_recipe(row["method"]).as_dict()
        trunk, head, loss = (method[part] for part in ("trunk", "head", "loss"))
    else:
        trunk, head, loss = base["trunk"], grid.get("head", base["head"]), grid.get("loss", {})
    return {"trunk": trunk | row.get("trunk", {}), "head": head, "loss": loss | row.get("loss", {})}


def _known(values: object, keys: tuple[str, ...], where: str) -> None:
    if not isinstance(values, dict):
        raise InvalidArgumentError(f"{where}: expected a table, got {values!r}")
    unknown = sorted(set(values) - set(keys))
    if unknown:
        raise InvalidArgumentError(f"{where}: unknown keys {unknown}; expected some of {keys}")
