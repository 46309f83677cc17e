"""The camera: intrinsics, lens, mount, and what they say about where heads are."""

from hpe_edge.camera.mean_face import MEAN_FACE_M
from hpe_edge.camera.model import Camera
from hpe_edge.camera.placement import DISTANCE_SPREAD, HeadPlaces, euler_axes, place_heads

__all__ = ["DISTANCE_SPREAD", "MEAN_FACE_M", "Camera", "HeadPlaces", "euler_axes", "place_heads"]
