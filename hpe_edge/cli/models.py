"""``hpe-edge models``: what models and detectors there are, what is in a card, adding, checking, removing."""

from __future__ import annotations

import argparse
import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

from hpe_edge.cli.pipeline import open_bar
from hpe_edge.errors import HpeEdgeError

if TYPE_CHECKING:
    from hpe_edge.hub import Entry
    from hpe_edge.modelcard import ModelCard

_EPILOG = """\
examples:
  hpe-edge models list
  hpe-edge models info fsanet
  hpe-edge models info my/card.json --json
  hpe-edge models add my/card.json
  hpe-edge models add https://example.org/models/large.json --files /media/usb/models
  hpe-edge models verify
  hpe-edge models remove large@1.0.0

MODEL is a name, name@version, or the path of a card. What is added goes to the user's data folder
(HPE_EDGE_HOME names another one). No address is opened but by add, and none with HPE_EDGE_OFFLINE=1.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "models",
        help="list, show, add, verify and remove models",
        description="List, show, add, verify and remove models and detectors.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="the models and detectors there are")
    listing.set_defaults(func=run_list)
    info = actions.add_parser("info", help="show a card, after checking its files")
    info.add_argument("model", metavar="MODEL", help="name, name@version or card.json")
    info.set_defaults(func=run_info)
    verify = actions.add_parser("verify", help="check the size and sha256 of all files, and that the native ones load")
    verify.add_argument("models", metavar="MODEL", nargs="*", help="name, name@version or card.json; all if left out")
    verify.set_defaults(func=run_verify)
    _add_add(actions)
    remove = actions.add_parser("remove", help="take out a model that was added")
    remove.add_argument("model", metavar="MODEL", help="name or name@version")
    remove.set_defaults(func=run_remove)
    for action in (listing, info, verify, remove):
        action.add_argument("--json", action="store_true", help="print JSON")


def _add_add(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    add = actions.add_parser(
        "add",
        help="add a model from its card, with its files",
        description="Add a model or detector: the card and every file that it lists, verified. An interrupted download "
        "goes on when the same command is given again.",
    )
    add.add_argument("card", metavar="CARD", help="path or https address of a card")
    add.add_argument(
        "--files", metavar="WHERE", help="folder or https address with its files, by name or sha256 [that of CARD]"
    )
    add.add_argument("--force", action="store_true", help="replace another model of this name and version")
    add.add_argument("--offline", action="store_true", help="open no address (also: HPE_EDGE_OFFLINE=1)")
    add.add_argument("--timeout", type=float, default=30.0, metavar="S", help="seconds for an answer [%(default)g]")
    add.add_argument("--json", action="store_true", help="print one JSON object")
    add.add_argument("--quiet", action="store_true", help="no progress, print nothing")
    add.set_defaults(func=run_add)


def run_list(options: argparse.Namespace) -> int:
    """Print names, versions and descriptions."""
    from hpe_edge.hub import catalog

    entries = catalog()
    if options.json:
        print(json.dumps([_summary(entry) for entry in entries], indent=2))
        return 0
    for entry in entries:
        card = entry.card
        origin = "bundled" if entry.bundled else "added"
        print(f"{card.name:<16} {card.version:<8} {entry.kind:<8} {origin:<8} {card.licence:<12} {card.description}")
    return 0


def run_info(options: argparse.Namespace) -> int:
    """Check the files, then print the card."""
    from hpe_edge.hub import find, verify_model

    entry = find(options.model)
    verify_model(options.model)
    print(json.dumps(entry.card.as_dict(), indent=2) if options.json else _as_text(entry))
    return 0


def run_verify(options: argparse.Namespace) -> int:
    """Check models, all of them although one is damaged; 2 when one is."""
    from hpe_edge.hub import card_paths, verify_model

    names = options.models or [str(path) for path in card_paths()]
    results = []
    for name in names:
        try:
            files, error = [check.as_dict() for check in verify_model(name)], None
        except HpeEdgeError as problem:
            files, error = [], str(problem)
        results.append({"model": name, "ok": error is None, "files": files, "error": error})
    if options.json:
        print(json.dumps(results, indent=2))
    else:
        print("\n".join(_verdict(result) for result in results))
    return 0 if all(result["ok"] for result in results) else 2


def run_add(options: argparse.Namespace) -> int:
    """Add a model, with a bar of its bytes."""
    from hpe_edge.hub import add_model

    with closing(_Bars(options.quiet)) as bars:
        entry = add_model(
            options.card,
            files=options.files,
            force=options.force,
            offline=options.offline,
            timeout_s=options.timeout,
            progress=bars.show,
        )
    if options.json:
        print(json.dumps(_summary(entry), indent=2))
    elif not options.quiet:
        print(f"{entry.label}: {entry.kind} at {entry.card_path.parent}")
    return 0


def run_remove(options: argparse.Namespace) -> int:
    """Take a model out of the user's folder."""
    from hpe_edge.hub import remove_model

    folder = remove_model(options.model)
    print(json.dumps({"removed": str(folder)}) if options.json else f"removed: {folder}")
    return 0


class _Bars:
    """One bar a file."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Any = None
        self._name = ""

    def show(self, name: str, done: int, total: int) -> None:
        """So many bytes of a file are there."""
        if name != self._name:
            self.close()
            self._name = name
            self._bar = open_bar(self._quiet, total=total, unit="B", unit_scale=True, desc=name)
        if self._bar is not None:
            self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()


def _summary(entry: Entry) -> dict[str, Any]:
    card = entry.card
    return {
        "name": card.name,
        "version": card.version,
        "kind": entry.kind,
        "bundled": entry.bundled,
        "licence": card.licence,
        "description": card.description,
        "card": str(entry.card_path),
    }


def _verdict(result: dict[str, Any]) -> str:
    if not result["ok"]:
        return f"DAMAGED  {result['model']}: {result['error']}"
    loaded = sum(check["loaded"] for check in result["files"])
    return f"ok       {result['model']}: {len(result['files'])} files have their sha256, {loaded} loaded"


def _as_text(entry: Entry) -> str:
    from hpe_edge.modelcard import ModelCard

    card = entry.card
    lines = [f"{card.name} {card.version} ({card.licence})", card.description]
    lines += _input_lines(card) if isinstance(card, ModelCard) else [f"input    {card.input}"]
    lines += [
        f"file     {kind}: {file.path}, {file.bytes} bytes, sha256 {file.sha256} (checked)"
        for kind, file in card.files.items()
    ]
    for metric in card.metrics:
        numbers = ", ".join(f"{key} {value:.2f}" for key, value in metric.items() if isinstance(value, float))
        lines.append(f"metric   {metric.get('dataset', '?')}: {numbers}")
    return "\n".join(lines)


def _input_lines(card: ModelCard) -> list[str]:
    spec = card.input
    return [
        f"input    {spec.width}x{spec.height} {spec.channel_order}, box grown by {spec.margin:g} on each side"
        f"{', squared' if spec.square else ''}",
        f"head     {card.head}",
    ]
