"""FSA-Net: shapes, size, decode, and that it can learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hpe_edge.training.augment import InputSpec
from hpe_edge.training.data.batches import validation_batches
from hpe_edge.training.data.shards import Heads
from hpe_edge.training.export import named_outputs
from hpe_edge.training.losses import LossConfig, PoseLoss
from hpe_edge.training.models.heads.ssr import SsrConfig
from hpe_edge.training.models.network import Network, Part, build_network, deployed, parameter_bytes
from hpe_edge.training.models.outputs import SsrStages, decode
from hpe_edge.training.models.trunks import TRUNKS
from hpe_edge.training.models.trunks.aggregation import CapsuleAggregation
from hpe_edge.training.models.trunks.fsanet import AGGREGATIONS, SCORINGS, FSANetConfig

from hpe_edge import _core
from hpe_edge.errors import InvalidArgumentError


def fsanet(spread: bool = False, **options: str) -> Network:
    return build_network(Part("fsanet", FSANetConfig(**options)), Part("ssr", SsrConfig(spread=spread)), 64)  # type: ignore[arg-type]


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize("scoring", SCORINGS)
def test_outputs_are_raw_stages(scoring: str, aggregation: str) -> None:
    stages = fsanet(scoring=scoring, aggregation=aggregation).eval()(torch.zeros(2, 3, 64, 64))
    shapes = {name: tuple(tensor.shape) for name, tensor in named_outputs(stages).items()}
    expected = {f"p{k}": (2, 3, 3) for k in (1, 2, 3)}
    expected |= {f"{group}{k}": (2, 3) for group in ("eta", "delta") for k in (1, 2, 3)}
    assert shapes == expected


@pytest.mark.parametrize(("scoring", "megabytes"), [("1x1", 1.1), ("variance", 1.1), ("none", 2.9)])
def test_size_is_near_the_papers_table(scoring: str, megabytes: float) -> None:
    # the paper's sizes are of Keras files; ours counts the weights alone
    size = parameter_bytes(fsanet(scoring=scoring)) / 1e6
    assert 0.75 * megabytes < size <= megabytes


def test_the_batch_does_not_matter_in_eval_mode() -> None:
    model = fsanet().eval()
    x = torch.randn(3, 3, 64, 64)
    together = decode(model(x))
    alone = torch.cat([decode(model(row[None])) for row in x])
    assert torch.allclose(together, alone, atol=1e-3)


def test_torch_decode_equals_the_core() -> None:
    generator = torch.Generator().manual_seed(0)
    p = tuple(torch.randn(5, 3, 3, generator=generator) for _ in range(3))
    eta = tuple(torch.randn(5, 3, generator=generator) for _ in range(3))
    delta = tuple(0.5 * torch.randn(5, 3, generator=generator) for _ in range(3))
    ours = decode(SsrStages(p, eta, delta)).numpy()
    core = _core.ssr_stages(*([t.numpy() for t in ts] for ts in (p, eta, delta)), range_deg=99.0)
    np.testing.assert_allclose(ours, core, atol=1e-3)


def test_capsule_vectors_are_shorter_than_one() -> None:
    v = CapsuleAggregation(21, 64, 3, 16, 3)(10.0 * torch.randn(4, 21, 64))
    assert v.shape == (4, 3, 16)
    assert v.norm(dim=-1).max().item() <= 1.0 + 1e-5


@pytest.mark.parametrize("values", [{"scoring": "max"}, {"stream2_activation": "gelu"}, {"c_prime": 6}])
def test_a_wrong_configuration_is_named(values: dict[str, str]) -> None:
    with pytest.raises(InvalidArgumentError, match="trunk"):
        FSANetConfig(**values)  # type: ignore[arg-type]


def test_overfits_32_heads(heads: Heads) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    ((x, y, _),) = validation_batches(heads, np.arange(32), InputSpec(), 32)
    model = fsanet().to(memory_format=torch.channels_last)
    x = x.contiguous(memory_format=torch.channels_last)
    criterion = PoseLoss(LossConfig())
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    first = last = 0.0
    for step in range(45):
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        last = loss.item()
        first = last if step == 0 else first
    assert last < 0.4 * first, (first, last)


@pytest.mark.parametrize("trunk", ["fsanet", "edge"])
def test_the_deployed_network_says_the_same(trunk: str) -> None:
    network = build_network(Part(trunk, TRUNKS[trunk].config()), Part("ssr", SsrConfig()), 64).eval()
    with torch.no_grad():
        for layer in network.head.parameters():
            layer.normal_()
        x = torch.randn(3, 3, 64, 64)
        plain, merged = named_outputs(network(x)), named_outputs(deployed(network)(x))
    assert plain.keys() == merged.keys()
    for name, tensor in plain.items():
        assert tensor.shape == merged[name].shape
        torch.testing.assert_close(merged[name], tensor, atol=2e-4, rtol=1e-4)
