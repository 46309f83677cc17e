"""MTCNN: weights from the PyPI package facenet-pytorch, its cascade here.

The package's own code is never imported: it would load torchvision, which has to be built for the very torch that is
installed. Source: Zhang et al., "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks",
IEEE SPL 2016; ``facenet_pytorch/models/utils/detect_face.py`` 2.6.0, whose roundings are kept.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from hpe_edge.errors import CorruptModelError, MissingDependencyError
from hpe_edge.results import Detections

Weights = dict[str, Tensor]
Floats = NDArray[np.float32]

MIN_SCORE = 0.7  # the package's, of the third network
_FIRST, _SECOND = 0.6, 0.7
_MIN_FACE_PX, _FACTOR, _CELL_PX, _STRIDE_PX = 20, 0.709, 12, 2


class Mtcnn:
    """The detector, with the package's defaults: faces from 20 pixels up, thresholds 0.6, 0.7, 0.7. One thread.

    Raises MissingDependencyError without the package, CorruptModelError for weights of another shape.

    >>> len(Mtcnn().detect(np.zeros((64, 64, 3), np.uint8), "bgr8"))  # doctest: +SKIP
    0
    """

    name = "mtcnn"

    def __init__(self) -> None:
        torch.set_num_threads(1)
        folder = _weights_folder()
        self._first, self._second, self._third = (_load(folder / f"{name}.pt") for name in ("pnet", "rnet", "onet"))

    @torch.inference_mode()
    def detect(self, image: NDArray[np.uint8], pixel_format: str) -> Detections:
        """Faces of a BGR image, the surest first; landmarks in the SDK's order."""
        rgb = image[..., ::-1] if pixel_format == "bgr8" else image
        planes = torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1)[None].float()
        boxes = _squares(self._proposals(planes))
        boxes, scores, moves, _ = self._refine(_second, self._second, planes, boxes, 24, _SECOND)
        keep = _suppress(boxes, scores, 0.7)
        boxes = _squares(_moved(boxes[keep], moves[keep]))
        boxes, scores, moves, points = self._refine(_third, self._third, planes, boxes, 48, MIN_SCORE)
        sizes = boxes[:, 2:] - boxes[:, :2] + 1
        places = points.reshape(-1, 2, 5).transpose(0, 2, 1) * sizes[:, None] + boxes[:, None, :2] - 1
        boxes = _moved(boxes, moves)
        keep = _suppress(boxes, scores, 0.7, of_smaller=True)
        return Detections(boxes[keep], scores[keep], places[keep])

    def _proposals(self, planes: Tensor) -> Floats:
        """(N, 4) windows of the first network over the pyramid."""
        height, width = planes.shape[2:]
        boxes, scores, moves = [np.zeros((0, 4), np.float32)], [np.zeros(0, np.float32)], [np.zeros((0, 4), np.float32)]
        scale = _CELL_PX / _MIN_FACE_PX
        while min(height, width) * scale >= _CELL_PX:
            small = functional.interpolate(planes, (int(height * scale + 1), int(width * scale + 1)), mode="area")
            found, chance, move = _windows(*_first(self._first, _normalised(small)), scale)
            keep = _suppress(found, chance, 0.5, pixel=0.0)
            boxes, scores, moves = [*boxes, found[keep]], [*scores, chance[keep]], [*moves, move[keep]]
            scale *= _FACTOR
        everything, chance, move = np.concatenate(boxes), np.concatenate(scores), np.concatenate(moves)
        keep = _suppress(everything, chance, 0.7, pixel=0.0)
        return _moved(everything[keep], move[keep], pixel=0.0)

    def _refine(
        self, network: Callable[[Weights, Tensor], tuple[Tensor, ...]], weights: Weights, planes: Tensor, boxes: Floats,
        side: int, threshold: float,
    ) -> tuple[Floats, Floats, Floats, Floats]:  # fmt: skip
        """Boxes (N, 4), scores (N,), moves (N, 4) and points (N, 10) of the windows above the threshold."""
        height, width = planes.shape[2:]
        inside = np.trunc(boxes).astype(int)
        low, high = np.maximum(inside[:, :2], 1) - 1, np.minimum(inside[:, 2:], (width, height))
        kept = (high > low).all(axis=1)
        if not kept.any():
            return boxes[:0], np.zeros(0, np.float32), np.zeros((0, 4), np.float32), np.zeros((0, 10), np.float32)
        crops = [planes[:, :, y0:y1, x0:x1] for (x0, y0), (x1, y1) in zip(low[kept], high[kept], strict=True)]
        batch = torch.cat([functional.interpolate(crop, (side, side), mode="area") for crop in crops])
        moves, scores, *points = (output.numpy() for output in network(weights, _normalised(batch)))
        sure = scores > threshold
        places = points[0][sure] if points else np.zeros((int(sure.sum()), 10), np.float32)
        return boxes[kept][sure], scores[sure], moves[sure], places


def _normalised(pixels: Tensor) -> Tensor:
    return (pixels - 127.5) * 0.0078125


def _first(weights: Weights, x: Tensor) -> tuple[Tensor, Tensor]:
    x = functional.max_pool2d(_convolve(weights, 1, x), 2, 2, ceil_mode=True)
    x = _convolve(weights, 3, _convolve(weights, 2, x))
    score = functional.conv2d(x, weights["conv4_1.weight"], weights["conv4_1.bias"]).softmax(dim=1)[0, 1]
    return functional.conv2d(x, weights["conv4_2.weight"], weights["conv4_2.bias"])[0], score


def _second(weights: Weights, x: Tensor) -> tuple[Tensor, Tensor]:
    for layer in (1, 2):
        x = functional.max_pool2d(_convolve(weights, layer, x), 3, 2, ceil_mode=True)
    x = _dense(weights, "4", _flat(_convolve(weights, 3, x)))
    x = functional.prelu(x, weights["prelu4.weight"])
    return _dense(weights, "5_2", x), _dense(weights, "5_1", x).softmax(dim=1)[:, 1]


def _third(weights: Weights, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    for layer, pool in ((1, 3), (2, 3), (3, 2)):
        x = functional.max_pool2d(_convolve(weights, layer, x), pool, 2, ceil_mode=True)
    x = _dense(weights, "5", _flat(_convolve(weights, 4, x)))
    x = functional.prelu(x, weights["prelu5.weight"])
    return _dense(weights, "6_2", x), _dense(weights, "6_1", x).softmax(dim=1)[:, 1], _dense(weights, "6_3", x)


def _convolve(weights: Weights, layer: int, x: Tensor) -> Tensor:
    x = functional.conv2d(x, weights[f"conv{layer}.weight"], weights[f"conv{layer}.bias"])
    return functional.prelu(x, weights[f"prelu{layer}.weight"])


def _dense(weights: Weights, layer: str, x: Tensor) -> Tensor:
    return functional.linear(x, weights[f"dense{layer}.weight"], weights[f"dense{layer}.bias"])


def _flat(x: Tensor) -> Tensor:
    return x.permute(0, 3, 2, 1).flatten(1)  # MATLAB's order, in which the weights were trained


def _windows(moves: Tensor, scores: Tensor, scale: float) -> tuple[Floats, Floats, Floats]:
    """Cells of the first network above its threshold, as boxes (N, 4) of the image with scores and moves."""
    rows, columns = np.nonzero(scores.numpy() >= _FIRST)
    corner = _STRIDE_PX * np.stack([columns, rows], axis=1)
    boxes = np.concatenate([np.floor((corner + 1) / scale), np.floor((corner + _CELL_PX) / scale)], axis=1)
    return boxes.astype(np.float32), scores.numpy()[rows, columns], moves.numpy()[:, rows, columns].T


def _moved(boxes: Floats, moves: Floats, pixel: float = 1.0) -> Floats:
    sizes = boxes[:, 2:] - boxes[:, :2] + np.float32(pixel)
    return np.asarray(boxes + moves * np.tile(sizes, 2), np.float32)


def _squares(boxes: Floats) -> Floats:
    """Square by the longer side about the same centre."""
    sizes = boxes[:, 2:] - boxes[:, :2]
    longest = sizes.max(axis=1, keepdims=True) if len(boxes) else sizes[:, :1]
    corner = boxes[:, :2] + 0.5 * sizes - 0.5 * longest
    return np.concatenate([corner, corner + longest], axis=1).astype(np.float32)


def _suppress(
    boxes: Floats, scores: Floats, most: float, *, pixel: float = 1.0, of_smaller: bool = False
) -> NDArray[np.int64]:
    """Boxes to keep, the surest first; a share above ``most`` of the union, or ``of_smaller`` box, is the same."""
    areas = (boxes[:, 2:] - boxes[:, :2] + pixel).prod(axis=1)
    left, kept = np.argsort(-scores, kind="stable"), []
    while len(left):
        best, rest = left[0], left[1:]
        low, high = np.maximum(boxes[best, :2], boxes[rest, :2]), np.minimum(boxes[best, 2:], boxes[rest, 2:])
        shared = np.clip(high - low + pixel, 0, None).prod(axis=1)
        whole = np.minimum(areas[best], areas[rest]) if of_smaller else areas[best] + areas[rest] - shared
        kept.append(best)
        left = rest[shared <= most * whole]
    return np.array(kept, np.int64)


def _load(path: Path) -> Weights:
    try:
        weights: Weights = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise CorruptModelError(f"{path}: expected weights of facenet-pytorch 2.6.0, got: {error}") from error
    return weights


def _weights_folder() -> Path:
    spec = importlib.util.find_spec("facenet_pytorch")
    if spec is None or not spec.submodule_search_locations:
        raise MissingDependencyError(
            "the detector 'mtcnn' needs the weights of the package 'facenet-pytorch', which is not installed. "
            "Run: pip install --no-deps facenet-pytorch==2.6.0"
        )
    return Path(spec.submodule_search_locations[0]) / "data"
