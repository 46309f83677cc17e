"""Head pose for robots and small computers: yaw, pitch and roll of heads in images.

>>> from hpe_edge import HeadPose
>>> import numpy as np
>>> frame = np.full((480, 640, 3), 90, np.uint8)  # a BGR frame, as OpenCV gives it
>>> poses = HeadPose().estimate(frame, boxes=[[250, 150, 350, 270]])
>>> len(poses)
1
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from hpe_edge.errors import HpeEdgeError

if TYPE_CHECKING:
    from hpe_edge import rotation
    from hpe_edge.camera import Camera
    from hpe_edge.draw import draw_axes, draw_poses
    from hpe_edge.estimator import HeadPose
    from hpe_edge.hub import list_models
    from hpe_edge.images import read_image, write_image
    from hpe_edge.modelcard import ModelCard
    from hpe_edge.results import HeadPoses, Pose

    __version__: str

__all__ = [
    "Camera",
    "HeadPose",
    "HeadPoses",
    "HpeEdgeError",
    "ModelCard",
    "Pose",
    "draw_axes",
    "draw_poses",
    "list_models",
    "read_image",
    "rotation",
    "write_image",
]

# Importing hpe_edge must stay cheap: each name loads its module on first use.
_HOMES = {
    "Camera": "camera",
    "HeadPose": "estimator",
    "HeadPoses": "results",
    "ModelCard": "modelcard",
    "Pose": "results",
    "draw_axes": "draw",
    "draw_poses": "draw",
    "list_models": "hub",
    "read_image": "images",
    "write_image": "images",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("hpe-edge")
    if name == "rotation":
        return importlib.import_module("hpe_edge.rotation")
    if name not in _HOMES:
        raise AttributeError(f"module 'hpe_edge' has no attribute {name!r}")
    return getattr(importlib.import_module(f"hpe_edge.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__", "errors"])
