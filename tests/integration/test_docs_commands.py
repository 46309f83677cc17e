"""The commands of docs/HUB.md and docs/ANNOTATE.md run."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import tarfile
from pathlib import Path

import pytest
from skimage.data import astronaut

from hpe_edge import hub, write_image
from hpe_edge.cli import main

DOCS = Path(__file__).parents[2] / "docs"


def _commands(page: str) -> list[list[str]]:
    """Lines that begin with the program, without those that open an address or start a Ray cluster."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (DOCS / page).read_text("utf-8"), re.M | re.S)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("hpe-edge ")]
    return [shlex.split(line)[1:] for line in lines if "https://" not in line and "--engine ray" not in line]


def test_commands_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPE_EDGE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    card = json.loads((hub.models_folder() / "fsanet.json").read_text())
    for folder in ("large", "usb"):
        Path(folder).mkdir()
        for entry in card["files"].values():
            shutil.copy(hub.models_folder() / entry["path"], folder)
    Path("large/large.json").write_text(json.dumps(card | {"name": "large", "version": "1.0.0"}))
    commands = _commands("HUB.md")
    assert len(commands) == 7
    for arguments in commands:
        there = [str(tmp_path / "usb") if word == "/media/usb/models" else word for word in arguments]
        assert main(there) == 0, arguments
    assert hub.list_models() == ["fsanet"]


def test_commands_of_annotate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is an extra: hpe-edge[annotate]")
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    Path("shards").mkdir()
    write_image("photos/astronaut.jpg", astronaut()[..., ::-1].copy())
    for number in range(2):
        with tarfile.open(f"shards/train-{number:06d}.tar", "w") as tar:
            tar.add("photos/astronaut.jpg", f"{number}.jpg")
    data = Path("photos/astronaut.jpg").read_bytes()
    parquet.write_table(pyarrow.table({"id": ["a"], "image": [data]}), "faces.parquet")
    commands = _commands("ANNOTATE.md")
    assert len(commands) == 4
    for arguments in commands:
        assert main(arguments) == 0, arguments
    for out in ("poses", "poses-of-tars"):
        row = parquet.read_table(out).to_pylist()[0]
        assert row["face"] == 0 and abs(row["yaw_deg"]) < 40 and row["score"] > 0.6 and row["error"] is None
