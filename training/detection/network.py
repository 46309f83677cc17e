"""FaceNet: an anchor-free single-shot face detector of plain 3x3 convolutions.

Three maps at strides 8, 16 and 32 say for each cell whether a face of the map's size has its middle there, and its box
and five landmarks relative to the cell, as FCOS (Tian et al., ICCV 2019) and YuNet (Wu et al., Machine Intelligence
Research 2023) do. Blocks are re-parameterised (`models.trunks.edge.RepBlock`): in use each is one convolution and a
ReLU.
"""

from __future__ import annotations

import copy
import math

import torch
from hpe_edge.training.detection.config import STRIDES, VALUES, FaceNetConfig
from hpe_edge.training.models.trunks.edge import RepBlock
from torch import Tensor, nn

_USUAL_SIZES = (2.2, 2.8, 3.4)  # of faces, in strides of their map
_USUAL_SCORE = 0.01


class FaceNet(nn.Module):
    """(N, 3, H, W), sides multiples of 32, to three maps (N, 15, H / s, W / s).

    >>> [tuple(m.shape) for m in FaceNet(FaceNetConfig()).eval()(torch.zeros(1, 3, 64, 96))]
    [(1, 15, 8, 12), (1, 15, 4, 6), (1, 15, 2, 3)]
    """

    def __init__(self, config: FaceNetConfig) -> None:
        super().__init__()
        self.stem = nn.Sequential(RepBlock(3, config.stem, 2), nn.AvgPool2d(2), RepBlock(config.stem, config.width4))
        widths = (config.width4, config.width8, config.width16, config.width32)
        depths = (config.depth8, config.depth16, config.depth32)
        self.stages = nn.ModuleList(_stage(*shape) for shape in zip(widths, widths[1:], depths, strict=False))
        self.heads = nn.ModuleList(nn.Conv2d(width, VALUES, 1) for width in widths[1:])
        self.apply(_initialise)
        for head, size in zip(self.heads, _USUAL_SIZES, strict=True):
            _start_head(head, size)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """x: (N, 3, H, W) -> a map for each stride."""
        x = self.stem(x)
        maps = []
        for stage, head in zip(self.stages, self.heads, strict=True):
            x = stage(x)
            maps.append(head(x))
        return tuple(maps)

    def deploy(self) -> FaceNet:
        """A copy for inference: every block is one convolution; the same numbers in eval mode."""
        twin = copy.deepcopy(self).eval()
        for part in (twin.stem, *twin.stages):
            for name, block in part.named_children():
                if isinstance(block, RepBlock):
                    setattr(part, name, block.deploy())
        return twin


def _stage(inputs: int, outputs: int, depth: int) -> nn.Sequential:
    return nn.Sequential(
        nn.AvgPool2d(2), RepBlock(inputs, outputs), *(RepBlock(outputs, outputs) for _ in range(depth - 1))
    )


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


@torch.no_grad()
def _start_head(head: nn.Module, size: float) -> None:
    """Few faces, of the usual size: the first boxes overlap faces enough to learn scores from."""
    assert isinstance(head, nn.Conv2d) and head.bias is not None
    nn.init.normal_(head.weight, std=0.01)
    head.bias.zero_()
    head.bias[0] = math.log(_USUAL_SCORE / (1 - _USUAL_SCORE))
    head.bias[3:5] = math.log(size)


def cells(maps: tuple[Tensor, ...]) -> Tensor:
    """All cells of the maps one after another, (N, cells, 15), float32."""
    return torch.cat([m.float().flatten(2).transpose(1, 2) for m in maps], 1)


def cell_places(height: int, width: int) -> Tensor:
    """(cells, 3): middle x, y and stride of each cell of an input of this size, in pixels.

    >>> cell_places(32, 32)[-1].tolist()
    [16.0, 16.0, 32.0]
    """
    parts = []
    for stride in STRIDES:
        y, x = torch.meshgrid(torch.arange(height // stride), torch.arange(width // stride), indexing="ij")
        middles = (torch.stack([x, y], -1).reshape(-1, 2) + 0.5) * stride
        parts.append(torch.cat([middles, torch.full((len(middles), 1), float(stride))], 1))
    return torch.cat(parts)


def decode_boxes(values: Tensor, places: Tensor) -> Tensor:
    """Boxes x0, y0, x1, y1 (..., cells, 4) in pixels from raw values (..., cells, 15)."""
    middle = places[:, :2] + values[..., 1:3] * places[:, 2:]
    half = 0.5 * values[..., 3:5].clamp(-8.0, 8.0).exp() * places[:, 2:]
    return torch.cat([middle - half, middle + half], -1)


def decode_landmarks(values: Tensor, places: Tensor) -> Tensor:
    """Landmarks (..., cells, 5, 2) in pixels from raw values (..., cells, 15)."""
    offsets = values[..., 5:].unflatten(-1, (5, 2))
    return places[:, None, :2] + offsets * places[:, None, 2:]
