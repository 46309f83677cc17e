"""The core's face detector against its twin in NumPy: on random maps, and on random networks as a whole."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hpe_edge.training.native.container import pack
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hpe_edge import _core
from tests.property.strategies import images
from tests.reference.detect import FOLLOW_SIDE, Faces, decode, follow_window, letterbox, nearest
from tests.reference.network import run_network
from tests.reference.preprocess import crop_window, preprocess

STRIDES = (8, 16, 32)
SPEC: dict[str, Any] = {"channel_order": "bgr", "mean": (127.5,) * 3, "scale": (1 / 128,) * 3}
Maps = dict[int, NDArray[np.float32]]
Tensors = dict[str, NDArray[np.float32]]


def card(**changes: Any) -> str:
    outputs = [{"name": f"stride{stride}", "stride": stride} for stride in STRIDES]
    known = {"format": "hpe-edge-detector/1", "input": {"name": "x", "longest_side": 64, **SPEC}, "outputs": outputs}
    return json.dumps({**known, "score_threshold": 0.5, "nms_iou": 0.4, **changes})


def network_file(nodes: list[dict[str, Any]], tensors: Tensors, rows: int, columns: int) -> bytes:
    outputs = [{"name": f"stride{stride}", "value": f"map{stride}"} for stride in STRIDES]
    graph = {"input": {"name": "x", "shape": [3, rows, columns]}, "outputs": outputs, "nodes": nodes}
    return pack(tensors, {"format": "hpe-edge-network/1", "graph": json.dumps(graph)})


def pooled(stride: int, weight: str, bias: str, out: str) -> list[dict[str, Any]]:
    """The mean of each cell of the picture, and a 1x1 convolution."""
    size = {"kernel": [stride, stride], "stride": [stride, stride], "pad": [0, 0, 0, 0]}
    pool = {"op": "average_pool", "in": ["x"], "out": f"pool{stride}", **size, "count_pad": True}
    one = {"stride": [1, 1], "pad": [0, 0, 0, 0], "groups": 1}
    return [pool, {"op": "conv", "in": [f"pool{stride}", weight, bias], "out": out, **one}]


def showing(maps: Maps, rows: int, columns: int) -> bytes:
    """A network that gives these maps for every picture."""
    nodes: list[dict[str, Any]] = []
    tensors = {"w": np.zeros((15, 3, 1, 1), np.float32), "b": np.zeros(15, np.float32)}
    for stride, values in maps.items():
        tensors[f"values{stride}"] = values
        nodes += pooled(stride, "w", "b", f"zero{stride}")
        nodes.append({"op": "add", "in": [f"zero{stride}", f"values{stride}"], "out": f"map{stride}"})
    return network_file(nodes, tensors, rows, columns)


@st.composite
def random_maps(draw: st.DrawFn, rows: int, columns: int) -> Maps:
    """Few or many faces, often of equal scores, boxes of all sizes, now and then beyond the limit of the log size."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    mean, step = draw(st.sampled_from([-6.0, -2.0, 2.0])), draw(st.sampled_from([1e-3, 0.5]))
    spread = draw(st.sampled_from([0.3, 1.0, 6.0]))
    maps = {}
    for stride in STRIDES:
        values = rng.normal(size=(15, rows // stride, columns // stride)).astype(np.float32)
        values[0] = np.round((values[0] * 3 + mean) / step) * step
        values[3:5] = values[3:5] * spread + 0.5
        maps[stride] = values
    return maps


def assert_same(found: tuple[NDArray[np.float32], ...], expected: Faces, tolerance: float = 1e-5) -> None:
    for got, wanted in zip(found, (expected.boxes_xyxy, expected.scores, expected.landmarks_xy), strict=True):
        assert got.shape == wanted.shape
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance * 100)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_faces_of_random_maps(data: st.DataObject) -> None:
    width, height = data.draw(st.integers(1, 300)), data.draw(st.integers(1, 300))
    side = data.draw(st.sampled_from([32, 50, 64, 96, 150]))
    rows, columns, box = letterbox(width, height, side)
    maps = data.draw(random_maps(rows, columns))
    rules = {
        "score_threshold": data.draw(st.sampled_from([0.03, 0.51, 0.9])),
        "nms_iou": data.draw(st.sampled_from([0.21, 0.43, 0.77])),
    }
    most = data.draw(st.sampled_from([1, 7, 256]))
    detector = _core.FaceDetector(card(**rules), showing(maps, rows, columns), longest_side=side, max_faces=most)
    found = detector.detect(np.zeros((height, width, 3), np.uint8), pixel_format="bgr8")
    window = crop_window(box[0].tolist(), 0.0, False)
    assert_same(found, decode(maps, window, (width, height), **rules, max_faces=most))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_followed_face_is_the_one_that_overlaps_most(data: st.DataObject) -> None:
    maps = data.draw(random_maps(FOLLOW_SIDE, FOLLOW_SIDE))
    detector = _core.FaceDetector(card(), showing(maps, FOLLOW_SIDE, FOLLOW_SIDE))
    width, height = 160, 120
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    corners = rng.uniform(-20, 150, (4, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(4, 80, (4, 2))], axis=1).astype(np.float32)
    found = detector.follow(np.zeros((height, width), np.uint8), boxes, pixel_format="mono8")
    for i, box in enumerate(boxes.tolist()):
        gone = box[0] >= width or box[1] >= height or box[2] <= 0 or box[3] <= 0
        rules = {"score_threshold": 0.5, "nms_iou": 0.4}
        faces = decode({} if gone else maps, follow_window(box), (width, height), **rules)
        assert_same(tuple(part[i : i + 1] for part in found), nearest(faces, box))


@settings(max_examples=25, deadline=None)
@given(images(), st.integers(0, 2**32 - 1), st.sampled_from([32, 50, 64]))
def test_a_whole_network_on_an_image(image: NDArray[np.uint8], seed: int, side: int) -> None:
    """Stored for another size than the image's: shapes follow."""
    rng = np.random.default_rng(seed)
    tensors = {"b": rng.normal(size=15).astype(np.float32) * 0.3}
    nodes = []
    for stride in STRIDES:
        tensors[f"w{stride}"] = rng.normal(size=(15, 3, 1, 1)).astype(np.float32)
        nodes += pooled(stride, f"w{stride}", "b", f"map{stride}")
    height, width = image.shape[:2]
    rows, columns, box = letterbox(width, height, side)
    crop = preprocess(image, box, pixel_format="bgr8", width=columns, height=rows, margin=0.0, square=False, **SPEC)
    values = run_network(network_file(nodes, tensors, rows, columns), crop[0].astype(np.float32))
    maps = {stride: np.asarray(values[f"stride{stride}"], np.float32) for stride in STRIDES}
    threshold = clear_threshold(maps)
    if threshold is None:
        return
    file = network_file(nodes, tensors, 96, 128)
    detector = _core.FaceDetector(card(score_threshold=threshold), file, longest_side=side)
    found = detector.detect(image, pixel_format="bgr8")
    window = crop_window(box[0].tolist(), 0.0, False)
    expected = decode(maps, window, (width, height), score_threshold=threshold, nms_iou=0.4)
    # the order of scores that differ in rounding alone may be another one, and what they suppress too
    clear = len(expected.scores) < 2 or float(np.diff(np.sort(expected.scores)).min()) > 1e-4
    if clear:
        assert_same(found, expected, tolerance=1e-3)


def clear_threshold(maps: Maps) -> float | None:
    """A score that no cell is near."""
    logits = np.sort(np.concatenate([values[0].ravel() for values in maps.values()]).astype(np.float64))
    gap = int(np.argmax(np.diff(logits)))
    if logits[gap + 1] - logits[gap] < 1e-3:
        return None
    return float(1 / (1 + np.exp(-(logits[gap] + logits[gap + 1]) / 2)))


@pytest.mark.parametrize("size", [(13, 11), (40, 17), (3, 3)])
def test_a_network_of_another_size_is_the_network_stored_for_that_size(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    tensors = {"w": rng.normal(size=(17, 3, 3, 3)).astype(np.float32), "b": rng.normal(size=17).astype(np.float32)}
    conv = {"op": "conv", "in": ["x", "w", "b"], "out": "y", "stride": [2, 1], "pad": [1, 1, 1, 1], "groups": 1}

    def file(rows: int, columns: int) -> bytes:
        outputs = [{"name": "y", "value": "y"}]
        graph = {"input": {"name": "x", "shape": [3, rows, columns]}, "outputs": outputs, "nodes": [conv]}
        return pack(tensors, {"format": "hpe-edge-network/1", "graph": json.dumps(graph)})

    network = _core.Network(file(32, 32), input_size=size)
    assert network.input_shape == (3, *size)
    batch = rng.normal(size=(2, 3, *size)).astype(np.float32)
    np.testing.assert_array_equal(network.run(batch)["y"], _core.Network(file(*size)).run(batch)["y"])
