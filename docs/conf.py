"""Sphinx: the documentation as a site.

pip install '.[docs]'
python -m sphinx -W --keep-going -b html docs build/docs
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import version as installed_version
from pathlib import Path

from sphinx.application import Sphinx

HERE = Path(__file__).parent
NO_SPACE = "\u200b"
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>\.\./[^)#\s]+)\)")
PAGE = re.compile(r"docs/([A-Z_]+)\.md")
SEVERAL = re.compile(r" {4}([a-z_]\w*(?:, [a-z_]\w*)+): ")
sys.path.insert(0, str(HERE))

from _pages import write_pages  # noqa: E402

project = "hpe-edge"
author = "the hpe-edge developers"
copyright = "the hpe-edge developers, Apache-2.0"
version = release = installed_version("hpe-edge")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton", "sphinx_design"]
exclude_patterns = ["generated"]
source_suffix = {".md": "markdown"}

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True
copybutton_line_continuation_character = "\\"

autodoc_member_order = "bysource"
# Docstrings say shapes and units, which NDArray[float32] does not.
autodoc_typehints = "none"
autodoc_class_signature = "mixed"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False
python_use_unqualified_type_names = True
add_module_names = False
nitpicky = True
nitpick_ignore_regex = [
    # Other projects' names: nothing is fetched to resolve them.
    ("py:.*", r"(numpy|np|collections|os|types|typing|pathlib)\..*"),
    # Aliases, which stand for what they are, and protocols of other libraries' objects.
    ("py:class", r"Path|Draw|Result|Points|hpe_edge\.sources\.capture\.Capture"),
]

html_theme = "furo"
pygments_dark_style = "monokai"
html_title = "hpe-edge"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/logo.svg"
html_logo = "_static/logo.svg"
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "sidebar_hide_name": False,
    "light_css_variables": {"color-brand-primary": "#1f5fbf", "color-brand-content": "#1f5fbf"},
    "dark_css_variables": {"color-brand-primary": "#7fb2ff", "color-brand-content": "#7fb2ff"},
}


def prepare_docstring(_app: Sphinx, what: str, _name: str, _object: object, _options: object, lines: list[str]) -> None:
    """Hide what napoleon would take for a type: words before a colon, the first of ``mean, scale: ...``; link pages."""
    if what in ("property", "attribute", "data"):
        lines.insert(0, NO_SPACE)
    section = ""
    for number, line in enumerate(lines):
        if names := SEVERAL.match(line):
            lines[number] = line.replace(", ", f",{NO_SPACE}", names[1].count(","))
        lines[number] = PAGE.sub(r":doc:`\1 </\1>`", lines[number])
        lines[number] = lines[number].replace(": + ", ": \\+ ")  # a sign, no list
        if section == "Returns:":
            lines[number] = f"    {NO_SPACE}\n{lines[number]}"
        elif section == "Raises:" and line.strip().startswith("As "):
            lines[number - 1] = "Errors:"
        section = line
    lines[:] = "\n".join(lines).split("\n")


def name_files(app: Sphinx, page: str, source: list[str]) -> None:
    """A link to a file of the repository that is no page, such as an example, becomes the file's name."""
    folder = (HERE / page).parent

    def name(link: re.Match[str]) -> str:
        target = (folder / link["target"]).resolve()
        outside = target.exists() and not target.is_relative_to(HERE)
        return f"`{target.relative_to(HERE.parent).as_posix()}`" if outside else link[0]

    source[0] = LINK.sub(name, source[0])


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", lambda _: write_pages(HERE / "generated"))
    app.connect("source-read", name_files)
    app.connect("autodoc-process-docstring", prepare_docstring, priority=400)  # napoleon comes at 500
