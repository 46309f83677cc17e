"""Random streams by name: what one feature draws never shifts what another draws.

Two datasets of one seed that differ in one feature therefore show the same people in the same poses, and
their difference is that feature.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Dice:
    """Generators that follow from a key and a name alone.

    >>> bool(Dice((1, 2))("light").random() == Dice((1, 2))("light").random())
    True
    """

    key: tuple[int, ...]

    def __call__(self, name: str) -> np.random.Generator:
        """A fresh generator for ``name``: the same call gives the same numbers again."""
        return np.random.default_rng([*self.key, zlib.crc32(name.encode())])

    def child(self, number: int) -> Dice:
        """Dice of a part: one identity of a dataset, one picture of an identity."""
        return Dice((*self.key, number))
