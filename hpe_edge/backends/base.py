"""What a backend is: something that runs one network file and says what really runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from hpe_edge.images import AnyImage
from hpe_edge.modelcard import ModelCard

FloatArray: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True)
class BackendInfo:
    """What really runs, as the backend itself reports it after loading.

    Attributes:
        name: the backend's entry-point name.
        version: version of the library behind it.
        provider: device or execution provider in use.
        precision: arithmetic of the network, e.g. ``"fp32"``.
        threads: threads that one call may use.
    """

    name: str
    version: str
    provider: str
    precision: str
    threads: int


@dataclass(frozen=True)
class Device:
    """A device of a backend.

    Attributes:
        name: as in ``"onnxruntime:cuda"``.
        precisions: what it computes in.
        problem: why it cannot be used here, with the command that mends it where there is one; ``None`` where nothing
            speaks against it before a network is loaded.
    """

    name: str
    precisions: tuple[str, ...]
    problem: str | None = None


@runtime_checkable
class Backend(Protocol):
    """A loaded network. Instances may be called from several threads at once.

    A backend that runs on more than the CPU takes a keyword ``device`` besides those below, and may take others, such
    as ``cache``; a class method ``devices() -> list[Device]`` lists them in the order that ``NAME:auto`` tries. A
    class attribute ``precisions`` names what it computes in, ``("fp32", "int8")`` where it is left out.
    """

    file_kind: ClassVar[str]
    """The kind of file it reads, a key of the card's ``files``; ``-int8`` is added for the 8-bit one."""

    def __init__(self, data: bytes, card: ModelCard, *, precision: str, threads: int) -> None:
        """Load a network from the verified bytes of its file.

        Raises:
            MissingDependencyError: the library behind the backend is not installed.
            CorruptModelError: the bytes are no network, or not the one that the card describes.
            BackendError: the network is fine but this backend cannot run it.
        """

    @property
    def info(self) -> BackendInfo:
        """What really runs."""

    def run(self, batch: FloatArray) -> Mapping[str, FloatArray]:
        """Run the network.

        Args:
            batch: float32 (N, 3, H, W), C-contiguous, N >= 1.

        Returns:
            The outputs that the card's head reads, by name, each float32 (N, ...).
        """


@runtime_checkable
class FrameBackend(Protocol):
    """A backend that also crops and decodes: frames in, poses out, in one call."""

    def estimate(self, image: AnyImage, boxes_xyxy: FloatArray, pixel_format: str) -> tuple[FloatArray, FloatArray]:
        """``(euler_deg, std_deg)``, float32 (N, 3) each, of the heads in the boxes (N, 4) of one frame.

        Raises:
            InvalidImageError, InvalidBoxError: as ``_core.preprocess``.
        """


def file_kind(backend: Backend | type[Backend], precision: str) -> str:
    """The kind of the card's file that a backend reads for a precision: 16 bits are made of the float32 file.

    >>> from hpe_edge.backends.native import NativeBackend
    >>> file_kind(NativeBackend, "int8")
    'safetensors-int8'
    """
    return f"{backend.file_kind}-int8" if precision == "int8" else backend.file_kind
