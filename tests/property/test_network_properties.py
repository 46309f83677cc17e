"""The native network against its twin in NumPy, on random networks."""

from __future__ import annotations

import json

import numpy as np
from hpe_edge.training.native.container import pack
from hypothesis import given, settings
from numpy.typing import NDArray

from hpe_edge import _core
from tests.property.networks import networks
from tests.reference.network import run_network

TOLERANCE = 2e-5


@settings(max_examples=300)
@given(networks())
def test_the_native_network_computes_what_its_twin_computes(example: tuple[bytes, NDArray[np.float32]]) -> None:
    file, image = example
    expected = run_network(file, image)
    found = _core.Network(file).run(image[None])
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert found[name].shape == (1, *value.shape)
        np.testing.assert_allclose(found[name][0], value, atol=TOLERANCE * max(1.0, np.abs(value).max()), rtol=0)


@settings(max_examples=30)
@given(networks())
def test_images_of_a_batch_do_not_touch_each_other(example: tuple[bytes, NDArray[np.float32]]) -> None:
    file, image = example
    network = _core.Network(file)
    batch = np.stack([image, image[:, ::-1] * 2.0, image])
    together = network.run(batch)
    for i, part in enumerate(batch):
        for name, value in network.run(part[None]).items():
            np.testing.assert_array_equal(together[name][i], value[0])


def test_what_is_done_with_a_part_leaves_the_rest_alone() -> None:
    """Zeros behind a padded convolution's input must not fall on the other rows of the value it is a part of."""
    rng = np.random.default_rng(0)
    window = {"stride": [1, 1], "pad": [1, 1, 1, 1], "groups": 1}
    nodes = [
        {"op": "conv", "in": ["x", "w", "b"], "out": "v", **window},
        {"op": "slice", "in": ["v"], "out": "top", "axis": 1, "start": 0, "stop": 3},
        {"op": "slice", "in": ["v"], "out": "rest", "axis": 1, "start": 3, "stop": 8},
        {"op": "conv", "in": ["top", "w", "b"], "out": "y", **window},
    ]
    outputs = [{"name": name, "value": name} for name in ("y", "rest")]
    graph = {"input": {"name": "x", "shape": [8, 8, 8]}, "outputs": outputs, "nodes": nodes}
    tensors = {"w": rng.normal(0, 0.1, (8, 8, 3, 3)).astype(np.float32), "b": np.ones(8, np.float32)}
    file = pack(tensors, {"format": "hpe-edge-network/1", "graph": json.dumps(graph)})
    image = rng.standard_normal((8, 8, 8)).astype(np.float32)
    expected, found = run_network(file, image), _core.Network(file).run(image[None])
    for name in ("y", "rest"):
        np.testing.assert_allclose(found[name][0], expected[name], atol=TOLERANCE)
