"""The compiled rasteriser against a slow and obvious twin."""

from __future__ import annotations

import numpy as np
import pytest
from hpe_edge.training.synthetic.camera.pinhole import HEAD_CENTRE, Camera, aim_at_face, on_axis
from hpe_edge.training.synthetic.people.expression import UNIT_NAMES, sample_expression
from hpe_edge.training.synthetic.people.pose import sample_pose
from hpe_edge.training.synthetic.raster.materials import TexelStore, material
from hpe_edge.training.synthetic.raster.visibility import rasterise, rasterise_depth, vertex_normals
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

SIDE = 24


def _twin(
    screen: NDArray[np.float32], inverse_depth: NDArray[np.float32], faces: NDArray[np.int32], cull: bool
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Inverse depth of the nearest triangle at every sample, by solving for weights; and where no edge is near."""
    certain = np.ones((SIDE, SIDE), bool)
    nearest = np.zeros((SIDE, SIDE))
    y, x = np.mgrid[0:SIDE, 0:SIDE] + 0.5
    for a, b, c in faces:
        corners = np.stack([np.append(screen[index].astype(float), 1) for index in (a, b, c)], 1)
        area = np.linalg.det(corners)
        if abs(area) < 1e-9 or (cull and area > 0):
            continue
        weights = np.linalg.solve(corners, np.stack([x, y, np.ones_like(x)]).reshape(3, -1))
        depth = (weights * inverse_depth[[a, b, c], None]).sum(0).reshape(SIDE, SIDE)
        certain &= (np.abs(weights) > 1e-3).all(0).reshape(SIDE, SIDE)
        wins = (weights >= 0).all(0).reshape(SIDE, SIDE) & (depth > nearest)
        nearest[wins] = depth[wins]
    return nearest, certain


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_rasterise_agrees_with_the_twin(seed: int, cull: bool) -> None:
    rng = np.random.default_rng(seed)
    screen = rng.uniform(-6, SIDE + 6, (12, 2)).astype(np.float32)
    inverse_depth = rng.uniform(0.1, 1, 12).astype(np.float32)
    faces = rng.permuted(np.tile(np.arange(12), (6, 1)), axis=1)[:, :3].astype(np.int32)
    store = TexelStore()
    white = store.add(np.full((4, 4, 4), 255, np.uint8))
    materials = material(white, cull=cull)[None]
    best = np.zeros((SIDE, SIDE), np.float32)
    owner = np.full((SIDE, SIDE), -1, np.int32)
    uv, texels = np.zeros((12, 2), np.float32), store.texels()
    rasterise(screen, inverse_depth, faces, np.zeros(6, np.int32), materials, uv, texels, best, owner)
    expected, certain = _twin(screen, inverse_depth, faces, cull)
    np.testing.assert_allclose(best[certain], expected[certain], rtol=2e-3)
    np.testing.assert_array_equal(owner[certain] >= 0, expected[certain] > 0)


def test_opacity_is_kept_on_average() -> None:
    store = TexelStore()
    half = np.full((4, 4, 4), 255, np.uint8)
    half[..., 3] = 102  # 0.4
    texture = store.add(half)
    screen = np.asarray([[0, 0], [400, 0], [0, 400]], np.float32)
    best, owner = np.zeros((200, 200), np.float32), np.full((200, 200), -1, np.int32)
    rasterise(
        screen, np.ones(3, np.float32), np.asarray([[0, 1, 2]], np.int32), np.zeros(1, np.int32),
        material(texture, alpha_texture=True)[None], np.full((3, 2), 0.5, np.float32), store.texels(), best, owner,
    )  # fmt: skip
    assert (owner == 0).mean() == pytest.approx(0.4, abs=0.02)


def test_triangles_behind_the_camera_are_not_drawn() -> None:
    store = TexelStore()
    row = material(store.add(np.full((4, 4, 4), 255, np.uint8)))[None]
    best, owner = np.zeros((8, 8), np.float32), np.full((8, 8), -1, np.int32)
    screen = np.asarray([[0, 0], [8, 0], [0, 8]], np.float32)
    faces = np.asarray([[0, 1, 2]], np.int32)
    inverse_depth = np.asarray([0.5, 0.0, 0.5], np.float32)
    rasterise(
        screen,
        inverse_depth,
        faces,
        np.zeros(1, np.int32),
        row,
        np.zeros((3, 2), np.float32),
        store.texels(),
        best,
        owner,
    )
    assert (owner == -1).all()


def test_shadow_map_keeps_the_nearest() -> None:
    screen = np.tile(np.asarray([[0, 0], [16, 0], [0, 16]], np.float32), (2, 1))
    depth = np.asarray([1, 1, 1, 2, 2, 2], np.float32)
    faces = np.asarray([[3, 4, 5], [0, 1, 2]], np.int32)
    nearest = np.full((8, 8), -9, np.float32)
    rasterise_depth(screen, depth, faces, np.ones(2, np.bool_), nearest)
    np.testing.assert_allclose(nearest, 2, rtol=1e-6)
    nearest[:] = -9
    rasterise_depth(screen, depth, faces, np.asarray([False, True]), nearest)
    np.testing.assert_allclose(nearest, 1, rtol=1e-6)


def test_normals_point_out_of_counter_clockwise_faces() -> None:
    normals = np.zeros((3, 3), np.float32)
    corners = np.asarray([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32)
    vertex_normals(corners, np.asarray([[0, 1, 2]], np.int32), normals)
    np.testing.assert_allclose(normals, [[0, 0, 1]] * 3, atol=1e-6)


@given(st.integers(0, 1000), st.floats(4.5, 32))
def test_the_tight_box_fills_its_share_of_the_picture(seed: int, distance: float) -> None:
    rng = np.random.default_rng(seed)
    landmarks = (HEAD_CENTRE + rng.uniform(-0.7, 0.7, (68, 3))).astype(np.float32)
    camera = aim_at_face(landmarks, sample_pose(rng), on_axis(distance), 112)
    pixels, inverse = camera.project(camera.see(landmarks))
    low, high = pixels.min(0), pixels.max(0)
    assert (inverse > 0).all()
    assert (high - low).max() == pytest.approx(112 / 2.5, rel=1e-3)
    np.testing.assert_allclose((low + high) / 2, 56, atol=0.05)


def test_points_behind_the_camera_have_no_inverse_depth() -> None:
    camera = Camera(100, 50, 50, np.eye(3), 5.0)
    _, inverse = camera.project(np.asarray([[0, 0, 1], [0, 0, -4]], np.float32))
    assert inverse.tolist() == [0.0, 0.25]


def test_expressions_use_known_units_and_cover_the_repertoire() -> None:
    rng = np.random.default_rng(0)
    names = set()
    for _ in range(300):
        name, weights = sample_expression(rng)
        names.add(name)
        for unit in weights:
            plain = unit.replace("-left", "").replace("-right", "")
            assert plain in UNIT_NAMES or plain == "eye-closure"
    assert {"neutral", "smile", "toothy smile", "any"} <= names
