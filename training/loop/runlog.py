"""The log of a run: one CSV row for each epoch, and TensorBoard where it is asked for."""

from __future__ import annotations

import csv
from pathlib import Path
from types import TracebackType
from typing import Any

from hpe_edge.errors import missing_dependency


class RunLog:
    """Appends rows to ``log.csv``; with ``tensorboard`` also scalars to ``OUT/tensorboard``.

    writes: false in the processes of a group that do not lead: they log nothing.

    Raises:
        MissingDependencyError: tensorboard is asked for and not installed.
    """

    def __init__(self, out: Path, writes: bool = True, tensorboard: bool = False) -> None:
        self.path = out / "log.csv"
        self._writes = writes
        self._writer: Any = None
        if tensorboard and writes:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError as error:
                raise missing_dependency("tensorboard", "training", "the TensorBoard log") from error
            self._writer = SummaryWriter(str(out / "tensorboard"))

    def row(self, step: int, values: dict[str, float]) -> None:
        """One row; the first row of a new file writes the header."""
        if not self._writes:
            return
        new = not self.path.exists()
        with self.path.open("a", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            if new:
                writer.writerow(["step", *values])
            writer.writerow([step, *(f"{value:.6g}" for value in values.values())])
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(name, value, step)

    def __enter__(self) -> RunLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()
