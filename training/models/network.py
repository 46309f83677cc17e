"""A network: a trunk and a head, as a recipe names them."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from hpe_edge.training.models.heads.bins import BinsConfig, BinsHead
from hpe_edge.training.models.heads.cascade import CascadeHead
from hpe_edge.training.models.heads.ssr import SsrConfig, SsrHead
from hpe_edge.training.models.outputs import Output
from hpe_edge.training.models.trunks import TRUNKS
from torch import Tensor, nn

from hpe_edge.errors import InvalidArgumentError


@dataclass(frozen=True)
class HeadSpec:
    """config: the dataclass of the recipe's ``[head]``. build: from a config and the trunk's groups and width."""

    config: type
    build: type[nn.Module]


HEADS = {
    "ssr": HeadSpec(SsrConfig, SsrHead),
    "bins": HeadSpec(BinsConfig, BinsHead),
    "cascade": HeadSpec(BinsConfig, CascadeHead),
}


@dataclass(frozen=True)
class Part:
    """A trunk or a head: its kind and that kind's own config."""

    kind: str
    config: Any


class Network(nn.Module):
    """``network(x (N, 3, S, S))`` gives raw outputs; ``outputs.decode`` turns them into degrees."""

    def __init__(self, trunk: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = head

    def forward(self, x: Tensor) -> Output:
        """x: (N, 3, S, S) float32 -> raw outputs."""
        output: Output = self.head(self.trunk(x))
        return output


def build_network(trunk: Part, head: Part, size: int) -> Network:
    """A network with fresh weights (or a trunk's pretrained ones) for pictures of ``size`` pixels.

    Raises:
        InvalidArgumentError: a head that does not go with this trunk.

    >>> from hpe_edge.training.recipe import load_recipe
    >>> recipe = load_recipe("smoke")
    >>> type(build_network(recipe.trunk, recipe.head, recipe.input.size).trunk).__name__
    'FSANet'
    """
    if (trunk.kind == "cascade") != (head.kind == "cascade"):
        raise InvalidArgumentError(
            f"head.kind: expected trunk and head 'cascade' together, got {trunk.kind!r} and {head.kind!r}"
        )
    body = TRUNKS[trunk.kind].build(trunk.config, size)
    return Network(body, HEADS[head.kind].build(head.config, body.groups, body.width))


def deployed(network: nn.Module) -> nn.Module:
    """A copy for inference: blocks that train in several branches become one layer (their ``deploy``)."""
    network = copy.deepcopy(network).eval()
    _deploy_children(network)
    return network


def _deploy_children(module: nn.Module) -> None:
    for name, child in module.named_children():
        deploy = getattr(child, "deploy", None)
        if callable(deploy):
            setattr(module, name, deploy())
        else:
            _deploy_children(child)


def parameter_bytes(network: nn.Module) -> int:
    """Size of all parameters and BatchNorm statistics as float32, in bytes."""
    counted = [*network.parameters(), *(b for b in network.buffers() if b.is_floating_point())]
    return 4 * sum(t.numel() for t in counted)
