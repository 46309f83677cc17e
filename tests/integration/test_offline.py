"""Nothing touches the network unless it is asked to: an audit hook sees every socket, whoever opens it from Python."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

WORK = """
import contextlib, importlib, io, sys
from pathlib import Path

touched = []

def watch(event, arguments):
    # an event loop's pair of sockets and names of this machine are no network
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.bind"):
        touched.append((event, arguments))
        raise OSError(f"no network here: {event} {arguments}")
    if event.startswith(("urllib.", "http.client.", "ftplib.", "smtplib.")):
        touched.append((event, arguments))

sys.addaudithook(watch)

if sys.argv[2] == "really":
    import socket
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", 9), timeout=1)

import cv2
import numpy as np
import hpe_edge
from hpe_edge import HeadPose
from hpe_edge.cli import main
from hpe_edge.errors import MissingDependencyError

root = Path(hpe_edge.__file__).parent
for path in sorted(root.rglob("*.py")):
    parts = path.relative_to(root.parent).with_suffix("").parts
    if "training" in parts or parts[-1] == "__main__":
        continue
    with contextlib.suppress(MissingDependencyError):
        importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))

image = np.random.default_rng(0).integers(0, 255, (120, 160, 3), dtype=np.uint8)
video = sys.argv[1] + "/clip.avi"
writer = cv2.VideoWriter(video, cv2.VideoWriter_fourcc(*"MJPG"), 30, (160, 120))
for _ in range(5):
    writer.write(image)
writer.release()

for backend in ("native", "onnxruntime", "openvino"):
    with contextlib.suppress(MissingDependencyError):
        pose = HeadPose(backend=backend)
        pose.estimate(image, [[20, 20, 90, 90]])
        pose.estimate(image)
pose = HeadPose()
assert len([poses for _, poses in pose.stream(video)]) == 5
with contextlib.redirect_stdout(io.StringIO()):
    assert main(["models", "list"]) == 0
    assert main(["models", "info", "fsanet"]) == 0
print(touched)
"""


def _run(folder: Path, how: str, *before: str) -> subprocess.CompletedProcess[str]:
    command = [*before, sys.executable, "-c", WORK, str(folder), how]
    return subprocess.run(command, capture_output=True, text=True, timeout=240)


def test_no_part_of_the_library_touches_the_network(tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    done = _run(tmp_path, "not at all")
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == "[]", done.stdout + done.stderr


def test_the_hook_sees_a_connection(tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    done = _run(tmp_path, "really")
    assert "socket.getaddrinfo" in done.stdout.splitlines()[-1], done.stdout + done.stderr


def test_everything_works_where_there_is_no_network(tmp_path: Path) -> None:
    """A namespace without any interface: native code has no way out either."""
    pytest.importorskip("cv2")
    alone = ("unshare", "--map-root-user", "--net")
    if shutil.which(alone[0]) is None or subprocess.run([*alone, "true"], capture_output=True).returncode:
        pytest.skip("needs unshare and user namespaces")
    done = _run(tmp_path, "not at all", *alone)
    assert done.returncode == 0, done.stdout + done.stderr
