"""Where faces stand in a scene, in pixels."""

from __future__ import annotations

import numpy as np

Place = tuple[float, float, float]
"""Middle (x, y) and size of a face."""

_SMALLEST_FACE_PX = 8.0
_MOST_COVERED = 0.45  # of the smaller of two faces, by their boxes
_TRIES = 12


def sample_places(wanted: int, side: int, rng: np.random.Generator) -> list[Place]:
    """Middles and sizes of faces in pixels that do not cover each other too much, one for each that finds room."""
    largest = side * 0.5 / max(wanted, 1) ** 0.35
    placed: list[Place] = []
    for _ in range(wanted):
        for _ in range(_TRIES):
            face = float(np.exp(rng.uniform(np.log(_SMALLEST_FACE_PX), np.log(max(largest, _SMALLEST_FACE_PX)))))
            x = float(rng.uniform(-0.02, 1.02) * side)
            y = float(rng.uniform(-0.02, 0.72) * side + 0.3 * side * face / largest)  # near people stand lower
            if all(_covered((x, y, face), other) <= _MOST_COVERED for other in placed):
                placed.append((x, y, face))
                break
    return placed


def _covered(one: Place, other: Place) -> float:
    """Share of the smaller square that the two have in common."""
    reach = (one[2] + other[2]) / 2
    smaller = min(one[2], other[2])
    common = [min(max(reach - abs(a - b), 0.0), smaller) for a, b in zip(one[:2], other[:2], strict=True)]
    return common[0] * common[1] / smaller**2
