"""One call of the core against its parts, called one after the other from Python."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hpe_edge.training.native.command import convert_card
from numpy.typing import NDArray
from tiny_models import MakeModel, mean_network

from hpe_edge import _core, hub
from hpe_edge.errors import CorruptModelError, InvalidBoxError, InvalidImageError
from hpe_edge.heads import decode
from hpe_edge.modelcard import ModelCard, load_card

Floats = NDArray[np.float32]
BOXES = np.float32([[30, 20, 90, 95], [-10, 5, 40, 60], [100, 40, 151, 77.5]])
BINS: dict[str, Any] = {
    "kind": "bins",
    "bins": 5,
    "first_deg": -20.0,
    "step_deg": 10.0,
    "outputs": ["yaw", "pitch", "roll"],
    "spread": {"output": None, "scale": [0.5, 2.0, 1.0]},
}
ANGLES: dict[str, Any] = {
    "kind": "angles",
    "output": "angles",
    "spread": {"output": "log_std", "scale": [0.9, 1.1, 1.0]},
}


@pytest.fixture(scope="module")
def photo() -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (120, 160, 3), dtype=np.uint8)


def parts(card: ModelCard, network: _core.Network, photo: NDArray[np.uint8], boxes: Floats) -> tuple[Floats, Floats]:
    crops = card.input.crops(photo, boxes)
    euler_deg, std_deg = decode(card.head, network.run(crops))
    return _core.offset_pitch_zero(euler_deg, card.pitch_zero_deg), std_deg


def open_model(card_path: Path, threads: int = 1) -> tuple[ModelCard, _core.Model, _core.Network]:
    card = load_card(card_path)
    file = (card_path.parent / card.files["safetensors"].path).read_bytes()
    return card, _core.Model(card_path.read_text(), file, threads=threads), _core.Network(file)


def tiny(make_model: MakeModel, head: dict[str, Any], **network: Any) -> Path:
    scale = [0.01, 0.02, 0.005]  # a mean of 127 is a few degrees, or a few logits
    spec = {"name": "input", "width": 8, "height": 6, "margin": 0.25, "square": False, "channel_order": "rgb",
            "mean": [120.0, 110.0, 100.0], "scale": scale}  # fmt: skip
    card = make_model(mean_network(8, 6, **network), head=head, input=spec, pitch_zero_deg=-3.0)
    convert_card(card)
    return card


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda make: hub.resolve("fsanet").card_path, id="stages"),
        pytest.param(lambda make: tiny(make, BINS, bins=5), id="bins"),
        pytest.param(
            lambda make: tiny(make, {key: BINS[key] for key in BINS if key != "spread"}, bins=5),
            id="bins, no calibration",
        ),
        pytest.param(lambda make: tiny(make, ANGLES, log_std=0.01), id="angles"),
        pytest.param(lambda make: tiny(make, {"kind": "angles", "output": "angles"}), id="angles, no spread"),
    ],
)
def test_the_same_angles_and_spread(
    make_model: MakeModel, photo: NDArray[np.uint8], build: Callable[[MakeModel], Path], threads: int
) -> None:
    card, model, network = open_model(build(make_model), threads)
    expected, spread = parts(card, network, photo, BOXES)
    euler_deg, std_deg = model.estimate(photo, BOXES, pixel_format="bgr8")
    np.testing.assert_allclose(euler_deg, expected, atol=1e-5)
    np.testing.assert_array_equal(std_deg, spread)
    assert euler_deg.dtype == std_deg.dtype == np.float32
    assert np.ptp(euler_deg, axis=0).min() > 0, "the boxes hold different pictures"


def test_no_boxes_and_strided_frames(photo: NDArray[np.uint8]) -> None:
    _, model, _ = open_model(hub.resolve("fsanet").card_path)
    euler_deg, std_deg = model.estimate(photo, np.zeros((0, 4), np.float32), pixel_format="bgr8")
    assert euler_deg.shape == std_deg.shape == (0, 3)
    part = photo[10:110, 5:150]
    seen = model.estimate(part, BOXES[:1], pixel_format="bgr8")
    copied = model.estimate(np.ascontiguousarray(part), BOXES[:1], pixel_format="bgr8")
    np.testing.assert_array_equal(seen[0], copied[0])


def test_bad_boxes_are_numbered_and_nothing_is_computed(photo: NDArray[np.uint8]) -> None:
    _, model, _ = open_model(hub.resolve("fsanet").card_path, threads=2)
    bad = BOXES.copy()
    bad[2, 0] = np.nan
    with pytest.raises(InvalidBoxError, match=r"boxes_xyxy\[2\]"):
        model.estimate(photo, bad, pixel_format="bgr8")
    with pytest.raises(InvalidImageError, match="image"):
        model.estimate(photo[:0], BOXES, pixel_format="bgr8")
    with pytest.raises(InvalidImageError, match="uint8 array"):
        model.estimate(photo.astype(np.float32), BOXES, pixel_format="bgr8")  # type: ignore[arg-type]


def test_eight_threads_share_one_model(photo: NDArray[np.uint8]) -> None:
    _, model, _ = open_model(hub.resolve("fsanet").card_path)
    expected = model.estimate(photo, BOXES, pixel_format="bgr8")[0]
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda _: model.estimate(photo, BOXES, pixel_format="bgr8")[0], range(64))
    for euler_deg in found:
        np.testing.assert_array_equal(euler_deg, expected)


def test_the_network_outlives_its_model() -> None:
    _, model, network = open_model(hub.resolve("fsanet").card_path)
    own = model.network
    del model
    batch = np.zeros((1, 3, 64, 64), np.float32)
    np.testing.assert_array_equal(own.run(batch)["p1"], network.run(batch)["p1"])


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("head.kind", "tree", r'head\.kind: expected "ssr", "bins" or "angles", got "tree"'),
        ("head.stages", [], r"head\.stages: expected 1 to 8 stages, got 0"),
        ("head.stages", [3] * 9, r"head\.stages: expected 1 to 8 stages, got 9"),
        ("head.p", ["p1"], r"head\.p: expected 3 names, got 1"),
        ("head.eta", ["eta1", "eta2", "none"], r'head: output "none": expected one of the network'),
        ("head.delta", ["delta1", "delta2", "p1"], r'head: output "p1": expected \[3\], got \[3, 3\]'),
        ("head.spread", {"scale": [1, 1]}, r"head\.spread\.scale: expected 3 numbers, got 2"),
        ("head.spread", {"scale": [1, 1, 1]}, r"head\.spread\.output: expected the name of an output"),
        ("input.width", 0, r"input\.width: expected an integer from 1"),
        ("input.name", "x", r'input: expected "x" \[3, 64, 64\] in the network'),
        ("pitch_zero_deg", "0", "pitch_zero_deg: expected a number"),
        ("input", [], "input: expected an object"),
    ],
)
def test_a_wrong_card_is_refused(field: str, value: object, words: str) -> None:
    path = hub.resolve("fsanet").card_path
    card = json.loads(path.read_text())
    *way, last = field.split(".")
    place = card
    for key in way:
        place = place[key]
    place[last] = value
    with pytest.raises(CorruptModelError, match=f"model card: {words}"):
        _core.Model(json.dumps(card), path.with_suffix(".safetensors").read_bytes())


@pytest.mark.parametrize("text", ["", "[]", "{", '{"head": 1}', "\x00", "{" * 99])
def test_text_that_is_no_card_is_refused(text: str) -> None:
    file = hub.resolve("fsanet").read("safetensors")
    with pytest.raises(CorruptModelError, match="model card: "):
        _core.Model(text, file)
