"""Hard negatives: pictures without faces in which a trained detector sees some."""

from __future__ import annotations

import numpy as np
import torch
from hpe_edge.training.detection.batches import inputs_of
from hpe_edge.training.detection.network import cells
from hpe_edge.training.detection.pictures import Image
from torch import nn
from tqdm import tqdm

_BATCH = 20


@torch.no_grad()
def hardest(network: nn.Module, images: Image, count: int, *, quiet: bool = False) -> Image:
    """The ``count`` of these faceless pictures (N, S, S, 3) whose best score is highest, the worst first."""
    network.eval()
    scores = np.empty(len(images), np.float32)
    for start in tqdm(range(0, len(images), _BATCH), "hard negatives", disable=quiet):
        part = slice(start, start + _BATCH)
        scores[part] = cells(network(inputs_of(np.asarray(images[part]))))[..., 0].amax(1).numpy()
    return np.asarray(images[np.argsort(-scores, kind="stable")[:count]])
