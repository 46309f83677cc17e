"""The face detector's training: labels of canvases, cells that answer for faces, losses, a short run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

torch = pytest.importorskip("torch")
from hpe_edge.training.detection.batches import CanvasBatches, inputs_of, target_of  # noqa: E402
from hpe_edge.training.detection.canvas import Canvas, Composer  # noqa: E402
from hpe_edge.training.detection.config import CanvasConfig, FaceNetConfig, FaceTraining  # noqa: E402
from hpe_edge.training.detection.losses import face_loss, overlaps, quality_focal  # noqa: E402
from hpe_edge.training.detection.network import (  # noqa: E402
    FaceNet,
    cell_places,
    cells,
    decode_boxes,
    decode_landmarks,
)
from hpe_edge.training.detection.pictures import (  # noqa: E402
    FACE,
    NOTHING,
    UNSURE,
    Pictures,
    five_landmarks,
    kinds_of,
    of_scenes,
    without_faces,
)
from hpe_edge.training.detection.targets import LEFT_OUT, NONE, assign  # noqa: E402
from hpe_edge.training.detection.train import (  # noqa: E402
    FaceRunOptions,
    load_face_net,
    read_face_checkpoint,
    train_faces,
)
from hpe_edge.training.detection.validate import validate  # noqa: E402
from hpe_edge.training.detection.views import held_out_maps  # noqa: E402
from hpe_edge.training.synthetic.people.pose import rotation_y  # noqa: E402
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from hpe_edge.errors import CheckpointError, DatasetError, InvalidArgumentError  # noqa: E402
from hpe_edge.tracking.association import iou  # noqa: E402

Floats = npt.NDArray[np.float32]
FACE_BOX = np.float32([30, 24, 70, 76])
SMALL = FaceTraining(
    batch_size=4, steps=4, precision="float32", network=FaceNetConfig(4, 4, 8, 8, 8, 1, 1, 1), canvas=CanvasConfig(64)
)


def _painted(count: int, *, complete: bool, side: int = 100) -> Pictures:
    """Bright boxes on black with the faces' labels."""
    images = np.zeros((count, side, side, 3), np.uint8)
    images[:, 24:76, 30:70] = 220
    points = np.float32([[40, 40], [60, 40], [50, 52], [42, 64], [58, 64]])
    return Pictures(
        images,
        np.arange(count + 1),
        np.tile(FACE_BOX, (count, 1)),
        np.tile(points, (count, 1, 1)),
        np.full(count, FACE, np.int8),
        complete,
    )


def _composer(config: CanvasConfig | None = None) -> Composer:
    views = without_faces(np.full((3, 100, 100, 3), 60, np.uint8))
    return Composer(config or SMALL.canvas, _painted(5, complete=False), _painted(6, complete=True), views)


def test_faces_turned_away_or_hidden_are_nothing() -> None:
    turns = np.stack([rotation_y(yaw) for yaw in (0, 90, -94, 105, 150, 20, 20)]).astype(np.float32)
    visible = np.float32([1, 1, 1, 1, 1, 0.2, 0.05])
    assert kinds_of(turns, visible).tolist() == [FACE, FACE, FACE, UNSURE, NOTHING, UNSURE, NOTHING]


def test_five_landmarks_are_means_and_points_of_the_68() -> None:
    points = np.arange(136, dtype=np.float32).reshape(68, 2)
    np.testing.assert_allclose(five_landmarks(points)[:, 0] / 2, [38.5, 44.5, 30, 48, 54])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), single=st.booleans())
def test_labels_of_a_canvas_lie_on_the_painted_faces(seed: int, single: bool) -> None:
    config = CanvasConfig(side=128, single_p=float(single), face_min_px=24)
    composer = _composer(config)
    canvas = composer(np.random.default_rng(seed))
    for box, points, sure in zip(canvas.boxes_xyxy, canvas.landmarks_xy, canvas.sure, strict=True):
        inside = (points >= box[:2]).all() and (points <= box[2:]).all()
        assert inside, "landmarks move with their box"
        assert points[0, 0] < points[1, 0], "the right eye stays at image-left in the mirror"
        if sure:
            assert (box[2:] > 0).all() and (box[:2] < 128).all()


def test_a_sure_face_is_where_the_picture_is_bright() -> None:
    config = CanvasConfig(side=128, single_p=1.0, heads_p=0.0, scenes_p=1.0, scene_scale_low=0.5)
    composer, seen = _composer(config), 0
    for seed in range(60):
        canvas = composer(np.random.default_rng(seed))
        image = canvas.image.mean(2)
        for box in canvas.boxes_xyxy[canvas.sure]:
            x, y = (int(v) for v in np.clip((box[:2] + box[2:]) / 2, 0, 127))
            around = np.median(image)
            seen += int(image[y, x] > around + 20)
    assert seen >= 20


def test_what_is_not_labelled_is_unknown_outside_single_heads_only() -> None:
    heads = _composer(replace(SMALL.canvas, side=128, single_p=1.0, heads_p=1.0, face_min_px=20, face_max_px=30))
    scenes = _composer(replace(SMALL.canvas, side=128, single_p=1.0, heads_p=0.0, scenes_p=1.0))
    assert all(heads(np.random.default_rng(seed)).unknown.mean() > 0.5 for seed in range(5))
    assert not any(scenes(np.random.default_rng(seed)).unknown.any() for seed in range(5))


@settings(max_examples=60, deadline=None)
@given(
    x=st.floats(0, 128), y=st.floats(0, 96), size=st.floats(8, 120), tall=st.floats(0.8, 1.4)
)  # fmt: skip
def test_every_face_in_the_picture_has_a_cell(x: float, y: float, size: float, tall: float) -> None:
    half = np.float32([size, size * tall]) / 2
    box = np.concatenate([np.float32([x, y]) - half, np.float32([x, y]) + half]).astype(np.float32)
    found = assign(box[None], np.ones(1, bool), np.zeros((96, 128), bool))
    places = cell_places(96, 128).numpy()
    mine = places[found == 0]
    assert len(mine)
    assert (np.abs(mine[:, :2] - (x, y)) <= np.maximum(half, mine[:, 2:])).all()
    unsure = assign(box[None], np.zeros(1, bool), np.zeros((96, 128), bool))
    assert not (unsure >= 0).any() and set(np.unique(unsure)) <= {NONE, LEFT_OUT}


def test_a_small_face_wins_over_a_large_one_and_unknown_cells_are_left_out() -> None:
    large, small = np.float32([10, 10, 50, 50]), np.float32([22, 22, 48, 48])
    found = assign(np.stack([large, small]), np.ones(2, bool), np.zeros((64, 64), bool))
    sixteen = found[64:80].reshape(4, 4)
    assert (sixteen[2, 2] == 1) and (sixteen == 0).sum() < 4
    unknown = np.ones((64, 64), bool)
    assert (assign(np.zeros((0, 4), np.float32), np.zeros(0, bool), unknown) == LEFT_OUT).all()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-50, 50), min_size=8, max_size=8))
def test_generalised_iou_never_exceeds_iou(values: list[float]) -> None:
    boxes = torch.tensor(values).view(2, 2, 2).sort(1).values.reshape(2, 4)
    plain, giou = overlaps(boxes[:1], boxes[1:])
    assert -1.001 <= giou.item() <= plain.item() + 1e-5 <= 1.001
    same, _ = overlaps(boxes[:1], boxes[:1])
    area = float((boxes[0, 2:] - boxes[0, :2]).prod())
    assert same.item() == pytest.approx(1.0, abs=1e-3) or area < 1e-2
    np.testing.assert_allclose(plain.item(), iou(boxes[:1].numpy(), boxes[1:].numpy())[0, 0], atol=1e-5)


def test_the_right_answer_has_the_least_loss() -> None:
    canvas = Canvas(np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64), bool))
    canvas.boxes.append(np.float32([10, 12, 40, 50]))
    canvas.landmarks.append(np.float32([[18, 24], [32, 24], [25, 32], [19, 42], [31, 42]]))
    canvas.sures.append(True)
    target, places = target_of([canvas]), cell_places(64, 64)
    right = torch.zeros(1, 84, 15)
    right[..., 0] = torch.where(target.cells >= 0, 12.0, -12.0)
    middle, size = torch.tensor([25.0, 31.0]), torch.tensor([30.0, 38.0])
    right[..., 1:3] = (middle - places[:, :2]) / places[:, 2:]
    right[..., 3:5] = torch.log(size / places[:, 2:])
    points = torch.from_numpy(canvas.landmarks_xy[0])
    right[..., 5:] = ((points[None] - places[:, None, :2]) / places[:, None, 2:]).flatten(1)
    np.testing.assert_allclose(decode_boxes(right, places)[0, 0], [10, 12, 40, 50], atol=1e-4)
    np.testing.assert_allclose(decode_landmarks(right, places)[0, 3], points, atol=1e-4)
    best = sum(face_loss(right, places, target, SMALL).values())
    assert best < 1e-3
    for column in range(15):
        wrong = right.clone()
        wrong[..., column] = -wrong[..., column] if column == 0 else wrong[..., column] + 0.5
        assert sum(face_loss(wrong, places, target, SMALL).values()) > best + 1e-3, column


def test_quality_focal_loss_is_least_at_the_quality() -> None:
    quality = torch.tensor(0.7)
    logits = torch.linspace(-4, 4, 801)
    losses = torch.stack([quality_focal(logit, quality) for logit in logits])
    assert torch.sigmoid(logits[losses.argmin()]).item() == pytest.approx(0.7, abs=0.01)


def test_the_deployed_network_is_the_same_function() -> None:
    torch.manual_seed(0)
    network = FaceNet(SMALL.network)
    network.train()(torch.randn(8, 3, 64, 96))
    network.eval()
    x = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        for mine, twin in zip(network(x), network.deploy()(x), strict=True):
            np.testing.assert_allclose(mine, twin, atol=1e-4)
        assert cells(network(x)).shape == (2, len(cell_places(64, 96)), 15)


def test_batches_follow_from_seed_and_number() -> None:
    batches = CanvasBatches(_composer(), 3, seed=1, first=0, last=5)
    again = CanvasBatches(_composer(), 3, seed=1, first=2, last=5)
    torch.testing.assert_close(batches[2][0], again[0][0])
    torch.testing.assert_close(batches[2][1].cells, again[0][1].cells)
    assert not torch.equal(batches[1][0], batches[2][0])


def test_a_short_run_is_written_resumed_and_validated(tmp_path: Path) -> None:
    held_out = _painted(3, complete=True, side=128)
    first = train_faces(
        replace(SMALL, steps=3), _composer(), held_out, tmp_path / "a", FaceRunOptions(threads=1, workers=0, quiet=True)
    )
    network, config, note = load_face_net(first)
    assert note["steps"] == 3 and config.canvas.side == 64
    assert set(validate(network, held_out)) == {"recall", "false_alarms"}
    with pytest.raises(InvalidArgumentError, match="exists: resume"):
        train_faces(SMALL, _composer(), held_out, tmp_path / "a", FaceRunOptions(threads=1, workers=0, quiet=True))
    options = FaceRunOptions(threads=1, workers=0, quiet=True, resume=True)
    with pytest.raises(CheckpointError, match="another configuration"):
        train_faces(replace(SMALL, lr=1.0), _composer(), held_out, tmp_path / "a", options)


def test_training_learns_the_painted_faces(tmp_path: Path) -> None:
    config = replace(
        SMALL, steps=150, batch_size=8, lr=1e-2, ema_decay=0.9, network=FaceNetConfig(8, 8, 16, 16, 16, 1, 1, 1),
        canvas=CanvasConfig(64, single_p=1.0, heads_p=0.0, scenes_p=0.9, scene_scale_low=0.4, scene_scale_high=0.8),
    )  # fmt: skip
    last = train_faces(
        config,
        _composer(config.canvas),
        _painted(2, complete=True, side=128),
        tmp_path,
        FaceRunOptions(threads=1, workers=0, quiet=True),
    )
    rows = (tmp_path / "log.csv").read_text().splitlines()
    assert len(rows) == 2
    network, _, _ = load_face_net(last)
    canvas = next(
        c for c in (_composer(config.canvas)(np.random.default_rng((9, k))) for k in range(50)) if c.sure.any()
    )
    with torch.no_grad():
        values = cells(network(inputs_of(canvas.image[None])))[0]
    best = int(values[:, 0].argmax())
    box = decode_boxes(values[None], cell_places(64, 64))[0, best].numpy()
    assert iou(box[None], canvas.boxes_xyxy[canvas.sure]).max() > 0.4


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04broken"])
def test_a_damaged_checkpoint_is_said_to_be_one(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "last.pt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged checkpoint"):
        read_face_checkpoint(path)
    with pytest.raises(CheckpointError, match="found no file"):
        read_face_checkpoint(tmp_path / "none.pt")


def test_heads_are_no_scenes(tmp_path: Path) -> None:
    description = {"count": 1, "image_size": 64, "format": "hpe-edge-heads/1"}
    (tmp_path / "dataset.json").write_text(json.dumps(description))
    with pytest.raises(DatasetError, match=r"expected scenes of hpe-edge render-scenes, got 'hpe-edge-heads/1'"):
        of_scenes([tmp_path], tmp_path / "cache")


def test_maps_to_test_on_are_the_last_by_name() -> None:
    assert held_out_maps(list("hgfedcba")) == list("defgh")
