"""What a network's raw outputs mean: frozen variants and one ``match``, no class tree.

The decode stays outside every network file, in float32, shared by all backends: a head names the
outputs it reads and the numbers of its formula, and :func:`decode` hands them to the C++ core.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hpe_edge import _core
from hpe_edge.errors import CorruptModelError

FloatArray: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True)
class SsrHead:
    """Soft stagewise regression (Yang et al., FSA-Net, CVPR 2019, eq. 2; SSR-Net, IJCAI 2018, eq. 4).

    ``angle = range_deg * sum_k sum_i p_ki (i - floor(s_k / 2) + eta_k) / prod_{j<=k} s_j (1 + delta_j)``,
    with ReLU on p and tanh on eta and delta applied by the decode: the network gives raw values.

    Attributes:
        stages: bins of each stage, ``s_k``; the length is the number of stages.
        range_deg: the scale V, in degrees.
        p: output name of each stage's bin scores, (N, 3, s_k).
        eta: output name of each stage's bin shift, (N, 3), or (N, 3, s_k) when ``eta_per_bin``.
        delta: output name of each stage's width factor, (N, 3).
        eta_per_bin: whether each bin has its own shift.
    """

    stages: tuple[int, ...]
    range_deg: float
    p: tuple[str, ...]
    eta: tuple[str, ...]
    delta: tuple[str, ...]
    eta_per_bin: bool = False

    @property
    def output_names(self) -> tuple[str, ...]:
        """Every network output the decode reads."""
        return self.p + self.eta + self.delta


@dataclass(frozen=True)
class BinsHead:
    """Softmax over equal angle bins and their expectation (Ruiz et al., Hopenet, CVPRW 2018, sec. 3.1).

    Attributes:
        bins: number of bins B.
        first_deg: centre of bin 0, in degrees.
        step_deg: distance of neighbouring centres, in degrees.
        outputs: names of the yaw, pitch and roll logits, each (N, B).
    """

    bins: int
    first_deg: float
    step_deg: float
    outputs: tuple[str, str, str]

    @property
    def output_names(self) -> tuple[str, ...]:
        """Every network output the decode reads."""
        return self.outputs


@dataclass(frozen=True)
class AnglesHead:
    """The network gives yaw, pitch, roll in degrees itself.

    Attributes:
        output: name of the output, (N, 3).
    """

    output: str

    @property
    def output_names(self) -> tuple[str, ...]:
        """Every network output the decode reads."""
        return (self.output,)


Head: TypeAlias = SsrHead | BinsHead | AnglesHead


def decode(head: Head, outputs: Mapping[str, FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Turn named network outputs into angles and their spread.

    Args:
        head: the model's head, from its card.
        outputs: float32 arrays by name; those the head names must be there, others are ignored.

    Returns:
        ``(euler_deg, std_deg)``, both float32 (N, 3), in the order yaw, pitch, roll. The spread is the
        standard deviation of a bin distribution and NaN for heads that have no distribution.

    Raises:
        CorruptModelError: an output is missing or its shape is not what the head says.

    >>> import numpy as np
    >>> euler_deg, std_deg = decode(AnglesHead("angles"), {"angles": np.zeros((2, 3), np.float32)})
    >>> euler_deg.shape, bool(np.isnan(std_deg).all())
    ((2, 3), True)
    """
    match head:
        case SsrHead():
            scores = [_take(outputs, name, (3, bins)) for name, bins in zip(head.p, head.stages, strict=True)]
            shifts = [
                _take(outputs, name, (3, bins) if head.eta_per_bin else (3,))
                for name, bins in zip(head.eta, head.stages, strict=True)
            ]
            widths = [_take(outputs, name, (3,)) for name in head.delta]
            euler_deg = _core.ssr_stages(scores, shifts, widths, head.range_deg)
            return euler_deg, np.full_like(euler_deg, np.nan)
        case BinsHead():
            logits = np.stack([_take(outputs, name, (head.bins,)) for name in head.outputs], axis=1)
            return _core.softmax_expectation(logits, head.first_deg, head.step_deg)
        case AnglesHead():
            euler_deg = _take(outputs, head.output, (3,))
            return euler_deg, np.full_like(euler_deg, np.nan)


def _take(outputs: Mapping[str, FloatArray], name: str, tail: Sequence[int]) -> FloatArray:
    """The named output as C-contiguous float32 (N, *tail)."""
    if name not in outputs:
        raise CorruptModelError(
            f"the model's head reads the network output {name!r}, but the network gave {sorted(outputs)}; "
            "the card and the network file do not belong together"
        )
    value = np.ascontiguousarray(outputs[name], dtype=np.float32)
    if value.ndim != 1 + len(tail) or value.shape[1:] != tuple(tail):
        expected = ", ".join(["N", *map(str, tail)])
        raise CorruptModelError(
            f"network output {name!r}: expected shape ({expected}), got {value.shape}; "
            "the card and the network file do not belong together"
        )
    return value
