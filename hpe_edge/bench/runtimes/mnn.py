"""MNN and its own converter: float32 weights, precision "high"."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from hpe_edge.bench.runtimes.base import ConvertedNetwork, FloatArray, run_converter
from hpe_edge.errors import BackendError, missing_dependency
from hpe_edge.modelcard import ModelCard


@contextmanager
def _stdout_on_stderr() -> Iterator[None]:
    """MNN says what it finds on stdout, which belongs to the command and may be JSON."""
    sys.stdout.flush()
    stdout = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        ctypes.CDLL(None).fflush(None)
        os.dup2(stdout, 1)
        os.close(stdout)


try:
    with _stdout_on_stderr():
        import MNN
except ModuleNotFoundError as error:
    raise missing_dependency("MNN", "bench", "the MNN row") from error

# Not MNN's command mnnconvert: that one installs a package with pip by itself and sends a report over the network.
_CONVERT = "import sys, _tools; _tools.mnnconvert(['mnnconvert', *sys.argv[1:]])"


def convert(source: Path) -> Path:
    """Convert an ONNX file."""
    made = source.with_suffix(".mnn")
    options = ["-f", "ONNX", "--modelFile", source.name, "--MNNModel", made.name, "--bizCode", "bench"]
    run_converter([sys.executable, "-c", _CONVERT, *options], made)
    return made


class Network(ConvertedNetwork):
    """Runs what ``convert`` made.

    Raises:
        BackendError: MNN cannot load it, or it has not the outputs of the card.
    """

    def __init__(self, file: Path, card: ModelCard, threads: int) -> None:
        super().__init__("mnn", MNN.version(), card, threads)
        settings = {"backend": "CPU", "numThread": threads, "precision": "high"}
        try:
            with _stdout_on_stderr():
                self._interpreter = MNN.Interpreter(str(file))
                self._session = self._interpreter.createSession(settings)
        except Exception as error:  # MNN raises no class more special
            raise BackendError(f"MNN cannot load what its converter made of model {card.name!r}: {error}") from error
        self._input = self._interpreter.getSessionInput(self._session)
        found = self._interpreter.getSessionOutputAll(self._session)
        self._check_outputs(found)
        # MNN computes in a layout of its own; the second of each takes its values in ours.
        self._outputs = [
            (found[name], _tensor(np.empty(found[name].getShape(), np.float32))) for name in self._output_names
        ]

    def _infer(self, crop: FloatArray) -> list[FloatArray]:
        self._input.copyFrom(_tensor(crop))
        self._interpreter.runSession(self._session)
        for output, ours in self._outputs:
            output.copyToHostTensor(ours)
        return [ours.getNumpyData().copy() for _, ours in self._outputs]


def _tensor(array: FloatArray) -> MNN.Tensor:
    """A copy of the array, whose channels stand first."""
    return MNN.Tensor(array.shape, MNN.Halide_Type_Float, array, MNN.Tensor_DimensionType_Caffe)
