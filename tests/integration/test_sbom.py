"""The bill of materials and the licences that lie in the wheel (PEP 770, PEP 639)."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

import pytest

from hpe_edge import _core
from hpe_edge.hub import models_folder


@pytest.fixture(scope="module")
def installed() -> Distribution:
    return distribution("hpe-edge")


@pytest.fixture(scope="module")
def sbom(installed: Distribution) -> dict[str, Any]:
    text = installed.read_text("sboms/hpe_edge.cdx.json")
    assert text is not None, "expected dist-info/sboms/hpe_edge.cdx.json; install the package again"
    return dict(json.loads(text))


def test_it_is_cyclonedx_about_this_version(sbom: dict[str, Any], installed: Distribution) -> None:
    assert (sbom["bomFormat"], sbom["specVersion"]) == ("CycloneDX", "1.6")
    assert sbom["metadata"]["component"]["version"] == installed.version
    references = [component["bom-ref"] for component in sbom["components"]]
    assert sbom["dependencies"] == [{"ref": f"pkg:pypi/hpe-edge@{installed.version}", "dependsOn": references}]


def test_every_file_of_weights_is_in_it_as_it_is(sbom: dict[str, Any]) -> None:
    listed = {
        part["name"]: part["hashes"][0]["content"]
        for component in sbom["components"]
        for part in component.get("components", [])
    }
    folder = models_folder()
    weights = [path for path in folder.rglob("*") if path.suffix in (".onnx", ".safetensors")]
    found = {
        (Path("hpe_edge/models") / path.relative_to(folder)).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in weights
    }
    assert listed == found and len(found) > 3


def test_every_component_has_a_licence_that_the_wheel_may_have(sbom: dict[str, Any], installed: Distribution) -> None:
    licences = {component["name"]: component["licenses"][0]["license"]["id"] for component in sbom["components"]}
    assert licences.pop("pybind11") == "BSD-3-Clause"
    assert set(licences.values()) == {"Apache-2.0"}
    texts = [path for path in installed.files or [] if ".dist-info/licenses/" in path.as_posix()]
    words = " ".join(Path(str(installed.locate_file(path))).read_text("utf-8") for path in texts)
    assert "Apache License" in words and "Wenzel Jakob" in words


@pytest.mark.skipif(sys.platform != "linux", reason="the names of libraries in an ELF file")
def test_the_runtime_of_cpp_is_the_systems_and_not_in_the_wheel() -> None:
    needed = set(re.findall(rb"lib[a-z+]+\.so\.\d+", Path(str(_core.__file__)).read_bytes()))
    assert b"libstdc++.so.6" in needed
