"""The documentation as a site: built without a warning, whole, of measured numbers, and asking nobody else."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
MODELS = ROOT / "hpe_edge" / "models"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytest.importorskip("furo", reason="what builds the site is not installed (extra docs)")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site that ``HPE_EDGE_SITE`` names, which scripts/test.sh built a moment ago, or one of our own."""
    if built := os.environ.get("HPE_EDGE_SITE"):
        return Path(built)
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", str(DOCS), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return out


class _Page(HTMLParser):
    """What a page is loaded from, where its links go, and what can be linked to."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        self.ids |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif tag == "link" and values.get("rel") not in ("next", "prev", "index", "search", "canonical"):
            self.loads.append(values["href"])
        elif "src" in values:
            self.loads.append(values["src"])


@cache
def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text("utf-8"))
    return page


def _pages(site: Path) -> list[Path]:
    return sorted(path for path in site.rglob("*.html") if "_static" not in path.parts)


def test_every_page_is_there_and_in_the_table_of_contents(site: Path) -> None:
    sources = [path.relative_to(DOCS) for path in DOCS.rglob("*.md") if "generated" not in path.parts]
    linked = {unquote(urldefrag(link).url) for link in _read(site / "index.html").links}
    for source in sources:
        page = source.with_suffix(".html")
        assert (site / page).is_file(), source
        assert page.as_posix() in linked | {"index.html"}, f"{source}: in no table of contents"


def test_nothing_is_loaded_from_anywhere_else(site: Path) -> None:
    for path in _pages(site):
        outside = [address for address in _read(path).loads if re.match(r"(?!data:)[a-z+.-]*:?//|https?:", address)]
        assert outside == [], path
    for style in site.rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*['\"]?(https?:)?//", style.read_text("utf-8")), style


def test_every_link_within_the_site_leads_somewhere(site: Path) -> None:
    for path in _pages(site):
        for link in _read(path).links + _read(path).loads:
            address, fragment = urldefrag(link)
            if re.match(r"[a-z]+:", link):
                continue
            target = (path.parent / unquote(address.partition("?")[0])).resolve() if address else path
            assert target.is_file(), f"{path.relative_to(site)}: {link}"
            if fragment and target.suffix == ".html":
                assert unquote(fragment) in _read(target).ids, f"{path.relative_to(site)}: {link}"


def test_the_numbers_are_those_of_the_cards(site: Path) -> None:
    accuracy, models = ((site / "results" / name).read_text("utf-8") for name in ("accuracy.html", "models.html"))
    cards = [*MODELS.glob("*.json"), *(MODELS / "detectors").glob("*.json")]
    assert len(cards) >= 2
    for path in cards:
        card = json.loads(path.read_text("utf-8"))
        assert (
            all(entry["sha256"] in models for entry in card["files"].values()) and card["training"]["commit"] in models
        )
        for metric in card["metrics"]:
            assert all(word in accuracy for word in metric["command"].split()), path
            if "mae_deg" in metric:
                assert f"{metric['mae_deg']:.2f}" in accuracy, path


def test_the_times_are_those_of_the_result_files(site: Path) -> None:
    page = (site / "results" / "speed.html").read_text("utf-8")
    files = sorted((ROOT / "benchmarks" / "results").glob("*.json"))
    assert files
    for path in files:
        date, commit, machine = path.stem.split("_")
        assert f"{machine}, {date}" in page and commit in page and f"{path.stem}-light.svg" in page
        for row in json.loads(path.read_text("utf-8"))["rows"]:
            assert row["estimate"] is None or f"{row['estimate']['p50_us']:,.0f}" in page


def test_a_result_without_date_commit_and_machine_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(DOCS))
    from _pages.speed import read_results

    (tmp_path / "fast.json").write_text("{}", "utf-8")
    with pytest.raises(ValueError, match="date, commit, machine"):
        read_results(tmp_path)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; Debian: apt-get install chromium")
@pytest.mark.parametrize("width", [390, 1320])
def test_nothing_sticks_out_and_nothing_is_asked_for(site: Path, width: int) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra dev)")
    with playwright.sync_playwright() as started:
        # Root in a container has no sandbox to offer.
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme="dark")
        asked: set[str] = set()
        page.on("request", lambda request: asked.add(request.url.partition(":")[0]))
        for name in ("index", "guide/quickstart", "CONVENTIONS", "results/speed", "results/models", "api/estimator"):
            page.goto((site / f"{name}.html").as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        browser.close()
    assert asked <= {"file", "data"}, asked
