"""ncnn, converted by pnnx: float32 weights, and none of its 16-bit shortcuts."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from hpe_edge.bench.runtimes.base import ConvertedNetwork, FloatArray, run_converter
from hpe_edge.errors import BackendError, missing_dependency
from hpe_edge.modelcard import ModelCard

try:
    import ncnn
except ModuleNotFoundError as error:
    raise missing_dependency("ncnn", "bench", "the ncnn row") from error


def convert(source: Path) -> Path:
    """Convert an ONNX file; the weights, beside which lies the graph as ``.param``."""
    graph, weights = source.with_suffix(".ncnn.param"), source.with_suffix(".ncnn.bin")
    run_converter([_pnnx(), source.name, "fp16=0"], weights)
    # pnnx numbers the outputs in the order of the ONNX file.
    names = _output_names(source)
    text = graph.read_text(encoding="utf-8")
    graph.write_text(re.sub(r"(?<=\s)out(\d+)(?=\s)", lambda found: names[int(found[1])], text), encoding="utf-8")
    return weights


def _pnnx() -> str:
    """The program in the package; its Python side would load torch, which an ONNX file does not need."""
    found = find_spec("pnnx")
    if found is None or found.origin is None:
        raise missing_dependency("pnnx", "bench", "the conversion for ncnn")
    return str(Path(found.origin).with_name("pnnx"))


def _output_names(source: Path) -> list[str]:
    try:
        import onnx
    except ModuleNotFoundError as error:
        raise missing_dependency("onnx", "bench", "the conversion for ncnn") from error
    return [output.name for output in onnx.load(source).graph.output]


class Network(ConvertedNetwork):
    """Runs what ``convert`` made.

    Raises:
        BackendError: ncnn cannot load it, or it has not the outputs of the card.
    """

    def __init__(self, file: Path, card: ModelCard, threads: int) -> None:
        super().__init__("ncnn", ncnn.__version__, card, threads)
        self._net = ncnn.Net()
        self._net.opt.num_threads = threads
        for name in dir(self._net.opt):
            if name.startswith(("use_fp16", "use_bf16")):
                setattr(self._net.opt, name, False)
        if self._net.load_param(str(file.with_suffix(".param"))) or self._net.load_model(str(file)):
            raise BackendError(f"ncnn {ncnn.__version__} cannot load what pnnx made of model {card.name!r}")
        self._check_outputs(self._net.output_names())
        (self._input_name,) = self._net.input_names()

    def _infer(self, crop: FloatArray) -> list[FloatArray]:
        extractor = self._net.create_extractor()
        extractor.input(self._input_name, ncnn.Mat(crop[0]))
        return [np.array(extractor.extract(name)[1])[None] for name in self._output_names]
