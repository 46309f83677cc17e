"""The single terms of the losses, each a function of tensors."""

from __future__ import annotations

import math

import torch
from hpe_edge.training.models.outputs import RANGE_DEG
from torch import Tensor


def euler_to_rotation(euler_deg: Tensor) -> Tensor:
    """(N, 3) yaw, pitch, roll in degrees -> (N, 3, 3), label frame: ``R = Rx(p) Ry(y) Rz(r)``.

    >>> torch.allclose(euler_to_rotation(torch.zeros(1, 3))[0], torch.eye(3))
    True
    """
    cosines, sines = torch.cos(torch.deg2rad(euler_deg)), torch.sin(torch.deg2rad(euler_deg))
    cy, cp, cr = cosines.unbind(-1)
    sy, sp, sr = sines.unbind(-1)
    rows = [
        torch.stack([cy * cr, cy * sr, -sy], -1),
        torch.stack([sp * sy * cr - cp * sr, sp * sy * sr + cp * cr, sp * cy], -1),
        torch.stack([cp * sy * cr + sp * sr, cp * sy * sr - sp * cr, cp * cy], -1),
    ]
    return torch.stack(rows, -2)


def chordal_deg(a: Tensor, b: Tensor) -> Tensor:
    """``2 sin(theta / 2)`` of the rotation between a and b (N, 3, 3), scaled to degrees: (N,).

    Equal to the geodesic angle when small, at most 114.6, with a finite gradient everywhere
    (the arc cosine of the trace has none at zero): ``|a - b|_F = 2 sqrt(2) sin(theta / 2)``.
    """
    squared = (a - b).square().sum((-1, -2))
    return torch.sqrt(squared / 2.0 + 1e-8) * (180.0 / math.pi)


def bin_index(euler_deg: Tensor, bins: int) -> Tensor:
    """(N, 3) degrees -> (N, 3) int64: the bin of each angle, the outer bins catching what lies beyond.

    >>> bin_index(torch.tensor([[-120.0, 0.0, 98.9]]), 66).tolist()
    [[0, 33, 65]]
    """
    index = torch.floor((euler_deg + RANGE_DEG) * (bins / (2.0 * RANGE_DEG)))
    return index.clamp(0, bins - 1).long()


def cross_entropy(logits: Tensor, euler_deg: Tensor) -> Tensor:
    """Mean over heads of the sum over angles of the cross-entropy; logits (N, 3, B). Hopenet sect. 3.2."""
    index = bin_index(euler_deg, logits.shape[-1])
    losses = torch.nn.functional.cross_entropy(logits.float().transpose(1, 2), index, reduction="none")
    return losses.sum(-1).mean()


def label_distribution(logits: Tensor, euler_deg: Tensor, sigma: float) -> Tensor:
    """``L_Eu + L_KL`` of the Gaussian label distribution paper (eq. 5), mean over heads; logits (N, 3, B).

    The target is a Gaussian of ``sigma`` bins about the label's bin, normalised to sum 1, as the paper's fig. 3
    draws it. (Its eq. 1 as printed is the softmax of that Gaussian, which is all but flat.)
    """
    index = bin_index(euler_deg, logits.shape[-1]).unsqueeze(-1)
    bins = torch.arange(logits.shape[-1], device=logits.device)
    wanted = torch.softmax(-(bins - index).float().square() / (2.0 * sigma**2), -1)
    log_p = torch.log_softmax(logits.float(), -1)
    euclidean = torch.sqrt((wanted - log_p.exp()).square().sum(-1) + 1e-12)
    kl = (wanted * (wanted.clamp_min(1e-12).log() - log_p)).sum(-1)
    return (euclidean + kl).sum(-1).mean()


def gaussian_nll(error_deg: Tensor, std_deg: Tensor) -> Tensor:
    """Negative log-likelihood of errors under N(0, std), without its constant; Nix and Weigend (1994)."""
    return 0.5 * (error_deg / std_deg).square() + std_deg.log()


def mirror_difference_deg(plain_deg: Tensor, mirrored_deg: Tensor) -> Tensor:
    """Mean difference between angles of pictures and those of their mirror images mirrored back."""
    sign = plain_deg.new_tensor([-1.0, 1.0, -1.0])
    return (plain_deg - sign * mirrored_deg).abs().mean()


def expected_points(heatmaps: Tensor) -> Tensor:
    """Integral regression: scores (N, L, H, W) -> expected places (N, L, 2) in 0..1; cascade paper eq. 3."""
    height, width = heatmaps.shape[-2:]
    p = torch.softmax(heatmaps.float().flatten(2), -1).unflatten(2, (height, width))
    x = (torch.arange(width, device=p.device) + 0.5) / width
    y = (torch.arange(height, device=p.device) + 0.5) / height
    return torch.stack([(p.sum(2) * x).sum(-1), (p.sum(3) * y).sum(-1)], -1)


def coordinate_error(heatmaps: Tensor, landmarks: Tensor, visible: Tensor) -> Tensor:
    """Mean squared distance of expected and labelled points, visible ones only; cascade paper eq. 5."""
    squared = (expected_points(heatmaps) - landmarks).square().sum(-1)
    return (squared * visible).sum() / visible.sum().clamp_min(1.0)


def heatmap_error(heatmaps: Tensor, landmarks: Tensor, visible: Tensor) -> Tensor:
    """Squared distance of the probability maps to Gaussians of one cell (sigma 1), eq. 4, visible points only."""
    height, width = heatmaps.shape[-2:]
    p = torch.softmax(heatmaps.float().flatten(2), -1)
    x = landmarks[..., :1] * width - 0.5 - torch.arange(width, device=p.device)
    y = landmarks[..., 1:] * height - 0.5 - torch.arange(height, device=p.device)
    wanted = torch.softmax(-0.5 * (y.square().unsqueeze(-1) + x.square().unsqueeze(-2)).flatten(2), -1)
    squared = (p - wanted).square().sum(-1)
    return (squared * visible).sum() / visible.sum().clamp_min(1.0)


def normalised_mean_error(points: Tensor, landmarks: Tensor, visible: Tensor) -> Tensor:
    """NME by the side of the face box, visible points only, (N,); cascade paper eq. 7.

    points, landmarks: (N, L, 2) in any unit; the box is the tight one of the labelled landmarks, made square.
    """
    side = (landmarks.amax(1) - landmarks.amin(1)).amax(-1)
    distance = (points - landmarks).norm(dim=-1)
    return (distance * visible).sum(1) / visible.sum(1).clamp_min(1.0) / side
