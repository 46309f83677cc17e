"""``_core.pyi`` says what the compiled module has, and its examples run."""

from __future__ import annotations

import ast
import doctest
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

STUB = Path(__file__).parents[2] / "hpe_edge" / "_core.pyi"


def functions() -> dict[str, str]:
    """Name and docstring of every function of the stub."""
    body = ast.parse(STUB.read_text(encoding="utf-8")).body
    return {node.name: ast.get_docstring(node) or "" for node in body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("name", functions())
def test_examples_of_the_stub_run(name: str) -> None:
    test = doctest.DocTestParser().get_doctest(functions()[name], {}, name, str(STUB), 0)
    assert test.examples, f"{name} has no example"
    runner = doctest.DocTestRunner(verbose=False)
    assert runner.run(test).failed == 0


@pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy is not installed")
def test_the_stub_has_not_drifted() -> None:
    command = [sys.executable, "-m", "mypy.stubtest", "hpe_edge._core"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
