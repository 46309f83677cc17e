"""Which found box is which labelled face: one to one, the surest box first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SIZE_RATIO = 2.0
"""A hit by the centre has a box at most this much larger or smaller than the face's, by the root of the area."""


def centre_hits(found_xyxy: Floats, faces_xyxy: Floats) -> NDArray[np.bool_]:
    """(D, T): the box's centre lies in the face's box and its size is within a factor `SIZE_RATIO` of it.

    For detectors whose boxes are not tight face boxes, so that a fixed overlap would count their definition.

    >>> centre_hits(np.array([[-1.0, -1, 3, 3]]), np.array([[0.0, 0, 2, 2], [0, 0, 1, 1]])).tolist()
    [[True, False]]
    """
    centres = 0.5 * (found_xyxy[:, None, :2] + found_xyxy[:, None, 2:])
    inside = ((centres >= faces_xyxy[None, :, :2]) & (centres < faces_xyxy[None, :, 2:])).all(axis=-1)
    found, faces = np.sqrt(_area(found_xyxy))[:, None], np.sqrt(_area(faces_xyxy))[None]
    return np.asarray(inside & (found <= SIZE_RATIO * faces) & (SIZE_RATIO * found >= faces))


def match(closeness: Floats, scores: Floats, least: float) -> NDArray[np.int64]:
    """The found box of each face (T,), -1 for a face that was missed.

    Boxes choose in the order of their scores; each takes the closest face (``closeness`` (D, T)) that is still free,
    if it is at least ``least`` close. A lower threshold on the score therefore adds matches and changes none.
    Source: the matching of the Pascal VOC and COCO evaluations, without their crowds.

    >>> match(np.array([[0.6, 0.7], [0.9, 0.8]]), np.array([0.9, 0.5]), 0.5).tolist()
    [1, 0]
    """
    taken = np.full(closeness.shape[1], -1, np.int64)
    for box in np.argsort(-scores, kind="stable"):
        free = np.where(taken < 0, closeness[box], -np.inf)
        if len(free) and free.max() >= least:
            taken[int(free.argmax())] = box
    return taken


def _area(boxes_xyxy: Floats) -> Floats:
    return np.asarray(np.clip(boxes_xyxy[:, 2:] - boxes_xyxy[:, :2], 0, None).prod(axis=-1))
