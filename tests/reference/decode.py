"""Twins of the decode functions of ``hpe_edge._core``, in float64."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


def softmax_expectation(logits: NDArray[np.float32], first_deg: float, step_deg: float) -> tuple[F64, F64]:
    """Expectation and standard deviation of the bin centres under the softmax, (N, A) each."""
    shifted = logits.astype(np.float64) - logits.max(axis=2, keepdims=True)
    probability = np.exp(shifted) / np.exp(shifted).sum(axis=2, keepdims=True)
    centres = float(np.float32(first_deg)) + np.arange(logits.shape[2]) * float(np.float32(step_deg))
    mean = (probability * centres).sum(axis=2)
    variance = (probability * (centres - mean[..., None]) ** 2).sum(axis=2)
    return mean, np.sqrt(variance)


def ssr_stages(
    p: Sequence[NDArray[np.float32]],
    eta: Sequence[NDArray[np.float32]],
    delta: Sequence[NDArray[np.float32]],
    range_deg: float,
) -> F64:
    """FSA-Net's eq. 2: ``V sum_k sum_i p_ki (i - floor(s_k/2) + eta_k) / prod_j s_j (1 + delta_j)``."""
    total = np.zeros(p[0].shape[:2])
    divisor = np.ones(p[0].shape[:2])
    for scores, shift, width in zip(p, eta, delta, strict=True):
        bins = scores.shape[2]
        relu = np.maximum(scores.astype(np.float64), 0.0)
        tanh_eta = np.tanh(shift.astype(np.float64))
        per_bin = tanh_eta if shift.ndim == 3 else tanh_eta[..., None]
        divisor = divisor * bins * (1.0 + np.tanh(width.astype(np.float64)))
        total += (relu * (np.arange(bins) - bins // 2 + per_bin)).sum(axis=2) / divisor
    return total * float(np.float32(range_deg))


def spread_from_log(log_std: NDArray[np.float32], scale: Sequence[float]) -> F64:
    """``scale[a] * exp(log_std)`` with log_std held within -5..5, (N, A)."""
    held = np.minimum(np.maximum(log_std.astype(np.float64), -5.0), 5.0)
    return np.exp(held) * np.asarray(scale, np.float32).astype(np.float64)


def scale_spread(spread_deg: NDArray[np.float32], scale: Sequence[float]) -> F64:
    """``scale[a] * spread_deg``, (N, A)."""
    return spread_deg.astype(np.float64) * np.asarray(scale, np.float32).astype(np.float64)
