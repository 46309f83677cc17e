"""``hpe-edge models``: what is bundled, and what is in a card."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hpe_edge.modelcard import ModelCard

_EPILOG = """\
examples:
  hpe-edge models list
  hpe-edge models info fsanet
  hpe-edge models info my/card.json --json
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "models",
        help="list the bundled models, or show one",
        description="List the bundled models, or show one.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="names of the bundled models")
    listing.add_argument("--json", action="store_true", help="print one JSON array")
    listing.set_defaults(func=run_list)
    info = actions.add_parser("info", help="show a model's card, after checking its files")
    info.add_argument("model", metavar="MODEL", help="model name or card.json")
    info.add_argument("--json", action="store_true", help="print the card as JSON")
    info.set_defaults(func=run_info)


def run_list(options: argparse.Namespace) -> int:
    """Print the names and descriptions."""
    from hpe_edge.hub import list_models, resolve

    cards = [resolve(name).card for name in list_models()]
    if options.json:
        print(json.dumps([card.name for card in cards]))
        return 0
    for card in cards:
        print(f"{card.name:<16} {card.version:<8} {card.licence:<12} {card.description}")
    return 0


def run_info(options: argparse.Namespace) -> int:
    """Check the files, then print the card."""
    from hpe_edge.hub import resolve

    model = resolve(options.model)
    for kind in model.card.files:
        model.read(kind)
    print(json.dumps(model.card.as_dict(), indent=2) if options.json else _as_text(model.card))
    return 0


def _as_text(card: ModelCard) -> str:
    spec = card.input
    lines = [
        f"{card.name} {card.version} ({card.licence})",
        card.description,
        f"input    {spec.width}x{spec.height} {spec.channel_order}, box grown by {spec.margin:g} on each side"
        f"{', squared' if spec.square else ''}",
        f"head     {card.head}",
    ]
    lines += [
        f"file     {kind}: {entry.path}, {entry.bytes} bytes, sha256 {entry.sha256} (checked)"
        for kind, entry in card.files.items()
    ]
    for metric in card.metrics:
        numbers = ", ".join(f"{key} {value:.2f}" for key, value in metric.items() if isinstance(value, float))
        lines.append(f"metric   {metric.get('dataset', '?')}: {numbers}")
    return "\n".join(lines)
