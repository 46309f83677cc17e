"""Writes what the wheel is made of, as CycloneDX 1.6 JSON, for ``.dist-info/sboms`` (PEP 770). The build calls it.

    python cmake/make_sbom.py --version 0.1.0 --pybind11 3.0.1 --compiler "GNU 12.2.0" --out hpe_edge.cdx.json

The components are the project itself, the weights with the sha256 and the licence of their cards, and pybind11, whose
headers are compiled in. The C++ runtime and libc are those of the system: nothing of theirs is in the wheel. There are
no times and no serial numbers in it: the same sources give the same file.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "hpe_edge" / "models"


def licensed(spdx_id: str) -> list[dict[str, Any]]:
    """A component's ``licenses``."""
    return [{"license": {"id": spdx_id}}]


def weights(card_path: Path) -> dict[str, Any]:
    """The component of one model: its card and the files that the card names."""
    card = json.loads(card_path.read_text(encoding="utf-8"))
    folder = card_path.relative_to(ROOT).parent
    files = [
        {
            "type": "file",
            "name": (folder / entry["path"]).as_posix(),
            "hashes": [{"alg": "SHA-256", "content": entry["sha256"]}],
        }
        for entry in card["files"].values()
    ]
    return {
        "type": "machine-learning-model",
        "bom-ref": f"weights:{card['name']}",
        "name": card["name"],
        "version": card["version"],
        "description": card["description"],
        "licenses": licensed(card["licence"]),
        "components": files,
    }


def pybind11(version: str) -> dict[str, Any]:
    """The component of pybind11."""
    return {
        "type": "library",
        "bom-ref": f"pkg:pypi/pybind11@{version}",
        "name": "pybind11",
        "version": version,
        "purl": f"pkg:pypi/pybind11@{version}",
        "description": "headers only, compiled into hpe_edge._core",
        "licenses": licensed("BSD-3-Clause"),
    }


def sbom(version: str, pybind11_version: str, compiler: str) -> dict[str, Any]:
    """The whole bill of materials."""
    own = f"pkg:pypi/hpe-edge@{version}"
    cards = sorted([*MODELS.glob("*.json"), *MODELS.glob("*/*.json")])
    components = [*map(weights, cards), pybind11(pybind11_version)]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "library",
                "bom-ref": own,
                "name": "hpe-edge",
                "version": version,
                "purl": own,
                "licenses": licensed("Apache-2.0"),
                "properties": [{"name": "hpe-edge:compiler", "value": compiler}],
            }
        },
        "components": components,
        "dependencies": [{"ref": own, "dependsOn": [component["bom-ref"] for component in components]}],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("version", "pybind11", "compiler"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    text = json.dumps(sbom(options.version, options.pybind11, options.compiler), indent=1)
    options.out.write_text(text + "\n", encoding="utf-8")
