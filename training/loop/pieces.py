"""A file in pieces of a bounded size, for machines between which only small files travel.

``last.pt`` becomes ``last.pt.000``, ``last.pt.001`` ... and ``last.pt.pieces``, a JSON with their sha256 that is
written last and by rename, so that what it lists is whole.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from hpe_edge.errors import CheckpointError


def index_path(path: Path) -> Path:
    """Where the list of the pieces of ``path`` lies."""
    return path.with_name(f"{path.name}.pieces")


def write_pieces(path: Path, content: bytes, piece_bytes: int) -> None:
    """Write ``content`` as pieces of at most ``piece_bytes``; older pieces beyond the new ones go.

    The pieces of two savings lie under different names, so that one cut short leaves the last one readable.
    """
    digest = hashlib.sha256(content).hexdigest()
    names = []
    for number, start in enumerate(range(0, len(content), piece_bytes)):
        names.append(f"{path.name}.{digest[:8]}.{number:03d}")
        path.with_name(names[-1]).write_bytes(content[start : start + piece_bytes])
    partial = index_path(path).with_suffix(".part")
    partial.write_text(json.dumps({"sha256": digest, "pieces": names}), encoding="utf-8")
    partial.replace(index_path(path))
    for old in path.parent.glob(f"{path.name}.????????.???"):
        if old.name not in names:
            old.unlink()


def read_pieces(path: Path) -> bytes:
    """The whole content.

    Raises:
        CheckpointError: a piece is missing, or together they are not what was written.
    """
    try:
        index = json.loads(index_path(path).read_text(encoding="utf-8"))
        names, digest = [str(name) for name in index["pieces"]], str(index["sha256"])
        content = b"".join(path.with_name(Path(name).name).read_bytes() for name in names)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{index_path(path)}: expected a list of pieces that lie beside it: {error}") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise CheckpointError(f"{index_path(path)}: expected sha256 {digest} of all pieces; copy them again")
    return content
