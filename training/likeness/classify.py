"""Small classifiers of two kinds of crops, judged on folds that they have not seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import rankdata
from torch import Tensor, nn

FloatArray = NDArray[np.float64]
FOLDS = 5
_PENALTY = 1e-2  # of the logistic regression, on standardised features
_EPOCHS = 10
_BATCH = 32


@dataclass(frozen=True)
class Auc:
    """Area under the ROC curve with the 95 % interval of a bootstrap over the crops; .5: cannot tell."""

    auc: float
    low: float
    high: float


def folds(kinds: NDArray[np.int64], groups: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """(N,) fold of each crop: the pictures of one person (kind and group) fall into one fold."""
    people, person = np.unique(np.stack([kinds, groups]), axis=1, return_inverse=True)
    fold = np.empty(people.shape[1], np.int64)
    for kind in (0, 1):
        index = np.flatnonzero(people[0] == kind)
        fold[index] = rng.permutation(np.arange(len(index)) % FOLDS)
    return fold[person]


def auc(scores: FloatArray, kinds: NDArray[np.int64]) -> float:
    """Chance that a crop of kind 1 scores higher than one of kind 0 (Mann and Whitney 1947).

    >>> auc(np.array([0.1, 0.9]), np.array([0, 1]))
    1.0
    """
    ranks = rankdata(scores)
    ones = int(kinds.sum())
    below = ranks[kinds == 1].sum() - ones * (ones + 1) / 2
    return float(below / (ones * (len(kinds) - ones)))


def with_interval(scores: FloatArray, kinds: NDArray[np.int64], rng: np.random.Generator, resamples: int = 1000) -> Auc:
    """AUC and its interval."""
    ones, zeros = np.flatnonzero(kinds == 1), np.flatnonzero(kinds == 0)
    values = []
    for _ in range(resamples):
        picks = np.concatenate([rng.choice(ones, len(ones)), rng.choice(zeros, len(zeros))])
        values.append(auc(scores[picks], kinds[picks]))
    low, high = np.percentile(values, (2.5, 97.5))
    return Auc(auc(scores, kinds), float(low), float(high))


def logistic_scores(features: FloatArray, kinds: NDArray[np.int64], fold: NDArray[np.int64]) -> FloatArray:
    """(N,) log odds of kind 1 by ridge logistic regression, each from the folds that the crop is not in."""
    scores = np.empty(len(kinds))
    for number in range(FOLDS):
        train, test = fold != number, fold == number
        mean, spread = features[train].mean(0), features[train].std(0) + 1e-9
        weights = _fit((features[train] - mean) / spread, kinds[train])
        scores[test] = np.clip((features[test] - mean) / spread, -6, 6) @ weights[1:] + weights[0]
    return scores


def _fit(x: FloatArray, kinds: NDArray[np.int64]) -> FloatArray:
    x = np.clip(x, -6, 6)
    sign = 2.0 * kinds - 1.0

    def loss(weights: FloatArray) -> tuple[float, FloatArray]:
        margin = sign * (x @ weights[1:] + weights[0])
        pull = -sign / (1.0 + np.exp(np.clip(margin, -500, 500))) / len(sign)
        value = float(np.logaddexp(0.0, -margin).mean()) + 0.5 * _PENALTY * float(weights[1:] @ weights[1:])
        return value, np.concatenate([[pull.sum()], pull @ x + _PENALTY * weights[1:]])

    found: FloatArray = minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B").x
    return found


def network_scores(
    crops: NDArray[np.uint8], kinds: NDArray[np.int64], fold: NDArray[np.int64], *, seed: int, threads: int
) -> FloatArray:
    """(N,) log odds of kind 1 by a small convolutional network, each from the folds that the crop is not in.

    ``crops`` (N, 64, 64, 3) uint8. Four strided convolutions, 47,000 weights, flips and shifts, dropout: as much
    as a few hundred photographs can bear.
    """
    torch.set_num_threads(threads)
    x = torch.from_numpy(crops.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(127.5) - np.float32(1))
    y = torch.from_numpy(kinds.astype(np.float32))
    scores = np.empty(len(kinds))
    for number in range(FOLDS):
        torch.manual_seed(seed * FOLDS + number)
        train, test = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        model = _train_network(x[train], y[train])
        with torch.no_grad():
            both = model(x[test]) + model(x[test].flip(3))
        scores[test] = both.numpy()
    return scores


def _network() -> nn.Module:
    layers: list[nn.Module] = []
    for inside, outside in ((3, 16), (16, 32), (32, 48), (48, 64)):
        layers += [nn.Conv2d(inside, outside, 3, 2, 1, bias=False), nn.BatchNorm2d(outside), nn.ReLU()]
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.3), nn.Linear(64, 1), nn.Flatten(0)]
    return nn.Sequential(*layers)


def _train_network(x: Tensor, y: Tensor) -> nn.Module:
    model = _network().to(memory_format=torch.channels_last).train()
    steps = _EPOCHS * (len(x) // _BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=max(2, steps))
    for _ in range(_EPOCHS):
        order = torch.randperm(len(x))
        for start in range(0, len(x) - _BATCH + 1, _BATCH):
            part = order[start : start + _BATCH]
            loss = nn.functional.binary_cross_entropy_with_logits(model(_varied(x[part])), y[part])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model.eval()


def _varied(x: Tensor) -> Tensor:
    """Flipped by chance and shifted by up to 4 pixels."""
    if torch.rand(()) < 0.5:
        x = x.flip(3)
    dy, dx = (int(v) for v in torch.randint(0, 9, (2,)))
    return nn.functional.pad(x, (4, 4, 4, 4), mode="replicate")[:, :, dy : dy + x.shape[2], dx : dx + x.shape[3]]
