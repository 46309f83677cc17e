"""Subinterpreters: a clear ImportError, whichever interpreter imports first; the main interpreter works on."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
try:
    import _interpreters as interpreters  # Python 3.13
except ImportError:
    import _xxsubinterpreters as interpreters

IMPORT = '''
try:
    import hpe_edge._core
except ImportError as error:
    assert "subinterpreter" in str(error) and "_core" in str(error), str(error)
else:
    raise AssertionError("expected an ImportError")
import hpe_edge  # the package itself loads nothing compiled
assert hpe_edge.__version__
'''

def import_in_another():
    other = interpreters.create()
    failure = (getattr(interpreters, "run_string", None) or interpreters.exec)(other, IMPORT)
    assert failure is None, failure
    interpreters.destroy(other)

def estimate():
    import numpy as np
    from hpe_edge import HeadPose
    from hpe_edge.errors import InvalidBoxError

    pose = HeadPose()
    assert np.isfinite(pose.estimate(np.zeros((60, 60, 3), np.uint8), is_crop=True).euler_deg).all()
    try:
        pose.estimate(np.zeros((60, 60, 3), np.uint8), [[1, 1, 1, 1]])
    except InvalidBoxError:
        return
    raise AssertionError("expected an InvalidBoxError")

for step in %s:
    step()
print("done")
"""


@pytest.mark.parametrize("order", ["import_in_another, estimate", "estimate, import_in_another, estimate"])
def test_a_subinterpreter_gets_an_import_error(order: str) -> None:
    command = [sys.executable, "-X", "faulthandler", "-c", SCRIPT % f"({order})"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stdout == "done\n", done.stderr
