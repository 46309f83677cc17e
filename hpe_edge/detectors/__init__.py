"""Face detectors, found through the entry-point group ``hpe_edge.detectors``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

from hpe_edge._plugins import load_plugin, plugin_names
from hpe_edge.detectors.base import Detector
from hpe_edge.modelcard import InputSpec
from hpe_edge.results import Detections

__all__ = ["Detections", "Detector", "available_detectors", "open_detector"]

GROUP: Final = "hpe_edge.detectors"


def available_detectors() -> list[str]:
    """Names of the registered detectors."""
    return plugin_names(GROUP)


def open_detector(name: str, spec: InputSpec) -> Detector:
    """Make a detector by name.

    Args:
        name: a registered name, e.g. ``"full-frame"``.
        spec: the input of the model that will get the boxes.

    Raises:
        InvalidArgumentError: no such detector.
        BackendError: it cannot be loaded.
    """
    factory = cast(Callable[[InputSpec], Detector], load_plugin(GROUP, name, "detector"))
    return factory(spec)
