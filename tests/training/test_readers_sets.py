"""The data sets by name: counts, protocols as data, crop recipes, and ``hpe-edge datasets``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cv2")
pytest.importorskip("scipy")

import fake_photos
from hpe_edge.training.data import catalog, command
from hpe_edge.training.data.catalog import DATASETS, select
from hpe_edge.training.data.pointing04 import box_from_face, pointing04
from hpe_edge.training.data.protocols import PROTOCOLS, protocol, read_part
from hpe_edge.training.data.w300lp import w300lp
from hpe_edge.training.evaluation.crops import CROP_RECIPES, Crop, Sides, on_black, one_after_another

from hpe_edge.cli import main
from hpe_edge.errors import DatasetError, InvalidArgumentError
from hpe_edge.rotation import euler_to_rotation

COUNTS = {"aflw2000": 2000, "300wlp": 122_450, "300wlp-unflipped": 61_225, "biwi": 15_678, "aflw": 24_386,
          "afw": 468, "pointing04": 2790}  # fmt: skip


def biwi_poses(*yaws: float) -> list[np.ndarray]:
    return list(euler_to_rotation([[yaw, 0.0, 0.0] for yaw in yaws]))


def test_published_counts_and_facts() -> None:
    assert {name: data.counts[0] for name, data in DATASETS.items() if data.counts} == COUNTS
    assert all(data.layout and data.source and data.terms and data.scored for data in DATASETS.values())


def test_every_set_is_read_by_name(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    places = {
        "aflw2000": fake_photos.write_aflw2000(tmp_path, [(10.0, 0.0, 0.0), (0.0, 120.0, 0.0)]),
        "300wlp": fake_photos.write_300wlp(tmp_path),
        "pointing04": fake_photos.write_pointing04(tmp_path / "p"),
        "biwi": fake_photos.write_biwi(tmp_path, {"01": biwi_poses(0, 10), "04": biwi_poses(20)}),
        "aflw": fake_photos.write_aflw(tmp_path / "aflw", [(0.2, 0.0, 0.0), (1.9, 0.0, 0.0)]),
        "afw": fake_photos.write_afw(tmp_path / "afw", {"a.jpg": [((20, 15, 40, 45), (-45, 0, 15))]}),
    }
    found = {name: select(name, path) for name, path in places.items()}
    assert {name: (s.found, len(s.samples), s.dropped) for name, s in found.items()} == {
        "aflw2000": (2, 1, 1), "300wlp": (3, 2, 1), "pointing04": (5, 3, 2), "biwi": (3, 3, 0), "aflw": (2, 1, 1),
        "afw": (1, 1, 0),
    }  # fmt: skip
    assert found["afw"].protocol == "all; yaw only"
    assert [s.name[:2] for s in select("biwi-test", places["biwi"]).samples] == ["04"]
    assert [s.name[:2] for s in select("biwi-train", places["biwi"]).samples] == ["01", "01"]
    assert len(select("300wlp-unflipped", places["300wlp"], all_poses=True).samples) == 2
    everything = select("aflw", places["aflw"], all_poses=True)
    assert (len(everything.samples), everything.protocol) == (2, "all")


def test_a_limit_counts_what_is_scored(tmp_path: Path) -> None:
    folder = fake_photos.write_pointing04(tmp_path)
    assert len(select("pointing04", folder, limit=2).samples) == 2
    assert select("pointing04", folder, limit=2).dropped == 2


def test_pointing04_as_published_reads_like_its_csv(tmp_path: Path) -> None:
    csv = pointing04(fake_photos.write_pointing04(tmp_path / "csv"))
    texts = pointing04(fake_photos.write_pointing04_texts(tmp_path / "texts"))
    assert sorted(s.name for s in texts) == sorted(s.name for s in csv)
    by_name = {s.name: s for s in texts}
    for sample in csv:
        np.testing.assert_array_equal(by_name[sample.name].euler_deg, sample.euler_deg)
        np.testing.assert_array_equal(by_name[sample.name].box_xyxy, sample.box_xyxy)
        assert by_name[sample.name].group == sample.group == "Person01"


def test_damaged_texts_of_pointing04(tmp_path: Path) -> None:
    folder = fake_photos.write_pointing04_texts(tmp_path)
    text = folder / "Person01" / "person01100+0+0.txt"
    text.write_text("person01100+0+0.jpg\n\nFace\n30\n30\n", encoding="ascii")
    with pytest.raises(DatasetError, match=r"person01100\+0\+0\.txt: expected numbers"):
        pointing04(folder)
    text.unlink()
    with pytest.raises(DatasetError, match=r"expected Person01/person01100\+0\+0\.txt beside .*\.jpg, got no such"):
        pointing04(folder)


def test_300wlp_groups_the_views_of_a_face(tmp_path: Path) -> None:
    root = fake_photos.write_300wlp_views(tmp_path, faces=2, views=3)
    samples = w300lp(root)
    assert len(samples) == 12 and len(w300lp(root, flipped=False)) == 6
    groups = {s.group for s in samples}
    assert groups == {"HELEN_000_1", "HELEN_001_1"}
    assert sum(s.group == "HELEN_000_1" for s in samples) == 6  # three views and their mirror images


def test_a_set_that_is_not_whole_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = fake_photos.write_biwi(tmp_path, {"01": biwi_poses(0, 10)})
    with pytest.raises(DatasetError, match="expected the whole of biwi, 15,678 samples, got 2: unpack the missing"):
        select("biwi", root, expect_whole=True)
    with pytest.raises(DatasetError, match="122,450 or 61,225 samples, got 3"):
        select("300wlp", fake_photos.write_300wlp(tmp_path), expect_whole=True)
    monkeypatch.setitem(catalog.DATASETS, "biwi", catalog._biwi(("01",), counts=(2,)))
    assert len(select("biwi", root, expect_whole=True).samples) == 2
    for wrong in ({"limit": 1}, {"boxes": tmp_path / "boxes.csv"}):
        with pytest.raises(InvalidArgumentError, match="expect_whole: expected a whole data set"):
            select("biwi", root, expect_whole=True, **wrong)
    with pytest.raises(InvalidArgumentError, match="with a published count, got 'biwi-test'"):
        select("biwi-test", root, expect_whole=True)


def test_boxes_are_for_sets_without_their_own(tmp_path: Path) -> None:
    folder = fake_photos.write_aflw2000(tmp_path, [(10.0, 0.0, 0.0)])
    with pytest.raises(InvalidArgumentError, match="boxes: expected none for 'aflw2000'"):
        select("aflw2000", folder, boxes=tmp_path / "boxes.csv")
    table = tmp_path / "boxes.csv"
    table.write_text("path,x0,y0,x1,y1\n04/frame_00003_rgb.png,1,2,3,4\n")
    root = fake_photos.write_biwi(tmp_path, {"04": biwi_poses(0, 10)})
    np.testing.assert_array_equal(select("biwi-test", root, boxes=table).samples[0].box_xyxy, [1, 2, 3, 4])


def test_nothing_left_to_score(tmp_path: Path) -> None:
    folder = fake_photos.write_aflw2000(tmp_path, [(0.0, 120.0, 0.0)])
    with pytest.raises(DatasetError, match=r"expected samples to score \(every angle within \+-99\), got none of 1"):
        select("aflw2000", folder)


def test_protocols_name_sets_and_crops_that_exist() -> None:
    for name, papers in PROTOCOLS.items():
        assert papers.train and papers.test and papers.source, name
        for part in (*papers.train, *papers.test):
            assert part.dataset in DATASETS and part.crop in CROP_RECIPES, name
        assert not {p.dataset for p in papers.train} & {p.dataset for p in papers.test}, name
    assert [(p.dataset, p.count) for p in protocol("1").test] == [("aflw2000", 1969), ("biwi", 13219)]
    assert [p.dataset for p in (*protocol("2").train, *protocol("2").test)] == ["biwi-train", "biwi-test"]
    assert sum(p.count or 0 for p in (*protocol("2").train, *protocol("2").test)) == 15_678
    with pytest.raises(InvalidArgumentError, match="protocol: expected one of"):
        protocol("3")


def test_a_part_of_a_protocol_is_read(tmp_path: Path) -> None:
    folder = fake_photos.write_aflw2000(tmp_path, [(10.0, 0.0, 0.0), (0.0, 120.0, 0.0)])
    assert read_part(protocol("1").test[0], folder).dropped == 1


def test_hopenets_crop_is_its_code_line_by_line() -> None:
    x_min, y_min, x_max, y_max = 100.0, 120.0, 180.0, 220.0
    box = np.array([[x_min, y_min, x_max, y_max]], np.float32)
    k = 0.20  # datasets.py, AFLW2000
    x_min -= 2 * k * abs(x_max - x_min)
    y_min -= 2 * k * abs(y_max - y_min)
    x_max += 2 * k * abs(x_max - x_min)
    y_max += 0.6 * k * abs(y_max - y_min)
    side = min(x_max - x_min, y_max - y_min)  # Scale(224): the shorter side; CenterCrop(224)
    cx, cy = (x_min + x_max) / 2, (y_min + y_max) / 2
    expected = [cx - side / 2, cy - side / 2, cx + side / 2, cy + side / 2]
    for name, share in (("hopenet", 1.0), ("6drepnet", 224 / 256)):
        recipe = CROP_RECIPES[name]
        assert recipe is not None and recipe.by_window
        middle = np.array([cx, cy, cx, cy])
        np.testing.assert_allclose(
            recipe.windows(box, (450, 450))[0], middle + share * (np.array(expected) - middle), atol=1e-3
        )
    assert one_after_another(0.1, 0.2, 0.3, 0.4) == pytest.approx(Sides(0.1, 0.2, 0.33, 0.48))


def test_recipes_in_words() -> None:
    assert Crop(0.0, square=False) == CROP_RECIPES["tight"]
    hopenet = CROP_RECIPES["hopenet"]
    assert hopenet is not None and hopenet.describe() == (
        "margins left 0.4, top 0.4, right 0.56, bottom 0.168, not squared, black outside, "
        "centred square of 1 of the shorter side"
    )


def test_black_outside_only_where_the_window_reaches() -> None:
    image = np.full((10, 20, 3), 200, np.uint8)
    same, windows = on_black(image, np.array([[1, 1, 19, 9]], np.float32))
    assert same.shape == image.shape and windows.tolist() == [[1, 1, 19, 9]]
    padded, moved = on_black(image, np.array([[-2.5, 1, 19, 12.2]], np.float32))
    assert padded.shape == (13, 23, 3)
    np.testing.assert_allclose(moved, [[0.5, 1, 22, 12.2]], atol=1e-5)
    assert padded[:, :3].max() == 0 and padded[10:].max() == 0 and padded[:10, 3:].min() == 200


def run(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    options = parser.parse_args(["datasets", *map(str, arguments)])
    return int(options.func(options))


def test_the_command_lists_and_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    assert "biwi: 15,678; every angle within +-99" in capsys.readouterr().out
    assert run("--json") == 0
    assert {row["name"] for row in json.loads(capsys.readouterr().out)} == set(DATASETS)
    folder = fake_photos.write_pointing04(tmp_path)
    assert run("--check", "pointing04", folder) == 1  # not as large as published
    out = capsys.readouterr().out
    assert "pointing04: 5 samples found (2,790 expected)" in out and "scored: 3" in out
    assert "yaw: -60.0 to +90.0 degrees" in out and "roll: not labelled" in out
    root = fake_photos.write_biwi(tmp_path, {"04": biwi_poses(0, 10)})
    assert run("--check", "biwi-test", root, "--json") == 0  # a part has no published count
    assert json.loads(capsys.readouterr().out)["whole"] is None


def evaluate(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, object]:
    assert main(["evaluate", "--constant", "--json", *map(str, arguments)]) == 0
    report: dict[str, object] = json.loads(capsys.readouterr().out)
    return report


def test_the_evaluation_takes_the_new_sets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = fake_photos.write_biwi(tmp_path, {"01": biwi_poses(0, 10), "04": biwi_poses(20)})
    table = tmp_path / "boxes.csv"
    table.write_text("path,x0,y0,x1,y1\n01/frame_00003_rgb.png,1,2,3,4\n")
    assert evaluate(capsys, "--dataset", "biwi", "--path", root)["count"] == 3
    assert evaluate(capsys, "--dataset", "biwi-test", "--path", root)["count"] == 1
    assert evaluate(capsys, "--dataset", "biwi", "--path", root, "--boxes", table)["count"] == 1
    assert main(["evaluate", "--constant", "--dataset", "biwi", "--path", str(root), "--whole"]) == 2
    assert "expected the whole of biwi, 15,678 samples, got 3" in capsys.readouterr().err
    arguments = ["--dataset", "biwi", "--path", str(root), "--boxes", str(table), "--record"]
    assert main(["evaluate", *arguments]) == 2
    assert "--limit, --boxes, --precision or a crop option" in capsys.readouterr().err


def test_afw_is_scored_as_its_papers_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("h5py")
    box = (20, 15, 40, 45)
    faces = {"a.jpg": [(box, (-60, 0, 0)), (box, (0, 0, 0))], "b.jpg": [(box, (0, 0, 0))]}
    root = fake_photos.write_afw(tmp_path, faces)
    report = evaluate(capsys, "--dataset", "afw", "--path", root)  # the mean label is 20, which rounds to 15
    assert report["yaw_within_15"] == pytest.approx(2 / 3)
    assert report["metrics"]["pitch_deg"] is None  # type: ignore[index]
    assert main(["evaluate", "--constant", "--dataset", "afw", "--path", str(root)]) == 0
    assert "yaw, rounded to 15 degrees, at most 15 off: 66.67 %" in capsys.readouterr().out


def test_no_pitch_zero_without_pitch_labels() -> None:
    from hpe_edge.training.evaluation.evaluate import Evaluation, fit_pitch_zero

    truth = np.array([[10.0, np.nan, np.nan]], np.float32)
    with pytest.raises(InvalidArgumentError, match="pitch zero: expected labels with pitch"):
        fit_pitch_zero(Evaluation(("a",), truth, np.zeros((1, 3), np.float32)))


def test_pointing04_boxes_reach_from_the_nose_to_the_jaw_of_turned_heads() -> None:
    frontal, left, right = (box_from_face(200, 150, 100, yaw, 0) for yaw in (0, 60, -60))
    assert abs(frontal[0] + frontal[2] - 400) < 1e-3, "symmetric about the annotated centre"
    np.testing.assert_allclose(400 - left[[2, 0]], right[[0, 2]], atol=1e-3)
    assert left[2] - 200 > 2 * (200 - left[0]) > 0, "a nose to image-left has its jaw to the right of the centre"
