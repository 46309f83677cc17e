"""What all pages share: the frame, sections, tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any


def page(title: str, under: str, sections: Sequence[str], data: Mapping[str, Any] | Sequence[Any]) -> str:
    """A whole document; ``data`` is in it as JSON, for a program that gets only the page.

    >>> "http" in page("a", "b", [section("c", "<p>d</p>")], {}).replace("http-equiv", "")
    False
    """
    style = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
    # "</script>" within a string would end the script, and "<!--" hide its end.
    inside = json.dumps(data).replace("<", "\\u003c")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style></head>\n"
        f"<body><main><header><h1>{escape(title)}</h1><p>{escape(under)}</p></header>\n"
        + "\n".join(part for part in sections if part)
        + f'\n</main><script type="application/json" id="data">{inside}</script></body></html>\n'
    )


def section(title: str, *parts: str, note: str = "", full: bool = False) -> str:
    """A card with a heading, as wide as the page when ``full``; nothing where all parts are empty."""
    inside = "".join(parts)
    if not inside:
        return ""
    below = f'<p class="note">{escape(note)}</p>' if note else ""
    wide = ' class="full"' if full else ""
    return f"<section{wide}><h2>{escape(title)}</h2>{inside}{below}</section>"


def tiles(items: Sequence[tuple[str, str, str]]) -> str:
    """Large numbers: value, what it is, and what else to say of it."""
    return (
        '<div class="tiles">'
        + "".join(
            f"<div><b>{escape(value)}</b><span>{escape(what)}</span><small>{escape(more)}</small></div>"
            for value, what, more in items
        )
        + "</div>"
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first column names a row, the others are numbers."""
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(
        f"<tr><th>{escape(row[0])}</th>" + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:]) + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def facts(items: Sequence[tuple[str, str]]) -> str:
    """Names and what they are, in two columns."""
    return (
        "<dl>" + "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>" for name, text in items) + "</dl>"
    )


def notice(text: str, good: bool) -> str:
    """A line that a reader must not miss."""
    return f'<p class="notice {"good" if good else "bad"}">{escape(text)}</p>'
