"""Fixtures of the training tests: a fake dataset and the rendering studio, each made once."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from hpe_edge.training.data.shards import Heads
    from hpe_edge.training.synthetic.body.head_model import HeadModel
    from hpe_edge.training.synthetic.studio import Studio

# without the training extra these cannot even be imported
collect_ignore = (
    []
    if importlib.util.find_spec("torch")
    else [
        f"test_{name}.py"
        for name in ("model", "losses", "augment", "shards", "engine", "export", "distributed", "trunks", "pretrained")
    ]
)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset folder of 72 heads in two shards."""
    from fake_heads import write_dataset

    return write_dataset(tmp_path_factory.mktemp("heads"), count=72, heads_per_shard=48)


@pytest.fixture(scope="session")
def heads(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Heads:
    """The same heads, opened."""
    from hpe_edge.training.data.shards import open_heads

    return open_heads([dataset], tmp_path_factory.mktemp("cache"), quiet=True)


@pytest.fixture(autouse=True)
def restore_denormals() -> Iterator[None]:
    """Training flushes denormals to zero, a state of the process in which hypothesis refuses to run."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)


@pytest.fixture(scope="session")
def assets_folder() -> Path:
    """The CC0 rendering material."""
    folder = Path(os.environ.get("HPE_EDGE_ASSETS", Path(__file__).parents[3] / "shared" / "assets"))
    if not (folder / "MANIFEST.json").exists():
        pytest.skip(f"no rendering assets in {folder}; set HPE_EDGE_ASSETS")
    return folder


@pytest.fixture(scope="session")
def studio(assets_folder: Path) -> Studio:
    """What a rendering worker loads, once for all tests: it takes seconds."""
    from hpe_edge.training.synthetic.assets import open_assets
    from hpe_edge.training.synthetic.studio import Studio

    return Studio(open_assets(assets_folder))


@pytest.fixture(scope="session")
def model(studio: Studio) -> HeadModel:
    """The head and everything that can be put on it."""
    return studio.model
