"""What tests of the library share."""

from __future__ import annotations

import pytest

from hpe_edge.bench.fresh import Peak, Start


@pytest.fixture
def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fixed numbers in place of the fresh processes."""
    monkeypatch.setattr("hpe_edge.bench.rows.measure_start", lambda *_: Start(0.5, 0.2, 0.1, 3_000_000, 45_000_000))
    monkeypatch.setattr("hpe_edge.bench.rows.measure_peak", lambda: Peak(1e11, "as the test says"))
