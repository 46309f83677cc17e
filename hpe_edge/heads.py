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
class Spread:
    """Where the spread of the angles comes from, and its calibration: one factor for each angle.

    ``std = scale[a] * exp(log_std)`` from a variance head (Kendall and Gal, What Uncertainties Do We Need in
    Bayesian Deep Learning for Computer Vision, NeurIPS 2017, eq. 8), or ``std = scale[a] * deviation`` from the
    distribution of a :class:`BinsHead`. The factor is the temperature of Laves et al., Well-Calibrated Regression
    Uncertainty in Medical Imaging, MIDL 2020. A temperature on the logits (Guo et al., ICML 2017) would do for
    bins alone, and it would move the expectation, so that a calibration changed the angles.

    Attributes:
        scale: factors of yaw, pitch and roll, above 0; fitted where the network was not trained.
        output: name of the output log_std, (N, 3), natural logarithm of degrees; ``None`` takes the
            distribution's deviation, which only bins have.
    """

    scale: tuple[float, float, float]
    output: str | None = None


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
        spread: its spread comes from a variance head; ``None`` for a network without one.
    """

    stages: tuple[int, ...]
    range_deg: float
    p: tuple[str, ...]
    eta: tuple[str, ...]
    delta: tuple[str, ...]
    eta_per_bin: bool = False
    spread: Spread | None = None

    @property
    def output_names(self) -> tuple[str, ...]:
        """Every network output the decode reads."""
        return self.p + self.eta + self.delta + _spread_outputs(self.spread)


@dataclass(frozen=True)
class BinsHead:
    """Softmax over equal angle bins, their expectation and their standard deviation.

    ``angle = sum_i p_i c_i``, ``std = sqrt(sum_i p_i (c_i - angle)^2)``, ``p = softmax(logits)``,
    ``c_i = first_deg + i step_deg``. One formula decodes three of the papers, whose networks differ in training:

    - Hopenet: 66 bins of 3 degrees (Ruiz et al., CVPRW 2018, "The Multi-Loss Approach"); first_deg -97.5.
    - Hybrid coarse-fine: the finest of its five classifications, 198 bins of 1 degree (Wang et al., Hybrid
      Coarse-Fine Classification for Head Pose Estimation, 2019, sec. 3.2); first_deg -98.5. The four coarse ones
      of eq. 1 help the training and are no outputs of the model.
    - Gaussian label distributions: 66 bins (Liu et al., Facial Pose Estimation by Deep Learning from Label
      Distributions, ICCVW 2019, sec. 3.1 and 4.1). The labels themselves have a deviation, 4 bins of 3 degrees,
      which the predicted distribution learns on top of what the network does not know.

    Attributes:
        bins: number of bins B.
        first_deg: centre of bin 0, in degrees.
        step_deg: distance of neighbouring centres, in degrees.
        outputs: names of the yaw, pitch and roll logits, each (N, B).
        spread: the calibration of the spread; ``None`` leaves the distribution's deviation as it is.
    """

    bins: int
    first_deg: float
    step_deg: float
    outputs: tuple[str, str, str]
    spread: Spread | None = None

    @property
    def output_names(self) -> tuple[str, ...]:
        """Every network output the decode reads."""
        return self.outputs + _spread_outputs(self.spread)


@dataclass(frozen=True)
class AnglesHead:
    """The network gives yaw, pitch, roll in degrees itself.

    Attributes:
        output: name of the output, (N, 3).
        spread: its spread comes from a variance head; ``None`` for a network without one.
    """

    output: str
    spread: Spread | None = None

    @property
    def output_names(self) -> tuple[str, ...]:
        """Every network output the decode reads."""
        return (self.output, *_spread_outputs(self.spread))


Head: TypeAlias = SsrHead | BinsHead | AnglesHead


def decode(head: Head, outputs: Mapping[str, FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Turn named network outputs into angles and their spread.

    Args:
        head: the model's head, from its card.
        outputs: float32 arrays by name; those the head names must be there, others are ignored.

    Returns:
        ``(euler_deg, std_deg)``, both float32 (N, 3), in the order yaw, pitch, roll. The spread is what
        ``head.spread`` says; without that it is the deviation of a bin distribution, and NaN for other heads.

    Raises:
        CorruptModelError: an output is missing or its shape is not what the head says.
        InvalidArgumentError: stages, logits or log_std are not finite, or a head that has no bins names no
            output for its spread.

    >>> import numpy as np
    >>> euler_deg, std_deg = decode(AnglesHead("angles"), {"angles": np.zeros((2, 3), np.float32)})
    >>> euler_deg.shape, bool(np.isnan(std_deg).all())
    ((2, 3), True)
    """
    euler_deg, deviation_deg = _angles(head, outputs)
    return euler_deg, _spread_deg(head.spread, outputs, deviation_deg)


def _angles(head: Head, outputs: Mapping[str, FloatArray]) -> tuple[FloatArray, FloatArray]:
    """The angles and the deviation of their distribution, NaN where a head has none; both (N, 3)."""
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


def _spread_deg(spread: Spread | None, outputs: Mapping[str, FloatArray], deviation_deg: FloatArray) -> FloatArray:
    if spread is None:
        return deviation_deg
    if spread.output is None:
        return _core.scale_spread(deviation_deg, spread.scale)
    return _core.spread_from_log(_take(outputs, spread.output, (3,)), spread.scale)


def _spread_outputs(spread: Spread | None) -> tuple[str, ...]:
    return () if spread is None or spread.output is None else (spread.output,)


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
