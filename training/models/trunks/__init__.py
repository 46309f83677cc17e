"""Trunks by the name that a recipe gives them: from a picture to stage vectors.

A trunk is a frozen config and a module with ``groups``, ``width`` and
``forward(x (N, 3, S, S)) -> (N, groups, width)``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hpe_edge.training.models.trunks.alexnet import AlexNet, AlexNetConfig
from hpe_edge.training.models.trunks.cascade import Cascade, CascadeConfig
from hpe_edge.training.models.trunks.edge import EdgeConfig, EdgeTrunk
from hpe_edge.training.models.trunks.efficientnet_lite import EfficientNetLite, EfficientNetLiteConfig
from hpe_edge.training.models.trunks.fsanet import FSANet, FSANetConfig
from hpe_edge.training.models.trunks.mobilenet import MobileNetConfig, MobileNetV2
from hpe_edge.training.models.trunks.resnet import ResNet, ResNetConfig
from hpe_edge.training.models.trunks.ssrnet import SsrNet, SsrNetConfig
from torch import nn


@dataclass(frozen=True)
class TrunkSpec:
    """config: the dataclass of the recipe's ``[trunk]``. build: from a config and the input's side in pixels."""

    config: type
    build: Callable[[Any, int], nn.Module]


TRUNKS: dict[str, TrunkSpec] = {
    "alexnet": TrunkSpec(AlexNetConfig, AlexNet),
    "cascade": TrunkSpec(CascadeConfig, Cascade),
    "edge": TrunkSpec(EdgeConfig, EdgeTrunk),
    "efficientnet-lite0": TrunkSpec(EfficientNetLiteConfig, EfficientNetLite),
    "fsanet": TrunkSpec(FSANetConfig, FSANet),
    "mobilenet-v2": TrunkSpec(MobileNetConfig, MobileNetV2),
    "resnet": TrunkSpec(ResNetConfig, ResNet),
    "ssrnet": TrunkSpec(SsrNetConfig, SsrNet),
}
