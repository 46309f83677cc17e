"""The native network against its twin in NumPy, on random networks."""

from __future__ import annotations

import numpy as np
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
