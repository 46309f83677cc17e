"""Adding models from folders and from a server that misbehaves; checking and removing them."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpe_edge import HeadPose, hub
from hpe_edge.cardfiles import FileEntry
from hpe_edge.cli import main
from hpe_edge.errors import CorruptModelError, HubError, InvalidArgumentError, ModelNotFoundError
from hpe_edge.hub import download, store

BUNDLED = hub.models_folder()


class Server:
    """Serves ``files`` by path; ``cut`` ends each answer after so many bytes, and ``asked`` keeps what came."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.moved: dict[str, str] = {}
        self.cut: int | None = None
        self.ranges = True
        self.asked: list[tuple[str, str | None]] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.answer(self)

            def log_message(self, *_: object) -> None:
                """Not on stderr."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        asked = handler.headers.get("Range")
        self.asked.append((handler.path, asked))
        if handler.path in self.moved:
            handler.send_response(302)
            handler.send_header("Location", self.moved[handler.path])
            handler.end_headers()
            return
        data = self.files.get(handler.path)
        if data is None:
            handler.send_error(404)
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.ranges else 0
        if start and start >= len(data):
            handler.send_error(416)
            return
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        handler.send_header("Content-Length", str(len(data) - start))
        handler.end_headers()
        handler.wfile.write(data[start:] if self.cut is None else data[start : start + self.cut])

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HPE_EDGE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HPE_EDGE_OFFLINE", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "home"


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()


def make_card(folder: Path, *, name: str = "large", version: str = "1.0.0", **changes: Any) -> Path:
    """The bundled model under another name: its card and its files."""
    folder.mkdir(parents=True, exist_ok=True)
    card = json.loads((BUNDLED / "fsanet.json").read_text())
    for entry in card["files"].values():
        shutil.copy(BUNDLED / entry["path"], folder)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(card | {"name": name, "version": version} | changes))
    return path


def serve(server: Server, card: Path, at: str = "") -> str:
    server.files |= {f"{at}/{path.name}": path.read_bytes() for path in card.parent.iterdir()}
    return f"{server.address}{at}/{card.name}"


def hidden(home: Path) -> list[str]:
    """What is left of calls that did not finish."""
    return [path.name for path in home.glob("*/.*")]


def test_an_added_model_is_found_by_name_and_runs(tmp_path: Path, home: Path) -> None:
    entry = hub.add_model(make_card(tmp_path / "from"))
    assert (entry.label, entry.kind, entry.bundled) == ("large@1.0.0", "model", False)
    assert entry.card_path.parent == home / "models" / "large@1.0.0"
    shutil.rmtree(tmp_path / "from")
    assert hub.list_models() == ["fsanet", "large"]
    image = np.full((90, 90, 3), 128, np.uint8)
    expected = HeadPose(precision="fp32").estimate(image, is_crop=True).euler_deg
    for name in ("large", "large@1.0.0"):
        pose = HeadPose(name, precision="fp32")
        np.testing.assert_array_equal(pose.estimate(image, is_crop=True).euler_deg, expected)
    assert [check.loaded for check in hub.verify_model("large")].count(True) == 2
    assert hidden(home) == []


def test_bundled_names_come_first_and_then_the_highest_version(tmp_path: Path) -> None:
    for name, version in (("fsanet", "9.0.0"), ("large", "0.9.0"), ("large", "0.10.0")):
        hub.add_model(make_card(tmp_path / version, name=name, version=version))
    assert hub.find("fsanet").bundled
    assert not hub.find("fsanet@9.0.0").bundled
    assert hub.find("large").card.version == "0.10.0"
    assert hub.find("large@0.9.0").card.version == "0.9.0"
    with pytest.raises(ModelNotFoundError, match="got 'large@7'; hpe-edge models list shows which versions"):
        hub.resolve("large@7")
    assert [entry.label for entry in hub.catalog()][:2] == ["fsanet@0.4.0", "fsanet@9.0.0"]


def test_another_card_of_the_same_name_and_version_needs_force(tmp_path: Path, home: Path) -> None:
    first = hub.add_model(make_card(tmp_path / "a"))
    assert hub.add_model(tmp_path / "a" / "large.json") == first, "the same once more is no conflict"
    other = make_card(tmp_path / "b", description="another one")
    with pytest.raises(InvalidArgumentError, match=r"large@1\.0\.0: another model .* is there .*--force"):
        hub.add_model(other)
    assert hub.find("large").card == first.card
    hub.add_model(other, force=True)
    assert hub.find("large").card.description == "another one"
    assert hidden(home) == []


def test_a_bundled_model_is_neither_hidden_nor_copied(tmp_path: Path, home: Path) -> None:
    assert hub.add_model(BUNDLED / "fsanet.json").bundled
    assert not (home / "models").exists()
    with pytest.raises(InvalidArgumentError, match="a bundled model has this name and version"):
        hub.add_model(
            make_card(tmp_path, name="fsanet", version=hub.find("fsanet").card.version, description="mine"), force=True
        )


def test_detectors_are_added_by_the_same_way(tmp_path: Path) -> None:
    card = json.loads((BUNDLED / "detectors" / "face.json").read_text()) | {"name": "faces-of-mine"}
    path = tmp_path / "card-of-mine.json"
    path.write_text(json.dumps(card))
    entry = hub.add_model(path, files=BUNDLED / "detectors")
    assert entry.kind == "detector" and "faces-of-mine" not in hub.list_models()
    assert HeadPose(detector="card:faces-of-mine").detector.name == "faces-of-mine"
    with pytest.raises(CorruptModelError, match="expected the card of a model, got that of a detector"):
        hub.resolve(path)


def test_files_lie_elsewhere_under_their_sha256(tmp_path: Path) -> None:
    card = make_card(tmp_path / "from")
    store_of_all = tmp_path / "by-digest"
    store_of_all.mkdir()
    for file in hub.find(card).card.files.values():
        (card.parent / file.path).rename(store_of_all / file.sha256)
    with pytest.raises(ModelNotFoundError, match=r"cannot read model file .*from.fsanet\.onnx"):
        hub.add_model(card)
    assert len(hub.verify_model(hub.add_model(card, files=store_of_all).label)) == 4


def test_from_a_server_with_redirection_and_progress(server: Server, tmp_path: Path, home: Path) -> None:
    address = serve(server, make_card(tmp_path / "from"), at="/real")
    server.moved["/latest.json"] = address
    server.moved |= {f"/{name}": f"/real/{name}" for name in ("fsanet.onnx", "fsanet.safetensors")}
    server.moved |= {f"/{name}": f"/real/{name}" for name in ("fsanet-int8.onnx", "fsanet-int8.safetensors")}
    seen: list[tuple[str, int, int]] = []
    hub.add_model(f"{server.address}/latest.json", progress=lambda *one: seen.append(one))
    assert len(hub.verify_model("large")) == 4
    assert {name for name, done, total in seen if done == total} == {path[1:] for path in server.moved} - {
        "latest.json"
    }


def test_a_truncated_transfer_goes_on_where_it_stopped(server: Server, tmp_path: Path, home: Path) -> None:
    address = serve(server, make_card(tmp_path / "from"))
    server.cut = 300_000  # more than the card
    with pytest.raises(HubError, match=r"ended after 300000 of \d+ bytes; they are kept, run the same command again"):
        hub.add_model(address)
    assert hub.list_models() == ["fsanet"], "what is half there is not seen"
    server.cut, server.asked = None, []
    hub.add_model(address)
    assert ("/fsanet.safetensors", "bytes=300000-") in server.asked
    assert len(hub.verify_model("large")) == 4 and hidden(home) == []


def test_a_server_without_ranges_and_a_part_of_another_file(server: Server, tmp_path: Path) -> None:
    data = bytes(range(256)) * 40
    entry = FileEntry("a.bin", store.sha256_hex(data), len(data))
    server.files["/a.bin"] = data
    for ranges, left in ((False, data[:99]), (True, b"x" * 99), (True, b"x" * len(data)), (True, b"x" * 10**5)):
        server.ranges = ranges
        (tmp_path / f"{entry.sha256}.part").write_bytes(left)
        download.download(f"{server.address}/a.bin", tmp_path / "a.bin", entry, 5.0, store._silent)
        assert (tmp_path / "a.bin").read_bytes() == data


def test_any_transfer_ends_with_the_file(server: Server, tmp_path: Path) -> None:
    """Whatever was left of an earlier one, and however often it is cut off."""

    @settings(max_examples=30, deadline=None)
    @given(
        data=st.binary(min_size=1, max_size=2000),
        left=st.binary(max_size=2000),
        cut=st.integers(200, 2500),
        ranges=st.booleans(),
    )
    def check(data: bytes, left: bytes, cut: int, ranges: bool) -> None:
        server.files["/a.bin"], server.cut, server.ranges = data, cut, ranges
        entry = FileEntry("a.bin", store.sha256_hex(data), len(data))
        target = tmp_path / "a.bin"
        target.unlink(missing_ok=True)
        (tmp_path / f"{entry.sha256}.part").write_bytes(left)
        for _ in range(2 * (len(data) // cut + 2)):
            try:
                download.download(f"{server.address}/a.bin", target, entry, 5.0, store._silent)
                break
            except HubError:
                assert not target.exists()
        if ranges or cut >= len(data):
            assert target.read_bytes() == data
        else:
            assert not target.exists(), "a server without ranges that always stops early"

    check()


def test_a_shorter_file_than_the_part_that_is_there(server: Server, tmp_path: Path) -> None:
    entry = FileEntry("a.bin", "0" * 64, 1000)
    server.files["/a.bin"] = b"y" * 500
    (tmp_path / f"{entry.sha256}.part").write_bytes(b"y" * 600)
    with pytest.raises(HubError, match="ended after 500 of 1000 bytes"):
        download.download(f"{server.address}/a.bin", tmp_path / "a.bin", entry, 5.0, store._silent)


@pytest.mark.parametrize(("change", "message"), [(b"z", "expected sha256"), (b"zz", "got more")])
def test_a_wrong_file_is_refused_and_nothing_is_left(
    change: bytes, message: str, server: Server, tmp_path: Path, home: Path
) -> None:
    address = serve(server, make_card(tmp_path / "from"))
    server.files["/fsanet-int8.onnx"] = server.files["/fsanet-int8.onnx"][:-1] + change
    with pytest.raises(CorruptModelError, match=message):
        hub.add_model(address)
    assert hub.list_models() == ["fsanet"] and hidden(home) == []


def test_a_file_that_does_not_load_is_refused(tmp_path: Path, home: Path) -> None:
    card = make_card(tmp_path / "from")
    (card.parent / "fsanet.safetensors").write_bytes(b"\x80\x04K\x01.")  # a pickle, which nothing here opens
    data = json.loads(card.read_text())
    file = FileEntry.of(card.parent / "fsanet.safetensors")
    data["files"] = {"safetensors": file.as_dict()}
    card.write_text(json.dumps(data))
    with pytest.raises(CorruptModelError, match=r"fsanet\.safetensors: "):
        hub.add_model(card)
    assert hidden(home) == []


def test_what_the_server_does_not_have(server: Server, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"none\.json: the server has no such file \(404\)"):
        hub.add_model(f"{server.address}/none.json")
    address = serve(server, make_card(tmp_path / "from"))
    del server.files["/fsanet.onnx"]
    with pytest.raises(ModelNotFoundError, match=r"/fsanet\.onnx: the server has no such file"):
        hub.add_model(address)


def test_addresses_that_are_not_opened(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for address in (
        "http://example.org/card.json",
        "ftp://example.org/card.json",
        "file:///etc/card.json",
        "https://[x",
    ):
        with pytest.raises(HubError, match="expected an address with https://"):
            hub.add_model(address)
    server.moved["/card.json"] = "http://example.org/card.json"
    with pytest.raises(HubError, match=r"expected an address with https://.*example\.org"):
        hub.add_model(f"{server.address}/card.json")
    card = make_card(tmp_path / "from")
    server.asked = []
    with pytest.raises(HubError, match=r"offline: .* is not opened"):
        hub.add_model(f"{server.address}/card.json", offline=True)
    monkeypatch.setenv("HPE_EDGE_OFFLINE", "1")
    for arguments in ((f"{server.address}/card.json", None), (card, server.address)):
        with pytest.raises(HubError, match="offline"):
            hub.add_model(arguments[0], files=arguments[1])
    assert server.asked == []
    assert hub.add_model(card).label == "large@1.0.0", "a folder is no address"


def test_nobody_there() -> None:
    with pytest.raises(HubError, match="no connection"):
        hub.add_model("http://127.0.0.1:9/card.json", timeout_s=5.0)


def test_a_full_disk(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = make_card(tmp_path / "from")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 10, 5))  # type: ignore[attr-defined]
        with pytest.raises(HubError, match=r"expected \d+ free bytes .* got 5"):
            hub.add_model(card)

    def full(read: Any, writer: IO[bytes], *_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), writer.name)

    monkeypatch.setattr(download, "_pour", full)
    with pytest.raises(HubError, match="the disk is full"):
        hub.add_model(card)
    assert hub.list_models() == ["fsanet"]


@pytest.mark.parametrize(
    "changes", [{"name": "../up"}, {"version": "1/2"}, {"name": "a@b"}, {"version": ".."}, {"name": "a b"}]
)
def test_names_that_are_no_plain_names(changes: dict[str, Any], tmp_path: Path, home: Path) -> None:
    card = make_card(tmp_path / "from")
    card.write_text(json.dumps(json.loads(card.read_text()) | changes))
    with pytest.raises(InvalidArgumentError, match="expected letters, digits"):
        hub.add_model(card)
    assert not home.exists()


def test_a_damaged_model_is_told_and_mended_by_adding_it_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = make_card(tmp_path / "from")
    folder = hub.add_model(card).card_path.parent
    (folder / "fsanet-int8.onnx").write_bytes(b"damaged")
    with pytest.raises(CorruptModelError, match=r"fsanet-int8\.onnx: expected sha256"):
        hub.verify_model("large")
    assert main(["models", "verify", "--json"]) == 2
    assert [one["ok"] for one in json.loads(capsys.readouterr().out)] == [True, False, True]
    hub.add_model(card)
    assert main(["models", "verify"]) == 0
    assert capsys.readouterr().out.count("4 files have their sha256, 2 loaded") == 2


def test_a_process_that_died_while_it_replaced(tmp_path: Path, home: Path) -> None:
    card = make_card(tmp_path / "from")
    folder = hub.add_model(card).card_path.parent
    folder.rename(folder.with_name(f".{folder.name}~old"))
    with pytest.raises(InvalidArgumentError, match="--force"):
        hub.add_model(make_card(tmp_path / "other", description="other"))
    assert hub.find("large").card == hub.find(card).card


def test_removing(tmp_path: Path, home: Path) -> None:
    for version in ("1.0", "1.1"):
        hub.add_model(make_card(tmp_path / version, version=version))
    with pytest.raises(InvalidArgumentError, match=r"expected one of \['large@1.0', 'large@1.1'\], got 'large'"):
        hub.remove_model("large")
    hub.remove_model("large@1.0")
    hub.remove_model("large")
    assert hub.list_models() == ["fsanet"] and list((home / "models").iterdir()) == []
    for name in ("fsanet", "large", "*", "../models"):
        with pytest.raises(ModelNotFoundError):
            hub.remove_model(name)


def _add_in_another_process(card: str) -> None:
    hub.add_model(card)


def test_two_processes_add_one_model(server: Server, tmp_path: Path, home: Path) -> None:
    address = serve(server, make_card(tmp_path / "from"))
    context = multiprocessing.get_context("spawn")
    team = [context.Process(target=_add_in_another_process, args=(address,)) for _ in range(2)]
    for process in team:
        process.start()
    for process in team:
        process.join()
    assert [process.exitcode for process in team] == [0, 0]
    assert sum(path == "/fsanet.onnx" for path, _ in server.asked) == 1, "the second one found it there"
    assert len(hub.verify_model("large")) == 4 and hidden(home) == []


def test_the_users_folder(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    assert hub.user_folder() == home
    monkeypatch.delenv("HPE_EDGE_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    monkeypatch.setenv("LOCALAPPDATA", "/local")
    monkeypatch.setenv("HOME", "/home/me")
    from hpe_edge.hub.entries import _data_folder

    assert [str(_data_folder(name)) for name in ("linux", "win32", "darwin")] == [
        "/data",
        "/local",
        "/home/me/Library/Application Support",
    ]
    monkeypatch.delenv("XDG_DATA_HOME")
    assert str(_data_folder("linux")) == "/home/me/.local/share"


def test_the_command(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    address = serve(server, make_card(tmp_path / "from"))
    assert main(["models", "add", address, "--offline"]) == 2
    assert "offline" in capsys.readouterr().err
    assert main(["models", "add", address, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "large"
    assert main(["models", "add", address, "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["models", "list"]) == 0
    assert "large            1.0.0    model    added" in capsys.readouterr().out
    assert main(["models", "info", "face"]) == 0
    assert "face-int8.safetensors" in capsys.readouterr().out
    assert main(["models", "remove", "large"]) == 0
    assert "large@1.0.0" in capsys.readouterr().out
    assert hub.list_models() == ["fsanet"]
