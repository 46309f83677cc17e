"""The camera: where it comes from, its lens against OpenCV's, heads in its axes, both ways through HeadPose."""

from __future__ import annotations

import itertools
import json
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_models import MakeModel, card_dict, mean_network

from hpe_edge import rotation
from hpe_edge.camera import MEAN_FACE_M, Camera, place_heads
from hpe_edge.cli import main
from hpe_edge.draw import STYLES
from hpe_edge.errors import InvalidArgumentError
from hpe_edge.estimator import HeadPose
from hpe_edge.images import read_image, write_image

Array = NDArray[np.float64]

PLAIN = Camera.from_fov(640, 480, horizontal_fov_deg=60.0)
WIDE = Camera(420.0, 422.0, 322.0, 236.0, (-0.32, 0.12, 0.001, -0.002, -0.02), width=640, height=480)
RATIONAL = Camera(600.0, 600.0, 319.5, 239.5, (0.4, -0.2, 0.001, 0.0005, 0.01, 0.7, -0.1, 0.02), 640, 480)
AHEAD = np.array([0.0, 0.0, 1.0])
PIXELS = np.array([[0.5, 0.5], [320.0, 240.0], [639.5, 479.5], [20.0, 300.0], [600.0, 10.0]])


def _one(camera: Camera, euler_deg: list[float], box: list[float], std_deg: float = np.nan) -> tuple[Array, ...]:
    places = place_heads(camera, np.array([euler_deg]), np.full((1, 3), std_deg), np.array([box]))
    return places.euler_deg[0], places.std_deg[0], places.translation_m[0]


# --- what a camera is -------------------------------------------------------------------------------------------


def test_a_camera_is_frozen_equal_by_value_and_a_key() -> None:
    twin = Camera.from_fov(640, 480, horizontal_fov_deg=60.0)
    assert twin == PLAIN and hash(twin) == hash(PLAIN)
    with pytest.raises(FrozenInstanceError):
        PLAIN.fx = 3.0  # type: ignore[misc]
    listed = Camera(1, 1, 0, 0, [0.1, 0, 0, 0])  # type: ignore[arg-type]
    assert listed.distortion == (0.1, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("fov", "edge"),
    [
        ({"horizontal_fov_deg": 70.0}, [0.0, 240.0]),
        ({"vertical_fov_deg": 70.0}, [320.0, 480.0]),
        ({"diagonal_fov_deg": 70.0}, [640.0, 480.0]),
    ],
)
def test_the_field_of_view_ends_at_the_edge(fov: dict[str, float], edge: list[float]) -> None:
    camera = Camera.from_fov(640, 480, **fov)
    middle, border = camera.rays([[320.0, 240.0], edge])
    assert np.degrees(np.arccos(middle @ border)) == pytest.approx(35.0)
    np.testing.assert_allclose(middle, [0, 0, 1], atol=1e-12)


def test_from_opencv_and_ros_are_the_same_camera() -> None:
    matrix, lens = WIDE.matrix, list(WIDE.distortion)
    assert Camera.from_opencv(matrix, np.array([lens]), width=640, height=480) == WIDE
    ros_1 = {"K": matrix.ravel().tolist(), "D": lens, "width": 640, "height": 480, "distortion_model": "plumb_bob"}

    class Info:
        k, d, width, height, distortion_model = matrix.ravel(), np.array(lens), 640, 480, "plumb_bob"

    assert Camera.from_ros(ros_1) == WIDE == Camera.from_ros(Info())


def test_scaling_keeps_the_view() -> None:
    half = WIDE.scaled(320, 240)
    np.testing.assert_allclose(half.rays(PIXELS / 2), WIDE.rays(PIXELS), atol=1e-9)
    assert half.scaled(640, 480) == WIDE


def test_the_size_of_images() -> None:
    assert PLAIN.for_image(640, 480) is PLAIN
    free = replace(PLAIN, width=None, height=None)
    assert free.for_image(640, 480) == PLAIN
    with pytest.raises(
        InvalidArgumentError, match=r"expected 640 x 480 .* got 1280 x 960; .* camera.scaled\(1280, 960"
    ):
        PLAIN.for_image(1280, 960)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Camera(0, 1, 0, 0), "fx: expected a focal length"),
        (lambda: Camera(1, np.nan, 0, 0), "fy: expected finite numbers"),
        (lambda: Camera("wide", 1, 0, 0), "fx: expected numbers, got 'wide'"),  # type: ignore[arg-type]
        (lambda: Camera(1, 1, [0, 1], 0), "cx: expected one number"),  # type: ignore[arg-type]
        (lambda: Camera(1, 1, 0, 0, (0.1,)), "distortion: expected one of .* coefficients .* got 1"),
        (lambda: Camera(1, 1, 0, 0, width=640), "width, height: expected both or neither"),
        (lambda: Camera(1, 1, 0, 0, (), 640.5, 480), "width: expected a whole number"),  # type: ignore[arg-type]
        (lambda: Camera(300, 300, 320, 240, (-0.9, 0, 0, 0), 640, 480), "distortion: expected .* undone"),
        (lambda: Camera.from_fov(640, 480), "expected one of horizontal_fov_deg, .* got 0"),
        (lambda: Camera.from_fov(640, 480, horizontal_fov_deg=60, vertical_fov_deg=40), "expected one of .* got 2"),
        (lambda: Camera.from_fov(640, 480, diagonal_fov_deg=180), "diagonal_fov_deg: expected degrees between"),
        (lambda: Camera.from_opencv(np.eye(4)), "matrix: expected"),
        (lambda: Camera.from_opencv([[600, 2, 320], [0, 600, 240], [0, 0, 1]]), "without skew"),
        (lambda: Camera.from_ros({"k": [0.0] * 9, "d": [], "width": 1, "height": 1}), "k: expected 9 numbers of a cal"),
        (lambda: Camera.from_ros({"k": np.eye(3), "width": 1, "height": 1}), "camera info: expected the field 'd'"),
        (lambda: Camera.from_ros({"distortion_model": "equidistant"}), "distortion_model: expected .* rectify"),
        (lambda: Camera(1, 1, 0, 0).scaled(3, 4), "scaled: expected a camera with width and height"),
        (lambda: PLAIN.rays([1.0, 2.0]), r"points_xy: expected shape \(N, 2\), got \(2,\)"),
    ],
)
def test_what_is_no_camera_is_refused(make: Any, words: str) -> None:
    with pytest.raises(InvalidArgumentError, match=words):
        make()


# --- the lens ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("camera", [PLAIN, WIDE, RATIONAL, replace(WIDE, distortion=WIDE.distortion[:4])])
def test_lens_and_projection_are_opencvs(camera: Camera) -> None:
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
    lens = np.array(camera.distortion)
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 500, 1e-12)
    # OpenCV's pixel (0, 0) has its centre at 0, 0, that of boxes at 0.5, 0.5.
    given = {"src": (PIXELS - 0.5)[:, None], "cameraMatrix": camera.matrix, "distCoeffs": lens, "criteria": criteria}
    if hasattr(cv2, "undistortPointsIter"):  # OpenCV 4 has a name of its own for a choice of steps
        theirs = cv2.undistortPointsIter(**given, R=None, P=None)[:, 0]
    else:
        theirs = cv2.undistortPoints(**given)[:, 0]
    np.testing.assert_allclose(camera.plane(PIXELS), theirs, atol=1e-7)
    points = np.concatenate([theirs, np.ones((len(theirs), 1))], axis=1) * 2.5
    pixels, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), camera.matrix, lens)
    np.testing.assert_allclose(camera.project(points), pixels[:, 0] + 0.5, atol=1e-6)


def test_beyond_the_border_the_lens_goes_on_as_at_the_border() -> None:
    folded = np.array([[-4000.0, 240.0]])
    out = WIDE.plane(folded)[0]
    assert out[0] < WIDE.plane([[0.0, 240.0]])[0, 0] - 9
    with pytest.raises(InvalidArgumentError, match="undone"):
        replace(WIDE, width=None, height=None).plane(folded)


def test_what_is_behind_the_camera_has_no_pixel() -> None:
    assert np.isnan(PLAIN.project([[0.0, 0.0, -1.0], [0.1, 0.1, 0.0]])).all()


# --- heads in the camera's axes ---------------------------------------------------------------------------------

# Rendered heads (docs/SYNTHETIC.md): angles relative to the viewing ray, box, focal length, principal point with pixel
# (0, 0) at 0.5; then, from the same labels, angles in the camera's axes and the head's middle in metres.
RENDERED = [
    (
        (-8.76, 3.82, 0.95),
        (33.6, 35.96, 78.4, 76.04),
        (431.16, -155.14, 175.85),
        (16.52, -11.44, -0.73),
        (0.690, -0.405, 1.418),
    ),
    (
        (64.13, -11.13, -12.82),
        (33.6, 35.49, 78.4, 76.51),
        (845.39, 361.65, 158.48),
        (45.56, -12.72, -6.05),
        (-0.924, -0.348, 2.675),
    ),
    (
        (-66.48, -0.61, -15.95),
        (37.69, 33.6, 74.31, 78.4),
        (576.83, 50.91, 242.25),
        (-67.07, -19.31, -15.69),
        (-0.021, -0.656, 1.965),
    ),
    (
        (17.01, 7.75, 27.68),
        (33.6, 34.51, 78.4, 77.49),
        (170.6, -2.93, 4.62),
        (35.02, 26.12, 33.75),
        (0.222, 0.183, 0.632),
    ),
]


@pytest.mark.parametrize(("seen", "box", "lens", "euler_deg", "middle_m"), RENDERED)
def test_rendered_heads_off_the_axis(seen: Any, box: Any, lens: Any, euler_deg: Any, middle_m: Any) -> None:
    focal, cx, cy = lens
    found, _, translation_m = _one(Camera(focal, focal, cx - 0.5, cy - 0.5), list(seen), list(box))
    np.testing.assert_allclose(found, euler_deg, atol=0.7)
    # Faces differ from the mean face: the distance is one of an assumption, the direction is not.
    assert np.linalg.norm(translation_m) == pytest.approx(np.linalg.norm(middle_m), rel=0.15)
    ray, true = translation_m / np.linalg.norm(translation_m), np.array(middle_m) / np.linalg.norm(middle_m)
    assert np.degrees(np.arccos(ray @ true)) < 0.7


@pytest.mark.parametrize("box", [[20, 200, 80, 270], [560, 200, 620, 270], [300, 10, 360, 70], [540, 380, 620, 470]])
def test_a_face_that_looks_at_the_camera_points_back_along_its_ray(box: list[float]) -> None:
    euler_deg, _, translation_m = _one(PLAIN, [0, 0, 0], box)
    looks_at = -rotation.euler_to_rotation(euler_deg[None])[0, :, 2]
    np.testing.assert_allclose(looks_at, -translation_m / np.linalg.norm(translation_m), atol=1e-6)
    x, y = 0.5 * (box[0] + box[2]) - 320, 0.5 * (box[1] + box[3]) - 240
    if abs(x) > 50:
        assert np.sign(euler_deg[0]) == np.sign(x), "at image-right it looks to image-left, which is +yaw"
    if abs(y) > 50:
        assert np.sign(euler_deg[1]) == np.sign(y), "at the bottom it looks up, which is +pitch"


def test_on_the_axis_nothing_turns() -> None:
    middle = (MEAN_FACE_M.max(axis=0) + MEAN_FACE_M.min(axis=0)) / 2
    points = PLAIN.project(MEAN_FACE_M + AHEAD)
    euler_deg, std_deg, translation_m = _one(PLAIN, [0, 0, 0], [*points.min(axis=0), *points.max(axis=0)], 2.0)
    np.testing.assert_allclose(euler_deg, 0, atol=1e-2)
    np.testing.assert_allclose(std_deg, 2.0, rtol=1e-3)
    np.testing.assert_allclose(translation_m, [0, 0, 1], atol=1e-3)
    assert abs(middle[0]) < 1e-12, "the assumed face is symmetric"


@pytest.mark.parametrize(
    ("mount", "level", "moved"),
    [
        ({"pitch_deg": -30.0}, (0, -30, 0), (0, 0.5, np.sqrt(0.75))),  # it looks down: a head on its axis is below
        ({"yaw_deg": 20.0}, (20, 0, 0), (np.sin(np.radians(20)), 0, np.cos(np.radians(20)))),
        ({"roll_deg": 90.0}, (0, 0, 90), (0, 0, 1)),
    ],
)
def test_a_mount_levels(mount: dict[str, float], level: tuple[float, ...], moved: tuple[float, ...]) -> None:
    tilted = PLAIN.mounted(**mount)
    points = PLAIN.project(MEAN_FACE_M + AHEAD)
    euler_deg, _, translation_m = _one(tilted, [0, 0, 0], [*points.min(axis=0), *points.max(axis=0)])
    # The axis of a camera that looks down meets a face that looks into it: that face looks up, in the level frame.
    signs = np.array([1, -1, 1])
    np.testing.assert_allclose(euler_deg, np.array(level) * signs, atol=0.02)
    np.testing.assert_allclose(translation_m, moved, atol=2e-3)


def test_nan_and_no_heads_pass() -> None:
    assert np.isnan(_one(PLAIN, [10, 0, 0], [10, 10, 60, 70])[1]).all()
    none = place_heads(PLAIN, np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 4)))
    assert [part.shape for part in none] == [(0, 3)] * 3


@pytest.mark.parametrize(
    "box", [[-900.0, -900.0, 1500.0, 1400.0], [0.0, 0.0, 640.0, 480.0], [639.0, 479.0, 5000.0, 479.5]]
)
def test_boxes_of_any_kind_give_finite_poses_before_the_camera(box: list[float]) -> None:
    for camera in (PLAIN, WIDE):
        for euler_deg in ([0.0, 0, 0], [80.0, 30, 10]):
            angles, _, translation_m = _one(camera, euler_deg, box)
            assert np.isfinite(angles).all() and np.isfinite(translation_m).all() and translation_m[2] >= 0.1


# --- through the estimator --------------------------------------------------------------------------------------

FRAME = np.random.default_rng(4).integers(0, 255, (480, 640, 3), dtype=np.uint8)
FACES = [[500.0, 60.0, 580.0, 150.0], [30.0, 380.0, 90.0, 470.0]]


@pytest.mark.parametrize("backend", ["native", "onnxruntime"])
def test_head_pose_places_what_it_sees(backend: str) -> None:
    pytest.importorskip(backend if backend != "native" else "numpy", reason=f"{backend} is not installed")
    tilted = WIDE.mounted(pitch_deg=-20.0, yaw_deg=5.0)
    options = {"backend": backend, "precision": "fp32"}
    seen = HeadPose(**options).estimate(FRAME, FACES)
    poses = HeadPose(camera=tilted, **options).estimate(FRAME, FACES)
    places = place_heads(tilted, seen.euler_deg, seen.std_deg, seen.boxes_xyxy)
    np.testing.assert_array_equal(poses.euler_deg, places.euler_deg)
    np.testing.assert_array_equal(poses.std_deg, places.std_deg)
    np.testing.assert_array_equal(poses.translation_m, places.translation_m)
    assert np.isnan(seen.translation_m).all() and (np.abs(poses.euler_deg - seen.euler_deg) > 5).any()


def test_a_batch_with_a_camera_equals_single_calls(make_model: MakeModel) -> None:
    pose = HeadPose(make_model(mean_network(8, 6, "N"), head=card_dict()["head"]), camera=PLAIN)
    together = pose.estimate_batch([FRAME, FRAME], [FACES, FACES[:1]])
    for poses, boxes in zip(together, (FACES, FACES[:1]), strict=True):
        np.testing.assert_array_equal(poses.translation_m, pose.estimate(FRAME, boxes).translation_m)
    assert pose.estimate(FRAME, []).translation_m.shape == (0, 3)


def test_images_that_the_camera_did_not_take_are_refused(make_model: MakeModel) -> None:
    pose = HeadPose(make_model(), camera=PLAIN)
    with pytest.raises(InvalidArgumentError, match="expected 640 x 480 pixels"):
        pose.estimate(FRAME[:240], FACES[:1])
    with pytest.raises(InvalidArgumentError, match="is_crop=True and a camera"):
        pose.estimate(FRAME, is_crop=True)


# --- on the command line ----------------------------------------------------------------------------------------


@pytest.fixture
def photo(tmp_path: Path) -> str:
    pytest.importorskip("cv2", reason="OpenCV is not installed")
    write_image(tmp_path / "photo.png", FRAME)
    return str(tmp_path / "photo.png")


def _command(photo: str, model: Path, *more: str) -> int:
    return main(["estimate", photo, "--box", *map(str, FACES[0]), "--model", str(model), *more])


def test_estimate_takes_a_camera(make_model: MakeModel, photo: str, capsys: pytest.CaptureFixture[str]) -> None:
    model = make_model()
    written = []
    for options in (["--fov", "60"], ["--camera", f"{PLAIN.fx},{PLAIN.fy},{PLAIN.cx},{PLAIN.cy}"]):
        assert _command(photo, model, "--json", *options) == 0
        written.append(json.loads(capsys.readouterr().out)["poses"][0])
    assert written[0] == written[1]
    expected = HeadPose(model, camera=PLAIN).estimate(FRAME, FACES[:1])
    assert written[0]["translation_m"] == pytest.approx(expected.translation_m[0].tolist(), abs=1e-5)
    assert _command(photo, model, "--fov", "60") == 0
    assert capsys.readouterr().out.splitlines()[1].endswith(" m")


def test_estimate_draws_in_three_styles(make_model: MakeModel, photo: str, tmp_path: Path) -> None:
    model, drawn = make_model(), []
    for style in STYLES:
        out = tmp_path / f"{style}.png"
        assert _command(photo, model, "--fov", "60", "--draw", str(out), "--draw-style", style) == 0
        drawn.append(read_image(out))
    assert all((one != other).any() for one, other in itertools.pairwise(drawn))


@pytest.mark.parametrize("options", [["--fov", "60", "--camera", "1,1,1,1"], ["--camera", "1,2"], ["--camera", "a,b"]])
def test_wrong_cameras_are_usage_errors(make_model: MakeModel, photo: str, options: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        _command(photo, make_model(), *options)
    assert caught.value.code == 2
    assert _command(photo, make_model(), "--fov", "200") == 2
