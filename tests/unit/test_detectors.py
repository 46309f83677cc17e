"""The full-frame detector and the registry of detectors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpe_edge.detectors import Detector, available_detectors, open_detector
from hpe_edge.detectors.full_frame import FullFrame, full_frame_box
from hpe_edge.errors import InvalidArgumentError
from hpe_edge.modelcard import InputSpec

SPEC = InputSpec("input", 64, 64, 0.4, True, "bgr", (127.5,) * 3, (1 / 128,) * 3)


@given(width=st.integers(1, 4000), height=st.integers(1, 4000), margin=st.floats(0, 2))
def test_the_box_grown_by_the_margin_is_the_image(width: int, height: int, margin: float) -> None:
    x0, y0, x1, y1 = full_frame_box(width, height, margin)[0].astype(np.float64)
    grow_x, grow_y = margin * (x1 - x0), margin * (y1 - y0)
    grown = [x0 - grow_x, y0 - grow_y, x1 + grow_x, y1 + grow_y]
    np.testing.assert_allclose(grown, [0, 0, width, height], atol=2e-3)


def test_one_box_without_a_score() -> None:
    detector = open_detector("full-frame", SPEC)
    assert isinstance(detector, FullFrame) and isinstance(detector, Detector)
    found = detector.detect(np.zeros((90, 180), np.uint8), "mono8")
    np.testing.assert_allclose(found.boxes_xyxy, [[40, 20, 140, 70]], atol=1e-4)
    assert found.boxes_xyxy.dtype == np.float32 and np.isnan(found.scores).all()


def test_an_unknown_detector_lists_the_known_ones() -> None:
    assert "full-frame" in available_detectors()
    with pytest.raises(InvalidArgumentError, match=r"detector: expected one of .*'full-frame'.*got 'haar'"):
        open_detector("haar", SPEC)
