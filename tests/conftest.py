"""Fixtures that several folders of tests share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_models import MakeModel, card_dict, mean_network

from hpe_edge.cardfiles import FileEntry

# properties hold however busy the machine is
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture
def make_model(tmp_path: Path) -> MakeModel:
    """Writes a network and its card into a temporary folder; gives the card's path."""

    def make(network: bytes | None = None, **changes: Any) -> Path:
        data = mean_network(8, 6) if network is None else network
        (tmp_path / "tiny.onnx").write_bytes(data)
        entry = FileEntry.of(tmp_path / "tiny.onnx")
        files = {"onnx": {"path": entry.path, "sha256": entry.sha256, "bytes": entry.bytes}}
        path = tmp_path / "tiny.json"
        path.write_text(json.dumps(card_dict(**({"files": files} | changes))), encoding="utf-8")
        return path

    return make


@pytest.fixture
def grey_ramp() -> NDArray[np.uint8]:
    """A BGR image (48, 64, 3) with another uniform value in each channel: 10, 20, 30."""
    image = np.empty((48, 64, 3), dtype=np.uint8)
    image[:] = (10, 20, 30)
    return image
