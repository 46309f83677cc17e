"""Cameras of any kind: there and back through lens, mount and viewing ray; a known face comes back where it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, reject
from hypothesis import strategies as st
from numpy.typing import NDArray

from hpe_edge import rotation
from hpe_edge.camera import MEAN_FACE_M, Camera, place_heads
from hpe_edge.errors import InvalidArgumentError

Array = NDArray[np.float64]

angles = st.tuples(st.floats(-75, 75), st.floats(-60, 60), st.floats(-60, 60))
mounts = st.tuples(st.floats(-180, 180), st.floats(-80, 80), st.floats(-180, 180))


@st.composite
def cameras(draw: st.DrawFn) -> Camera:
    """Lenses of 20 to 100 degrees, barrel and pincushion, the axis somewhere near the middle."""
    camera = Camera.from_fov(640, 480, horizontal_fov_deg=draw(st.floats(20, 100)))
    k1 = draw(st.floats(-0.15, 0.3))
    lens = (k1, 0.05 * k1 * k1, draw(st.floats(-2e-3, 2e-3)), draw(st.floats(-2e-3, 2e-3)), 0.0)
    shift = draw(st.floats(-20, 20))
    distortion = draw(st.sampled_from([(), lens]))
    try:
        return replace(camera, cx=camera.cx + shift, cy=camera.cy - shift, distortion=distortion)
    except InvalidArgumentError:
        reject()  # a lens that folds the image's corners over, which test_camera.py checks


def _ray_rotation(middle_m: Array) -> Array:
    """The smallest turn of the axis to a direction, by axis and angle: another way than the library's."""
    unit = middle_m / np.linalg.norm(middle_m)
    axis = np.cross([0, 0, 1], unit)
    sine = np.linalg.norm(axis)
    angle = np.arctan2(sine, unit[2])
    return np.asarray(rotation.rotvec_to_rotation((axis / max(sine, 1e-12) * angle)[None])[0])


def _geodesic_deg(a: Array, b: Array) -> float:
    return float(np.degrees(np.linalg.norm(rotation.rotation_to_rotvec((a @ b.T)[None])[0])))


@given(cameras(), st.lists(st.tuples(st.floats(0, 640), st.floats(0, 480)), min_size=1, max_size=5))
def test_pixels_go_to_rays_and_back(camera: Camera, points: list[tuple[float, float]]) -> None:
    np.testing.assert_allclose(camera.project(camera.rays(points) * 3.0), points, atol=1e-4)


@given(cameras(), angles, st.tuples(st.floats(0.15, 0.85), st.floats(0.15, 0.85)), st.floats(0.5, 12.0), mounts)
def test_a_known_face_comes_back(
    camera: Camera,
    euler_deg: tuple[float, ...],
    place: tuple[float, float],
    distance_m: float,
    mount: tuple[float, ...],
) -> None:
    seen = rotation.euler_to_rotation([euler_deg])[0]
    middle_m = camera.rays([[640 * place[0], 480 * place[1]]])[0] * distance_m
    turned = _ray_rotation(middle_m) @ seen
    # Without the lens: a box is taken for a rectangle of the plane, which a lens would bend.
    plain = replace(camera, distortion=()).mounted(yaw_deg=mount[0], pitch_deg=mount[1], roll_deg=mount[2])
    pixels = plain.project(MEAN_FACE_M @ turned.T + middle_m)
    box = np.array([[*pixels.min(axis=0), *pixels.max(axis=0)]])
    places = place_heads(plain, np.array([euler_deg]), np.full((1, 3), np.nan), box)
    np.testing.assert_allclose(places.translation_m[0], plain.mount @ middle_m, atol=2e-3 * distance_m)
    found = rotation.euler_to_rotation(places.euler_deg.astype(np.float64))[0]
    assert _geodesic_deg(found, plain.mount @ turned) < 0.15


@given(cameras(), angles, st.floats(0.2, 0.8), st.floats(0.2, 0.8))
def test_a_lens_moves_a_known_face_little(
    camera: Camera, euler_deg: tuple[float, ...], across: float, down: float
) -> None:
    middle_m = camera.rays([[640 * across, 480 * down]])[0] * 1.5
    turned = _ray_rotation(middle_m) @ rotation.euler_to_rotation([euler_deg])[0]
    pixels = camera.project(MEAN_FACE_M @ turned.T + middle_m)
    box = np.array([[*pixels.min(axis=0), *pixels.max(axis=0)]])
    places = place_heads(camera, np.array([euler_deg]), np.full((1, 3), np.nan), box)
    np.testing.assert_allclose(places.translation_m[0], middle_m, atol=0.03 * 1.5)
    assert _geodesic_deg(rotation.euler_to_rotation(places.euler_deg.astype(np.float64))[0], turned) < 0.5


@given(angles, st.tuples(st.floats(0, 560), st.floats(0, 420)), st.floats(20, 80), st.floats(20, 60))
def test_the_mirrored_image_gives_the_mirrored_pose(
    euler_deg: tuple[float, float, float], corner: tuple[float, float], width: float, height: float
) -> None:
    camera = Camera.from_fov(640, 480, horizontal_fov_deg=80)
    (x, y), (yaw, pitch, roll) = corner, euler_deg
    box = np.array([[x, y, x + width, y + height], [640 - x - width, y, 640 - x, y + height]])
    places = place_heads(camera, np.array([[yaw, pitch, roll], [-yaw, pitch, -roll]]), np.ones((2, 3)), box)
    np.testing.assert_allclose(places.euler_deg[1], places.euler_deg[0] * [-1, 1, -1], atol=1e-3)
    np.testing.assert_allclose(places.translation_m[1], places.translation_m[0] * [-1, 1, 1], atol=1e-4)
    np.testing.assert_allclose(places.std_deg[1], places.std_deg[0], rtol=1e-3)


@given(cameras(), angles, mounts)
def test_the_spread_is_that_of_small_errors(
    camera: Camera, euler_deg: tuple[float, ...], mount: tuple[float, ...]
) -> None:
    tilted = replace(camera, distortion=()).mounted(yaw_deg=mount[0], pitch_deg=mount[1], roll_deg=mount[2])
    box, step = np.array([[520.0, 60, 580, 130]]), 0.01
    std_deg = np.array([3.0, 2.0, 1.0])
    # The middle of the head, and so the ray, moves with the angles; a small face keeps that out.
    box[0, 2:] = box[0, :2] + 1.0
    base = np.array([euler_deg])
    places = place_heads(tilted, base, std_deg[None], box)
    if abs(places.euler_deg[0, 0]) > 80:
        return  # there pitch and roll are nearly one, and the limit of 180 degrees may hold
    squares = np.zeros(3)
    for index in range(3):
        ends = []
        for sign in (-1.0, 1.0):
            moved = base.copy()
            moved[0, index] += sign * step * 100
            ends.append(place_heads(tilted, moved, std_deg[None], box).euler_deg[0].astype(np.float64))
        change = (ends[1] - ends[0] + 180) % 360 - 180
        squares += (change / (2 * step * 100) * std_deg[index]) ** 2
    np.testing.assert_allclose(places.std_deg[0], np.sqrt(squares), rtol=0.05, atol=0.05)
