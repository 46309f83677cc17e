"""What the converted networks have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hpe_edge.backends.base import BackendInfo
from hpe_edge.errors import BackendError
from hpe_edge.modelcard import ModelCard

FloatArray: TypeAlias = NDArray[np.float32]

_TIMEOUT_S: Final = 300


class ConvertedNetwork(ABC):
    """A network in float32, a :class:`hpe_edge.backends.base.Backend` but for how it is loaded; for one thread."""

    file_kind: ClassVar[str] = "onnx"
    """What it was converted from."""

    def __init__(self, name: str, version: str, card: ModelCard, threads: int) -> None:
        self._output_names = card.head.output_names
        self._info = BackendInfo(name, version, provider="CPU", precision="fp32", threads=threads)

    @property
    def info(self) -> BackendInfo:
        """What runs."""
        return self._info

    def run(self, batch: FloatArray) -> dict[str, FloatArray]:
        """Run the network on float32 (N, 3, H, W); the outputs the head reads, by name. N crops are N calls."""
        results = [self._infer(batch[i : i + 1]) for i in range(len(batch))]
        return {
            name: parts[0] if len(parts) == 1 else np.concatenate(parts)
            for name, parts in zip(self._output_names, zip(*results, strict=True), strict=True)
        }

    def _check_outputs(self, found: Iterable[str]) -> None:
        """Raise BackendError where the card's head reads an output that is not among them."""
        found = sorted(found)
        absent = sorted(set(self._output_names) - set(found))
        if absent:
            raise BackendError(f"{self._info.name}: expected outputs {absent} after the conversion, got only {found}")

    @abstractmethod
    def _infer(self, crop: FloatArray) -> list[FloatArray]:
        """The outputs for one crop (1, 3, H, W), in the order of the names, as arrays of their own."""


def run_converter(command: Sequence[str], made: Path) -> None:
    """Run a converter in a process of its own, in the folder of the file that it is to make.

    Raises:
        BackendError: there is no such file afterwards; what a converter's exit code says differs among them.
    """
    import subprocess  # not needed to run a network, whose cold start is measured

    try:
        done = subprocess.run(command, cwd=made.parent, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BackendError(f"the conversion failed: {error}") from error
    if not made.is_file():
        lines = (done.stdout + done.stderr).strip().splitlines() or ["it wrote nothing"]
        raise BackendError(f"the conversion failed with code {done.returncode}: {lines[-1][:200]}")
