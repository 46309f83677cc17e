"""Where a run comes from, for the model card."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def source_commit() -> str:
    """The git commit of this source tree, ``unknown`` where it is no checkout."""
    folder = Path(__file__).resolve().parent
    command = ["git", "-C", os.fspath(folder), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except OSError:
        return "unknown"
    return done.stdout.strip() if done.returncode == 0 else "unknown"
