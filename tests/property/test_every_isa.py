"""The property tests once more for every instruction set that is not the default one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hpe_edge import _core

HERE = Path(__file__).parent
OTHERS = [name for name in _core.available_isas() if name != _core.isa()]


def run_python(isa: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"HPE_FORCE_ISA": isa}
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("isa", OTHERS)
def test_properties_hold_with(isa: str) -> None:
    files = sorted(str(path) for path in HERE.glob("test_*_properties.py"))
    done = run_python(isa, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


@pytest.mark.parametrize("isa", _core.available_isas())
def test_the_environment_chooses(isa: str) -> None:
    done = run_python(isa, "-c", "from hpe_edge import _core; print(_core.isa())")
    assert done.stdout.strip() == isa, done.stderr


def test_an_instruction_set_that_is_not_there_is_refused_by_every_kernel() -> None:
    script = """
import numpy as np
from hpe_edge import _core
from hpe_edge.errors import InvalidArgumentError
def preprocess():
    image, boxes = np.zeros((9, 9, 3), np.uint8), np.array([[1, 1, 5, 5]], np.float32)
    spec = dict(width=4, height=4, margin=0, square=True, channel_order="bgr", mean=(0,) * 3, scale=(1,) * 3)
    _core.preprocess(image, boxes, pixel_format="bgr8", **spec)
for call in (_core.isa, preprocess):
    try:
        call()
    except InvalidArgumentError as error:
        print(error)
"""
    done = run_python("avx4096", "-c", script)
    lines = done.stdout.splitlines()
    assert len(lines) == 2, done.stderr
    for line in lines:
        assert "HPE_FORCE_ISA" in line
        assert "avx4096" in line
        assert ", ".join(_core.available_isas()) in line
