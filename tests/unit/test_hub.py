"""Finding models by name and by path."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_models import MakeModel

from hpe_edge import hub
from hpe_edge.errors import CorruptModelError, InvalidArgumentError, ModelNotFoundError


def test_a_card_by_path(make_model: MakeModel) -> None:
    path = make_model()
    for form in (path, str(path)):
        model = hub.resolve(form)
        assert model.card.name == "tiny" and len(model.read("onnx")) == model.card.files["onnx"].bytes


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ModelNotFoundError, match=r"model: expected one of \[.*'fsanet'.*got 'resnet'"):
        hub.resolve("resnet")


def test_a_network_file_without_a_card_is_refused_with_a_hint() -> None:
    with pytest.raises(ModelNotFoundError, match=r"got 'net\.onnx'; a network file needs a card"):
        hub.resolve("net.onnx")


def test_other_types_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="model: expected a name or a path of a card, got int"):
        hub.resolve(3)  # type: ignore[arg-type]


def test_a_bundled_card_must_carry_its_file_name(make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    folder: Path = make_model().parent
    (folder / "tiny.json").rename(folder / "other.json")
    monkeypatch.setattr("hpe_edge.hub.entries.models_folder", lambda: folder)
    with pytest.raises(CorruptModelError, match=r"field 'name': expected 'other' .* got 'tiny'"):
        hub.resolve("other")
