"""Recipes: TOML files that hold everything which decides what a training run becomes.

Paths, worker counts and time limits are no part of a recipe: they are command-line options.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar, cast

from hpe_edge.training.augment import AugmentConfig, InputSpec
from hpe_edge.training.losses import LossConfig
from hpe_edge.training.models.network import HEADS, Part
from hpe_edge.training.models.trunks import TRUNKS

from hpe_edge.errors import InvalidArgumentError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SCHEDULES = ("steps", "cosine", "onecycle")
PRECISIONS = ("float32", "bf16")
T = TypeVar("T")


@dataclass(frozen=True)
class OptimConfig:
    """Optimisation. schedule: ``steps`` is the paper's, x 0.1 at 1/3 and 2/3 of the run.

    lr: peak learning rate of Adam (AdamW where weight_decay > 0). epochs: passes over the data.
    ema_decay: of the averaged weights that are validated and exported. grad_clip: largest norm of
    the gradient, 0 for none. precision: of the convolutions in training; routing stays float32.
    trunk_lr_factor: on the learning rate of the trunk, for one that starts from pretrained weights.
    """

    lr: float = 1e-3
    schedule: str = "steps"
    epochs: int = 90
    batch_size: int = 16
    weight_decay: float = 0.0
    warmup_steps: int = 0
    ema_decay: float = 0.999
    grad_clip: float = 0.0
    precision: str = "float32"
    trunk_lr_factor: float = 1.0

    def __post_init__(self) -> None:
        for name, allowed in (("schedule", SCHEDULES), ("precision", PRECISIONS)):
            if getattr(self, name) not in allowed:
                raise InvalidArgumentError(f"optim.{name}: expected one of {allowed}, got {getattr(self, name)!r}")
        if (
            min(self.lr, self.trunk_lr_factor) <= 0
            or self.epochs < 1
            or self.batch_size < 2
            or not 0 <= self.ema_decay < 1
        ):
            raise InvalidArgumentError(
                f"optim: expected rates > 0, epochs >= 1, batch_size >= 2, 0 <= ema_decay < 1; got {self}"
            )


@dataclass(frozen=True)
class DataConfig:
    """seed: of the order, the augmentation, the split and the initial weights.

    validation_fraction: part of the identities held out. validation_limit: heads validated on.
    """

    seed: int = 0
    validation_fraction: float = 0.04
    validation_limit: int = 2000


def default_part(kind: str, kinds: Mapping[str, Any]) -> Part:
    """A trunk or a head with its kind's defaults."""
    return Part(kind, kinds[kind].config())


@dataclass(frozen=True)
class Recipe:
    """One training recipe: a method is a trunk, a head and a loss; see ``recipes/fsanet-paper.toml``."""

    name: str
    trunk: Part = field(default_factory=lambda: default_part("fsanet", TRUNKS))
    head: Part = field(default_factory=lambda: default_part("ssr", HEADS))
    input: InputSpec = field(default_factory=InputSpec)
    loss: LossConfig = field(default_factory=LossConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    data: DataConfig = field(default_factory=DataConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, strings and lists, for checkpoints and model cards; `recipe_from_dict` reads it."""
        parts = {name: {"kind": part.kind} | asdict(part.config) for name, part in self._parts().items()}
        plain = asdict(self) | parts
        return cast(dict[str, Any], json.loads(json.dumps(plain)))  # tuples become lists, as in TOML

    def _parts(self) -> dict[str, Part]:
        return {"trunk": self.trunk, "head": self.head}

    def digest(self) -> str:
        """sha256 of the recipe: equal for recipes that train the same."""
        return hashlib.sha256(json.dumps(self.as_dict(), sort_keys=True).encode()).hexdigest()


_SECTIONS: dict[str, type] = {
    "input": InputSpec,
    "loss": LossConfig,
    "optim": OptimConfig,
    "data": DataConfig,
    "augment": AugmentConfig,
}
_PARTS: dict[str, tuple[Mapping[str, Any], str]] = {"trunk": (TRUNKS, "fsanet"), "head": (HEADS, "ssr")}


def _section(cls: type[T], values: object, where: str) -> T:
    """A config dataclass from a TOML table, each key known and of the default's type."""
    if not isinstance(values, dict):
        raise InvalidArgumentError(f"{where}: expected a table, got {type(values).__name__}")
    defaults = cls()
    known = {f.name: getattr(defaults, f.name) for f in fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise InvalidArgumentError(f"{where}.{unknown[0]}: unknown key; expected one of {sorted(known)}")
    return cls(**{key: _value(value, known[key], f"{where}.{key}") for key, value in values.items()})


def _value(value: object, default: object, where: str) -> object:
    """The value, of the default's type; a whole number may stand for a float and a list for a tuple."""
    if isinstance(default, tuple) and isinstance(value, list | tuple):
        kind = default[0] if default else 0.0
        return tuple(_value(item, kind, f"{where}[{n}]") for n, item in enumerate(value))
    if type(default) is float and type(value) is int:
        return float(value)
    if type(value) is not type(default):
        raise InvalidArgumentError(f"{where}: expected {type(default).__name__}, got {value!r}")
    return value


def _part(values: object, where: str) -> Part:
    """A trunk or a head from its TOML table, whose ``kind`` says which."""
    if not isinstance(values, dict):
        raise InvalidArgumentError(f"{where}: expected a table, got {type(values).__name__}")
    kinds, default = _PARTS[where]
    kind = values.get("kind", default)
    if kind not in kinds:
        raise InvalidArgumentError(f"{where}.kind: expected one of {sorted(kinds)}, got {kind!r}")
    options = {key: value for key, value in values.items() if key != "kind"}
    return Part(kind, _section(kinds[kind].config, options, where))


def recipe_from_dict(values: dict[str, Any]) -> Recipe:
    """A checked recipe from plain values; `InvalidArgumentError` names a wrong key and where it stands."""
    name = values.get("name")
    if not isinstance(name, str) or not name:
        raise InvalidArgumentError(f"recipe.name: expected a name, got {name!r}")
    known = {*_SECTIONS, *_PARTS}
    unknown = sorted(set(values) - known - {"name"})
    if unknown:
        raise InvalidArgumentError(f"recipe: unknown sections {unknown}; expected {sorted(known)}")
    sections: dict[str, Any] = {key: _section(cls, values.get(key, {}), key) for key, cls in _SECTIONS.items()}
    parts = {key: _part(values.get(key, {}), key) for key in _PARTS}
    return Recipe(name=name, **parts, **sections)


def bundled_recipes() -> list[str]:
    """Names of the recipes in the package."""
    folder = files("hpe_edge.training") / "recipes"
    return sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".toml"))


def _with_augment(values: dict[str, Any]) -> dict[str, Any]:
    """The same with the keys that ``augment.like``, a bundled recipe, has and this one lacks."""
    own = values.get("augment", {})
    if not isinstance(own, dict) or "like" not in own:
        return values
    if own["like"] not in bundled_recipes():
        raise InvalidArgumentError(f"augment.like: expected one of {bundled_recipes()}, got {own['like']!r}")
    other = asdict(load_recipe(own["like"]).augment)
    return values | {"augment": other | {key: value for key, value in own.items() if key != "like"}}


def load_recipe(name_or_path: str) -> Recipe:
    """A bundled recipe by name, or a TOML file by path.

    Its ``augment.like`` may name a bundled one, from which the rest of that table comes.

    Raises:
        InvalidArgumentError: no such recipe, no TOML, an unknown key or a value of a wrong type.

    >>> load_recipe("smoke").name
    'smoke'
    """
    if name_or_path in bundled_recipes():
        text = (files("hpe_edge.training") / "recipes" / f"{name_or_path}.toml").read_text(encoding="utf-8")
    elif Path(name_or_path).is_file():
        text = Path(name_or_path).read_text(encoding="utf-8")
    else:
        raise InvalidArgumentError(f"recipe: expected a .toml file or one of {bundled_recipes()}, got {name_or_path!r}")
    try:
        return recipe_from_dict(_with_augment(tomllib.loads(text)))
    except tomllib.TOMLDecodeError as error:
        raise InvalidArgumentError(f"recipe {name_or_path}: expected TOML, got {error}") from error
