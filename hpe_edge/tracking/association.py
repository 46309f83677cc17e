"""Which of the boxes seen now is which of the faces known so far."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Final, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from hpe_edge.errors import missing_dependency

Boxes: TypeAlias = NDArray[np.floating[Any]]

LEAST_SIMILARITY: Final = -0.25
"""For boxes of one size: centres not farther apart than about 1.2 sides."""
MOST_GROWTH: Final = 2.0
"""A face is not twice as large, or half, from one look to the next."""


def import_lap() -> ModuleType:
    """The package ``lap`` (Jonker and Volgenant's algorithm), imported on first use.

    It was chosen over SciPy's ``linear_sum_assignment``: 2 MB against 35 MB of wheel and 0.01 s against 0.9 s of
    import, both of them with wheels for aarch64, and a limit to what a pair may cost is its own.

    Raises:
        MissingDependencyError: it is not installed; the message names the pip command.
    """
    try:
        import lap
    except ModuleNotFoundError as error:
        raise missing_dependency("lap", "video", "tracking faces") from error
    return cast(ModuleType, lap)


def iou(a: Boxes, b: Boxes) -> Boxes:
    """Intersection over union of every box of ``a`` (N, 4) with every one of ``b`` (M, 4): (N, M).

    >>> import numpy as np
    >>> iou(np.array([[0, 0, 2, 2.0]]), np.array([[0, 0, 2, 2.0], [1, 0, 3, 2], [5, 5, 6, 6]])).round(3).tolist()
    [[1.0, 0.333, 0.0]]
    """
    inner = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    shared = np.maximum(inner, 0.0).prod(axis=-1)
    union = _areas(a)[:, None] + _areas(b)[None, :] - shared
    return np.asarray(shared / np.maximum(union, 1e-12))


def similarity(a: Boxes, b: Boxes) -> Boxes:
    """IoU less the squared distance of the centres over that of the hull's corners: (N, M), 1 to -1.

    The measure goes on where boxes no longer overlap (distance-IoU: Zheng et al., AAAI 2020, equation 7).

    >>> import numpy as np
    >>> similarity(np.array([[0, 0, 2, 2.0]]), np.array([[0, 0, 2, 2.0], [2, 0, 4, 2]])).round(3).tolist()
    [[1.0, -0.2]]
    """
    hull = np.maximum(a[:, None, 2:], b[None, :, 2:]) - np.minimum(a[:, None, :2], b[None, :, :2])
    apart = 0.5 * (a[:, None, :2] + a[:, None, 2:] - b[None, :, :2] - b[None, :, 2:])
    return np.asarray(iou(a, b) - (apart**2).sum(axis=-1) / np.maximum((hull**2).sum(axis=-1), 1e-12))


def match(known_xyxy: Boxes, seen_xyxy: Boxes, least: float = LEAST_SIMILARITY) -> list[tuple[int, int]]:
    """The pairs (known, seen) that are the most similar together, each box in one pair at most.

    Args:
        known_xyxy: (N, 4) boxes where the faces should be now.
        seen_xyxy: (M, 4) boxes where faces are.
        least: pairs less similar than this are none, and so are boxes of too different sizes.

    Raises:
        MissingDependencyError: the package ``lap`` is not installed.

    >>> import numpy as np
    >>> match(np.array([[0, 0, 9, 9.0], [20, 0, 29, 9]]), np.array([[21, 0, 30, 9.0], [50, 0, 59, 9]]))
    [(1, 0)]
    """
    if not len(known_xyxy) or not len(seen_xyxy):
        return []
    cost = 1.0 - similarity(known_xyxy, seen_xyxy)
    growth = np.sqrt(_areas(known_xyxy)[:, None] / np.maximum(_areas(seen_xyxy), 1e-12)[None, :])
    limit = 1.0 - least
    cost[(growth > MOST_GROWTH) | (growth < 1.0 / MOST_GROWTH)] = 2.0 * limit + 1.0
    _, partners, _ = import_lap().lapjv(cost, extend_cost=True, cost_limit=limit)
    return [(row, int(column)) for row, column in enumerate(partners) if column >= 0]


def _areas(boxes: Boxes) -> Boxes:
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
