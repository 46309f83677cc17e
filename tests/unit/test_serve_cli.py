"""``hpe-edge serve`` as a command: what it prints, how it ends, what it refuses."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from hpe_edge.cli import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A source: a few images."""
    path = tmp_path_factory.mktemp("frames")
    for number in range(5):
        cv2.imwrite(str(path / f"{number}.png"), np.full((60, 80, 3), 40 * number, np.uint8))
    return str(path)


def _start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "hpe_edge", "serve", "--port", "0", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _metrics(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url + "metrics.json", timeout=20) as reply:
        return dict(json.load(reply))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_stop(folder: str, number: signal.Signals) -> None:
    with _start("--source", folder, "--detector", "full-frame", "--loop", "--json") as process:
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())
        assert address["token"] is None and address["url"] == f"http://127.0.0.1:{address['port']}/"
        before = _metrics(address["url"])
        assert before["model"].startswith("fsanet ")
        deadline_s = time.monotonic() + 20.0
        while before["frames"] < 1 and time.monotonic() < deadline_s:
            before = _metrics(address["url"])
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    metrics = json.loads(out)
    assert process.returncode == 0 and err == "" and metrics["source"] == folder and metrics["frames"] >= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "70000"], "--port: expected 0 to 65535, got 70000"),
        (["--fps-limit", "0"], "--fps-limit: expected frames a second above 0, got 0"),
        (["--fps-limit", "nan"], "--fps-limit: expected"),
        (["--quality", "0"], "--quality: expected 1 to 100"),
        (["--token", "short"], "token: expected at least 8"),
        (["--detector", "nonesuch"], "nonesuch"),
    ],
)
def test_what_makes_no_sense_is_refused(
    folder: str, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = ["serve", "--source", folder] + ([] if "--detector" in arguments else ["--detector", "full-frame"])
    assert main([*source, "--port", "0", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_source_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = tmp_path / "video.mp4"
    text.write_text("no video")
    assert main(["serve", "--source", str(text), "--detector", "full-frame", "--port", "0"]) == 2
    assert "a text file" in capsys.readouterr().err


def test_a_port_in_use_is_refused(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert main(["serve", "--source", folder, "--detector", "full-frame", "--port", str(port)]) == 2
    assert f"got {port}, which another program uses" in capsys.readouterr().err


def test_a_missing_extra_is_named(
    folder: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    assert main(["serve", "--source", folder]) == 2
    assert "pip install 'hpe-edge[serve]'" in capsys.readouterr().err


def test_the_command_line_loads_no_server_before_it_is_asked_for_one() -> None:
    program = "import sys; from hpe_edge.cli import main; main(['models', 'list']); print('aiohttp' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
