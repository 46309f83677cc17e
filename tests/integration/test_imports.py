"""Importing stays cheap, and the public names are those of the documentation."""

from __future__ import annotations

import subprocess
import sys

import pytest

import hpe_edge


def _loaded_after(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint(' '.join(sys.modules))"
    return set(
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    )


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not _loaded_after("import hpe_edge") & {"numpy", "onnxruntime", "cv2", "torch", "hpe_edge._core"}


def test_the_sdk_never_loads_torch_and_opencv_only_for_files() -> None:
    loaded = _loaded_after("from hpe_edge import HeadPose; HeadPose()")
    assert "numpy" in loaded
    assert not loaded & {"torch", "cv2", "onnxruntime", "hpe_edge.training"}


def test_sdk_commands_do_not_load_the_training_package() -> None:
    loaded = _loaded_after("from hpe_edge.cli import main; main(['models', 'list'])")
    assert not loaded & {"torch", "cv2", "hpe_edge.training"}


@pytest.mark.parametrize("name", hpe_edge.__all__)
def test_public_names_resolve(name: str) -> None:
    assert getattr(hpe_edge, name) is not None and name in dir(hpe_edge)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nonesuch'"):
        hpe_edge.nonesuch  # noqa: B018
    assert hpe_edge.__version__.count(".") >= 2
