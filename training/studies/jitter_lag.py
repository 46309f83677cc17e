"""How still and how late a sequence of rotations is, against the known motion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hpe_edge import rotation
from hpe_edge.errors import InvalidArgumentError

F64 = NDArray[np.float64]
MOST_LAG = 8.0  # frames
_STEP = 0.02  # frames


def apart_deg(a: F64, b: F64) -> F64:
    """Angle (N,) between rotations (N, 3, 3), degrees."""
    return np.degrees(np.linalg.norm(_log(a @ b.transpose(0, 2, 1)), axis=1))


def jitter_deg(found: F64) -> float:
    """Mean turn from one frame to the next of (N, 3, 3), degrees a frame; 0 is right for a head that rests."""
    return float(apart_deg(found[1:], found[:-1]).mean())


def lag_frames(films: list[tuple[F64, F64]]) -> float:
    """The delay of estimates behind the truth, in frames: where their correlation over all films is greatest.

    Args:
        films: (found, true) rotations (N, 3, 3) of each film, evenly spaced in time. Offset and gain of the
            estimates do not matter; each is drawn on the tangent space at the film's middle rotation.

    Raises InvalidArgumentError for no film, one shorter than 4 * 8 frames, and one where nothing moves.

    >>> turn = rotation.euler_to_rotation([[20 * np.sin(frame / 5), 0, 0] for frame in range(90)])
    >>> round(lag_frames([(turn[:-3], turn[3:])]), 1)
    3.0
    """
    if not films:
        raise InvalidArgumentError("lag: expected a sequence that moves, got none")
    shifts = np.arange(-2.0, MOST_LAG + _STEP / 2, _STEP)
    total = sum(_correlations(found, true, shifts) for found, true in films)
    return float(shifts[int(np.argmax(total))])


def _correlations(found: F64, true: F64, shifts: F64) -> F64:
    """Correlation of the two ways for each delay, over the same frames of ``found``."""
    edge = int(np.ceil(MOST_LAG))
    if len(found) < 4 * edge:
        raise InvalidArgumentError(f"lag: expected at least {4 * edge} frames, got {len(found)}")
    middle = true[len(true) // 2].T
    way, known = _log(found @ middle), _log(true @ middle)
    if float(known.std(axis=0).max()) < 1e-6:
        raise InvalidArgumentError("lag: expected a sequence that moves, got one that rests")
    frames = np.arange(len(found), dtype=np.float64)
    inner = slice(edge, len(found) - edge)
    seen = way[inner] - way[inner].mean(axis=0)
    scores = []
    for shift in shifts:
        late = np.stack([np.interp(frames - shift, frames, known[:, axis]) for axis in range(3)], axis=1)[inner]
        late = late - late.mean(axis=0)
        scores.append((seen * late).sum() / np.sqrt((seen**2).sum() * (late**2).sum()))
    return np.array(scores)


def _log(rotations: F64) -> F64:
    return np.asarray(rotation.rotation_to_rotvec(rotations), np.float64)
