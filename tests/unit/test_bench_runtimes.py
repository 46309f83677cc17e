"""Rows of the benchmark for runtimes with a file format of their own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hpe_edge import _core, hub
from hpe_edge.bench import runtimes
from hpe_edge.bench.rows import Settings, run_benchmark
from hpe_edge.bench.runtimes.base import ConvertedNetwork, run_converter
from hpe_edge.errors import BackendError
from hpe_edge.modelcard import ModelCard

_RUNTIME_PACKAGES = {"litert": ["ai_edge_litert"], "mnn": ["MNN"], "ncnn": ["ncnn", "pnnx", "onnx"]}


def _need(runtime: str) -> None:
    for package in _RUNTIME_PACKAGES[runtime]:
        if find_spec(package) is None:
            pytest.skip(f"the {runtime} row needs the package {package}: pip install 'hpe-edge[bench]'")
    if runtime == "litert" and shutil.which("onnx2tf") is None:
        pytest.skip("the litert row needs the command onnx2tf: pipx install onnx2tf")


@pytest.mark.parametrize("runtime", runtimes.NAMES)
def test_a_runtime_computes_what_the_native_network_does(runtime: str) -> None:
    """In a process of its own: some of these libraries write to stdout, which here is one JSON object."""
    _need(runtime)
    command = [sys.executable, "-m", "hpe_edge", "bench", "--json", "--rounds", "2", "--quiet", "--backend", runtime]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (row,) = json.loads(done.stdout)["rows"]
    assert (row["backend"], row["precision"], row["problem"], row["start_problem"]) == (runtime, "fp32", None, None)
    assert row["shift_deg"] < 0.002, "float32, whose sums round in another order; 16 bits would shift by more"
    assert row["file_bytes"] > 1e6 and row["version"] and row["network"]["p50_us"] > 0
    assert row["start"]["peak_bytes"] is None or row["start"]["peak_bytes"] > row["start"]["memory_bytes"]


def _problem(runtime: str) -> str:
    (row,) = run_benchmark(Settings(backends=(runtime,), rounds=1)).rows
    assert row.network is None and row.problem is not None
    return row.problem


@pytest.mark.parametrize("runtime", runtimes.NAMES)
def test_without_a_runtime_its_row_names_the_pip_command(
    runtime: str, no_processes: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, f"hpe_edge.bench.runtimes.{runtime}", raising=False)
    package = _RUNTIME_PACKAGES[runtime][0]
    for name in [package, *(loaded for loaded in sys.modules if loaded.startswith(f"{package}."))]:
        monkeypatch.setitem(sys.modules, name, None)
    assert "pip install 'hpe-edge[bench]'" in _problem(runtime)


@pytest.mark.parametrize(
    ("runtime", "words"),
    [("litert", "needs the command 'onnx2tf', .* pipx install onnx2tf"), ("ncnn", r"'pnnx'.*'hpe-edge\[bench\]'")],
)
def test_without_a_converter_the_row_says_what_to_install(
    runtime: str, words: str, no_processes: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if find_spec(_RUNTIME_PACKAGES[runtime][0]) is None:
        pytest.skip(f"the {runtime} row needs: pip install 'hpe-edge[bench]'")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(f"hpe_edge.bench.runtimes.{runtime}.find_spec", lambda name: None, raising=False)
    assert re.search(words, _problem(runtime))


def test_a_converter_that_makes_nothing_says_its_last_line(tmp_path: Path) -> None:
    script = "import sys; print('reading'); print('no such operator: Fold', file=sys.stderr)"
    with pytest.raises(BackendError, match="the conversion failed with code 0: no such operator: Fold"):
        run_converter([sys.executable, "-c", script], tmp_path / "network.mnn")
    with pytest.raises(BackendError, match=r"the conversion failed: .*No such file"):
        run_converter([str(tmp_path / "nonesuch")], tmp_path / "network.mnn")


@pytest.mark.parametrize("runtime", runtimes.NAMES)
def test_a_file_that_a_runtime_cannot_load_is_told(runtime: str, tmp_path: Path) -> None:
    if find_spec(_RUNTIME_PACKAGES[runtime][0]) is None:
        pytest.skip(f"the {runtime} row needs: pip install 'hpe-edge[bench]'")
    for suffix in (".bin", ".param"):
        (tmp_path / "network").with_suffix(suffix).write_bytes(b"nonsense" * 50)
    with pytest.raises(BackendError, match=r"cannot load what .* made of model 'fsanet'"):
        runtimes.load(runtime, tmp_path / "network.bin", hub.resolve("fsanet").card, 1)


class _Astray(ConvertedNetwork):
    """A conversion that went wrong."""

    def __init__(self, file: Path, card: ModelCard, threads: int) -> None:
        super().__init__("astray", "1", card, threads)
        self._native = _core.Network(hub.resolve("fsanet").read("safetensors"))

    def _infer(self, crop: Any) -> list[Any]:
        return [self._native.run(crop)[name] + np.float32(0.1) for name in self._output_names]


def test_a_wrong_conversion_is_refused(no_processes: None, monkeypatch: pytest.MonkeyPatch) -> None:
    astray = SimpleNamespace(convert=lambda source: source, Network=_Astray)
    monkeypatch.setitem(sys.modules, "hpe_edge.bench.runtimes.ncnn", astray)
    assert re.search(r"angles are up to \S+ degrees from .* 0\.1 at most: the conversion is wrong", _problem("ncnn"))


def test_outputs_that_a_conversion_lost_are_named() -> None:
    card = hub.resolve("fsanet").card
    with pytest.raises(BackendError, match=r"astray: expected outputs \['p1'\] after the conversion, got only"):
        _Astray(Path(), card, 1)._check_outputs(set(card.head.output_names) - {"p1"})
