"""Several reports as one table: rows, columns, notes, and files that are no reports."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hpe_edge.training.evaluation import compare_command
from hpe_edge.training.evaluation.calibration import calibrate
from hpe_edge.training.evaluation.metrics import measure
from hpe_edge.training.evaluation.reports.comparison import Note, collect, read_notes, read_report, table

from hpe_edge.errors import DatasetError, InvalidArgumentError

SHA = {"a": "a" * 64, "b": "b" * 64}


def report(model: str, dataset: str, error_deg: float = 2.0, **changes: Any) -> dict[str, Any]:
    """An evaluation of ten heads whose every angle is missed by ``error_deg``; Pointing'04 has no roll."""
    truth = np.zeros((10, 3))
    truth[:, 0] = np.linspace(0, 90, 10)
    if dataset == "pointing04":
        truth[:, 2] = np.nan
    member = {"model": model, "weights_sha256": SHA.get(model, "c" * 64), "crop": "margin 0.4",
              "parameters": 1234567, "input_px": [64, 64]}  # fmt: skip
    return {
        "model": model, "members": [member], "flip": False, "dataset": dataset, "protocol": "all", "count": 10,
        "metrics": measure(truth, np.nan_to_num(truth) + error_deg).as_dict(), "calibration": None,
    } | changes  # fmt: skip


def write(folder: Path, *reports: dict[str, Any]) -> list[Path]:
    paths = []
    for index, content in enumerate(reports):
        path = folder / str(index) / "report.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(content), encoding="utf-8")
        paths.append(path)
    return paths


def command(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    compare_command.add_parser(parser.add_subparsers())
    options = parser.parse_args(["compare", *map(str, arguments)])
    return int(options.func(options))


def test_one_row_a_method_and_one_group_of_columns_a_data_set() -> None:
    rows = collect([report("a", "aflw2000"), report("b", "aflw2000", 4.0), report("a", "pointing04", 3.0)])
    lines = table(rows).splitlines()
    assert [cell.strip() for cell in lines[0].strip("|").split("|")] == [
        "method", "parameters", "input", "aflw2000 (10): yaw", "pitch", "roll", "mean", "geodesic",
        "pointing04 (10): yaw", "pitch", "mean",
    ]  # fmt: skip
    geodesic = [f"{row.scores['aflw2000 (10)']['metrics']['geodesic_deg']:.2f}" for row in rows]
    assert lines[2] == f"| a | 1,234,567 | 64x64 | 2.00 | 2.00 | 2.00 | 2.00 | {geodesic[0]} | 3.00 | 3.00 | 3.00 |"
    assert lines[3] == f"| b | 1,234,567 | 64x64 | 4.00 | 4.00 | 4.00 | 4.00 | {geodesic[1]} |  |  |  |"


def test_notes_name_order_and_quote_the_papers() -> None:
    notes = [Note("b" * 8, "Second method", "4.5"), Note("a", paper="5.25")]
    fused = report("a + b", "aflw2000", members=[report(m, "aflw2000")["members"][0] for m in "ab"])
    rows = collect([report("a", "aflw2000"), fused, report("b", "aflw2000")], notes)
    assert [(row.method, row.paper) for row in rows] == [("Second method", "4.5"), ("a", "5.25"), ("a + b", "")]
    assert rows[2].parameters == 2 * 1234567
    lines = table(rows).splitlines()
    assert lines[0].endswith("| paper |") and lines[2].endswith("| 4.5 |")


def test_what_differs_between_rows_of_one_name_is_told() -> None:
    other = report("a", "aflw2000")
    other["members"][0] |= {"crop": "margin 0.6"}
    rows = collect([report("a", "aflw2000"), other, report("a", "aflw2000", flip=True)], [Note("a", "A")])
    assert [row.method for row in rows] == ["A, margin 0.4", "A, margin 0.6", "A, margin 0.4, flip averaged"]
    retrained = report("a", "aflw2000")
    retrained["members"][0] |= {"weights_sha256": "d" * 64}
    rows = collect([report("a", "aflw2000"), retrained])
    assert [row.method for row in rows] == ["a, aaaaaaaa", "a, dddddddd"]


def test_data_sets_of_other_size_or_protocol_have_their_own_columns() -> None:
    small, strict = report("a", "aflw2000", count=5), report("a", "aflw2000", protocol="within 99")
    (row,) = collect([report("a", "aflw2000"), small, strict])
    assert list(row.scores) == ["aflw2000 (10, all)", "aflw2000 (5)", "aflw2000 (10, within 99)"]


def test_spread_columns() -> None:
    calibration = calibrate(np.ones((4, 3)), np.array([[0.4, 0.6, 2.0]] * 4)).as_dict()
    rows = collect([report("a", "aflw2000", calibration=calibration), report("b", "aflw2000")])
    lines = table(rows, spread=True).splitlines()
    assert lines[0].endswith("| within 1 sigma, % | within 2 sigma, % |")
    assert lines[2].endswith("| 33.3 | 66.7 |") and lines[3].endswith("|  |  |")


def test_constant_has_neither_weights_nor_size() -> None:
    (row,) = collect([report("constant: mean label", "aflw2000", members=[])])
    assert table([row]).splitlines()[2].startswith("| constant: mean label |  |  | 2.00 |")


def test_command_prints_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    paths = write(tmp_path, report("a", "pointing04"), report("b", "aflw2000"), report("b", "pointing04"))
    notes, out = tmp_path / "notes.toml", tmp_path / "out"
    notes.write_text('[[method]]\nmodel = "b"\nname = "B"\npaper = 5.25\n[[method]]\nmodel = "x"\n', encoding="utf-8")
    assert command(paths[0].parent, *paths[1:], "--notes", notes, "--out", out) == 0
    printed = capsys.readouterr()
    assert printed.out == (out / "compare.md").read_text(encoding="utf-8")
    assert printed.out.splitlines()[2].startswith("| B |") and "| 5.25 |" in printed.out
    assert "no report of 'x'; left out" in printed.err
    assert [row["method"] for row in json.loads((out / "compare.json").read_text(encoding="utf-8"))] == ["B", "a"]
    assert (out / "yaw_bins.png").read_bytes().startswith(b"\x89PNG")
    assert command(*paths, "--json") == 0
    assert [row["method"] for row in json.loads(capsys.readouterr().out)] == ["a", "b"]


def test_notes_as_json(tmp_path: Path) -> None:
    path = tmp_path / "notes.json"
    path.write_text(json.dumps({"method": [{"model": "a", "paper": 5}]}), encoding="utf-8")
    assert read_notes(path) == [Note("a", "", "5")]


@pytest.mark.parametrize(
    "content",
    ["", "method = 3", "[[method]]\nname = 'a'", "[[method]]\nmodel = 'a'\nmae = 1", "[[method]]\nmodel = true"],
)
def test_bad_notes(tmp_path: Path, content: str) -> None:
    path = tmp_path / "notes.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidArgumentError, match=r"notes.toml: expected \[\[method\]\] tables"):
        read_notes(path)
    with pytest.raises(InvalidArgumentError, match=r"absent.toml: expected"):
        read_notes(tmp_path / "absent.toml")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "expected a report.json of hpe-edge evaluate, got: Expecting value"),
        (json.dumps(report("a", "aflw2000"))[:500], "expected a report.json of hpe-edge evaluate"),  # truncated
        ("[]", "it lacks"),
        ("3", "expected a report.json of hpe-edge evaluate, got"),
        (json.dumps({"model": "a", "mae_deg": 1}), r"it lacks \['members', 'flip'"),
        (json.dumps(report("a", "aflw2000", metrics=None)), "expected a report.json of hpe-edge evaluate"),
        (json.dumps(report("a", "aflw2000", metrics={"by_yaw": [{}]})), r"it lacks \['metrics.yaw_deg'"),
    ],
)
def test_files_that_are_no_reports(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DatasetError, match=message):
        read_report(path)


def test_what_the_command_refuses(tmp_path: Path) -> None:
    (path,) = write(tmp_path, report("a", "aflw2000"))
    with pytest.raises(InvalidArgumentError, match=r"expected one of 'a' \(margin 0.4\) on aflw2000 \(10\), got two"):
        command(path, path.parent)
    with pytest.raises(DatasetError, match=r"absent: expected a report.json"):
        command(tmp_path / "absent")
    with pytest.raises(InvalidArgumentError, match="--out: expected a folder"):
        command(path, "--out", path)
