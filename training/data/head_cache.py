"""Decoded pictures and labels on disk: made once, then memory-mapped by every loader process and later run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from hpe_edge._files import locked

Arrays: TypeAlias = dict[str, npt.NDArray[Any]]


def open_cache(target: Path, make: Callable[[Path], Arrays]) -> tuple[npt.NDArray[np.uint8], Arrays]:
    """Pictures (N, S, S, 3) and labels of ``target``; where they are not whole, ``make(target)`` makes them.

    ``make`` fills what `new_pictures` gives it and returns the labels. They are written last and by rename: their
    presence means complete. Of several processes that start together one makes the cache and the others wait.
    """
    with locked(target.with_name(f"{target.name}.lock")):
        if not (target / "labels.npz").is_file():
            target.mkdir(exist_ok=True)
            made = make(target)
            partial = target / "labels.part.npz"
            np.savez(partial, allow_pickle=False, **made)
            partial.replace(target / "labels.npz")
    with np.load(target / "labels.npz") as labels:
        return np.load(target / "images.npy", mmap_mode="r"), {name: labels[name] for name in labels.files}


def new_pictures(target: Path, count: int, size: int) -> npt.NDArray[np.uint8]:
    """A memory-mapped (count, size, size, 3) array for a cache's pictures."""
    shape = (count, size, size, 3)
    pictures: npt.NDArray[np.uint8] = np.lib.format.open_memmap(
        target / "images.npy", mode="w+", dtype=np.uint8, shape=shape
    )
    return pictures
