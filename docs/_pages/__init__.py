"""The parts of the site that are made from files of results: never typed in, written anew at every build."""

from __future__ import annotations

from pathlib import Path

from _pages.cards import accuracy_page, detector_page, models_page
from _pages.commands import commands_page
from _pages.contents import contents_page
from _pages.speed import draw_speed, speed_page

ROOT = Path(__file__).parents[2]


def write_pages(folder: Path) -> None:
    """Write everything that pages include into a folder (``docs/generated``, not under version control)."""
    models = ROOT / "hpe_edge" / "models"
    results = ROOT / "benchmarks" / "results"
    folder.mkdir(exist_ok=True)
    pages = {
        "contents": contents_page(ROOT / "docs"),
        "accuracy": accuracy_page(models),
        "detector": detector_page(models / "detectors"),
        "models": models_page([*sorted(models.glob("*.json")), *sorted((models / "detectors").glob("*.json"))]),
        "speed": speed_page(results),
        "commands": commands_page(),
    }
    for name, text in pages.items():
        _write(folder / f"{name}.md", text)
    draw_speed(results, folder)


def _write(path: Path, text: str) -> None:
    """Only what changed, so that Sphinx does not read everything anew."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
