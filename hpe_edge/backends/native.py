"""The native backend: the network runs in the C++ core, and nothing but NumPy needs to be installed."""

from __future__ import annotations

from importlib.metadata import version
from typing import ClassVar

from hpe_edge import _core
from hpe_edge.backends.base import BackendInfo, FloatArray
from hpe_edge.errors import CorruptModelError
from hpe_edge.modelcard import ModelCard


class NativeBackend:
    """Runs a card's ``safetensors`` file (docs/NETWORK_FILE.md); see :class:`hpe_edge.backends.base.Backend`.

    One image runs on one thread. With more threads, the images of a batch are shared among them.
    """

    file_kind: ClassVar[str] = "safetensors"

    def __init__(self, data: bytes, card: ModelCard, *, precision: str, threads: int) -> None:
        try:
            self._network = _core.Network(data, threads=threads)
        except CorruptModelError as error:
            raise CorruptModelError(f"model {card.name!r} ({card.files[self.file_kind].path}): {error}") from error
        _check_graph(self._network, card)
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

    def profile(self, repeats: int = 100) -> list[tuple[str, float]]:
        """The steps of the network in order, each with the median microseconds that it takes."""
        return self._network.profile(repeats)


def _check_graph(network: _core.Network, card: ModelCard) -> None:
    """Check input and outputs against the card."""
    spec = card.input
    expected = (spec.name, (3, spec.height, spec.width))
    found = (network.input_name, network.input_shape)
    if found != expected:
        raise CorruptModelError(
            f"model {card.name!r}: card and network disagree: expected the input {expected}, got {found}"
        )
    absent = [name for name in card.head.output_names if name not in network.outputs]
    if absent:
        raise CorruptModelError(
            f"model {card.name!r}: card and network disagree: expected outputs {absent}, "
            f"got only {sorted(network.outputs)}"
        )
