"""Numbers of 8 bits: what the values of a u8 and of the int8 weights stand for.

Activations are asymmetric, weights symmetric by output channel (Jacob et al., Quantization and Training of Neural
Networks for Efficient Integer-Arithmetic-Only Inference, CVPR 2018; Krishnamoorthi, arXiv 1806.08342, 2018).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

TOP = 255
WEIGHT_TOP = 127
BIAS_TOP = 2.0**30  # of a bias in units of the sum's; ONNX stores it as int32

Range: TypeAlias = tuple[float, float]
Doubles: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Levels:
    """A u8 q stands for ``(q - zero) * scale``. scale: a number of float32, above 0. zero: 0 to 255."""

    scale: float
    zero: int

    def quantized(self, x: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        """The nearest levels, halves to even, of numbers of any shape.

        >>> Levels(0.5, 1).quantized(np.array([-9.0, -0.25, 0.75, 2.0])).tolist()
        [0, 1, 3, 5]
        """
        levels: npt.NDArray[np.uint8] = np.clip(np.rint(x / np.float32(self.scale)) + self.zero, 0, TOP).astype(
            np.uint8
        )
        return levels

    def rounded(self, x: npt.NDArray[Any]) -> Doubles:
        """The numbers (any shape) that the levels of x stand for."""
        return (self.quantized(x).astype(np.float64) - self.zero) * self.scale

    def level(self, number: float) -> int:
        """The level of one number.

        >>> Levels(0.1, 3).level(6.0)
        63
        """
        return int(np.clip(np.rint(number / self.scale) + self.zero, 0, TOP))


def levels_of(bounds: Range) -> Levels:
    """Levels over a range, which is widened to hold 0: zero itself has a level, as padding needs.

    The range is met by rounding ``zero`` first and choosing the scale that then covers both ends: a picture in
    -127.5/128 .. 127.5/128 gets the scale 127.5/128/127, and its 256 values do not fall halfway between levels.

    >>> levels_of((0.0, 25.5)).zero, levels_of((-1.0, 1.0)).zero
    (0, 128)
    """
    low, high = min(bounds[0], 0.0), max(bounds[1], 0.0)
    if high - low < 1e-30:
        return Levels(1.0, 0)
    zero = int(np.rint(-low * TOP / (high - low)))
    scale = max(-low / zero if zero else 0.0, high / (TOP - zero) if zero < TOP else 0.0)
    return Levels(float(np.float32(scale)), zero)


@dataclass(frozen=True)
class Weights:
    """int8 weights and the scale of each output channel: ``integers[o] * scale[o]``.

    integers: (O, ...), -127 to 127. scale: (O,) above 0.
    """

    integers: npt.NDArray[np.int8]
    scale: Doubles

    def numbers(self) -> Doubles:
        """(O, ...): what they stand for."""
        return self.integers * self.scale.reshape(-1, *[1] * (self.integers.ndim - 1))


def integer_weights(weight: npt.NDArray[Any], bias: npt.NDArray[Any], in_scale: float) -> Weights:
    """(O, ...) weights by their largest in each channel.

    A channel whose weights are next to nothing beside its bias (O,) gets larger steps, so that the bias is an int32
    in steps of ``in_scale * scale``.

    >>> integer_weights(np.array([[2.0, -4.0], [0.0, 0.0]]), np.zeros(2), 1.0).integers.tolist()
    [[64, -127], [0, 0]]
    """
    flat = np.abs(weight.astype(np.float64)).reshape(len(weight), -1).max(axis=1)
    scale = np.maximum(flat / WEIGHT_TOP, np.abs(bias.astype(np.float64)) / (in_scale * BIAS_TOP))
    scale = np.where(scale < 1e-30, 1.0, scale)
    steps = np.rint(weight / scale.reshape(-1, *[1] * (weight.ndim - 1)))
    return Weights(np.clip(steps, -WEIGHT_TOP, WEIGHT_TOP).astype(np.int8), scale)
