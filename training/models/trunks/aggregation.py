"""From a set of features to one vector for each stage: capsules, NetVLAD, or a plain mean.

All map ``U~ (N, i, c)`` to ``V (N, K, c')``; FSA-Net's section 3.6 compares the first two.
"""

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


class NetVladAggregation(nn.Module):
    """NetVLAD: Arandjelovic et al. (CVPR 2016), sections 3.1 to 3.2, then a linear layer to the stage vectors.

    Features are assigned softly to clusters, their residuals to the cluster's centre summed, each
    cluster's sum and then the whole normalised to length 1.

    >>> NetVladAggregation(64, 3, 16, clusters=16)(torch.zeros(2, 21, 64)).shape
    torch.Size([2, 3, 16])
    """

    def __init__(self, in_features: int, stages: int, out_features: int, clusters: int) -> None:
        super().__init__()
        self.stages, self.out_features = stages, out_features
        self.assign = nn.Linear(in_features, clusters)
        self.centres = nn.Parameter(torch.randn(clusters, in_features) / in_features**0.5)
        self.project = nn.Linear(clusters * in_features, stages * out_features)

    def forward(self, u: Tensor) -> Tensor:
        """u: (N, i, c) -> (N, K, c')."""
        share = torch.softmax(self.assign(u), -1)  # (N, i, clusters)
        summed = torch.bmm(share.transpose(1, 2), u)
        residual = summed - share.sum(1).unsqueeze(-1) * self.centres
        within = nn.functional.normalize(residual, dim=-1, eps=1e-6)
        whole = nn.functional.normalize(within.flatten(1), dim=-1, eps=1e-6)
        projected: Tensor = self.project(whole)
        return projected.reshape(-1, self.stages, self.out_features)


class MeanAggregation(nn.Module):
    """Each stage's features averaged, then a linear layer of the stage: neither routing nor clusters.

    >>> MeanAggregation(64, 3, 16)(torch.zeros(2, 21, 64)).shape
    torch.Size([2, 3, 16])
    """

    def __init__(self, in_features: int, stages: int, out_features: int) -> None:
        super().__init__()
        self.stages = stages
        self.project = nn.ModuleList(nn.Linear(in_features, out_features) for _ in range(stages))

    def forward(self, u: Tensor) -> Tensor:
        """u: (N, K n', c), stage by stage -> (N, K, c')."""
        rows = u.shape[1] // self.stages
        means = u.reshape(-1, self.stages, rows, u.shape[2]).mean(2)
        return torch.stack([layer(means[:, k]) for k, layer in enumerate(self.project)], 1)
