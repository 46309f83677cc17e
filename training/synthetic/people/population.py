"""Who a dataset shows: tone x sex x age balanced by construction, and the table that proves it.

Identities go round the cells: any 20 in a row that start at a multiple of 20 hold each tone with each sex once,
any such 40 each tone with each age group once, any such 80 every cell once. Chance only decides the order
within each twenty and the place within the cell, so that small sets are balanced too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

SEXES = ("female", "male")
TONES = 10  # of the Monk scale, darkest last
# MakeHuman's age: 0 is one year, 0.1875 ten, 0.5 twenty-five, 1 ninety
_AGE_KNOTS, _YEAR_KNOTS = (0.0, 0.1875, 0.5, 1.0), (1.0, 10.0, 25.0, 90.0)
AGE_GROUPS: dict[str, tuple[float, float]] = {
    "child": (0.06, 0.31),
    "young": (0.31, 0.54),
    "middle": (0.54, 0.74),
    "old": (0.74, 1.0),
}
_TWENTY = len(SEXES) * TONES


@dataclass(frozen=True)
class Person:
    """``age`` on MakeHuman's scale of 0 to 1, ``monk_tone`` 0 to 9 (0: the lightest of the ten)."""

    sex: str
    age: float
    monk_tone: float


def person(seed: int, number: int, rng: np.random.Generator) -> Person:
    """Identity ``number`` of a dataset; ``rng`` places it within its cell."""
    twenty, place = divmod(number, _TWENTY)
    order = np.random.default_rng([seed, twenty, 0x70706C]).permutation(_TWENTY)
    tone, sex = divmod(int(order[place]), len(SEXES))
    # by threes or twos: each twenty has all ages, two of each tone; the next twenty has the other two
    group = (3 * tone + 2 * sex + twenty % 2 + 2 * (twenty // 2 % 2)) % len(AGE_GROUPS)
    youngest, oldest = list(AGE_GROUPS.values())[group]
    return Person(
        sex=SEXES[sex],
        age=float(rng.uniform(youngest + 0.001, oldest - 0.001)),  # attributes are rounded: stay in the cell
        monk_tone=float(np.clip(tone + rng.uniform(-0.49, 0.49), 0, TONES - 1)),
    )


def age_years(age: float) -> float:
    """Years of an age on MakeHuman's scale.

    >>> age_years(0.5)
    25.0
    """
    return float(np.interp(age, _AGE_KNOTS, _YEAR_KNOTS))


def age_group(age: float) -> str:
    """Name of the group that an age of 0 to 1 belongs to."""
    for name, (_, oldest) in AGE_GROUPS.items():
        if age < oldest:
            return name
    return "old"


@dataclass(frozen=True)
class PopulationTable:
    """``counts`` by (tone 0 to 9, sex, age group); every cell is there, empty ones with 0."""

    counts: dict[tuple[int, str, str], int]

    def by(self, *axes: str) -> dict[tuple[int | str, ...], int]:
        """Counts summed to some of the axes ``tone``, ``sex``, ``age``."""
        columns = [("tone", "sex", "age").index(axis) for axis in axes]
        totals: Counter[tuple[int | str, ...]] = Counter()
        for cell, count in self.counts.items():
            totals[tuple(cell[column] for column in columns)] += count
        return dict(totals)

    @property
    def largest_over_smallest(self) -> float:
        """The worse of tone x sex and tone x age: largest cell over smallest; infinite where a cell is empty."""
        return max(_ratio(self.by("tone", "sex")), _ratio(self.by("tone", "age")))

    def as_markdown(self) -> str:
        """Tones down, sex and age across, with sums."""
        groups = [(sex, age) for sex in SEXES for age in AGE_GROUPS]
        lines = [
            "| Monk tone | " + " | ".join(f"{sex} {age}" for sex, age in groups) + " | all |",
            "|---" * (len(groups) + 2) + "|",
        ]
        for tone in range(TONES):
            row = [self.counts[tone, sex, age] for sex, age in groups]
            lines.append(f"| {tone + 1} | " + " | ".join(map(str, row)) + f" | {sum(row)} |")
        sums = [sum(self.counts[tone, sex, age] for tone in range(TONES)) for sex, age in groups]
        lines.append("| all | " + " | ".join(map(str, sums)) + f" | {sum(sums)} |")
        lines += [
            "",
            f"Largest cell over smallest: tone x sex {_ratio(self.by('tone', 'sex')):.2f}, "
            f"tone x age {_ratio(self.by('tone', 'age')):.2f}.",
        ]
        return "\n".join(lines)


def population_table(attributes: Iterable[Mapping[str, Any]]) -> PopulationTable:
    """Count heads by their ``attributes`` as labels have them: ``sex``, ``age`` (0 to 1), ``monk_tone`` (0 to 9)."""
    counts = {(tone, sex, age): 0 for tone in range(TONES) for sex in SEXES for age in AGE_GROUPS}
    for one in attributes:
        tone = min(TONES - 1, max(0, int(float(one["monk_tone"]) + 0.5)))
        counts[tone, str(one["sex"]), age_group(float(one["age"]))] += 1
    return PopulationTable(counts)


def _ratio(counts: Mapping[tuple[int | str, ...], int]) -> float:
    least = min(counts.values())
    return max(counts.values()) / least if least else float("inf")
