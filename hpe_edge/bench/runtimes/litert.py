"""LiteRT, converted by the command onnx2tf: float32, on XNNPACK, which LiteRT chooses by itself."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import numpy as np

from hpe_edge.bench.runtimes.base import ConvertedNetwork, FloatArray, run_converter
from hpe_edge.errors import BackendError, MissingDependencyError, missing_dependency
from hpe_edge.modelcard import ModelCard

try:
    from ai_edge_litert.interpreter import Interpreter
except ModuleNotFoundError as error:
    raise missing_dependency("ai-edge-litert", "bench", "the LiteRT row") from error


def convert(source: Path) -> Path:
    """Convert an ONNX file."""
    import shutil  # not needed to run a network, whose cold start is measured

    command = shutil.which("onnx2tf")
    if command is None:
        raise MissingDependencyError(
            "the conversion for LiteRT needs the command 'onnx2tf', which is not on the PATH. Run: pipx install "
            "onnx2tf (an environment of its own, because it fixes the versions of NumPy, ONNX and ONNX Runtime; "
            "below Python 3.12 it would bring TensorFlow)"
        )
    made = source.with_name(f"{source.stem}_float32.tflite")
    run_converter([command, "-i", source.name, "-o", "."], made)
    return made


class Network(ConvertedNetwork):
    """Runs what ``convert`` made, whose channels stand last.

    Raises:
        BackendError: LiteRT cannot load it, or it has not the outputs of the card.
    """

    def __init__(self, file: Path, card: ModelCard, threads: int) -> None:
        super().__init__("litert", version("ai-edge-litert"), card, threads)
        try:
            self._interpreter = Interpreter(str(file), num_threads=threads)
            self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise BackendError(f"LiteRT cannot load what onnx2tf made of model {card.name!r}: {error}") from error
        self._input = self._interpreter.get_input_details()[0]["index"]
        found = {output["name"]: output["index"] for output in self._interpreter.get_output_details()}
        self._check_outputs(found)
        self._outputs = [found[name] for name in self._output_names]

    def _infer(self, crop: FloatArray) -> list[FloatArray]:
        self._interpreter.set_tensor(self._input, np.ascontiguousarray(crop.transpose(0, 2, 3, 1)))
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]
