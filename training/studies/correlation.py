"""How two columns of numbers go together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Numbers = Sequence[float] | NDArray[np.floating]


def correlation(a: Numbers, b: Numbers) -> float | None:
    """Pearson's, None where one of them does not vary.

    >>> correlation([1.0, 2.0], [3.0, 1.0])
    -1.0
    """
    if float(np.std(a)) < 1e-9 or float(np.std(b)) < 1e-9:
        return None
    return round(float(np.corrcoef(a, b)[0, 1]), 6)


def rank_correlation(a: Numbers, b: Numbers) -> float | None:
    """Spearman's: 1 where both put everything in one order. Equal numbers share their mean rank.

    >>> rank_correlation([1.0, 2.0, 9.0], [10.0, 11.0, 12.0])
    1.0
    """
    return correlation(_ranks(a), _ranks(b))


def _ranks(values: Numbers) -> NDArray[np.float64]:
    column = np.asarray(values, np.float64)
    below = (column[None] < column[:, None]).sum(axis=1)
    equal = (column[None] == column[:, None]).sum(axis=1)
    ranks: NDArray[np.float64] = below + 0.5 * (equal - 1)
    return ranks
