"""Quantization-aware training: what is rounded, what is learned, and that it brings 8 bits nearer to float32."""

from __future__ import annotations

import numpy as np
import pytest

from hpe_edge.bench.picture import drawn_boxes, drawn_head
from hpe_edge.cardfiles import read_verified
from hpe_edge.errors import InvalidArgumentError
from hpe_edge.heads import BinsHead, SsrHead
from hpe_edge.modelcard import ModelCard, load_card

onnx = pytest.importorskip("onnx", reason="the training extra is not installed")
torch = pytest.importorskip("torch", reason="the training extra is not installed")

from hpe_edge.training.export import card_head, head_output, named_outputs  # noqa: E402
from hpe_edge.training.models.outputs import BinLogits, SsrStages, decode  # noqa: E402
from hpe_edge.training.native import int8  # noqa: E402
from hpe_edge.training.native.aware import RoundedNetwork, Rounding, Tuning, tuned  # noqa: E402
from hpe_edge.training.native.file import network_graph  # noqa: E402
from hpe_edge.training.native.levels import Levels  # noqa: E402
from quantize_cases import MODELS, bundled_images  # noqa: E402

from hpe_edge import _core, heads  # noqa: E402


@pytest.fixture(scope="module")
def bundled() -> tuple[ModelCard, bytes]:
    card = load_card(MODELS / "fsanet.json")
    return card, read_verified(card, "safetensors", MODELS)


def test_it_brings_the_bundled_network_nearer(bundled: tuple[ModelCard, bytes]) -> None:
    """On the images that it learns from, from a poor start: the widest ranges and the nearest integers."""
    card, file = bundled
    images = card.input.crops(drawn_head(), drawn_boxes())
    exact = heads.decode(card.head, _core.Network(file).run(images))[0]

    def shift_deg(steps: int) -> float:
        options = int8.Options(method="minmax", compensate=False, correct_bias=False, tuning=Tuning(steps))
        made = int8.make_int8(file, images, options, head=card.head)
        angles = heads.decode(card.head, _core.Network(made.native).run(images))[0]
        return float(np.abs(angles - exact).mean())

    assert shift_deg(100) < 0.7 * shift_deg(0)


def test_levels_scales_and_float_layers_stay(bundled: tuple[ModelCard, bytes]) -> None:
    card, file = bundled
    graph, images = network_graph(file), bundled_images(8)
    before = {name: array.copy() for name, array in graph.constants.items()}
    first = next(node for node in graph.nodes if node.op == "conv")
    levels = {"input": Levels(1 / 127, 127), first.output: Levels(0.05, 128)}
    learned = tuned(graph, [first.output], levels, Rounding({}, {}), images, card.head, Tuning(steps=4, lr=0.5))
    assert list(learned.weights) == list(learned.shifts) == [first.output]
    weights, shift = learned.weights[first.output], learned.shifts[first.output]
    assert weights.integers.dtype == np.int8 and np.abs(weights.integers.astype(int)).max() <= 127
    flat = np.abs(graph.constants[first.inputs[1]]).reshape(len(weights.scale), -1)
    np.testing.assert_allclose(weights.scale, flat.max(axis=1) / 127, rtol=1e-6)
    assert shift.shape == graph.constants[first.inputs[2]].shape and np.abs(shift).max() > 0
    assert all((graph.constants[name] == array).all() for name, array in before.items())


def test_values_are_rounded_where_they_have_levels(bundled: tuple[ModelCard, bytes]) -> None:
    graph = network_graph(bundled[1])
    first = next(node for node in graph.nodes if node.op == "conv")
    graph.outputs = {"y": first.output}
    network = RoundedNetwork(graph, {first.output: Levels(0.5, 100)}, [])
    values = network(torch.from_numpy(bundled_images(2)))["y"].numpy() / 0.5
    np.testing.assert_allclose(values, np.rint(values), atol=1e-4)


@pytest.mark.parametrize(
    "output",
    [
        SsrStages((torch.randn(2, 3, 3),) * 2, (torch.randn(2, 3),) * 2, (torch.randn(2, 3),) * 2, torch.randn(2, 3)),
        BinLogits((torch.randn(2, 3, 66),)),
    ],
    ids=["ssr", "bins"],
)
def test_the_outputs_of_a_head_come_back(output: SsrStages | BinLogits) -> None:
    head = card_head(output, (1.0, 1.0, 1.0))
    assert torch.equal(decode(head_output(named_outputs(output), head)), decode(output))


@pytest.mark.parametrize(
    "head",
    [
        SsrHead((3,), 90.0, ("p1",), ("eta1",), ("delta1",)),
        SsrHead((3,), 99.0, ("p1",), ("eta1",), ("delta1",), eta_per_bin=True),
        BinsHead(66, -99.0, 3.0, ("yaw", "pitch", "roll")),
    ],
    ids=["range", "per-bin", "centres"],
)
def test_heads_that_no_recipe_trains_are_refused(head: SsrHead | BinsHead) -> None:
    outputs = {name: torch.zeros(1, 66) for name in head.output_names}
    with pytest.raises(InvalidArgumentError, match="as recipes train them"):
        head_output(outputs, head)


@pytest.mark.parametrize("bad", [{"steps": -1}, {"steps": 1, "lr": 0.0}, {"steps": 1, "lr": float("nan")}])
def test_bad_tuning_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(InvalidArgumentError, match="expected steps >= 0 and lr > 0"):
        Tuning(**bad)


def test_tuning_wants_a_head(bundled: tuple[ModelCard, bytes]) -> None:
    with pytest.raises(InvalidArgumentError, match="expected the head of the network"):
        int8.make_int8(bundled[1], bundled_images(2), int8.Options(tuning=Tuning(1)))
