"""The command line: output forms, and bad input as one line and exit code 2."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_models import MakeModel, card_dict, mean_network

from hpe_edge.cli import main
from hpe_edge.images import read_image, write_image

BOX = ["--box", "10", "10", "40", "40"]


@pytest.fixture
def photo(tmp_path: Path) -> str:
    path = tmp_path / "photo.png"
    write_image(path, np.full((48, 64, 3), (10, 20, 30), np.uint8))
    return str(path)


def _fails(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 2
    streams = capsys.readouterr()
    assert streams.out == "" and "Traceback" not in streams.err
    assert streams.err.count("\n") == 1 and streams.err.startswith("hpe-edge: error: ")
    return streams.err


def test_a_table(make_model: MakeModel, photo: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", photo, *BOX, "--box", "5", "5", "30", "30", "--model", str(make_model())]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["face", "yaw", "pitch", "roll", "box"]
    assert lines[1].split() == ["0", "+10.0°", "+20.0°", "+30.0°", "10", "10", "40", "40"]
    assert lines[2].split()[0] == "1" and "onnxruntime (CPUExecutionProvider)" in lines[3]


# On the photograph's grey of 10, 20, 30 this network says log_std = 0.1, 0.2, 0.3.
SURE = {"output": "log_std", "scale": [1.0, 10.0, 100.0]}


@pytest.fixture
def sure_model(make_model: MakeModel) -> str:
    head = card_dict()["head"] | {"spread": SURE}
    return str(make_model(mean_network(8, 6, log_std=0.01), head=head))


def test_a_table_with_the_spread(sure_model: str, photo: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", photo, *BOX, "--model", sure_model]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["0", "+10.0°", "±1.1", "+20.0°", "±12.2", "+30.0°", "±135.0", "10", "10", "40", "40"]
    for name, angle in (("yaw", "±1.1"), ("pitch", "±12.2"), ("roll", "±135.0"), ("box", "10 10 40 40")):
        end = len(name) if name != "box" else 0
        assert lines[0].index(name) + end == lines[1].index(angle) + (len(angle) if end else 0)


def test_json_with_the_spread(sure_model: str, photo: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", photo, *BOX, "--json", "--model", sure_model]) == 0
    std_deg = json.loads(capsys.readouterr().out)["poses"][0]["std_deg"]
    assert std_deg == pytest.approx([np.exp(0.1), 10 * np.exp(0.2), 100 * np.exp(0.3)], rel=1e-4)


def test_json(make_model: MakeModel, photo: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", photo, "--crop", "--json", "--model", str(make_model())]) == 0
    result = json.loads(capsys.readouterr().out)
    assert [round(result["poses"][0][f"{name}_deg"]) for name in ("yaw", "pitch", "roll")] == [10, 20, 30]
    assert result["poses"][0]["std_deg"] == [None, None, None], "this model has no spread"
    assert result["photo"] == photo and result["info"]["model"] == "tiny"


def test_quiet(make_model: MakeModel, photo: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", photo, *BOX, "--quiet", "--model", str(make_model())]) == 0
    assert capsys.readouterr().out == "10.00 20.00 30.00\n"


def test_draw(make_model: MakeModel, photo: str, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    assert main(["estimate", photo, *BOX, "--draw", str(out), "--model", str(make_model())]) == 0
    assert (read_image(out) != read_image(photo)).any()


def test_models_list_and_info(make_model: MakeModel, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list"]) == 0
    assert "fsanet" in capsys.readouterr().out
    assert main(["models", "list", "--json"]) == 0
    assert {"fsanet", "face"} <= {entry["name"] for entry in json.loads(capsys.readouterr().out)}
    card = str(make_model())
    assert main(["models", "info", card]) == 0
    assert "tiny.onnx" in capsys.readouterr().out
    assert main(["models", "info", card, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(Path(card).read_text())


def test_bad_input_is_one_line_and_exit_code_2(
    make_model: MakeModel, photo: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ["--model", str(make_model())]
    text = tmp_path / "text.jpg"
    text.write_text("no image")
    assert "text file" in _fails(capsys, "estimate", str(text), "--crop", *model)
    assert "No such file" in _fails(capsys, "estimate", "none.jpg", "--crop", *model)
    assert "finite" in _fails(capsys, "estimate", photo, "--box", "nan", "0", "9", "9", *model)
    assert "box" in _fails(capsys, "estimate", photo, "--box", "100", "0", "190", "9", *model)
    assert "got 'nonesuch'" in _fails(capsys, "estimate", photo, "--crop", "--model", "nonesuch")
    assert "cannot write" in _fails(capsys, "estimate", photo, "--crop", "--draw", "out.txt", *model)
    assert "another file" in _fails(capsys, "estimate", photo, "--crop", "--draw", photo, *model)
    assert "threads" in _fails(capsys, "estimate", photo, "--crop", "--threads", "0", *model)
    assert "got 'x.onnx'" in _fails(capsys, "models", "info", "x.onnx")


def test_a_missing_extra_is_one_line_and_exit_code_2(
    make_model: MakeModel, photo: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    message = _fails(capsys, "estimate", photo, "--crop", "--model", str(make_model()))
    assert "pip install 'hpe-edge[video]'" in message


@pytest.mark.parametrize("arguments", [[], ["estimate", "a.png", *BOX, "--crop"]])
def test_usage_errors_have_exit_code_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


@pytest.mark.parametrize("command", ["estimate", "models"])
def test_help_shows_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert f"hpe-edge {command}" in capsys.readouterr().out.partition("examples:")[2]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0 and capsys.readouterr().out.startswith("hpe-edge 0.")


def test_a_photo_without_faces_says_so(photo: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", photo]) == 0
    assert capsys.readouterr().out.startswith("no face found; --box")
    assert main(["estimate", photo, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["poses"] == []
