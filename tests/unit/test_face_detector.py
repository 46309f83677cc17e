"""The face detector's card, its Python layer, and ``HeadPose`` with it; the network is a hand-made one."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hpe_edge.training.native.container import pack
from numpy.typing import NDArray
from tiny_models import MakeModel

from hpe_edge import HeadPose, _core
from hpe_edge.cardfiles import FileEntry
from hpe_edge.detectors import Detector, Follower, available_detectors, face, open_detector
from hpe_edge.detectors.card import DetectorCard, load_detector_card
from hpe_edge.detectors.face import FaceDetector
from hpe_edge.errors import (
    CorruptModelError,
    HpeEdgeError,
    InvalidArgumentError,
    InvalidBoxError,
    InvalidImageError,
    ModelNotFoundError,
)
from hpe_edge.modelcard import InputSpec

Image = NDArray[np.uint8]
SPEC = InputSpec("input", 64, 64, 0.4, True, "bgr", (127.5,) * 3, (1 / 128,) * 3)


def bright_network() -> bytes:
    """A cell of 8 x 8 pixels that is bright is a face of 24 pixels."""
    weight, bias = np.zeros((15, 3, 1, 1), np.float32), np.zeros(15, np.float32)
    weight[0] = 4 / 3
    bias[3:5] = np.log(3)
    size = {"kernel": [8, 8], "stride": [8, 8], "pad": [0, 0, 0, 0]}
    nodes = [
        {"op": "average_pool", "in": ["input"], "out": "p", **size, "count_pad": True},
        {"op": "conv", "in": ["p", "w", "b"], "out": "m", "stride": [1, 1], "pad": [0, 0, 0, 0], "groups": 1},
    ]
    graph = {
        "input": {"name": "input", "shape": [3, 64, 64]},
        "outputs": [{"name": "stride8", "value": "m"}],
        "nodes": nodes,
    }
    return pack({"w": weight, "b": bias}, {"format": "hpe-edge-network/1", "graph": json.dumps(graph)})


def card_dict(files: dict[str, Any], **changes: Any) -> dict[str, Any]:
    card: dict[str, Any] = {
        "format": "hpe-edge-detector/1",
        "name": "face",
        "version": "0.0.1",
        "licence": "Apache-2.0",
        "description": "bright cells",
        "files": files,
        "input": {
            "name": "input",
            "channel_order": "bgr",
            "mean": [127.5, 127.5, 127.5],
            "scale": [0.0078125, 0.0078125, 0.0078125],
            "longest_side": 64,
        },
        "outputs": [{"name": "stride8", "stride": 8}],
        "score_threshold": 0.5,
        "nms_iou": 0.4,
        "training": {},
        "metrics": [],
    }
    return card | changes


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """A card with a float32 file."""
    return write_card(tmp_path, "safetensors")


def write_card(folder: Path, *kinds: str, **changes: Any) -> Path:
    files = {}
    for kind in kinds:
        path = folder / f"face-{kind}.safetensors"
        path.write_bytes(bright_network())
        entry = FileEntry.of(path)
        files[kind] = {"path": entry.path, "sha256": entry.sha256, "bytes": entry.bytes}
    target = folder / "face.json"
    target.write_text(json.dumps(card_dict(files, **changes)), encoding="utf-8")
    return target


def scene(*squares: tuple[int, int, int], size: tuple[int, int] = (64, 64)) -> Image:
    """Black (width, height), with white squares of x, y, side."""
    image = np.zeros((size[1], size[0], 3), np.uint8)
    for x, y, side in squares:
        image[y : y + side, x : x + side] = 255
    return image


def test_detects_and_follows(card: Path) -> None:
    detector = FaceDetector(card)
    assert isinstance(detector, Follower) and isinstance(detector, Detector)
    assert (detector.name, detector.precision, detector.longest_side) == ("face", "fp32", 64)
    found = detector.detect(scene((24, 16, 8)))
    np.testing.assert_allclose(found.boxes_xyxy, [[16, 8, 40, 32]], atol=1e-4)
    np.testing.assert_allclose(found.landmarks_xy, [[[28, 20]] * 5], atol=1e-4)
    assert found.scores[0] == pytest.approx(1 / (1 + np.exp(-4 * 127.5 / 128)), abs=1e-5)
    moved = detector.follow(scene((26, 18, 8)), np.concatenate([found.boxes_xyxy, [[200, 0, 220, 20]]]))
    assert len(moved) == 2 and moved.scores[0] > 0.5 and moved.scores[1] == 0
    assert np.isfinite(moved.boxes_xyxy[0]).all() and np.isnan(moved.boxes_xyxy[1]).all()


@pytest.mark.parametrize("pixel_format", ["bgr8", "rgb8", "mono8", "bgra8", "rgba8", "nv12"])
def test_pixel_formats_and_views(card: Path, pixel_format: str) -> None:
    image = scene((24, 16, 8))[::-1, ::-1]  # negative strides
    frame: Any = image[..., 0] if pixel_format == "mono8" else image
    if pixel_format == "nv12":
        frame = image[..., 0], np.full((image.shape[0] // 2, image.shape[1]), 128, np.uint8)
    elif pixel_format.endswith("a8"):
        frame = np.concatenate([image, image[..., :1]], axis=2)
    found = FaceDetector(card).detect(frame, pixel_format)
    np.testing.assert_allclose(found.boxes_xyxy, [[24, 32, 48, 56]], atol=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (7680, 4320), (31, 33)])
def test_no_face_is_an_empty_result(card: Path, size: tuple[int, int]) -> None:
    found = FaceDetector(card).detect(scene(size=size))
    assert len(found) == 0
    assert found.boxes_xyxy.shape == (0, 4) and found.landmarks_xy.shape == (0, 5, 2)


def test_two_hundred_faces_and_the_bound(card: Path) -> None:
    squares = [(32 + i % 20 * 48, 16 + i // 20 * 48, 8) for i in range(200)]
    image = scene(*squares, size=(1024, 512))
    assert len(FaceDetector(card, longest_side=1024).detect(image)) == 200
    assert len(FaceDetector(card, longest_side=1024, max_faces=50).detect(image)) == 50


def test_wrong_images_and_boxes(card: Path) -> None:
    detector = FaceDetector(card)
    with pytest.raises(InvalidImageError, match="uint8"):
        detector.detect(np.zeros((9, 9, 3), np.float32))  # type: ignore[arg-type]
    with pytest.raises(InvalidImageError, match="image"):
        detector.detect(np.zeros((0, 9, 3), np.uint8))
    with pytest.raises(InvalidImageError, match="width 70000"):
        detector.detect(np.zeros((1, 70_000, 3), np.uint8))
    with pytest.raises(InvalidBoxError, match=r"boxes_xyxy\[0\]: expected finite"):
        detector.follow(scene(), np.full((1, 4), np.nan, np.float32))
    with pytest.raises(InvalidBoxError, match=r"\(N, 4\)"):
        detector.follow(scene(), np.zeros((2, 3), np.float32))
    assert len(detector.follow(scene(), np.zeros((0, 4), np.float32))) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "fp16"}, "precision: expected one of"),
        ({"longest_side": 16}, "longest_side: expected 32 to 4096 pixels, got 16"),
        ({"score_threshold": 1.0}, "score_threshold"),
        ({"max_faces": 0}, "max_faces"),
    ],
)
def test_wrong_options(card: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        FaceDetector(card, **options)


def test_precision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = write_card(tmp_path, "safetensors", "safetensors-int8")
    assert FaceDetector(card).precision in {"fp32", "int8"}
    assert FaceDetector(card, precision="int8").precision == "int8"
    clock = iter(range(10**6))
    ticks = {"fp32": 9, "int8": 3}

    def time_ns() -> int:  # two calls a trial, first float32, then 8 bits
        call = next(clock)
        return (call % 2) * ticks["fp32" if call // 2 % 2 == 0 else "int8"]

    monkeypatch.setattr("hpe_edge.detectors.face.time.perf_counter_ns", time_ns)
    assert FaceDetector(card).precision == "int8"
    clock = iter(range(10**6))
    ticks.update(fp32=3, int8=9)
    assert FaceDetector(card).precision == "fp32"
    with pytest.raises(ModelNotFoundError, match="safetensors-int8"):
        FaceDetector(write_card(tmp_path, "safetensors"), precision="int8")


def test_a_card_comes_back_as_it_was(card: Path) -> None:
    loaded = load_detector_card(card)
    assert loaded.as_dict() == json.loads(card.read_text(encoding="utf-8"))
    assert DetectorCard.from_dict(loaded.as_dict()) == loaded


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "hpe-edge-card/1"}, "field 'format': expected 'hpe-edge-detector/1'"),
        ({"files": {}}, "at least one file"),
        ({"files": {"pickle": {"path": "a", "sha256": "0" * 64, "bytes": 1}}}, "field 'files.pickle'"),
        ({"outputs": []}, "field 'outputs'"),
        ({"outputs": [{"name": "a", "stride": 12}]}, r"field 'outputs\[0\].stride'"),
        ({"outputs": [{"name": "a", "stride": 8, "size": 1}]}, "an unknown field"),
        ({"score_threshold": 1.5}, "field 'score_threshold'"),
        ({"nms_iou": "high"}, "field 'nms_iou'"),
        ({"input": {"name": "input"}}, "field 'input.channel_order'"),
        ({"anchors": 3}, "field 'anchors': expected only the fields"),
    ],
)
def test_a_wrong_card_names_its_field(changes: dict[str, Any], message: str) -> None:
    files = {"onnx": {"path": "face.onnx", "sha256": "0" * 64, "bytes": 1}}
    with pytest.raises(CorruptModelError, match=message):
        DetectorCard.from_dict(card_dict(**({"files": files} | changes)))


def test_missing_and_damaged_files(card: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="cannot read detector card"):
        load_detector_card(tmp_path / "none.json")
    (tmp_path / "text.json").write_bytes(b"\xff")
    with pytest.raises(CorruptModelError, match="expected JSON"):
        load_detector_card(tmp_path / "text.json")
    (tmp_path / "face-safetensors.safetensors").write_bytes(b"other")
    with pytest.raises(CorruptModelError, match="sha256"):
        FaceDetector(card)


def test_a_network_of_another_card_is_refused(tmp_path: Path) -> None:
    card = write_card(tmp_path, "safetensors", outputs=[{"name": "stride16", "stride": 16}])
    with pytest.raises(CorruptModelError, match=r"detector 'face' \(face-safetensors.safetensors\).*stride16"):
        FaceDetector(card)


def test_threads_share_a_detector(card: Path) -> None:
    detector = FaceDetector(card)
    images = [scene((24, 0, 8), size=(64 + 96 * (i % 2), 8 + 16 * i)) for i in range(12)]
    expected = [FaceDetector(card).detect(image).boxes_xyxy for image in images]
    wrong: list[int] = []

    def run(offset: int) -> None:
        for i in range(36):
            k = (i + offset) % len(images)
            if not np.array_equal(detector.detect(images[k]).boxes_xyxy, expected[k]):
                wrong.append(k)

    threads = [threading.Thread(target=run, args=(3 * t,)) for t in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_names_with_arguments(card: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face, "bundled_card_path", lambda: card)
    assert {"face", "full-frame", "yunet"} <= set(available_detectors())
    opened = open_detector("face:640", SPEC)
    assert isinstance(opened, FaceDetector) and opened.longest_side == 640
    with pytest.raises(InvalidArgumentError, match="'face:large': expected pixels behind the colon"):
        open_detector("face:large", SPEC)
    with pytest.raises(InvalidArgumentError, match="expected 'full-frame', without an argument, got 'full-frame:1'"):
        open_detector("full-frame:1", SPEC)
    with pytest.raises(InvalidArgumentError, match="expected 'yunet:ARGUMENT', got 'yunet'"):
        open_detector("yunet", SPEC)


def test_head_pose_opens_the_bundled_detector_when_it_is_needed(
    make_model: MakeModel, card: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hpe_edge.detectors.face.bundled_card_path", lambda: card)
    opened: list[str] = []
    monkeypatch.setattr(
        "hpe_edge.estimator.open_detector", lambda name, spec: opened.append(name) or open_detector(name, spec)
    )
    pose = HeadPose(make_model())
    assert pose.info.detector == "face"
    assert len(pose.estimate(scene(), [[1, 1, 9, 9]])) == 1 and not opened
    poses = pose.estimate(scene((24, 16, 8), (0, 48, 8), size=(64, 64)))
    assert opened == ["face"] and pose.detector is pose.detector and isinstance(pose.detector, FaceDetector)
    np.testing.assert_allclose(poses.boxes_xyxy, [[16, 8, 40, 32], [-8, 40, 16, 64]], atol=1e-4)
    assert (poses.scores > 0.5).all() and np.isfinite(poses.euler_deg).all()
    assert len(pose.estimate(scene())) == 0
    assert [len(found) for found in pose.estimate_batch([scene(), scene((24, 16, 8))])] == [0, 1]
    assert opened == ["face"]


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (64, 9), (200, 300)])
def test_poses_of_whatever_is_found(make_model: MakeModel, tmp_path: Path, size: tuple[int, int]) -> None:
    """A network of noise finds boxes anywhere; a crop can be cut around each."""
    card = write_card(tmp_path, "safetensors", score_threshold=0.01)
    pose = HeadPose(make_model(), detector=FaceDetector(card))
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    poses = pose.estimate(noise)
    assert len(poses) > 0 and np.isfinite(poses.euler_deg).all()


def test_a_network_of_another_size() -> None:
    network = _core.Network(bright_network(), input_size=(32, 96))
    assert network.input_shape == (3, 32, 96) and network.outputs == {"stride8": (15, 4, 12)}
    with pytest.raises(InvalidArgumentError, match="input size: height 4, width 4"):
        _core.Network(bright_network(), input_size=(4, 4))
    with pytest.raises(HpeEdgeError, match="input size"):
        _core.Network(bright_network(), input_size=(2**20, 2**20))
