"""The table of contents: pages in groups; one that no group names comes last, one that is not there is left out."""

from __future__ import annotations

from pathlib import Path

GROUPS = {
    "Start": ["guide/quickstart", "CONVENTIONS"],
    "Cookbook": ["cookbook/robot", "cookbook/driver_monitor", "cookbook/batch_folder"],
    "Results": ["results/accuracy", "results/speed", "results/models"],
    "Boards and robots": ["BACKENDS", "HUB", "ANNOTATE", "CPP", "PIXELS", "ROBOTS", "JETSON", "RASPBERRY_PI", "BENCH"],
    "Reference": ["api/index", "guide/commands", "guide/extending", "NETWORK_FILE", "TRUST", "ARCHITECTURE"],
    "How it is made": ["SYNTHETIC", "TRAINING", "DETECTION", "EVALUATION", "DATASETS", "STUDIES", "LIKENESS"],
}
REST = "More"


def contents_page(docs: Path) -> str:
    """Hidden toctrees, which the theme's sidebar shows."""
    named = {page for pages in GROUPS.values() for page in pages}
    groups = {caption: [page for page in pages if (docs / f"{page}.md").exists()] for caption, pages in GROUPS.items()}
    groups[REST] = sorted(path.stem for path in docs.glob("*.md") if path.stem not in named | {"index"})
    return "\n".join(_toctree(caption, pages) for caption, pages in groups.items() if pages)


def _toctree(caption: str, pages: list[str]) -> str:
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""])
