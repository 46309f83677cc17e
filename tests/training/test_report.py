"""The report of an evaluation: its files, and that its page needs nothing but itself."""

from __future__ import annotations

import base64
import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("cv2")
pytest.importorskip("matplotlib")

import cv2
import fake_photos
from hpe_edge.training.data.aflw2000 import aflw2000
from hpe_edge.training.data.pointing04 import pointing04
from hpe_edge.training.data.samples import Sample
from hpe_edge.training.evaluation.evaluate import Evaluation, truth_of
from hpe_edge.training.evaluation.reports import cases
from hpe_edge.training.evaluation.reports.files import write_report
from hpe_edge.training.evaluation.reports.page import table

from hpe_edge.cli import main

PHOTOS = [(10.0, 20.0, 30.0), (16.0, 20.0, 27.0), (-50.0, 20.0, 30.0)]
ALWAYS = {"scatter.png", "yaw_bins.png", "errors.png", "worst.png", "random.png"}


class Page(HTMLParser):
    """Collects the addresses, pictures and text of a page; fails on a tag that is not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.pictures: list[bytes] = []
        self.tags: list[str] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "srcset", "action"):
                self.addresses.append(value or "")
        if tag == "img":
            self.pictures.append(base64.b64decode(self.addresses[-1].partition(",")[2], validate=True))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def evaluated(samples: list[Sample], std_deg: float | None = None) -> Evaluation:
    """Predictions that miss by 0, 5, 10, ... degrees of yaw."""
    truth = truth_of(samples)
    predicted = np.nan_to_num(truth)
    predicted[:, 0] += 5.0 * np.arange(len(samples), dtype=np.float32)
    std = None if std_deg is None else np.full_like(predicted, std_deg)
    return Evaluation(tuple(s.name for s in samples), truth, predicted, std)


def report_of(evaluation: Evaluation, **more: Any) -> dict[str, Any]:
    calibration = evaluation.calibration
    return {
        "model": "tiny <b>", "dataset": "fake", "protocol": "all", "count": len(evaluation.names), "dropped": 2,
        "members": [], "flip": False, "command": "hpe-edge evaluate", "metrics": evaluation.metrics.as_dict(),
        "calibration": None if calibration is None else calibration.as_dict(),
    } | more  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of three photographs with a spread, written once."""
    folder = tmp_path_factory.mktemp("report")
    written(folder / "out", aflw2000(fake_photos.write_aflw2000(folder, PHOTOS)), 4.0)
    return folder / "out"


def written(folder: Path, samples: list[Sample], std_deg: float | None = None, **more: Any) -> Page:
    evaluation = evaluated(samples, std_deg)
    write_report(folder, samples, evaluation, report_of(evaluation, **more))
    return Page((folder / "report.html").read_text(encoding="utf-8"))


def test_command_writes_a_report(tmp_path: Path, make_model: Any) -> None:
    pytest.importorskip("onnxruntime")
    photos, out = fake_photos.write_aflw2000(tmp_path, PHOTOS), tmp_path / "report"
    arguments = ["evaluate", "--dataset", "aflw2000", "--path", photos, "--model", make_model(), "--out", out]
    assert main([*map(str, arguments), "--margin-curve", "--fit-pitch-zero"]) == 0
    report = json.loads((out / "report.json").read_text())
    assert report["metrics"]["count"] == 3
    assert {path.name for path in out.glob("*.png")} == ALWAYS | {"margin_curve.png"}
    rows = list(csv.DictReader((out / "predictions.csv").open()))
    assert [row["name"] for row in rows] == ["image00002", "image00003", "image00004"]
    assert float(rows[0]["predicted_roll"]) == pytest.approx(30, abs=1.5)
    page = Page((out / "report.html").read_text(encoding="utf-8"))
    for part in (f"{report['metrics']['mae_deg']:.2f}°", report["members"][0]["weights_sha256"], "Crop margin",
                 "Rotating by", "gives no spread"):  # fmt: skip
        assert part in page.text


def test_page_needs_nothing_but_itself(folder: Path) -> None:
    html = (folder / "report.html").read_text(encoding="utf-8")
    page = Page(html)
    assert page.addresses and all(address.startswith("data:image/") for address in page.addresses)
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert not re.search(r"https?:|url\(|@import", html)
    assert "tiny <b> on fake" in page.text and "<b> on fake" not in html  # escaped


def test_page_shows_every_case_worst_first(folder: Path) -> None:
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    plots, photos = page.pictures[:5], page.pictures[5:]
    assert all(data.startswith(b"\x89PNG") for data in plots)
    shapes = {cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape for data in photos}
    assert len(photos) == 6 and shapes == {(320, 320, 3)}
    shown = re.findall(r"image\d{5}: error [\d.]+\d", page.text)
    assert shown[:3] == ["image00004: error 10.0", "image00003: error 5.0", "image00002: error 0.0"]
    assert {line.split(":")[0] for line in shown[3:]} == {"image00002", "image00003", "image00004"}


def test_spread_is_shown_where_there_is_one(folder: Path, tmp_path: Path) -> None:
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    assert {path.name for path in folder.glob("*.png")} == ALWAYS | {"reliability.png", "sparsification.png"}
    assert "within 1 sigma (nominal 68.3 %)" in page.text and "spread4.04.04.0" in page.text
    rows = list(csv.DictReader((folder / "predictions.csv").open()))
    assert [row["std_yaw"] for row in rows] == ["4.000"] * 3
    without = written(tmp_path / "without", aflw2000(fake_photos.write_aflw2000(tmp_path, PHOTOS)))
    assert "gives no spread" in without.text and "sigma" not in without.text
    assert {path.name for path in (tmp_path / "without").glob("*.png")} == ALWAYS


def test_labels_without_roll_and_one_sample(tmp_path: Path) -> None:
    samples = pointing04(fake_photos.write_pointing04(tmp_path))
    page = written(tmp_path / "many", samples, 4.0)
    assert "mean absolute error of yaw and pitch" in page.text and "nan" not in page.text.lower()
    assert "Ranked by the mean error of the labelled angles" in page.text
    rows = list(csv.DictReader((tmp_path / "many" / "predictions.csv").open()))
    assert {row["true_roll"] for row in rows} == {""}
    one = written(tmp_path / "one", samples[:1], 4.0)
    assert "fake: 1 images" in one.text and len(one.pictures) == 7


def test_seed_chooses_the_random_cases(tmp_path: Path) -> None:
    samples = aflw2000(fake_photos.write_aflw2000(tmp_path, PHOTOS * 5))
    evaluation = evaluated(samples)
    first, again, other = (cases.at_random(evaluation, seed, 6).tolist() for seed in (0, 0, 1))
    assert first == again != other and len(set(first)) == 6


def test_axes_of_truth_and_prediction_coincide_only_when_they_agree(tmp_path: Path) -> None:
    (sample,) = aflw2000(fake_photos.write_aflw2000(tmp_path, PHOTOS[:1]))
    truth = np.array([30, 30, 0], np.float32)
    same, other = (cases.picture(sample, truth, np.array(p, np.float32)) for p in ([30, 30, 0], [-30, 30, 0]))
    side = 176
    assert same.shape == other.shape == (side, side, 3)
    # +yaw: the nose points to image-left; the blue axis of the prediction is on that side only.
    blue = [np.argwhere(p[..., 0].astype(int) - p[..., 2] > 100)[:, 1].mean() for p in (same, other)]
    assert blue[0] < side / 2 - 5 and blue[1] > side / 2 + 5


def test_table_escapes() -> None:
    html = table("| a | <i> |\n|---|---|\n| 1 | 2 & 3 |")
    assert "<th>&lt;i&gt;</th>" in html and "<td>2 &amp; 3</td>" in html
