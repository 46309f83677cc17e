"""Soft stagewise regression (SSR): the stage outputs of FSA-Net and their decode in torch.

The network emits raw, pre-activation tensors; the activations belong to the decode. The same
formula lives in the C++ core (``hpe_edge._core.ssr_stages``), which is what a user runs; this
twin exists because the loss needs gradients.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

RANGE_DEG = 99.0
"""V of the published code: the half range of every angle in degrees."""


class SsrStages(NamedTuple):
    """Raw outputs of the K stages. Angle axis order: yaw, pitch, roll.

    p: K tensors (N, 3, s_k), before the ReLU; the stage distribution of eq. 2.
    eta: K tensors (N, 3), before the tanh; shift of the bin centres, one for each angle.
    delta: K tensors (N, 3), before the tanh; scale of the bin widths.
    """

    p: tuple[Tensor, ...]
    eta: tuple[Tensor, ...]
    delta: tuple[Tensor, ...]

    def named(self) -> dict[str, Tensor]:
        """Outputs under the names of the model card: ``p1`` ... ``eta1`` ... ``delta1`` ..."""
        groups = {"p": self.p, "eta": self.eta, "delta": self.delta}
        return {f"{name}{k}": t for name, ts in groups.items() for k, t in enumerate(ts, 1)}


def decode_ssr(stages: SsrStages, range_deg: float = RANGE_DEG) -> Tensor:
    """Angles (N, 3) in degrees from raw stage outputs.

    FSA-Net eq. 2 as the published code has it: with p behind ReLU, eta and delta behind tanh,
    ``y = V * sum_k sum_i p_ki (i - floor(s_k / 2) + eta_k) / prod_{j<=k} s_j (1 + delta_j)``.

    >>> zeros = torch.zeros(1, 3)
    >>> decode_ssr(SsrStages((torch.ones(1, 3, 3),), (zeros,), (zeros,))).tolist()
    [[0.0, 0.0, 0.0]]
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
    return range_deg * total
