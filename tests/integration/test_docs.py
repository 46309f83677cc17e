"""The documentation's code runs, its commands exist, and its figure is the one that its script draws."""

from __future__ import annotations

import doctest
import importlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from snippets import HARMLESS, LEAST_REASON, ROOT, Block, arguments, blocks, commands, pages, runs_elsewhere

from hpe_edge import HeadPose, write_image
from hpe_edge.cli import _parser
from hpe_edge.errors import MissingDependencyError

PAGES = pages()
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
World = Callable[[Path], dict[str, Any]]


def portrait() -> NDArray[np.uint8]:
    from skimage.data import astronaut

    return np.ascontiguousarray(astronaut()[..., ::-1])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Puts what the pages speak of into a folder: ``photo.jpg``, ``photos/``, ``interview.mp4``, ``image_bgr``."""
    import cv2

    image = portrait()
    folder = tmp_path_factory.mktemp("world")
    (folder / "photos").mkdir()
    for name in ("photo.jpg", "photos/one.jpg", "photos/two.jpg"):
        write_image(folder / name, image)
    writer = cv2.VideoWriter(str(folder / "interview.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 25.0, (512, 512))
    for _ in range(5):
        writer.write(image)
    writer.release()

    def furnish(target: Path) -> dict[str, Any]:
        for path in folder.iterdir():
            (target / path.name).symlink_to(path)
        return {"__name__": "documentation", "image_bgr": image.copy()}

    return furnish


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_the_code_of_a_page_runs(page: Path, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Top to bottom, in one folder and one namespace, as a reader would."""
    monkeypatch.chdir(tmp_path)
    names = world(tmp_path)
    for block in blocks(page):
        if block.reason is not None:
            continue
        if block.python:
            exec(compile(block.code, block.name, "exec", dont_inherit=True), names)
        elif block.shell:
            _run_shell(block)


SAY_WHY = (
    "If it cannot run in a test, say why in a line before the block: <!-- not run: REASON -->, "
    "or <!-- shell not run: REASON --> once for all shell blocks of the page."
)


def _run_shell(block: Block) -> None:
    run = [command for command in commands(block.code) if not runs_elsewhere(command)]
    for command in run:
        assert HARMLESS.match(command), f"{block.name}: no test runs {command!r}. {SAY_WHY}"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(run)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{block.name}: {done.stderr}\n{SAY_WHY}"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_what_is_not_run_says_why_and_its_commands_exist(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for block in blocks(page):
        assert block.reason is None or len(block.reason) >= LEAST_REASON, f"{block.name}: why is it not run?"
        if block.language == "":
            assert not block.code.startswith(("$ ", "hpe-edge ", ">>> ")), f"{block.name}: expected ```sh or ```python"
        if block.python and block.reason is not None:
            compile(block.code, block.name, "exec")
        for command in commands(block.code) if block.shell else []:
            _check_arguments(block.name, command, capsys)


def _check_arguments(name: str, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The command's own parser takes it; words in capitals stand for any value."""
    words = arguments(command)
    if words is None or "--help" in words or "--version" in words:
        return
    words = ["1" if re.fullmatch("[A-Z_]+", word) else word for word in words]
    try:
        _parser(words).parse_args(words)
    except SystemExit:
        pytest.fail(f"{name}: {command}: {capsys.readouterr().err.splitlines()[-1]}")


def _modules() -> list[str]:
    files = (ROOT / "hpe_edge").rglob("*.py")
    return sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in files
        if ">>> " in path.read_text("utf-8")
    )


@pytest.mark.parametrize("module", _modules())
def test_the_examples_of_docstrings_run(module: str) -> None:
    """The API pages show them."""
    try:
        found = importlib.import_module(module)
    except MissingDependencyError as error:
        pytest.skip(str(error))
    result = doctest.testmod(found)
    assert result.failed == 0 and result.attempted > 0


def test_plugins_of_the_page_are_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's files as a package of its own: its entry points make HeadPose know them."""
    page = blocks(ROOT / "docs" / "guide" / "extending.md")
    for block in page:
        if file := re.match(r"# (my_package/\w+\.py)\n", block.code):
            (tmp_path / file[1]).parent.mkdir(exist_ok=True)
            (tmp_path / file[1]).write_text(block.code, "utf-8")
    entries = next(block.code for block in page if block.language == "toml").replace("project.entry-points.", "")
    record = tmp_path / "my_package-1.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n", "utf-8")
    (record / "entry_points.txt").write_text(re.sub(r"[\"]", "", entries), "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))

    image = portrait()
    everywhere = HeadPose().estimate(image)
    mine = HeadPose(backend="opencv", detector="seats:100,20,400,300")
    assert (mine.info.backend, mine.info.detector) == ("opencv", "seats")
    assert np.abs(mine.estimate(image).euler_deg - everywhere.euler_deg).max() < 5
    assert len(HeadPose(detector="seats:300,300,500,500").estimate(image)) == 0, "nobody sits there"


def test_the_figure_is_up_to_date() -> None:
    script = ROOT / "docs" / "make_conventions_figure.py"
    done = subprocess.run([sys.executable, str(script), "--check"], check=False)
    assert done.returncode == 0, f"run: python {script.relative_to(ROOT)}"
