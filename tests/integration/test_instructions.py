"""The gate on instruction counts: what it lets through and what it stops."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "instructions.py"


@pytest.mark.parametrize(
    ("factor", "same_compiler", "status", "words"),
    [(1.04, True, 0, ""), (1.06, True, 1, "store with --record"), (1.06, False, 0, "nothing concluded")],
)
def test_five_percent_more_fail(
    factor: float, same_compiler: bool, status: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = importlib.util.spec_from_file_location("instructions", SCRIPT)
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.verdict({"crop, avx2": 0.9, "network, avx2": factor}, same_compiler=same_compiler) == status
    told = capsys.readouterr().err
    assert words in told and ("network, avx2" in told) == (factor > 1.05) and "crop, avx2" not in told
