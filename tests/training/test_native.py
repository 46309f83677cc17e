"""The network file: what comes of ONNX graphs says the same numbers, with few nodes, and the rest is refused."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference.network import read_network, run_network

from hpe_edge.errors import CorruptModelError, InvalidArgumentError

onnx = pytest.importorskip("onnx", reason="the training extra is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="the onnx extra is not installed")
torch = pytest.importorskip("torch", reason="the training extra is not installed")

from hpe_edge.training.export import export_onnx, named_outputs  # noqa: E402
from hpe_edge.training.models.network import build_network, deployed  # noqa: E402
from hpe_edge.training.native import file as network_file  # noqa: E402
from hpe_edge.training.native.container import pack  # noqa: E402
from hpe_edge.training.native.convert import network_bytes  # noqa: E402
from hpe_edge.training.native.shapes import OPERATORS, output_shape  # noqa: E402
from hpe_edge.training.recipe import load_recipe, recipe_from_dict  # noqa: E402
from native_cases import CLEAN, ELEMENTWISE, LAYERS, MOVES, REFUSED, Case, make  # noqa: E402
from onnx import TensorProto, helper  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]


def agree(model: Any, seed: int = 0) -> list[str]:
    """The operators of the converted model, whose outputs have been compared with ONNX Runtime's on two images."""
    file = network_bytes(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (source,) = session.get_inputs()
    names = [output.name for output in session.get_outputs()]
    images = np.random.default_rng(seed).uniform(-1, 1, (2, *source.shape[1:])).astype(np.float32)
    runs = [dict(zip(names, session.run(names, {source.name: image[None]}), strict=True)) for image in images]
    for image, expected in zip(images, runs, strict=True):
        got = run_network(file, image)
        assert list(got) == names
        for name in names:
            size = float(np.abs(expected[name]).max())
            np.testing.assert_allclose(got[name], expected[name][0], rtol=0, atol=1e-4 * size, err_msg=name)
    # otherwise the comparison would be of biases
    assert any(np.abs(runs[0][n] - runs[1][n]).max() > 2e-3 * np.abs(runs[0][n]).max() for n in names)
    graph, _ = read_network(file)
    return [node["op"] for node in graph["nodes"]]


# ---- networks of this project


def exported(folder: Path, trunk: dict[str, Any], head: dict[str, Any], size: int = 64) -> Any:
    """A network whose norms fit the pictures, so that the signal reaches the end, as ONNX."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    recipe = recipe_from_dict({"name": "x", "trunk": trunk, "head": head})
    network = build_network(recipe.trunk, recipe.head, size)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0.0, 0.3)
            module.momentum = 1.0
    with torch.no_grad():
        network.train()(2 * torch.rand(4, 3, size, size) - 1)
        network = deployed(network)
        names = list(named_outputs(network(torch.zeros(1, 3, size, size))))
    export_onnx(network, size, names, folder / "x.onnx")
    return onnx.load(str(folder / "x.onnx"))


SSR: dict[str, Any] = {"kind": "ssr"}
BINS: dict[str, Any] = {"kind": "bins"}
SMALL_CASCADE = {"channels": 16, "backbone": "light", "hourglass_depth": 2, "landmarks": 5, "deconvolution": 16}
# name: trunk, head, most nodes
NETWORKS: dict[str, tuple[dict[str, Any], dict[str, Any], int]] = {
    "edge": ({"kind": "edge"}, SSR, 53),
    "1x1-capsule": ({"kind": "fsanet"}, SSR, 142),
    "1x1-netvlad": ({"kind": "fsanet", "aggregation": "netvlad"}, SSR, 118),
    "1x1-none": ({"kind": "fsanet", "aggregation": "none"}, SSR, 108),
    "variance-capsule": ({"kind": "fsanet", "scoring": "variance"}, SSR, 143),
    "variance-netvlad": ({"kind": "fsanet", "scoring": "variance", "aggregation": "netvlad"}, SSR, 119),
    "variance-none": ({"kind": "fsanet", "scoring": "variance", "aggregation": "none"}, SSR, 109),
    "none-capsule": ({"kind": "fsanet", "scoring": "none"}, SSR, 127),
    "none-netvlad": ({"kind": "fsanet", "scoring": "none", "aggregation": "netvlad"}, SSR, 103),
    "none-none": ({"kind": "fsanet", "scoring": "none", "aggregation": "none"}, SSR, 93),
    "ssrnet": ({"kind": "ssrnet"}, {"kind": "ssr", "spread": False}, 97),
    "ssrnet-plain": ({"kind": "ssrnet", "layers": "plain"}, {"kind": "ssr", "spread": False}, 71),
    "mobilenet": ({"kind": "mobilenet-v2"}, BINS, 102),
    "efficientnet": ({"kind": "efficientnet-lite0"}, BINS, 96),
    "alexnet": ({"kind": "alexnet", "hidden": 64, "stride": 2}, BINS, 22),
    "cascade": ({"kind": "cascade", **SMALL_CASCADE}, {"kind": "cascade"}, 203),
}


@pytest.mark.filterwarnings("ignore:Constant folding:UserWarning", "ignore:The shape inference:UserWarning")
@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name: str, tmp_path: Path) -> None:
    trunk, head, most = NETWORKS[name]
    operators = agree(exported(tmp_path, trunk, head))
    assert set(operators) <= set(OPERATORS)
    assert len(operators) <= most, Counter(operators)


def test_resnet50_of_the_recipe_for_hopenet(tmp_path: Path) -> None:
    recipe = load_recipe("hopenet")
    assert recipe.trunk.config.depth == 50
    operators = Counter(agree(exported(tmp_path, {"kind": recipe.trunk.kind, "depth": 50}, {"kind": recipe.head.kind})))
    assert operators == Counter(conv=53, relu=49, max_pool=1, add=16, mean=1, linear=1, slice=3)


def test_the_bundled_network() -> None:
    operators = agree(onnx.load(str(ROOT / "hpe_edge" / "models" / "fsanet.onnx")))
    assert len(operators) <= 56
    assert Counter(operators)["conv"] == 8 and Counter(operators)["reshape"] <= 5


@pytest.mark.parametrize(("name", "most"), [("fsanet-1x1.onnx", 215), ("fsanet-var.onnx", 221)])
def test_peers(name: str, most: int) -> None:
    """The public networks: opset 9, shapes computed in the graph, BatchNormalization, the decode inside."""
    folder = Path(os.environ.get("HPE_EDGE_PEERS", ROOT.parent / "shared" / "peers"))
    if not (folder / name).is_file():
        pytest.skip(f"no {name} in {folder}; set HPE_EDGE_PEERS")
    assert len(agree(onnx.load(str(folder / name)))) <= most


# ---- hand-made graphs


@pytest.mark.parametrize(
    "case", [pytest.param(c, id=name) for g in (LAYERS, ELEMENTWISE, MOVES, CLEAN) for name, c in g.items()]
)
def test_operators(case: Case) -> None:
    model = make(case.nodes, case.weights, case.shape, case.opset, case.outputs)
    assert sorted(agree(model)) == sorted(case.operators.split())


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    nodes, weights, message = REFUSED[name]
    with pytest.raises(InvalidArgumentError, match=message):
        network_bytes(make(nodes, weights, (1, 4, 6, 6), 17, ["y"]))


def test_softmax_of_several_axes_in_old_opsets_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="Softmax 'y': expected a softmax over one axis"):
        network_bytes(make("y = Softmax(x)", {}, (1, 4, 6, 6), 9, ["y"]))


@pytest.mark.parametrize("shape", [(2, 4, 6, 6), (1, 4, 6), (1, "c", 6, 6)])
def test_inputs_that_are_no_picture_are_refused(shape: tuple[Any, ...]) -> None:
    with pytest.raises(InvalidArgumentError, match=r"input 'x': expected float32 \[1, C, H, W\]"):
        network_bytes(make("y = Relu(x)", {}, shape, 17, ["y"]))


def test_a_batch_without_a_size_is_one() -> None:
    graph, _ = read_network(network_bytes(make("y = Flatten(x)", {}, ("n", 4, 6, 6), 17, ["y"])))  # type: ignore[arg-type]
    assert graph["input"] == {"name": "x", "shape": [4, 6, 6]} and graph["nodes"][0]["shape"] == [144]


def test_other_models_are_refused() -> None:
    model = make("y = Relu(x)", {}, (1, 4, 6, 6), 17, ["y"])
    model.graph.node[0].op_type = "NoSuchOperator"
    with pytest.raises(CorruptModelError, match="not valid ONNX"):
        network_bytes(model)
    model = make("y = Relu(x)", {}, (1, 4, 6, 6), 17, ["y"])
    model.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, [1]))
    with pytest.raises(InvalidArgumentError, match=r"expected one input .* got \['x', 'z'\]"):
        network_bytes(model)
    model = make("y = Relu(x)", {}, (1, 4, 6, 6), 17, ["y"])
    model.graph.node[0].domain = "custom"
    model.opset_import.append(helper.make_opsetid("custom", 1))
    with pytest.raises(InvalidArgumentError, match="Relu 'y': expected an operator of ONNX itself"):
        network_bytes(model)
    model = make("y = Relu(x)\nz = Relu(y)", {}, (1, 4, 6, 6), 17, ["y"])
    model.graph.node[0].output[0] = model.graph.node[1].input[0] = model.graph.output[0].name = "a/b"
    with pytest.raises(InvalidArgumentError, match="output 'a/b': expected a name"):
        network_bytes(model)


def test_too_many_nodes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_file, "MAX_NODES", 2)
    with pytest.raises(InvalidArgumentError, match="at most 2 nodes, got 3"):
        network_bytes(make("a = Neg(x)\nb = Exp(a)\ny = Tanh(b)", {}, (1, 1, 1, 1), 17, ["y"]))


# ---- the file


def test_the_file_is_safetensors() -> None:
    safetensors = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")
    case = CLEAN["scale-conv"]
    file = network_bytes(make(case.nodes, case.weights, case.shape, case.opset, case.outputs))
    _, tensors = read_network(file)
    theirs = safetensors.load(file)
    assert theirs.keys() == tensors.keys() == {"v1.weight", "v1.bias"}
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(theirs[name], tensor)
    assert (8 + int.from_bytes(file[:8], "little")) % 8 == 0


def test_the_same_model_gives_the_same_bytes() -> None:
    model = onnx.load(str(ROOT / "hpe_edge" / "models" / "fsanet.onnx"))
    assert network_bytes(model) == network_bytes(model)


def test_an_input_named_like_a_value_keeps_its_name() -> None:
    model = make("y = Relu(x)", {}, (1, 1, 2, 2), 17, ["y"])
    model.graph.input[0].name = model.graph.node[0].input[0] = "v1"
    graph, _ = read_network(network_bytes(model))
    assert graph["input"]["name"] == "v1" and graph["nodes"][0]["out"] != "v1"


def test_pack_keeps_order_and_leaves_no_holes() -> None:
    file = pack({"b": np.ones((2, 1), np.float32), "a": np.float32(3).reshape(())}, {"format": "f"})
    length = int.from_bytes(file[:8], "little")
    assert len(file) == 8 + length + 12
    assert np.frombuffer(file[8 + length :], "<f4").tolist() == [1, 1, 3]


@pytest.mark.parametrize(
    ("op", "shapes", "attributes", "shape"),
    [
        ("conv", [(4, 9, 8), (6, 2, 3, 3), (6,)], {"stride": [2, 1], "pad": [1, 0, 0, 2], "groups": 2}, (6, 4, 8)),
        ("matmul", [(3, 1, 2, 5), (4, 5, 6)], {}, (3, 4, 2, 6)),
        ("mean", [(2, 3, 4)], {"axes": [0, 2], "keep": False}, (3,)),
        ("mean", [(2, 3, 4)], {"axes": [0, 2], "keep": True}, (1, 3, 1)),
    ],
)
def test_shapes(op: str, shapes: list[tuple[int, ...]], attributes: dict[str, Any], shape: tuple[int, ...]) -> None:
    assert output_shape(op, shapes, attributes) == shape


def test_average_pool_and_softmax_of_the_reference_by_hand() -> None:
    """The twin against numbers that can be seen."""
    model = make("y = AveragePool<kernel_shape=[2,2], strides=[2,2], pads=[1,1,1,1]>(x)", {}, (1, 1, 2, 2), 17, ["y"])
    image = np.arange(4, dtype=np.float32).reshape(1, 2, 2)
    np.testing.assert_array_equal(run_network(network_bytes(model), image)["y"], image)
    model = make("y = Softmax<axis=3>(x)", {}, (1, 1, 1, 2), 17, ["y"])
    got = run_network(network_bytes(model), np.log(np.float32([[[1, 3]]])))["y"]
    np.testing.assert_allclose(got, [[[0.25, 0.75]]], atol=1e-6)
