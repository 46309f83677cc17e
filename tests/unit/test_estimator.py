"""HeadPose on a network whose answer is known: the mean of each channel of the crop."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_models import MakeModel, card_dict, mean_network

from hpe_edge import HeadPose, _core
from hpe_edge.backends import open_backend
from hpe_edge.detectors import Detections
from hpe_edge.errors import (
    CorruptModelError,
    InvalidArgumentError,
    InvalidBoxError,
    InvalidImageError,
    ModelNotFoundError,
)
from hpe_edge.hub import resolve

Image = NDArray[np.uint8]
BOX = [10.0, 10.0, 40.0, 40.0]


@pytest.fixture
def pose(make_model: MakeModel) -> HeadPose:
    return HeadPose(make_model())


@pytest.mark.parametrize(("pixel_format", "expected"), [("bgr8", [10, 20, 30]), ("rgb8", [30, 20, 10])])
def test_channels_reach_the_network_in_its_order(
    pose: HeadPose, grey_ramp: Image, pixel_format: str, expected: list[float]
) -> None:
    poses = pose.estimate(grey_ramp, [BOX], pixel_format=pixel_format)
    np.testing.assert_allclose(poses.euler_deg, [expected], atol=1e-3)


def test_mono_images(pose: HeadPose, grey_ramp: Image) -> None:
    poses = pose.estimate(np.ascontiguousarray(grey_ramp[:, :, 2]), [BOX], pixel_format="mono8")
    np.testing.assert_allclose(poses.euler_deg, [[30, 30, 30]], atol=1e-3)


def test_a_region_of_a_frame_equals_its_copy(pose: HeadPose) -> None:
    frame = np.random.default_rng(3).integers(0, 255, (90, 120, 3), dtype=np.uint8)
    region = frame[11:77:2, 21:99]
    np.testing.assert_array_equal(pose.estimate(region, [BOX]).euler_deg, pose.estimate(region.copy(), [BOX]).euler_deg)


def test_one_instance_serves_several_threads(pose: HeadPose) -> None:
    images = [np.full((40, 40, 3), value, np.uint8) for value in range(32)]
    with ThreadPoolExecutor(4) as pool:
        yaws = pool.map(lambda image: pose.estimate(image, is_crop=True)[0].yaw_deg, images)
    np.testing.assert_allclose(list(yaws), range(32), atol=1e-3)


def test_a_reversed_view_equals_its_copy(pose: HeadPose, grey_ramp: Image) -> None:
    view = pose.estimate(grey_ramp[::2, ::-1, ::-1], [[2, 2, 20, 20]])
    np.testing.assert_allclose(view.euler_deg, [[30, 20, 10]], atol=1e-3)


def test_several_boxes_keep_their_order(pose: HeadPose) -> None:
    image = np.zeros((40, 100, 3), np.uint8)
    image[:, 50:] = 60
    poses = pose.estimate(image, [[70, 10, 90, 30], [10, 10, 30, 30]])
    np.testing.assert_allclose(poses.euler_deg[:, 0], [60, 0], atol=1e-3)
    np.testing.assert_array_equal(poses.boxes_xyxy, np.float32([[70, 10, 90, 30], [10, 10, 30, 30]]))
    assert np.isnan(poses.scores).all() and np.isnan(poses.std_deg).all()


@pytest.mark.parametrize("boxes", [[], np.zeros((0, 4))])
def test_no_boxes_no_poses(pose: HeadPose, grey_ramp: Image, boxes: Any) -> None:
    poses = pose.estimate(grey_ramp, boxes)
    assert len(poses) == 0 and poses.rotation.shape == (0, 3, 3) and poses.as_dict() == {"poses": []}


def test_a_crop_is_the_whole_image_and_nothing_else(pose: HeadPose) -> None:
    image = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    poses = pose.estimate(image, is_crop=True)
    # Every pixel of an image that is a multiple of the input counts once, but for the border's filter.
    np.testing.assert_allclose(poses.euler_deg[0], image.mean(axis=(0, 1)), atol=1.5)
    np.testing.assert_allclose(poses.boxes_xyxy, [[64 / 6, 8, 320 / 6, 40]], atol=1e-3)


def test_full_frame_detector_equals_is_crop(make_model: MakeModel) -> None:
    image = np.random.default_rng(1).integers(0, 255, (50, 70, 3), dtype=np.uint8)
    card = make_model()
    found = HeadPose(card, detector="full-frame").estimate(image)
    np.testing.assert_array_equal(found.euler_deg, HeadPose(card).estimate(image, is_crop=True).euler_deg)


def test_an_own_detector_gives_boxes_and_scores(make_model: MakeModel, grey_ramp: Image) -> None:
    class Mine:
        name = "mine"

        def detect(self, image: Image, pixel_format: str) -> Detections:
            assert pixel_format == "rgb8" and image is grey_ramp
            return Detections(np.float32([BOX, BOX]), np.float32([0.9, 0.4]))

    pose = HeadPose(make_model(), detector=Mine())
    poses = pose.estimate(grey_ramp, pixel_format="rgb8")
    assert len(poses) == 2 and poses[0].score == pytest.approx(0.9) and pose.info.detector == "mine"


def test_a_backend_that_is_loaded_already_runs_as_it_is(make_model: MakeModel, grey_ramp: Image) -> None:
    card = make_model()
    model = resolve(card)
    loaded = open_backend("onnxruntime", model.card, model.read, precision="fp32", threads=2)
    pose = HeadPose(card, backend=loaded)
    assert (pose.info.backend, pose.info.threads) == ("onnxruntime", 2)
    assert pose.info.sha256 == model.card.files["onnx"].sha256
    expected = HeadPose(card, backend="onnxruntime").estimate(grey_ramp, [BOX])
    np.testing.assert_array_equal(pose.estimate(grey_ramp, [BOX]).euler_deg, expected.euler_deg)
    with pytest.raises(
        InvalidArgumentError, match=r"backend: expected one of \['auto', .* or an object with file_kind"
    ):
        HeadPose(card, backend=3)  # type: ignore[arg-type]


@pytest.mark.parametrize("batch", [1, "N"])
def test_a_batch_equals_single_calls(make_model: MakeModel, batch: int | str) -> None:
    pose = HeadPose(make_model(mean_network(8, 6, batch)))
    rng = np.random.default_rng(2)
    images = [rng.integers(0, 255, shape, dtype=np.uint8) for shape in ((30, 40, 3), (60, 50, 3), (9, 9, 3))]
    boxes: list[Any] = [[[5, 5, 20, 20]], [[1, 1, 40, 40], [10, 20, 30, 50]], []]
    together = pose.estimate_batch(images, boxes)
    assert [len(poses) for poses in together] == [1, 2, 0]
    for image, given, poses in zip(images, boxes, together, strict=True):
        np.testing.assert_array_equal(poses.euler_deg, pose.estimate(image, given).euler_deg)
    assert pose.estimate_batch([]) == []
    assert len(pose.estimate_batch(images, is_crop=True)) == 3


def test_bin_models_have_a_spread(make_model: MakeModel, grey_ramp: Image) -> None:
    head = {
        "kind": "bins",
        "bins": 66,
        "first_deg": -97.5,
        "step_deg": 3.0,
        "outputs": ["yaw", "pitch", "roll"],
    }
    pose = HeadPose(make_model(mean_network(8, 6, bins=66), head=head))
    poses = pose.estimate(grey_ramp * 3, [BOX])
    # Logits of 30 and more on bin 0 against 65 zeros: as good as certain.
    np.testing.assert_allclose(poses.euler_deg, [[-97.5] * 3], atol=1e-2)
    assert (poses.std_deg < 0.1).all()
    wider = HeadPose(
        make_model(mean_network(8, 6, bins=66), head=head | {"spread": {"output": None, "scale": [2.0, 3.0, 4.0]}})
    ).estimate(grey_ramp, [BOX])
    plain = HeadPose(make_model(mean_network(8, 6, bins=66), head=head)).estimate(grey_ramp, [BOX])
    np.testing.assert_allclose(wider.std_deg, plain.std_deg * np.float32([2, 3, 4]), rtol=1e-6)
    np.testing.assert_array_equal(wider.euler_deg, plain.euler_deg)


def test_a_variance_head_gives_the_spread(make_model: MakeModel, grey_ramp: Image) -> None:
    head = card_dict()["head"] | {"spread": {"output": "log_std", "scale": [1.0, 2.0, 3.0]}}
    card = make_model(mean_network(8, 6, "N", log_std=0.1), head=head, pitch_zero_deg=4.0)
    pose = HeadPose(card)
    poses = pose.estimate(grey_ramp, [BOX, BOX])
    # In the order yaw, pitch, roll, whatever the pitch zero does to the angles.
    np.testing.assert_allclose(poses.std_deg, np.exp([[1, 2, 3]] * 2) * [1, 2, 3], rtol=1e-4)
    assert poses[1].std_deg == pytest.approx(poses.std_deg[1].tolist())
    assert pose.estimate(grey_ramp, []).std_deg.shape == (0, 3)
    white = pose.estimate(np.full((40, 40, 3), 255, np.uint8), is_crop=True)
    np.testing.assert_allclose(white.std_deg, [np.exp(5) * np.float32([1, 2, 3])], rtol=1e-5)


def test_a_card_that_names_a_spread_the_network_has_not(make_model: MakeModel) -> None:
    head = card_dict()["head"] | {"spread": {"output": "log_std", "scale": [1.0, 1.0, 1.0]}}
    with pytest.raises(CorruptModelError, match=r"expected outputs \['log_std'\]"):
        HeadPose(make_model(head=head))


def test_the_cards_pitch_zero_is_applied(make_model: MakeModel) -> None:
    black = np.zeros((40, 40, 3), np.uint8)
    poses = HeadPose(make_model(pitch_zero_deg=4.0)).estimate(black, is_crop=True)
    np.testing.assert_allclose(poses.euler_deg, [[0, 4, 0]], atol=1e-4)


def test_info_says_what_runs(pose: HeadPose) -> None:
    info = pose.info.as_dict()
    assert info["model"] == "tiny" and info["backend"] == "onnxruntime"
    assert info["provider"] == "CPUExecutionProvider" and info["precision"] == "fp32"
    assert info["threads"] == 1 and info["detector"] == "face" and len(info["sha256"]) == 64
    assert info["instruction_set"] in _core.available_isas()
    assert json.loads(json.dumps(info)) == info and "tiny" in repr(pose)


@pytest.mark.parametrize(
    ("boxes", "words"),
    [
        ([BOX, [1, 2, np.nan, 4]], ["finite", "nan"]),
        ([[0, 0, np.inf, 4]], ["finite", "inf"]),
        ([[70, 5, 90, 20]], ["64", "48"]),
        ([[10, 10, 10, 20]], ["10"]),
        ([[20, 10, 10, 20]], ["20"]),
        (BOX, ["(N, 4)", "(4,)", "[box]"]),
        ([[1, 2, 3]], ["(N, 4)", "(1, 3)"]),
        ("face", ["(N, 4)", "str"]),
        ([[1, 2, 3, 4], [1, 2]], ["(N, 4)", "list"]),
    ],
    ids=["nan", "inf", "outside", "zero-area", "reversed", "rank-1", "columns", "text", "ragged"],
)
def test_wrong_boxes_are_refused(pose: HeadPose, grey_ramp: Image, boxes: Any, words: list[str]) -> None:
    with pytest.raises(InvalidBoxError) as caught:
        pose.estimate(grey_ramp, boxes)
    for word in ["boxes", "expected", "got", *words]:
        assert word in str(caught.value)


def test_a_wrong_box_in_a_batch_names_its_image(pose: HeadPose, grey_ramp: Image) -> None:
    with pytest.raises(InvalidBoxError, match=r"^boxes\[1\]\[0\]: expected a box with an area"):
        pose.estimate_batch([grey_ramp, grey_ramp], [[BOX], [[9, 9, 9, 9]]])


def test_wrong_images_are_refused(pose: HeadPose) -> None:
    with pytest.raises(InvalidImageError, match=r"image: expected a uint8 array .* got a float64 array"):
        pose.estimate(np.zeros((9, 9, 3)), [BOX])  # type: ignore[arg-type]
    with pytest.raises(InvalidImageError, match=r"images\[1\]: expected .* got NoneType"):
        pose.estimate_batch([np.zeros((9, 9, 3), np.uint8), None], is_crop=True)  # type: ignore[list-item]


def test_a_picture_without_faces_gives_no_poses(pose: HeadPose, grey_ramp: Image) -> None:
    assert len(pose.estimate(grey_ramp)) == 0


def test_boxes_and_crop_exclude_each_other(pose: HeadPose, grey_ramp: Image) -> None:
    with pytest.raises(InvalidArgumentError, match="boxes and is_crop=True: expected one of the two, got both"):
        pose.estimate(grey_ramp, [BOX], is_crop=True)


def test_a_batch_needs_boxes_for_each_image(pose: HeadPose, grey_ramp: Image) -> None:
    with pytest.raises(InvalidArgumentError, match=r"boxes: expected one .* each of 2 images, got 1"):
        pose.estimate_batch([grey_ramp, grey_ramp], [[BOX]])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"precision": "fp64"}, r"precision: expected one of \('auto', 'fp32', 'int8', 'fp16', 'bf16'\), got 'fp64'"),
        ({"threads": 0}, "threads: expected a whole number >= 1, got 0"),
        ({"threads": 1.5}, "threads: expected a whole number >= 1, got 1.5"),
        ({"threads": True}, "threads: expected a whole number >= 1, got True"),
        ({"camera": np.eye(3)}, "camera: expected a hpe_edge.Camera.* got a float64 array"),
        ({"detector": "haar"}, "detector: expected one of .* got 'haar'"),
        ({"detector": 3}, "detector: expected one of .* got int"),
        ({"backend": "tpu"}, "backend: expected one of .* got 'tpu'"),
    ],
)
def test_options_that_do_not_exist_are_refused(make_model: MakeModel, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidArgumentError, match=words):
        HeadPose(make_model(), **options)


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(ModelNotFoundError, match=r"model: expected one of .* got 'nonesuch'"):
        HeadPose("nonesuch")


def test_an_altered_network_is_not_loaded(make_model: MakeModel) -> None:
    card: Path = make_model()
    (card.parent / "tiny.onnx").write_bytes(mean_network(9, 9))
    with pytest.raises(CorruptModelError, match="expected sha256"):
        HeadPose(card)


def test_a_network_with_another_output_than_the_card_says(make_model: MakeModel) -> None:
    with pytest.raises(CorruptModelError, match="card and network disagree"):
        HeadPose(make_model(head=card_dict()["head"] | {"output": "pose"}))
