"""Model cards: strict, and every error names the field."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tiny_models import MakeModel, card_dict

from hpe_edge.cardfiles import FileEntry, read_verified, sha256_hex
from hpe_edge.errors import CorruptModelError, ModelNotFoundError
from hpe_edge.heads import Spread
from hpe_edge.modelcard import ModelCard, load_card, save_card

SSR: dict[str, Any] = {
    "kind": "ssr",
    "stages": [3, 3, 3],
    "range_deg": 99.0,
    "p": ["p1", "p2", "p3"],
    "eta": ["eta1", "eta2", "eta3"],
    "delta": ["delta1", "delta2", "delta3"],
    "eta_per_bin": False,
}
BINS: dict[str, Any] = {
    "kind": "bins",
    "bins": 66,
    "first_deg": -97.5,
    "step_deg": 3.0,
    "outputs": ["yaw", "pitch", "roll"],
}


ANGLES: dict[str, Any] = {"kind": "angles", "output": "angles"}
SPREAD: dict[str, Any] = {"output": "log_std", "scale": [1.1, 0.9, 1.0]}
FROM_BINS: dict[str, Any] = {"output": None, "scale": [0.8, 0.8, 0.7]}


@pytest.mark.parametrize(
    "head",
    [
        SSR,
        BINS,
        ANGLES,
        SSR | {"spread": SPREAD},
        BINS | {"spread": SPREAD},
        BINS | {"spread": FROM_BINS},
        ANGLES | {"spread": SPREAD},
    ],
)
def test_round_trip_through_json(head: dict[str, Any], tmp_path: Path) -> None:
    card = ModelCard.from_dict(card_dict(head=head, metrics=[{"dataset": "x", "mae_deg": 6.5}]))
    save_card(card, tmp_path / "card.json")
    assert load_card(tmp_path / "card.json") == card
    assert ModelCard.from_dict(card.as_dict()) == card
    assert card.as_dict()["head"] == head


def test_the_spread_of_a_card_reaches_the_head() -> None:
    spread = ModelCard.from_dict(card_dict(head=SSR | {"spread": SPREAD})).head.spread
    assert spread == Spread(scale=(1.1, 0.9, 1.0), output="log_std")
    assert ModelCard.from_dict(card_dict(head=BINS)).head.spread is None


def _set(path: str, value: Any) -> dict[str, Any]:
    card = card_dict(head=copy.deepcopy(SSR | {"spread": SPREAD}))
    *parents, last = path.split(".")
    target = card
    for part in parents:
        target = target[part]
    if value is KeyError:
        del target[last]
    else:
        target[last] = value
    return card


@pytest.mark.parametrize(
    ("path", "value", "got"),
    [
        ("format", "hpe-edge-card/2", "'hpe-edge-card/2'"),
        ("name", "", "an empty string"),
        ("name", KeyError, "missing"),
        ("version", 1, "the number 1"),
        ("files", {}, "none"),
        ("files", [], "a list"),
        ("files.onnx.sha256", "ABC", "'ABC'"),
        ("files.onnx.path", "../../etc/passwd", "'../../etc/passwd'"),
        ("files.onnx.path", "a\\b.onnx", "b.onnx"),
        ("files.onnx.bytes", 0, "0"),
        ("files.onnx.bytes", 1.5, "1.5"),
        ("files.onnx.url", "http://x", "unknown"),
        ("input.width", True, "a boolean"),
        ("input.height", 0, "0"),
        ("input.margin", -0.1, "-0.1"),
        ("input.margin", float("nan"), "nan"),
        ("input.square", 1, "the number 1"),
        ("input.channel_order", "grb", "'grb'"),
        ("input.mean", [0.0, 0.0], "2 items"),
        ("input.scale", [0.0, "a", 0.0], "a string"),
        ("head.kind", "magic", "'magic'"),
        ("head.stages", [], "an empty list"),
        ("head.stages", [3, 0, 3], "0"),
        ("head.range_deg", "99", "a string"),
        ("head.p", ["p1"], "1 items"),
        ("head.eta_per_bin", None, "null"),
        ("head.spread", None, "null"),
        ("head.spread.output", KeyError, "missing"),
        ("head.spread.output", None, "null"),
        ("head.spread.output", "", "an empty string"),
        ("head.spread.output", 3, "the number 3"),
        ("head.spread.scale", KeyError, "missing"),
        ("head.spread.scale", 1.0, "the number 1.0"),
        ("head.spread.scale", [1.0, 1.0], "2 items"),
        ("head.spread.scale", [1.0, 0.0, 1.0], "0.0"),
        ("head.spread.scale", [1.0, 1.0, 1e4], "10000.0"),
        ("head.spread.scale", [1.0, float("nan"), 1.0], "nan"),
        ("head.spread.var0", 1.0, "unknown"),
        ("pitch_zero_deg", 91, "91"),
        ("training", [], "a list"),
        ("metrics", [1], "the number 1"),
        ("surprise", 1, "unknown"),
    ],
)
def test_each_wrong_field_is_named(path: str, value: Any, got: str) -> None:
    with pytest.raises(CorruptModelError) as caught:
        ModelCard.from_dict(_set(path, value), source="card.json")
    message = str(caught.value)
    assert "card.json" in message and f"'{path}'" in message and "expected" in message
    assert got in message.partition("got")[2]


@pytest.mark.parametrize("data", [None, [], "card", 3])
def test_a_card_is_an_object(data: object) -> None:
    with pytest.raises(CorruptModelError, match="expected an object"):
        ModelCard.from_dict(data)


def test_load_refuses_what_is_not_json_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_bytes(b"{\xff")
    (tmp_path / "cut.json").write_text(json.dumps(card_dict())[:50])
    for name in ("bad", "cut"):
        with pytest.raises(CorruptModelError, match=rf"{name}\.json: expected JSON"):
            load_card(tmp_path / f"{name}.json")
    with pytest.raises(ModelNotFoundError, match=r"none\.json: No such file"):
        load_card(tmp_path / "none.json")


def test_save_refuses_what_could_not_be_loaded(tmp_path: Path) -> None:
    card = ModelCard.from_dict(card_dict())
    with pytest.raises(CorruptModelError, match=r"'input\.width'"):
        save_card(replace(card, input=replace(card.input, width=0)), tmp_path / "card.json")
    with pytest.raises(CorruptModelError, match="'metrics': expected finite"):
        save_card(replace(card, metrics=({"mae_deg": float("nan")},)), tmp_path / "card.json")
    assert not (tmp_path / "card.json").exists()


def test_verified_bytes(make_model: MakeModel) -> None:
    path = make_model()
    card = load_card(path)
    assert sha256_hex(read_verified(card, "onnx", path.parent)) == card.files["onnx"].sha256


def test_a_wrong_sha256_is_refused(make_model: MakeModel) -> None:
    path = make_model()
    card = load_card(path)
    network = path.parent / "tiny.onnx"
    network.write_bytes(network.read_bytes()[:-1] + b"\0")
    with pytest.raises(CorruptModelError) as caught:
        read_verified(card, "onnx", path.parent)
    message = str(caught.value)
    assert "tiny.onnx" in message and "expected sha256" in message and card.files["onnx"].sha256 in message
    assert sha256_hex(network.read_bytes()) in message.partition("got")[2]


def test_a_wrong_size_an_absent_kind_and_an_absent_file_are_refused(make_model: MakeModel) -> None:
    path = make_model()
    card = load_card(path)
    entry = card.files["onnx"]
    wrong = replace(card, files={"onnx": replace(entry, bytes=entry.bytes + 1)})
    with pytest.raises(CorruptModelError, match=f"expected {entry.bytes + 1} bytes .* got {entry.bytes}"):
        read_verified(wrong, "onnx", path.parent)
    with pytest.raises(ModelNotFoundError, match=r"no file of kind 'safetensors'.*\['onnx'\]"):
        read_verified(card, "safetensors", path.parent)
    (path.parent / "tiny.onnx").unlink()
    with pytest.raises(ModelNotFoundError, match=r"tiny\.onnx: No such file"):
        read_verified(card, "onnx", path.parent)
    with pytest.raises(ModelNotFoundError, match=r"tiny\.onnx"):
        FileEntry.of(path.parent / "tiny.onnx")
