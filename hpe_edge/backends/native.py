"""The native backend: the network runs in the C++ core, and nothing but NumPy needs to be installed."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import ClassVar

from hpe_edge import _core
from hpe_edge.backends.base import BackendInfo, FloatArray, file_kind
from hpe_edge.errors import CorruptModelError
from hpe_edge.images import AnyImage
from hpe_edge.modelcard import ModelCard


class NativeBackend:
    """Runs a card's ``safetensors`` file (docs/NETWORK_FILE.md); see :class:`hpe_edge.backends.base.Backend`.

    One image runs on one thread. With more threads, the images of a batch are shared among them.
    """

    file_kind: ClassVar[str] = "safetensors"

    def __init__(self, data: bytes, card: ModelCard, *, precision: str, threads: int) -> None:
        try:
            self._model = _core.Model(json.dumps(card.as_dict()), data, threads=threads)
        except CorruptModelError as error:
            path = card.files[file_kind(self, precision)].path
            raise CorruptModelError(f"model {card.name!r} ({path}): {error}") from error
        self._network = self._model.network
        self._output_names = card.head.output_names
        self._info = BackendInfo(
            name="native", version=version("hpe-edge"), provider="CPU", precision=precision, threads=threads
        )

    @property
    def info(self) -> BackendInfo:
        """What really runs."""
        return self._info

    def run(self, batch: FloatArray) -> dict[str, FloatArray]:
        """Run the network on float32 (N, 3, H, W); the outputs the head reads, by name."""
        outputs = self._network.run(batch)
        return {name: outputs[name] for name in self._output_names}

    def estimate(self, image: AnyImage, boxes_xyxy: FloatArray, pixel_format: str) -> tuple[FloatArray, FloatArray]:
        """Angles and spread of the heads in the boxes of one frame, in one call of the core."""
        return self._model.estimate(image, boxes_xyxy, pixel_format=pixel_format)

    def profile(self, repeats: int = 100) -> list[tuple[str, float]]:
        """The steps of the network in order, each with the median microseconds that it takes."""
        return self._network.profile(repeats)
