"""The torch backend, on the CPU, and on a GPU where there is one."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hpe_edge.training.native.command import convert_card
from tiny_models import MakeModel, card_dict, mean_network

from hpe_edge import HeadPose, backends, hub
from hpe_edge.backends import Backend, open_backend
from hpe_edge.cardfiles import FileEntry
from hpe_edge.errors import BackendError, CorruptModelError, InvalidArgumentError, MissingDependencyError
from hpe_edge.modelcard import load_card, save_card

torch = pytest.importorskip("torch", reason="the torch extra is not installed")
on_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no NVIDIA GPU")
CROPS = np.random.default_rng(0).uniform(-1, 1, (70, 3, 64, 64)).astype(np.float32)


def _open(model: Path | str = "fsanet", name: str = "torch", precision: str = "fp32") -> Backend:
    found = hub.resolve(model)
    return open_backend(name, found.card, found.read, precision=precision, threads=1)


@pytest.mark.parametrize("count", [0, 1, 3, 70])
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=on_gpu), pytest.param("cuda:0", marks=on_gpu)])
def test_it_computes_what_the_native_network_computes(device: str, count: int) -> None:
    if not count and device != "cpu":
        pytest.skip("the estimator calls no backend without faces")
    expected = _open(name="native").run(CROPS[:count])
    found = _open(name=f"torch:{device}").run(CROPS[:count])
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert found[name].dtype == np.float32 and found[name].shape == value.shape
        np.testing.assert_allclose(found[name], value, atol=2e-5)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=on_gpu)])
def test_16_bits_are_near_and_not_the_same(device: str) -> None:
    exact, rounded = (_open(name=f"torch:{device}", precision=p).run(CROPS[:2]) for p in ("fp32", "bf16"))
    assert rounded["p1"].dtype == np.float32
    np.testing.assert_allclose(rounded["p1"], exact["p1"], atol=0.1)
    assert np.any(rounded["p1"] != exact["p1"])


def test_tf32_is_off_while_kernels_are_chosen_and_as_it_was_afterwards() -> None:
    from hpe_edge.training.native.torch_backend import _exact

    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    try:
        matmul.allow_tf32 = cudnn.allow_tf32 = True
        with _exact():
            assert not matmul.allow_tf32 and not cudnn.allow_tf32
        assert matmul.allow_tf32 and cudnn.allow_tf32
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before


@on_gpu
def test_threads_take_turns_on_the_gpu() -> None:
    backend = _open(name="torch:cuda")
    expected = [backend.run(CROPS[k : k + 1])["p1"] for k in range(8)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda k: backend.run(CROPS[k % 8 : k % 8 + 1])["p1"], range(200)))
    for k, value in enumerate(found):
        np.testing.assert_array_equal(value, expected[k % 8])


def test_head_pose_takes_it_by_name_and_says_what_runs() -> None:
    info = HeadPose(backend="torch").info
    assert (info.backend, info.provider, info.precision) == ("torch", "CPU", "fp32"), "auto: it has no 8 bits"
    assert info.sha256 == hub.resolve("fsanet").card.files["safetensors"].sha256
    assert "torch" not in backends.AUTO_ORDER


def test_auto_takes_the_gpu_where_there_is_one() -> None:
    assert (_open(name="torch:auto").info.provider == "CPU") != torch.cuda.is_available()


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_without_a_gpu_a_named_one_is_refused() -> None:
    with pytest.raises(BackendError, match=r"device 'cuda': torch .*(?:without CUDA|no NVIDIA GPU)"):
        _open(name="torch:cuda")


def test_what_it_has_not_is_refused() -> None:
    with pytest.raises(BackendError, match="'torch' computes in fp32 or fp16 or bf16, got 'int8'"):
        _open(precision="int8")
    with pytest.raises(InvalidArgumentError, match=r"expected 'auto' or one of \['cuda', 'cpu'\], got 'tpu'"):
        _open(name="torch:tpu")
    with pytest.raises(InvalidArgumentError, match=r"'torch' takes the options \['device'\], got cache="):
        _open(name="torch:cpu,cache=/tmp")
    with pytest.raises(
        BackendError, match=r"expected crops of shape \(3, 64, 64\), got a batch of shape \(1, 3, 9, 9\)"
    ):
        _open().run(np.zeros((1, 3, 9, 9), np.float32))


def test_a_corrupt_file_is_refused(make_model: MakeModel) -> None:
    card = make_model()
    path = convert_card(card)
    path.write_bytes(path.read_bytes()[:-4])
    save_card(replace(load_card(card), files={"safetensors": FileEntry.of(path)}), card)
    with pytest.raises(CorruptModelError, match=r"model 'tiny' \(tiny\.safetensors\): network file"):
        _open(card)


def test_a_card_of_another_network_is_refused(make_model: MakeModel) -> None:
    card = make_model(mean_network(8, 6), input=card_dict()["input"] | {"width": 9})
    convert_card(card)
    with pytest.raises(CorruptModelError, match=r"card and network disagree: expected input \(3, 6, 9\)"):
        _open(card)


def test_without_torch_the_message_names_the_pip_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "hpe_edge.training.native.torch_backend", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingDependencyError, match=r"'torch'.*pip install 'hpe-edge\[torch\]'"):
        _open()
