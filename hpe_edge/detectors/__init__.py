"""Face detectors, found through the entry-point group ``hpe_edge.detectors``."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Final, cast

from hpe_edge._plugins import load_plugin, plugin_names
from hpe_edge.detectors.base import Detector, Follower
from hpe_edge.errors import InvalidArgumentError
from hpe_edge.modelcard import InputSpec
from hpe_edge.results import Detections

__all__ = ["Detections", "Detector", "Follower", "available_detectors", "open_detector"]

GROUP: Final = "hpe_edge.detectors"


def available_detectors() -> list[str]:
    """Names of the registered detectors."""
    return plugin_names(GROUP)


def open_detector(name: str, spec: InputSpec) -> Detector:
    """Make a detector by name.

    Args:
        name: a registered name, e.g. ``"full-frame"``, or ``"name:argument"`` for a detector that takes one:
            ``"face:640"``, ``"yunet:/path/of/face_detection_yunet.onnx"``.
        spec: the input of the model that will get the boxes.

    Raises:
        InvalidArgumentError: no such detector, or it takes no argument, or needs one.
        BackendError, MissingDependencyError: it cannot be loaded.
    """
    plugin, colon, argument = name.partition(":")
    factory = cast("Callable[..., Detector]", load_plugin(GROUP, plugin, "detector"))
    arguments = (spec, argument) if colon else (spec,)
    try:
        signature(factory).bind(*arguments)
    except TypeError as error:
        expected = f"{plugin!r}, without an argument" if colon else f"'{plugin}:ARGUMENT'"
        raise InvalidArgumentError(f"detector: expected {expected}, got {name!r}") from error
    return factory(*arguments)
