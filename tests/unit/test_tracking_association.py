"""Pairs of boxes: measures against plain formulas, the assignment against every possible one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hpe_edge.tracking.association import LEAST_SIMILARITY, MOST_GROWTH, iou, match, similarity

F64 = NDArray[np.float64]

boxes = st.lists(
    st.tuples(*[st.floats(0, 100)] * 2, *[st.floats(5, 50)] * 2).map(lambda b: [b[0], b[1], b[0] + b[2], b[1] + b[3]]),
    max_size=4,
).map(lambda rows: np.array(rows, dtype=np.float64).reshape(-1, 4))


def allowed(known: F64, seen: F64) -> NDArray[np.bool_]:
    area = [np.prod(b[:, 2:] - b[:, :2], axis=1) for b in (known, seen)]
    growth = np.sqrt(area[0][:, None] / area[1][None])
    return (similarity(known, seen) >= LEAST_SIMILARITY) & (growth <= MOST_GROWTH) & (growth >= 1 / MOST_GROWTH)


def gain(pairs: list[tuple[int, int]], known: F64, seen: F64) -> float:
    """What the assignment is to make large: similarity above the least."""
    return sum(float(similarity(known, seen)[pair]) - LEAST_SIMILARITY for pair in pairs)


def best_gain(known: F64, seen: F64) -> float:
    possible = [tuple(map(int, pair)) for pair in np.argwhere(allowed(known, seen))]
    best = 0.0
    for count in range(1, min(len(known), len(seen)) + 1):
        for pairs in itertools.combinations(possible, count):
            if all(len({pair[side] for pair in pairs}) == count for side in (0, 1)):
                best = max(best, gain(list(pairs), known, seen))
    return best


@settings(deadline=None, derandomize=True)
@given(known=boxes, seen=boxes)
def test_the_assignment_is_the_best_of_all(known: F64, seen: F64) -> None:
    pairs = match(known, seen)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    assert all(allowed(known, seen)[pair] for pair in pairs)
    assert gain(pairs, known, seen) == pytest.approx(best_gain(known, seen), abs=1e-9)


@settings(deadline=None, derandomize=True)
@given(a=boxes, b=boxes)
def test_measures(a: F64, b: F64) -> None:
    np.testing.assert_allclose(iou(a, b), iou(b, a).T)
    np.testing.assert_allclose(similarity(a, b), similarity(b, a).T)
    assert (similarity(a, b) <= iou(a, b) + 1e-12).all() and (iou(a, b) <= 1 + 1e-12).all() and (iou(a, b) >= 0).all()
    np.testing.assert_allclose(np.diagonal(similarity(a, a)), 1.0)
    np.testing.assert_allclose(similarity(3 * a + 7, 3 * b + 7), similarity(a, b), atol=1e-9)


def test_what_is_too_far_or_too_large_is_no_pair() -> None:
    box = np.array([[100.0, 100.0, 140.0, 140.0]])
    assert match(box, box + 30.0) == [(0, 0)], "no overlap is needed"
    assert match(box, box + np.array([70.0, 0.0, 70.0, 0.0])) == []
    assert match(box, np.array([[70.0, 70.0, 170.0, 170.0]])) == []
    assert match(box, np.zeros((0, 4))) == [] == match(np.zeros((0, 4)), box)


def test_two_are_matched_together_and_not_one_after_the_other() -> None:
    known = np.array([[0.0, 0.0, 40.0, 40.0], [30.0, 0.0, 70.0, 40.0]])
    seen = known + np.array([-18.0, 0.0, -18.0, 0.0])  # the second one now lies nearer to the first one's place
    assert match(known, seen[::-1]) == [(0, 1), (1, 0)]
