"""The native network's graph in torch against its twin in NumPy, on random networks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.property.networks import networks
from tests.reference.network import run_network

torch = pytest.importorskip("torch", reason="the torch extra is not installed")

from hpe_edge.training.native.file import network_graph  # noqa: E402
from hpe_edge.training.native.torch_backend import MOST, plan  # noqa: E402
from hpe_edge.training.native.torch_network import TorchNetwork  # noqa: E402

TOLERANCE = 2e-5


@settings(max_examples=150)
@given(networks())
def test_torch_computes_what_the_twin_computes_for_every_image(example: tuple[bytes, NDArray[np.float32]]) -> None:
    file, image = example
    batch = np.stack([image, image[:, ::-1] * 2.0, image])
    found = TorchNetwork(network_graph(file))(torch.from_numpy(batch))
    for k, each in enumerate(batch):
        expected = run_network(file, each)
        assert set(found) == set(expected)
        for name, value in expected.items():
            assert found[name].shape == (len(batch), *value.shape)
            error = np.abs(found[name][k].numpy() - value).max()
            assert error <= TOLERANCE * max(1.0, np.abs(value).max())


@given(st.integers(0, 1000))
def test_every_picture_is_in_one_graph_that_is_large_enough(count: int) -> None:
    parts = plan(count)
    assert [k for start, stop, _ in parts for k in range(start, stop)] == list(range(count))
    for start, stop, size in parts:
        assert size // 2 < stop - start <= size <= MOST and size & (size - 1) == 0
