"""Every trunk: shapes, gradients, sizes against the literature, bf16, ONNX, and errors."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hpe_edge.training.models.pretrained import without_weights
from hpe_edge.training.models.trunks.alexnet import AlexNet, AlexNetConfig
from hpe_edge.training.models.trunks.cascade import Cascade, CascadeConfig, LandmarkNetwork
from hpe_edge.training.models.trunks.edge import EdgeConfig, EdgeTrunk, RepBlock
from hpe_edge.training.models.trunks.efficientnet_lite import EfficientNetLite, EfficientNetLiteConfig, SameConv2d
from hpe_edge.training.models.trunks.hourglass import Hourglass, Stem
from hpe_edge.training.models.trunks.mobilenet import MobileNetConfig, MobileNetV2
from hpe_edge.training.models.trunks.resnet import ResNet, ResNetConfig
from hpe_edge.training.models.trunks.ssrnet import SsrNet, SsrNetConfig
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from hpe_edge.errors import InvalidArgumentError

SMALL_CASCADE = CascadeConfig(channels=16, backbone="light", hourglass_depth=2, landmarks=5, deconvolution=16)
# name: build(size), groups, width
TRUNKS: dict[str, tuple[Callable[[int], nn.Module], int, int]] = {
    "ssrnet": (lambda size: SsrNet(SsrNetConfig(), size), 3, 24),
    "ssrnet-plain": (lambda size: SsrNet(SsrNetConfig(layers="plain"), size), 3, 24),
    "resnet18": (lambda size: ResNet(ResNetConfig(depth=18), size), 1, 512),
    "resnet50": (lambda size: ResNet(ResNetConfig(), size), 1, 2048),
    "alexnet": (lambda size: AlexNet(AlexNetConfig(hidden=64, stride=2), size), 1, 64),
    "mobilenet": (lambda size: MobileNetV2(MobileNetConfig(multiplier=0.35), size), 1, 1280),
    "efficientnet-lite": (lambda size: EfficientNetLite(EfficientNetLiteConfig(), size), 1, 1280),
    "edge": (lambda size: EdgeTrunk(EdgeConfig(), size), 3, 32),
    "cascade": (lambda size: Cascade(SMALL_CASCADE, size), 2, 128),
}


@pytest.fixture(params=TRUNKS)
def name(request: pytest.FixtureRequest) -> str:
    """Each trunk in turn."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    return str(request.param)


def outputs(features: Any) -> list[Tensor]:
    """All tensors of a trunk's answer, the vectors first."""
    return [features] if isinstance(features, Tensor) else [features.vectors, *features.heatmaps]


def lively(network: nn.Module) -> nn.Module:
    """Norms as after some training: no zero scale, statistics of their own."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                assert module.running_mean is not None and module.running_var is not None
                module.weight.uniform_(0.5, 1.5, generator=generator)
                module.bias.normal_(0, 0.2, generator=generator)
                module.running_mean.normal_(0, 0.1, generator=generator)
                module.running_var.uniform_(0.5, 2, generator=generator)
    return network


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def on_meta(build: Callable[[], nn.Module]) -> nn.Module:
    """A network of shapes only: sizes of large ones cost nothing."""
    with torch.device("meta"):
        return build()


@pytest.mark.parametrize("size", [64, 96])
def test_shapes(name: str, size: int) -> None:
    build, groups, width = TRUNKS[name]
    trunk = build(size).eval()
    assert [trunk.groups, trunk.width] == [groups, width]
    with torch.no_grad():
        vectors, *heatmaps = outputs(trunk(torch.randn(2, 3, size, size)))
    assert vectors.shape == (2, groups, width)
    assert vectors.isfinite().all() and not torch.equal(vectors[0], vectors[1])
    assert [h.shape for h in heatmaps] == [(2, 5, size // 4, size // 4)] * (2 if name == "cascade" else 0)


def test_gradient_reaches_every_parameter(name: str) -> None:
    """In channels-last float32, as on a CPU; torch 2.13 corrupts its heap there for some strided 1x1."""
    trunk = lively(TRUNKS[name][0](64)).train().to(memory_format=torch.channels_last)
    for _ in range(3):
        x = torch.randn(4, 3, 64, 64).contiguous(memory_format=torch.channels_last)
        loss = sum((t * torch.randn_like(t)).sum() for t in outputs(trunk(x)))
        assert isinstance(loss, Tensor)
        loss.backward()
    dead = [key for key, p in trunk.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert dead == []


def test_learns_in_bf16_autocast(name: str) -> None:
    trunk = TRUNKS[name][0](64).train()
    x = torch.randn(4, 3, 64, 64)
    with torch.autocast("cpu", torch.bfloat16):
        answers = outputs(trunk(x))
    torch.stack([t.float().square().mean() for t in answers]).sum().backward()
    assert all(t.isfinite().all() for t in answers)
    assert all(p.grad is None or p.grad.isfinite().all() for p in trunk.parameters())


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:Constant folding:UserWarning")
def test_onnx_gives_the_same(name: str, tmp_path: Path) -> None:
    trunk = lively(TRUNKS[name][0](64)).eval()
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = [t.numpy() for t in outputs(trunk(x))]
    path = str(tmp_path / "trunk.onnx")
    torch.onnx.export(trunk, (x,), path, opset_version=17, dynamo=False, input_names=["input"])
    onnx.checker.check_model(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for ours, theirs in zip(expected, session.run(None, {"input": x.numpy()}), strict=True):
        np.testing.assert_allclose(theirs, ours, atol=1e-4 * max(1.0, float(np.abs(ours).max())))


# the networks of torchvision and timm without their classifier of 1000 classes
@pytest.mark.parametrize(
    ("build", "parameters"),
    [
        (lambda: ResNet(ResNetConfig(depth=18), 224), 11_689_512 - 513_000),
        (lambda: ResNet(ResNetConfig(depth=34), 224), 21_797_672 - 513_000),
        (lambda: ResNet(ResNetConfig(depth=50), 224), 25_557_032 - 2_049_000),
        (lambda: ResNet(ResNetConfig(depth=101), 224), 44_549_160 - 2_049_000),
        (lambda: AlexNet(AlexNetConfig(), 224), 61_100_840 - 4_097_000),
        (lambda: MobileNetV2(MobileNetConfig(), 224), 3_504_872 - 1_281_000),
        (lambda: EfficientNetLite(EfficientNetLiteConfig(), 224), 4_652_008 - 1_281_000),
    ],
)
def test_sizes_of_the_literature(build: Callable[[], nn.Module], parameters: int) -> None:
    assert count(on_meta(build)) == parameters


def test_ssrnet_is_as_large_as_in_fsanets_tables() -> None:
    # 1.1 MB there, a Keras file with its head; the head adds 0.003 MB to ours
    assert 0.9e6 < 4 * count(on_meta(lambda: SsrNet(SsrNetConfig(), 64))) <= 1.1e6


def test_one_hourglass_is_as_large_as_published() -> None:
    # one stack with 256 channels, four halvings and 16 points: 3.6 M in the public implementations
    config = CascadeConfig(hourglass_depth=4, landmarks=16)
    size = count(on_meta(lambda: Stem(256))) + count(on_meta(lambda: LandmarkNetwork(config)))
    assert 3.3e6 < size < 3.8e6


def test_a_fresh_residual_block_passes_its_input_on() -> None:
    trunk = ResNet(ResNetConfig(depth=50), 64).eval()
    x = torch.rand(1, 256, 8, 8)
    assert torch.equal(trunk.layer1[1](x), x)


@pytest.mark.parametrize("size", [64, 63])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 2)])
def test_same_padding_is_tensorflows(size: int, kernel: int, stride: int) -> None:
    conv = SameConv2d(1, 1, kernel, stride, size)
    nn.init.ones_(conv.weight)
    side = -(-size // stride)
    before = max((side - 1) * stride + kernel - size, 0) // 2
    sums = conv(torch.ones(1, 1, size, size)).detach()[0, 0]
    assert sums.shape == (side, side)
    last = size - ((side - 1) * stride - before)  # cells of the picture under the last window
    assert sums[0, 0] == (kernel - before) ** 2
    assert sums[-1, -1] == min(kernel, last) ** 2


def test_the_hourglass_takes_the_pose_map_in() -> None:
    hourglass, x = Hourglass(2, 8).eval(), torch.randn(1, 8, 8, 8)
    assert not torch.allclose(hourglass(x), hourglass(x, torch.randn(1, 8, 8, 8)))
    assert torch.allclose(hourglass(x), hourglass(x, torch.zeros(1, 8, 8, 8)), atol=1e-6)


def touched(answer: Tensor, part: nn.Module) -> bool:
    """Whether an answer depends on the parameters of a part."""
    grads = torch.autograd.grad(answer.square().sum(), list(part.parameters()), retain_graph=True, allow_unused=True)
    return any(g is not None and g.abs().sum() > 0 for g in grads)


def test_the_cascade_crosses() -> None:
    torch.manual_seed(0)
    trunk = lively(Cascade(SMALL_CASCADE, 64))
    assert isinstance(trunk, Cascade)
    features = trunk(torch.randn(2, 3, 64, 64))
    first, second = features.vectors[:, 0], features.vectors[:, 1]
    pose, landmarks = trunk.poses[0], trunk.landmarks[0]
    assert not touched(first, landmarks) and not touched(features.heatmaps[0], pose)  # each looks for itself ...
    assert touched(second, landmarks) and touched(features.heatmaps[1], pose)  # ... and then at both


def test_one_block_has_no_junction() -> None:
    trunk = Cascade(replace(SMALL_CASCADE, blocks=1), 64)
    assert len(trunk.junctions) == 0
    assert outputs(trunk.eval()(torch.zeros(1, 3, 64, 64)))[0].shape == (1, 1, 128)


def test_deployed_edge_is_the_same_function() -> None:
    trunk = lively(EdgeTrunk(EdgeConfig(), 64)).eval()
    assert isinstance(trunk, EdgeTrunk)
    before = copy.deepcopy(trunk.state_dict())
    twin = trunk.deploy()
    x = torch.randn(4, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(trunk(x), twin(x), atol=1e-4)
    assert not any(isinstance(m, nn.BatchNorm2d | RepBlock) for m in twin.modules())
    assert all(torch.equal(value, before[key]) for key, value in trunk.state_dict().items())


def test_edge_begins_with_small_vectors() -> None:
    # an SSR head turns large ones into hundreds of degrees
    torch.manual_seed(0)
    with torch.no_grad():
        vectors = EdgeTrunk(EdgeConfig(), 64).train()(torch.randn(16, 3, 64, 64))
    assert 0 < vectors.std() < 0.5 and vectors.abs().max() < 3


def test_edge_keeps_its_budget() -> None:
    trunk = EdgeTrunk(EdgeConfig(), 64).eval().deploy()
    with FlopCounterMode(display=False) as flops, torch.no_grad():
        trunk(torch.zeros(1, 3, 64, 64))
    assert 4 * count(trunk) <= 1.48e6
    assert flops.get_total_flops() / 2 <= 20e6  # multiply-adds


@pytest.mark.parametrize(
    ("build", "match"),
    [
        (lambda: SsrNetConfig(layers="dense"), "trunk.layers"),
        (lambda: SsrNetConfig(width=6), "multiple of 4"),
        (lambda: SsrNet(SsrNetConfig(), 72), "input.size"),
        (lambda: ResNetConfig(depth=42), "trunk.depth"),
        (lambda: ResNetConfig(freeze_stages=1), "freeze_stages"),
        (lambda: ResNetConfig(pretrained="x", freeze_stages=6), "freeze_stages"),
        (lambda: ResNet(ResNetConfig(), 16), "input.size"),
        (lambda: AlexNetConfig(stride=3), "stride 2 or 4"),
        (lambda: AlexNetConfig(dropout=1.0), "dropout"),
        (lambda: AlexNet(AlexNetConfig(), 48), "input.size"),
        (lambda: AlexNet(AlexNetConfig(), 256), "input.size"),
        (lambda: MobileNetConfig(multiplier=0.0), "trunk.multiplier"),
        (lambda: MobileNetV2(MobileNetConfig(), 16), "input.size"),
        (lambda: EfficientNetLiteConfig(freeze_stages=-1), "freeze_stages"),
        (lambda: EfficientNetLite(EfficientNetLiteConfig(), 16), "input.size"),
        (lambda: EdgeConfig(stem=0), "at least 1"),
        (lambda: EdgeConfig(stride3=3), "stride3"),
        (lambda: EdgeTrunk(EdgeConfig(), 72), "input.size"),
        (lambda: CascadeConfig(backbone="vgg"), "trunk.backbone"),
        (lambda: CascadeConfig(channels=6), "multiple of 4"),
        (lambda: Cascade(SMALL_CASCADE, 80), "input.size"),
    ],
)
def test_a_wrong_configuration_is_named(build: Callable[[], object], match: str) -> None:
    with pytest.raises(InvalidArgumentError, match=match):
        build()


def test_without_weights_leaves_other_configs_alone() -> None:
    config = EdgeConfig(stem=8)
    assert without_weights(config) is config
    assert without_weights(MobileNetConfig(0.5, "somewhere", 2)) == MobileNetConfig(0.5)
