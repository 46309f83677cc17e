"""Capsule aggregation: Sabour et al., "Dynamic Routing Between Capsules" (NIPS 2017)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def squash(s: Tensor, eps: float = 1e-7) -> Tensor:
    """Sabour et al. eq. 1: ``v = |s|^2 / (1 + |s|^2) * s / |s|`` over the last axis."""
    squared = s.square().sum(-1, keepdim=True)
    return s * (squared / (1.0 + squared) / torch.sqrt(squared + eps))


class CapsuleAggregation(nn.Module):
    """From the features ``U~ (N, n' K, c)`` to ``V (N, K, c')``, one capsule for each stage.

    Args:
        inputs: number of input capsules, n' K of the paper (or n = w h K without mapping).
        in_features: c. capsules: K. out_features: c'.
        routings: routing iterations, at least 1.

    >>> CapsuleAggregation(21, 64, 3, 16, 3)(torch.zeros(2, 21, 64)).shape
    torch.Size([2, 3, 16])
    """

    def __init__(self, inputs: int, in_features: int, capsules: int, out_features: int, routings: int) -> None:
        super().__init__()
        self.inputs = inputs
        self.capsules = capsules
        self.out_features = out_features
        self.routings = routings
        # (i, c, j * c'): one matrix for each input capsule, so the prediction is one batched product
        self.weight = nn.Parameter(torch.empty(inputs, in_features, capsules * out_features))
        bound = (6.0 / (in_features + out_features)) ** 0.5
        nn.init.uniform_(self.weight, -bound, bound)

    def forward(self, u: Tensor) -> Tensor:
        """u: (N, i, c) -> (N, j, c')."""
        predicted = torch.bmm(u.transpose(0, 1), self.weight)  # eq. 2: u^_j|i = W_ij u_i
        predicted = predicted.view(self.inputs, -1, self.capsules, self.out_features)
        predicted = predicted.permute(1, 2, 0, 3).contiguous()  # (N, j, i, c')
        # the first iteration has equal couplings 1 / j (a softmax of zeros)
        v = squash(predicted.sum(2) / float(self.capsules))
        agreement: Tensor | None = None
        for _ in range(self.routings - 1):
            product = torch.matmul(predicted, v.unsqueeze(-1))  # (N, j, i, 1): b_ij += u^_j|i . v_j
            agreement = product if agreement is None else agreement + product
            coupling = torch.softmax(agreement, dim=1)  # eq. 3: over the output capsules
            v = squash(torch.matmul(coupling.transpose(2, 3), predicted).squeeze(2))
        return v
