"""What networks give, and what it means in degrees: three variants and one ``match``.

Networks emit raw values; activations and expectations belong to the decode. The same formulas live in the
C++ core, which is what a user runs; these twins exist because the losses need gradients.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

RANGE_DEG = 99.0
"""Half the range of every angle in degrees: V of FSA-Net, the bins' reach of Hopenet."""

LOG_STD_LIMIT = 5.0
"""The logarithm of a spread is held within +-5: 0.007 to 148 degrees."""


class SsrStages(NamedTuple):
    """Raw outputs of K stages (soft stagewise regression). Angle axis order: yaw, pitch, roll.

    p: K tensors (N, 3, s_k), before the ReLU; the stage distribution of FSA-Net's eq. 2.
    eta: K tensors (N, 3), before the tanh; shift of the bin centres, one for each angle.
    delta: K tensors (N, 3), before the tanh; scale of the bin widths.
    log_std: (N, 3), logarithm of the spread in degrees, or None for a network without it.
    """

    p: tuple[Tensor, ...]
    eta: tuple[Tensor, ...]
    delta: tuple[Tensor, ...]
    log_std: Tensor | None = None


class BinLogits(NamedTuple):
    """Classifications of the three angles, each over +-99 degrees: tensors (N, 3, B_i), the finest first."""

    logits: tuple[Tensor, ...]


class CascadeOutput(NamedTuple):
    """Outputs of cross-cascaded blocks, the last block's is the answer.

    blocks: the pose of each block. heatmaps: the landmark scores of each block, (N, L, H, W); a softmax over
    H W makes them the probability of the landmark's place.
    """

    blocks: tuple[BinLogits, ...]
    heatmaps: tuple[Tensor, ...]


Output: TypeAlias = SsrStages | BinLogits | CascadeOutput


def decode(output: Output) -> Tensor:
    """Angles (N, 3) in degrees, float32.

    >>> zeros = torch.zeros(1, 3)
    >>> decode(SsrStages((torch.ones(1, 3, 3),), (zeros,), (zeros,))).tolist()
    [[0.0, 0.0, 0.0]]
    """
    match output:
        case SsrStages():
            return _stage_sum(output)
        case BinLogits():
            return bin_moments(output.logits[0])[0]
        case CascadeOutput():
            return decode(output.blocks[-1])


def std_deg(output: Output) -> Tensor | None:
    """Spread (N, 3) in degrees before calibration; None for a network that has none."""
    match output:
        case SsrStages(log_std=None):
            return None
        case SsrStages(log_std=Tensor() as log_std):
            return log_std.float().clamp(-LOG_STD_LIMIT, LOG_STD_LIMIT).exp()
        case BinLogits():
            return bin_moments(output.logits[0])[1]
        case CascadeOutput():
            return std_deg(output.blocks[-1])
    raise AssertionError  # every variant has its case


def _stage_sum(stages: SsrStages) -> Tensor:
    """FSA-Net eq. 2 as the published code has it: with p behind ReLU, eta and delta behind tanh,
    ``y = V * sum_k sum_i p_ki (i - floor(s_k / 2) + eta_k) / prod_{j<=k} s_j (1 + delta_j)``.
    """
    total = torch.zeros_like(stages.delta[0], dtype=torch.float32)
    width = torch.ones_like(total)
    for raw_p, raw_eta, raw_delta in zip(stages.p, stages.eta, stages.delta, strict=True):
        bins = raw_p.shape[-1]
        p = torch.relu(raw_p.float())
        index = torch.arange(bins, device=p.device, dtype=p.dtype) - float(bins // 2)
        width = width * (bins * (1.0 + torch.tanh(raw_delta.float())))
        centres = index + torch.tanh(raw_eta.float()).unsqueeze(-1)
        total = total + (p * centres).sum(-1) / width
    return RANGE_DEG * total


def bin_centres(bins: int, device: torch.device | None = None) -> Tensor:
    """Centres (B,) in degrees of equal bins over +-99.

    >>> bin_centres(3).tolist()
    [-66.0, 0.0, 66.0]
    """
    step = 2.0 * RANGE_DEG / bins
    return (torch.arange(bins, device=device, dtype=torch.float32) + 0.5) * step - RANGE_DEG


def bin_moments(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Expectation and standard deviation (N, 3) of softmax(logits), logits (N, 3, B); Hopenet sect. 3.1."""
    p = torch.softmax(logits.float(), -1)
    centres = bin_centres(logits.shape[-1], logits.device)
    mean = (p * centres).sum(-1)
    variance = (p * (centres - mean.unsqueeze(-1)).square()).sum(-1)
    return mean, variance.clamp_min(1e-6).sqrt()
