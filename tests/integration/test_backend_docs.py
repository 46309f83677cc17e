"""The backend that docs/BACKENDS.md tells how to add, installed as another package and found by its entry point."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "BACKENDS.md").read_text("utf-8")


def _block(language: str, first_line: str) -> str:
    (found,) = (
        block for block in re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S) if block.startswith(first_line)
    )
    return str(found)


def test_the_backend_of_the_documentation_is_found_and_runs(tmp_path: Path) -> None:
    code, test = _block("python", "# my_package/backend.py"), _block("py", "# tests/test_backend.py")
    (entry,) = re.findall(r'^mine = "(.*)"', _block("toml", "# pyproject.toml"), re.M)
    package, installed = tmp_path / "my_package", tmp_path / "my_package-1.0.dist-info"
    package.mkdir()
    (package / "backend.py").write_text(code, "utf-8")
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n", "utf-8")
    (installed / "entry_points.txt").write_text(f"[hpe_edge.backends]\nmine = {entry}\n", "utf-8")
    test += "\nassert HeadPose(backend='mine').info.backend == 'mine'\n"
    done = subprocess.run(
        [sys.executable, "-c", test],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
