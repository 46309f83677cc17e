"""``hpe-edge data-card``. Heavy imports wait until it runs."""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "data-card",
        help="write the data card of a rendered set: counts, histograms, sheets, licences",
        description="Write card.md, card.json, histograms and contact sheets into a rendered set's folder. "
        "hpe-edge render does so itself when it is done; the shards are only read.",
        epilog="example: hpe-edge data-card heads --assets ASSETS",
    )
    parser.add_argument("dataset", type=Path, help="folder made by hpe-edge render")
    parser.add_argument("--assets", type=Path, help="folder with MANIFEST.json (default: $HPE_EDGE_ASSETS)")
    parser.add_argument("--commit", help="of the program that rendered the set, where its card does not know it")
    parser.add_argument("--json", action="store_true", help="print the card's JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress bar, print nothing")
    parser.set_defaults(func=_data_card)


def _data_card(args: argparse.Namespace) -> int:
    from hpe_edge.training.synthetic.sets.data_card import write_data_card

    card = write_data_card(args.dataset, args.assets, commit=args.commit, quiet=args.quiet or args.json)
    if args.json:
        print(json.dumps(card.content))
    elif not args.quiet:
        print("\n".join(str(path) for path in card.files))
    return 0
