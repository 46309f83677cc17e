"""The data card: it counts what is there, keeps what it knew, and leaves the shards alone."""

from __future__ import annotations

import hashlib
import json
import math
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from fake_heads import add_file, fake_head

pytest.importorskip("matplotlib", reason="data cards need the training extra")

from hpe_edge.training.synthetic.assets import manifest_entries
from hpe_edge.training.synthetic.people.pose import rotation_x, rotation_y, rotation_z
from hpe_edge.training.synthetic.sets.card_statistics import face_direction_deg, shard_members
from hpe_edge.training.synthetic.sets.contact_sheet import arrange, contact_sheet
from hpe_edge.training.synthetic.sets.data_card import write_data_card
from hpe_edge.training.synthetic.sets.sortings import SORTINGS, sort_key

from hpe_edge.cli import main
from hpe_edge.errors import DatasetError, InvalidArgumentError

COUNT = 40
MANIFEST = {"files": [{"path": "a.png", "source": "somewhere@1:a.png", "licence": "CC0-1.0", "sha256": "00"}]}


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    folder = tmp_path / "assets"
    folder.mkdir()
    (folder / "MANIFEST.json").write_text(json.dumps(MANIFEST))
    return folder


@pytest.fixture
def folder(tmp_path: Path, assets: Path) -> Path:
    """40 fake heads in two shards: every tone and sex once an age group."""
    out = tmp_path / "heads"
    out.mkdir()
    rng = np.random.default_rng(0)
    for shard in range(2):
        with tarfile.open(out / f"shard-{shard:06d}.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
            for number in range(20 * shard, 20 * shard + 20):
                image, label = fake_head(rng, number // 2)
                label |= {"key": f"{number:08d}", "attributes": {
                    "sex": ("female", "male")[number % 2], "monk_tone": float(number // 2 % 10),
                    "age": 0.2 if number < 20 else 0.9, "light": f"light{number % 3}", "cover": "",
                }}  # fmt: skip
                _, code = cv2.imencode(".jpg", image)
                add_file(tar, f"{number:08d}.jpg", code.tobytes())
                add_file(tar, f"{number:08d}.json", json.dumps(label).encode())
    description = {
        "seed": 7, "count": COUNT, "image_size": 112, "features": ["camera"], "complete": True,
        "manifest_sha256": hashlib.sha256((assets / "MANIFEST.json").read_bytes()).hexdigest(),
    }  # fmt: skip
    (out / "dataset.json").write_text(json.dumps(description))
    return out


def test_it_counts_what_is_there(folder: Path, assets: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.glob("shard-*.tar")}
    card = write_data_card(folder, assets, commit="abc")
    found = json.loads((folder / "card.json").read_text())
    assert found == card.content
    assert (found["heads"], found["identities"], found["commit"]) == (COUNT, 20, "abc")
    assert "light" in found["features_left_out"]
    assert "camera" not in found["features_left_out"]
    assert found["attributes"]["sex"] == {"female": 20, "male": 20}
    assert found["attributes"]["cover"] == {"none": 40}
    yaw = found["numbers"]["yaw_deg"]
    assert sum(yaw["histogram"]["counts"]) == COUNT
    assert yaw["percentiles"]["1"] <= yaw["percentiles"]["50"] <= yaw["percentiles"]["99"]
    assert found["shards"][1]["sha256"] == hashlib.sha256(before["shard-000001.tar"]).hexdigest()
    assert found["assets"] == MANIFEST["files"]
    assert all(path.stat().st_size > 100 for path in card.files)
    assert {path.name: path.read_bytes() for path in folder.glob("shard-*.tar")} == before


def test_the_population_is_told(folder: Path) -> None:
    population = write_data_card(folder).content["population"]
    cells = {(c["tone"], c["sex"], c["age"]): c["heads"] for c in population["cells"]}
    assert cells[1, "female", "child"] == cells[10, "male", "old"] == 1
    assert cells[1, "female", "young"] == 0
    assert population["largest_over_smallest"] is None  # nobody young or middle-aged here
    text = (folder / "card.md").read_text()
    assert "| Monk tone |" in text
    assert "somewhere" not in text  # the manifest at hand, if any, is another one


def test_licences_of_another_manifest_are_not_told(folder: Path, assets: Path) -> None:
    write_data_card(folder, assets)
    assert "| somewhere@1 | 1 | CC0-1.0 |" in (folder / "card.md").read_text()
    (assets / "MANIFEST.json").write_text(json.dumps(MANIFEST | {"changed": 1}))
    assert manifest_entries(assets, json.loads((folder / "dataset.json").read_text())["manifest_sha256"]) is None
    write_data_card(folder, assets)
    assert "was not at hand" in (folder / "card.md").read_text()


def test_a_later_card_keeps_the_commit_of_the_renderer(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert write_data_card(folder).content["commit"] == "unknown"
    write_data_card(folder, commit="abc")
    assert main(["data-card", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["commit"] == "abc"


def test_rendering_ends_with_a_card(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = "hpe_edge.training.synthetic.sets.generate"
    generate = pytest.importorskip(module, reason="rendering needs the training extra")
    monkeypatch.setattr(generate, "render_set", lambda spec, paint, out, *_, **__: out / "dataset.json")
    monkeypatch.setattr(generate, "source_commit", lambda: "def")
    spec = generate.DatasetSpec(seed=7, count=COUNT)
    assert generate.generate(spec, folder, quiet=True) == folder / "dataset.json"
    assert json.loads((folder / "card.json").read_text())["commit"] == "def"


def test_damaged_sets_have_no_card(folder: Path) -> None:
    shard = folder / "shard-000001.tar"
    whole = shard.read_bytes()
    shard.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match="cut short"):
        write_data_card(folder)
    shard.unlink()
    with pytest.raises(DatasetError, match="expected 40 samples, found 20"):
        write_data_card(folder)
    assert not (folder / "card.json").exists()


def test_shards_are_read_as_tarfile_reads_them(folder: Path) -> None:
    path = folder / "shard-000000.tar"
    with tarfile.open(path) as tar:
        wanted = [(name, tar.extractfile(name).read()) for name in tar.getnames()]  # type: ignore[union-attr]
    assert list(shard_members(path, path.read_bytes())) == wanted


def test_direction_of_the_face() -> None:
    rotation = rotation_z(12.0) @ rotation_y(-40.0) @ rotation_x(0.0)
    level = rotation_y(-40.0) @ rotation_x(0.0)
    assert face_direction_deg(level.ravel()) == pytest.approx((-40.0, 0.0, 0.0))
    assert face_direction_deg(rotation_x(25.0).ravel()) == pytest.approx((0.0, 25.0, 0.0))
    assert face_direction_deg(rotation.ravel())[2] == pytest.approx(12.0)
    assert face_direction_deg(rotation_y(150.0).ravel())[0] == pytest.approx(150.0)


@pytest.mark.parametrize("sort", SORTINGS)
def test_sheets_sort_by(folder: Path, sort: str) -> None:
    assert contact_sheet(folder, 4, 2, sort=sort).shape == (224, 448, 3)


def test_sorting_puts_what_has_no_value_first() -> None:
    dark = np.zeros((4, 4, 3), np.uint8)
    heads = [(dark + 9, {"yaw_deg": 30.0}), (dark + 5, {"yaw_deg": -30.0}), (dark, {})]
    assert arrange(heads, 3, sort="yaw")[0, ::4, 0].tolist() == [0, 5, 9]
    assert sort_key({"box_xyxy": [0, 0, 4, 9]}, "size") == (6.0, "")
    assert sort_key({"attributes": {"monk_tone": 3}}, "tone") == (3.0, "")
    assert sort_key({}, "light") == (-math.inf, "")
    with pytest.raises(InvalidArgumentError, match="expected heads and one of"):
        arrange(heads, 3, sort="beauty")
